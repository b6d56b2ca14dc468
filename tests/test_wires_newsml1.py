"""NewsML 1: the golden pairs of tests/wires/newsml1, and what its fields mean one by one."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from streams import codec
from streams.feeds import FeedSpec
from streams.records import Story
from streams.wires import decode, newsml1, sniff
from streams.wires.documents import Document

DOCUMENTS = sorted((Path(__file__).parent / "wires" / "newsml1").glob("*.xml"))
NOW = datetime(2026, 12, 24, 12, tzinfo=UTC)
FEED = FeedSpec(key="test", url="https://meridian.example/feed", name="Test", source="Test Wire", timezone="+03:00")


def read(raw: bytes | str) -> Document:
    return decode(raw.encode() if isinstance(raw, str) else raw, FEED, NOW)


def item(
    components: str = "",
    *,
    management: str = "",
    provider: str = "",
    date: str = "",
    number: str = "",
    public: str = "",
) -> str:
    identifier = (
        f"<ProviderId>{provider}</ProviderId><DateId>{date}</DateId><NewsItemId>{number}</NewsItemId>"
        f"<RevisionId>1</RevisionId><PublicIdentifier>{public}</PublicIdentifier>"
    )
    return (
        f"<NewsItem><Identification><NewsIdentifier>{identifier}</NewsIdentifier></Identification>"
        f"<NewsManagement>{management}</NewsManagement>{components}</NewsItem>"
    )


def component(content: str = "", role: str = "", inside: str = "", headline: str = "", attributes: str = "") -> str:
    data = f"<ContentItem><DataContent>{content}</DataContent></ContentItem>" if content else ""
    lines = f"<NewsLines><HeadLine>{headline}</HeadLine></NewsLines>" if headline else ""
    named = f'<Role FormalName="{role}"/>' if role else ""
    return f"<NewsComponent {attributes}>{named}{lines}{data}{inside}</NewsComponent>"


TEXT = component("Text.")


def stories(*items: str) -> tuple[Story, ...]:
    return read(f"<NewsML>{''.join(items)}</NewsML>").stories


def body(*inside: str, attributes: str = "") -> str:
    (story,) = stories(item(component(inside="".join(inside), attributes=attributes)))
    return story.body


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
        assert sniff(path.read_bytes(), "text/html") is newsml1


@pytest.mark.parametrize("root", ["newsItem", "newsMessage", "NEWSML", "nitf"])
def test_names_are_told_apart_by_exact_case(root: str) -> None:
    assert sniff(f"<{root}><NewsItem/></{root}>".encode()) is not newsml1


class TestIdentity:
    def test_a_public_identifier_that_names_no_item_is_none(self) -> None:
        public = "urn:newsml:www.west24.example"
        found = stories(*(item(TEXT, provider="west", date="20260102", number=n, public=public) for n in ("7", "8")))
        assert [story.guid for story in found] == ["urn:newsml:west:20260102:7", "urn:newsml:west:20260102:8"]

    def test_a_public_identifier_under_which_different_items_come_is_none(self) -> None:
        public = "urn:newsml:west:2026:feed"
        found = stories(*(item(TEXT, provider="west", date="20260102", number=n, public=public) for n in ("7", "8")))
        assert [story.guid for story in found] == ["urn:newsml:west:20260102:7", "urn:newsml:west:20260102:8"]

    def test_a_public_identifier_may_count_otherwise_than_the_item(self) -> None:
        (story,) = stories(item(TEXT, number="ANX-041-v2", public="urn:newsml:an:20260102:ANX-041:2"))
        assert story.guid == "urn:newsml:an:20260102:ANX-041:2"

    def test_built_of_parts_is_the_same_for_a_version_of_another_hour(self) -> None:
        created = "<FirstCreated>20260102T080000</FirstCreated>"
        first, second = stories(
            *(
                item(TEXT, provider="w", date=f"20260102T{hour}0000", number="7", management=created)
                for hour in (10, 11)
            )
        )
        assert first.id == second.id
        assert first.guid != second.guid

    def test_without_a_number_is_the_time_and_without_that_the_headline(self) -> None:
        found = stories(
            item(TEXT, provider="w", date="20260102T100000", number="0"),
            item(component("Text.", headline="H"), provider="w", date="20260102"),
        )
        assert [story.guid[:24] for story in found] == ["urn:newsml:w:20260102T10", found[1].guid[:24]]
        assert found[1].guid.startswith("hash:")


class TestStatus:
    @pytest.mark.parametrize(
        ("stated", "status"),
        [
            ('<Status FormalName="USABLE"/>', "usable"),
            ("<Status>canceled</Status>", "canceled"),
            ('<Status FormalName="Withheld"/>', "withheld"),
            ('<Status FormalName="OPEN"/>', "usable"),
            ("", "usable"),
            ('<Status FormalName="Embargoed"/>', "withheld"),
            (
                '<Status FormalName="Embargoed"/><StatusWillChange><FutureStatus FormalName="Canceled"/>'
                "<DateAndTime>20260102T000000Z</DateAndTime></StatusWillChange>",
                "withheld",
            ),
        ],
    )
    def test_is_read_in_any_case_from_attribute_or_text(self, stated: str, status: str) -> None:
        assert [story.pub_status for story in stories(item(TEXT, management=stated))] == [status]

    def test_of_the_text_counts_where_the_item_has_none(self) -> None:
        inner = '<nitf><head><docdata management-status="canceled"/></head></nitf>'
        (story,) = stories(item(component(inner, headline="H"), number="7"))
        assert story.pub_status == "usable", "a status without a text is nobody's"
        inner = inner.replace("</nitf>", "<body><body.content><p>Text.</p></body.content></body></nitf>")
        (story,) = stories(item(component(inner), number="7"))
        assert story.pub_status == "canceled"

    def test_a_message_that_brings_management_data_only_counts_where_it_stops_the_story(self) -> None:
        usable, stopped = (item(management=f'<Status FormalName="{word}"/>') for word in ("Usable", "Canceled"))
        assert [story.pub_status for story in stories(usable, stopped)] == ["canceled"]


class TestText:
    def test_is_what_is_called_so(self) -> None:
        assert body(component("Side.", "Sidebar"), component("Any."), component("It.", "Main Text")) == "It."

    def test_is_never_beside_it(self) -> None:
        roles = ("Caption", "TweetText", "Abstract", "Translation", "MainPicture", "Title", "Contact")
        assert body(*(component("Other.", role) for role in roles), component("It.")) == "It."

    def test_beside_a_picture_in_one_component_is_its_caption(self) -> None:
        picture = '<ContentItem Href="a.jpg"><MediaType FormalName="Photo"/></ContentItem>'
        assert body(component("Caption.", inside=picture), component("It.")) == "It."

    def test_of_a_broadcast_counts_where_nothing_is_written(self) -> None:
        spoken = component(role="Audio", inside=component("Spoken.", "Body"))
        assert body(spoken) == "Spoken."
        assert body(spoken, component("Written.")) == "Written."

    def test_parts_are_one_text(self) -> None:
        assert body(component("One.", "Main"), component("Two.", "Main")) == "One.\nTwo."

    def test_equivalents_are_one_of_them(self) -> None:
        parts = component("One.", "Main"), component("The same.", "Main")
        assert body(*parts, attributes='EquivalentsList="yes"') == "One."

    def test_of_another_language_or_headline_is_another(self) -> None:
        assert body(component("It.", attributes='xml:lang="en"'), component("Il.", attributes='xml:lang="fr"')) == "It."
        assert body(component("One.", headline="A"), component("Two.", headline="B")) == "One."

    @pytest.mark.parametrize(
        ("content", "text"),
        [
            ("<![CDATA[<p>One.</p><p>Two.</p>]]>", "One.\nTwo."),
            ("&lt;p&gt;One.&lt;/p&gt;Two.", "One.\nTwo."),
            ("One.\nTwo.", "One.\nTwo."),
            ("One\nline.\n\nTwo\nlines.", "One line.\nTwo lines."),
            ("R&amp;D &lt; 5\nAT&amp;T", "R&D < 5\nAT&T"),
            ("<![CDATA[<nitf><body><body.content><p>One.</p></body.content></body></nitf>]]>", "One."),
            ("<![CDATA[<nitf>One.]]>", "One."),
            ("<body><body.head><hl1>H</hl1></body.head><body.content><p>One.</p></body.content></body>", "One."),
        ],
    )
    def test_is_read_as_it_is_written(self, content: str, text: str) -> None:
        assert body(component(content)) == text

    def test_that_is_to_be_fetched_leaves_the_story_incomplete(self) -> None:
        content = '<ContentItem Href="story.xml"><MediaType FormalName="Text"/></ContentItem>'
        (story,) = stories(item(component(headline="H", inside=content)))
        assert (story.headline, story.body, story.complete) == ("H", "", False)

    def test_of_an_item_inside_another_is_its_own(self) -> None:
        inner = item(component("Text.", headline="In"), number="8")
        outer = item(component(headline="The day", inside=f"<NewsComponent>{inner}</NewsComponent>"), number="7")
        assert [story.headline for story in stories(outer)] == ["In"]


def test_an_urgency_of_the_envelope_holds_for_items_that_state_none() -> None:
    envelope = '<NewsEnvelope><Priority FormalName="4"/></NewsEnvelope>'
    own = item(TEXT, management="<Urgency>2</Urgency>", number="1")
    default = item(TEXT, management='<Urgency FormalName="DEFAULT"/>', number="2")
    found = read(f"<NewsML>{envelope}{own}{default}</NewsML>").stories
    assert [story.urgency for story in found] == [2, 4]


@pytest.mark.parametrize(("update", "signals"), [("N", ()), ("U", ("update",)), ("D", ("kill",)), ("A", ()), ("", ())])
def test_the_kind_of_update_is_a_signal(update: str, signals: tuple[str, ...]) -> None:
    revision = f'<RevisionId PreviousRevision="0" Update="{update}">1</RevisionId>'
    assert [s.signals for s in stories(item(TEXT).replace("<RevisionId>1</RevisionId>", revision))] == [signals]
