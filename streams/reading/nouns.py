"""Noun phrases that carry the subject matter, collapsed into one unit each.

LIST    a list of designated groups, with its owner: "Russia's list of banned organisations", "the UK terror list"
LABEL   what a designated group is called: "a foreign terrorist organisation"
STATUS  the designation as a thing: "the ban", "its terrorist designation", "Britain's proscription"

A list of another kind (state sponsors, entity list) collapses too, as a word that no rule knows, so that it can not
be taken for one of ours.
"""

from __future__ import annotations

from functools import cache

from streams.reading.phrases import verb_forms
from streams.reading.times import WEEKDAYS, is_month
from streams.reading.tokens import Kind, Unit
from streams.reading.words import plural, singular, words


def collapse(units: list[Unit]) -> list[Unit]:
    """The units with every list, label and status noun phrase as one unit."""
    heads = phrase_heads()
    out: list[Unit] = []
    index = 0
    while index < len(units):
        head = units[index]
        made = _phrase_at(units, index, out) if head.text in heads and head.kind is Kind.WORD else None
        if made is None:
            out.append(head)
            index += 1
            continue
        phrase, back, ahead = made
        del out[len(out) - back :]
        out.append(phrase)
        index += 1 + ahead
    return out


@cache
def phrase_heads() -> frozenset[str]:
    """Every word, singular or plural, that a list, a label or a status can end with."""
    singulars = words().list_heads | words().label_heads | words().status_nouns | words().marked_status_nouns
    return singulars | words().labels_alone | frozenset(plural(word) for word in singulars)


def _phrase_at(units: list[Unit], index: int, out: list[Unit]) -> tuple[Unit, int, int] | None:
    return _list_at(units, index, out) or _label_at(units, index, out) or _status_at(units, index, out)


def _modifiers(out: list[Unit], limit: int, groups: bool = False) -> list[Unit]:
    """The run of words before a noun that belong to its phrase, the determiner included, in order.

    A group ends the run ("Hamas's designation" keeps Hamas for the rules) unless `groups`: it only names the list.
    """
    run: list[Unit] = []
    for back, unit in enumerate(reversed(out[-limit:]), start=1):
        if (
            unit.kind is Kind.PUNCT
            and unit.text not in {"-", "'", '"', "“", "”"}
            and not (groups and unit.text in "()")
        ):
            break
        if groups and unit.text == "and" and run and run[-1].kind is Kind.GROUP:
            run.append(unit)
            continue
        if unit.kind in {Kind.LIST, Kind.LABEL, Kind.STATUS} or (
            unit.kind is Kind.WORD and unit.text in words().phrase_stops
        ):
            break
        if (unit.kind is Kind.GROUP and not groups) or _is_verb(unit) or _has_subject(unit, out[:-back]):
            break
        run.append(unit)
        if (
            unit.text in words().determiners
            or unit.text in words().own - {"own", "national"}
            or (unit.possessive and unit.kind is Kind.ACTOR)
        ):
            break
    return run[::-1]


_MARKS_THAT_ACT = frozenset({"banned", "outlawed", "proscribed", "prohibited", "designated", "forbidden"})


def _has_subject(unit: Unit, before: list[Unit]) -> bool:
    """`President Musharraf banned five groups`: the mark is the verb where a name or an actor stands before it."""
    if unit.text not in _MARKS_THAT_ACT or not before:
        return False
    last = before[-1]
    named = last.kind is Kind.WORD and last.capital and len(before) > 1
    helped = last.text in words().have_forms
    return named or helped or (last.kind is Kind.ACTOR and not last.demonym and not last.possessive)


def _is_verb(unit: Unit) -> bool:
    """Whether the word acts rather than qualifies: a form of a phrasebook verb that is no mark of a list or label."""
    qualifies = unit.text in words().list_marks or unit.text in words().label_marks
    return unit.kind is Kind.WORD and not qualifies and unit.text in verb_forms()


