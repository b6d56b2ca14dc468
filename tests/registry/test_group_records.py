"""The shipped group records: what neither the strict loader nor `registry check` can know of them."""

import re
from pathlib import Path

import msgspec
import pytest

import streams.registry
from streams.records import GroupKey
from streams.registry import load_registry
from streams.registry.entries import Alias, Authority, Baseline, Group

GUIDE = Path(streams.registry.__file__).with_name("README.md")
GROUPS = load_registry().groups
COMMITTEES = {"CDe", "CFe", "HTe", "QDe", "SOe", "TAe", "YEe"}


def named(text: str) -> dict[str, str]:
    """What the matcher finds: group key to the words that stand for it."""
    return {mention.group: mention.text for mention in load_registry().matcher.find(text)}


def test_every_row_has_a_secure_source() -> None:
    sources = {row.source for group in GROUPS.values() for row in group.baseline}
    assert {source for source in sources if not source.startswith("https://")} == set()


def test_a_number_of_the_un_is_of_a_committee_that_lists_groups() -> None:
    assert {group.ids.un[:3] for group in GROUPS.values() if group.ids.un is not None} <= COMMITTEES


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
