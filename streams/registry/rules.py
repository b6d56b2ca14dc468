"""The rules every registry keeps: each yields, in words, the problems it finds. The loader raises the first of them.

Most are about what two files say of each other, so a rule is given all records.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from urllib.parse import urlsplit

from streams.records import GroupKey
from streams.registry.entries import Authority, Baseline, Group
from streams.registry.folding import fold_key, shape
from streams.registry.matcher import Name
from streams.registry.problems import Problem, Records, Rule, file_of

_COUNTRIES = frozenset(
    "ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bl bm bn bo bq br bs bt bv bw by bz "
    "ca cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg eh er es et fi fj fk fm fo "
    "fr ga gb gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je "
    "jm jo jp ke kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mf mg mh mk ml mm mn mo "
    "mp mq mr ms mt mu mv mw mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw "
    "py qa re ro rs ru rw sa sb sc sd se sg sh si sj sk sl sm sn so sr ss st sv sx sy sz tc td tf tg th tj tk tl tm "
    "tn to tr tt tv tw tz ua ug um us uy uz va vc ve vg vi vn vu wf ws xk ye yt za zm zw".split()
)
"""ISO 3166-1 alpha-2, and `xk`, which everyone uses for Kosovo."""

_IDS = {"wikidata": re.compile(r"Q[1-9]\d*"), "un": re.compile(r"[A-Z]{2}e\.\d{3}")}


def sources_are_addresses(records: Records) -> Iterator[Problem]:
    """Every record says where it can be looked up, and every row what supports it."""
    for record in records.all:
        if not record.sources:
            yield Problem(file_of(record), "sources", "no source given", "add at least one web address")
        rows = record.baseline if isinstance(record, Group) else ()
        for where, source in [
            *(("sources", source) for source in record.sources),
            *((_where(row), row.source) for row in rows),
        ]:
            if not _is_address(source):
                fault = f"the source {source!r} is not a web address"
                yield Problem(file_of(record), where, fault, "write it out, with https:// in front")


def countries_have_codes(records: Records) -> Iterator[Problem]:
    """A group has countries, by their ISO codes."""
    for group in records.groups.values():
        if not group.countries:
            yield Problem(file_of(group), "countries", "no country given", 'name the main one, such as ["pk"]')
        for code in group.countries:
            if code not in _COUNTRIES:
                remedy = "write the two lower-case letters of ISO 3166, such as gb for Britain"
                yield Problem(file_of(group), "countries", f"{code!r} is no country code", remedy)


def names_are_texts(records: Records) -> Iterator[Problem]:
    """A name has letters and stands once in its file. Spellings that only fold to the same are fine."""
    for record in records.all:
        texts = _texts_of(record)
        for text in texts:
            if not any(char.isalnum() for char in text):
                yield Problem(file_of(record), "aliases", f"{text!r} has no letters", "take it out")
        for text, times in Counter(texts).items():
            if times > 1:
                yield Problem(file_of(record), "aliases", f"{text!r} stands twice in this file", "take one of them out")


def groups_share_no_open_name(records: Records) -> Iterator[Problem]:
    """Where groups share a text, all but one say by `near` when it is theirs."""
    for names in records.shared:
        for rivals in _rivals(names):
            claims = list({name.group: name for name in rivals if name.is_open and name.group is not None}.values())
            for first, second in pairwise(claims):
                fault = f"the alias {second.text!r} also stands in {first.group}.toml"
                remedy = "give it near words in all files but one, or take it out of one"
                yield Problem(f"groups/{second.group}.toml", "aliases", fault, remedy)


def authorities_share_no_text(records: Records) -> Iterator[Problem]:
    """A text stands for one authority."""
    owners: dict[str, Authority] = {}
    for authority in records.authorities.values():
        for text in _texts_of(authority):
            owner = owners.setdefault(fold_key(text), authority)
            if owner is not authority:
                fault = f"the name {text!r} also stands in {owner.key}.toml"
                yield Problem(file_of(authority), "names", fault, "take it out of both, or write it with the country")


def instruments_are_told_apart(records: Records) -> Iterator[Problem]:
    """An authority's lists have keys of their own, and one of them is meant where none is named."""
    for authority in records.authorities.values():
        times = Counter(instrument.key for instrument in authority.instruments)
        for key in (key for key, count in times.items() if count > 1):
            fault = f"the instrument key {key!r} stands twice"
            yield Problem(file_of(authority), "instruments", fault, "give each list a key of its own")
        if times and sum(instrument.main for instrument in authority.instruments) != 1:
            remedy = "write main = true in the one that is meant where none is named"
            yield Problem(file_of(authority), "instruments", "exactly one instrument must be main", remedy)


def references_are_alive(records: Records) -> Iterator[Problem]:
    """A part has a whole, which is no part itself and keeps the listings of both; predecessors exist."""
    for group in records.groups.values():
        for where, other in [("part_of", group.part_of), *(("successor_of", key) for key in group.successor_of)]:
            if other is not None and (other == group.key or not records.knows(other)):
                fault = f"names the group {other!r}, which has no file" if other != group.key else "names itself"
                yield Problem(file_of(group), where, fault, "mend the key, or write that record first")
        whole = records.groups.get(group.part_of) if group.part_of else None
        if whole is not None and whole.part_of:
            fault = f"{whole.key!r} is itself part of {whole.part_of!r}"
            yield Problem(file_of(group), "part_of", fault, "name the group that is no part")
        if group.part_of and group.baseline:
            remedy = f"move the rows to {group.part_of}.toml, each with scope = {group.key!r}"
            yield Problem(file_of(group), "baseline", "a part has no rows of its own", remedy)


