"""The metadata of a NewsML-G2 item: its properties by name, wherever an agency puts them, and what they say.

By the standard a property stands in `itemMeta` or in `contentMeta`, a code in `@qcode` or as a whole in `@uri`, a name
in a `name` child or in `@literal`. Agencies move them (ANSA puts `located` into `itemMeta`), respell them (`ednote`)
and write text where a code belongs, so all these are read alike.
Source: NewsML-G2 2.35 specification and implementation guide (IPTC).
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from xml.etree.ElementTree import Element

from streams.wires.html import to_line
from streams.wires.tree import children, words

_CONTAINERS = frozenset({"itemmeta", "contentmeta"})
_SCHEME_AND_CODE = re.compile(r"(?:.*[:/#])?([^:/#]+)[:/#]([^:/#]+)[/#]?")


class Properties:
    """The properties of one item, by their name in lower case; `language` chooses among those in several languages."""

    def __init__(self, item: Element, language: str | None = None) -> None:
        self._found: dict[str, list[Element]] = {}
        for element in _flat(item):
            self._found.setdefault(element.tag.lower(), []).append(element)
        stated = (element.get("tag", "").strip() or words(element) for element in self.all("language"))
        self.language = next(filter(None, stated), None) or language

    def all(self, name: str) -> Sequence[Element]:
        """The properties of this name, in document order."""
        return self._found.get(name.lower(), ())

    def first(self, name: str) -> Element | None:
        """The first one of this name."""
        return next(iter(self.all(name)), None)

    def text(self, name: str) -> str:
        """The first one of this name that says something."""
        return next(filter(None, map(words, self.all(name))), "")

    def line(self, name: str, rank: Callable[[Element], int] = lambda element: 0) -> str:
        """What the best property of this name says: in the story's language, of least `rank`, first."""
        told = [element for element in self.all(name) if words(element)]
        best = min(
            told, key=lambda element: (self.is_foreign(element), rank(element), _stated_rank(element)), default=None
        )
        return "" if best is None else _line(best)

    def lines(self, name: str) -> tuple[str, ...]:
        """What all of this name say, those in another language only where there is no other."""
        told = [element for element in self.all(name) if words(element)]
        own = [element for element in told if not self.is_foreign(element)]
        return tuple(dict.fromkeys(map(_line, own or told)))

    def named(self, name: str) -> str:
        """The name of the first party or place of this name that has one."""
        return next(filter(None, (self.name_of(element) for element in self.all(name))), "")

    def name_of(self, element: Element) -> str:
        """The name of a party or place, as the story's language has it."""
        names = [child for child in children(element, "name") if words(child)]
        best = min(names, key=self.is_foreign, default=None)
        return words(best) or element.get("literal", "").strip()

    def is_foreign(self, element: Element) -> bool:
        """Whether it is in another language than the story."""
        tag = element.get("lang", "")
        return bool(tag and self.language) and _base(tag) != _base(self.language or "")


def code_of(element: Element | None) -> str:
    """`scheme:code` of a property, however it states it; a bare code where no scheme is told; empty for none."""
    if element is None:
        return ""
    stated = (element.get(name, "").strip() for name in ("qcode", "uri", "literal"))
    code = next(filter(None, stated), "") or words(element)
    match = _SCHEME_AND_CODE.fullmatch(code)
    return f"{match[1]}:{match[2]}" if match else code


def local(code: str) -> str:
    """The code without its scheme, in lower case."""
    return code.rpartition(":")[2].strip().lower()


def concepts(elements: Iterable[Element]) -> Iterator[str]:
    """The codes of subjects or genres as they are written, then those that they are the same as."""
    found = list(elements)
    for element in found:
        facets = [code for part in children(element, "mainConcept", "facetConcept") if (code := _concept(part))]
        yield from (code,) if (code := _concept(element)) else facets or [words(next(children(element, "name"), None))]
    for element in found:
        yield from map(_concept, element.iter("sameAs"))


def _concept(element: Element) -> str:
    return next(filter(None, (element.get(name, "").strip() for name in ("qcode", "uri", "literal"))), "")


def _flat(element: Element) -> Iterator[Element]:
    for child in element:
        if child.tag.lower() in _CONTAINERS:
            yield from _flat(child)
        else:
            yield child


def _line(element: Element) -> str:
    """On one line, and without the markup that some write into a line."""
    line = words(element)
    return to_line(line) if "<" in line or "&" in line else line


def _stated_rank(element: Element) -> int:
    rank = element.get("rank", "").strip()
    return int(rank) if rank.isascii() and rank.isdigit() and len(rank) < 9 else 1


def _base(tag: str) -> str:
    return tag.strip().replace("_", "-").partition("-")[0].lower()
