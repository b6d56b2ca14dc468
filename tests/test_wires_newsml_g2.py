"""NewsML-G2: the golden pairs of tests/wires/newsml_g2, and what its fields mean one by one."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from streams import codec
from streams.errors import WireError
from streams.feeds import FeedSpec
from streams.records import Story
from streams.vocabulary import PubStatus
from streams.wires import decode, newsml_g2, sniff
from streams.wires.dates import read_date
from streams.wires.documents import Document
from streams.wires.embargoes import told_end

DOCUMENTS = sorted((Path(__file__).parent / "wires" / "newsml_g2").glob("*.xml"))
NOW = datetime(2026, 12, 24, 12, tzinfo=UTC)
FEED = FeedSpec(key="test", url="https://meridian.example/feed", name="Test", timezone="+03:00")


def read(raw: bytes | str) -> Document:
    return decode(raw.encode() if isinstance(raw, str) else raw, FEED, NOW)


def item(
    meta: str = "", content: str = "", text: str = "<p>Text.</p>", *, kind: str = "ninat:text", attributes: str = ""
) -> str:
    """An item with a text; `meta` goes into itemMeta, `content` into contentMeta."""
    attributes = attributes or "guid='urn:1'"
    inline = f"<inlineXML><html><body>{text}</body></html></inlineXML>" if text else ""
    return (
        f'<newsItem {attributes}><itemMeta><itemClass qcode="{kind}"/>{meta}</itemMeta>'
        f"<contentMeta>{content}</contentMeta><contentSet>{inline}</contentSet></newsItem>"
    )


def only(raw: str) -> Story:
    (story,) = read(raw).stories
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
        assert sniff(path.read_bytes(), "text/html") is newsml_g2


@pytest.mark.parametrize(
    "head",
    [
        "<NewsML><NewsItem/></NewsML>",
        "<NewsItem><newsItem/></NewsItem>",
        "<newsitem/>",
        "<rss><channel><newsItem/></channel></rss>",
        "<html><body><p>about</p><newsItem/></body></html>",
        "<!-- <newsItem> --><nitf/>",
        '{"html": "<newsItem/>"}',
    ],
)
def test_what_only_looks_like_it_is_another_format(head: str) -> None:
    assert sniff(head.encode()) is not newsml_g2


def test_a_document_of_codes_is_one_without_stories() -> None:
    document = read('<knowledgeItem guid="k"><conceptSet/></knowledgeItem>')
    assert (document.format, document.stories) == ("newsml-g2", ())


def test_a_message_without_items_is_an_empty_document() -> None:
    document = read("<newsMessage><header/><itemSet/></newsMessage>")
    assert (document.stories, document.dropped) == ((), ())


def test_a_document_that_breaks_off_is_refused_whole() -> None:
    message = f"<newsMessage><itemSet>{item()}{item()}</itemSet></newsMessage>"
    with pytest.raises(WireError) as refused:
        read(message[: message.rindex("<contentSet>")])
    assert refused.value.reason == "truncated"


class TestIdentity:
    def test_is_the_guid_for_all_versions(self) -> None:
        one, two = (only(item(attributes=f'guid="urn:a:{n}" version="{n}"')) for n in (1, 2))
        assert one.id == two.id
        assert (one.guid, two.guid, two.revision) == ("urn:a:1", "urn:a:2", 2)

    def test_of_an_item_without_a_guid_is_that_of_its_versioned_id(self) -> None:
        assert only(item('<versionedId guid="urn:a:7"/>', attributes='version="7"')).guid == "urn:a"

    def test_of_an_item_without_any_is_its_headline_and_date(self) -> None:
        found = [only(item(content=f"<headline>{text}</headline>", attributes="x='y'")).guid for text in "ABA"]
        assert found[0] == found[2] != found[1]
        assert found[0].startswith("hash:")

    def test_an_item_that_comes_twice_is_one_and_its_revision_another(self) -> None:
        items = (item(attributes=f"guid='urn:1' version='{version}'") for version in (1, 1, 2))
        document = read(f"<newsMessage>{''.join(items)}</newsMessage>")
        assert [story.version for story in document.stories] == [1, 2]
        assert [(drop.reason, drop.items) for drop in document.dropped] == [("double", 1)]


class TestHeadline:
    @pytest.mark.parametrize(
        "lines",
        [
            "<headline>It</headline><headline>Other</headline>",
            "<headline/><headline>It</headline>",
            '<headline rank="2">Other</headline><headline rank="1">It</headline>',
            '<headline role="x:subtitle">Other</headline><headline role="x:title">It</headline>',
            '<headline role="x:shortHeadline">Other</headline><headline role="x:unheard">It</headline>',
            '<headline xml:lang="fr">Autre</headline><headline xml:lang="en-GB">It</headline><language tag="en"/>',
            '<headline xml:lang="fr">It</headline><language tag="en"/>',
            '<headline role="x:kicker">It</headline>',
            "<headline>&lt;i&gt;It&lt;/i&gt;</headline>",
        ],
    )
    def test_is_the_main_one(self, lines: str) -> None:
        assert only(item(content=lines)).headline == "It"

    def test_is_the_title_where_there_is_none(self) -> None:
        assert only(item('<title role="x:topicKeyword">Markets</title><title>It</title>')).headline == "It"

    def test_is_what_the_text_has_where_the_item_has_none(self) -> None:
        assert only(item(text="<h1>It</h1><p>Text.</p>")).headline == "It"

    def test_is_the_first_paragraph_of_an_alert(self) -> None:
        story = only(item(text="<p>It.</p>"))
        assert (story.headline, story.body) == ("It.", "It.")

    def test_is_not_repeated_above_the_text(self) -> None:
        story = only(item(content="<headline>It</headline>", text="<h1>It</h1><p>Text.</p>"))
        assert story.body == "Text."

    def test_stays_the_text_of_an_alert_that_has_no_other(self) -> None:
        assert only(item(content="<headline>It</headline>", text="<p>It</p>")).body == "It"


class TestLanguage:
    @pytest.mark.parametrize(
        ("tagged", "content", "around", "language"),
        [
            ('<language tag="EN_us"/>', "fr", "de", "en-us"),
            ("", "fr", "de", "fr"),
            ("", "", "de", "de"),
            ("<language>sv</language>", "", "", "sv"),
            ("", "", "", "ru"),
        ],
    )
    def test_is_that_of_the_text_and_last_that_of_the_metadata(
        self, tagged: str, content: str, around: str, language: str
    ) -> None:
        inline = f'<inlineXML xml:lang="{content}"><p>Text.</p></inlineXML>'
        raw = f'<newsItem guid="1" xml:lang="{around}"><contentMeta>{tagged}</contentMeta>{inline}</newsItem>'
        feed = FeedSpec(key="test", url="", name="Test", language="ru")
        assert decode(raw.encode(), feed, NOW).stories[0].language == language

    def test_of_the_message_holds_for_items_that_state_none(self) -> None:
        assert only(f'<newsMessage xml:lang="kk">{item()}</newsMessage>').language == "kk"


class TestText:
    def test_is_the_longest_rendition(self) -> None:
        renditions = "<inlineData>Short.</inlineData><inlineXML><p>The whole text.</p></inlineXML>"
        assert only(f'<newsItem guid="1"><contentSet>{renditions}</contentSet></newsItem>').body == "The whole text."

    def test_is_the_one_in_the_language_of_the_story(self) -> None:
        renditions = (
            '<inlineXML xml:lang="fr"><p>Le texte entier.</p></inlineXML><inlineXML xml:lang="en">It.</inlineXML>'
        )
        told = '<contentMeta><language tag="en-GB"/></contentMeta>'
        assert only(f'<newsItem guid="1">{told}<contentSet>{renditions}</contentSet></newsItem>').body == "It."

    @pytest.mark.parametrize(
        ("content", "body"),
        [
            ("<inlineXML>&lt;p&gt;One.&lt;/p&gt;&lt;p&gt;R&amp;amp;D.&lt;/p&gt;</inlineXML>", "One.\nR&D."),
            ("<inlineXML><![CDATA[<nitf><body><body.content>One.</body.content></body></nitf>]]></inlineXML>", "One."),
            ("<inlineXML><body.head>Head.</body.head><body.content><p>One.</p></body.content></inlineXML>", "One."),
            ("<inlineXML><p>One.</p><p>Two.</p></inlineXML>", "One.\nTwo."),
            ("<inlineXML><div>One <ul class='slugline x'><li>Key</li></ul>and two.</div></inlineXML>", "One and two."),
            ("<html><body><p>One.</p></body></html>", "One."),
            ("<inlineData contenttype='text/html'>&lt;p&gt;One.</inlineData>", "One."),
            ("<inlineData contenttype='application/json'>{}</inlineData><inlineXML><p>One.</p></inlineXML>", "One."),
        ],
    )  # fmt: skip
    def test_is_read_however_it_is_conveyed(self, content: str, body: str) -> None:
        assert only(f'<newsItem guid="1"><contentSet>{content}</contentSet></newsItem>').body == body

    def test_that_is_to_be_fetched_leaves_the_story_incomplete(self) -> None:
        remote = '<remoteContent contenttype="text/html" href="https://meridian.example/1.html"/>'
        story = only(item(content="<headline>It</headline>", text="").replace("<contentSet>", f"<contentSet>{remote}"))
        assert (story.headline, story.body, story.complete) == ("It", "", False)
        assert story.link == "https://meridian.example/1.html"

    def test_of_scores_is_none_and_the_headline_remains(self) -> None:
        scores = "<inlineXML><sports-content><team><name>Reds</name></team></sports-content></inlineXML>"
        told = "<contentMeta><headline>It</headline></contentMeta>"
        story = only(f'<newsItem guid="1">{told}<contentSet>{scores}</contentSet></newsItem>')
        assert (story.headline, story.body, story.complete) == ("It", "", True)

    def test_beside_a_picture_is_a_story_if_it_says_more_than_the_caption(self) -> None:
        told = '<headline>It</headline><description role="drol:caption">The court.</description>'
        assert only(item(content=told, text="<p>The court.</p><p>It ruled.</p>", kind="ninat:picture")).headline == "It"
        assert not read(item(content=told, text="<h1>It</h1><p>The court.</p>", kind="ninat:picture")).stories


class TestStatus:
    @pytest.mark.parametrize(
        ("stated", "status"),
        [
            ('<pubStatus qcode="stat:usable"/>', "usable"),
            ('<pubStatus qcode="stat:canceled"/>', "canceled"),
            ('<pubStatus uri="http://cv.iptc.org/newscodes/pubstatusg2/withheld"/>', "withheld"),
            ('<pubStatus literal="Cancelled"/>', "canceled"),
            ("<pubStatus>withheld</pubStatus>", "withheld"),
            ("", "usable"),
            ("<embargoed>later</embargoed>", "withheld"),
            ('<pubStatus qcode="stat:canceled"/><embargoed>later</embargoed>', "canceled"),
            ("<embargoed/>", "usable"),
            ('<pubStatus qcode="x:embargoed"/>', "withheld"),
            ('<pubStatus qcode="x:embargoed"/><embargoed>2024-10-04T12:00:00Z</embargoed>', "usable"),
        ],
    )
    def test_is_read_from_code_address_or_text(self, stated: str, status: str) -> None:
        assert only(item(stated)).pub_status == status

    @pytest.mark.parametrize(
        ("code", "signals"),
        [
            ("sig:correction", ("correction",)),
            ("http://cv.iptc.org/newscodes/signal/update", ("update",)),
            ("update:append-minor-content", ("update",)),
            ("edStat:C", ("correction",)),
            ("edStat:D", ("kill",)),
            ("edStat:N", ()),
            ("sic:C", ()),
            ("x_sig:replace", ("update",)),
            ("xinstruct:remove", ("kill",)),
            ("sig:atomic", ()),
        ],
    )
    def test_a_signal_is_known_by_its_code(self, code: str, signals: tuple[str, ...]) -> None:
        name = "uri" if "/" in code else "qcode"
        assert only(item(f'<signal {name}="{code}"/>')).signals == signals

    def test_a_version_that_counts_is_an_update_unless_the_agency_calls_it_new(self) -> None:
        versions = {"1": (), "2": ("update",), "318420077": ()}
        found = {number: only(item(attributes=f"guid='1' version='{number}'")).signals for number in versions}
        assert found == versions
        assert only(item('<signal qcode="edStat:N"/>', attributes="guid='1' version='2'")).signals == ()

    def test_a_picture_that_is_canceled_is_no_story(self) -> None:
        assert not read(item('<pubStatus qcode="stat:canceled"/>', text="", kind="ninat:picture")).stories


class TestEmbargo:
    def test_of_the_item_counts_before_that_of_a_note(self) -> None:
        note = "<edNote>EMBARGOED until 2024-10-05 10:00 UTC</edNote>"
        story = only(item(f"{note}<embargoed>2024-10-04T12:00:00+02:00</embargoed>"))
        assert story.embargoed_until == datetime(2024, 10, 4, 10, tzinfo=UTC)
        assert only(item(note)).embargoed_until == datetime(2024, 10, 5, 10, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("note", "end"),
        [
            ("Not for public release until 12noon on Friday, October 4, 2024", "2024-10-04T09:00"),
            ("EMBARGOED FOR 0001 GMT ON 4 OCT 2024", "2024-10-04T00:01"),
            ("Embargoed until 4th October 2024, 6.30 p.m. BST", "2024-10-04T17:30"),
            ("Sperrfrist: 04.10.2024, 11:30 Uhr", "2024-10-04T08:30"),
            ("Nicht vor 4.10.2024 verwenden", "2024-10-04T00:00"),
            ("Embargo 2024-10-04T11:30:00+02:00", "2024-10-04T09:30"),
            ("Do not use before 9 am, 4 October 2024", "2024-10-04T06:00"),
            ("Embargoed till midnight on October 4, 2024", "2024-10-04T20:59"),
        ],
    )
    def test_told_in_words_ends_when_the_note_says(self, note: str, end: str) -> None:
        told = read_date(told_end(["Other note", note], FEED.zone) or "", FEED.zone)
        assert told is not None
        assert told.at == datetime.fromisoformat(end).replace(tzinfo=UTC)

    @pytest.mark.parametrize(
        "note",
        [
            "The ruling of 4 October 2024 at 10:00 is on the web",
            "Sperrfrist 23. Januar 19.00 Uhr",
            "Embargo lifted on 4 October 2024",
            "The oil embargo is in its third year",
            "Embargoed until 31.02.2024, 10:00",
        ],
    )
    def test_is_none_without_a_whole_date_and_the_word(self, note: str) -> None:
        assert told_end([note], FEED.zone) is None
        assert only(item(f"<edNote>{note}</edNote>")).pub_status is PubStatus.USABLE


class TestTimes:
    def test_of_the_content_count_only_where_the_item_has_none(self) -> None:
        made = "<contentCreated>2019-12-07</contentCreated><contentModified>2020-01-01T00:00:00Z</contentModified>"
        assert only(item(content=made)).published == datetime(2019, 12, 7, tzinfo=UTC)
        story = only(item("<firstCreated/><versionCreated>2024-10-04T10:00:00Z</versionCreated>", made))
        assert story.published == story.revised == datetime(2024, 10, 4, 10, tzinfo=UTC)


class TestCredits:
    @pytest.mark.parametrize(
        ("meta", "content", "source"),
        [
            ('<provider qcode="p:np"><name>Nordpress</name></provider>', "<creditline>np/AX –</creditline>", "np/AX"),
            ('<provider qcode="p:np"><name>Nordpress</name></provider>', "", "Nordpress"),
            ('<provider qcode="p:np"/>', '<infoSource literal="AX"/>', "np"),
            ('<provider uri="https://np.example/about/"/>', '<infoSource literal="AX"/>', "AX"),
        ],
    )
    def test_the_source_is_the_credit_then_the_provider(self, meta: str, content: str, source: str) -> None:
        assert only(item(meta, content)).source == source

    @pytest.mark.parametrize(
        ("content", "byline"),
        [
            ("<by>By A</by><by>By B</by><creator literal='C'/>", "By A, By B"),
            ("<by/><creator><name>A</name></creator><creator><name>B</name></creator>", "A, B"),
            ("<creator literal='Meridian' role='cRole:source'/>", None),
            ("<creator type='cpnat:organisation'><name>Meridian</name></creator>", None),
            ("<creator qcode='ad:model.jane'><name>model.jane</name></creator>", None),
        ],
    )
    def test_the_byline_names_people(self, content: str, byline: str | None) -> None:
        assert only(item(content=content)).byline == byline

    @pytest.mark.parametrize("date", ["2024-10-04 10:58:31 GMT+00:00", "MARCH 04, 2013"])
    def test_a_dateline_is_a_place(self, date: str) -> None:
        place = '<located><name xml:lang="fr">Londres</name><name xml:lang="en">London</name></located>'
        told = f'<dateline>{date}</dateline>{place}<language tag="en"/>'
        assert only(item(content=told)).dateline == "London"


def test_a_subject_by_facets_is_its_concepts_and_one_by_name_its_name() -> None:
    facets = '<subject><mainConcept qcode="m:1"/><facetConcept uri="http://cv.example/f/2"/></subject>'
    named = "<subject><name>Courts</name></subject>"
    assert only(item(content=facets + named)).subjects == ("m:1", "http://cv.example/f/2", "Courts")
