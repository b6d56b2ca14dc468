"""The shipped group records: what the strict loader cannot know, and the traps the guide warns of."""

import re
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

import streams.registry
from streams.records import GroupKey
from streams.registry import load_registry
from streams.registry.entries import Alias, Authority, Baseline, Group
from streams.registry.folding import fold_key

GUIDE = Path(streams.registry.__file__).with_name("README.md")
GROUPS = load_registry().groups
DATE = re.compile(r"(19|20)\d\d(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")
WIKIDATA = re.compile(r"Q[1-9]\d*")

every_group = pytest.mark.parametrize("group", GROUPS.values(), ids=list(GROUPS))


def named(text: str) -> dict[str, str]:
    """What the matcher finds: group key to the words that stand for it."""
    return {mention.group: mention.text for mention in load_registry().matcher.find(text)}


def texts(group: Group) -> list[Alias]:
    name = Alias(
        text=group.name,
        kind=streams.registry.entries.AliasKind.NAME,
        near=group.name_near,
        cased=group.name_cased,
    )
    return [name, *group.aliases]


@every_group
def test_a_latin_acronym_of_two_or_three_letters_counts_only_in_its_own_case(group: Group) -> None:
    short = [
        alias.text for alias in texts(group) if alias.text.isascii() and alias.text.isalpha() and len(alias.text) <= 3
    ]
    assert [text for text in short if not next(a for a in texts(group) if a.text == text).cased] == []


@every_group
def test_the_script_of_an_alias_is_the_one_it_is_written_in(group: Group) -> None:
    for alias in group.aliases:
        latin = all(ord(char) < 0x250 or not char.isalpha() or 0x1E00 <= ord(char) < 0x1F00 for char in alias.text)
        assert latin == (alias.script == "Latn"), alias.text


@every_group
def test_a_near_word_is_no_mere_beginning_of_everyday_words(group: Group) -> None:
    everyday = ("riot", "culture", "white house", "republicans", "rafah", "the", "and", "said")
    near = {fold_key(word) for alias in texts(group) for word in alias.near}
    assert {word for word in near for common in everyday if common.startswith(word)} == set()


@every_group
def test_the_baseline_has_dates_in_order_and_a_secure_source(group: Group) -> None:
    for row in group.baseline:
        dates = [day for day in (row.listed, row.suspended, row.delisted) if day is not None]
        assert all(DATE.fullmatch(day) for day in dates), row
        assert dates == sorted(dates), row
        assert row.source.startswith("https://"), row


@every_group
def test_a_scope_in_the_baseline_is_a_part_of_the_group(group: Group) -> None:
    for row in group.baseline:
        if row.scope is not None:
            assert GROUPS[row.scope].part_of == group.key


@every_group
def test_a_part_keeps_no_baseline_of_its_own_and_has_no_parts(group: Group) -> None:
    if group.part_of is not None:
        assert group.baseline == ()
        assert GROUPS[group.part_of].part_of is None


@every_group
def test_one_list_holds_a_group_once_at_a_time(group: Group) -> None:
    rows: dict[tuple[str, str | None, str | None], list[Baseline]] = {}
    for row in group.baseline:
        rows.setdefault((row.authority, row.instrument, row.scope), []).append(row)
    for same in rows.values():
        assert [row for row in same[:-1] if row.delisted is None] == []
        assert all((later.listed or "") >= (earlier.delisted or "") for earlier, later in pairwise(same))


@every_group
def test_countries_and_outside_numbers_have_the_form_of_their_register(group: Group) -> None:
    assert group.countries != ()
    assert all(re.fullmatch(r"[a-z]{2}", country) for country in group.countries)
    assert group.ids.wikidata is None or WIKIDATA.fullmatch(group.ids.wikidata)
    assert group.ids.un is None or re.fullmatch(r"(QD|TA|SO|CD|CF|YE|HT)e\.\d{3}", group.ids.un)


def test_no_outside_number_stands_for_two_groups() -> None:
    for register in ("wikidata", "un"):
        numbers = [getattr(group.ids, register) for group in GROUPS.values() if getattr(group.ids, register)]
        assert len(numbers) == len(set(numbers))


