"""Where the items of a web feed stand in its text, found without parsing it.

The outline answers what feedparser does not: the guid as it is written (feedparser lower-cases schemes and
joins it to `xml:base`), whether an item's own end tag is there, and whether the document's is. It knows tags,
comments and CDATA and nothing else, so it survives markup that no XML parser accepts.
"""

import html
import re
from typing import NamedTuple

from streams.wires.markup import CDATA, COMMENT

_TOKEN = re.compile(
    COMMENT + "|" + CDATA + r"|<(/?)((?:[A-Za-z_][\w.\-]*+:)?+[A-Za-z_][\w.\-]*+)([^<>]*+)>",
    re.DOTALL,
)
_ABOUT = re.compile(r"\brdf:about\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)
_CDATA = re.compile(f"({CDATA})", re.DOTALL)
_ITEMS = frozenset({"item", "entry"})
_IDS = frozenset({"guid", "id"})
_PREFIXES = frozenset({"", "rss", "atom"})


class Item(NamedTuple):
    """One item: `text[start:end]`; `closed` is False where its end tag never came."""

    start: int
    end: int
    guid: str | None
    closed: bool


class Outline(NamedTuple):
    """The items in document order, whether the root's end tag was seen, and where; the tags that would end
    it.
    """

    items: tuple[Item, ...]
    closed: bool
    end: int
    closers: str

    def first(self, count: int, text: str) -> str:
        """The document with its first `count` items only, closed properly."""
        if self.closed and count >= len(self.items):
            return text[: self.end]
        return text[: self.items[count - 1].end] + self.closers


class _Tag(NamedTuple):
    """A start or end tag: its name as written, and split in lower case."""

    name: str
    prefix: str
    local: str
    closing: bool
    empty: bool
    attributes: str
    start: int
    end: int


def outline(text: str) -> Outline:
    """The outline of a document that starts with its root element."""
    tags = (_tag(match) for match in _TOKEN.finditer(text) if match[2])
    root = next(tags, None)
    if root is None:
        return Outline((), False, len(text), "")
    reader = _Reader(text, root)
    for tag in tags:
        if tag.closing and tag.name == root.name:
            reader.end_item(tag.start, closed=False)
            return Outline(tuple(reader.items), True, tag.end, reader.closers(root))
        reader.see(tag)
    reader.end_item(len(text), closed=False)
    return Outline(tuple(reader.items), False, len(text), reader.closers(root))


class _Reader:
    """Goes over the tags once and keeps the items seen so far and what is known of the open one."""

    def __init__(self, text: str, root: _Tag) -> None:
        self.items: list[Item] = []
        self._text = text
        self._prefixes = _PREFIXES | {root.prefix}
        self._item: _Tag | None = None
        self._guid: str | None = None
        self._guid_from: int | None = None
        self._in_source = False
        self._channel: str | None = None  # the element around the items, where the root is not it

    def see(self, tag: _Tag) -> None:
        """Takes the next tag after the root's."""
        if tag.prefix not in self._prefixes:
            return
        if tag.local in _ITEMS:
            self._item_tag(tag)
        elif tag.local == "channel" and not self.items:
            self._channel = None if tag.closing else tag.name
        elif self._item is not None and tag.local == "source":
            self._in_source = not tag.closing and not tag.empty
        elif self._item is not None and tag.local in _IDS and not self._in_source:
            self._id_tag(tag)

    def end_item(self, end: int, *, closed: bool) -> None:
        """Files the open item, if there is one."""
        if self._item is not None:
            self.items.append(Item(self._item.start, end, self._guid, closed))
        self._item = self._guid = self._guid_from = None
        self._in_source = False

    def closers(self, root: _Tag) -> str:
        """The end tags that a document lacks which stops after an item."""
        return (f"</{self._channel}>" if self._channel else "") + f"</{root.name}>"

    def _item_tag(self, tag: _Tag) -> None:
        if tag.closing:
            self.end_item(tag.end, closed=True)
            return
        self.end_item(tag.start, closed=False)  # its end tag is missing: the next item ends it
        self._item = tag
        about = _ABOUT.search(tag.attributes)
        self._guid = (_plain(about[1] or about[2] or "") or None) if about else None
        if tag.empty:
            self.end_item(tag.end, closed=True)

    def _id_tag(self, tag: _Tag) -> None:
        """The first id of the item itself counts; one inside Atom's `source` is another feed's."""
        if not tag.closing:
            self._guid_from = tag.end
        elif self._guid_from is not None and self._guid is None:
            self._guid = _plain(self._text[self._guid_from : tag.start]) or None


def _tag(match: re.Match[str]) -> _Tag:
    prefix, _, local = match[2].lower().rpartition(":")
    return _Tag(match[2], prefix, local, bool(match[1]), match[3].endswith("/"), match[3], *match.span())


def _plain(raw: str) -> str:
    """The characters that an element with text only stands for."""
    parts = _CDATA.split(raw)
    texts = (part[9:].removesuffix("]]>") if part.startswith("<![CDATA[") else html.unescape(part) for part in parts)
    return "".join(texts).strip()
