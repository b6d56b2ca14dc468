"""Records on the wire: round trips, readers older and newer than writers, clear errors."""

from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest

from streams import records
from streams.codec import decode, encode
from streams.errors import RecordError
from streams.records import Alert, AuthorityKey, DeadLetter, Entry, Evidence, GroupKey, Record, Story, StoryId, StoryRef
from streams.vocabulary import AlertKind, AlertStatus, Change, Level, Stage, State

NOON = datetime(2024, 10, 4, 12, tzinfo=UTC)
STORY = Story(id=StoryId("1"), feed="f", guid="g", headline="Head", body="Body", received_at=NOON, published=NOON)
ALERT = Alert(
    id=records.AlertId("a"),
    revision=1,
    kind=AlertKind.STEP,
    status=AlertStatus.LIVE,
    level=Level.CONFIRMED,
    from_state=State.LISTED,
    to_state=State.DELISTING_DECIDED,
    authority=AuthorityKey("ru"),
    authority_name="Russia",
    group=GroupKey("taliban"),
    group_name="Taliban",
    change=Change.DELISTING,
    stage=Stage.DECIDED,
    bundle="1",
    evidence=Evidence(rule="r", start=0, end=4, text="Head"),
    story=StoryRef(id=StoryId("1"), revision=1, feed="f", headline="Head"),
    confidence=0.9,
    confirmed=True,
    reason="first report",
)
LETTER = DeadLetter(reason="malformed", error="e", topic="t", partition=0, offset=1, value=b"\xff\x00", key=None)


@pytest.mark.parametrize("record", [STORY, ALERT, LETTER, Entry(authority=AuthorityKey("ru"), group=GroupKey("x"))])
def test_a_record_comes_back_as_it_went(record: Record) -> None:
    assert decode(encode(record), type(record)) == record


def test_every_record_carries_its_schema() -> None:
    kinds = [kind for kind in vars(records).values() if isinstance(kind, type) and issubclass(kind, Record)]
    assert len(kinds) >= 11
    for kind in kinds:
        assert "schema" in {field.name for field in msgspec.structs.fields(kind)}


def test_from_and_to_keep_their_names_on_the_wire() -> None:
    wire = msgspec.json.decode(encode(ALERT))
    assert (wire["from"], wire["to"]) == ("listed", "delisting-decided")


def test_a_reader_ignores_what_a_newer_writer_adds() -> None:
    wire = msgspec.json.decode(encode(STORY)) | {"invented_later": [1, 2]}
    assert decode(msgspec.json.encode(wire), Story) == STORY


def test_a_reader_fills_in_what_an_older_writer_did_not_know() -> None:
    wire = {
        name: value for name, value in msgspec.json.decode(encode(STORY)).items() if name not in {"schema", "complete"}
    }
    assert decode(msgspec.json.encode(wire), Story) == STORY


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (None, "no value"),
        (b"", "truncated"),
        (b"{nope", "malformed"),
        (b"[]", "Expected `object`"),
        (b"null", "Expected `object`"),
        (b"{}", "missing required field `id`"),
        (encode(STORY).replace(b"2024-10-04T12:00:00Z", b"2024-10-04T12:00:00"), "timezone"),
        (encode(STORY).replace(b'"usable"', b'"secret"'), "pub_status"),
        (b'{"id":' + b"[" * 100_000, "Expected `str`"),
        (b'{"x":' + b"[" * 100_000, "nested too deep"),
        (b"\xff\xfe", "malformed"),
    ],
)
def test_bytes_that_are_no_story_say_why(raw: bytes | None, problem: str) -> None:
    with pytest.raises(RecordError, match="Story: ") as refused:
        decode(raw, Story)
    assert problem in str(refused.value)
    assert "\n" not in str(refused.value)


def test_equal_records_are_equal_bytes_whatever_the_zone_they_were_written_in() -> None:
    moscow = NOON.astimezone(timezone(timedelta(hours=3)))
    assert decode(encode(msgspec.structs.replace(STORY, published=moscow)), Story).published == NOON


def test_the_text_that_offsets_count_in_is_headline_newline_body() -> None:
    assert STORY.text == "Head\nBody"


def test_records_can_not_be_changed() -> None:
    with pytest.raises(AttributeError):
        STORY.headline = "x"  # type: ignore[misc]
