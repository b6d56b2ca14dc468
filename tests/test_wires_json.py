"""JSON from the wires: JSON Feed, ninjs, the AP Media API and dpa digitalwires.

Each pair in tests/wires/<format> is a document, NAME.wire.json, and what must come out of it, NAME.json: the document's
fields and the stories' fields that differ from their defaults.
"""

import copy
import gzip
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.cli.scanning import SourceError, items_of
from streams import codec
from streams.errors import WireError
from streams.feeds import FeedSpec
from streams.records import Story
from streams.vocabulary import PubStatus, Signal
from streams.wires import decode, sniff
from streams.wires.documents import Document
from streams.wires.json_document import parse_json

WIRES = Path(__file__).parent / "wires"
FORMATS = {"ap": "ap", "dpa": "dpa", "json_feed": "json-feed", "ninjs": "ninjs"}
DOCUMENTS = sorted(path for folder in FORMATS for path in (WIRES / folder).glob("*.wire.json"))
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
FEED = FeedSpec(key="test", url="https://wires.example/feed.json", name="Test", timezone="+03:00")
REASONS = {"empty", "html", "not-a-feed", "truncated", "too-large", "entities", "malformed"}
DEFAULTS = {
    "published_precision": "time", "pub_status": "usable", "revision": 1, "complete": True, "subjects": [],
    "signals": [], "trusted": True,
}  # fmt: skip
UNTOLD = {"schema", "id", "feed", "received_at"}


def read(raw: bytes | str | dict[str, Any] | list[Any], **more: Any) -> Document:
    if isinstance(raw, dict | list):
        raw = json.dumps(raw)
    return decode(raw.encode() if isinstance(raw, str) else raw, FEED, NOW, **more)


def only(raw: dict[str, Any] | list[Any] | str) -> Story:
    (story,) = read(raw).stories
    return story


def reason(raw: bytes | str | dict[str, Any] | list[Any]) -> str:
    with pytest.raises(WireError) as refused:
        read(raw)
    return refused.value.reason


def read_or_reason(raw: bytes) -> Document | str:
    try:
        return read(raw)
    except WireError as error:
        return error.reason


def told(story: dict[str, Any]) -> dict[str, Any]:
    """The fields of an encoded story that say something."""
    return {
        name: value
        for name, value in story.items()
        if name not in UNTOLD and value is not None and (name not in DEFAULTS or DEFAULTS[name] != value)
    }


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: f"{path.parent.name}-{path.name.partition('.wire')[0]}")
class TestEachFixture:
    def test_reads_as_its_golden_file_says(self, path: Path) -> None:
        expected = json.loads(Path(str(path).replace(".wire.json", ".json")).read_text("utf-8"))
        got = json.loads(codec.encode(read(path.read_bytes())))
        assert [told(story) for story in got["stories"]] == expected["stories"]
        fields = {name: got[name] for name in got if name not in {"stories", "schema"} and got[name]}
        assert fields == expected["document"]

    def test_is_recognised_by_its_head_whatever_the_content_type(self, path: Path) -> None:
        for media_type in (None, "text/html", "application/json; charset=iso-8859-1"):
            found = sniff(path.read_bytes(), media_type)
            assert found is not None
            assert FORMATS[path.parent.name] == found.NAME

    def test_reads_the_same_however_it_is_packed_and_laid_out(self, path: Path) -> None:
        raw = path.read_bytes()
        assert read(gzip.compress(raw)) == read(raw)
        compact = json.dumps(parse_json(raw), separators=(",", ":"))
        assert read(compact) == read(raw)

    def test_gives_nothing_of_a_document_that_breaks_off(self, path: Path) -> None:
        raw = path.read_bytes().rstrip(b"\0 \n")
        step = max(1, len(raw) // 150)
        assert {type(read_or_reason(raw[:size])) for size in range(0, len(raw), step)} == {str}

    def test_crosses_a_process_border_unchanged(self, path: Path) -> None:
        document = read(path.read_bytes())
        assert codec.decode(codec.encode(document), Document) == document


# One document of each sort that an address may give in place of a wire.
OTHER_JSON: dict[str, Any] = {
    "API error": {"error": {"code": 401, "message": "invalid token"}, "api_version": "2.1"},
    "package manifest": {"name": "x", "version": "1.0.0", "dependencies": {"uri-js": "^4"}, "bodies": 1},
    "GeoJSON": {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"headline": "x"}}]},
    "JSON-LD": {"@context": "https://schema.org", "@type": "NewsArticle", "headline": "x", "uri": "u", "bodies": []},
    "OpenAPI": {"openapi": "3.0.0", "paths": {"/items": {}}, "uri": "u", "headlines": []},
    "JSON Schema": {"$schema": "http://json-schema.org/draft-04/schema#", "properties": {"uri": {}, "bodies": {}}},
    "ninjs without an item": {"headlines": {"uri": "only deep down"}, "versioncreated": "2024-01-01"},
    "items of a blog": [{"id": 1, "guid": {"rendered": "http://x.example/?p=1"}, "title": {"rendered": "Hello"}}],
    "RSS as JSON": {"status": "ok", "feed": {}, "items": [{"guid": "1", "title": "x", "content": "y"}]},
    "JSON Feed without items": {"version": "https://jsonfeed.org/version/1.1", "title": "x"},
    "the store of a news desk": [
        {"guid": "a", "type": "text", "headline": "x", "body_html": "y", "family_id": "a", "unique_name": "#1"}
    ],
    "a list of numbers": [1, 2, 3],
    "a quotation": {"text": 'they wrote {"uri": "a", "versioncreated": "b", "body_text": "c"}'},
    "entries of something": {"entries": []},
}


