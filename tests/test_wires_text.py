"""Text wires: the golden pairs of tests/wires/iptc7901, anpa1312 and plain, and what must never be read as one."""

import gzip
import json
import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from streams import codec
from streams.errors import WireError
from streams.feeds import FeedSpec
from streams.records import Story
from streams.wires import FORMATS, anpa1312, decode, iptc7901, plain, sniff
from streams.wires.charsets import decode_text
from streams.wires.daygroups import day_of, embargo_of, read_group
from streams.wires.documents import Document
from streams.wires.teletype import Dateline, byline_of, dateline_of, paragraphs

FIXTURES = Path(__file__).parent / "wires"
DOCUMENTS = [
    path
    for folder in ("iptc7901", "anpa1312", "plain")
    for path in sorted((FIXTURES / folder).iterdir())
    if path.suffix in {".txt", ".tst"}
]
FRAMED = [path for path in DOCUMENTS if path.parent.name != "plain"]
NOW = datetime(2024, 11, 24, 12, tzinfo=UTC)
HANDED_OVER = FeedSpec(key="test", url="", name="Test", timezone="+02:00")
POLLED = FeedSpec(key="test", url="https://meridian.example/wire", name="Test")
REASONS = {"empty", "html", "not-a-feed", "truncated", "too-large", "entities", "malformed"}


def read(raw: bytes | str, feed: FeedSpec = HANDED_OVER, at: datetime = NOW, **more: Any) -> Document:
    return decode(raw.encode() if isinstance(raw, str) else raw, feed, at, **more)


def only(raw: bytes | str, feed: FeedSpec = HANDED_OVER, at: datetime = NOW) -> Story:
    (story,) = read(raw, feed, at).stories
    return story


def refusal(raw: bytes | str, feed: FeedSpec = HANDED_OVER, **more: Any) -> WireError:
    with pytest.raises(WireError) as refused:
        read(raw, feed, **more)
    return refused.value


def fixture(name: str) -> bytes:
    return (FIXTURES / name).read_bytes()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
class TestEachFixture:
    def test_reads_as_its_golden_file_says(self, path: Path) -> None:
        expected = json.loads(path.with_suffix(".json").read_text("utf-8"))
        got = json.loads(codec.encode(read(path.read_bytes())))

        assert {name: got.get(name) for name in expected["document"]} == expected["document"]
        found = [
            {name: story[name] for name in wanted}
            for wanted, story in zip(expected["stories"], got["stories"], strict=False)
        ]
        assert found == expected["stories"]
        assert len(got["stories"]) == len(expected["stories"])

    def test_is_recognised_by_one_format_alone(self, path: Path) -> None:
        head = decode_text(path.read_bytes())
        assert [known.NAME for known in FORMATS if known.sniff(head, "text/plain")] == [read(path.read_bytes()).format]

    def test_breaks_with_a_reason_wherever_it_is_cut_or_damaged(self, path: Path) -> None:
        raw, chance = path.read_bytes(), random.Random(path.stem)  # noqa: S311 - the same damage each time
        for _ in range(150):
            broken = bytearray(raw[: chance.randrange(len(raw) + 1)])
            for _ in range(chance.randrange(6) if broken else 0):
                broken[chance.randrange(len(broken))] = chance.randrange(256)
            try:
                read(bytes(broken))
            except WireError as error:
                assert error.reason in REASONS  # noqa: PT017 - most of them decode

    def test_never_depends_on_when_it_was_received_where_it_states_its_date(self, path: Path) -> None:
        states = path.stem not in {"no-headline", "no-year-and-no-sign", "several-and-one-cut"}
        ids = [
            [story.id for story in read(path.read_bytes(), at=at).stories] for at in (NOW, NOW + timedelta(days=700))
        ]
        assert (ids[0] == ids[1]) is states


