"""Rows of group names in a sentence, and which of them only say whose somebody or something is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from streams.reading.phrases import act_nouns, verb_forms
from streams.reading.times import is_month
from streams.reading.tokens import Kind, Unit
from streams.reading.words import singular, words

ACTIVITY = frozenset({"activities", "activity", "operations"})
"""What some states forbid a foreign group, and mean the group."""

_LEAD_ON = frozenset(
    {
        ("attached", "to"),
        ("applied", "to"),
        ("given", "to"),
        ("recognition", "to"),
        ("known", "as"),
        ("such", "as"),
        ("relations", "with"),
        ("ties", "with"),
    }
)
"""Pairs behind which the object still comes: "the label attached to X", "the movement known as X"."""

_PARTS = frozenset({"faction", "wing", "arm", "branch", "affiliate", "offshoot", "splinter", "front"})


def run_of_groups(units: Sequence[Unit], indices: range, owned: bool = False) -> tuple[int, ...]:
    """The first group of the span and all that are joined to it; `owned`: also one that says whose something is."""
    found: list[int] = []
    for index in indices:
        unit = units[index]
        if unit.kind is Kind.GROUP and (owned or not is_owner(units, index)):
            if not found or _joined(units, found[-1], index):
                found.append(index)
                continue
            break
        if not found and turns_away(units, index, indices):
            break
    return tuple(found)


def turns_away(units: Sequence[Unit], index: int, indices: range) -> bool:
    """Whether the search for the first group must give up at this unit."""
    unit = units[index]
    if indices.step < 0:
        if unit.text == "by" and index and (_is_participle(units[index - 1].text) or _in_aside(units, index)):
            return False  # "the fund set up by the late X is ...", "X, the party led from abroad by Y, was"
        return unit.text in {"by", ";"} or (
            unit.text in words().speech and index + 1 < len(units) and units[index + 1].text != ","
        )
    if unit.kind is not Kind.WORD:
        return False
    if unit.text in {"and", "but"} and units[index - 1].text == "," and _has_stand_in(units[indices.start : index]):
        return True  # "designated the network last September, and the Taliban committee did so"
    if (
        unit.text in verb_forms()
        and units[index - 1].text in {",", "and", "but"}
        and unit.text not in words().label_marks
        and not unit.text.endswith("ing")
    ):
        return True
    if _leads_on(units, index):
        return False
    leads_on = index + 1 < len(units) and any(
        u.kind in {Kind.LIST, Kind.LABEL, Kind.STATUS} for u in units[index + 1 : index + 3]
    )
    return unit.text in words().away and not leads_on


def _in_aside(units: Sequence[Unit], index: int) -> bool:
    """Whether a comma behind a group's name opens what stands here."""
    comma = next((i for i in range(index - 1, max(index - 14, 0), -1) if units[i].text == ","), None)
    return comma is not None and units[comma - 1].kind is Kind.GROUP


def _has_stand_in(units: Sequence[Unit]) -> bool:
    """Whether something stands for a group: "the network", "it"."""
    return any(u.text in {"it", "them"} or u.text in words().group_nouns for u in units)


def _leads_on(units: Sequence[Unit], index: int) -> bool:
    """Whether the object still comes behind a word that else ends the search."""
    unit, before = units[index], units[index - 1]
    following = units[index + 1 : index + 3]
    if (before.text, unit.text) in _LEAD_ON or (unit.text == "by" and before.text in ACTIVITY):
        return True
    if unit.text in {"to", "for", "from", "against"} and before.kind in {Kind.LABEL, Kind.STATUS}:
        return True  # "attached the label of terrorist organisation to X", "adopted the label for X"
    if before.text in {"entry", "entries", "name", "names"}:
        return True
    if unit.text not in {"that", "which"} or not following:
        return False
    if following[0].text in _HOLDS:
        return True  # "approved a list that includes X"
    if before.text in words().government:
        return following[0].kind is Kind.GROUP or following[0].text == "the"  # "the government that X form"
    return unit.text == "that" and any(singular(u.text) in words().group_nouns for u in following)  # "that group"


_HOLDS = frozenset({"includes", "include", "included", "names", "contains", "comprises", "covers"})


def _is_participle(word: str) -> bool:
    return word.endswith(("ed", "wn")) or word in {"led", "run", "up", "built", "held", "made", "begun"}


def is_owner(units: Sequence[Unit], index: int) -> bool:
    """Whether the group only says whose somebody or something is: "members of Hamas", "tied to Hamas"."""
    following = units[index + 1] if index + 1 < len(units) else None
    if following is not None and (following.text in words().members or following.text in words().trades):
        return True
    if following is not None and following.text in _PARTS and index + 2 < len(units):
        return units[index + 2].kind is Kind.GROUP  # "Taliban faction Jamaat-ul-Ahrar"
    if (
        units[index].possessive
        and following is not None
        and (following.text in ACTIVITY or following.text in act_nouns())
    ):
        return False
    if units[index].possessive and following is not None and _has_part(units, index):
        return True  # "the Islamic State's support network X"
    if units[index].possessive and following is not None and following.kind is Kind.WORD:
        return not any(u.kind in {Kind.STATUS, Kind.LABEL, Kind.LIST, Kind.GROUP} for u in units[index + 1 : index + 4])
    if index > 1 and units[index - 1].text in {"and", "or", "the"}:
        joint = index - 1 if units[index - 1].text != "the" else index - 2
        if joint > 0 and units[joint].text in {"and", "or"} and units[joint - 1].kind is Kind.GROUP:
            return is_owner(units, joint - 1)  # "members of X and the Y"
    return _is_apposition(units, index) or _is_tied_to(units, index)


