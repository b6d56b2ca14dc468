"""Wording that describes a standing rather than a change: "is designated by", "X, outlawed in A", "which A lists"."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from streams.reading.phrases import Form
from streams.reading.times import WEEKDAYS, is_month
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
        "must",
    } or trigger.voice in {Voice.INFINITIVE, Voice.GERUND, Voice.NOUN}:
        return False
    if trigger.voice is Voice.PASSIVE:
        return bool(aux & {"is", "are", "'s"}) and not _begins(units, trigger) and not _is_ruled(units)
    if any(unit.text in {"let", "lets", "letting"} for unit in units[trigger.left : trigger.start]):
        return False
    if trigger.voice is Voice.REDUCED and trigger.slot is not None and units[trigger.slot].kind is Kind.STATUS:
        return units[trigger.slot].weak
    if trigger.voice is Voice.REDUCED:
        return not any(
            unit.text in {"on", "in", "that"}
            and i + 1 < len(units)
            and (units[i + 1].text.isdigit() or is_month(units[i + 1].text))
            for i, unit in enumerate(units)
        )
    if trigger.form is Form.BASE and any(unit.text == "that" for unit in units[trigger.left : trigger.start]):
        return False  # "recommended that the government list X": the subjunctive
    return trigger.form in {Form.PRESENT, Form.BASE} and trigger.phrase.standing and not _is_acted_in(units, trigger)


def _is_ruled(units: Sequence[Unit]) -> bool:
    """`is forbidden in the Netherlands, a court ruled`, `with immediate effect X is banned`: said to make it so."""
    if any(a.text == "with" and b.text == "immediate" for a, b in pairwise(units)):
        return True
    if any(u.text == "under" and _is_made(units[i + 1 : i + 12]) for i, u in enumerate(units)):
        return True
    ruled = (i for i, unit in enumerate(units) if unit.text in _RULES)
    return any(unit.kind is Kind.ACTOR for i in ruled for unit in units[max(0, i - 5) : i])


def _is_made(units: Sequence[Unit]) -> bool:
    """`under an order that the court handed down on Thursday`: the text that makes it so is new."""
    texts = {unit.text for unit in units}
    return not words().acts.isdisjoint(texts) and not _MADE.isdisjoint(texts)


_MADE = frozenset({"handed", "signed", "issued", "approved", "adopted", "published", "gazetted"})
_RULES = frozenset({"ruled", "rules", "decreed"})


def _begins(units: Sequence[Unit], trigger: Trigger) -> bool:
    """`is banned in Britain from Friday`: the standing has a first day, so it is told as a change."""
    behind = [unit.text for unit in units[trigger.end : min(trigger.right, trigger.end + 8)]]
    if any(pair in _AT_ONCE for pair in pairwise(behind)):
        return True
    days = WEEKDAYS.keys() | {"today", "midnight", "tomorrow"}
    return any(a in {"from", "of"} and b in days for a, b in pairwise(behind))


_AT_ONCE = frozenset({("with", "immediate"), ("effective", "immediately"), ("with", "effect")})


def _is_in_relative(units: Sequence[Unit], index: int) -> bool:
    """`a group that the law treats as terrorist`: how things stand."""
    return index > 2 and units[index - 1].text == "the" and units[index - 2].text in {"that", "which", "whom"}


def _is_acted_in(units: Sequence[Unit], trigger: Trigger) -> bool:
    """`signed a decree that designates X`, `X figures on the list following an order`: the text behind it acts."""
    behind = units[trigger.end : trigger.end + 16]
    if any(u.text in {"following", "after"} for u in behind[:-1]) and any(
        a.text in {"following", "after"} and {u.text for u in behind[i + 1 : i + 4]} & words().acts
        for i, a in enumerate(behind)
    ):
        return True
    near = range(max(trigger.left, trigger.start - 3), trigger.start)
    if any(units[i].text in words().acts and not _is_in_relative(units, i) for i in near):
        return True
    opener = next(
        (i for i in range(trigger.start - 1, max(trigger.start - 4, -1), -1) if units[i].text in {"that", "which"}),
        None,
    )
    return opener is not None and any(unit.text in words().acts for unit in units[max(0, opener - 7) : opener])
