"""A sentence as units: words, the groups and actors it names, and the noun phrases that matter.

An actor is an authority by name, people, seat or organ ("Russia's Foreign Ministry" is one actor: Russia, through an
organ). A list, a label and a status noun are noun phrases collapsed into one unit, so that the rules that follow see
"X removed G from LIST", however long the list's name is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from streams.reading.lexicon import Lexicon
from streams.reading.tokens import Kind, Unit, tokens
from streams.reading.words import words
from streams.records import AuthorityKey, Mention


def units_of(text: str, start: int, end: int, mentions: Iterable[Mention], lexicon: Lexicon) -> list[Unit]:
    """The units of `text[start:end]`, noun phrases not yet collapsed."""
    inside = [m for m in mentions if start <= m.start and m.end <= end]
    return _with_actors(_with_groups(tokens(text, start, end), inside, lexicon), lexicon, text)


def bare_groups(text: str, start: int, end: int, mentions: Iterable[Mention], lexicon: Lexicon) -> list[Unit]:
    """The actor that `text[start:end]` opens with, and the groups it names; for a sentence that can tell nothing."""
    inside = [m for m in mentions if start <= m.start and m.end <= end]
    first = _FIRST.match(text, start, end)
    actor: list[Unit] = []
    if first is not None and lexicon.opens(_OWN.sub("", first[1].lower())):
        opening = units_of(text, start, min(end, start + _OPENING), inside, lexicon)[:2]
        actor = [unit for unit in opening if unit.kind is Kind.ACTOR][:1]
    return actor + [_group_unit(m, lexicon) for m in inside if not _GOES_ON.match(text, m.end, end)]


_OWN = re.compile(r"['’]s$|\.$(?<![a-z]\.[a-z]\.)")
_FIRST = re.compile(r"(?:The )?(\w[\w.’'-]*)")
_OPENING = 60
"""Characters in which a sentence's first actor stands."""


_GOES_ON = re.compile(r"-\w")


def _group_unit(mention: Mention, lexicon: Lexicon) -> Unit:
    whole = lexicon.whole.get(mention.group)
    return Unit(
        Kind.GROUP,
        mention.text.lower(),
        mention.start,
        mention.end,
        group=whole or mention.group,
        scope=mention.group if whole else None,
        capital=True,
    )


def _with_groups(pieces: list[Unit], mentions: list[Mention], lexicon: Lexicon) -> list[Unit]:
    """Tokens covered by a mention become one GROUP unit; `Taliban-run` stays a word, it is no actor or patient."""
    out: list[Unit] = []
    queue = sorted(mentions, key=lambda m: m.start)
    for token in pieces:
        while queue and queue[0].end <= token.start:
            queue.pop(0)
        if not queue or token.end <= queue[0].start:
            out.append(token)
            continue
        mention = queue[0]
        if token.end > mention.end and token.start <= mention.start:
            out.append(token)
            continue
        if out and out[-1].kind is Kind.GROUP and out[-1].start == mention.start:
            continue
        out.append(_group_unit(mention, lexicon))
    return out


def _with_actors(pieces: list[Unit], lexicon: Lexicon, text: str) -> list[Unit]:
    """Actors recognised, organs joined to the country beside them, possessives folded into their owner."""
    out: list[Unit] = []
    index = 0
    while index < len(pieces):
        piece = pieces[index]
        term, length = lexicon.match(pieces, index, text) if lexicon.opens(piece.text) else (None, 0)
        if term is None:
            out.append(piece)
            index += 1
            continue
        last = pieces[index + length - 1]
        out.append(
            pieces[index]._replace(
                kind=Kind.ACTOR,
                text=" ".join(t.text for t in pieces[index : index + length]),
                end=last.end,
                authority=term.authority,
                act=term.act,
                noun=term.noun,
                demonym=term.demonym,
            )
        )
        index += length
    return _join_organs(_fold_possessives(out))


def _fold_possessives(units: list[Unit]) -> list[Unit]:
    out: list[Unit] = []
    for unit in units:
        if unit.text in {"'s", "'"} and out and out[-1].kind in {Kind.ACTOR, Kind.GROUP} and out[-1].end == unit.start:
            out[-1] = out[-1]._replace(possessive=True, end=unit.end)
        elif unit.text == "'s" and out and out[-1].end == unit.start:
            out[-1] = out[-1]._replace(text=out[-1].text + "'s", end=unit.end)
        else:
            out.append(unit)
    return out


def _join_organs(units: list[Unit]) -> list[Unit]:
    """`Russian [Supreme Court]`, `Britain's [High Court]`, `[lawmakers] in Ethiopia` become one actor each."""
    out: list[Unit] = []
    index = 0
    while index < len(units):
        unit = units[index]
        if unit.kind is Kind.ACTOR and unit.authority is not None:
            reach = _organ_after(units, index)
            if reach is not None:
                organ = units[reach]
                out.append(_joined(unit, organ, unit.authority))
                index = reach + 1
                continue
        if unit.kind is Kind.ACTOR and unit.authority is None and out and out[-1].kind is Kind.GROUP:
            out.append(unit._replace(kind=Kind.WORD, act=None, noun=None))  # "PKK congress": an organ of the group
            index += 1
            continue
        if unit.kind is Kind.ACTOR and unit.authority is None and not unit.possessive:
            owner = _owner_after(units, index)
            if owner is not None:
                out.append(_joined(unit, units[owner], units[owner].authority)._replace(act=unit.act, noun=unit.noun))
                index = owner + 1
                continue
        out.append(unit)
        index += 1
    return out


def _joined(first: Unit, last: Unit, authority: AuthorityKey | None) -> Unit:
    return last._replace(start=first.start, text=f"{first.text} {last.text}", authority=authority, demonym=False)


def _organ_after(units: list[Unit], index: int) -> int | None:
    """The organ that the country at `index` owns: next to it, or behind up to three words (`U.S. Home Affairs ...`)."""
    country = units[index]
    for reach in range(index + 1, min(index + 5, len(units))):
        other = units[reach]
        if other.kind is Kind.ACTOR:
            same = other.authority in {None, country.authority} or (country.possessive and other.act is not None)
            near = country.demonym or country.possessive or reach == index + 1
            return reach if same and near and other.noun is not None else None
        if other.kind is not Kind.WORD or other.text in words().organ_breaks or other.text.endswith(("ing", "ed")):
            return None
    return None


def _owner_after(units: list[Unit], index: int) -> int | None:
    """`lawmakers in Ethiopia`, `the government of Kenya`: the index of the country, if the organ stands before it."""
    after = index + 1
    if after < len(units) and units[after].text in {"of", "in"}:
        after += 1
        if after < len(units) and units[after].text == "the":
            after += 1
        if (
            after < len(units)
            and units[after].kind is Kind.ACTOR
            and units[after].authority
            and not units[after].demonym
        ):
            return after if units[after].noun is None else None
    return None
