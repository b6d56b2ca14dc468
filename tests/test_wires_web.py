"""Web feeds: the golden pairs of tests/wires/web, and what the same documents must survive on their way."""

import gzip
import json
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams import codec
from streams.errors import WireError
from streams.feeds import FeedSpec
from streams.polling import Outcome
from streams.records import Story
from streams.vocabulary import Precision
from streams.wires import decode, sniff
from streams.wires.charsets import codec_of, decode_text
from streams.wires.dates import read_date
from streams.wires.documents import MAX_HEADLINE_BYTES, MAX_TEXT_BYTES, Document
from streams.wires.html import to_line, to_text

FIXTURES = Path(__file__).parent / "wires" / "web"
DOCUMENTS = sorted(FIXTURES.glob("*.xml"))
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
FEED = FeedSpec(key="test", url="https://meridian.example/rss.xml", name="Test", source="Test Wire", timezone="+03:00")
REASONS = {"empty", "html", "challenge", "not-a-feed", "truncated", "too-large", "entities", "malformed"}


def read(raw: bytes | str, **more: Any) -> Document:
    return decode(raw.encode() if isinstance(raw, str) else raw, FEED, NOW, **more)


def reason(raw: bytes | str) -> str:
    with pytest.raises(WireError) as refused:
        read(raw)
    return refused.value.reason


def read_or_reason(raw: bytes) -> Document | str:
    try:
        return read(raw)
    except WireError as error:
        return error.reason


def rss(*items: str, head: str = '<?xml version="1.0" encoding="utf-8"?>', channel: str = "") -> str:
    body = "".join(f"<item>{item}</item>\n" for item in items)
    return f'{head}<rss version="2.0"><channel><title>T</title>{channel}{body}</channel></rss>'


def only(raw: bytes | str, **more: Any) -> Story:
    (story,) = read(raw, **more).stories
    return story


def texts(document: Document) -> list[tuple[str, str, str]]:
    return [(story.guid, story.headline, story.body) for story in document.stories]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
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

    def test_is_recognised_by_its_head(self, path: Path) -> None:
        found = sniff(path.read_bytes(), "text/html")
        assert found is not None
        assert found.NAME == "web"

    def test_reads_the_same_however_it_is_packed(self, path: Path) -> None:
        raw = path.read_bytes()
        plain = read(raw)
        for packed in (gzip.compress(raw), zlib.compress(raw), gzip.compress(gzip.compress(raw))):
            assert read(packed) == plain

    def test_reads_the_same_wherever_it_comes_from(self, path: Path) -> None:
        raw = path.read_bytes()
        here, there = (read(raw, url=f"{scheme}://mirror.example/f") for scheme in ("http", "https"))
        assert [story.id for story in here.stories] == [story.id for story in there.stories]

    def test_never_gives_a_part_of_an_item_when_it_is_cut(self, path: Path) -> None:
        raw = path.read_bytes()
        whole = [text[1:] for text in texts(read(raw))]
        for size in range(0, len(raw), 7):
            outcome = read_or_reason(raw[:size])
            cut = [] if isinstance(outcome, str) else [text[1:] for text in texts(outcome)]
            assert cut == whole[: len(cut)]

    def test_crosses_a_process_border_unchanged(self, path: Path) -> None:
        document = read(path.read_bytes())
        assert codec.decode(codec.encode(document), Document) == document


def test_the_identity_is_the_raw_guid_and_not_what_a_base_makes_of_it() -> None:
    bare = only(rss("<guid>abc123</guid><title>x</title>"), url="https://h1.example/feed")
    based = only(rss("<guid>abc123</guid><title>x</title>").replace("<rss ", '<rss xml:base="http://h2.example/" '))
    assert (bare.guid, based.guid) == ("abc123", "abc123")
    assert bare.id == based.id
    assert bare.link is None