def _list_at(units: list[Unit], index: int, out: list[Unit]) -> tuple[Unit, int, int] | None:
    head = units[index]
    if singular(head.text) not in words().list_heads:
        return None
    before = _modifiers(out, 8, groups=True)
    if before and before[-1].kind is Kind.ACTOR and any(u.kind is Kind.GROUP for u in units[index + 1 : index + 3]):
        return None  # "that the government list X": the verb
    if not before and out and out[-1].text in words().verb_markers and _takes_object(units, index):
        return None  # "to blacklist X"
    if singular(head.text) == "listing" or (singular(head.text) == "list" and head.text == "lists" and not before):
        return None
    ahead = _of_phrase(units, index)
    around = [*before, *units[index + 1 : index + 1 + ahead]]
    texts = {unit.text for unit in around} | {piece for unit in around for piece in unit.text.split("-")}
    if texts & words().list_never or any(unit.text == "state" and unit.kind is Kind.WORD for unit in around):
        return (
            _phrase(Kind.WORD, before, head, units[index + ahead])._replace(text="other-list"),
            len(before),
            ahead,
        )
    marked = bool(texts & words().list_marks) or singular(head.text) == "blacklist"
    if not marked and not (before and (_is_determined(before) or before[0].text in _COUNTS)):
        return None
    phrase = _phrase(Kind.LIST, before, head, units[index + ahead])
    owner = next((unit.authority for unit in around if unit.kind is Kind.ACTOR and unit.authority), None)
    inside = " ".join(unit.text for unit in around if unit.kind is Kind.WORD)
    own = any(unit.text in words().own for unit in before)
    return phrase._replace(weak=not marked, authority=owner, own=own, noun=inside), len(before), ahead


_COUNTS = frozenset({"two", "three", "both"})
"""`took X off two lists`: lists that were named before."""


def _takes_object(units: list[Unit], index: int) -> bool:
    """Whether a group follows, with at most an article and a nationality in between."""
    return any(unit.kind is Kind.GROUP for unit in units[index + 1 : index + 4])


def _of_phrase(units: list[Unit], index: int) -> int:
    """How many units after a list's head belong to it: "of groups banned in the country", "in Australia"."""
    if index + 1 >= len(units) or units[index + 1].text not in {"of", "for"}:
        return 0
    for ahead in range(2, min(9, len(units) - index)):
        unit = units[index + ahead]
        if unit.kind in {Kind.PUNCT, Kind.GROUP}:
            return 0
        if singular(unit.text) in words().label_heads | words().group_nouns or unit.text in {
            "terrorists",
            "designations",
            "terrorism",
        }:
            following = units[index + ahead + 1].text if index + ahead + 1 < len(units) else ""
            if (
                following in {"of", "and"}
                and index + ahead + 2 < len(units)
                and units[index + ahead + 2].kind is Kind.WORD
            ):
                return ahead + 2
            return ahead
    return 0


def _label_at(units: list[Unit], index: int, out: list[Unit]) -> tuple[Unit, int, int] | None:
    head = units[index]
    alone = head.text in words().labels_alone and not _goes_on(units, index)
    if not alone and singular(head.text) not in words().label_heads:
        return None
    before = _modifiers(out, 7)
    before = _behind_noun(before)
    texts = {piece for unit in before for piece in unit.text.split("-")}
    lead = out[len(out) - len(before) - 1].text if len(out) > len(before) else ""
    if texts & words().label_never and "terrorist" not in texts:
        if not (lead == "as" or (before and before[0].text in {"a", "an"})):
            return None
        return _phrase(Kind.WORD, before, head, head)._replace(text="other-label"), len(before), 0
    if not alone and not texts & words().label_marks and not _is_one_designated(before):
        return _ranked_label(units, index, before)
    if not alone and (_goes_on_to_group(units, index) or _goes_on_to_list(units, index)):
        return None
    return _phrase(Kind.LABEL, before, head, head), len(before), 0


def _is_one_designated(before: list[Unit]) -> bool:
    """`made them a designated entity`: elsewhere the word is the verb."""
    return [unit.text for unit in before[:2]] in (["a", "designated"], ["a", "listed"], ["a", "proscribed"])


def _ranked_label(units: list[Unit], index: int, before: list[Unit]) -> tuple[Unit, int, int] | None:
    """`the first organisations outlawed in Britain`: a mark behind its noun, where the rank shows that it is given."""
    marked = index + 1 < len(units) and units[index + 1].text in words().label_marks
    if not marked or not any(unit.text in words().ranks for unit in before):
        return None
    return _phrase(Kind.LABEL, before, units[index], units[index + 1]), len(before), 1


def _behind_noun(before: list[Unit]) -> list[Unit]:
    """`branded [the group] terrorist`, `calls [four gangs] terrorist groups`: who is branded is not of the label."""
    worn = words().group_nouns | words().status_nouns
    cut = next((i for i in range(len(before), 0, -1) if singular(before[i - 1].text) in worn), 0)
    return before[cut:]


