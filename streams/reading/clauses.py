"""Changes in a sentence: verbs of the phrasebook whose needs are met, each with its voice and its clause.

Where several rows fit one verb, the most demanding wins: "declared X an unlawful association for a further five
years" is a renewal before it is a listing. What is not in the sentence is left open for `context` to fill.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from streams.reading.phrases import Form, Needs, Phrase, Spelling, spellings
from streams.reading.slots import slot_of, takes_group
from streams.reading.times import is_month
from streams.reading.tokens import Kind, Unit
from streams.reading.triggers import SPLIT, Trigger, Voice
from streams.reading.voices import auxiliaries_of, voice_of
from streams.reading.words import singular, words
from streams.vocabulary import Change, Stage


class Seen(NamedTuple):
    """What the sentences before spoke of."""

    some_list: bool  # anywhere before
    a_list: Callable[[], bool]  # so that this sentence may mean it
    a_status: bool
    an_act: bool


def find_triggers(units: Sequence[Unit], seen: Seen) -> Iterator[Trigger]:
    """The triggers of the sentence, left to right; where several rows fit one verb, the most demanding.

    `seen`: what the text before spoke of, so that "removed the group" needs no list of its own.
    """
    known, out_of_reach = spellings(), _out_of_reach(units, seen)
    for index, unit in enumerate(units):
        trigger = _at(units, index, seen, out_of_reach) if unit.text in known and unit.kind is Kind.WORD else None
        if trigger is not None:
            yield trigger


def _out_of_reach(units: Sequence[Unit], seen: Seen) -> frozenset[Needs]:
    """The needs that nothing in the sentence can meet: a cheap look before each verb is weighed."""
    kinds, texts = {unit.kind for unit in units}, {unit.text for unit in units}
    lacking = {Needs.LABEL} if Kind.LABEL not in kinds else set()
    if Kind.STATUS not in kinds and words().pronouns.isdisjoint(texts) and words().rulings.isdisjoint(texts):
        lacking |= {Needs.STATUS} if Kind.LIST in kinds else {Needs.STATUS, Needs.STATUS_OR_LIST}
    if Kind.LIST not in kinds and _LISTED.isdisjoint(texts) and not seen.some_list:
        lacking.add(Needs.LIST)
    return frozenset(lacking)


def _at(units: Sequence[Unit], index: int, seen: Seen, out_of_reach: frozenset[Needs]) -> Trigger | None:
    met: list[Trigger] = []
    for spelling in spellings()[units[index].text]:
        if spelling.phrase.needs in out_of_reach:
            continue
        length = len(spelling.words)
        if any(index + k >= len(units) or units[index + k].text != spelling.words[k] for k in range(1, length)):
            continue
        if met and met[0].end - met[0].start > length:
            break
        trigger = _fitting(units, index, spelling, seen)
        if trigger is not None:
            met.append(trigger)
    return min(met, key=lambda t: (not t.phrase.followed_by, _DEMAND[t.phrase.needs]), default=None)


_DEMAND = {
    need: rank
    for rank, need in enumerate(
        (
            Needs.FURTHER_TERM,
            Needs.LABEL,
            Needs.STATUS,
            Needs.LIST,
            Needs.STATUS_OR_LIST,
            Needs.GOVERNMENT,
            Needs.NOTHING,
        )
    )
}


def _fitting(units: Sequence[Unit], start: int, spelling: Spelling, seen: Seen) -> Trigger | None:
    """The trigger that this spelling makes at `start`, if its phrase has all that it asks for."""
    phrase, end = spelling.phrase, start + len(spelling.words)
    stands = _stays(units, start) or _is_kept(units, start, spelling.form)
    if stands or _is_attribute(units, start, end, spelling.form) or _is_noun(units, start, end, spelling):
        return None
    if start and units[start].text == "include" and units[start - 1].text in words().stand_ins_for_many | _RELATIVES:
        return None  # "they include X and Y", "groups, which include X": goes on with what was said
    auxiliaries = auxiliaries_of(units, start)
    voice, passive = voice_of(units, start, end, spelling.form, auxiliaries)
    if phrase.subject and voice is Voice.REDUCED:
        voice, passive = Voice.ACTIVE, False
    left, right = _clause(units, start, end)
    trigger = Trigger(phrase, spelling.form, voice, passive, start, end, left, right, auxiliaries, None)
    slot = slot_of(units, trigger)
    if slot is None and (_may_lack_list(units, trigger, seen) or _stands_for_status(units, trigger, seen)):
        slot = -1
    if slot is None or not _wording_fits(units, trigger):
        return None
    return trigger._replace(slot=slot if slot >= 0 else None)


def _is_noun(units: Sequence[Unit], start: int, end: int, spelling: Spelling) -> bool:
    """Whether what looks like a verb is the noun: "a review", "subject to sanctions", "despite sanctions on X"."""
    before = units[start - 1].text if start else ""
    if spelling.form is Form.BASE:
        return before in words().articles
    if spelling.form is not Form.PRESENT:
        return False
    on = end < len(units) and units[end].text in {"on", "against", "over"} and not spelling.phrase.subject
    return on or before in words().articles or before in words().prepositions


def _stays(units: Sequence[Unit], start: int) -> bool:
    """`to stay banned`, `continue to be banned`: a standing."""
    if start and units[start - 1].text in words().stays:
        return True
    return (
        start > 2 and units[start - 1].text == "be" and units[start - 3].text in {"continue", "continues", "continued"}
    )


def _is_kept(units: Sequence[Unit], start: int, form: Form) -> bool:
    """`keeps X and Y banned`: a standing that goes on."""
    if form not in {Form.PARTICIPLE, Form.PAST_OR_PARTICIPLE}:
        return False
    index = start - 1
    while index > 0 and (units[index].kind is Kind.GROUP or units[index].text in words().joints):
        index -= 1
    return 0 <= index < start - 1 and units[index].text in _KEEP


_KEEP = frozenset({"keep", "keeps", "kept", "keeping", "leave", "leaves", "left", "leaving"})


def _is_attribute(units: Sequence[Unit], start: int, end: int, form: Form) -> bool:
    """`the proscribed group`, `a designated gang`: the participle before its noun."""
    if form not in {Form.PARTICIPLE, Form.PAST_OR_PARTICIPLE} or end >= len(units):
        return False
    if units[end].kind is Kind.GROUP and (not start or units[start - 1].text in words().prepositions - {"to"}):
        return True  # "Banned PKK holds rally", "raids over banned PKK"
    if units[end].kind is Kind.GROUP and start and units[start - 1].text == "that":
        return False  # "an order that banned Hamas"
    worn = units[end].kind is Kind.GROUP or singular(units[end].text) in words().group_nouns
    return bool(start) and worn and units[start - 1].text in words().determiners | words().own


def _may_lack_list(units: Sequence[Unit], trigger: Trigger, seen: Seen) -> bool:
    """Whether the list was named just before, so that `removed it` is enough."""
    if trigger.phrase.needs is not Needs.LIST or not trigger.phrase.preps or not takes_group(units, trigger):
        return False
    before = units[: trigger.start]
    return any(unit.kind is Kind.LIST or unit.text in _LISTED for unit in before) or seen.a_list()


def _stands_for_status(units: Sequence[Unit], trigger: Trigger, seen: Seen) -> bool:
    """`It was imposed in 2001`, `judges suspended it`: the ban that was named just before."""
    if trigger.phrase.needs not in {Needs.STATUS, Needs.STATUS_OR_LIST}:
        return False
    if trigger.phrase.followed_by and "back" not in trigger.phrase.followed_by:
        return False
    if trigger.voice is Voice.NOUN and trigger.phrase.stage is Stage.PROPOSED:
        told = seen.some_list or seen.a_status or any(unit.kind is Kind.LIST for unit in units)
        return told and _is_by_group(units, trigger.end)
    if trigger.phrase.stage is Stage.PROPOSED:
        return False  # "have seven days to review it"
    place = trigger.start - len(trigger.auxiliaries) - 1 if trigger.passive or trigger.phrase.subject else trigger.end
    if not 0 <= place < len(units) - 1:
        return False
    if place == trigger.end and units[place + 1].text in words().rulings and _is_known_act(units, place, trigger):
        told = any(unit.text in _LISTED or unit.text in _DECREED for unit in units[: trigger.start])
        return told or seen.a_status or seen.an_act  # "revoked that order", "upheld the decision in January"
    if units[place].text not in {"it", "they", "them"}:
        return False
    following = units[place + 1]
    ends = following.kind is Kind.PUNCT or following.text in words().prepositions or following.text == "back"
    if place == trigger.end and not ends:
        return False  # "gave it three weeks"
    named = seen.a_status or (seen.an_act and not trigger.phrase.subject)
    return named or any(unit.kind is Kind.STATUS for unit in units[: trigger.start])


def _is_by_group(units: Sequence[Unit], place: int) -> bool:
    """`denied petitions by X`: a challenge to the listing that the story is about."""
    by = place < len(units) and units[place].text == "by"
    return by and any(unit.kind is Kind.GROUP for unit in units[place : place + 4])


def _is_known_act(units: Sequence[Unit], place: int, trigger: Trigger) -> bool:
    """Whether "that order", or "the order" that nothing behind defines, stands there; what makes a ban is new."""
    if units[place].text in {"that", "this"}:
        return True
    behind = units[place + 2].text if place + 2 < len(units) else ""
    known = units[place].text in {"the", "its"} and behind not in {"to", "of", "that", "on", "against", "for", "which"}
    return known and trigger.phrase.change is not Change.LISTING


_RELATIVES = frozenset({"which", "that", "who"})

_LISTED = frozenset({"designated", "listed", "blacklisted", "proscribed", "added", "banned", "outlawed", "declared"})
"""Verbs behind which "dropped it" means the list."""

_DECREED = frozenset({"dissolved", "disbanded", "suspended", "lifted", "annulled"})
"""Those besides, and their like, behind which "the decree" means what they did."""

_NEAR = 16
"""How far behind a verb the words that a phrase forbids may stand."""
_FAR = 24
"""How far those that it asks for may: behind an object with a clause of its own."""


def _wording_fits(units: Sequence[Unit], trigger: Trigger) -> bool:
    """Whether the words that the phrase asks for are there, and none that it forbids."""
    phrase = trigger.phrase
    near = units[trigger.left : min(trigger.right, trigger.end + _NEAR)]
    window = {u.text for u in near} | {word for u in near if u.kind is Kind.LIST for word in (u.noun or "").split()}
    window |= {word for u in near if u.kind is Kind.ACTOR for word in u.text.split()}
    if not window.isdisjoint(phrase.without) or not _is_followed(units, trigger, window):
        return False
    if phrase.auxiliary is not None and phrase.auxiliary not in trigger.auxiliaries:
        return False
    ahead = {unit.text for unit in units[trigger.end : trigger.end + _NEAR]}
    return ahead.isdisjoint({"other-label", "other-list", "sponsor", "sponsors"}) or not needs_plain(phrase)


def _is_followed(units: Sequence[Unit], trigger: Trigger, near: set[str]) -> bool:
    """Whether one of the words that must follow does."""
    wanted = trigger.phrase.followed_by
    if not wanted or not near.isdisjoint(wanted):
        return True
    return any(unit.text in wanted for unit in units[trigger.end : min(trigger.right, trigger.end + _FAR)])


def needs_plain(phrase: Phrase) -> bool:
    """Whether a label or list of another kind takes the phrase's meaning away."""
    return phrase.needs in {Needs.NOTHING, Needs.LABEL, Needs.LIST}