def test_the_id_depends_on_feed_and_guid_alone() -> None:
    raw = rss("<guid>a</guid><title>x</title>").encode()
    same = decode(raw.replace(b">x<", b">y<"), "test", NOW + timedelta(days=1)).stories[0]
    assert only(raw).id == same.id
    assert decode(raw, "other", NOW).stories[0].id != same.id
    assert len(same.id) == 16


def test_a_truncated_document_loses_its_last_item_and_says_so() -> None:
    text = rss("<guid>1</guid><title>One</title>", "<guid>2</guid><title>Two is not delisted</title>")
    document = read(text[: text.index("delisted")])
    assert [story.guid for story in document.stories] == ["1"]
    assert document.truncated
    assert [(drop.reason, drop.items) for drop in document.dropped] == [("cut", 1)]


def test_a_document_cut_in_its_only_item_is_truncated() -> None:
    text = rss("<guid>1</guid><title>One</title>")
    assert reason(text[: text.index("</item>")]) == "truncated"


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "empty"),
        (b" \r\n\0\0", "empty"),
        (b"Hello World", "not-a-feed"),
        (b"<h1>Hello World</h1>", "not-a-feed"),
        (b'{"error": "rate limited"}', "not-a-feed"),
        (b"<?xml version='1.0'?><opml><body/></opml>", "not-a-feed"),
        (b"\x89PNG\r\n\x1a\n" + bytes(64), "not-a-feed"),
        (b"<!DOCTYPE html><html><head><title>Home</title></head></html>", "html"),
        (b"<!DOCTYPE html><html><head><title>Just a moment...</title></head></html>", "challenge"),
        (b"<html><script src='/cdn-cgi/challenge-platform/x.js'></script></html>", "challenge"),
        (b"<html><body><pre><rss version='2.0'><channel></channel></rss></pre></body></html>", "html"),
        (b"<rss", "not-a-feed"),
        (b"\x1f\x8b\x08" + bytes(7) + b"\xff" * 50, "malformed"),
    ],
)
def test_what_is_no_feed_is_refused_with_its_reason(raw: bytes, why: str) -> None:
    assert reason(raw) == why


def test_a_feed_without_items_is_an_empty_document() -> None:
    document = read(rss())
    assert document.stories == ()
    assert not document.truncated


@pytest.mark.parametrize(
    "prologue",
    [
        '<!DOCTYPE rss [<!ENTITY x "not ">]>',
        "<!DOCTYPE rss [<!ELEMENT rss ANY>]>",
        '<!DOCTYPE rss SYSTEM "a>b" [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!-- <!DOCTYPE rss> --><!DOCTYPE rss\n[<!ENTITY % p "x">]>',
        '<!ENTITY x "y">',
    ],
)
def test_a_document_that_declares_entities_is_refused(prologue: str) -> None:
    assert reason(rss("<title>is &x;listed</title>", head=prologue)) == "entities"
    assert reason(rss("<title>is &x;listed</title>", head=prologue).encode("utf-16")) == "entities"


def test_an_entity_nobody_declared_stays_as_it_was_written() -> None:
    assert only(rss("<title>is &x;listed &amp;nbsp; AT&T</title>")).headline == "is &x;listed AT&T"


def test_a_bomb_is_stopped_at_the_cap() -> None:
    bomb = gzip.compress(b"<rss><channel>" + bytes(60_000_000))
    assert len(bomb) < 100_000
    assert reason(bomb) == "too-large"
    assert reason(gzip.compress(gzip.compress(gzip.compress(b"<rss/>")))) == "malformed"


def test_junk_before_and_after_the_document_does_not_matter() -> None:
    text = rss("<guid>1</guid><title>One</title>")
    noisy = f"\ufeff\r\n\n<br />\n<b>Warning</b>: in <b>/srv/f.php</b><br />\n{text}<!-- 3 ms --><b>Fatal</b>"
    assert texts(read(noisy)) == texts(read(text))