@pytest.mark.parametrize("name", OTHER_JSON)
def test_other_json_is_refused(name: str) -> None:
    assert reason(OTHER_JSON[name]) == "not-a-feed"


def test_our_own_lines_are_no_format_of_the_wires() -> None:
    line = {"id": "1", "guid": "g", "headline": "x", "body": "y", "published": None, "pub_status": "usable", "url": "u"}
    assert sniff(json.dumps(line).encode() * 3) is None


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ('{"uri": "a", "body_text": ' + "[" * 100_000, "malformed"),
        ('{"uri": "a", "body_text": ' + '{"a":' * 5_000 + "1" + "}" * 5_001, "malformed"),
        ('{"uri": "a", "body_text": NaN}', "malformed"),
        ('{"uri": "a", "body_text": "x"} {"uri": "b"}', "malformed"),
        ('{"uri": "a", "body_text": 1e9999}', "malformed"),
        ('{"uri": "a", "body_text": "\\u00zz"}', "malformed"),
        ('{"uri": "a", "body_text": "not del', "truncated"),
        ('{"uri": "a", "body_text": "x"', "truncated"),
    ],
)
def test_what_is_no_json_is_refused_with_its_reason(raw: str, why: str) -> None:
    assert reason(raw) == why


def test_text_that_holds_no_json_value_is_not_a_feed() -> None:
    with pytest.raises(WireError, match="not-a-feed"):
        parse_json(b"hello")


