"""The live page's server: what it remembers, whom it answers, and how a stream resumes."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import aiohttp
import msgspec
import pytest

from agents.messages import Incoming
from agents.web.audience import BEHIND_AT_MOST, READERS_AT_MOST, Audience, Event, FullHouse
from agents.web.board import Board, event_id
from agents.web.service import serving
from agents.web.shield import is_ours
from agents.web.site import SCRIPTS, Site, page
from agents.web.views import alert_view, history, safe_link
from streams.codec import decode, encode
from streams.errors import RecordError, SettingsError
from streams.polling import FeedState
from streams.records import Alert, AlertId, LedgerKey, Report
from streams.registry import load_registry
from streams.topics import Topic

DAY = datetime(2025, 4, 17, 9, 0, tzinfo=UTC)
BAN = (
    "MOSCOW, Apr 17 (TASS) - Russia has banned the PKK as a terrorist organisation, the Supreme Court said on Thursday."
)
PATHS = ("/", "/page.css", *(f"/{name}" for name in SCRIPTS), "/api/alerts", "/api/ledger", "/api/feeds", "/metrics")


def ban(newsroom: Any, guid: str = "ban", at: datetime = DAY, **more: Any) -> list[Incoming]:
    """A story that Russia bans the PKK."""
    return newsroom.tell(guid, "Russia bans PKK", BAN, at, **more)


def of(messages: list[Incoming], topic: Topic) -> list[Incoming]:
    return [message for message in messages if message.topic == topic]


def alert_in(messages: list[Incoming]) -> Alert:
    (message,) = of(messages, Topic.ALERTS)
    return decode(message.value, Alert)


def board_with(*messages: Incoming, keep: int = 10) -> Board:
    board = Board(keep)
    for message in messages:
        board.take(message)
    return board


def numbered(newsroom: Any, alert: Alert, number: int, **changes: Any) -> Incoming:
    """The alert under an id of its own, told `number` minutes later."""
    made = msgspec.structs.replace(alert, **{"id": f"n{number}"} | changes)
    return newsroom.message(Topic.ALERTS, "ru|pkk", encode(made), DAY + timedelta(minutes=number))


# ---- the board


def test_an_alert_is_shown_with_its_evidence_inside_the_story(newsroom: Any) -> None:
    messages = ban(newsroom)
    text = alert_view(board_with(*messages), alert_in(messages).id)["text"]
    assert text["before"] + text["marked"] + text["after"] == f"Russia bans PKK\n{BAN}"
    assert text["marked"] == alert_in(messages).evidence.text


def test_evidence_that_the_story_does_not_have_where_it_should_stands_alone(newsroom: Any) -> None:
    messages = ban(newsroom)
    alert = alert_in(messages)
    moved = msgspec.structs.replace(alert.evidence, start=alert.evidence.start + 1, end=alert.evidence.end + 1)
    told = numbered(newsroom, alert, 1, evidence=moved)
    board = board_with(*of(messages, Topic.RELEVANT), told)
    text = alert_view(board, AlertId("n1"))["text"]
    assert text == {"before": "", "marked": alert.evidence.text, "after": "", "whole": False}


def test_far_text_around_the_evidence_is_cut_with_a_sign(newsroom: Any) -> None:
    messages = newsroom.tell("long", "Russia bans PKK", f"{'Before. ' * 1000}\n{BAN}\n{'After. ' * 1000}", DAY)
    text = alert_view(board_with(*messages), alert_in(messages).id)["text"]
    assert text["before"].startswith("… ")
    assert text["after"].endswith(" …")
    assert len(text["before"]) + len(text["after"]) < 3_100


def test_marks_that_turn_the_direction_of_text_are_taken_out(newsroom: Any) -> None:
    told = numbered(newsroom, alert_in(ban(newsroom)), 1, speaker="a\u202eb\u2066c\x1b[31m")
    assert alert_view(board_with(told), AlertId("n1"))["speaker"] == "a b c [31m"


def test_a_revision_that_is_told_again_changes_nothing(newsroom: Any) -> None:
    messages = ban(newsroom)
    (told,) = of(messages, Topic.ALERTS)
    board = Board(10)
    assert board.take(told) == (alert_in(messages).id,)
    assert board.take(told._replace(offset=99)) == ()
    assert len(board.revisions(alert_in(messages).id)) == 1


def test_every_revision_is_kept_with_its_reason(newsroom: Any) -> None:
    messages = [*ban(newsroom), *ban(newsroom, revision=2, pub_status="canceled", signals=["kill"])]
    board = board_with(*messages)
    view = alert_view(board, decode(of(messages, Topic.ALERTS)[0].value, Alert).id)
    assert [(r["revision"], r["status"], r["reason"]) for r in view["revisions"]] == [
        (1, "live", "first report"),
        (2, "retracted", "its story was withdrawn"),
    ]
    (told,) = history(board, LedgerKey("ru|pkk"))
    assert told["withdrawn"]


def test_only_so_many_alerts_are_remembered_and_the_newest_come_first(newsroom: Any) -> None:
    alert = alert_in(ban(newsroom))
    board = board_with(*(numbered(newsroom, alert, number) for number in range(9)), keep=4)
    assert [told[-1].alert.id for told in board.alerts()] == ["n8", "n7", "n6", "n5"]


def test_being_followed_by_the_next_step_does_not_bring_an_alert_to_the_top(newsroom: Any) -> None:
    alert = alert_in(ban(newsroom))
    first, second = numbered(newsroom, alert, 1), numbered(newsroom, alert, 2)
    followed = numbered(newsroom, alert, 3, id="n1", revision=2, status="superseded")
    assert [told[-1].alert.id for told in board_with(first, second, followed).alerts()] == ["n2", "n1"]
    retracted = numbered(newsroom, alert, 3, id="n1", revision=2, status="retracted")
    assert [told[-1].alert.id for told in board_with(first, second, retracted).alerts()] == ["n1", "n2"]


def test_stories_make_room_for_newer_ones(newsroom: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.web.board.STORY_CHARS", 200)
    old, new = ban(newsroom, "old"), ban(newsroom, "new", DAY + timedelta(days=40))
    board = board_with(*old, *of(new, Topic.RELEVANT))
    assert not alert_view(board, alert_in(old).id)["text"]["whole"]


def test_a_reader_resumes_after_what_it_saw_last(newsroom: Any) -> None:
    alert = alert_in(ban(newsroom))
    board = board_with(*(numbered(newsroom, alert, number) for number in range(3)))
    assert [told.alert.id for told in board.after("n0:1") or ()] == ["n1", "n2"]
    assert board.after("n2:1") == ()
    assert board.after("n2:2") is None
    assert board.last_event() == "n2:1"


def test_an_event_id_is_one_line_whatever_is_in_the_log() -> None:
    assert event_id(AlertId("a\nevent: x\r\0 b"), 2) == "aevent:xb:2"


def test_a_row_that_is_deleted_is_gone(newsroom: Any) -> None:
    board = board_with(*ban(newsroom))
    assert list(board.statuses) == ["ru|pkk"]
    board.take(newsroom.message(Topic.STATUS, "ru|pkk", None, DAY))
    assert board.statuses == {}


def test_what_is_no_record_is_refused(newsroom: Any) -> None:
    with pytest.raises(RecordError, match="Alert"):
        Board(1).take(newsroom.message(Topic.ALERTS, "x", b"{}", DAY))


@pytest.mark.parametrize(
    ("link", "safe"),
    [
        ("https://a.example/x?y#z", True), ("http://a.example", True), ("HTTPS://a.example", True), (None, False),
        ("javascript:alert(1)", False), ("data:text/html,x", False), ("//a.example", False), ("https:x", False),
        ("http://", False), ("http://[", False), ("ftp://a.example", False), ("file:///etc/passwd", False), ("", False),
    ],
)  # fmt: skip
def test_only_a_web_address_is_a_link(link: str | None, safe: bool) -> None:
    assert safe_link(link) == (link if safe else None)


# ---- who reads along


async def test_who_falls_behind_is_let_go_and_nobody_else_is() -> None:
    audience = Audience()
    with audience.seat() as slow, audience.seat() as quick:
        for number in range(BEHIND_AT_MOST + 1):
            audience.tell(Event("alert", str(number)))
            last = quick.get_nowait()
        assert last is not None
        assert last.data == str(BEHIND_AT_MOST)
        assert slow.get_nowait() is None


async def test_there_are_only_so_many_seats_and_none_after_the_end() -> None:
    audience = Audience()
    seats = [audience.seat() for _ in range(READERS_AT_MOST)]
    for seat in seats:
        seat.__enter__()
    with pytest.raises(FullHouse), audience.seat():
        pass
    seats[0].__exit__(None, None, None)
    with audience.seat() as left:
        audience.close()
        assert left.get_nowait() is None
    with pytest.raises(FullHouse), audience.seat():
        pass


# ---- over HTTP


class Served:
    """A site over real HTTP, and a client of it."""

    def __init__(self, newsroom: Any, client: aiohttp.ClientSession, site: Site, url: str) -> None:
        self.newsroom = newsroom
        self.client = client
        self.site = site
        self.url = url.rstrip("/")

    def take(self, messages: list[Incoming]) -> None:
        for message in messages:
            self.site.take(message)

    async def get(self, path: str, **headers: str) -> tuple[int, Any]:
        async with self.client.get(self.url + path, headers=headers) as answer:
            return answer.status, await answer.json() if answer.status == 200 else await answer.text()

    @asynccontextmanager
    async def events(self, path: str = "/events", **headers: str) -> AsyncIterator[Any]:
        async with self.client.get(self.url + path, headers=headers) as answer:
            assert answer.headers["Content-Type"] == "text/event-stream"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            yield lambda: next_event(answer)


async def next_event(answer: aiohttp.ClientResponse) -> dict[str, str]:
    """The fields of the next event; empty at the end of the stream."""
    fields: dict[str, str] = {}
    async with asyncio.timeout(10):
        async for line in answer.content:
            if not line.strip():
                return fields
            name, _, value = line.decode().strip().partition(": ")
            fields[name] = value
    return fields


@asynccontextmanager
async def site_of(newsroom: Any, registry: Any = None, **options: Any) -> AsyncIterator[Served]:
    ready, answers = options.pop("ready", lambda: True), options.pop("answers", lambda: True)
    site = Site(Board(options.pop("keep", 50)), registry or newsroom.registry, ready, answers, **options)
    async with (
        serving(site.application(frozenset({"listwire.example"})), "127.0.0.1", 0) as url,
        aiohttp.ClientSession() as client,
    ):
        yield Served(newsroom, client, site, url)


@pytest.fixture
async def served(newsroom: Any) -> AsyncIterator[Served]:
    async with site_of(newsroom) as made:
        yield made


async def test_an_alert_is_told_with_its_id_and_revision(served: Served) -> None:
    async with served.events() as event:
        hello = await event()
        assert (hello["event"], json.loads(hello["data"])["resumed"], hello["retry"]) == ("hello", False, "2000")
        messages = ban(served.newsroom)
        served.take(messages)
        told = await event()
    assert (told["event"], told["id"]) == ("alert", f"{alert_in(messages).id}:1")
    assert json.loads(told["data"])["authority_name"] == "Russia"


@pytest.mark.parametrize("way", ["header", "query"])
async def test_a_stream_resumes_after_the_last_event_seen(served: Served, way: str) -> None:
    alert = alert_in(ban(served.newsroom))
    served.take([numbered(served.newsroom, alert, number) for number in range(3)])
    path, headers = ("/events", {"Last-Event-ID": "n0:1"}) if way == "header" else ("/events?after=n0:1", {})
    async with served.events(path, **headers) as event:
        assert json.loads((await event())["data"])["resumed"]
        assert [(await event())["id"] for _ in range(2)] == ["n1:1", "n2:1"]


async def test_an_unknown_last_event_is_said_so_and_the_reader_goes_on_from_now(served: Served) -> None:
    served.take([numbered(served.newsroom, alert_in(ban(served.newsroom)), 1)])
    async with served.events(**{"Last-Event-ID": "of another life:7"}) as event:
        hello = await event()
    assert not json.loads(hello["data"])["resumed"]
    assert hello["id"] == "n1:1"


async def test_a_heart_beats_and_tells_whether_the_broker_answers(newsroom: Any) -> None:
    async with site_of(newsroom, beat_s=0.01, answers=lambda: False) as served, served.events() as event:
        await event()
        beat = await event()
    assert (beat["event"], beat["data"]) == ("beat", '{"broker":false}')


async def test_nothing_is_told_while_the_logs_are_read_and_readers_hear_when_they_are(newsroom: Any) -> None:
    ready = False
    async with site_of(newsroom, ready=lambda: ready) as served, served.events() as event:
        assert not json.loads((await event())["data"])["ready"]
        served.take(ban(newsroom))
        ready = True
        served.site.tell_ready()
        hello = await event()
    assert hello["event"] == "hello"
    assert json.loads(hello["data"])["ready"]


@pytest.mark.parametrize(("ready", "answers", "status"), [(True, True, 200), (False, True, 503), (True, False, 503)])
async def test_readiness_needs_the_logs_and_the_broker(newsroom: Any, ready: bool, answers: bool, status: int) -> None:
    async with site_of(newsroom, ready=lambda: ready, answers=lambda: answers) as served:
        answer = await served.client.get(f"{served.url}/readyz")
        assert answer.status == status


async def test_the_end_of_the_service_ends_the_streams(newsroom: Any) -> None:
    async with aiohttp.ClientSession() as client:
        async with site_of(newsroom) as served:
            answer = await client.get(f"{served.url}/events")
            assert (await next_event(answer))["event"] == "hello"
        assert await next_event(answer) == {}


async def test_the_alerts_as_json_are_what_the_stream_tells(served: Served) -> None:
    async with served.events() as event:
        await event()
        served.take(ban(served.newsroom))
        told = json.loads((await event())["data"])
    status, facts = await served.get("/api/alerts")
    assert (status, facts) == (200, {"ready": True, "alerts": [told]})


async def test_a_cell_has_what_was_reported_of_it(served: Served) -> None:
    served.take(ban(served.newsroom, link="https://agency.example/ban"))
    _, facts = await served.get("/api/ledger")
    assert [(row["authority_name"], row["group_name"], row["listed"]) for row in facts["rows"]] == [
        ("Russia", "PKK", True)
    ]
    _, cell = await served.get("/api/ledger?authority=ru&group=pkk")
    assert cell["row"] == facts["rows"][0]
    (told,) = cell["history"]
    assert (told["change"], told["stage"], told["news"], told["withdrawn"]) == ("listing", "effective", True, False)
    assert told["link"] == "https://agency.example/ban"


async def test_the_matrix_is_filled_in_from_the_baseline(newsroom: Any) -> None:
    async with site_of(newsroom, load_registry()) as served:
        served.take(ban(newsroom))
        taliban = (
            "MOSCOW, Apr 17 (TASS) - Russia has suspended the ban on the Taliban, the Supreme Court said on Thursday."
        )
        served.take(newsroom.tell("court", "Russia suspends Taliban ban", taliban, DAY))
        _, facts = await served.get("/api/ledger")
        told = {(row["authority"], row["group"]): row["baseline"] for row in facts["rows"]}
        assert told == {("ru", "pkk"): False, ("ru", "taliban"): False}
        _, cell = await served.get("/api/ledger?authority=us&group=pkk")
    assert cell["row"]["listed"]
    assert cell["row"]["baseline"]
    assert cell["history"] == []


@pytest.mark.parametrize(
    ("query", "status"),
    [("authority=ru", 400), ("group=pkk", 400), ("authority=xx&group=yy", 404), ("authority=%00&group=<script>", 404)],
)
async def test_a_cell_that_cannot_be_told_is_refused(served: Served, query: str, status: int) -> None:
    code, text = await served.get(f"/api/ledger?{query}")
    assert code == status
    assert "script" not in text


async def test_a_feed_shows_its_last_look(served: Served) -> None:
    state = FeedState(feed="agency", outcome="timeout", failures=3, polled_at=DAY, newest=DAY)
    served.take([served.newsroom.message(Topic.FEED_STATE, "agency", encode(state), DAY)])
    _, facts = await served.get("/api/feeds")
    (feed,) = facts["feeds"]
    assert (feed["feed"], feed["outcome"], feed["failures"], feed["polled_at"]) == (
        "agency",
        "timeout",
        3,
        DAY.isoformat(),
    )


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE"])
@pytest.mark.parametrize("path", [*PATHS, "/events"])
async def test_only_get_is_answered(served: Served, method: str, path: str) -> None:
    async with served.client.request(method, served.url + path, headers={"Origin": "https://evil.example"}) as answer:
        assert answer.status == 405
        assert not any(name.lower().startswith("access-control") for name in answer.headers)


@pytest.mark.parametrize("path", [*PATHS, "/nothing", "/../pyproject.toml", "/page.css/..%2f..%2fsite.py"])
async def test_every_answer_carries_the_policy_and_opens_nothing_to_others(served: Served, path: str) -> None:
    async with served.client.get(served.url + path, headers={"Origin": "https://evil.example"}) as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "Server" not in answer.headers
        assert not any(name.lower().startswith("access-control") for name in answer.headers)
        assert answer.status == (200 if path in PATHS else 404)
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "listwire.example.evil.example:80"])
async def test_a_name_that_is_not_ours_is_refused_with_the_same_headers(served: Served, host: str) -> None:
    for path in (*PATHS, "/events", "/nothing"):
        async with served.client.get(served.url + path, headers={"Host": host}) as answer:
            assert answer.status == 421
            assert "Content-Security-Policy" in answer.headers
            assert "alerts" not in await answer.text()


async def test_a_name_that_the_operator_allows_is_answered(served: Served) -> None:
    status, _ = await served.get("/api/alerts", Host="Listwire.Example:8443")
    assert status == 200


@pytest.mark.parametrize(
    ("hosts", "ours"),
    [
        (["127.0.0.1:9467"], True), (["localhost"], True), (["LOCALHOST:1"], True), (["[::1]:9467"], True),
        (["127.9.9.9"], True), (["a.localhost"], True), (["page.example"], True), (["page.example:443"], True),
        ([], False), ([""], False), (["localhost", "localhost"], False), (["localhost.evil.example"], False),
        (["evil.example"], False), (["evil.example:localhost"], False), (["localhost@evil.example"], False),
        (["evil.example#localhost"], False), (["evil.example/localhost"], False), (["10.0.0.1"], False),
        (["[::]"], False), (["[::ffff:10.0.0.1]"], False), (["2130706433"], False), (["[::1"], False),
        (["notpage.example"], False), (["page.example."], False), (["localhost:x"], False),
        (["localhost/x"], False), (["localhost#x"], False), (["x@localhost"], False), (["localhost?x"], False),
    ],
)  # fmt: skip
def test_the_host_must_be_this_machine_or_an_allowed_name(hosts: list[str], ours: bool) -> None:
    assert is_ours(hosts, frozenset({"page.example"})) == ours


def test_text_around_the_evidence_cannot_turn_the_direction_either(newsroom: Any) -> None:
    messages = newsroom.tell("turned", "Rus\u202esia bans PKK", f"{BAN}\nEnd\u2067ing.", DAY)
    text = alert_view(board_with(*messages), alert_in(messages).id)["text"]
    assert text["before"].startswith("Rus sia bans PKK\n")
    assert text["after"] == "\nEnd ing."


def test_the_withdrawal_of_what_is_not_remembered_is_no_history(newsroom: Any) -> None:
    ban(newsroom)
    kill = ban(newsroom, revision=2, pub_status="canceled", signals=["kill"])
    (report,) = (decode(message.value, Report) for message in of(kill, Topic.CLAIMS))
    empty = encode(msgspec.structs.replace(report, claims=()))
    assert board_with(newsroom.message(Topic.CLAIMS, "ru|pkk", empty, DAY)).reports(LedgerKey("ru|pkk")) == ()


async def test_a_port_that_is_taken_is_one_line(newsroom: Any) -> None:
    async with site_of(newsroom) as served:
        port = int(served.url.rsplit(":", 1)[1])
        with pytest.raises(SettingsError, match=rf"^the page cannot listen on 127\.0\.0\.1:{port}: "):
            async with serving(served.site.application(frozenset()), "127.0.0.1", port):
                pass


def test_the_page_has_no_script_or_style_of_its_own_and_nothing_from_elsewhere() -> None:
    found: list[tuple[str, dict[str, str | None]]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append((tag, dict(attrs)))

    Reader().feed(page().decode())
    assert [tag for tag, attrs in found if tag == "script" and not attrs.get("src")] == []
    assert [tag for tag, attrs in found if tag == "style" or "style" in attrs] == []
    assert [name for _, attrs in found for name in attrs if name.startswith("on")] == []
    addresses = [attrs[name] or "" for _, attrs in found for name in ("src", "href", "action") if name in attrs]
    assert [address for address in addresses if not address.startswith(("/", "?", "#")) or address[:2] == "//"] == []


async def test_the_newest_alerts_are_a_table_for_prometheus_and_others_leave_it(newsroom: Any, meter: Any) -> None:
    name = "listwire_page_alert_timestamp_seconds"
    alert = alert_in(ban(newsroom))
    async with site_of(newsroom, keep=60) as served:
        for number in range(51):
            served.site.take(numbered(newsroom, alert, number))
        (await served.client.get(f"{served.url}/metrics")).release()
        shown = {dict(labels)["alert"]: value for (sample, labels), value in meter._samples().items() if sample == name}
        assert set(shown) == {f"n{number}" for number in range(1, 51)}
        served.site.take(numbered(newsroom, alert, 50, revision=2, status="retracted"))
        (await served.client.get(f"{served.url}/metrics")).release()
    assert shown["n50"] == (DAY + timedelta(minutes=50)).timestamp()
    facts = {"authority": "ru", "group": "pkk", "change": "listing", "stage": "effective", "level": alert.level}
    assert meter.value(name, alert="n50", status="retracted", **facts) == shown["n50"]
    assert meter.value(name, alert="n50", status="live", **facts) is None
