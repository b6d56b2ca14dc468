"""The paragraphs of a text that is XML already: XHTML and NITF as agencies put them into their envelopes.

What a reader sees as a paragraph becomes a line: paragraphs, headings between them, list items, table rows. Pictures
and what belongs to them, scripts, notes that follow the story and keyword lists are no part of its text.
"""

import html
import re
from collections.abc import Collection, Iterable, Iterator
from xml.etree.ElementTree import Element

from streams.wires.documents import MAX_TEXT_BYTES
from streams.wires.html import to_text

_BREAK = "\x1e"
_LINE = "\x1f"
# A line end that only wraps: AAP sets one every 65 letters, within sentences.
_WRAP = re.compile(
    rf"(?:(?<=[\w,] ){_LINE}[ \t\r\n]*+(?=[^\W_]|[($\u00a3\u20ac]\S)"
    rf"|(?<=[\w,]){_LINE}[ \t\r\n]*+(?=[a-z\u00df-\u00ff]))"
)
_BLOCKS = frozenset(
    "address article aside block blockquote body body.content body.head bq caption dd dl dt div "
    "figure h1 h2 h3 h4 h5 h6 hl1 hl2 hedline hr li main note ol p P pre section table tbody tr thead ul "
    "BRODTEXT CITAT INGRESS LI MELLIS UL".split()
)
_CELLS = frozenset({"td", "th"})
_TAG = re.compile(r"<[!/?A-Za-z]|&[#A-Za-z]")
_BLOCK_TAG = re.compile(r"<(?:p|br|div|h[1-6]|ul|ol|li|table|tr|html|body)\b", re.IGNORECASE)
_WRAPPED_AT = 100
NOT_TEXT = frozenset(
    "script style head title media media-caption media-reference media-producer media-metadata figure figcaption img "
    "video audio iframe footer body.end copyrite nitf-table-metadata".split()
)


def prose(element: Element | None, *, without: Collection[str] = NOT_TEXT) -> str:
    """The text below `element`, one paragraph a line; empty for None.

    Text that is escaped markup (`&lt;p&gt;...`) is read as the markup that it is.
    """
    if element is None:
        return ""
    text = _WRAP.sub(" ", "".join(_pieces(element, without)))
    return "\n".join(_as_far_as_kept(_paragraph(part) for part in re.split(f"[{_BREAK}{_LINE}]", text) if part.strip()))


def plain_prose(text: str) -> str:
    """Text without markup of its own: escaped HTML, or lines.

    Lines that all end before the width of a teleprinter are wrapped, and a blank or an indented one starts a
    paragraph; else each is a paragraph.
    """
    if _BLOCK_TAG.search(text):
        return to_text(text)
    lines = [line.rstrip() for line in text.strip("\r\n").splitlines()]
    filled = [line for line in lines if line.strip()]
    if len(filled) > 2 and max(map(len, filled)) <= _WRAPPED_AT and len(filled) < len(lines):
        paragraphs = re.split(r"\n\s*\n", "\n".join(lines))
    else:
        paragraphs = filled
    return to_text("<br>".join(html.escape(part) if not _TAG.search(part) else part for part in paragraphs))


def _as_far_as_kept(paragraphs: Iterable[str]) -> Iterator[str]:
    """Those that are not empty, up to the first that `settle` will cut away in any case."""
    length = 0
    for paragraph in filter(None, paragraphs):
        yield paragraph
        length += len(paragraph) + 1
        if length > MAX_TEXT_BYTES:
            return


def _paragraph(text: str) -> str:
    return to_text(text) if "<" in text or "&" in text else " ".join(text.split())


def _pieces(element: Element, without: Collection[str]) -> Iterator[str]:
    if element.tag == "br":
        yield _LINE
    edge = _BREAK if element.tag in _BLOCKS else " " if element.tag in _CELLS else ""
    yield edge
    yield _preformatted(element.text) if element.tag in {"pre", "inlineData"} else element.text or ""
    for child in element:
        if child.tag not in without:
            yield from _pieces(child, without)
        yield child.tail or ""
    yield edge


def _preformatted(text: str | None) -> str:
    """In `pre` a blank line, or an indented one, ends a paragraph; other line ends only wrap it."""
    lines = (text or "").splitlines()
    return "\n".join(_BREAK + line if not line.strip() or line[:2].isspace() else line for line in lines)