def _goes_on(units: list[Unit], index: int) -> bool:
    """Whether the word at `index` only qualifies the next one ("terrorist attack", "terrorist organisation")."""
    if index + 1 >= len(units):
        return False
    following = units[index + 1]
    if following.text in _WHEN or is_month(following.text):
        return False  # "named both as terrorist last October"
    return (
        following.kind in {Kind.WORD, Kind.GROUP}
        and following.text not in words().phrase_stops | words().clause_openers | words().have_forms
    )


_WHEN = WEEKDAYS.keys() | {"last", "this", "next", "late", "early", "earlier", "yesterday", "today"}


def _goes_on_to_group(units: list[Unit], index: int) -> bool:
    """`the terrorist group Hamas`: a label worn, not given."""
    return index + 1 < len(units) and units[index + 1].kind is Kind.GROUP


def _goes_on_to_list(units: list[Unit], index: int) -> bool:
    """`the foreign terrorist organization list`, `... designation`: the label only names the list or the status."""
    return index + 1 < len(units) and singular(units[index + 1].text) in words().list_heads | words().status_nouns


def _status_at(units: list[Unit], index: int, out: list[Unit]) -> tuple[Unit, int, int] | None:
    head = units[index]
    noun = singular(head.text)
    if noun not in words().status_nouns and noun not in words().marked_status_nouns:
        return None
    before = _modifiers(out, 6)
    texts = {piece for unit in before for piece in unit.text.split("-")}
    if texts & words().label_never or texts & {"travel", "entry", "flight", "visa", "flag", "arms"}:
        return None
    plain = noun in words().status_nouns and _is_noun(units, index, out, before)
    plain = plain or (noun in {"order", "decree", "sanction"} and _is_against(units, index, before))
    marked = noun in words().marked_status_nouns and bool(texts & words().list_marks | texts & words().label_marks)
    if not plain and not marked:
        return None
    owner = next((unit.authority for unit in before if unit.kind is Kind.ACTOR and unit.authority), None)
    own = any(unit.text in words().own for unit in before)
    known = bool(before) and (before[0].text in {"the", "this", "that"} or own or owner is not None)
    return (
        _phrase(Kind.STATUS, before, head, head)._replace(authority=owner, own=own, weak=known),
        len(before),
        0,
    )


def _is_against(units: list[Unit], index: int, before: list[Unit]) -> bool:
    """`suspended the decrees against X and Y`: the text for what it orders."""
    if not before or index + 1 >= len(units):
        return False
    following = units[index + 1].text
    sanctions = units[index].text == "sanctions" and before[0].text in {"the", "its", "their"}
    return following == "against" or (following == "on" and sanctions)


def _is_noun(units: list[Unit], index: int, out: list[Unit], before: list[Unit]) -> bool:
    """Whether `ban`, `listing`, `label` is the noun here rather than a verb form."""
    following = units[index + 1] if index + 1 < len(units) else None
    previous = out[-1].text if out else ""
    owner = out[-1 - len(before)] if len(out) > len(before) else None
    if owner is not None and owner.kind is Kind.GROUP and owner.possessive:
        return True  # "Hamas's listing", "the PKK's terror listing"
    if previous in words().verb_markers and not (following and following.text in {"on", "of"}):
        return False
    if units[index].text.endswith("ing"):
        return bool(following and following.text in {"of", "by"} and before) or bool(before and _is_determined(before))
    if before:
        acts = before[-1].kind is Kind.ACTOR and not before[-1].possessive and units[index].text.endswith("s")
        return not any(unit.kind is Kind.GROUP for unit in units[index + 1 : index + (5 if acts else 2)])
    if following is None or following.kind is Kind.PUNCT:
        return bool(out)
    if following.text in {"on", "of", "against", "by"}:
        return units[index].text.endswith(("ing", "ion", "n"))
    return following.text in words().be_forms | words().have_forms | words().labels_alone | {
        "will",
        "takes",
        "took",
        "comes",
        "came",
        "kicks",
        "enters",
    }


def _is_determined(before: list[Unit]) -> bool:
    return before[0].text in words().determiners | words().own or any(unit.possessive for unit in before)


def _phrase(kind: Kind, before: list[Unit], head: Unit, last: Unit) -> Unit:
    start = before[0].start if before else head.start
    return Unit(kind, head.text, start, last.end)
