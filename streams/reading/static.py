"""Wording that describes a standing rather than a change: "is designated by", "X, outlawed in A", "which A lists"."""

from __future__ import annotations

from collections.abc import Sequence

from streams.reading.phrases import Form
from streams.reading.tokens import Kind, Unit
from streams.reading.triggers import Trigger, Voice
from streams.reading.words import words


def is_static(units: Sequence[Unit], trigger: Trigger, headline: bool) -> bool:
    """Whether the words describe a standing rather than a change: "is designated by", "X, outlawed in A"."""
    if headline:
        return False
    aux = set(trigger.auxiliaries)
    if aux & {
        "now",
        "hereby",
        "longer",
        "has",
        "have",
        "had",
        "will",
        "to",
        "being",
        "may",
        "could",
        "would",
    } or trigger.voice in {Voice.INFINITIVE, Voice.GERUND, Voice.NOUN}:
        return False
    if trigger.voice is Voice.PASSIVE:
        return bool(aux & {"is", "are", "'s"})
    if trigger.voice is Voice.REDUCED and trigger.slot is not None and units[trigger.slot].kind is Kind.STATUS:
        return units[trigger.slot].weak
    if trigger.voice is Voice.REDUCED:
        return not any(
            unit.text in {"on", "in"} and i + 1 < len(units) and units[i + 1].text.isdigit()
            for i, unit in enumerate(units)
        )
    return trigger.form in {Form.PRESENT, Form.BASE} and trigger.phrase.standing and not _is_acted_in(units, trigger)


def _is_acted_in(units: Sequence[Unit], trigger: Trigger) -> bool:
    """`signed a decree that designates X`: the present tense of a text that does what it says."""
    if any(unit.text in words().acts for unit in units[max(trigger.left, trigger.start - 3) : trigger.start]):
        return True
    opener = next(
        (i for i in range(trigger.start - 1, max(trigger.start - 4, -1), -1) if units[i].text in {"that", "which"}),
        None,
    )
    return opener is not None and any(unit.text in words().acts for unit in units[max(0, opener - 7) : opener])
