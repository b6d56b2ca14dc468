"""Where known texts stand in a folded text as whole words: plain search, with what scripts call a word.

Most scripts put gaps between words. There the automaton looks for the text between two gaps, so that what it reports
is a word already, and twenty thousand names cost little more than five; what the gaps are made of is compared
afterwards. Chinese, Japanese, Thai and others write words in one string, and Korean writes particles onto them; texts
in these are looked for as they are.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

from streams.registry.folding import spaced, words

_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u309f\u3400-\u9fff\uf900-\ufaff]")
_ONE_STRING = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff]"
)
_HANGUL = re.compile("[\uac00-\ud7a3]")


class Scanner:
    """Texts, folded and `spaced`, compiled."""

    def __init__(self, texts: Iterable[str]) -> None:
        between_gaps: dict[str, list[tuple[str, int]]] = {}
        self._as_they_are: list[str] = []
        for text in texts:
            if _ONE_STRING.search(text):
                self._as_they_are.append(text)
            else:
                pattern, shift = _with_gaps(text)
                between_gaps.setdefault(pattern, []).append((text, shift))
        self._texts = tuple(between_gaps.values())
        self._words = _compile(between_gaps)
        self._strings = _compile(self._as_they_are)

    def scan(self, folded: str, in_words: str) -> Iterator[tuple[str, int]]:
        """Each text that stands in `folded`, with its place there; `in_words` is `words(folded)`."""
        one_string = not folded.isascii() and _ONE_STRING.search(folded)
        for index, place, _ in self._words.find_matches_as_indexes(
            _UNSPACED.sub(" ", in_words) if one_string else in_words, overlapping=True
        ):
            for text, shift in self._texts[index]:
                start = place - shift
                if start >= 0 and spaced(folded[start : start + len(text)]) == text:
                    yield text, start
        if one_string:
            text = spaced(folded)
            for index, start, end in self._strings.find_matches_as_indexes(text, overlapping=True):
                if _is_word(text, start, end):
                    yield self._as_they_are[index], start


def is_unspaced(text: str) -> bool:
    """Whether the text is in a script that puts no gaps between words."""
    return bool(_UNSPACED.match(text))


def _compile(texts: Iterable[str]) -> AhoCorasick:
    return AhoCorasick(list(texts) or ["\x00"], matchkind=MatchKind.Standard, implementation=Implementation.DFA)


def _with_gaps(text: str) -> tuple[str, int]:
    """What the automaton looks for, and how far before its own place in `words` the text begins.

    A text that begins or ends with a mark, as `ULFA (I)` does, has its gap in itself.
    """
    found = words(text)
    first, last = int(found[1] == " "), int(found[-2] == " ")
    return found[first : len(found) - last], first


def _is_word(text: str, start: int, end: int) -> bool:
    if start and not _parts(text[start - 1], text[start]):
        return False
    if end == len(text) or _parts(text[end - 1], text[end]):
        return True
    return bool(_HANGUL.match(text[end - 1]) and _HANGUL.match(text[end]))


def _parts(left: str, right: str) -> bool:
    """Whether a word can end between these two characters."""
    if not right.isalnum():
        return right.isascii() or unicodedata.category(right)[0] != "M"
    if not left.isalnum() and (left.isascii() or unicodedata.category(left)[0] != "M"):
        return True
    return bool(_UNSPACED.match(left) or _UNSPACED.match(right))
