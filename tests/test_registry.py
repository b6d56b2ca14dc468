"""The registry as code: strictness, matching, resolving, searching. Its records are tested beside it."""

import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from agents.__main__ import build
from streams.errors import DataFileError, SettingsError
from streams.records import AuthorityKey, GroupKey
from streams.registry import build_registry, load_registry
from streams.registry.checking import check
from streams.registry.entries import Alias, AliasKind, Authority, AuthorityKind, Baseline, Group, Ids, Instrument
from streams.registry.folding import fold, fold_key, spaced, words
from streams.registry.loader import load_folder, problems_of
from streams.registry.matcher import GroupMatcher
from streams.registry.problems import Records
from streams.registry.traps import TRAPS

HERE = "https://example.org"


def group(key: str, name: str, *aliases: Alias, **more: Any) -> Group:
    facts = {"countries": ("gb",), "sources": (HERE,)} | more
    return Group(key=GroupKey(key), name=name, aliases=aliases, **facts)


def alias(text: str, **more: Any) -> Alias:
    return Alias(text=text, kind=AliasKind.NAME, **more)


def state(key: str, name: str, **more: Any) -> Authority:
    return Authority(key=AuthorityKey(key), name=name, kind=AuthorityKind.STATE, **({"sources": (HERE,)} | more))


def row(**more: Any) -> Baseline:
    return Baseline(**({"authority": AuthorityKey("gb"), "source": HERE} | more))


def found(text: str, *groups: Group) -> list[tuple[str, str]]:
    return [(mention.group, mention.text) for mention in GroupMatcher(groups).find(text)]


GOOD = 'key = "x"\nname = "Wasps"\ncountries = ["gb"]\nsources = ["https://example.org"]\n'


@pytest.mark.parametrize(
    ("name", "text", "culprit"),
    [
        ("x.toml", GOOD + 'colour = "red"\n', "colour"),
        ("x.toml", GOOD.replace('name = "Wasps"\n', ""), "name"),
        ("y.toml", GOOD, "file name"),
        ("x.toml", "key = = 1", "syntax"),
        ("x.toml", GOOD + '[[aliases]]\ntext = "X"\nkind = "nickname"\n', "nickname"),
        ("x.toml", GOOD + '[ids]\nun = "QDe.001"\nnote = "n"\n', "note.*move 'note' up"),
        ("x.toml", GOOD.replace("countries", "countrys"), "did you mean 'countries'"),
        ("x.toml", GOOD + '[[baseline]]\nsource = "https://example.org"\n', r"baseline\[1\]\.authority"),
        ("x.toml", GOOD.replace('"Wasps"', "7"), "name.*expected `str`"),
    ],
)
def test_a_broken_file_is_named_with_its_fault(tmp_path: Path, name: str, text: str, culprit: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DataFileError, match=culprit) as refused:
        load_folder(tmp_path, Group)
    assert refused.value.file == f"groups/{name}"


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_bytes(GOOD.replace("Wasps", "É").encode("latin-1"))
    with pytest.raises(DataFileError, match=r"groups/x\.toml: text: is not UTF-8"):
        load_folder(tmp_path, Group)


BRITAIN = state("gb", "Britain", instruments=(Instrument(key="list", name="List", main=True),))