def test_a_feed_in_the_wrapping_of_an_empty_page_is_a_feed() -> None:
    text = rss("<guid>1</guid><title>One</title>", head="")
    page = f'<?xml version="1.0"?><!DOCTYPE html PUBLIC "x" "y">\n<html>\n<body>\n{text}</body></html>'
    assert texts(read(page)) == texts(read(text))


@pytest.mark.parametrize(
    "payload",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg/onload=alert(1)>",
        "<a href='javascript:alert(1)'></a>",
        "<style>*{x:expression(alert(1))}</style>",
        "<iframe srcdoc='&lt;script&gt;'></iframe>",
    ],
)
@pytest.mark.parametrize("form", ["escaped", "cdata"])
def test_markup_in_a_title_leaves_no_trace(payload: str, form: str) -> None:
    escaped = payload.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    written = escaped if form == "escaped" else f"<![CDATA[{payload}]]>"
    story = only(rss(f"<guid>1</guid><title>Group {written}banned</title><description>{written}</description>"))
    assert story.headline == "Group banned"
    assert story.body == ""


@pytest.mark.parametrize("link", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "http://[::1"])
def test_only_web_addresses_become_links(link: str) -> None:
    assert only(rss(f"<guid>1</guid><title>x</title><link>{link}</link>")).link is None


def test_a_date_in_the_future_is_brought_back_to_a_wrong_clock() -> None:
    story = only(rss("<title>x</title><pubDate>Fri, 31 Dec 9999 23:59:59 GMT</pubDate>"))
    assert story.published == NOW + timedelta(minutes=10)


def test_text_beyond_the_caps_is_cut_and_said_to_be() -> None:
    long = only(rss(f"<guid>1</guid><title>x</title><description>{'я' * MAX_TEXT_BYTES}</description>"))
    assert len(long.text.encode()) <= MAX_TEXT_BYTES
    assert not long.complete
    headline = only(rss(f"<guid>1</guid><title>{'я' * MAX_HEADLINE_BYTES}</title>"))
    assert len(headline.headline.encode()) <= MAX_HEADLINE_BYTES
    assert not headline.complete


def test_a_first_paragraph_too_long_for_a_headline_leaves_the_story_complete() -> None:
    story = only(rss(f"<guid>1</guid><description>{'word ' * 2000}</description>"))
    assert len(story.headline.encode()) <= MAX_HEADLINE_BYTES
    assert story.complete


@pytest.mark.parametrize(
    ("declared", "header", "encoded"),
    [
        ("koi8-r", None, "koi8-r"),
        ("utf-8", "text/xml; charset=windows-1251", "windows-1251"),
        (None, 'text/xml; charset="KOI8-U"', "koi8-u"),
        (None, None, "utf-8"),
        ("iso-8859-1", None, "utf-8"),
        (None, "text/xml; charset=iso-8859-1", "utf-8"),
        ("utf-16", None, "utf-16-le"),
        ("utf-16", None, "utf-16-be"),
        ("no-such-charset", None, "utf-8"),
        ("windows-1251", "text/xml; charset=utf-8", "windows-1251"),
    ],
)
def test_the_charset_is_found_by_trial(declared: str | None, header: str | None, encoded: str) -> None:
    head = f'<?xml version="1.0" encoding="{declared}"?>' if declared else '<?xml version="1.0"?>'
    raw = rss("<title>Суд исключил движение из перечня</title>", head=head).encode(encoded)
    assert only(raw, media_type=header).headline == "Суд исключил движение из перечня"


def test_one_broken_byte_spoils_one_letter() -> None:
    raw = rss("<title>Суд исключил движение из перечня</title>").encode().replace("ч".encode(), b"\xd1", 1)
    assert only(raw).headline.startswith("Суд исклю\ufffd")


def test_western_text_without_a_label_is_windows_1252() -> None:
    raw = rss("<title>“Café” — déjà vu</title>", head="").encode("cp1252")
    assert only(raw).headline == "“Café” — déjà vu"