def _is_tied_to(units: Sequence[Unit], index: int) -> bool:
    """`men suspected of financing Hamas`, `tied to Hamas`, `members of Hamas`: the words before the name."""
    before = [unit.text for unit in units[max(0, index - 5) : index]]
    if not words().serving.isdisjoint(before[-2:] if before[-1:] == ["the"] else before[-1:]):
        return True  # "men suspected of financing Hamas"
    if any(a in words().ties and b in {"to", "with", "by", "on"} for a, b in pairwise(before)):
        return True
    return "of" in before and any(text in words().members for text in before[: before.index("of")])


def _is_apposition(units: Sequence[Unit], index: int) -> bool:
    """`the Quds Force, the foreign arm of the Guards,`: the one told of is the part, named before its comma."""
    part = next((i for i in range(index - 1, max(index - 4, 0), -1) if units[i].text in _PARTS), None)
    if part is None or units[part + 1].text != "of":
        return False
    comma = next((i for i in range(part - 1, max(part - 6, 0), -1) if units[i].text == ","), None)
    return comma is not None and units[comma - 1].kind is Kind.GROUP


def _has_part(units: Sequence[Unit], index: int) -> bool:
    """Whether a noun for a group and then a name follow a possessive: the name is another's."""
    ahead = units[index + 1 : index + 5]
    name = next((i for i, unit in enumerate(ahead) if unit.kind is Kind.GROUP), 0)
    return any(singular(unit.text) in words().group_nouns for unit in ahead[:name])


def _joined(units: Sequence[Unit], first: int, second: int) -> bool:
    """Whether two groups stand in one list: commas, conjunctions, attributes between, no preposition or verb."""
    low, high = sorted((first, second))
    between = _bare_list(units[low + 1 : high])
    if any(unit.text == "from" for unit in units[max(0, low - 3) : low]):
        between = [unit for unit in between if unit.text != "to"] or between[:0]  # "from X to Y"
    if (
        between
        and between[0].kind is Kind.LABEL
        and [u.text for u in between[1:3]] in (["along", "with"], ["together", "with"])
    ):
        between = between[1:]  # "designated X a terrorist group along with Y"
    if _is_parallel(units, low, high) or _is_aside_between(units, low, high):
        return True
    if any(unit.text in words().list_breaks or unit.kind in {Kind.LIST, Kind.LABEL, Kind.STATUS} for unit in between):
        return False
    if any(unit.text in words().clause_openers - {"as"} for unit in between):
        return False
    return any(unit.text in words().joints for unit in between) or not between


def _is_aside_between(units: Sequence[Unit], low: int, high: int) -> bool:
    """`X, known to villagers as al-Shabab, and Y`: only what is said of X stands between the two."""
    between = [unit.text for unit in units[low + 1 : high] if unit.text != "the"]
    commas = between.count(",")
    return commas == 2 and between[0] == "," and between[-2:] == [",", "and"] and units[high].kind is Kind.GROUP


def _is_parallel(units: Sequence[Unit], low: int, high: int) -> bool:
    """`a ban on X of cleric Y and on the Z`: the preposition that led to the first name leads to the second."""
    lead, again = (i - 1 if units[i - 1].text != "the" else i - 2 for i in (low, high))
    if lead < 0 or again <= low + 1 or units[again - 1].text != "and" or units[again].text != units[lead].text:
        return False
    between = units[low + 1 : again - 1]
    plain = all(u.kind in {Kind.WORD, Kind.PUNCT} and u.text not in words().clause_openers for u in between)
    return plain and units[lead].text in {"on", "against", "by", "of", "for", "to"}


def _bare_list(between: Sequence[Unit]) -> list[Unit]:
    """`banned X in May 2003 and Y in June`, `of X, which is armed, and of Y`: what is no break in the list."""
    kept: list[Unit] = []
    aside = False
    for index, unit in enumerate(between):
        if unit.text == ",":
            aside = False
        elif kept and kept[-1].text == "," and unit.text in {"which", "who", "whose"}:
            aside = True
        if unit.text in {"of", "from", "in"} and index + 1 < len(between) and between[index + 1].kind is Kind.ACTOR:
            continue  # "al-Shabaab of Somalia and the PKK"
        if (aside and any(u.text == "," for u in between[index + 1 :])) or (
            unit.text in {"of", "on", "to"} and kept and kept[-1].text in {"and", ","}
        ):
            continue
        if unit.text[:1].isdigit() or is_month(unit.text):
            if kept and kept[-1].text in {"in", "on"}:
                kept.pop()
            continue
        kept.append(unit)
    return kept
