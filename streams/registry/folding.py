"""Text folded for matching, with the way back to the original offsets.

Two writings of one name must compare equal: case, compatibility forms (NFKC), diacritics, curly quotes, the many
hyphens, no-break spaces, and the invisible characters that hostile or sloppy text carries. Folding can lengthen or
shorten a text (`ß` to `ss`, zero-width space to nothing), so a fold keeps, for each folded character, the index of
the original one it came from. Names have one step more, `spaced`: `al-Shabaab` is `al Shabaab`; words keep their
hyphens, so the reader folds without it. And `words` leaves nothing but words, for the automaton.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import NamedTuple

_SAME = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛ʼʻ`´ʿʾ＇", "'"),
        **dict.fromkeys("“”„‟«»", '"'),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        **dict.fromkeys("\t\n\r\x0b\x0c\u00a0\u2028\u2029", " "),
        "\u0640": "",  # the stroke that stretches Arabic words
        "ı": "i",
        "ł": "l",
        "ی": "ي",  # Persian keyboards have letters of their own for two that Arabic shares
        "ى": "ي",
        "ک": "ك",
    }
)
_RUNS = re.compile(r"[\x00-\x7f]+|[^\x00-\x7f]+")
_JOINT = re.compile(r"(?<=[^\W_])-(?=[^\W_])")
_SIGNS = "".join(
    chr(code) for code in (*range(0x900, 0x1D00), *range(0xA800, 0xAC00)) if unicodedata.category(chr(code))[0] == "M"
)
_GAP = re.compile(f"[^\\w{_SIGNS}]|_")
_ASCII_GAPS = str.maketrans({chr(code): " " for code in range(128) if not chr(code).isalnum()})
_VOWEL_SIGNS = {0, 9}
"""Combining classes of marks that are letters of their own, in Indic and Burmese writing; the rest are accents."""
_INVISIBLE = frozenset("\u034f\u180b\u180c\u180d") | {chr(code) for code in range(0xFE00, 0xFE10)}


class Folded(NamedTuple):
    """A folded text; `starts[i]` is the original index of folded character i, None when the two line up."""

    text: str
    starts: list[int] | None
    original: str

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The original span of the folded span [start, end), which must not be empty; trailing accents are in it."""
        if self.starts is None:
            return start, end
        after = self.starts[end - 1] + 1
        while after < len(self.original) and unicodedata.combining(self.original[after]):
            after += 1
        return self.starts[start], after


def fold(text: str) -> Folded:
    """The text with one writing for each letter and mark. Linear in its length."""
    if text.isascii():
        return Folded(text.lower().translate(_SAME), None, text)
    runs = _RUNS.findall(text)
    parts = [[run.lower().translate(_SAME)] if run.isascii() else [_fold_char(char) for char in run] for run in runs]
    folded = "".join(["".join(part) for part in parts])
    if all(run.isascii() or all(len(char) == 1 for char in part) for run, part in zip(runs, parts, strict=True)):
        return Folded(folded, None, text)
    return Folded(folded, list(_starts(runs, parts)), text)


def _starts(runs: list[str], parts: list[list[str]]) -> Iterator[int]:
    """The original index of each folded character; ASCII lines up with itself."""
    begin = 0
    for run, part in zip(runs, parts, strict=True):
        if run.isascii():
            yield from range(begin, begin + len(run))
        else:
            yield from (index for index, char in enumerate(part, begin) for _ in char)
        begin += len(run)


def spaced(folded: str) -> str:
    """The same with a space for every hyphen inside a word, at its place: how names are compared."""
    return _JOINT.sub(" ", folded) if "-" in folded else folded


def words(folded: str) -> str:
    """The same with a space for everything that is no part of a word, and one more at either end."""
    return f" {folded.translate(_ASCII_GAPS) if folded.isascii() else _GAP.sub(' ', folded)} "


def fold_key(text: str) -> str:
    """The folded text with single spaces and neither hyphens nor apostrophes, for comparing whole names."""
    return " ".join(spaced(fold(text).text).replace("'", "").split())


@lru_cache(maxsize=10_000)
def shape(text: str) -> str:
    """The text as `fold_key` compares it, but in its own case: what a name that is `cased` must look like."""
    kept = "".join(char if char.isascii() else _bare(char) for char in text).translate(_SAME)
    return " ".join(spaced(kept).replace("'", "").split())


@cache
def _fold_char(char: str) -> str:
    same = char.translate(_SAME)
    if same != char:
        return same
    return _bare(char).casefold().translate(_SAME)


@cache
def _bare(char: str) -> str:
    """The character in its compatibility form, without accents and invisible marks."""
    decomposed = unicodedata.normalize("NFKD", char)
    return unicodedata.normalize("NFC", "".join(c for c in decomposed if _is_kept(c)))


def _is_kept(char: str) -> bool:
    category = unicodedata.category(char)
    if category == "Mn":
        return unicodedata.combining(char) in _VOWEL_SIGNS and char not in _INVISIBLE
    return category not in {"Cf", "Cc", "Me"} or char in "\n\t "
