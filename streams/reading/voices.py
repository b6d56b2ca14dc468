"""How a verb stands in its sentence: active, passive, a bare participle, governed by another verb.

Found from the helping words before it and from what follows; a participle without a helping word is the hard case,
for headlines drop it ("Hamas declared terrorist by Canada") and attributes look alike ("the banned Hamas").
"""

from __future__ import annotations

from collections.abc import Sequence

from streams.reading.phrases import Form
from streams.reading.times import WEEKDAYS
from streams.reading.tokens import Kind, Unit
from streams.reading.triggers import SPLIT, Voice
from streams.reading.words import singular, words


def auxiliaries_of(units: Sequence[Unit], start: int) -> tuple[str, ...]:
    """The helping words directly before a verb, adverbs and negations among them, in order."""
    if start and units[start - 1].text in _STOP and units[start].text.endswith("ing"):
        return (*auxiliaries_of(units, start - 1), "longer")  # "will stop treating X as terrorist"
    found: list[str] = []
    for unit in reversed(_without_day(units[max(0, start - 6) : start])):
        known = unit.text in words().helping_words or unit.text in words().adverbs or unit.text in words().be_forms
        if unit.kind is not Kind.WORD or not (known or unit.text.endswith("ly")):
            break
        found.append(unit.text)
    if found[-2:] == ["be", "to"] and units[start - len(found) - 1].text in _CEASE:
        return (*auxiliaries_of(units, start - len(found) - 1), "longer", *found[::-1])
    return tuple(found[::-1])


_STOP = frozenset({"stop", "stops", "stopped", "cease", "ceases", "ceased"})
_CEASE = frozenset({"cease", "ceases", "ceased", "ceasing"})
"""`would cease to be listed`: no longer."""


def _without_day(before: Sequence[Unit]) -> Sequence[Unit]:
    """`was on Friday declared`: the day stands between the helping word and its verb."""
    if len(before) > 2 and before[-2].text == "on" and before[-1].text in WEEKDAYS:
        return before[:-2]
    return before


def voice_of(
    units: Sequence[Unit], start: int, end: int, form: Form, auxiliaries: tuple[str, ...]
) -> tuple[Voice, bool]:
    """The voice of the verb at units [start, end), and whether what it happens to stands before it."""
    be = any(aux in words().be_forms or aux in {"isn't", "aren't", "wasn't", "weren't"} for aux in auxiliaries)
    participle = form in {Form.PARTICIPLE, Form.PAST_OR_PARTICIPLE}
    if form is Form.NOUN or (form is Form.ING and start and units[start - 1].possessive):
        return Voice.NOUN, False
    if form is Form.ING:
        return Voice.GERUND, False
    if "to" in auxiliaries and not any(
        a in {"is", "are", "was", "were"} for a in auxiliaries[: auxiliaries.index("to")]
    ):
        return Voice.INFINITIVE, be and participle
    if form is Form.BASE and not auxiliaries and _shares_to(units, start):
        return Voice.INFINITIVE, False
    if form is Form.BASE and not auxiliaries and _is_caused(units, start):
        return Voice.INFINITIVE, False
    if participle and be:
        return (Voice.GERUND if auxiliaries[0] == "being" else Voice.PASSIVE), True
    if participle and not auxiliaries:
        return _of_bare_participle(units, start, end)
    if participle and not (set(auxiliaries) & words().have_forms) and _is_reduced(units, start, end):
        return Voice.REDUCED, True
    return Voice.ACTIVE, False


def _of_bare_participle(units: Sequence[Unit], start: int, end: int) -> tuple[Voice, bool]:
    """The voice of a participle or past form without helping words."""
    if _shares_be(units, start, end):
        return Voice.PASSIVE, True
    if _is_caused(units, start):
        return Voice.INFINITIVE, True
    if _is_relative_verb(units, start) or not _is_reduced(units, start, end):
        return Voice.ACTIVE, False
    return Voice.REDUCED, True