def _clause(units: Sequence[Unit], start: int, end: int) -> tuple[int, int]:
    """The span of units in which the verb's parts are looked for."""
    left = start
    while left > 0 and units[left - 1].text not in SPLIT:
        opener = units[left - 1]
        if (
            opener.kind is Kind.WORD
            and opener.text in words().clause_walls
            and not any(u.text == "," for u in units[left:start])
        ):
            break
        if opener.text == "as" and left < start and units[left].kind is Kind.ACTOR and not units[left].demonym:
            break  # "X dropped as US renews list"
        left -= 1
    right = end
    while right < len(units) and not _closes(units, right, end):
        right += 1
    return left, right


def _closes(units: Sequence[Unit], index: int, end: int) -> bool:
    unit = units[index]
    if unit.kind is Kind.PUNCT:
        return unit.text in {";", "—", "–"} and index > end
    if unit.text in {"since", "until"} and index + 1 < len(units) and _begins_date(units[index + 1]):
        return False
    return unit.kind is Kind.WORD and unit.text in words().clause_walls


def _begins_date(unit: Unit) -> bool:
    """`since 2003`, `since March`, `until next summer`: a time, no clause of its own."""
    return unit.text[:1].isdigit() or unit.text in _DATES_BEGIN or is_month(unit.text)


_DATES_BEGIN = frozenset({"last", "next", "the", "early", "late", "spring", "summer", "autumn", "winter"})
