"""NITF: the golden pairs of tests/wires/nitf, and what its fields mean one by one."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from streams import codec
from streams.feeds import FeedSpec
from streams.records import Story
from streams.vocabulary import PubStatus
from streams.wires import decode, nitf, sniff
from streams.wires.documents import Document

DOCUMENTS = sorted((Path(__file__).parent / "wires" / "nitf").glob("*.xml"))
NOW = datetime(2026, 12, 24, 12, tzinfo=UTC)
FEED = FeedSpec(key="test", url="https://meridian.example/feed", name="Test", source="Test Wire", timezone="+03:00")


def read(raw: bytes | str, **more: Any) -> Document:
    return decode(raw.encode() if isinstance(raw, str) else raw, FEED, NOW, **more)


def one(docdata: str = "", content: str = "<p>Text.</p>", head: str = "", root: str = "nitf", **more: Any) -> Story:
    raw = (
        f"<{root}><head><docdata>{docdata}</docdata></head>"
        f"<body><body.head>{head}</body.head><body.content>{content}</body.content></body></nitf>"
    )
    (story,) = read(raw, **more).stories
    return story


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
class TestEachFixture:
    def test_reads_as_its_golden_file_says(self, path: Path) -> None:
        expected = json.loads(path.with_suffix(".json").read_text("utf-8"))
        got = json.loads(codec.encode(read(path.read_bytes())))
        assert {name: got.get(name, []) for name in expected["document"]} == expected["document"]
        assert [
            {name: story.get(name) or None for name in wanted}
            for wanted, story in zip(expected["stories"], got["stories"], strict=True)
        ] == [{name: value or None for name, value in wanted.items()} for wanted in expected["stories"]]

    def test_is_told_by_its_head_whatever_the_server_says(self, path: Path) -> None:
        assert sniff(path.read_bytes(), "text/html") is nitf


@pytest.mark.parametrize(
    "raw",
    [
        "<NewsML><NewsItem><nitf></nitf></NewsItem></NewsML>",
        "<newsMessage><newsItem><nitf></nitf></newsItem></newsMessage>",
        "<rss><channel><item><nitf></nitf></item></channel></rss>",
        '{"body": "<nitf></nitf>"}',
        "<!-- <nitf> --><html><nitf></nitf></html>",
    ],
)
def test_a_document_inside_another_format_is_left_to_that(raw: str) -> None:
    assert sniff(raw.encode()) is not nitf


class TestIdentity:
    def test_is_the_address_of_the_story_where_no_id_is_given(self) -> None:
        assert one(url="http://Meridian.example/story/17?utm_source=x").guid == "https://meridian.example/story/17"

    @pytest.mark.parametrize("url", [FEED.url, "http://meridian.example/feed", "https://meridian.example/latest", None])
    def test_is_never_an_address_that_brings_another_story_next_time(self, url: str | None) -> None:
        assert one(url=url).guid.startswith("hash:")

    def test_is_not_the_address_of_several(self) -> None:
        raw = "<nitf><body><body.content><p>%s</p></body.content></body></nitf>"
        stories = read(raw % "a" + raw % "b", url="https://meridian.example/17").stories
        assert len({story.guid for story in stories}) == 2

    def test_of_headline_and_date_stays_from_poll_to_poll(self) -> None:
        assert one('<date.issue norm="20260101"/>').guid == one('<date.issue norm="20260101"/>').guid

    def test_is_shared_by_versions_that_are_counted_in_the_middle_of_the_id(self) -> None:
        guid = '<doc-id id-string="3b1c5a90-77aa-4c1e-9d02-6f0f5a2b7c11HHH-%d-%d"/>'
        assert one(guid % (13, 1)).id == one(guid % (14, 1)).id != one(guid % (14, 2)).id

    def test_is_shared_by_versions_that_continue_the_key(self) -> None:
        docdata = '<doc-id id-string="list-77812_%d"/><du-key key="list-77812"/>'
        assert one(docdata % 1).id == one(docdata % 2).id

    def test_is_shared_by_versions_that_continue_the_senders_own_id(self) -> None:
        meta = '<meta name="NTBID" content="N5df9281a"/>'
        docdata = '<docdata><doc-id id-string="N5df9281a_%02d"/></docdata>'
        raw = f"<nitf><head><title>T</title>{meta}{docdata}</head></nitf>"
        (first,), (second,) = (read(raw % count).stories for count in (0, 1))
        assert first.id == second.id

    def test_is_not_a_key_that_is_only_a_word(self) -> None:
        docdata = '<doc-id id-string="list-%d"/><du-key key="list"/>'
        assert one(docdata % 1).id != one(docdata % 2).id


class TestStatus:
    @pytest.mark.parametrize(
        ("word", "status"),
        [("Usable", "usable"), ("CANCELED", "canceled"), ("withheld", "withheld"), ("OPEN", "usable"), ("", "usable")],
    )
    def test_is_read_in_any_case_and_unknown_words_stop_nothing(self, word: str, status: str) -> None:
        raw = f'<nitf><head><title>T</title><docdata management-status="{word}"/></head></nitf>'
        assert [story.pub_status for story in read(raw).stories] == [status]

    def test_a_release_date_is_no_embargo_by_itself(self) -> None:
        story = one('<date.issue norm="20260101T000000Z"/><date.release norm="20270101T000000Z"/>')
        assert (story.pub_status, story.embargoed_until) == (PubStatus.USABLE, None)


class TestText:
    def test_is_that_of_the_content_without_its_media_and_notes_after_it(self) -> None:
        content = "<media><media-caption>C</media-caption></media><p>One.</p><body.end>E</body.end>"
        assert one(content=content).body == "One."

    def test_without_a_content_element_is_that_of_the_body(self) -> None:
        raw = "<nitf><body><body.head><hedline><hl1>H</hl1></hedline></body.head><p>One.</p></body></nitf>"
        assert [(story.headline, story.body) for story in read(raw).stories] == [("H", "One.")]

    @pytest.mark.parametrize("raw", ["<nitf></nitf>", "<nitf><head><docdata/></head><body/></nitf>"])
    def test_of_an_empty_form_is_no_story(self, raw: str) -> None:
        assert [(dropped.reason, dropped.items) for dropped in read(raw).dropped] == [("not-a-story", 1)]

    def test_bylines_are_joined_and_titles_left_out(self) -> None:
        head = "<byline>By <person>A</person><byttl>Writer</byttl></byline><byline>B</byline>"
        assert one(head=head).byline == "By A, B"

    def test_a_version_above_the_first_is_an_update(self) -> None:
        assert [one(f'<du-key version="{count}"/>').signals for count in ("01", "2")] == [(), ("update",)]