@pytest.mark.parametrize(
    ("records", "culprit"),
    [
        ([group("a", "Ants"), group("b", "Bees", alias("ants"))], r"groups/b\.toml: aliases: .*'ants'.*a\.toml"),
        ([group("a", "Blue Ants"), group("b", "Bees", alias("Blue-Ants"))], r"b\.toml.*Blue-Ants.*a\.toml"),
        ([group("a", "Ants", name_default=True, name_near=("x",)), group("b", "Ants")], r"b\.toml.*near words in all"),
        ([group("a", "ANTS", name_cased=True), group("b", "Ants")], r"b\.toml.*'Ants'"),
        ([group("a", "Ants", alias("Ants"))], "stands twice in this file"),
        ([group("a", "—")], "no letters"),
        ([group("a", "Ants", never=("ants",))], r"a\.toml: never: 'ants' is a name in a\.toml"),
        ([group("a", "Ants"), group("b", "Bees", never=("Ants",))], r"b\.toml: never: 'Ants' is a name in a\.toml"),
        ([group("a", "Ants", part_of=GroupKey("z"))], r"a\.toml: part_of: .*'z'"),
        ([group("a", "Ants", part_of=GroupKey("a"))], "names itself"),
        ([group("a", "Ants", successor_of=(GroupKey("z"),))], r"a\.toml: successor_of: .*'z'"),
        (
            [group("a", "A"), group("b", "B", part_of=GroupKey("a")), group("c", "C", part_of=GroupKey("b"))],
            "'b' is itself part of 'a'",
        ),
        ([group("a", "A"), group("b", "B", part_of=GroupKey("a"), baseline=(row(),))], "a part has no rows.*'b'"),
        ([group("a", "Ants", countries=("uk",))], "'uk' is no country code.*gb"),
        ([group("a", "Ants", countries=())], "no country"),
        ([group("a", "Ants", sources=())], "no source"),
        ([group("a", "Ants", sources=("example.org",))], "'example.org' is not a web address"),
        ([group("a", "Ants", baseline=(row(source="the Gazette"),))], "baseline of gb: the source 'the Gazette'"),
        ([group("a", "Ants", baseline=(row(authority=AuthorityKey("zz")),))], "no authority file of the key 'zz'"),
        ([group("a", "Ants", baseline=(row(instrument="roll"),))], r"no instrument 'roll' in gb\.toml; it has: list"),
        ([group("a", "Ants", baseline=(row(scope=GroupKey("z")),))], "scope 'z' has no file"),
        ([group("a", "A"), group("b", "B", baseline=(row(scope=GroupKey("a")),))], "'a' is no part of this group"),
        ([group("a", "Ants", baseline=(row(listed="2021-02-30"),))], "'2021-02-30' is no date"),
        ([group("a", "Ants", baseline=(row(listed="21"),))], "'21' is no date"),
        ([group("a", "Ants", baseline=(row(listed="2021", delisted="2020-12"),))], "not in order"),
        ([group("a", "Ants", baseline=(row(listed="2020"), row(listed="2021")))], "before the row above"),
        ([group("a", "Ants", baseline=(row(listed="2020", delisted="2021"), row()))], "before the row above"),
        ([group("a", "Ants", ids=Ids(un="137"))], "ids.un: '137'"),
        (
            [group("a", "A", ids=Ids(wikidata="Q1")), group("b", "B", ids=Ids(wikidata="Q1"))],
            r"'Q1' also stands in a\.",
        ),
    ],
)
def test_group_records_that_contradict_a_rule_are_refused_in_words(records: list[Group], culprit: str) -> None:
    with pytest.raises(DataFileError, match=culprit):
        build_registry([BRITAIN], records)


@pytest.mark.parametrize(
    ("records", "culprit"),
    [
        ([state("a", "Aland"), state("b", "Bland", names=("aland",))], r"authorities/b\.toml: names: .*aland"),
        ([state("a", "Aland", names=("Aland",))], "stands twice in this file"),
        ([state("a", "Aland", sources=())], "no source"),
        ([state("a", "Aland", instruments=(Instrument(key="x", name="X"),))], "exactly one instrument must be main"),
        (
            [state("a", "A", instruments=(Instrument(key="x", name="X", main=True), Instrument(key="x", name="Y")))],
            "'x' stands twice",
        ),
    ],
)
def test_authority_records_that_contradict_a_rule_are_refused_in_words(records: list[Authority], culprit: str) -> None:
    with pytest.raises(DataFileError, match=culprit):
        build_registry(records, [])


@pytest.mark.parametrize(
    "records",
    [
        [group("a", "Blue Ants", alias("Blue-Ants"), alias("blue ants"))],
        [group("a", "Ants", name_near=("Ohio",)), group("b", "Ants", name_near=("Peru",)), group("c", "Ants")],
        [group("a", "ANTS", name_cased=True), group("b", "Ants", name_cased=True)],
        [group("a", "Ants", baseline=(row(listed="2020", delisted="2021"), row(listed="2021-03")))],
        [group("a", "Ants", baseline=(row(listed="2020-05", delisted="2020"),))],
    ],
    ids=["spellings", "near", "case", "again", "precision"],
)
def test_records_that_only_look_contradictory_are_taken(records: list[Group]) -> None:
    assert list(build_registry([BRITAIN], records).groups) == [record.key for record in records]


