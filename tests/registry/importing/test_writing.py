"""Group files as text: what is appended, what stays to the last comment, and what is refused."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from streams.errors import DataFileError
from streams.records import AuthorityKey, GroupKey
from streams.registry import build_registry, load_registry
from streams.registry.entries import Alias, AliasKind, Baseline, Group, Ids
from streams.registry.importing.diffs import Addition, Diff, Draft
from streams.registry.importing.writing import LayoutError, amended, changes, file_text, grown
from streams.registry.loader import package_folder

SOURCE = "https://example.org/list"
KEY = GroupKey("heron-front")
ROW = Baseline(authority=AuthorityKey("us"), instrument="sdgt", listed=None, source=SOURCE)
ALIAS = Alias(text='Men of the "Heron" \\ Marsh', kind=AliasKind.NAME)
ARABIC = Alias(text="جبهة مالك الحزين", kind=AliasKind.TRANSLATION, script="Arab")
CASED = Alias(text="MHF", kind=AliasKind.ACRONYM, cased=True)
WHOLE = Group(
    key=KEY,
    name="Heron Front",
    name_cased=True,
    countries=("bd", "in"),
    sources=(SOURCE, "https://example.org/more"),
    note="draft\tfrom an entry",
    aliases=(ALIAS, ARABIC, CASED),
    ids=Ids(ofac="90001", un="QDe.901"),
    baseline=(ROW, structs.replace(ROW, instrument=None, note="under P", scope=GroupKey("wing"), delisted="2020")),
)

USUAL = """\
# who they are
key = "heron-front"
name = "Heron Front"  # as the wires say
countries = ["bd"]
sources = ["https://example.org/list"]
aliases = [
    # spellings
    { text = "Marsh Heron Front", kind = "name" },  # the old one
    { text = "Heron Group [north]", kind = "short" }
    # end of spellings
]

[ids]
wikidata = "Q90000001"  # looked up

