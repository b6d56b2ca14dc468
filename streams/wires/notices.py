"""What a wire says of its own messages: usable or not, an update, a correction, a kill.

Codes come from the formats' status and signal fields; words come from headlines, keyword lines and editors' notes,
where they are conventions as old as the teleprinter. A word counts only where no sentence of news can put it: alone on
the line, or in capitals at its beginning.
"""

import re
from collections.abc import Iterable
from datetime import tzinfo

from streams.vocabulary import PubStatus, Signal
from streams.wires.dates import read_date

# fmt: off
_STATUSES = {
    "usable": PubStatus.USABLE, "embargoed": PubStatus.USABLE, "embargo": PubStatus.USABLE, "open": PubStatus.USABLE,
    "withheld": PubStatus.WITHHELD, "hold": PubStatus.WITHHELD,
    "canceled": PubStatus.CANCELED, "cancelled": PubStatus.CANCELED, "killed": PubStatus.CANCELED,
    "deleted": PubStatus.CANCELED, "recalled": PubStatus.CANCELED, "spiked": PubStatus.CANCELED,
}
# Local part of a signal code to what it means. Sources: IPTC `sig:`, the dialects in which agencies send it.
_CODES = {
    "update": Signal.UPDATE, "updated": Signal.UPDATE, "u": Signal.UPDATE, "replace": Signal.UPDATE,
    "writethru": Signal.UPDATE, "modified": Signal.UPDATE,
    "correction": Signal.CORRECTION, "corrected": Signal.CORRECTION, "c": Signal.CORRECTION,
    "refile": Signal.CORRECTION,
    "kill": Signal.KILL, "d": Signal.KILL, "delete": Signal.KILL, "deleted": Signal.KILL, "remove": Signal.KILL,
    "cancel": Signal.KILL, "cancelled": Signal.KILL, "canceled": Signal.KILL, "retraction": Signal.KILL,
    "repeat": Signal.REPEAT, "rpt": Signal.REPEAT, "repetition": Signal.REPEAT,
}
_ENDS = r"(?=\s*(?:[-\u2013\u2014:/(,*]|\Z))"  # a label, not the first word of a sentence
_WORDS: tuple[tuple[Signal, re.Pattern[str]], ...] = (
    (Signal.KILL, re.compile(
        rf"\W*(?:(?:BULLETIN |URGENT )?MANDATORY KILL\b|(?:KILL|WITHDRAWN|RETRACTION|ANNULATION|ANNULE){_ENDS}"
        r"|(?i:mandatory kill|story (?:withdrawn|killed)|kill(?:\W+kill)*|eliminar(?:\W+eliminar)*)\W*\Z"
        r"|\u0410\u041d\u041d\u0423\u041b\u0418\u0420\u041e\u0412\u0410\u041d\u0418\u0415\b)")),
    (Signal.CORRECTION, re.compile(
        rf"\W*(?:(?:CORRECTION|CORRECTED|CORRECTIVE|CORRECTS|CORRECTIF|REFILE|BERICHTIGUNG|KORREKTUR|RECTIFICATIF){_ENDS}"
        r"|(?i:correction|corrected|refile|berichtigung|rectificatif)\W*\Z|Eds?:? (?i:corrects|correcting)\b"
        r"|CORRECTS (?=[^\W\d_]*[a-z]))")),
    (Signal.UPDATE, re.compile(
        rf"\W*(?:(?:UPDATE|WRAPUP)(?: ?\d+)?{_ENDS}|Eds?:? (?:Updates|Adds|Recasts)\b)"
        r"|\W*(?-i:(?:UPDATES|ADDS|RECASTS) (?=[^\W\d_]*[a-z]))"
        r"|.{0,60}\b\d+(?:st|nd|rd|th)[ -]?(?:Ld|Lead)\b|.{0,60}\bWritethru\b", re.IGNORECASE)),
    (Signal.REPEAT, re.compile(rf"\W*(?:RPT|REPEAT|REPEATING){_ENDS}")),
)
# fmt: on


def status_of(code: str | None) -> PubStatus | None:
    """The publishing status for `stat:canceled`, `Usable`, `cancelled` ...; None where nothing known is stated.

    An embargo is no status of its own: the story is usable, from a time on.
    """
    return _STATUSES.get(_local(code))


def standing(code: str | None, until: str | None, zone: tzinfo) -> tuple[PubStatus | None, str | None]:
    """The status, and the date that an embargo ends on; an embargo that names no end withholds the story."""
    if not is_embargoed(code):
        return status_of(code), None
    return (PubStatus.USABLE, until) if read_date(until or "", zone) else (PubStatus.WITHHELD, None)


def is_embargoed(code: str | None) -> bool:
    """Whether a status field says that the story waits for its time."""
    return _local(code).startswith("embargo")


def signals_of(codes: Iterable[str | None] = (), lines: Iterable[str | None] = ()) -> tuple[Signal, ...]:
    """What `codes` (`sig:correction`, `edStat:D`) and the wire words at the head of `lines` signal, each once."""
    coded = [_CODES.get(_local(code)) for code in codes]
    worded = [signal for line in lines if line for signal, pattern in _WORDS if pattern.match(line)]
    found = {*filter(None, coded), *worded}
    return tuple(signal for signal in Signal if signal in found)


def _local(code: str | None) -> str:
    return (code or "").rpartition(":")[2].strip().lower()
