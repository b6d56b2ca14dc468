"""Dead letters as a person reads them. All of a letter may come from strangers: nothing of it moves a terminal."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import accumulate
from typing import Any

import msgspec

from agents.letterbox import Filed
from agents.rendering import inert, plain

ERROR_CHARS = 100
FACT_CHARS = 500
SHOWN_CHARS = 100_000
SHOWN_BYTES = 2_048
DEEPEST = 40
"""Deeper JSON is not indented: a megabyte of brackets would become gigabytes of blanks."""

_STRING = re.compile(rb'"(?:[^"\\]|\\.?)*+"?', re.DOTALL)  # matches at each quote, or it would take quadratic time
_BINARY = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def line(one: Filed) -> str:
    """A letter on one line."""
    letter = one.letter
    error = plain(letter.error)
    short = error if len(error) <= ERROR_CHARS else f"{error[: ERROR_CHARS - 1]}…"
    return plain(f"{one.place} {'*' if one.replayed else '-'} {one.at:%Y-%m-%d %H:%M:%SZ} {letter.reason}") + (
        f"  {plain(one.origin)}  {short}"
    )


def dump(one: Filed) -> dict[str, Any]:
    """A letter for machines, without the message itself."""
    letter = one.letter
    return {
        "id": one.place,
        "at": one.at,
        "reason": letter.reason,
        "error": letter.error,
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.offset,
        "key": None if letter.key is None else letter.key.decode("utf-8", "replace"),
        "agent": letter.agent,
        "sink": letter.sink,
        "attempt": letter.attempt,
        "version": letter.version,
        "size": one.size,
        "cut": letter.cut is not None or bool(letter.lost),
        "replayed": one.replayed,
    }


def count_lines(found: Sequence[Filed]) -> Iterator[str]:
    """How many there are of each reason, the most first."""
    if not found:
        yield "no dead letters"
    counts = Counter(one.letter.reason for one in found)
    for reason, count in counts.most_common():
        again = sum(one.replayed for one in found if one.letter.reason == reason)
        yield f"{count:6} {plain(reason)}" + (f", {again} sent again" if again else "")


def page(one: Filed) -> str:
    """All that is known of a letter; it has its value."""
    facts = [(name, text) for name, text in _facts(one) if text]
    facts += [(f"  {plain(name)}", _told(value)) for name, value in one.letter.headers]
    width = max(len(name) for name, _ in facts)
    return "\n".join([*(f"{name:{width}}  {text}" for name, text in facts), "", message(one.letter.value)])


def message(value: bytes | None) -> str:
    """What the message held: JSON indented, other text as it is, all else in hexadecimal; of much the beginning."""
    if value is None:
        return "(no value)"
    text = _text(value)
    if text is None:
        rows = [value[start : start + 16] for start in range(0, min(len(value), SHOWN_BYTES), 16)]
        shown = "\n".join(f"{number * 16:08x}  {row.hex(' '):47}  {_ascii(row)}" for number, row in enumerate(rows))
        return shown + (_more() if len(value) > SHOWN_BYTES else "")
    return inert(text[:SHOWN_CHARS].replace("\t", "    ")) + (_more() if len(text) > SHOWN_CHARS else "")


def _facts(one: Filed) -> Iterator[tuple[str, str]]:
    letter = one.letter
    yield "id", f"{one.place}{', sent again' if one.replayed else ''}"
    yield "buried", _moment(one.at)
    yield "reason", plain(letter.reason)
    yield "error", plain(letter.error)
    yield "agent", plain(f"{letter.agent} {letter.version}")
    yield "sink", plain(letter.sink or "")
    yield "attempt", str(letter.attempt)
    yield "origin", plain(one.origin)
    yield "told", _moment(letter.timestamp) if letter.timestamp else ""
    yield "key", "(none)" if letter.key is None else _told(letter.key)
    yield "size", "(no value)" if one.size is None else f"{one.size} bytes"
    yield "cut", f"the value had {letter.cut} bytes" if letter.cut is not None else ""
    yield "lost", plain(f"not whole: {', '.join(letter.lost)}") if letter.lost else ""
    yield "headers", str(len(letter.headers)) if letter.headers else ""


def _text(value: bytes) -> str | None:
    """The value as text, None if it is none."""
    if _depth(value) <= DEEPEST:
        try:
            return msgspec.json.format(value, indent=2).decode()
        except (msgspec.DecodeError, UnicodeDecodeError):
            pass
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return None
    return None if _BINARY.search(text) else text


def _depth(value: bytes) -> int:
    """How deep the brackets go, strings aside."""
    steps = (1 if byte in b"[{" else -1 for byte in _STRING.sub(b"", value) if byte in b"[{]}")
    return max(accumulate(steps), default=0)


def _told(value: bytes) -> str:
    text = plain(value.decode("utf-8", "backslashreplace"))
    return text if len(text) <= FACT_CHARS else f"{text[:FACT_CHARS]}… ({len(value)} bytes)"


def _ascii(row: bytes) -> str:
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03}Z"


def _more() -> str:
    return "\n… (--raw writes all of it)"
