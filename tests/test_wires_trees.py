"""Wire XML as trees, and the paragraphs in them."""

import time

import pytest

from streams.errors import WireError
from streams.wires.drafts import unversioned
from streams.wires.prose import prose
from streams.wires.tree import parse_tree, parse_trees

OUTER = '<!DOCTYPE NewsML PUBLIC "urn:dtd" "a.dtd" [\n<!ENTITY % nitf SYSTEM "nitf.dtd">\n%nitf;\n]>'


def refused(raw: str, roots: str = "doc") -> str:
    with pytest.raises(WireError) as error:
        parse_trees(raw.encode(), roots)
    return error.value.reason


def paragraphs(markup: str) -> list[str]:
    return prose(parse_tree(f"<doc>{markup}</doc>".encode(), "doc")).split("\n")


class TestTheProlog:
    def test_a_subset_may_call_a_further_outer_dtd(self) -> None:
        assert parse_tree(f"{OUTER}<doc>text</doc>".encode(), "doc").text == "text"

    @pytest.mark.parametrize(
        "subset",
        [
            '<!ENTITY x "y">',
            '<!ENTITY x SYSTEM "file:///etc/hostname">',
            "<!ENTITY % x \"<!ENTITY y 'z'>\">%x;",
            '<!ENTITY % x SYSTEM "a.dtd">%x;<!ENTITY y "z">',
            "<!ELEMENT doc ANY>",
        ],
    )
    def test_a_subset_may_declare_nothing_itself(self, subset: str) -> None:
        assert refused(f"<!DOCTYPE doc [{subset}]><doc>text</doc>") == "entities"


class TestDocumentsInARow:
    def test_each_is_a_tree_whatever_stands_between(self) -> None:
        raw = "<?xml version='1.0'?><doc>a</doc>\n<?xml version='1.0'?><!DOCTYPE doc SYSTEM 'd'><n:doc>b</n:doc> junk"
        assert [tree.text for tree in parse_trees(raw.encode(), "doc")] == ["a", "b"]

    def test_siblings_in_a_wrapper_are_found_and_nested_ones_stay_inside(self) -> None:
        trees = parse_trees(b"<all><doc>a<doc>b</doc></doc><doc/><doc>c</doc></all>", "doc")
        assert [len(tree) for tree in trees] == [1, 0, 0]

    def test_an_end_tag_in_a_comment_or_cdata_ends_nothing(self) -> None:
        assert len(parse_trees(b"<doc><!-- </doc> --><![CDATA[</doc>]]></doc>", "doc")) == 1

    def test_one_that_breaks_off_refuses_all(self) -> None:
        assert refused("<doc>a</doc><doc>b") == "truncated"

    def test_entities_before_a_later_one_are_refused(self) -> None:
        assert refused('<doc>a</doc><!DOCTYPE doc [<!ENTITY x "y">]><doc>b</doc>') == "entities"

    def test_there_is_an_end_to_them(self) -> None:
        assert refused("<doc></doc>" * 6_000) == "too-large"


class TestProse:
    def test_an_ampersand_or_a_bracket_leaves_the_paragraphs_as_they_are(self) -> None:
        assert paragraphs("<p>AT&amp;T and R&amp;D</p><p>a &lt; b</p>") == ["AT&T and R&D", "a < b"]

    def test_escaped_markup_is_read_in_its_paragraph(self) -> None:
        assert paragraphs("<p>one &lt;b&gt;two&lt;/b&gt;</p><p>three</p>") == ["one two", "three"]

    def test_a_line_end_within_a_sentence_only_wraps(self) -> None:
        assert paragraphs("<p>The panel took <br/>Harbour Front off, <br/>for $1 <br/>($2).</p>") == [
            "The panel took Harbour Front off, for $1 ($2)."
        ]

    def test_a_line_end_after_a_sentence_or_twice_ends_a_paragraph(self) -> None:
        assert paragraphs("One.<br/>Two <br/><br/>Three<br/>Four") == ["One.", "Two", "Three", "Four"]

    def test_a_million_line_ends_take_no_time(self) -> None:
        tree = parse_tree(b"<doc>word " + b"<br/>" * 400_000 + b"</doc>", "doc")
        start = time.perf_counter()
        assert prose(tree) == "word"
        assert time.perf_counter() - start < 2


@pytest.mark.parametrize(
    ("guid", "version", "name"),
    [
        ("urn:newsml:agency.example:20240102:A1:3U", "3", "urn:newsml:agency.example:20240102:A1"),
        ("urn:newsml:agency.example:20240102:A1:DS77", "DS77", "urn:newsml:agency.example:20240102:A1"),
        ("urn:newsml:agency.example:20240102:A1:3", "4", "urn:newsml:agency.example:20240102:A1:3"),
        ("abc.3", ".", "abc.3"),
        ("abc", None, "abc"),
    ],
)
def test_a_version_at_the_end_of_a_guid_is_no_part_of_the_identity(guid: str, version: str | None, name: str) -> None:
    assert unversioned(guid, version) == name
