"""Wire XML as a tree of plain names, read strictly.

Agencies send one format under several namespaces, under none, and with prefixes that nobody declared, so names are
compared without them. Otherwise nothing is forgiven: a document that breaks off is refused whole, because half a
story can say the opposite of the story, and a parser that recovers does not tell where it did. Junk after the last
end tag is no part of the document. Entity declarations are refused before anything is parsed.
"""

import re
from collections.abc import Collection, Iterator
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from streams.errors import WireError
from streams.wires.charsets import decode_text
from streams.wires.markup import CDATA, COMMENT, find_root, mend, refuse_entities

MAX_DEPTH = 200
"""Deepest nesting that is read; news texts with tables in lists stay below 30."""


MAX_TREES = 5_000
"""Most documents in a row that are read; an archive has some hundreds."""

_ROOT_WITHIN = 65_536


def parse_tree(raw: bytes, roots: str, media_type: str | None = None) -> Element:
    """The tree whose root is one of `roots` (`a|b`), all names without prefix and namespace.

    Raises WireError: `not-a-feed` without such a root, `entities`, `truncated` where the root's end tag is missing,
    `malformed` for anything else that is no XML.
    """
    text = decode_text(raw, media_type)
    start = find_root(text, roots)
    if start is None:
        raise WireError("not-a-feed")
    refuse_entities(text[:start])
    return _parsed(mend(_whole(text[start:])))


def parse_trees(raw: bytes, roots: str, media_type: str | None = None) -> tuple[Element, ...]:
    """The trees of all elements called one of `roots`, be they siblings in a wrapper or documents in a row.

    Raises WireError as `parse_tree`: one that breaks off, or one that is no XML, refuses them all.
    """
    text = decode_text(raw, media_type)
    trees: list[Element] = []
    at = 0
    while (start := find_root(text[at : at + _ROOT_WITHIN], roots)) is not None:
        if len(trees) == MAX_TREES:
            raise WireError("too-large", f"more than {MAX_TREES} documents in one")
        refuse_entities(text[at : at + start])
        at += start
        end = _end_of_first(text, at)
        trees.append(_parsed(mend(text[at:end])))
        at = end
    if not trees:
        raise WireError("not-a-feed")
    return tuple(trees)


def inner_markup(element: Element) -> str:
    """The content of an element as markup again, for what reads paragraphs out of HTML."""
    return "".join(_markup(element))


def children(element: Element, *names: str) -> Iterator[Element]:
    """The direct children of these names, in document order."""
    return (child for child in element if child.tag in names)


def first(element: Element | None, path: str) -> Element | None:
    """The first element at `a/b`, None on the way too."""
    return None if element is None else element.find(path)


def words(element: Element | None, *, without: Collection[str] = ()) -> str:
    """All text below the element in one line, but for that of the elements named in `without`; empty for none."""
    return "" if element is None else " ".join("".join(_texts(element, without)).split())


def _texts(element: Element, without: Collection[str]) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if child.tag not in without:
            yield from _texts(child, without)
        yield child.tail or ""


def _whole(text: str) -> str:
    """The text up to the end tag of its root. Raises WireError `truncated` where it is missing."""
    opened = re.match(r"<([^\s/>]+)", text)
    end = -1 if opened is None else text.rfind(f"</{opened[1]}")
    close = text.find(">", end)
    if end < 0 or close < 0:
        raise WireError("truncated", "the end tag of the root is missing")
    return text[: close + 1]


def _end_of_first(text: str, start: int) -> int:
    """Where the element that starts at `start` ends. Raises WireError `truncated` if it does not."""
    opened = re.compile(r"<([^\s/>]+)").match(text, start)
    name = re.escape(opened[1] if opened else "")
    depth = 0
    for tag in re.compile(rf"{COMMENT}|{CDATA}|<(/?){name}(?=[\s/>])[^<>]*?(/?)>", re.DOTALL).finditer(text, start):
        if tag[1] is not None:
            depth += -1 if tag[1] else not tag[2]
            if not depth:
                return tag.end()
    raise WireError("truncated", "the end tag of the root is missing")


def _parsed(text: str) -> Element:
    builder, parser = TreeBuilder(), expat.ParserCreate()
    depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise WireError("malformed", f"elements nest deeper than {MAX_DEPTH}")
        builder.start(_local(name), {_local(key): value for key, value in attributes.items()})

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(_local(name))

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = builder.data
    parser.buffer_text = True
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        raise WireError("malformed", f"line {error.lineno}: {expat.ErrorString(error.code)}") from None
    return builder.close()


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _markup(element: Element) -> Iterator[str]:
    yield _escaped(element.text)
    for child in element:
        yield f"<{child.tag}>"
        yield from _markup(child)
        yield f"</{child.tag}>{_escaped(child.tail)}"


def _escaped(text: str | None) -> str:
    return (text or "").replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
