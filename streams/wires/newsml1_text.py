"""Which of the components of a NewsML 1 item is its text, and how that text is written.

Components nest: a story and its picture, a short and a long version, a lead and a body, the same in two languages.
Their `Role` tells, by its words (`Main Text`, `TweetText`); agencies make up their own, so an unknown role is a text
and only the known others are passed over.
Precedence: what is called the text, then what has no name, then a short version, then the words of a broadcast, then
a sidebar. Texts of one standing are one story if they share language and headline, unless their parent says that they
are equivalent. Formats of one ContentItem are alternatives: the richest is read.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from xml.etree.ElementTree import Element

from streams.wires import nitf
from streams.wires.prose import NOT_TEXT, plain_prose, prose
from streams.wires.tree import children, first, words

# fmt: off
_TEXTS = frozenset("main body text article story original lead intro content".split())
_LESSER = {
    "short": 1, "brief": 1, "alert": 1, "flash": 1, "bulletin": 1,
    "audio": 2, "quote": 2, "sound": 2, "sidebar": 3, "supporting": 3, "background": 3, "related": 3, "factbox": 3,
}
_TITLES = frozenset("title headline hedline".split())
_ASIDE = _TITLES | frozenset(
    "abstract summary precis synopsis teaser translation caption captions tweet keywords keyword contact "
    "contacts credit byline copyright biography note ednote advisory notepad subtitle description".split()
)
_MEDIA = frozenset(
    "picture photo image graphic graphics video clip thumbnail preview logo icon animation infographic illustration "
    "quicklook highdef highres lowres squared".split()
)
# fmt: on
_NOT_BODY = NOT_TEXT | {"body.head"}
_MEDIA_TYPE = re.compile(
    r"(?:photo|picture|image|graphic|video|audio|animation|jpe?g|mpe?g\d?|mp[34])\b", re.IGNORECASE
)
_BINARY = re.compile(r"base64|zip|uu", re.IGNORECASE)
_ROLE_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_LONGEST_ROLE = 100
_PLACEHOLDER = re.compile(r"no headline\W*", re.IGNORECASE)


class Reading(NamedTuple):
    """The text of an item and where it stands in it."""

    body: str
    path: tuple[Element, ...]  # the components from the outermost to the one with the text
    nitf: Element | None  # where the text is NITF
    title: str  # a headline that came as a component
    shows_media: bool
    is_elsewhere: bool  # some text of it is to be fetched


class _Place(NamedTuple):
    """Where a component stands; what it does not say itself it inherits. Carried down, because looking it up from
    each of thousands of leaves takes time that grows with their square.
    """

    path: tuple[Element, ...] = ()
    roles: frozenset[str] = frozenset()
    language: str = ""
    headline: str = ""

    def within(self, component: Element) -> "_Place":
        """The place of a component inside this one. The outermost headline is that of all the versions in it."""
        headline = words(first(component, "NewsLines/HeadLine")) if self.path else ""
        return _Place(
            path=(*self.path, component),
            roles=self.roles | _role(component),
            language=_language(component).lower() or self.language,
            headline=headline or self.headline,
        )

    @property
    def rank(self) -> tuple[int, int]:
        """How far from being the text, 0 for the text itself."""
        return max((_LESSER.get(role, 0) for role in self.roles), default=0), 0 if self.roles & _TEXTS else 1


class _Leaf(NamedTuple):
    place: _Place
    rank: tuple[int, int]
    content: Element
    body: str


def read_text(item: Element) -> Reading:
    """The item's text; an empty body, and the outermost component for path, if it has none."""
    contents = list(item.iter("ContentItem"))
    shows_media = any(map(_is_media, contents))
    is_elsewhere = any(content.get("Href") and not _is_media(content) for content in contents)
    leaves = [
        leaf for component in children(item, "NewsComponent") for leaf in _leaves(component, _Place()) if leaf.body
    ]
    best = min((leaf.rank for leaf in leaves), default=None)
    parts = _of_one_story([leaf for leaf in leaves if leaf.rank == best])
    if not parts:
        path = tuple(_first_of_each(item))
        return Reading("", path, None, _title(path), shows_media, is_elsewhere)
    body = "\n".join(dict.fromkeys(part.body for part in parts))
    path = parts[0].place.path
    return Reading(body, path, nitf.article_in(parts[0].content), _title(path), shows_media, is_elsewhere)