def test_a_text_that_never_means_a_group_is_no_name_of_any_other() -> None:
    names = {fold_key(alias.text) for group in GROUPS.values() for alias in texts(group)}
    assert {text for group in GROUPS.values() for text in group.never if fold_key(text) in names} == set()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Pakistani Taliban attacked a post.", {"ttp": "Pakistani Taliban"}),
        ("Afghanistan's Taliban replied.", {"taliban": "Taliban"}),
        ("The name al-Qaeda means the base.", {"al-qaeda": "al-Qaeda"}),
        ("Neo-Nazi networks such as The Base recruit online.", {"the-base": "The Base"}),
        ("The Base was shelled, the White House said.", {}),
        ("The Inflation Reduction Act lets an IRA buy bonds, Republicans said.", {}),
        ("The IRA bombed Belfast.", {"pira": "IRA"}),
        (
            "The dissident New IRA, not the IRA, claimed it in Londonderry.",
            {"rira": "New IRA", "pira": "IRA"},
        ),
        ("The flight's ETA is noon.", {}),
        ("Spain's ETA disarmed.", {"eta": "ETA"}),
        (
            "In Mozambique, the insurgents called al-Shabaab in Mozambique fled.",
            {"is-mozambique": "al-Shabaab in Mozambique"},
        ),
        ("Islamic State Khorasan struck Kabul.", {"is-k": "Islamic State Khorasan"}),
        ("Protesters want an Islamic state.", {}),
        ("The Islamic State (IS) group claimed the attack.", {"islamic-state": "IS"}),
        ("TALIBAN IS OFF THE LIST", {"taliban": "TALIBAN"}),
        (
            "FARC dissidents shot at police; the FARC had disarmed.",
            {"farc-ep": "FARC dissidents", "farc": "FARC"},
        ),
        (
            "Kata'ib Hezbollah fired; Lebanon's Hezbollah did not.",
            {"kataib-hezbollah": "Kata'ib Hezbollah", "hezbollah": "Hezbollah"},
        ),
        ("Colombia listed the National Liberation Army.", {"eln": "National Liberation Army"}),
        ("Myanmar listed the Ta'ang National Liberation Army.", {"tnla": "Ta'ang National Liberation Army"}),
        ("The Three Brotherhood Alliance in Myanmar", {}),
    ],
)
def test_a_name_leads_to_its_group_and_an_ordinary_word_to_none(text: str, expected: dict[str, str]) -> None:
    assert named(text) == expected


@pytest.mark.parametrize(
    ("authority", "group", "instrument", "then"),
    [
        ("us", "houthis", "fto", [("2021-01-19", None, "2021-02-16"), ("2025-03-05", None, None)]),
        ("ru", "taliban", "unified-list", [("2003-02-14", "2025-04-17", None)]),
        ("eu", "farc", "cp-931", [("2002-06-17", "2016-09-27", "2017-11-14")]),
        ("gb", "mek", "proscription", [("2001-03-29", None, "2008-06-24")]),
        ("un", "hts", "1267", [("2014-05-14", None, "2026-02-27")]),
    ],
)
def test_known_histories_are_told_whole(
    authority: str, group: str, instrument: str, then: list[tuple[str | None, ...]]
) -> None:
    rows = [
        row for row in GROUPS[GroupKey(group)].baseline if (row.authority, row.instrument) == (authority, instrument)
    ]
    assert [(row.listed, row.suspended, row.delisted) for row in rows] == then


def test_the_examples_of_the_guide_are_records_that_load() -> None:
    group, authority = re.findall(r"```toml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert msgspec.toml.decode(group, type=Group).baseline[0].delisted == "2018-07-05"
    assert msgspec.toml.decode(authority, type=Authority).instruments[0].main


@pytest.mark.parametrize("record", [Group, Alias, Baseline, Authority])
def test_the_guide_explains_every_field(record: type[msgspec.Struct]) -> None:
    guide = GUIDE.read_text(encoding="utf-8")
    assert [field for field in record.__struct_fields__ if f"`{field}`" not in guide] == []
