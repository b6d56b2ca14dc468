"""Words that name an actor: every authority's own, and the organs that every state has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from streams.reading.tokens import Kind, Unit, tokens
from streams.reading.words import organs
from streams.records import AuthorityKey, GroupKey
from streams.registry import Registry
from streams.registry.entries import Act, Authority


class Term(NamedTuple):
    """What a run of words stands for. `authority` None: an organ whose country must be found beside it."""

    words: tuple[str, ...]
    authority: AuthorityKey | None
    act: Act | None
    noun: str | None
    demonym: bool
    capital: bool  # must begin with a capital letter
    shout: bool  # an acronym that is also a word ("US"): only in capitals


class Lexicon:
    """The terms, by first word, longest first; and `whole`, the group that each wing is a part of."""

    def __init__(self, registry: Registry) -> None:
        """Index every name of every authority."""
        self.whole: dict[GroupKey, GroupKey] = {
            key: group.part_of for key, group in registry.groups.items() if group.part_of is not None
        }
        self._by_first: dict[str, list[Term]] = {}
        for term in (*_authority_terms(registry), *_organ_terms()):
            self._by_first.setdefault(term.words[0], []).append(term)
        for terms in self._by_first.values():
            terms.sort(key=lambda term: -len(term.words))

    def opens(self, word: str) -> bool:
        """Whether any term begins with the word; a cheap question before `match`."""
        return word in self._by_first

    def match(self, pieces: Sequence[Unit], index: int, text: str) -> tuple[Term | None, int]:
        """The longest term at `index` and how many tokens it takes; (None, 0) if there is none."""
        for term in self._by_first.get(pieces[index].text, ()):
            length = len(term.words)
            if (
                term.authority is not None
                and not term.capital
                and not (index and pieces[index - 1].text in {"the", "this"})
            ):
                continue  # "the bloc", "the world body"; but "an Islamic bloc"
            if (
                length > len(pieces) - index
                or pieces[index].kind is not Kind.WORD
                or not _fits(term, pieces[index], text)
            ):
                continue
            if all(pieces[index + k].text == term.words[k] for k in range(1, length)):
                return term, length
        return None, 0


def _fits(term: Term, token: Unit, text: str) -> bool:
    if term.shout:
        return text[token.start : token.start + len(token.text)].isupper()
    return token.capital or not term.capital


def _authority_terms(registry: Registry) -> Iterator[Term]:
    for authority in registry.authorities.values():
        for name in (authority.name, *authority.names, *authority.metonyms, *authority.figures):
            yield _term(name, authority, None, None)
        for name in authority.demonyms:
            yield _term(name, authority, None, None, demonym=True)
        for organ in authority.organs:
            for name in organ.names:
                yield _term(name, authority, organ.act, name)


def _term(name: str, authority: Authority, act: Act | None, noun: str | None, demonym: bool = False) -> Term:
    pieces = tuple(word_split(name))
    shout = name.isupper() and "." not in name and len(name) <= 3
    return Term(pieces, authority.key, act, noun, demonym, name[0].isupper(), shout)


def _organ_terms() -> Iterator[Term]:
    for row in organs():
        for name in row.words:
            yield Term(tuple(word_split(name)), None, row.act, row.noun, False, False, False)


def word_split(name: str) -> list[str]:
    """The words of a name as the tokeniser cuts them."""
    return [token.text for token in tokens(name, 0, len(name))]