def is_headline(line: str) -> bool:
    """Whether a line says something; Belga writes `No Headline !` where it has none."""
    return bool(line) and not _PLACEHOLDER.fullmatch(line)


def _leaves(component: Element, around: _Place) -> Iterator[_Leaf]:
    if _role(component) & (_MEDIA | _ASIDE):
        return
    place = around.within(component)
    if content := _content(component):
        yield _Leaf(place, place.rank, content[0], content[1])
    for child in children(component, "NewsComponent"):
        yield from _leaves(child, place)


def _of_one_story(leaves: Sequence[_Leaf]) -> list[_Leaf]:
    if not leaves:
        return []
    head, place = leaves[0], leaves[0].place
    headlines = {"", place.headline}
    same = [leaf for leaf in leaves if leaf.place.language == place.language and leaf.place.headline in headlines]
    return [leaf for leaf in same if leaf is head or not _are_equivalents(place.path, leaf.place.path)]


def _are_equivalents(one: Sequence[Element], other: Sequence[Element]) -> bool:
    """Whether the component that both are in offers them for choice."""
    common = [mine for mine, theirs in zip(one, other, strict=False) if mine is theirs]
    return bool(common) and common[-1].get("EquivalentsList", "no").lower() == "yes"


def _content(component: Element) -> tuple[Element, str] | None:
    """The richest text among the component's content; a text beside a picture, unless it is called one, is its
    caption.
    """
    items = list(children(component, "ContentItem"))
    if any(map(_is_media, items)) and not _role(component) & _TEXTS:
        return None
    contents = [content for item in items if not _is_media(item) for content in _data(item)]
    found = [(content, _body(content)) for content in contents]
    readable = [pair for pair in found if pair[1]]
    return min(readable, key=lambda pair: _plainness(pair[0]), default=None)


def _data(content_item: Element) -> Iterator[Element]:
    """The data but for what is encoded: Base64 is no text."""
    for child in children(content_item, "DataContent", "Encoding"):
        if child.tag == "DataContent":
            yield child
        elif not _BINARY.search(child.get("Notation", "")):
            yield from _data(child)


def _plainness(content: Element) -> int:
    return 0 if nitf.article_in(content) is not None else 1 if len(content) else 2


def _body(content: Element) -> str:
    article = nitf.article_in(content)
    if article is not None:
        return nitf.body_of(article)
    return prose(content, without=_NOT_BODY) if len(content) else plain_prose(content.text or "")


def _title(path: Sequence[Element]) -> str:
    """The text of a component that is a headline, beside or above the one with the story."""
    for component in reversed(path):
        for sibling in children(component, "NewsComponent"):
            if _role(sibling) & _TITLES and (title := words(first(sibling, "ContentItem/DataContent"))):
                return title if is_headline(title) else ""
    article = next((found for part in path for found in part.iter("nitf")), None)
    return nitf.headline_of(article) if article is not None else ""


def _first_of_each(item: Element) -> Iterator[Element]:
    """The outermost component and the first one in each."""
    component = first(item, "NewsComponent")
    while component is not None:
        yield component
        component = first(component, "NewsComponent")


def _is_media(content_item: Element) -> bool:
    kinds = (first(content_item, name) for name in ("MediaType", "MimeType", "Format"))
    return any(kind is not None and _MEDIA_TYPE.match(kind.get("FormalName", "").strip()) for kind in kinds)


def _role(component: Element) -> frozenset[str]:
    """The words of the component's role."""
    role = first(component, "Role")
    stated = "" if role is None else role.get("FormalName", "") or words(role)
    return frozenset(word.lower() for word in _ROLE_WORD.findall(stated[:_LONGEST_ROLE]))


def _language(component: Element) -> str:
    language = first(component, "DescriptiveMetadata/Language")
    return (language.get("FormalName", "") if language is not None else "") or component.get("lang", "")