def test_a_check_tells_everything_that_is_wrong_at_once(tmp_path: Path) -> None:
    for folder in ("groups", "authorities"):
        (tmp_path / folder).mkdir()
    (tmp_path / "groups" / "x.toml").write_text(GOOD + 'colour = "red"\nsize = 1\n')
    lines = 'never = ["Bees"]\npart_of = "x"\naliases = [{ text = "ABC", kind = "acronym", near = ["the"] }]\n'
    (tmp_path / "groups" / "y.toml").write_text(
        GOOD.replace('"x"', '"y"').replace("gb", "uk").replace("Wasps", "Flies") + lines
    )
    (tmp_path / "groups" / "z.toml").write_text(GOOD.replace('"x"', '"z"').replace("Wasps", "Bees") + 'part_of = "q"\n')
    told = [str(problem) for problem in check(tmp_path / "groups", tmp_path / "authorities")[1]]
    for line, what in zip(
        told,
        (
            "x.toml: colour: unknown field",
            "x.toml: size: unknown field",
            "y.toml: aliases: 'ABC' counts in any case",
            "y.toml: countries: 'uk' is no country code",
            "y.toml: near: 'the', beside 'ABC', is the beginning of the everyday 'the",
            "y.toml: never: 'Bees' is a name in z.toml",
            "z.toml: part_of: names the group 'q', which has no file",
        ),
        strict=True,
    ):
        assert what in line
        assert "; " in line


@pytest.mark.parametrize(
    ("records", "trap"),
    [
        ([group("a", "Rio Front", alias("RF", cased=True, near=("Brazil",)))], None),
        ([group("a", "Front", alias("RF", cased=True, near=("petro",)))], "'petrol'"),
        ([group("a", "Kurd Front", name_near=("Kurd",))], "stands in the name itself"),
        ([group("a", "Ants", name_near=("Peru",)), group("b", "Ants", name_near=("Peru",))], "also speaks for"),
        ([group("a", "Ant")], "'Ant' counts in any case"),
        ([group("a", "Ants", alias("Муравьи"))], "not written in Latn"),
        ([group("a", "Ants", alias("Ants of Peru", script="Cyrl"))], "not written in Cyrl"),
        ([group("a", "Ants", name_default=True, name_near=("Peru",))], "no other group has that text"),
    ],
)
def test_a_check_knows_the_traps_of_the_guide(records: list[Group], trap: str | None) -> None:
    told = [str(problem) for problem in problems_of(Records({}, {record.key: record for record in records}), TRAPS)]
    assert [line for line in told if trap is None or trap not in line] == []
    assert bool(told) == (trap is not None)


def test_the_shipped_registry_has_nothing_to_mend() -> None:
    assert [str(problem) for problem in check()[1]] == []


def test_the_longest_name_wins() -> None:
    taliban, ttp = group("taliban", "Taliban"), group("ttp", "Pakistani Taliban")
    assert found("The Pakistani Taliban and the Taliban", taliban, ttp) == [
        ("ttp", "Pakistani Taliban"),
        ("taliban", "Taliban"),
    ]


def test_a_name_inside_a_word_is_none() -> None:
    assert found("Hamasian, hamas-run, HAMAS!", group("hamas", "Hamas")) == [("hamas", "hamas"), ("hamas", "HAMAS")]


def test_a_cased_name_must_be_written_so() -> None:
    assert found("eta, ETA, Eta", group("eta", "ETA", name_cased=True)) == [("eta", "ETA")]