# where it stands
[[baseline]]
authority = "us"
instrument = "fto"
source = "https://example.org/list"
"""


def addition(**more: Any) -> Addition:
    return Addition(key=KEY, entries=("E1 by name",), **more)


EVERYTHING = addition(aliases=(ARABIC, ALIAS), ids={"ofac": "90001", "un": "QDe.901"}, rows=(ROW,))


def decoded(text: str) -> Group:
    return msgspec.toml.decode(text, type=Group)


def test_a_written_group_reads_as_it_was() -> None:
    assert decoded(file_text(WHOLE)) == WHOLE
    bare = Group(key=KEY, name="Heron Front", countries=("bd",), sources=(SOURCE,))
    assert decoded(file_text(bare)) == bare


@given(st.text(max_size=60))
def test_any_text_survives_being_written(text: str) -> None:
    group = structs.replace(WHOLE, note=text)
    assert decoded(file_text(group)).note == text


def test_an_addition_leaves_every_line_and_comment_that_was_there() -> None:
    assert amended(USUAL, EVERYTHING) == (
        USUAL.replace(
            '"short" }\n    # end of spellings\n',
            '"short" },\n    # end of spellings\n'
            '    { text = "جبهة مالك الحزين", kind = "translation", script = "Arab" },\n'
            '    { text = "Men of the \\"Heron\\" \\\\ Marsh", kind = "name" },\n',
        ).replace("[ids]\n", '[ids]\nofac = "90001"\nun = "QDe.901"\n')
        + '\n[[baseline]]\nauthority = "us"\ninstrument = "sdgt"\nsource = "https://example.org/list"\n'
    )


def test_windows_line_ends_stay() -> None:
    text = amended(USUAL.replace("\n", "\r\n"), EVERYTHING)
    assert text.replace("\r\n", "\n") == amended(USUAL, EVERYTHING)
    assert "\n" not in text.replace("\r\n", "")


@pytest.mark.parametrize(
    "text",
    [
        USUAL.replace(USUAL[USUAL.index("aliases") : USUAL.index("[ids]")], ""),
        USUAL.replace(USUAL[USUAL.index("aliases") : USUAL.index("[ids]")], "aliases = []\n"),
        USUAL.replace(
            USUAL[USUAL.index("aliases") : USUAL.index("[ids]")], 'aliases = [{ text = "Herons", kind = "short" }]\n'
        ),
        USUAL.replace(
            USUAL[USUAL.index("aliases") : USUAL.index("[ids]")], 'aliases = [{ text = "Herons", kind = "short" },]\n'
        ),
        USUAL[: USUAL.index("[ids]")],
        USUAL[: USUAL.index("[ids]")] + USUAL[USUAL.index("# where") :],
        USUAL[: USUAL.index("aliases")],
        USUAL[: USUAL.index("aliases")] + USUAL[USUAL.index("[[baseline]]") :],
        USUAL.rstrip("\n") + "\n\n\n",
    ],
)
def test_an_addition_finds_its_place_in_files_of_any_usual_shape(text: str) -> None:
    before = decoded(text)
    after = decoded(amended(text, EVERYTHING))
    assert after == structs.replace(
        before,
        aliases=(*before.aliases, ARABIC, ALIAS),
        ids=structs.replace(before.ids, ofac="90001", un="QDe.901"),
        baseline=(*before.baseline, ROW),
    )
    comments = [line for line in text.splitlines() if line.startswith("#")]
    assert [line for line in amended(text, EVERYTHING).splitlines() if line.startswith("#")] == comments


@pytest.mark.parametrize(
    "text",
    [
        USUAL.replace("]\n\n[ids]", "] # end\n\n[ids]").replace("    # end of spellings\n]", "    ,]"),
        USUAL[: USUAL.index("aliases")] + 'ids = { wikidata = "Q1" }\n',
        "[[aliases]]\ntext = 1",
        "",
    ],
)
def test_a_file_of_another_layout_is_refused_and_not_guessed_at(text: str) -> None:
    with pytest.raises(LayoutError, match=r"heron-front\.toml: .*by hand"):
        amended(text, EVERYTHING)


def test_every_group_file_that_ships_can_grow() -> None:
    for key, group in load_registry().groups.items():
        text = package_folder("groups").joinpath(f"{key}.toml").read_text("utf-8")
        ids = {} if group.ids.eu else {"eu": "EU.0.0"}
        grows = Addition(key=key, entries=(), aliases=(ARABIC, ALIAS), rows=(ROW,), ids=ids)
        assert decoded(amended(text, grows)).baseline[-1] == ROW
        assert is_inside(text, amended(text, grows)), key


def is_inside(text: str, larger: str) -> bool:
    """Whether every line stands in the larger text, in order, apart from a comma behind it."""
    rest = iter([line.rstrip(",") for line in larger.splitlines()])
    return all(line.rstrip(",") in rest for line in text.splitlines())


def draft(key: str, *held: str) -> Draft:
    group = Group(key=GroupKey(key), name=key.title(), countries=("bd",), sources=(SOURCE,))
    return Draft(reference=key, group=group, held=held)


DIFF = Diff(
    format="test",
    entries=4,
    known=2,
    drafts=(draft("kettle"), draft("pan", "its name is a single word")),
    additions=(EVERYTHING, Addition(key=GroupKey("otter"), entries=(), held_aliases=(ALIAS,))),
)


@pytest.mark.parametrize(
    ("accepted", "written"),
    [
        ([], {"heron-front", "kettle"}),
        (["pan"], {"pan"}),
        (["heron-front", "pan"], {"heron-front", "pan"}),
        (["otter"], set()),
    ],
)
def test_what_is_held_back_is_written_only_when_accepted(accepted: list[str], written: set[str]) -> None:
    assert set(changes(DIFF, {KEY: USUAL}, [GroupKey(key) for key in accepted])) == written


def test_what_was_written_has_to_pass_the_strict_rules() -> None:
    registry = build_registry(load_registry().authorities.values(), [decoded(USUAL)])
    larger = grown(registry, changes(DIFF, {KEY: USUAL}))
    assert larger.resolve("جبهة مالك الحزين") == KEY
    assert larger.resolve("Kettle") == "kettle"
    with pytest.raises(DataFileError, match="no country"):
        grown(registry, {GroupKey("x"): file_text(structs.replace(WHOLE, key=GroupKey("x"), name="X", countries=()))})