def _shares_to(units: Sequence[Unit], start: int) -> bool:
    """`to go further and proscribe X`: the second verb of one "to"."""
    before = [unit.text for unit in units[max(0, start - 14) : start]]
    return bool(before) and before[-1] in {"and", "or"} and "to" in before


def _shares_be(units: Sequence[Unit], start: int, end: int) -> bool:
    """`was ruled extremist and banned`, `was listed by A in May and taken off`: the second participle of one "was"."""
    before = units[max(0, start - 16) : start]
    if not before or before[-1].text not in {"and", "or"} or _object_ahead(units, end):
        return False
    helped = next((i for i in range(len(before) - 1, -1, -1) if before[i].text in {"was", "were", "been"}), None)
    return helped is not None and all(unit.kind is not Kind.GROUP for unit in before[helped:])


def _is_caused(units: Sequence[Unit], start: int) -> bool:
    """`a petition to have X declared terrorist`: have + group + participle."""
    for index in range(_before_aside(units, start), max(start - 22, -1), -1):
        if units[index].text in _CAUSES and _opens_object(units[index + 1]):
            return any(
                u.kind in {Kind.GROUP, Kind.STATUS, Kind.ACTOR} or singular(u.text) in words().group_nouns
                for u in units[index:start]
            )
        if units[index].text == "had" and units[index + 1].text in {"it", "them", "both"}:
            return index + 2 == start
        if units[index].text in words().clause_walls or units[index].text in SPLIT:
            return False
    return False


_CAUSES = frozenset({"have", "having", "get", "see", "want", "wants", "wanted", "declared", "declares"})


def _opens_object(unit: Unit) -> bool:
    """Whether a noun phrase begins: "have X banned", not the helping word of "have committed"."""
    helping = words().helping_words | words().adverbs | words().be_forms
    return unit.kind is not Kind.WORD or not (unit.text.endswith("ed") or unit.text in helping)


def _before_aside(units: Sequence[Unit], start: int) -> int:
    """`have X, which seeks independence, designated`: where to look on, the aside passed over."""
    if start > 2 and units[start - 1].text == ",":
        for opening in range(start - 3, 0, -1):
            if units[opening].text == "," and units[opening + 1].text in {"which", "who", "whose"}:
                return opening - 1
    return start - 1


def _is_relative_verb(units: Sequence[Unit], start: int) -> bool:
    """`X, which Canada listed in 2005`, `whose activities Berlin prohibited`: the actor is the subject."""
    if start < 2 or units[start - 1].kind is not Kind.ACTOR:
        return False
    return any(unit.text in {"which", "whom", "whose", "that"} for unit in units[max(0, start - 4) : start - 1])


def _is_reduced(units: Sequence[Unit], start: int, end: int) -> bool:
    """`Hamas declared terrorist entity by Canada`: nothing that could be its object follows, and a group precedes."""
    following = units[end] if end < len(units) else None
    if any(unit.text.startswith(("year", "month")) for unit in units[end + 2 : end + 4]):
        return False  # "extended by five years the ban"
    if (
        following is not None
        and following.text in {"by", "as", "in", "from", "off", "under", "since"}
        and not _object_ahead(units, end)
    ):
        return True
    before = units[start - 1] if start else None
    if before is None:
        return following is not None and following.kind is Kind.LABEL
    if before.kind is Kind.STATUS or (
        following is not None and following.kind is Kind.GROUP and before.text in words().attribute_openers
    ):
        return True
    after_group = (
        before.kind is Kind.GROUP
        or before.text in {")", ","}
        or (before.kind is Kind.WORD and before.text in words().group_nouns)
    )
    open_end = following is None or following.kind in {Kind.LABEL, Kind.LIST, Kind.PUNCT}
    return (
        after_group
        and (open_end or (following is not None and following.text in {"to", "a", "on"}))
        and not _object_ahead(units, end)
    )


def _object_ahead(units: Sequence[Unit], end: int) -> bool:
    """Whether a group follows before the clause turns."""
    for unit in units[end : end + 8]:
        if unit.text in words().clause_walls or unit.text in {"by", ",", "in"} or unit.text in SPLIT:
            return False
        if unit.kind is Kind.GROUP:
            return True
    return False