@pytest.mark.parametrize(
    "label", ["utf-7", "UTF7", "zlib", "hex", "idna", "unicode_escape", "undefined", "iso-2022-jp"]
)
def test_a_charset_that_hides_markup_is_never_used(label: str) -> None:
    assert codec_of(label) is None
    raw = f'<?xml version="1.0" encoding="{label}"?>+ADw-script+AD4-'.encode()
    assert "+ADw-" in decode_text(raw, f"text/xml; charset={label}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Fri, 04 Oct 2024 13:20:11 +0300", "2024-10-04T10:20:11"),
        ("Fri, 4 Oct 24 10:20 GMT", "2024-10-04T10:20:00"),
        ("04 October 2024 10:20 UTC", "2024-10-04T10:20:00"),
        ("Fri, 04 Oct 2024 13:20:11 MSK", "2024-10-04T10:20:11"),
        ("Fri, 04 Oct 2024 06:20:11 EDT", "2024-10-04T10:20:11"),
        ("Fri, 04 Oct 2024 13:20:11 XYZ", "2024-10-04T10:20:11"),
        ("Fri, 04 Oct 2024 10:20:11 +0000 (UTC)", "2024-10-04T10:20:11"),
        ("Fri, 04 Oct 2024 13:20:11 GMT+0300", "2024-10-04T10:20:11"),
        ("2024-10-04T10:20:11.123456789Z", "2024-10-04T10:20:11"),
        ("2024-10-04 13:20:11", "2024-10-04T10:20:11"),
        ("20241004T102011Z", "2024-10-04T10:20:11"),
        ("October 4, 2024 1:20 PM", "2024-10-04T10:20:00"),
        ("Fri Oct  4 10:20:11 2024", "2024-10-04T07:20:11"),
        ("Fri Oct  4 10:20:11 UTC 2024", "2024-10-04T10:20:11"),
        ("Fri, Oct 4, 2024 at 12:20 AM", "2024-10-03T21:20:00"),
    ],
)
def test_a_date_is_read_in_its_own_zone_or_the_feeds(text: str, expected: str) -> None:
    found = read_date(text, FEED.zone)
    assert found == (datetime.fromisoformat(expected).replace(tzinfo=UTC), Precision.TIME)


@pytest.mark.parametrize(
    ("text", "precision"),
    [("2024-10-04", Precision.DAY), ("Oct. 4, 2024", Precision.DAY), ("2024-10", Precision.MONTH)],
)
def test_a_date_keeps_what_the_source_gave_of_it(text: str, precision: Precision) -> None:
    found = read_date(text, FEED.zone)
    assert found is not None
    assert (found.at.year, found.at.month, found.precision) == (2024, 10, precision)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Invalid Date",
        "04/10/2024",
        "2024",
        "2024-13-04",
        "Fri, 32 Oct 2024 10:00:00 GMT",
        "May 2024 x",
        "9" * 999,
    ],
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert read_date(text) is None
    assert only(rss(f"<title>x</title><pubDate>{text}</pubDate>")).published is None


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("plain", "plain"),
        ("5 < 6 & 7 > 3", "5 < 6 & 7 > 3"),
        ("AT&amp;T &amp;lt;b&amp;gt;", "AT&T &lt;b&gt;"),
        ("Tali<b>ban</b> is<br>out", "Taliban is\nout"),
        ("<p>one\n two</p><p>three<ul><li>a<li>b</ul>", "one two\nthree\na\nb"),
        ("line\nwrapped\n\nparagraph", "line wrapped\nparagraph"),
        ("inline <i>markup</i>\n\nand blank lines", "inline markup\nand blank lines"),
        ("<div hidden>x</div>\x1e\x00\x85y", "x\ny"),
        ("a<!-- b -->c<script>d</script>e<style>f</style>", "ace"),
        ("<table><tr><td>1</td><td>2</td></tr></table>", "1\n2"),
        ("x&#0;&#x1e;&#xD800;y", "x\ufffd\n\ufffdy"),
        ("<p " + "a=1 b=2 " * 2000 + ">long tag", "long tag"),
    ],
)
def test_html_becomes_paragraphs(markup: str, text: str) -> None:
    assert to_text(markup) == text
    assert to_line(markup) == " ".join(text.split("\n"))