@pytest.mark.parametrize(
    "filler", ['"uri"', '"uri" ', '"guid":', "\\", '\\"', "{", '"', '"version": "https:', '"altids":']
)
def test_recognising_takes_time_in_proportion_to_the_head(filler: str) -> None:
    started = time.perf_counter()
    sniff(b"{" + filler.encode() * (65_536 // len(filler)))
    sniff(b"{" + filler.encode() + b" " * 65_536)
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize(
    "raw",
    [
        '{"uri": "a", "body_text": ' + '"\\' * 1_000_000,
        '{"uri": "a", "body_text": ' + '"\\"\n' * 1_000_000,
        '{"versioncreated": 1, "items": [' + '{"uri": "a", "type": "text", "body_text": "<a"},' * 100_000 + "1]}",
        '{"uri": "a", "type": "text", "bodies": [' + '{"value": "<p>a", "role": "nitf"},' * 100_000 + "1]}",
        '{"uri": ' + "9" * 4_000_000 + ', "body_text": "x"}',
    ],
    ids=["quotes", "strings", "items", "bodies", "digits"],
)
def test_a_hostile_document_is_done_with_in_time(raw: str) -> None:
    started = time.perf_counter()
    read_or_reason(raw.encode())
    assert time.perf_counter() - started < 4  # of which a busy machine takes a part


def test_controls_in_five_megabytes_of_strings_are_mended_in_time() -> None:
    text = '{"uri": "a", "type": "text", "headline": "x", "body_text": "' + "line\n\\ud83d" * 300_000 + '"}'
    started = time.perf_counter()
    assert not only(text).complete
    assert time.perf_counter() - started < 2


NINJS = {"uri": "urn:a", "type": "text", "headline": "Council meets", "body_text": "It met."}


@pytest.mark.parametrize(
    "kind", ["picture", "video", "audio", "graphic", "planning", "event", "component", "composite"]
)
def test_only_texts_are_stories(kind: str) -> None:
    document = read({**NINJS, "type": kind, "body_text": ""})
    assert document.stories == ()
    assert [(drop.reason, drop.items) for drop in document.dropped] == [("not-a-story", 1)]


@pytest.mark.parametrize("kind", ["text", "advisory", "story", None])
def test_other_types_and_none_are_stories_where_there_is_a_text(kind: str | None) -> None:
    assert only({**NINJS, "type": kind}).body == "It met."


def test_a_text_that_names_an_event_is_still_a_text() -> None:
    assert only({**NINJS, "events": [{"name": "Council meeting"}], "event": [{"name": "Vote"}]}).body == "It met."


def test_a_cancellation_without_type_and_text_still_tells_its_identity() -> None:
    story = only({"uri": "urn:a", "pubstatus": "Canceled"})
    assert (story.guid, story.pub_status) == ("urn:a", PubStatus.CANCELED)


def test_the_fuller_of_two_bodies_is_the_text() -> None:
    teaser = {**NINJS, "body_html": "<p>It met.</p>", "body_text": "It met and voted.\nThe vote was close, they said."}
    assert only(teaser).body == "It met and voted.\nThe vote was close, they said."
    same = {**NINJS, "body_html": "<p>It <b>met</b>.</p><p>Then?</p>", "body_text": "It met. Then?"}
    assert only(same).body == "It met.\nThen?"


def test_plain_text_that_was_wrapped_is_put_together() -> None:
    first = "The council met on Friday in the old hall by the port and"
    lines = (first, "took a name off its list as it had told all before", "it.")
    wrapped = "\n".join(lines)
    assert only({**NINJS, "body_text": wrapped}).body == wrapped.replace("\n", " ")


def test_an_ap_item_is_known_by_its_id_and_not_by_the_address_of_a_session() -> None:
    item = {"uri": "https://cw.example/content/aa?qt=1", "altids": {"itemid": "aa", "etag": "aa_1"}, "headline": "x"}
    first, second = (
        only({"api_version": "2", "data": {"item": {**item, "uri": f"https://cw.example/content/aa?qt={n}"}}})
        for n in (1, 2)
    )
    assert first.id == second.id
    assert first.guid == "aa"


def test_an_editors_note_behind_its_address_is_read() -> None:
    item = {"altids": {"itemid": "aa", "etag": "aa_1"}, "headline": "x", "ednote": "Eds: CORRECTION: the day"}
    assert only(item).signals == (Signal.CORRECTION,)


@pytest.mark.parametrize("signal", ["dpasig:isplanned", ["sig:update", "dpasig:isplanned"]])
def test_what_is_only_planned_is_no_story(signal: Any) -> None:
    entry = {
        "urn": "urn:a",
        "version_created": "2024-01-01T00:00:00Z",
        "article_html": "<p>Soon.</p>",
        "signal": signal,
    }
    assert read(entry).stories == ()


def test_a_wire_in_json_can_be_scanned_and_lines_still_can(tmp_path: Path) -> None:
    item = tmp_path / "item.json"
    item.write_text(json.dumps(NINJS, indent=2))
    assert [found.id for found in items_of(str(item))] == ["urn:a"]
    lines = tmp_path / "archive"
    lines.write_text('{"id": "1", "headline": "x"}\n{"id": "2", "headline": "y"}\n')
    assert [found.id for found in items_of(str(lines))] == ["1", "2"]


def test_a_wire_that_breaks_off_is_not_scanned_as_plain_text(tmp_path: Path) -> None:
    item = tmp_path / "item.json"
    item.write_text(json.dumps(NINJS, indent=2)[:-9])
    with pytest.raises(SourceError, match="truncated"):
        list(items_of(str(item)))


SEEDS = [path.read_bytes() for path in DOCUMENTS]
SPLICES = [
    b"{", b"}", b"[", b"]", b'"', b",", b":", b"\\", b"null", b"true", b"-1e400", b'"\\ud800"', b"\x00", b"\xff",
    b"1e400", b"\n", b'{"value": []}', b'"items":[],', b'"data":{},', b'"altids":1,', b'"_items":{},', b"[" * 300,
    b"9" * 5_000,
]  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    raw = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(raw)))
        if draw(st.booleans()):
            raw[at:at] = draw(st.sampled_from(SPLICES))
        else:
            del raw[at : at + draw(st.integers(1, 60))]
    return bytes(raw)


@st.composite
def mistyped(draw: st.DrawFn) -> bytes:
    """A fixture in which values have another type, are missing, or stand in another place."""
    document = json.loads(json.dumps(parse_json(draw(st.sampled_from(SEEDS)))))
    odd = st.sampled_from([None, True, 0, -1.5, 10**400, "", "x", "\ud800", [], [[]], {}, [{}], [None], {"value": {}}])
    for _ in range(draw(st.integers(1, 5))):
        holders = list(_holders(document))
        holder = draw(st.sampled_from(holders))
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        if keys:
            holder[draw(st.sampled_from(keys))] = copy.deepcopy(draw(odd))
    return json.dumps(document).encode()


def _holders(value: Any) -> list[Any]:
    if not isinstance(value, dict | list):
        return []
    below = value.values() if isinstance(value, dict) else value
    return [value, *(holder for child in below for holder in _holders(child))]


@given(st.one_of(mutated(), mistyped()))
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_mutated_document_gives_stories_or_a_reason_and_nothing_else(raw: bytes) -> None:
    outcome = read_or_reason(raw)
    if isinstance(outcome, str):
        assert outcome in REASONS
    else:
        assert all(story.guid for story in outcome.stories)
        assert codec.decode(codec.encode(outcome), Document) == outcome
