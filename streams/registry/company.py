"""What stands around a name in its text: the words that speak for a group, the sentence, the case it is set in."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from functools import cached_property

from streams.registry.folding import Folded, fold, fold_key, shape, words
from streams.registry.scanning import is_unspaced

_BREAK = re.compile(r"\n|[.!?…؟۔][\"'”’»)]*\s|[。！？।]")
_LETTERS = re.compile(r"[^\W\d_]{2}")
_FUNCTION_WORDS = frozenset(
    "a all am an and any are as at be but by can did do for get had has he her him his how i if in is it its let may "
    "me my no nor not of off on or our out per she so the they to too up us via was we who why yet you".split()
)
_SHORT = 5
_EARSHOT = 300
"""Characters on either side that tell whether a line is in capitals: a sentence can be as long as a story."""


def near_words(texts: Iterable[str]) -> tuple[str, ...]:
    """The beginnings of words to look for; in scripts that put no space between words, the words themselves."""
    found = (words(fold(text).text)[:-1] for text in texts)
    return tuple(dict.fromkeys(word[1:] if is_unspaced(word[1:2]) else word for word in found))


class Company:
    """One text, asked about the surroundings of the names in it. Answers are kept: names share their near words."""

    def __init__(self, folded: Folded, words: str) -> None:
        self._folded = folded
        self._words = words
        self._text = folded.original
        self._present: dict[str, bool] = {}
        self._places: dict[str, tuple[int, ...]] = {}

    def has_any(self, words: Iterable[str]) -> bool:
        """Whether a word of the text begins with one of these, which are as `near_words` makes them."""
        return any(self._has(word) for word in words)

    def count(self, words: Iterable[str], within: tuple[int, int] | None = None) -> int:
        """How many of these words stand in the text, or in that span of it."""
        start, end = within or (0, len(self._text))
        return sum(self._stands_in(word, start, end) for word in words)

    def sentence(self, start: int, end: int) -> tuple[int, int]:
        """The span of the sentence or headline around a span; `Gen.` may cut it short, which only asks less of it."""
        breaks = self._breaks
        before, after = bisect_right(breaks, start), bisect_left(breaks, end)
        return (breaks[before - 1] if before else 0, breaks[after] if after < len(breaks) else len(self._text))

    def is_written(self, name: str, start: int, end: int, *, has_near: bool) -> bool:
        """Whether a name that must be written just so is, or would be in a line that is capitals throughout.

        Where all of the text is in capitals, nothing tells a short word from a name, unless its near words do.
        """
        found, wanted = shape(self._text[start:end]), shape(name)
        if not found.isupper() or not self._is_shouted(start, end):
            return found == wanted
        if found != wanted.upper() or fold_key(name) in _FUNCTION_WORDS:
            return False
        return has_near or wanted.isupper() or len(wanted) > _SHORT or not self._is_all_capitals

    def _has(self, word: str) -> bool:
        known = self._present.get(word)
        if known is None:
            known = self._present[word] = word in self._words
        return known

    def _stands_in(self, word: str, start: int, end: int) -> bool:
        places = self._places_of(word)
        first = bisect_left(places, start)
        return first < len(places) and places[first] < end

    def _places_of(self, word: str) -> tuple[int, ...]:
        places = self._places.get(word)
        if places is None:
            places = self._places[word] = tuple(self._find(word))
        return places

    def _find(self, word: str) -> Iterable[int]:
        # `words` has a space more in front, and so has a near word, unless its script has no gaps
        shift = 0 if word[0] == " " else 1
        place = self._words.find(word)
        while place >= 0:
            yield self._folded.span(place - shift, place - shift + 1)[0]
            place = self._words.find(word, place + 1)

    def _is_shouted(self, start: int, end: int) -> bool:
        """The words beside the name in its sentence are all capitals; an initial, or nothing, tells nothing."""
        first, last = self.sentence(start, end)
        before = self._text[max(first, start - _EARSHOT) : start]
        beside = f"{before} {self._text[end : min(last, end + _EARSHOT)]}"
        return beside.isupper() and _LETTERS.search(beside) is not None

    @cached_property
    def _is_all_capitals(self) -> bool:
        return self._text.isupper()

    @cached_property
    def _breaks(self) -> list[int]:
        return [match.end() for match in _BREAK.finditer(self._text)]
