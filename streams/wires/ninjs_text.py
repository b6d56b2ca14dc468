"""Headline and body of a ninjs item, out of the renditions in which it gives them.

Of several bodies the one that the agency calls main counts, else the fullest: HTML before plain text, because it keeps
the paragraphs, unless there is much less in it (a teaser beside the whole text). NITF is read where there is nothing
else.
"""

from collections.abc import Iterator
from typing import NamedTuple

from streams.errors import WireError
from streams.wires.html import to_text
from streams.wires.json_document import Fields, line, objects, paragraphs, string
from streams.wires.prose import prose
from streams.wires.tree import first, parse_tree

_MOST_BODIES = 32
_MAIN = "main"
_LESSER = frozenset(
    "abstract altext alttext caption description headline lead note preamble slug summary teaser title".split()
)


class _Body(NamedTuple):
    kind: str  # html, plain or nitf
    role: str
    value: str


def headline_of(item: Fields) -> str:
    """The headline in one line, of several the main one in the item's language; empty where there is none."""
    if stated := line(item, "headline", "headline_main"):
        return stated
    language = string(item, "language").lower()
    listed = [entry for entry in objects(item.get("headlines")) if line(entry, "value")]
    best = min(listed, key=lambda entry: _remoteness(entry, language), default={})
    return line(best, "value") or line(item, "title")


def body_of(item: Fields) -> str:
    """The text, one paragraph a line; empty where the item has none of its own."""
    bodies = [*_plain_fields(item), *_listed(item)]
    for chosen in (
        [body for body in bodies if body.role == _MAIN],
        [body for body in bodies if body.role not in _LESSER],
        bodies,
    ):
        if text := _fullest(chosen):
            return text
    return ""


def _remoteness(entry: Fields, language: str) -> tuple[bool, bool]:
    other = string(entry, "xml:lang", "lang", "language").lower()
    return bool(other and language and other != language), string(entry, "role").lower() not in {_MAIN, ""}


def _plain_fields(item: Fields) -> Iterator[_Body]:
    """The bodies of version 1: `body_text`, `body_html`, `body_xhtml`, `body_main`, and those that senders added."""
    for name in item:
        prefix, _, role = name.partition("_")
        if prefix == "body" and (value := string(item, name)):
            yield _Body(_kind(role, value), role, value)


def _listed(item: Fields) -> Iterator[_Body]:
    """The bodies of versions 2 and 3."""
    for entry in objects(item.get("bodies"))[:_MOST_BODIES]:
        role, value = string(entry, "role").lower(), string(entry, "value")
        yield _Body(_kind(string(entry, "contenttype", "contentType").lower() or role, value), role, value)


def _kind(name: str, value: str) -> str:
    if "nitf" in name:
        return "nitf"
    return "html" if "html" in name or "</" in value else "plain"


def _fullest(bodies: list[_Body]) -> str:
    texts = {kind: max((_text(body) for body in bodies if body.kind == kind), key=len, default="") for kind in
             ("html", "plain", "nitf")}  # fmt: skip
    if texts["html"] and 2 * len(texts["html"]) >= len(texts["plain"]):
        return texts["html"]
    return texts["plain"] or texts["nitf"]


def _text(body: _Body) -> str:
    if body.kind == "nitf":
        return _nitf(body.value)
    return to_text(body.value if body.kind == "html" else paragraphs(body.value))


def _nitf(markup: str) -> str:
    try:
        root = parse_tree(markup.encode("utf-8", "replace"), "nitf|body|block")
    except WireError:
        return to_text(markup)
    return prose(first(root, "body/body.content") if root.tag == "nitf" else root)
