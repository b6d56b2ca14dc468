"""XML as feeds really serve it, made fit for a strict parser, and refused where it is a trap.

What is mended: junk and blank lines before the document, characters that XML forbids, bare ampersands, HTML
entities that XML does not know, character references to nothing. What is refused: entity declarations, in any
form. After `mend` no entity reference is left that a document could have defined, so even a parser that would
expand them finds none.

All expressions are linear: an unclosed comment or CDATA section runs to the end instead of being tried again.
"""

import html
import html.entities
import re

from streams.errors import WireError

COMMENT = r"<!--.*?(?:-->|\Z)"
CDATA = r"<!\[CDATA\[.*?(?:\]\]>|\Z)"

_ROOT_WITHIN = 65_536
_HTML_PAGE = re.compile(r"<(?:!doctype\s+)?html\b", re.IGNORECASE)
_WRAPPER = re.compile(r"(?:<!doctype\s+html[^<>]*>\s*)?<html[^<>]*>\s*<body[^<>]*>\s*\Z", re.IGNORECASE)
_ENTITIES = re.compile(r"<!ENTITY|<!DOCTYPE(?:\"[^\"]*\"|'[^']*'|[^\"'\[<>])*+\[", re.IGNORECASE)
_OUTER_DTD = re.compile(
    r"<!ENTITY\s+%\s+[\w.\-]{1,64}\s+(?:SYSTEM|PUBLIC\s+(?:\"[^\"]*\"|'[^']*'))\s+(?:\"[^\"]*\"|'[^']*')\s*>"
    r"|%[\w.\-]{1,64};"
)
_EMPTY_SUBSET = re.compile(r"\[\s*\](?=\s*>)")
_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_REFERENCE = re.compile(
    CDATA + r"|&(?:(#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{0,31});)?",
    re.DOTALL,
)
_OF_XML = frozenset({"amp", "lt", "gt", "quot", "apos"})


def find_root(text: str, names: str) -> int | None:
    """Where the first element called one of `names` (`a|b`, any prefix or case) starts; None if there is
    none.

    Looked for at the head of the document only, and never inside a comment. Text before it does not matter,
    be it a warning of PHP or a style sheet, unless that is an HTML page: then the element is something the
    page shows. A page that holds nothing else is none: some publishers wrap their feed so.
    """
    pattern = rf"{COMMENT}|{CDATA}|<(?:[\w.\-]{{1,64}}:)?({names})(?=[\s/>])"
    for match in re.finditer(pattern, text[:_ROOT_WITHIN], re.DOTALL | re.IGNORECASE):
        if match[1]:
            before = _WRAPPER.sub("", text[: match.start()])
            return None if is_html(before) else match.start()
    return None


def is_html(text: str) -> bool:
    """Whether the head of a document says that it is an HTML page."""
    return bool(_HTML_PAGE.search(re.sub(COMMENT, "", text[:_ROOT_WITHIN], flags=re.DOTALL)))


def refuse_entities(prologue: str) -> None:
    """Raises WireError `entities` if what stands before the root declares entities or opens an internal
    subset.

    A DOCTYPE that only names an outer DTD passes (RSS 0.91 has one): nobody fetches it. So does a subset that only
    calls a further DTD by a parameter entity: Kyodo and ATS pull that of NITF into their NewsML so.
    """
    bare = _OUTER_DTD.sub("", re.sub(COMMENT, "", prologue, flags=re.DOTALL))
    if _ENTITIES.search(_EMPTY_SUBSET.sub("", bare)):
        raise WireError("entities", "the document declares entities")


def mend(text: str) -> str:
    """The text with forbidden characters dropped and every reference one that XML itself knows."""
    return _REFERENCE.sub(_mended_reference, _ILLEGAL.sub("", text))


def _mended_reference(match: re.Match[str]) -> str:
    whole, name = match[0], match[1]
    if whole.startswith("<"):
        return whole  # inside CDATA an ampersand is a letter
    if name is None:
        return "&amp;"
    if name in _OF_XML:
        return whole
    if name.startswith("#"):
        return whole if _is_legal(name) else ""
    known = html.entities.html5.get(f"{name};")
    return html.escape(known) if known else f"&amp;{name};"


def _is_legal(reference: str) -> bool:
    """`#65` or `#x41` names a character that XML 1.0 allows (section 2.2)."""
    code = int(reference[2:], 16) if reference[1] in "xX" else int(reference[1:])
    return code < 0x110000 and not _ILLEGAL.match(chr(code))
