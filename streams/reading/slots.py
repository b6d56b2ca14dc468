"""Whether a phrase has what it needs in its clause: a list, a label, a status noun, a further term, a government."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from streams.reading.phrases import Needs, spellings
from streams.reading.times import WEEKDAYS
from streams.reading.tokens import Kind, Unit
from streams.reading.triggers import Trigger, Voice
from streams.reading.words import singular, words


def slot_of(units: Sequence[Unit], trigger: Trigger) -> int | None:
    """Where the need is met: an index, -1 if nothing is needed, None if it is not met."""
    needs = trigger.phrase.needs
    if needs is Needs.NOTHING:
        return -1
    if needs is Needs.LIST:
        return _list_slot(units, trigger)
    if needs is Needs.LABEL:
        return _label_slot(units, trigger)
    if needs is Needs.FURTHER_TERM:
        return _further_term(units, trigger)
    if needs is Needs.GOVERNMENT:
        return _government_slot(units, trigger)
    status = _status_slot(units, trigger)
    if status is None and needs is Needs.STATUS_OR_LIST:
        return _first(units, trigger.end, min(trigger.right, trigger.end + 4), Kind.LIST)
    return status


def _first(units: Sequence[Unit], start: int, stop: int, kind: Kind) -> int | None:
    return next((i for i in range(start, stop) if units[i].kind is kind), None)


def _list_slot(units: Sequence[Unit], trigger: Trigger) -> int | None:
    behind = _antecedent_list(units, trigger)
    if behind is not None:
        return behind
    for index in range(trigger.end, trigger.right):
        if units[index].kind is Kind.LIST and _leads_to_list(trigger, _preposition(units, index)):
            return index
        if index > trigger.end and units[index].text == "that":
            return None
    return None


def _leads_to_list(trigger: Trigger, lead: str) -> bool:
    """Whether the word before the list is one that the phrase has there; a list that is issued has none."""
    if trigger.phrase.names_later:
        return lead not in {"from", "off", "to", "on"}  # "approved the removal of X from its list"
    return not trigger.phrase.preps or lead in trigger.phrase.preps


def _antecedent_list(units: Sequence[Unit], trigger: Trigger) -> int | None:
    """`Canada's list, on which X was placed in 2005`: the list that the relative clause is about."""
    opener = trigger.left - 1
    if opener < 2 or units[opener].text != "which" or units[opener - 1].text not in trigger.phrase.preps:
        return None
    index = opener - 3 if units[opener - 2].text == "," else opener - 2
    return index if index >= 0 and units[index].kind is Kind.LIST else None


def takes_group(units: Sequence[Unit], trigger: Trigger) -> bool:
    """`removed it`, `to exclude the movement`: the object alone, where the list was named a sentence before."""
    window = [unit.text for unit in units[trigger.end : trigger.right]]
    if any(
        a in trigger.phrase.preps and (b == "it" or (b in {"its", "their"} and window[i + 2 : i + 3] == ["own"]))
        for i, (a, b) in enumerate(pairwise(window))
    ):
        return True  # "and Kyrgyzstan struck it from its own"
    if trigger.phrase.subject:  # "X stays on the list, Y comes off"
        ends = trigger.end + 1 >= len(units) or units[trigger.end + 1].kind is Kind.PUNCT
        return ends and trigger.end < len(units) and units[trigger.end].text in trigger.phrase.preps
    if "off" in trigger.phrase.preps and (
        (window[:2] in (["it", "off"], ["them", "off"])) or (trigger.passive and window[:1] == ["off"])
    ):
        return True  # "took them off", "was taken off"
    if units[trigger.start].text not in words().plain_moves:
        return False
    if trigger.passive:
        following = units[trigger.end].text if trigger.end < len(units) else ""
        return following not in {"to", "from", "on", "that", "by"}
    near = units[trigger.end : trigger.end + 3]
    return any(
        u.kind is Kind.GROUP or u.text in {"it", "them"} or singular(u.text) in words().group_nouns for u in near
    )


def _preposition(units: Sequence[Unit], index: int) -> str:
    """The word that leads to the noun phrase at `index`, its article skipped."""
    before = index - 1
    while before > 0 and (units[before].text in {"the", "a", "an"} or units[before].kind is Kind.PUNCT):
        before -= 1
    if units[before].text == "of" and before > 1 and units[before - 1].text in {"one", "two", "several", "both"}:
        before -= 2  # "to one of its lists"
    return units[before].text


def _label_slot(units: Sequence[Unit], trigger: Trigger) -> int | None:
    slot = _first(units, trigger.end, min(trigger.right, trigger.end + 30), Kind.LABEL)
    if slot is not None and any(
        u.text.endswith("ing") and _acts(u) and u.text not in words().joints for u in units[trigger.end : slot]
    ):
        return None  # "considers designating X a terrorist group": the label is the nearer verb's
    if slot is not None and trigger.phrase.subject and not _is_predicate(units, trigger, slot):
        return None
    if slot is not None and any(unit.text == "other-label" for unit in units[trigger.end : slot]):
        return None
    if slot is not None and any(unit.text == "that" for unit in units[trigger.end : min(slot, trigger.end + 5)]):
        return None
    return slot


def _is_predicate(units: Sequence[Unit], trigger: Trigger, slot: int) -> bool:
    """Whether the label says what the subject is: not "is given to a terrorist group", not "is to be declared one"."""
    if units[slot - 1].text in words().prepositions - {"as"}:
        return False
    if units[trigger.start].text == "be" and not _is_to_come(trigger):
        return False  # "judges found it to be terrorist"
    between = units[trigger.end : slot] if units[trigger.start].text in words().be_forms else ()
    return not any(_acts(unit) or unit.text.endswith("ed") for unit in between)


def _is_to_come(trigger: Trigger) -> bool:
    known = words()
    return not (known.future | known.maybe | known.wish | known.be_forms | {"would"}).isdisjoint(trigger.auxiliaries)


def _status_slot(units: Sequence[Unit], trigger: Trigger) -> int | None:
    opener = next((i for i in range(trigger.start - 1, 0, -1) if units[i].text in {"that", "which"}), None)
    if trigger.voice is Voice.ACTIVE and opener is not None and units[opener - 1].kind is Kind.STATUS:
        return opener - 1  # "the label that parliament gave X in May"
    if trigger.passive or trigger.phrase.subject:
        behind = range(trigger.start - 1, trigger.left - 1, -1)
        found = next((i for i in behind if units[i].kind is Kind.STATUS), None)
        if found is not None and _is_undone(units, found):
            return None  # "the annulment of the listing was upheld", "... takes effect"
        return (
            found
            if found is not None or trigger.phrase.subject
            else _first(units, trigger.end, min(trigger.right, trigger.end + 3), Kind.STATUS)
        )
    if trigger.phrase.followed_by and trigger.phrase.change.value == "delisting":
        return _first(units, trigger.end, min(trigger.right, trigger.end + 8), Kind.STATUS)
    reach = 10 if trigger.voice is Voice.NOUN else 5
    start = _behind_term(units, trigger.end)
    for index in range(start, min(trigger.right, start + reach)):
        if units[index].kind is Kind.STATUS:
            return index
        leads_on = units[index].text in {"for", "on"} and units[index - 1].text in words().rulings
        leads_on = leads_on or (trigger.voice is Voice.NOUN and units[index].text in {"to", "over", "by"})
        stops = units[index].text in {"to", "from", "on", "in", ",", "that", "for", "by"} and not leads_on
        if stops or (_acts(units[index]) and units[index - 1].text not in {"a", "an"}):
            return None
    return None


def _is_undone(units: Sequence[Unit], status: int) -> bool:
    """`the lifting of the ban`, `the annulment of its listing`: what is spoken of is the act, not the status."""
    head = next((i for i in range(status - 1, max(-1, status - 4), -1) if units[i].text == "of"), 0)
    return head > 0 and _acts(units[head - 1])


def _behind_term(units: Sequence[Unit], start: int) -> int:
    """`renewed for a further three years the ban`, `extended by five years`: where the object begins."""
    lead = [unit.text for unit in units[start : start + 2]]
    if lead[:1] == ["on"] and lead[-1] in WEEKDAYS:
        return start + 2  # "upheld on Wednesday the dissolution of X"
    if start >= len(units) or units[start].text not in {"for", "by"}:
        return start
    term = next(
        (i for i in range(start, min(start + 6, len(units))) if units[i].text.startswith(("year", "month"))), None
    )
    if term is None:
        return start
    aside = term + 1 < len(units) and units[term + 1].text == ","  # "by one year, until October 2027, the sanctions"
    close = next((i for i in range(term + 2, min(term + 9, len(units))) if units[i].text == ","), term)
    return (close if aside else term) + 1


def _acts(unit: Unit) -> bool:
    return unit.kind is Kind.WORD and unit.text in spellings() and unit.text not in words().list_marks


def _further_term(units: Sequence[Unit], trigger: Trigger) -> int | None:
    following = [unit.text for unit in units[trigger.end : trigger.right]]
    for index, text in enumerate(following[:-1]):
        if text in {"further", "another", "additional"} and any(
            t.startswith(("year", "month")) for t in following[index : index + 4]
        ):
            return -1
    return None


def _government_slot(units: Sequence[Unit], trigger: Trigger) -> int | None:
    """Recognition needs the group as object (or passive subject) as a government, and no label."""
    window = units[trigger.end : trigger.right]
    if any(unit.kind is Kind.LABEL or unit.text == "other-label" for unit in window):
        return None
    if any(
        unit.kind is Kind.GROUP
        and unit.possessive
        and (i + 1 >= len(window) or window[i + 1].text not in words().government)
        for i, unit in enumerate(window)
    ):
        return None
    if trigger.passive:
        return -1
    as_what = next((i for i, unit in enumerate(window) if unit.text == "as"), None)
    if as_what is not None and not any(_names_government(unit) for unit in window[as_what : as_what + 8]):
        return None
    near = window[:7]
    texts = [unit.text for unit in near[1:]] + [""]
    bare = (i for i, u in enumerate(near) if _is_country(u) and texts[i] != "recognition")
    near = near[: next(bare, len(near))]  # "would not recognise Kosovo, nor would it list X"
    return -1 if any(u.kind is Kind.GROUP or _names_government(u) or _stands_for_group(u) for u in near) else None


def _is_country(unit: Unit) -> bool:
    return unit.kind is Kind.ACTOR and unit.noun is None and not (unit.possessive or unit.demonym)


def _stands_for_group(unit: Unit) -> bool:
    return unit.kind is Kind.WORD and (unit.text == "it" or singular(unit.text) in words().group_nouns)


def _names_government(unit: Unit) -> bool:
    """Also where the word is part of an actor: "the government of Afghanistan"."""
    return any(singular(word) in words().government or word in words().government for word in unit.text.split())
