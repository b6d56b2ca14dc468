"""Entries against the registry: who is who, what is added, and what is only ever shown."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from streams.records import AuthorityKey, GroupKey, PartialDate
from streams.registry import Registry, build_registry, load_registry
from streams.registry.entries import Alias, AliasKind, Baseline, Group, Ids
from streams.registry.importing import load, un
from streams.registry.importing.diffs import Diff
from streams.registry.importing.drafting import wire_case
from streams.registry.importing.listed import Holds, ListedEntity, ListedName, Listing
from streams.registry.importing.merging import (
    HOLDS_OTHERS,
    LIKE_A_GROUP,
    NO_COUNTRY,
    SEVERAL_NAMES,
    SINGLE_WORD,
    merge,
)
from streams.registry.importing.telling import tell

FILES = Path(__file__).parent
UN = AuthorityKey("un")
US = AuthorityKey("us")
SOURCE = "https://example.org/list"


def row(authority: str, instrument: str | None, **more: Any) -> Baseline:
    return Baseline(authority=AuthorityKey(authority), instrument=instrument, source=SOURCE, **more)


def group(key: str, name: str, *aliases: Alias, **more: Any) -> Group:
    return Group(key=GroupKey(key), name=name, countries=("bd",), sources=(SOURCE,), aliases=aliases, **more)


def alias(text: str, kind: AliasKind = AliasKind.NAME, **more: Any) -> Alias:
    return Alias(text=text, kind=kind, **more)


HERON = group(
    "heron-front",
    "Heron Front",
    alias("Marsh Heron Front"),
    alias("Reed Column of the Marsh", AliasKind.WING),
    alias("MHF", AliasKind.ACRONYM, cased=True, near=("Marshes",)),
    alias("The Marsh", near=("Heron",)),
    never=("Heron Front Bank",),
    baseline=(row("us", "fto", listed="2010-05"),),
)
REEDS = group("heron-reeds", "Reed Column", part_of=GroupKey("heron-front"))
LANTERN = group(
    "lantern",
    "Lantern Brigades",
    ids=Ids(un="QDe.901"),
    baseline=(row("un", "1267", listed="2015-03-04"),),
)
OTTER = group("otter-league", "Otter League of the Coast", alias("Coast Otter Popular League"))


def registry(*groups: Group) -> Registry:
    return build_registry(load_registry().authorities.values(), groups or (HERON, REEDS, LANTERN, OTTER))


def listing(
    authority: str, instrument: str | None, listed: str | None = None, holds: Holds = Holds.GROUPS, programme: str = "P"
) -> Listing:
    return Listing(
        authority=AuthorityKey(authority),
        instrument=instrument,
        programme=programme,
        holds=holds,
        listed=PartialDate(listed) if listed else None,
    )


def entity(name: str, *listings: Listing, aliases: Iterable[ListedName] = (), **more: Any) -> ListedEntity:
    return ListedEntity(
        reference=more.pop("reference", "E1"),
        name=name,
        listings=listings or (listing("us", "sdgt"),),
        page=SOURCE,
        aliases=tuple(aliases),
        countries=more.pop("countries", ("Bangladesh",)),
        **more,
    )


def name(text: str, kind: AliasKind = AliasKind.NAME, *, weak: bool = False) -> ListedName:
    return ListedName(text=text, kind=kind, weak=weak)


def diff(*entities: ListedEntity, over: Registry | None = None, **more: Any) -> Diff:
    return merge("test", entities, over or registry(), **more)


@pytest.mark.parametrize(
    ("entry", "by"),
    [
        (entity("SOMETHING ELSE", ids=Ids(un="QDe.901")), "lantern: E1 by un QDe.901"),
        (entity("the lantern brigades"), "lantern: E1 by name"),
        (entity("MARSH-HERON FRONT"), "heron-front: E1 by name"),
        (entity("Unheard Of", aliases=[name("Marsh Heron Front")]), "heron-front: E1 by its alias 'Marsh Heron Front'"),
        (entity("Lantern Brigades", ids=Ids(un="QDe.902")), "lantern: E1 by name"),
    ],
)  # fmt: skip
def test_an_entry_is_a_group_by_number_then_name_then_alias(entry: ListedEntity, by: str) -> None:
    found = diff(entry)
    assert found.known == 1
    assert [f"{addition.key}: {', '.join(addition.entries)}" for addition in found.additions] == [by]


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (entity("Reed Column of the Marsh"), "is the name of a wing"),
        (entity("The Marsh", listing("us", "sdn", holds=Holds.OTHERS)), "counts only in certain company"),
        (entity("Unheard Of", aliases=[name("MHF", AliasKind.ACRONYM)]), "counts only in certain company"),
        (entity("Unheard Of", aliases=[name("Heron Front", weak=True)]), "a weak or single word"),
        (entity("Unheard Of", aliases=[name("Heron Front"), name("Lantern Brigades")]), "its aliases lead to several"),
        (entity("Lantern", ids=Ids(un="QDe.901", ofac="9")), "its numbers lead to several"),
    ],
)
def test_weak_grounds_are_a_doubt_and_change_nothing(entry: ListedEntity, why: str) -> None:
    over = registry(HERON, REEDS, LANTERN, group("nine", "Nine Bells", ids=Ids(ofac="9")))
    found = diff(entry, over=over)
    assert why in found.doubts[0].why
    assert (found.known, found.drafts, found.additions, found.conflicts) == (0, (), (), ())


def test_a_list_of_groups_may_mean_a_group_by_a_name_that_needs_company() -> None:
    assert diff(entity("The Marsh")).known == 1


def test_a_name_of_several_groups_means_the_default_one_on_a_list_of_groups_and_nobody_else() -> None:
    shared = registry(
        group("east", "The Bells", name_default=True, name_near=("Dhaka",)),
        group("west", "The Bells", name_near=("Accra",)),
    )
    assert diff(entity("The Bells"), over=shared).additions[0].key == "east"
    mixed = diff(entity("The Bells", listing("us", "sdgt", holds=Holds.MIXED)), over=shared)
    assert mixed.doubts[0].keys == ("east", "west")


def test_what_you_say_an_entry_is_goes_before_its_names() -> None:
    entry = entity("Reed Column of the Marsh", listing("us", "sdgt", "2011"), reference="7")
    found = diff(entry, told={"7": GroupKey("heron-front")})
    assert found.additions[0].rows == (row("us", "sdgt", listed="2011"),)
    assert found.additions[0].entries == ("7 by your word",)


def test_a_known_group_gains_rows_numbers_and_plain_names() -> None:
    (added,) = diff(
        entity(
            "MARSH HERON FRONT",
            listing("us", "sdgt", "2011-02-03"),
            listing("us", "fto", "2010-05"),
            ids=Ids(ofac="90001"),
            aliases=[
                name("PEOPLE'S FRONT OF THE HERON MARSH"),
                name("Heron Student Union of the Marsh", AliasKind.FORMER),
                name("جبهة مالك الحزين", AliasKind.TRANSLATION),
            ],
        )
    ).additions
    assert added.rows == (row("us", "sdgt", listed="2011-02-03"),)
    assert added.ids == {"ofac": "90001"}
    assert [(alias.text, alias.kind.value, alias.script) for alias in added.aliases] == [
        ("People's Front of the Heron Marsh", "name", "Latn"),
        ("Heron Student Union of the Marsh", "former", "Latn"),
        ("جبهة مالك الحزين", "translation", "Arab"),
    ]


@pytest.mark.parametrize(
    "left",
    [
        name("The Herons"),
        name("Islamic Army"),
        name("HFM", AliasKind.ACRONYM),
        name("Popular Army of the Marsh", weak=True),
        name("Heron Front / Heron Army of the Marsh"),
        name("Coast Otter League", weak=True),
    ],
    ids=lambda found: found.text,
)
def test_a_short_or_weak_name_is_left_to_an_author(left: ListedName) -> None:
    (added,) = diff(entity("Heron Front", listing("us", "fto", "2010-05"), aliases=[left])).additions
    assert ([found.text for found in added.held_aliases], added.aliases) == ([left.text], ())
    assert not added.writes


@pytest.mark.parametrize(
    ("rows", "listed", "field", "sides"),
    [
        (["fto 2010-05"], "2010-05-07", "baseline us fto listed", ("2010-05", "2010-05-07")),
        (["fto 2010-05-07"], "2011-05-07", "baseline us fto listed", ("2010-05-07", "2011-05-07")),
        (["fto -"], "2010-05-07", "baseline us fto listed", ("not told", "2010-05-07")),
        (["fto 2010 2020"], "2010-05-07", "baseline us fto", ("delisted 2020", "listed since 2010-05-07")),
        (["fto 2010 2020"], None, "baseline us fto", ("delisted 2020", "listed since an untold day")),
        (["- 2010"], "2010", "baseline us fto", ("listed, no instrument told", "on fto")),
    ],
)
def test_a_row_that_says_otherwise_is_a_conflict_and_no_row_is_added(
    rows: list[str], listed: str | None, field: str, sides: tuple[str, str]
) -> None:
    found = diff(
        entity("Bells", listing("us", "fto", listed)), over=registry(group("bells", "Bells", baseline=read(rows)))
    )
    assert found.additions == ()
    assert [(told.key, told.field, told.registry, told.file) for told in found.conflicts] == [("bells", field, *sides)]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (["fto 2010-05-07"], listing("us", "fto", "2010-05-07")),
        (["fto 2010-05-07"], listing("us", "fto", "2010-05")),
        (["fto 2010-05-07"], listing("us", "fto")),
        (["fto 2010-05-07"], listing("us", None, "2012")),
    ],
)
def test_what_is_told_already_changes_nothing(rows: list[str], told: Listing) -> None:
    found = diff(entity("Bells", told), over=registry(group("bells", "Bells", baseline=read(rows))))
    assert (found.known, found.additions, found.conflicts) == (1, (), ())


def test_a_group_listed_again_after_it_was_off_gains_a_second_row() -> None:
    over = registry(group("bells", "Bells", baseline=read(["fto 2010 2020-02"])))
    (added,) = diff(entity("Bells", listing("us", "fto", "2024-01-01")), over=over).additions
    assert added.rows == (row("us", "fto", listed="2024-01-01"),)


def test_a_list_without_a_key_is_told_by_its_programmes_in_one_row() -> None:
    told = (listing("eu", None, "2015", programme="SYR"), listing("eu", None, "2012", programme="IRN"))
    (added,) = diff(entity("Heron Front", *told)).additions
    assert added.rows == (row("eu", None, listed="2012", note="under SYR, IRN"),)


def test_a_wing_gives_its_row_to_the_whole_and_keeps_its_number() -> None:
    found = diff(entity("REED COLUMN", listing("us", "sdgt", "2012"), ids=Ids(ofac="8")))
    by_key = {addition.key: addition for addition in found.additions}
    assert by_key[GroupKey("heron-reeds")].ids == {"ofac": "8"}
    assert by_key[GroupKey("heron-reeds")].rows == ()
    assert by_key[GroupKey("heron-front")].rows == (row("us", "sdgt", listed="2012", scope="heron-reeds"),)


def test_a_wing_whose_whole_is_listed_adds_nothing_and_a_whole_whose_wing_is_listed_is_a_conflict() -> None:
    assert diff(entity("Reed Column", listing("us", "fto", "2012"))).additions == ()
    scoped = group("bells", "Bells", baseline=(row("us", "fto", listed="2012", scope="tongue"),))
    over = registry(scoped, group("tongue", "Bell Tongue", part_of=GroupKey("bells")))
    (conflict,) = diff(entity("Bells", listing("us", "fto", "2012")), over=over).conflicts
    assert (conflict.registry, conflict.file) == ("only tongue", "the whole")


def test_a_number_that_says_otherwise_is_a_conflict_unless_a_second_entry_has_it() -> None:
    first = entity("Lantern Brigades", listing("un", "1267", "2015-03-04"), ids=Ids(un="QDe.902"), reference="a")
    (conflict,) = diff(first).conflicts
    assert (conflict.field, conflict.registry, conflict.file) == ("ids un", "QDe.901", "QDe.902")
    second = entity("Lantern Brigades", listing("un", "1267", "2015-03-04"), ids=Ids(un="QDe.901"), reference="b")
    assert diff(first, second).conflicts == ()


def test_of_several_new_numbers_none_is_taken() -> None:
    entries = [entity("Heron Front", listing("us", "fto", "2010-05"), ids=Ids(ofac=n), reference=n) for n in ("1", "2")]
    found = diff(*entries)
    assert found.additions == ()
    assert [(told.registry, told.file) for told in found.conflicts] == [("not told", "1 or 2")]


def test_a_plain_name_of_another_group_and_one_that_is_never_a_name_are_conflicts() -> None:
    never = group("bells", "Bells", never=("Bank of the Five Bells",))
    others = [name("Coast Otter Popular League"), name("Bank of the Five Bells")]
    found = diff(
        entity("Heron Front", listing("us", "fto", "2010-05"), aliases=others),
        over=registry(HERON, REEDS, OTTER, never),
    )
    assert [told.registry for told in found.conflicts] == [
        "'Coast Otter Popular League' is of otter-league",
        "'Bank of the Five Bells' is of nobody by bells",
    ]
    assert found.additions == ()


def test_an_unknown_entry_is_a_draft_with_its_rows_plain_names_and_numbers() -> None:
    (draft,) = diff(
        entity(
            "COPPER KETTLE RIVER MILITIA",
            listing("un", "1267", "2025-07-08"),
            aliases=[name("KETTLE MEN OF THE COPPER RIVER"), name("CKRM", AliasKind.ACRONYM)],
            countries=("Haiti", "Congo, Democratic Republic of the", "HT"),
            ids=Ids(un="HTe.901"),
            reference="HTe.901",
            remarks="Invented.",
        )
    ).drafts
    assert draft.held == ()
    assert draft.group == Group(
        key=GroupKey("copper-kettle-river-militia"),
        name="Copper Kettle River Militia",
        countries=("ht", "cd"),
        sources=(SOURCE,),
        aliases=(alias("Kettle Men of the Copper River"),),
        ids=Ids(un="HTe.901"),
        baseline=(row("un", "1267", listed="2025-07-08"),),
        note="draft from entry HTe.901: name, countries and aliases are as the list has them",
    )
    assert draft.held_aliases == (alias("CKRM", AliasKind.ACRONYM, cased=True),)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (entity("Otter League of the Coasts"), LIKE_A_GROUP),
        (entity("Kettlemen"), SINGLE_WORD),
        (entity("Kettle Men (Northern Branch)"), SEVERAL_NAMES),
        (entity("Kettle Trading Company", listing("us", "sdgt", holds=Holds.MIXED)), HOLDS_OTHERS),
        (entity("Kettle Men", countries=()), NO_COUNTRY),
        (entity("Kettle Men", countries=("Atlantis",)), NO_COUNTRY),
    ],
)
def test_a_draft_that_somebody_should_see_is_held_back(entry: ListedEntity, reason: str) -> None:
    assert [draft.held for draft in diff(entry).drafts] == [(reason,)]


def test_a_draft_that_looks_like_a_group_names_it() -> None:
    (draft,) = diff(entity("Otter League of the Coasts")).drafts
    assert [(like.key, like.score >= 85) for like in draft.like] == [("otter-league", True)]


def test_a_company_on_a_list_of_companies_is_passed_over_and_a_group_on_it_is_not() -> None:
    other = listing("eu", None, "2022", Holds.OTHERS, "RUS, UKR")
    found = diff(entity("Invented Works JSC", other), entity("Heron Front", other, reference="E2"))
    assert (found.passed, found.drafts, found.known) == ({"RUS": 1, "UKR": 1}, (), 1)
    assert found.additions[0].rows[0].note == "under RUS, UKR"


def test_two_entries_of_one_name_are_one_draft_and_a_doubt() -> None:
    found = diff(entity("Kettle River Men", reference="1"), entity("KETTLE RIVER MEN", reference="2"))
    assert [draft.reference for draft in found.drafts] == ["1"]
    assert [(doubt.reference, doubt.why) for doubt in found.doubts] == [("2", "its name is of kettle-river-men")]


def test_two_entries_of_one_number_are_one_draft_and_a_doubt() -> None:
    number = Ids(un="HTe.901")
    found = diff(entity("Kettle River Men", ids=number), entity("Copper Pan Men", ids=number, reference="2"))
    assert [doubt.why for doubt in found.doubts] == ["its number is of kettle-river-men"]


def test_a_key_that_is_taken_gets_the_reference_and_a_long_one_is_cut() -> None:
    over = registry(group("kettle-men", "Some Other Name"))
    long_name = "Movement of the Kettle Bearers of the Upper and the Lower Copper River Valleys"
    found = diff(
        entity("Kettle Men", reference="QDe.1"),
        entity(long_name, reference="2"),
        entity("قدر النحاس", reference="3"),
        over=over,
    )
    keys = [draft.group.key for draft in found.drafts]
    assert keys == ["kettle-men-qde-1", "movement-of-the-kettle-bearers-of-the-upper-and", "3"]


def test_who_is_not_in_a_complete_file_may_be_off_the_list() -> None:
    present = entity("Heron Front", listing("us", "fto", "2010-05"))
    bells = group("bells", "Bells", baseline=read(["fto 2012", "sdgt 2012"]))
    off = group("off", "Off Bells", baseline=read(["fto 2012 2015"]))
    over = registry(HERON, REEDS, bells, off)
    complete = frozenset({(US, "fto"), (US, "sdgt")})
    found = diff(present, over=over, complete=complete)
    assert [(told.key, told.field, told.file) for told in found.conflicts] == [
        ("bells", "baseline us fto", "not in the file")
    ]
    assert diff(present, over=over).conflicts == (), "unless the format says it is complete"
    doubted = entity("Unheard Of", listing("us", "fto"), aliases=[name("Bells", weak=True)], reference="E2")
    assert diff(present, doubted, over=over, complete=complete).conflicts == ()


def test_a_list_the_registry_has_no_key_for_is_signalled() -> None:
    found = diff(entity("Heron Front", listing("us", "xx"), listing("zz", None)))
    assert set(found.signals) == {"no instrument xx of us for programme P", "no authority zz for programme P"}
    assert found.additions == ()


def test_an_entry_without_a_name_is_only_signalled() -> None:
    found = diff(entity("", signals=("no name",)))
    assert (found.signals, found.drafts, found.doubts) == ({"no name": 1}, (), ())


@pytest.mark.parametrize(
    ("text", "cased"),
    [
        ("AL-QAIDA IN THE EXAMPLE MAGHREB", "Al-Qaida in the Example Maghreb"),
        ("FÒS G9 AN FANMI", "Fòs G9 an Fanmi"),
        ("RED ARMY OF THE PKK", "Red Army of the PKK"),
        ("WORKERS' PARTY OF AL-QA'IM", "Workers' Party of al-Qa'im"),
        ("HAMAS", "Hamas"),
        ("ETA", "ETA"),
        ("Ansar al-Example", "Ansar al-Example"),
        ("ФРОНТ", "ФРОНТ"),
    ],
)
def test_capitals_of_a_list_become_ordinary_case(text: str, cased: str) -> None:
    assert wire_case(text) == cased


def test_the_difference_is_told_one_fact_a_line() -> None:
    _, entries = load([(FILES / "un.xml").read_bytes()])
    lines = list(tell(merge("un", entries, registry(), un.COMPLETE)))
    assert lines == [
        "un: 3 entries, 1 of them known groups",
        "new copper-kettle-river-militia: Copper Kettle River Militia (entry HTe.901)",
        "    baseline un 2653, since 2025-07-08",
        "add to lantern: entry QDe.901 by un QDe.901",
        '    alias { text = "Northern Lantern Brigades", kind = "name" }',
        '    alias { text = "كتائب الفانوس الشمالي", kind = "translation", script = "Arab" }',
        '    alias { text = "Brigades of the Northern Lantern", kind = "name" }',
        '    alias { text = "Lantern Column of the North", kind = "name" }',
        '    alias { text = "Lamp Bearers of the Valley", kind = "former" }',
        '    alias left to an author { text = "NLB", kind = "acronym", cased = true }',
        '    alias left to an author { text = "The Lamps", kind = "name" }',
        "passed over, from lists of companies, no known groups: DPRK 1",
    ]


def read(rows: list[str]) -> tuple[Baseline, ...]:
    """`instrument listed [delisted]` of the United States, `-` for none."""
    found = []
    for text in rows:
        instrument, listed, *delisted = [None if part == "-" else part for part in text.split()]
        found.append(row("us", instrument, listed=listed, delisted=delisted[0] if delisted else None))
    return tuple(found)
