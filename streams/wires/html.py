"""The text of a piece of HTML, as a person would read it: one paragraph a line, no markup, entities unescaped
once.

Feeds put HTML where text belongs and text where HTML belongs, so everything goes through here; what holds
neither a tag nor an entity comes out as it went in, its blank lines ending paragraphs. Scripts, styles and
embedded media are no text.

An HTML parser takes time that grows with the square of the nesting and of the attributes of one tag, so
absurdly nested or long markup is stripped of its tags by a plain expression instead, and the attributes of a very
long tag are cut.
"""

import html
import re

from selectolax.lexbor import LexborHTMLParser

MAX_DEPTH = 200
"""Deepest nesting that is parsed. Mail newsletters with tables in tables stay below 60."""

MAX_PARSED = 1_048_576
"""Longest markup, in characters, that is parsed: a million paragraphs take the parser seconds."""

_MARKUP = re.compile(r"<[!/?A-Za-z]|&[#A-Za-z]")
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)")
_NOT_TEXT = ("script", "style", "noscript", "template", "iframe", "head", "title")
_BLOCKS = (
    "address", "article", "aside", "blockquote", "br", "caption", "dd", "div", "dl", "dt", "figcaption",
    "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol",
    "p", "pre", "section", "table", "td", "th", "tr", "ul",
)  # fmt: skip
_UNNESTED = frozenset({"p", "br", "hr", "li", "dt", "dd", "td", "th", "tr", "img", "input", "meta", "link", "wbr"})
_BREAK = "\x1e"
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_BLANK_LINE = re.compile(r"\n\s*\n")
_SPACES = re.compile(r"\s+")
_DROPPED = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style|noscript|template|iframe)\b.*?(?:</\1\s*>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_BLOCK_TAG = re.compile(rf"</?(?:{'|'.join(_BLOCKS)})\b[^<>]*>", re.IGNORECASE)
_LONG_TAG = re.compile(r"(<[A-Za-z][A-Za-z0-9]*)[^<>]{4096,}+>")  # thousands of attributes, or an image inline
_OTHER_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<[!?][^<>]*>")


def to_text(markup: str) -> str:
    """The text of `markup`, one paragraph a line, without blank lines."""
    markup = _CONTROLS.sub("", markup)
    if not _BLOCK_TAG.search(markup):
        markup = _BLANK_LINE.sub(_BREAK, markup)
    if not _MARKUP.search(markup):
        return _lines(markup)
    markup = _LONG_TAG.sub(r"\1>", markup)
    return _lines(_strip(markup) if len(markup) > MAX_PARSED or _too_deep(markup) else _parse(markup))


def to_line(markup: str) -> str:
    """The text of `markup` in one line, for headlines."""
    return " ".join(to_text(markup).split("\n"))


def _parse(markup: str) -> str:
    page = LexborHTMLParser(markup)
    page.strip_tags(list(_NOT_TEXT), recursive=True)
    if page.body is None:
        return ""
    for block in page.body.css(",".join(_BLOCKS)):
        block.insert_before(_BREAK)
        block.insert_after(_BREAK)
    return page.body.text(separator="")


def _strip(markup: str) -> str:
    text = _BLOCK_TAG.sub(_BREAK, _DROPPED.sub(" ", markup))
    return html.unescape(_OTHER_TAG.sub("", text))


def _too_deep(markup: str) -> bool:
    depth = 0
    for closing, name in _TAG.findall(markup):
        if name.lower() in _UNNESTED:
            continue
        depth = max(depth - 1, 0) if closing else depth + 1
        if depth > MAX_DEPTH:
            return True
    return False


def _lines(text: str) -> str:
    paragraphs = (_SPACES.sub(" ", _CONTROLS.sub("", part)).strip() for part in text.split(_BREAK))
    return "\n".join(part for part in paragraphs if part)
