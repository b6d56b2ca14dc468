"""The registry as code: strictness, matching, resolving, searching. Its records are tested beside it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import DataFileError
from streams.records import AuthorityKey, GroupKey
from streams.registry import Registry, build_registry, load_registry
from streams.registry.entries import Alias, AliasKind, Authority, AuthorityKind, Group
from streams.registry.folding import fold, fold_key
from streams.registry.loader import load_folder
from streams.registry.matcher import GroupMatcher


def group(key: str, name: str, *aliases: Alias, **more: Any) -> Group:
    return Group(
        key=GroupKey(key), name=name, countries=("aa",), sources=("https://example.org",), aliases=aliases, **more
    )


def alias(text: str, **more: Any) -> Alias:
    return Alias(text=text, kind=AliasKind.NAME, **more)


def state(key: str, name: str, **more: Any) -> Authority:
    return Authority(
        key=AuthorityKey(key), name=name, kind=AuthorityKind.STATE, sources=("https://example.org",), **more
    )


def found(text: str, *groups: Group) -> list[tuple[str, str]]:
    return [(mention.group, mention.text) for mention in GroupMatcher(groups).find(text)]


GOOD = 'key = "x"\nname = "Xs"\ncountries = ["aa"]\nsources = ["https://example.org"]\n'


@pytest.mark.parametrize(
    ("name", "text", "culprit"),
    [
        ("x.toml", GOOD + 'colour = "red"\n', "colour"),
        ("x.toml", GOOD.replace('name = "Xs"\n', ""), "name"),
        ("y.toml", GOOD, "file name"),
        ("x.toml", GOOD.replace('["https://example.org"]', "[]"), "sources"),
        ("x.toml", "key = = 1", "x.toml"),
        ("x.toml", GOOD + '[[aliases]]\ntext = "X"\nkind = "nickname"\n', "nickname"),
    ],
)
def test_a_broken_file_is_named_with_its_fault(tmp_path: Path, name: str, text: str, culprit: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DataFileError, match=culprit) as refused:
        load_folder(tmp_path, Group)
    assert refused.value.file == name


@pytest.mark.parametrize(
    ("build", "culprit"),
    [
        (
            lambda: build_registry([], [group("a", "Ants"), group("b", "Bees", alias("ants"))]),
            r"b\.toml.*ants.*a\.toml",
        ),
        (lambda: build_registry([], [group("a", "Ants", alias("Ants"))]), "twice in this file"),
        (lambda: build_registry([], [group("a", "Ants", part_of=GroupKey("z"))]), r"a\.toml.*'z'"),
        (lambda: build_registry([], [group("a", "Ants", never=("ants",))]), "never"),
        (lambda: build_registry([state("a", "Aland"), state("b", "Bland", names=("aland",))], []), r"b\.toml.*aland"),
        (lambda: build_registry([], [group("a", "—")]), "no letters"),
    ],
)
def test_a_registry_that_contradicts_itself_is_refused(build: Callable[[], Registry], culprit: str) -> None:
    with pytest.raises(DataFileError, match=culprit):
        build()


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


def test_an_ambiguous_name_needs_its_company() -> None:
    base = group("the-base", "The Base", name_cased=True, name_near=("neo-nazi",))
    assert found("The Base was attacked by rebels.", base) == []
    assert found("Members of The Base, a neo-Nazi network", base) == [("the-base", "The Base")]


def test_a_text_that_is_never_the_name_hides_the_name_in_it() -> None:
    assert found("the Hamas brothers' bakery, Hamas", group("hamas", "Hamas", never=("Hamas brothers",))) == [
        ("hamas", "Hamas")
    ]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("the Hizb\u2011ut\u2011Tahrir party", "Hizb-ut-Tahrir"),
        ("Ta\u2019ang army", "Ta'ang army"),
        ("Tal\u200biban", "Taliban"),
        ("ＴＡＬＩＢＡＮ", "Taliban"),
        ("Ḥamās", "Hamas"),
        ("движение «Талибан»", "Талибан"),
        ("straße", "STRASSE"),
    ],
)
def test_other_writings_of_a_name_are_found_at_their_own_offsets(text: str, name: str) -> None:
    (mention,) = GroupMatcher([group("x", name)]).find(f"ﬁ İ {text} ß")
    assert mention.text == f"ﬁ İ {text} ß"[mention.start : mention.end]
    assert fold_key(mention.text) == fold_key(name)


NOISE = st.text(alphabet=st.sampled_from(" .,;-’ßİﬁéя中\u200b0aZ"), max_size=12)


@given(before=NOISE, after=NOISE, index=st.integers(min_value=0))
def test_every_name_is_found_inside_any_text(before: str, after: str, index: int) -> None:
    matcher = load_registry().matcher
    name = matcher.names[index % len(matcher.names)]
    if name.group is None:
        return
    text = f"{before} {name.text} {after} {' '.join(name.near)}"
    start = len(before) + 1
    spans = [(m.start, m.end) for m in matcher.find(text)]
    assert any(first <= start and end >= start + len(name.text.rstrip()) for first, end in spans)


@given(st.text(max_size=60))
def test_folding_can_always_be_undone(text: str) -> None:
    folded = fold(text)
    for index in range(len(folded.text)):
        start, end = folded.span(index, index + 1)
        assert 0 <= start < end <= len(text)


def test_a_name_resolves_whatever_its_case_and_accents() -> None:
    registry = load_registry()
    assert registry.resolve("HEZBOLLAH") == "hezbollah"
    assert registry.resolve("the Taliban") == "taliban"
    assert registry.resolve("taliban") == "taliban"
    assert registry.resolve("Students") is None


@pytest.mark.parametrize(
    ("query", "key"), [("Hezbolah", "hezbollah"), ("kurdistan workers", "pkk"), ("talban", "taliban")]
)
def test_a_search_forgives_typos(query: str, key: str) -> None:
    assert key in {hit for hit, _, _ in load_registry().search(query, 5)}


def test_the_shipped_registry_has_what_the_project_promises() -> None:
    registry = load_registry()
    assert len(registry.groups) >= 40
    assert len(registry.authorities) >= 20