def test_absurd_nesting_keeps_its_text() -> None:
    assert to_text("<div>" * 5_000 + "deep &amp; <p>down<script>no</script>") == "deep &\ndown"


def test_every_reason_of_a_refusal_is_an_outcome_of_a_poll() -> None:
    assert {str(outcome) for outcome in Outcome} >= REASONS


def test_two_thousand_items_are_read_and_none_is_lost() -> None:
    document = read(rss(*(f"<guid>{n}</guid><title>Item {n}</title>" for n in range(2_000))))
    assert [story.guid for story in document.stories] == [str(n) for n in range(2_000)]


SEEDS = [path.read_bytes() for path in DOCUMENTS] + [
    rss("<author>a@b.c (x)</author><title>&#1114112;&#xD800;</title>").encode(),
    rss("<title>x</title>", head="<!DOCTYPE rss \\ >").encode(),
]
SPLICES = [
    b"<", b">", b"&", b"&#x110000;", b"&#55296;", b"<![CDATA[", b"]]>", b"<!--", b"-->", b"<item>",
    b"<entry>", b"</item>", b"<guid>", b"</guid>", b"<?xml encoding='undefined'?>", b"<!DOCTYPE x [", b"\x00",
    b"</rss>", b"\xff\xfe", b"\x1f\x8b", b"xmlns:x='y'", b"<x:y z='", b"<source>", b"<width>", b"<dc:date>",
    b"<title type='base64'>", b"xml:lang=''", b"<svg>", b"<link/>", b"<image>", b"<textinput>", b"<a " * 50,
    b"<media:content url='x'>", b"<itunes:duration>", b"\xf0\x9f\x98", b"<author>", b"xml:base='http://[::1'",
]  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    raw = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 8))):
        at = draw(st.integers(0, len(raw)))
        if draw(st.booleans()):
            raw[at:at] = draw(st.sampled_from(SPLICES))
        else:
            del raw[at : at + draw(st.integers(1, 200))]
    return bytes(raw)


@given(mutated())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_mutated_feed_gives_stories_or_a_reason_and_nothing_else(raw: bytes) -> None:
    outcome = read_or_reason(raw)
    if isinstance(outcome, str):
        assert outcome in REASONS
    else:
        assert all(story.guid for story in outcome.stories)
        assert codec.decode(codec.encode(outcome), Document) == outcome


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_text_survives_as_a_date_or_as_none(text: str) -> None:
    found = read_date(text)
    assert found is None or found.at.tzinfo is UTC


@pytest.mark.parametrize(
    ("channel", "seconds"),
    [
        ("<ttl>15</ttl>", 900),
        ("<ttl>soon</ttl>", None),
        ("<sy:updatePeriod>hourly</sy:updatePeriod>", 3_600),
        ("<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>24</sy:updateFrequency>", 3_600),
        ("<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>0</sy:updateFrequency>", 86_400),
    ],
)
def test_a_document_says_how_long_it_wants_to_be_left_alone(channel: str, seconds: int | None) -> None:
    named = "<rss xmlns:sy='http://purl.org/rss/1.0/modules/syndication/' "
    spaced = rss("<title>A</title>", channel=channel).replace("<rss ", named)
    assert read(spaced).ttl_s == seconds


def test_markup_that_is_too_long_to_be_parsed_reads_the_same() -> None:
    markup = "<p>Some <b>words</b> &amp; more.</p>\n<ul><li>one</li><li>two</li></ul>"
    once = to_text(markup)
    assert to_text(markup * 20_000) == "\n".join([once] * 20_000)