def test_a_cased_name_may_have_another_hyphen_or_apostrophe() -> None:
    assert found("AL\u2011HAQ, Al\u2013Haq, al-haq", group("x", "Al-Haq", name_cased=True)) == [("x", "Al\u2013Haq")]
    assert found("Ta\u2019ang and Taang", group("x", "Ta'ang", name_cased=True)) == [
        ("x", "Ta\u2019ang"),
        ("x", "Taang"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PALESTINE ACTION BANNED\nMinisters acted.", ["PALESTINE ACTION"]),
        ("A ban. PALESTINE ACTION BANNED AT LAST. So it is.", ["PALESTINE ACTION"]),
        ("The PALESTINE ACTION group", []),
        ("FANO REBELS RETREAT\nThe army said so.", ["FANO"]),
        ("FANO REBELS RETREAT\nTHE ARMY SAID SO.", []),
        ("PKK REBELS RETREAT\nTHE ARMY SAID SO.", ["PKK"]),
        ("WHO IS NEXT\nA story about IS.", ["IS"]),
        ("PALESTINE ACTION", []),
    ],
)
def test_capitals_count_where_the_whole_line_is_set_in_them(text: str, expected: list[str]) -> None:
    names = ("Palestine Action", "Fano", "PKK", "IS")
    groups = [group(f"g{index}", name, name_cased=True) for index, name in enumerate(names)]
    assert [mention.text for mention in GroupMatcher(groups).find(text)] == expected


def test_an_ambiguous_name_needs_its_company() -> None:
    base = group("the-base", "The Base", name_cased=True, name_near=("neo-Nazi",))
    assert found("The Base was attacked by rebels.", base) == []
    assert found("Members of The Base, a neo\u2011nazi network", base) == [("the-base", "The Base")]


def test_a_text_that_is_never_the_name_hides_the_name_in_it() -> None:
    assert found("the Hamas brothers' bakery, Hamas", group("hamas", "Hamas", never=("Hamas brothers",))) == [
        ("hamas", "Hamas")
    ]


OHIO = group("ohio", "Ants", name_near=("Ohio", "Dayton"))
PERU = group("peru", "Ants", name_near=("Peru", "Lima"))
WORLD = group("world", "Ants")
MOSTLY_OHIO = group("ohio", "Ants", name_near=("Ohio", "Dayton"), name_default=True)


@pytest.mark.parametrize(
    ("text", "groups", "expected"),
    [
        ("Ants came to Ohio.", (OHIO, PERU), ["ohio"]),
        ("Ants came.", (OHIO, PERU), []),
        ("Ants came to Ohio and Peru.", (OHIO, PERU), []),
        ("Ants came to Dayton, Ohio, from Peru.", (OHIO, PERU), ["ohio"]),
        ("Ants came to Peru. Ants left Ohio.", (OHIO, PERU), ["peru", "ohio"]),
        ("Ants came. Ohio and Dayton fear those of Peru.", (OHIO, PERU), ["ohio"]),
        ("Ants came.", (OHIO, WORLD), ["world"]),
        ("Ants came to Ohio.", (OHIO, WORLD), ["ohio"]),
        ("Ants came.", (MOSTLY_OHIO, PERU), ["ohio"]),
        ("Ants came. Ohio, unlike Peru, is calm.", (MOSTLY_OHIO, PERU), ["ohio"]),
        ("Ants came. Peru is calm.", (MOSTLY_OHIO, PERU), ["peru"]),
    ],
)
def test_a_shared_name_goes_to_the_group_the_words_nearby_speak_for(
    text: str, groups: tuple[Group, ...], expected: list[str]
) -> None:
    assert [mention.group for mention in GroupMatcher(groups).find(text)] == expected