@pytest.mark.parametrize("path", FRAMED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_message_without_its_end_is_no_story(path: Path) -> None:
    raw = path.read_bytes()
    whole = len(read(raw).stories)
    signs = [b"\x03"] if b"\x03" in raw else [b"101137 GMT", b"041001 GMT", b"MP-WF-05-09-17 0056"]
    end = max(map(raw.rfind, signs))
    try:
        assert len(read(raw[:end]).stories) <= whole
        assert read(raw[:end]).truncated
    except WireError as error:
        assert error.reason == "truncated"  # noqa: PT017 - of one message nothing is left


class TestNothingElseIsAMessage:
    @pytest.mark.parametrize("path", FRAMED, ids=lambda path: path.stem)
    def test_not_when_it_is_packed_twice_over_or_as_noise(self, path: Path) -> None:
        packed = gzip.compress(path.read_bytes())
        assert read(packed).stories == read(path.read_bytes()).stories
        assert sniff(packed, addressed=False) is None

    def test_not_random_bytes_full_of_controls(self) -> None:
        chance = random.Random(7)  # noqa: S311 - the same noise each time
        alphabet = b"\x01\x02\x03\x04\x13\x11\x16\x1f\x00 =\r\n^<az09\xff"
        for _ in range(400):
            raw = bytes(chance.choice(alphabet) for _ in range(600))
            assert sniff(raw, addressed=False) is None

    @pytest.mark.parametrize(
        "raw",
        [
            b"\x01\x02\x03",
            b"\x01abc\x02def\x03",
            b"\x01mea12\r\n\x02text\x03",
            b"\x01mea0412 no digits\r\n\x02text\x03",
            b"\x16\x16\x01W1234\r\nnothing\r\n\x02text\x03",
            b"mea0412 3 i 96 mer 0045\n\nno sign and no time\n",
            b"junk before \x01mea0412 3 i 96  mer 0045\r\n\x02text =\r\n\x03",
        ],
    )
    def test_not_controls_without_a_header(self, raw: bytes) -> None:
        assert sniff(raw, addressed=False) is None

    @pytest.mark.parametrize("known", [iptc7901, anpa1312, plain], ids=lambda known: known.NAME)
    @pytest.mark.parametrize("raw", [b"", b"{}", b"<html><body>no</body></html>", b"\x00\x01\x02"])
    def test_each_decoder_refuses_by_itself(self, known: Any, raw: bytes) -> None:
        with pytest.raises(WireError) as refused:
            known.decode(raw, HANDED_OVER, NOW)
        assert refused.value.reason in REASONS


class TestIdentity:
    def test_a_number_is_of_its_day(self) -> None:
        text = fixture("iptc7901/kill.txt")
        today, tomorrow = only(text), only(text.replace(b"\x03041001", b"\x03051001"))
        assert (today.guid, tomorrow.guid) == ("mea0219:2024-10-04", "mea0219:2024-10-05")

    def test_a_message_without_a_date_is_of_the_day_it_came(self) -> None:
        text = fixture("iptc7901/kill.txt").replace(b"\x03041001 GMT Oct 24", b"\x03")
        assert only(text).guid == "mea0219:2024-11-24"
        assert only(text).published is None

    def test_numbers_of_zeros_are_told_apart_by_what_they_are_about(self) -> None:
        text = fixture("iptc7901/corrected-in-brackets.txt")
        other = text.replace(b"Nordfront nicht", "Südfront nicht".encode())
        assert only(text).guid != only(other).guid
        assert only(text).guid.startswith("mdt0000:2024-10-06:")

    def test_one_number_for_two_stories_of_a_day_loses_neither(self) -> None:
        text = fixture("iptc7901/kill.txt")
        both = read(text + text.replace(b"KILL KILL KILL", b"Court sits late"))
        assert len({story.id for story in both.stories}) == 2

    def test_plain_text_is_known_by_its_words(self) -> None:
        text = fixture("plain/story.txt")
        assert only(text).guid == only(text.replace(b"\n", b"\r\n")).guid
        assert only(text).guid != only(text.replace(b"2003", b"2004")).guid


NO_STORIES: dict[str, str] = json.loads((FIXTURES / "plain" / "no-stories.json").read_text("utf-8"))


class TestPlainText:
    @pytest.mark.parametrize("text", NO_STORIES.values(), ids=NO_STORIES)
    def test_what_is_no_story_is_refused_with_its_reason(self, text: str) -> None:
        error = refusal(text)
        assert error.reason in {"not-a-feed", "html"}
        assert error.reason == "html" or len(error.detail) > 10

    @pytest.mark.parametrize("path", [p for p in DOCUMENTS if p.parent.name == "plain"], ids=lambda path: path.stem)
    def test_no_answer_of_the_web_is_a_story(self, path: Path) -> None:
        raw = path.read_bytes()
        assert refusal(raw, POLLED).reason == "not-a-feed"
        assert refusal(raw, url="https://meridian.example/today.txt").reason == "not-a-feed"
        assert sniff(raw) is None

    @pytest.mark.parametrize(
        "headline",
        [
            "Warning: storm nears Vessport",
            "Regulator revokes broadcaster's license",
            '"No deal", says minister',
            "Aid groups denied access to camp",
            "Court rules: ban is lifted",
            "UPDATE 1-Court lifts ban",
        ],
    )
    def test_headlines_that_resemble_other_things_are_headlines(self, headline: str) -> None:
        told = "VESSPORT (Meridian) - The court said so on Friday, and the ministry confirmed it an hour later."
        assert only(f"{headline}\n\n{told}\n").headline == headline

    def test_a_text_in_two_hundred_and_fifty_six_kilobytes_says_that_it_was_cut(self) -> None:
        text = "Court lifts ban on the front\n\n" + "The court said so on Friday, and again. \n\n" * 9_000
        assert not only(text).complete


class TestDates:
    @pytest.mark.parametrize(
        ("text", "read_as"),
        [
            ("131137 GMT Nov 13 ", "2013-11-13 11:37 GMT"),
            ("091223 dec 18", "2018-12-09 12:23"),
            ("062130 Okt 24", "2024-10-06 21:30"),
            ("041215 GMT MÄR 24", "2024-03-04 12:15 GMT"),
            ("010900 GMT AOÛ 24", "2024-08-01 09:00 GMT"),
            ("041215 GMT Oct", "2024-10-04 12:15 GMT"),
            ("252359 GMT Nov", "2024-11-25 23:59 GMT"),
            ("261200 GMT Nov", "2023-11-26 12:00 GMT"),
            ("041215", "2024-11-04 12:15"),
        ],
    )
    def test_a_group_names_its_moment(self, text: str, read_as: str) -> None:
        assert str(read_group(text, NOW)) == read_as

    @pytest.mark.parametrize(
        "text", ["", "320000 GMT Oct 24", "042560 Oct 24", "04121 Oct 24", "041215 Foo Bar Baz Qux 1"]
    )
    def test_what_is_no_moment_is_none(self, text: str) -> None:
        assert read_group(text, NOW) is None

    def test_a_leap_day_without_a_year_is_the_last_there_was(self) -> None:
        assert day_of(None, 2, 29, datetime(2026, 3, 1, tzinfo=UTC)) == date(2024, 2, 29)

    @pytest.mark.parametrize(
        ("line", "until"),
        [
            ("EMBARGOED UNTIL 1200 GMT OCT 4, 2024", "2024-10-04 12:00 GMT"),
            ("EMBARGOED for publication until 6 October 2024, 09:30", "2024-10-06 09:30"),
            ("Sperrfrist 09. Oktober 14.20 Uhr - auch online", "2024-10-09 14:20"),
            ("Sperrfrist: Mittwoch", None),
            ("EMBARGO", None),
        ],
    )
    def test_an_embargo_ends_when_it_says(self, line: str, until: str | None) -> None:
        assert embargo_of([line], date(2024, 10, 3)) == (True, until)

    def test_news_of_an_embargo_is_none(self) -> None:
        assert embargo_of(["Embargoed oil flows again", "The embargo ends"], date(2024, 10, 3)) == (False, None)

    def test_the_feeds_zone_is_for_times_without_one(self) -> None:
        assert only(fixture("iptc7901/latin-1-in-a-frame-of-deletes.txt")).published == datetime(
            2018, 12, 9, 10, 23, tzinfo=UTC
        )


class TestLines:
    @pytest.mark.parametrize(
        ("line", "byline"),
        [
            ("By mer correspondents", "mer correspondents"),
            ("By ADA ROE and TIMO BACH=", "ADA ROE and TIMO BACH"),
            ("Von Ada Roe und Timo von Bach, mer", "Ada Roe und Timo von Bach, mer"),
            ("Par Ada Roe", "Ada Roe"),
            ("Von der Leyen will sparen", None),
            ("By noon the ban was lifted", None),
            ("Bystanders cheered", None),
        ],
    )
    def test_a_byline_is_names(self, line: str, byline: str | None) -> None:
        assert byline_of(line) == byline

    @pytest.mark.parametrize(
        ("opening", "dateline"),
        [
            ("Vessport (mer) - The", Dateline("Vessport", "mer")),
            ("VESSPORT, South Verrania (MP) _ The", Dateline("VESSPORT, South Verrania", "MP")),
            ("VESSPORT, October 4. /AGENCY/. The", Dateline("VESSPORT, October 4", "AGENCY")),
            ("VESSPORT, Verrania, Dec. 9 Meridian - The", Dateline("VESSPORT, Verrania, Dec. 9", "Meridian")),
            ("Vessport (nsa mer) La Cour", Dateline("Vessport", "nsa mer")),
            ("The court said (again) that it was final", None),
            ("Court in Landtag - does it stand?", None),
        ],
    )
    def test_a_dateline_is_a_place_and_a_credit(self, opening: str, dateline: Dateline | None) -> None:
        assert dateline_of([opening]) == dateline

    def test_paragraphs_are_unwrapped_and_lists_are_not(self) -> None:
        lines = [
            "   The court of Verrania lifted the ban on the Northern Front on",
            "Friday, after a hearing.",
            "   It is final.",
            "",
            "- the ban",
            "- the list",
        ]
        assert paragraphs(lines) == [
            "The court of Verrania lifted the ban on the Northern Front on Friday, after a hearing.",
            "It is final.",
            "- the ban",
            "- the list",
        ]


@pytest.mark.parametrize(
    "raw",
    [
        b"\x01mea0412 3 i 96  mer 0045\r\n\x02" + b"a (" * 1_500_000 + b"\x03",
        b"\x01mea0412 3 i 96  mer 0045\r\n\x02H =\r\n" + b"By A\r\n" * 500_000 + b"\x03212322 GMT Nov 18",
        b"\x01mea0412 3 i 96  mer 0045\r\n\x02x\x03" * 90_000,
        b"\x16\x16\x01W2346\r\nr i\x13\x11 BC-A 05-09 0144\r\n\x02" + b"^A\r\n" * 700_000 + b"\x03",
        b"\x01" + b"mea0412" * 600_000,
        b"Court lifts ban\n\n" + b"The court, the court, " * 200_000,
        b"a\n" * 2_000_000,
    ],
    ids=["one line", "bylines", "messages", "marks", "header", "commas", "lines"],
)
def test_hostile_text_takes_bounded_time(raw: bytes) -> None:
    start = datetime.now(UTC)
    try:
        read(raw)
    except WireError as error:
        assert error.reason in REASONS  # noqa: PT017 - either is fine, the time counts
    assert datetime.now(UTC) - start < timedelta(seconds=5)  # a second or less, on a machine that others use too
