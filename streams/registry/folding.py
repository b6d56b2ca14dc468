"""Text folded for matching, with the way back to the original offsets.

Two writings of one name must compare equal: case, compatibility forms (NFKC), diacritics, curly quotes, the many
hyphens, no-break spaces, and the invisible characters that hostile or sloppy text carries. Folding can lengthen or
shorten a text (`ß` to `ss`, zero-width space to nothing), so a fold keeps, for each folded character, the index of
the original one it came from.
"""

import unicodedata
from functools import cache
from typing import NamedTuple

_SAME = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛ʼʻ`´ʿʾ＇", "'"),
        **dict.fromkeys("“”„‟«»", '"'),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        **dict.fromkeys("\t\n\r\x0b\x0c\u00a0\u2028\u2029", " "),
    }
)


class Folded(NamedTuple):
    """A folded text; `starts[i]` is the original index of folded character i, None when the two line up."""

    text: str
    starts: list[int] | None
    length: int  # of the original

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The original span of the folded span [start, end), which must not be empty."""
        if self.starts is None:
            return start, end
        last = self.starts[end - 1]
        return self.starts[start], last + 1


def fold(text: str) -> Folded:
    """The text as the matcher sees it. Linear in its length."""
    if text.isascii():
        return Folded(text.lower().translate(_SAME), None, len(text))
    parts = [_fold_char(char) for char in text]
    folded = "".join(parts)
    if all(len(part) == 1 for part in parts):
        return Folded(folded, None, len(text))
    starts = [index for index, part in enumerate(parts) for _ in part]
    return Folded(folded, starts, len(text))


def fold_key(text: str) -> str:
    """The folded text with single spaces, for comparing whole names."""
    return " ".join(fold(text).text.split())


@cache
def _fold_char(char: str) -> str:
    same = char.translate(_SAME)
    if same != char:
        return same
    decomposed = unicodedata.normalize("NFKD", char)
    kept = "".join(c for c in decomposed if unicodedata.category(c) not in {"Mn", "Cf", "Cc"} or c in "\n\t ")
    return kept.casefold().translate(_SAME)
