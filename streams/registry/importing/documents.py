"""XML documents read piece by piece: memory for one record at a time, whatever the size of the file.

A document type declaration is refused before anything is built, so there are no entities to expand or to fetch;
none of the official lists has one. Names lose their namespace: OFAC alone has used five for the same schema.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple, cast
from xml.etree.ElementTree import Element, ParseError, XMLPullParser
from xml.parsers import expat

from streams.registry.importing.listed import ListFileError

CHUNK_BYTES = 64 * 1024
MAX_DEPTH = 40
"""The deepest official schema nests twelve."""


class Root(NamedTuple):
    """The outermost element."""

    namespace: str
    name: str


class _Answer(Exception):  # noqa: N818 - carries the root out of the parser
    def __init__(self, root: Root) -> None:
        self.root = root


def root_of(raw: bytes) -> Root | None:
    """The outermost element of a document that may be cut; None if it is no XML.

    Raises ListFileError for a document type declaration, in any encoding.
    """
    parser = expat.ParserCreate(namespace_separator=" ")

    def refuse(name: str, *_: object) -> None:
        problem = "a web page, not a list" if name.lower() == "html" else "a document type is declared: refused"
        raise ListFileError(problem, parser.CurrentLineNumber)

    def answer(name: str, _: object) -> None:
        namespace, _, local = name.rpartition(" ")
        raise _Answer(Root(namespace, local))

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = answer
    try:
        parser.Parse(raw, False)
    except _Answer as found:
        return found.root
    except expat.ExpatError:
        return None
    return None


def elements(raw: bytes, root: str, wanted: Collection[str]) -> Iterator[Element]:
    """Each outermost element of a wanted name, whole, in order; everything else is dropped as it is read.

    Raises ListFileError: another root, broken or cut XML, nesting beyond `MAX_DEPTH`.
    """
    found = root_of(raw)
    if found is None:
        raise ListFileError("no XML, or cut before its first element")
    if found.name != root:
        raise ListFileError(f"the root element is {found.name}, not {root}", 1)
    parser: XMLPullParser[Element] = XMLPullParser(("start", "end"))
    path: list[Element] = []
    inside = 0  # how many of the open elements are wanted
    for event, element in _events(parser, raw):
        if event == "start":
            element.tag = element.tag.rpartition("}")[2]
            path.append(element)
            inside += element.tag in wanted
            if len(path) > MAX_DEPTH:
                raise ListFileError(f"elements nest deeper than {MAX_DEPTH}")
            continue
        path.pop()
        if element.tag in wanted:
            inside -= 1
            if not inside:
                yield element
        if not inside and path:
            path[-1].remove(element)


def _events(parser: XMLPullParser[Element], raw: bytes) -> Iterator[tuple[str, Element]]:
    try:
        for start in range(0, len(raw), CHUNK_BYTES):
            parser.feed(raw[start : start + CHUNK_BYTES])
            for event in parser.read_events():
                yield cast("tuple[str, Element]", event)
        parser.close()
    except ParseError as error:
        line, column = error.position
        problem = str(error).partition(":")[0]
        raise ListFileError(f"broken or cut XML: {problem}", line, column + 1) from None


def unknown(element: Element, known: Collection[str]) -> tuple[str, ...]:
    """A signal for every field under `element` that the format's table does not name, each once.

    A field is `a/b`, an attribute `a/@c`; `a/*` names `a` with all that stands below it.
    """
    return tuple(dict.fromkeys(f"unknown field {path}" for path in _strangers(element, "", known)))


def _strangers(element: Element, path: str, known: Collection[str]) -> Iterator[str]:
    yield from (f"{path}@{name}" for name in element.attrib if f"{path}@{name}" not in known)
    for child in element:
        here = f"{path}{child.tag}"
        if f"{here}/*" in known:
            continue
        if here not in known:
            yield here
        yield from _strangers(child, f"{here}/", known)