def test_a_name_left_open_is_told_and_hides_the_names_in_it() -> None:
    blue = [group(key, "Blue Ants", name_near=near) for key, near in (("b", ("Ohio",)), ("c", ("Peru",)))]
    text = "Blue Ants of Ohio or Peru"
    looked = GroupMatcher([*blue, WORLD]).find_all(text)
    assert looked.mentions == ()
    assert [(left.text, left.groups) for left in looked.undecided] == [("Blue Ants", ("b", "c"))]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("the Hizb\u2011ut\u2011Tahrir party", "Hizb-ut-Tahrir"),
        ("the Hizb ut Tahrir party", "Hizb-ut-Tahrir"),
        ("the Hizb-ut Tahrir party", "Hizb ut Tahrir"),
        ("al\u2013Shabaab-linked", "al Shabaab"),
        ("Ta\u2019ang army", "Ta'ang army"),
        ("Hayat Tahrir", "Hay'at Tahrir"),
        ("Workers Party", "Workers' Party"),
        ("Tal\u200biban", "Taliban"),
        ("ＴＡＬＩＢＡＮ", "Taliban"),
        ("Ḥamās", "Hamas"),
        ("Hama\u0301s\u0301 men", "Hamas"),
        ("движение «Талибан»", "Талибан"),
        ("straße", "STRASSE"),
        ("حمـاس قالت", "حماس"),
        ("塔利班说", "塔利班"),
        ("阿富汗塔利班", "塔利班"),
        ("탈레반은", "탈레반"),
        ("အာရက္ခတပ်တော်သည်", "အာရက္ခတပ်တော်"),
    ],
)
def test_other_writings_of_a_name_are_found_at_their_own_offsets(text: str, name: str) -> None:
    whole = f"ﬁ İ {text} ß"
    (mention,) = GroupMatcher([group("x", name)]).find(whole)
    assert mention.text == whole[mention.start : mention.end]
    assert fold_key(mention.text) == fold_key(name)


@pytest.mark.parametrize(
    ("text", "name"),
    [("ハマスター", "ハマス"), ("大탈레반", "레반"), ("জামায়াতে", "জামায়াত"), ("l'hamasse", "Hamas"), ("we're", "were")],
)
def test_a_name_that_goes_on_in_its_script_is_none(text: str, name: str) -> None:
    assert found(text, group("x", name)) == []


def test_a_mention_ends_after_the_accents_of_its_last_letter() -> None:
    text = unicodedata.normalize("NFD", "ﬁ le mouvement Étá \u0301 dit")
    (mention,) = GroupMatcher([group("x", "Eta")]).find(text)
    assert mention.text == unicodedata.normalize("NFD", "Étá")


def test_near_words_of_a_script_without_gaps_are_found_where_they_stand() -> None:
    ants = [group("kabul", "蚂蚁", name_near=("喀布尔",)), group("ohio", "蚂蚁", name_near=("俄",))]
    assert [mention.group for mention in GroupMatcher(ants).find("ﬁ 蚂蚁在喀布尔。蚂蚁在俄")] == ["kabul", "ohio"]


@pytest.mark.parametrize("name", ["Hamas", "PKK", "al-Shabaab in Maputo. "])
def test_a_text_of_nothing_but_names_takes_no_more_than_its_share(name: str) -> None:
    """With a step that looks at all names for each name, this would take minutes."""
    assert len(load_registry().matcher.find(f"{name} " * 30_000)) == 30_000


NOISE = st.text(alphabet=st.sampled_from(" .,;-’ßŉﬁéя中\u200b0az"), max_size=12)
DISGUISES: tuple[Callable[[str], str], ...] = (
    lambda name: name,
    lambda name: unicodedata.normalize("NFD", name),
    lambda name: name.replace("-", "\u2011"),
    lambda name: re.sub(r"(?<=\w)-(?=\w)", " ", name),
    lambda name: name.replace(" ", "\u00a0"),
    lambda name: name.replace("'", "\u2019"),
    lambda name: name[:1] + "\u200b" + name[1:],
)


@settings(max_examples=20, deadline=None)
@given(before=NOISE, after=NOISE, disguise=st.sampled_from(DISGUISES))
def test_every_name_is_found_inside_any_text(before: str, after: str, disguise: Callable[[str], str]) -> None:
    matcher = load_registry().matcher
    for name in matcher.names:
        if name.group is None:
            continue
        written = disguise(name.text)
        text = f"{before} {written} {after} {' '.join(name.near)}"
        start = len(before) + 1
        end = start + len(written)
        looked = matcher.find_all(text)
        places = [(seen.start, seen.end, seen.text) for seen in (*looked.mentions, *looked.undecided)]
        assert any(first <= start and last >= end for first, last, _ in places), name
        assert all(text[first:last] == what for first, last, what in places)