def baselines_name_known_lists(records: Records) -> Iterator[Problem]:
    """The authority, its list and the wing of a row have records."""
    for group in records.groups.values():
        for row in group.baseline:
            for fault, remedy in _dead_ends(row, group, records):
                yield Problem(file_of(group), _where(row), fault, remedy)


def baselines_run_forward(records: Records) -> Iterator[Problem]:
    """Days that exist, in their order; one list holds a group, or one of its parts, once at a time."""
    for group in records.groups.values():
        rows: dict[tuple[str, str | None, str | None], Baseline] = {}
        for row in group.baseline:
            days: list[str] = [day for day in (row.listed, row.suspended, row.delisted) if day is not None]
            for day in days:
                if not _is_day(day):
                    remedy = "write 2003, 2003-02 or 2003-02-14"
                    yield Problem(file_of(group), _where(row), f"{day!r} is no date", remedy)
            before = rows.get(key := (row.authority, row.instrument, row.scope))
            if before is not None:
                days = [before.delisted or "9999", row.listed or "0000", *days]
            if not all(_in_order(*pair) for pair in pairwise(days)):
                fault = "its dates are not in order, or it begins before the row above for the same list has ended"
                yield Problem(file_of(group), _where(row), fault, "order: listed, suspended, delisted, listed again")
            rows[key] = row


def never_means_never(records: Records) -> Iterator[Problem]:
    """A text that is never a group's name is no name of any group."""
    for group in records.groups.values():
        for text in group.never:
            owners = sorted({name.group for name in records.names.get(fold_key(text), ()) if name.group is not None})
            for owner in owners:
                fault = f"{text!r} is a name in {owner}.toml"
                yield Problem(file_of(group), "never", fault, "take it out here: the longest name wins by itself")


def ids_are_of_their_register(records: Records) -> Iterator[Problem]:
    """Outside numbers have the form of their register, and none stands for two groups."""
    owners: dict[tuple[str, str], GroupKey] = {}
    for group in records.groups.values():
        for register, form in _IDS.items():
            number = getattr(group.ids, register)
            if number is None:
                continue
            if not form.fullmatch(number):
                remedy = "look it up again, or leave it out"
                yield Problem(file_of(group), f"ids.{register}", f"{number!r} has not the form of its register", remedy)
            owner = owners.setdefault((register, number), group.key)
            if owner != group.key:
                remedy = "it can be right in one of them only"
                yield Problem(file_of(group), f"ids.{register}", f"{number!r} also stands in {owner}.toml", remedy)


RULES: tuple[Rule, ...] = (
    sources_are_addresses,
    countries_have_codes,
    names_are_texts,
    authorities_share_no_text,
    instruments_are_told_apart,
    references_are_alive,
    groups_share_no_open_name,
    never_means_never,
    baselines_name_known_lists,
    baselines_run_forward,
    ids_are_of_their_register,
)


def _texts_of(record: Authority | Group) -> list[str]:
    if isinstance(record, Group):
        return [record.name, *(alias.text for alias in record.aliases)]
    organs = [name for organ in record.organs for name in organ.names]
    return [record.name, *record.names, *record.demonyms, *record.metonyms, *record.figures, *organs]


def _where(row: Baseline) -> str:
    return f"baseline of {row.authority}"


def _is_address(text: str) -> bool:
    scheme, host, *_ = urlsplit(text)
    return scheme in {"http", "https"} and "." in host and not any(char.isspace() for char in text)


def _rivals(names: list[Name]) -> list[list[Name]]:
    """Names that one piece of text could be: capitals tell them apart only where all of them insist on theirs."""
    if not all(name.cased for name in names):
        return [names]
    written: dict[str, list[Name]] = {}
    for name in names:
        written.setdefault(shape(name.text), []).append(name)
    return list(written.values())


def _dead_ends(row: Baseline, group: Group, records: Records) -> Iterator[tuple[str, str]]:
    if not records.knows_authority(row.authority):
        yield f"no authority file of the key {row.authority!r}", "mend the key, or write that file first"
    authority = records.authorities.get(row.authority)
    lists = [instrument.key for instrument in authority.instruments] if authority is not None else []
    if authority is not None and row.instrument is not None and row.instrument not in lists:
        yield f"no instrument {row.instrument!r} in {row.authority}.toml", f"it has: {', '.join(lists) or 'none'}"
    if row.scope is not None and not records.knows(row.scope):
        yield f"the scope {row.scope!r} has no file", "mend the key, or write that record first"
    elif row.scope and (part := records.groups.get(row.scope)) is not None and part.part_of != group.key:
        yield f"the scope {row.scope!r} is no part of this group", f"write part_of = {group.key!r} in {row.scope}.toml"


def _is_day(text: str) -> bool:
    if not re.fullmatch(r"(19|20)\d\d(-(0[1-9]|1[0-2])(-\d\d)?)?", text):
        return False
    try:
        date.fromisoformat(f"{text}-01-01"[:10])
    except ValueError:
        return False
    return True


def _in_order(earlier: str, later: str) -> bool:
    """Days of different precision are in order unless they cannot be."""
    shorter = min(len(earlier), len(later))
    return earlier[:shorter] <= later[:shorter]
