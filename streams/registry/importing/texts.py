"""Names and dates as official lists write them, made fit for the registry.

What a hostile or sloppy file can carry ends here: control and direction characters are dropped, white space is
squeezed, and a text too long for a name is cut.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import date

from streams.records import PartialDate
from streams.registry.entries import AliasKind
from streams.registry.folding import fold_key
from streams.registry.importing.listed import ListedName

MAX_NAME = 200
MAX_REMARKS = 500
NO_NAME = "no name"

_JOINERS = "\u200c\u200d"  # part of the spelling in Persian and in Indian scripts
_ACRONYM = r"[A-Z][A-Z0-9.-]{1,9}"
_ACRONYM_BEHIND = re.compile(rf"(?P<name>.{{4,}}?)\s*(?:\((?P<within>{_ACRONYM})\)|\s/\s*(?P<behind>{_ACRONYM}))")
_AROUND = " ;,\"'“”„‘’«»"
_UN_NUMBER = re.compile(r"(?<![A-Za-z])([A-Z]{2})[eE](\.\d{3})(?!\d)")  # the British list has written QDE.131
_ISO = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?(?=\D|$)")
_DAY_FIRST = re.compile(r"(\d\d?)/(\d\d?)/(\d{4})")

# Script by its name in the Unicode names of its letters, which begin with it.
# fmt: off
_SCRIPTS = {
    "LATIN": "Latn", "CYRILLIC": "Cyrl", "ARABIC": "Arab", "HEBREW": "Hebr", "GREEK": "Grek", "CJK": "Hani",
    "HIRAGANA": "Jpan", "KATAKANA": "Jpan", "HANGUL": "Hang", "BENGALI": "Beng", "DEVANAGARI": "Deva",
    "GURMUKHI": "Guru", "TAMIL": "Taml", "TELUGU": "Telu", "SINHALA": "Sinh", "THAI": "Thai", "LAO": "Laoo",
    "MYANMAR": "Mymr", "KHMER": "Khmr", "GEORGIAN": "Geor", "ARMENIAN": "Armn", "ETHIOPIC": "Ethi",
    "THAANA": "Thaa", "TIBETAN": "Tibt",
}
# fmt: on


def clean(text: str | None) -> str:
    """The text on one line without characters that show nothing, in composed form; empty for None."""
    composed = unicodedata.normalize("NFC", text or "")
    if composed.isprintable():
        return " ".join(composed.split())
    shown = (c if not unicodedata.category(c).startswith("C") or c in _JOINERS else " " for c in composed)
    return " ".join("".join(shown).split())


def remark(text: str | None) -> str | None:
    """A comment, cut to what a reader of a difference wants; None for an empty one."""
    cleaned = clean(text)
    return f"{cleaned[: MAX_REMARKS - 1]}…" if len(cleaned) > MAX_REMARKS else cleaned or None


def script_of(text: str) -> str:
    """ISO 15924 code of the script most letters are in; Latin where none is known."""
    if text.isascii():
        return "Latn"
    counts: dict[str, int] = {}
    for char in text:
        if char.isalpha():
            script = _SCRIPTS.get(unicodedata.name(char, "").partition(" ")[0].partition("-")[0])
            if script is not None:
                counts[script] = counts.get(script, 0) + 1
    return max(counts, key=lambda script: counts[script], default="Latn")


def is_name(text: str) -> bool:
    """Whether there is a letter or a digit in it."""
    return any(char.isalnum() for char in fold_key(text))


def names(text: str | None, kind: AliasKind = AliasKind.NAME, *, weak: bool = False) -> Iterator[ListedName]:
    """The names in one field: an acronym in brackets or behind a stroke becomes one of its own.

    A text in another script is a translation, whatever the list calls it. One too long for a name is cut, and weak.
    """
    cleaned = clean(text).strip(_AROUND)
    if len(cleaned) > MAX_NAME:
        cleaned, weak = f"{cleaned[: MAX_NAME - 1]}…", True
    found = _ACRONYM_BEHIND.fullmatch(cleaned)
    if found is not None:
        yield from names(found["name"], kind, weak=weak)
        yield ListedName(text=found["within"] or found["behind"], kind=AliasKind.ACRONYM, weak=weak)
    elif is_name(cleaned):
        if kind is AliasKind.NAME and script_of(cleaned) != "Latn":
            kind = AliasKind.TRANSLATION
        elif kind is AliasKind.NAME and is_acronym(cleaned):
            kind = AliasKind.ACRONYM
        yield ListedName(text=cleaned, kind=kind, weak=weak)


def is_acronym(text: str) -> bool:
    """A short Latin word in capitals: `ASG`, `PFLP-GC`; lists in capitals make `KACH` look like one too."""
    return len(text) <= 8 and text.isascii() and text.isupper() and " " not in text


def leading(found: Iterable[ListedName]) -> tuple[str, tuple[ListedName, ...]]:
    """The first name, and the others without those that fold to one already there."""
    kept: dict[str, ListedName] = {}
    for name in found:
        kept.setdefault(fold_key(name.text), name)
    first, *others = kept.values() or (ListedName(text=""),)
    return first.text, tuple(others)


def un_number(text: str | None) -> str | None:
    """The reference of the Security Council's list in the text, as `QDe.004`; those of persons are none."""
    found = _UN_NUMBER.search(clean(text))
    return f"{found[1]}e{found[2]}" if found else None


def iso_day(text: str | None) -> PartialDate | None:
    """The date at the start of an ISO 8601 text, as precise as it is; None if there is none."""
    found = _ISO.match(clean(text))
    return _partial(found[1], found[2], found[3]) if found else None


def day_first(text: str | None) -> PartialDate | None:
    """`29/06/2012` as a date; None for anything else, `dd/mm/2012` too."""
    found = _DAY_FIRST.fullmatch(clean(text))
    return _partial(found[3], found[2], found[1]) if found else None


def from_parts(year: str | None, month: str | None, day: str | None) -> PartialDate | None:
    """A date out of numbers in separate fields; what is missing or 0 makes it coarser."""
    return _partial(clean(year), clean(month), clean(day)) if year else None


def unread(field: str, text: str | None, value: PartialDate | None) -> tuple[str, ...]:
    """The signal for a date that is there and cannot be read."""
    return (f"unreadable date in {field}",) if clean(text) and value is None else ()


def _partial(year: str, month: str | None, day: str | None) -> PartialDate | None:
    """A partial date of numbers that make one."""
    numbers = [int(part) for part in (year, month or "0", day or "0") if part.isdecimal()]
    if len(numbers) != 3:
        return None
    try:
        date(numbers[0], numbers[1] or 1, numbers[2] or 1)
    except ValueError:
        return None
    if not numbers[1]:
        return PartialDate(f"{numbers[0]:04}")
    return PartialDate(f"{numbers[0]:04}-{numbers[1]:02}" + (f"-{numbers[2]:02}" if numbers[2] else ""))