@given(st.text(max_size=60))
def test_folding_can_always_be_undone(text: str) -> None:
    folded = fold(text)
    assert len(spaced(folded.text)) == len(folded.text) == len(words(folded.text)) - 2
    for index in range(len(folded.text)):
        start, end = folded.span(index, index + 1)
        assert 0 <= start < end <= len(text)


def test_a_name_resolves_whatever_its_case_accents_and_hyphens() -> None:
    registry = load_registry()
    assert registry.resolve("HEZBOLLAH") == "hezbollah"
    assert registry.resolve("the Taliban") == "taliban"
    assert registry.resolve("taliban") == "taliban"
    assert registry.resolve("is-k") == "is-k"
    assert registry.resolve("Lashkar e Taiba") == registry.resolve("LASHKAR\u2011E\u2011TAIBA") == "lashkar-e-taiba"
    assert registry.resolve("Students") is None


def test_a_shared_name_resolves_to_the_group_the_bare_name_means_if_any() -> None:
    registry = build_registry([], [OHIO, PERU, group("c", "Bees"), group("d", "Bees", name_near=("Peru",))])
    assert (registry.resolve("ants"), registry.owners("ants")) == (None, ("ohio", "peru"))
    assert (registry.resolve("Bees"), registry.owners("Bees")) == ("c", ("c", "d"))
    assert registry.owners("Wasps") == ()


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ("Hezbolah", "hezbollah"),
        ("kurdistan workers", "pkk"),
        ("talban", "taliban"),
        ("Lashkar-i-Tayyiba", "lashkar-e-taiba"),
        ("Талебан", "taliban"),
        ("حركه الشباب المجاهدين", "al-shabaab"),
        ("Harakat ash-Shabab", "al-shabaab"),
        ("Djabhat an-Nusra", "hts"),
    ],
)
def test_a_search_forgives_typos_and_other_transliterations(query: str, key: str) -> None:
    assert key in {hit for hit, _, _ in load_registry().search(query, 5)}


def test_a_search_shows_every_group_of_a_shared_name() -> None:
    assert {key for key, _, _ in load_registry().search("Ansar al Sharia", 5)} >= {
        "ansar-al-sharia-libya",
        "ansar-al-sharia-tunisia",
        "aqap",
    }


def test_the_shipped_registry_has_what_the_project_promises() -> None:
    registry = load_registry()
    assert len(registry.groups) >= 200
    assert len(registry.authorities) >= 70


def test_the_check_command_prints_a_line_a_problem_and_fails(tmp_path: Path) -> None:
    (tmp_path / "groups").mkdir()
    file = tmp_path / "groups" / "x.toml"
    file.write_text(GOOD)
    run = CliRunner().invoke(build(("registry",)), ["registry", "check", str(tmp_path)])
    assert (run.exit_code, run.output) == (
        0,
        f"1 groups and {len(load_registry().authorities)} authorities: nothing wrong\n",
    )
    file.write_text(GOOD.replace("gb", "uk").replace("https://", ""))
    run = CliRunner().invoke(build(("registry",)), ["registry", "check", str(tmp_path)])
    assert run.exit_code == 1
    assert [line.split(": ")[:2] for line in run.output.splitlines()] == [
        ["groups/x.toml", "countries"],
        ["groups/x.toml", "sources"],
    ]


def test_the_check_command_refuses_a_folder_without_groups(tmp_path: Path) -> None:
    run = CliRunner().invoke(build(("registry",)), ["registry", "check", str(tmp_path)])
    assert isinstance(run.exception, SettingsError)


def test_the_resolve_command_names_all_who_share_a_name() -> None:
    run = CliRunner().invoke(build(("registry",)), ["registry", "resolve", "Ansar al-Sharia", "nobody", "Hamas"])
    shared, nobody, hamas = run.output.splitlines()
    assert shared.startswith("Ansar al-Sharia\t- ")
    assert "aqap?" in shared
    assert (nobody, hamas) == ("nobody\t-", "Hamas\thamas")
