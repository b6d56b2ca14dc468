"""What a NewsML-G2 item says: which of its headlines is the headline, which of its contents the text, and in what
language.

The content may come as XHTML, as NITF, as escaped HTML or as plain lines, and in several of them at once: the fullest
is taken. What agencies put around the text of an XHTML page (keyword lists, headers, notes for editors) is no text.
"""

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from streams.wires import nitf
from streams.wires.html import to_text
from streams.wires.prose import NOT_TEXT, prose
from streams.wires.tree import first, words

_NOT_MAIN = re.compile(r"sub|short|kick|drop|alt|web|over|dach|unter|online|teaser|deck|social|sms|search|seo")
"""What is in the role of a headline that is not the headline, in the agencies' own words."""
_AROUND = frozenset({"slugline", "notepad", "notebook", "copyright", "embargo", "footer", "ednote"})
_NOT_BODY = NOT_TEXT | {"header", "nav", "aside"}
_TEXTS = frozenset("nitf html BODY body div section article main p ul ol table h1 h2 h3 h4 blockquote pre".split())
"""What may be in `inlineXML`; results of sports and events are XML too, and no text."""
_HTML = re.compile(r"</?(?:p|br|div|span|b|i|a|h\d)\b", re.IGNORECASE)


def headline_of(item: Element, language: str | None) -> str:
    """The main headline in the item's language, else its title, else the first heading of its text."""
    ranked = sorted(item.iterfind("contentMeta/headline"), key=lambda headline: _order(headline, language))
    headline = next(filter(None, map(words, ranked)), "")
    titles = (words(title) for title in item.iterfind("itemMeta/title"))
    return headline or next(filter(None, titles), "") or _heading(item)


def body_of(item: Element, headline: str) -> str:
    """The fullest of the item's texts, one paragraph a line; pages that begin with the headline begin behind it."""
    content = first(item, "contentSet")
    text = max(map(_text, content), key=len, default="") if content is not None else ""
    lead, _, rest = text.partition("\n")
    return rest if rest and lead == headline else text


def language_of(item: Element) -> str | None:
    """Of the content as stated, else of the text itself, else of the item, which is that of its metadata."""
    stated = (language.get("tag") for language in item.iterfind("contentMeta/language"))
    content = first(item, "contentSet")
    inner = (element.get("lang") for part in (content if content is not None else ()) for element in (part, *part))
    return next(filter(None, (*stated, *inner, item.get("lang"))), None)


def _order(headline: Element, language: str | None) -> tuple[bool, bool, int]:
    """Main before other, the item's language before others, then by rank; equal ones stay in document order."""
    role, lang = headline.get("role", "").rpartition(":")[2].lower(), headline.get("lang")
    foreign = bool(language and lang and lang.lower()[:2] != language.lower()[:2])
    rank = headline.get("rank", "")
    return bool(_NOT_MAIN.search(role)), foreign, int(rank) if rank.isascii() and rank.isdigit() else 1


def _heading(item: Element) -> str:
    document = first(item, "contentSet/inlineXML/nitf")
    heading = first(item, "contentSet/inlineXML/html/body/h1")
    return nitf.headline_of(document) if document is not None else words(heading)


def _text(content: Element) -> str:
    if content.tag == "inlineXML":
        texts = [_inline(document) for document in content if document.tag in _TEXTS]
        return "\n".join(filter(None, texts)) if len(content) else prose(content)
    if content.tag == "inlineData":
        return _data(content)
    return ""


def _inline(document: Element) -> str:
    if document.tag == "nitf":
        return nitf.body_of(document)
    if document.tag == "BODY":  # TT's own markup: lead and text of each of its pieces, its pictures beside them
        parts = (part for piece in document.iter("TEXT") for part in piece if part.tag in {"INGRESS", "BRODTEXT"})
        return "\n".join(filter(None, map(prose, parts)))
    _prune(document)
    body = first(document, "body")
    return prose(document if body is None else body, without=_NOT_BODY)


def _data(content: Element) -> str:
    """Escaped HTML, or lines: there a blank line ends a paragraph."""
    text = "".join(content.itertext())
    if "html" in content.get("contenttype", "") or _HTML.search(text):
        return to_text(text)
    return prose(content)


def _prune(element: Element) -> None:
    """Takes out what its class says is not of the text, its tail kept."""
    for child in list(element):
        if _AROUND.isdisjoint(_classes(child)):
            _prune(child)
            continue
        children = list(element)
        at = children.index(child)
        if at:
            children[at - 1].tail = (children[at - 1].tail or "") + (child.tail or "")
        else:
            element.text = (element.text or "") + (child.tail or "")
        element.remove(child)


def _classes(element: Element) -> Iterator[str]:
    """The words of a class, `dpa-notepad` as `notepad` too."""
    for name in element.get("class", "").lower().split():
        yield name
        yield name.rpartition("-")[2]
