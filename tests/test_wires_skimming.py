"""A web feed whose known items are not read again says of the others what it would have said of all."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.feeds import FeedSpec
from streams.wires import decode
from streams.wires.documents import Document
from streams.wires.skimming import skim

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
FEED = FeedSpec(key="f", url="https://wire.example/rss", name="F")


def item(name: str, title: str = "", more: str = "") -> str:
    return (
        f"<item><title>{title or name}</title><guid>{name}</guid><description>Text of {name}</description>{more}</item>"
    )


def rss(*items: str, tail: str = "") -> str:
    channel = "".join(items)
    return (
        f'<rss version="2.0"><channel><title>T</title><link>https://wire.example/</link>{channel}{tail}</channel></rss>'
    )


def read(text: str, known: frozenset[str] = frozenset()) -> Document:
    return decode(text.encode(), FEED, NOW, known=known)


def told(document: Document) -> list[tuple[str, str, str]]:
    return [(story.guid, story.headline, story.body) for story in document.stories]


FORMS = {
    "rss": rss(*(item(f"id-{n}") for n in range(6))),
    "no guids": rss(*(f"<item><title>{n}</title><link>https://wire.example/{n}</link></item>" for n in range(6))),
    "atom": "<feed xmlns='http://www.w3.org/2005/Atom'><title>T</title>"
    + "".join(f"<entry><id>urn:{n}</id><title>{n}</title><content>Text {n}</content></entry>\n" for n in range(6))
    + "</feed>",
    "rdf": "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/'>"
    "<channel rdf:about='https://wire.example/'><title>T</title></channel>"
    + "".join(f"<item rdf:about='https://wire.example/{n}'><title>{n}</title></item>" for n in range(6))
    + "</rdf:RDF>",
    "cdata and entities": rss(*(item(f"id-{n}", more=f"<x><![CDATA[<p>&amp; {n}</p>]]></x>") for n in range(6))),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@given(chosen=st.sets(st.integers(0, 5)))
def test_what_is_left_out_changes_nothing_in_the_rest(form: str, chosen: set[int]) -> None:
    whole = read(FORMS[form])
    assert len(whole.hashes) == len(set(whole.hashes)) == 6
    again = read(FORMS[form], frozenset(whole.hashes[n] for n in chosen))
    assert told(again) == [story for n, story in enumerate(told(whole)) if n not in chosen]
    assert again.unchanged == tuple(whole.hashes[n] for n in sorted(chosen))
    assert (again.title, again.truncated) == ("T", False)


def test_an_edited_item_is_read_again() -> None:
    known = frozenset(read(rss(item("a"), item("b"))).hashes)
    assert told(read(rss(item("a"), item("b", "edited")), known)) == [("b", "edited", "Text of b")]


NOT_PLAIN = {
    "a guid that two items share": rss(item("a"), item("a", "another", "<link>https://wire.example/2</link>")),
    "an item that nothing names": rss(item("a"), "<item><title>b</title></item>"),
    "an item without its end tag": rss(item("a"), "<item><guid>b</guid><title>b</title>", item("c")),
    "a comment around an item": rss(item("a"), "<!--", item("b"), "-->"),
    "an end tag in a comment": rss(item("a"), item("b", more="<!-- </item> -->")),
    "an end tag in CDATA": rss(item("a"), item("b", more="<x><![CDATA[</item>]]></x>")),
    "a document that breaks off": rss(item("a"), item("b"))[:-40],
    "items under a prefix": rss(item("a")).replace("item>", "rss:item>"),
}  # fmt: skip


@pytest.mark.parametrize("form", NOT_PLAIN)
def test_markup_that_is_not_plain_is_read_whole(form: str) -> None:
    text = NOT_PLAIN[form]
    assert skim(text, frozenset({"x"})) == (text, (), ())


def test_a_channel_without_items_is_read_too() -> None:
    assert read(rss(tail="<ttl>5</ttl>"), frozenset({"x"})).ttl_s == 300
