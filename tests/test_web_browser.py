"""The live page in a real Chromium: what a person sees, what a keyboard reaches, and what hostile text does not do."""

import asyncio
import base64
import itertools
import json
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import aiohttp
import msgspec
import pytest
from aiohttp import web

from agents.demo import items
from agents.messages import Incoming
from agents.web.board import Board
from agents.web.service import serving
from agents.web.site import Site
from streams.codec import decode, encode
from streams.feed_records import Origin, encode_feed
from streams.feeds import FeedSpec
from streams.polling import FeedState
from streams.records import Alert
from streams.registry import load_registry
from streams.topics import Topic

T = TypeVar("T", bound=msgspec.Struct)

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage --remote-debugging-port=0"
)


@pytest.fixture(scope="module")
def chromium(lacking: Callable[[str], NoReturn], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The DevTools address of a Chromium of this module's own."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        lacking("no Chromium: install the package chromium")
    profile = tmp_path_factory.mktemp("chromium")
    process = subprocess.Popen(
        [found, *FLAGS.split(), f"--user-data-dir={profile}", "about:blank"], stderr=subprocess.DEVNULL
    )
    try:
        port, path = _told(profile / "DevToolsActivePort")
        yield f"ws://127.0.0.1:{port}{path}"
    finally:
        process.kill()
        process.wait(15)


def _told(file: Path) -> list[str]:
    """The two lines that Chromium writes once it listens."""
    deadline = time.monotonic() + 30
    while not (lines := file.read_text().splitlines() if file.exists() else []) or len(lines) < 2:
        if time.monotonic() > deadline:
            pytest.fail("Chromium does not listen")
        time.sleep(0.05)
    return lines


class Tab:
    """A page in a context of its own, driven by the DevTools protocol."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._session: str | None = None
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self.said: list[dict[str, Any]] = []

    async def open(self) -> None:
        context = (await self.call("Target.createBrowserContext"))["browserContextId"]
        target = (await self.call("Target.createTarget", url="about:blank", browserContextId=context))["targetId"]
        self._session = (await self.call("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            await self.call(f"{domain}.enable")

    async def call(self, method: str, **params: Any) -> Any:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json(message)
        return await asyncio.wait_for(answer, 30)

    async def listen(self) -> None:
        async for raw in self._socket:
            message = json.loads(raw.data)
            waiting = self._waiting.pop(message.get("id"), None)
            if waiting is None:
                self.said.append(message)
            elif "error" in message:
                waiting.set_exception(AssertionError(message["error"]))
            else:
                waiting.set_result(message["result"])

    async def value(self, script: str) -> Any:
        """What an expression is worth in the page."""
        answer = await self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True, userGesture=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    async def until(self, script: str, wanted: Any = True, within_s: float = 15) -> None:
        """Returns once the expression has that value."""
        deadline = time.monotonic() + within_s
        while (got := await self.value(script)) != wanted:
            if time.monotonic() > deadline:
                pytest.fail(f"{script} is {got!r}, not {wanted!r}")
            await asyncio.sleep(0.05)

    async def go(self, url: str) -> None:
        await self.call("Page.navigate", url=url)
        await self.until(
            "document.readyState === 'complete' && document.getElementById('state')?.dataset.state === 'live'"
        )

    async def press(self, key: str, text: str = "", code: int = 0) -> None:
        facts = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        await self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **facts)
        await self.call("Input.dispatchKeyEvent", type="keyUp", **facts)

    async def wide(self, width: int, height: int = 900) -> None:
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )

    async def media(self, **features: str) -> None:
        wanted = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        await self.call("Emulation.setEmulatedMedia", features=wanted)

    def complaints(self) -> list[str]:
        """Errors of the page's scripts and breaches of its policy."""
        found = []
        for message in self.said:
            if message["method"] == "Runtime.exceptionThrown":
                found.append(str(message["params"]["exceptionDetails"]))
            if message["method"] == "Log.entryAdded" and message["params"]["entry"]["source"] in {
                "security",
                "javascript",
            }:
                found.append(message["params"]["entry"]["text"])
            if message["method"] == "Page.javascriptDialogOpening":
                found.append("a dialog opened")
        return found


@pytest.fixture
async def tab(chromium: str) -> AsyncIterator[Tab]:
    async with aiohttp.ClientSession() as session, session.ws_connect(chromium, max_msg_size=0) as socket:
        made = Tab(socket)
        listening = asyncio.create_task(made.listen())
        await made.open()
        yield made
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


class Served:
    """A site, where it is, and a hand that puts messages on it."""

    def __init__(self, newsroom: Any) -> None:
        self.newsroom = newsroom
        self.url = ""
        self.restart(Board(500))

    def restart(self, board: Board) -> None:
        self.board = board
        self.site = Site(board, self.newsroom.registry, lambda: True, lambda: True)

    def take(self, messages: list[Incoming]) -> None:
        for message in messages:
            self.site.take(message)

    @asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncIterator[str]:
        async with serving(self.site.application(frozenset()), "127.0.0.1", port) as self.url:
            yield self.url


@pytest.fixture
async def served(newsroom: Any) -> AsyncIterator[Served]:
    made = Served(newsroom)
    async with made.serving():
        yield made


NOW = datetime.now(UTC)


def sample_wire(newsroom: Any) -> list[Incoming]:
    """The messages of the demo's stories, of one that is withdrawn in the end, and of feeds."""
    messages: list[Incoming] = []
    revisions: dict[str, int] = {}
    for number, item in enumerate(items()):
        at = NOW - timedelta(hours=5) + timedelta(minutes=30 * number)
        body = item.body.format(weekday=f"{at:%A}", date=f"{at:%B} {at.day}", short_date=f"{at:%b} {at.day}").strip()
        revisions[item.guid] = revision = revisions.get(item.guid, 0) + 1
        more = {"revision": revision, "link": f"https://agency.example/{item.guid}", "source": "Sample wire"}
        messages += newsroom.tell(item.guid, item.headline, body, at, feed="sample-wire", **more)
    messages += banned(newsroom) + banned(newsroom, revision=2, pub_status="canceled", signals=["kill"])
    return messages + [newsroom.message(Topic.FEED_STATE, feed.feed, encode(feed), NOW) for feed in feeds()]


def feeds() -> list[FeedState]:
    def at(minutes: float) -> datetime:
        return NOW - timedelta(minutes=minutes)

    soon = NOW + timedelta(hours=9)  # NOW is when the tests were collected, and there are many
    return [
        FeedState(feed="sample-wire", outcome="ok", polled_at=at(0.2), newest=at(3), next_due=soon),
        FeedState(feed="agency-world", outcome="not-modified", polled_at=at(1), newest=at(14), next_due=soon),
        FeedState(feed="ministry", outcome="unchanged", polled_at=at(4), newest=at(50 * 1440), next_due=soon),
        FeedState(feed="gazette", outcome="http-error", failures=4, polled_at=at(9), newest=at(900), next_due=soon),
    ]


def banned(newsroom: Any, guid: str = "paris", **more: Any) -> list[Incoming]:
    """A story that France bans the PKK."""
    at = NOW - timedelta(minutes=3)
    said = "France has banned the PKK as a terrorist organisation, the Interior Ministry said"
    body = f"PARIS, {at:%b} {at.day} (AFP) - {said} on {at:%A}.\nIt gave no further detail."
    return newsroom.tell(guid, "France bans PKK", body, at, **more)


def listed(newsroom: Any, key: str, name: str, **more: Any) -> Incoming:
    """A feed on the feed list."""
    feed = FeedSpec(key=key, url="https://agency.example/feed", name=name, **more)
    return newsroom.message(Topic.FEEDS, key, encode_feed(feed, Origin.LIST), NOW)


def like(record: T, **changes: Any) -> T:
    return msgspec.structs.replace(record, **changes)


GROUPS = (
    "Al-Qaida", "Al-Shabaab", "Boko Haram", "ETA", "FARC", "Hamas", "Hezbollah", "Islamic Jihad", "Lashkar-e-Taiba",
    "LTTE", "PKK", "Shining Path", "Taliban",
)  # fmt: skip


def thirteen(newsroom: Any, at: datetime = NOW) -> list[Alert]:
    """Alerts of one story about so many groups."""
    known = the_alert(banned(type(newsroom)(newsroom.registry)))
    ref = like(known.story, id="sweep", headline="France bans thirteen groups at once", source="AFP", published=at)
    made: list[Alert] = []
    for number, name in enumerate(GROUPS):
        key = name.lower().replace(" ", "-")
        made.append(like(known, id=f"sweep-{number}", bundle="sweep", group=key, group_name=name, story=ref))
    return made


def told(newsroom: Any, *alerts: Alert, at: datetime = NOW) -> list[Incoming]:
    return [newsroom.message(Topic.ALERTS, f"{alert.authority}|{alert.group}", encode(alert), at) for alert in alerts]


def every_kind(newsroom: Any) -> list[Incoming]:
    """A story with thirteen groups, of which one is retracted, one corrected, one superseded, one confirmed twice."""
    one, two, three, four, *_ = alerts = thirteen(newsroom)
    later = [
        like(one, revision=2, status="retracted", reason="its story was corrected", changed=("status",)),
        like(two, revision=2, status="corrected", reason="its story was corrected", changed=("speaker", "status")),
        like(three, revision=2, status="superseded", reason="followed by delisting, effective", changed=("status",)),
        like(
            four, revision=2, level="official", reason="official: also gazette", sources=2, scope="military-wing",
            instrument="national list", changed=("confidence", "level", "sources"),
        ),
    ]  # fmt: skip
    return told(newsroom, *alerts, *later)


def the_alert(messages: list[Incoming]) -> Alert:
    """The one alert among the messages."""
    (alert,) = (decode(message.value, Alert) for message in messages if message.topic == Topic.ALERTS)
    return alert


CARDS = "document.querySelectorAll('#alerts .alert').length"
LINES = "[...document.querySelectorAll('.line > details > summary')].map(node => node.innerText)"
ITEMS = "document.querySelectorAll('#alerts > li').length"
NEWS = "document.getElementById('news').textContent"
VIEWS = ("alerts", "ledger", "feeds")


async def test_an_alert_appears_as_it_comes_with_its_evidence_marked_in_the_story(served: Served, tab: Tab) -> None:
    await tab.go(served.url)
    await tab.until("document.getElementById('alerts-note').innerText", "No alerts yet. They appear here as they come.")
    served.take(banned(served.newsroom, link="https://agency.example/1"))
    await tab.until(CARDS, 1)
    text = await tab.value("document.querySelector('.alert').innerText")
    for part in ("France", "PKK", "confirmed", "listing", "effective", "confidence 0.95", "Interior Ministry", "AFP"):
        assert part in text
    marked = await tab.value("[...document.querySelectorAll('mark')].map(node => node.textContent)")
    assert len(marked) == 2  # alone, and in its place
    assert marked[0] == marked[1]
    assert marked[0].startswith("France has banned the PKK")
    story = await tab.value("document.querySelector('details .text').textContent")
    assert story.startswith("France bans PKK\nPARIS")
    assert story.endswith("It gave no further detail.")
    link = await tab.value("(a => [a.href, a.rel, a.innerText])(document.querySelector('.source a'))")
    assert link == ["https://agency.example/1", "noopener noreferrer nofollow", "France bans PKK"]
    await tab.until(NEWS, "New alert: France, PKK, listed, confirmed")
    assert await tab.value("document.getElementById('news').ariaLive") == "polite"
    assert tab.complaints() == []


async def test_without_the_story_the_evidence_stands_alone_until_the_story_comes(served: Served, tab: Tab) -> None:
    messages = banned(served.newsroom)
    served.take([message for message in messages if message.topic != Topic.RELEVANT])
    await tab.go(served.url)
    await tab.until(CARDS, 1)
    assert await tab.value("document.querySelectorAll('mark').length") == 1
    served.take([message for message in messages if message.topic == Topic.RELEVANT])
    await tab.until("document.querySelectorAll('details mark').length", 1)
    assert await tab.value("document.getElementById('news').textContent") == ""  # it is no news


async def test_a_retraction_is_struck_and_tells_what_changed_and_why(served: Served, tab: Tab) -> None:
    served.take(banned(served.newsroom))
    await tab.go(served.url)
    await tab.until(CARDS, 1)
    served.take(banned(served.newsroom, revision=2, pub_status="canceled", signals=["kill"]))
    await tab.until("document.querySelectorAll('.is-retracted').length", 1)
    struck = "getComputedStyle(document.querySelector('.is-retracted .whom')).textDecorationLine"
    assert await tab.value(struck) == "line-through"
    await tab.value("document.querySelector('details[data-keep=revisions] summary').click()")
    told = await tab.value("[...document.querySelectorAll('.revisions li')].map(node => node.innerText)")
    assert told[0].startswith("revision 1: first report (confirmed, live, confidence 0.95, 1 source)")
    assert told[1].startswith("revision 2: now retracted (its story was withdrawn); changed: status (")
    await tab.until(f"{NEWS}.startsWith('Retracted: France, PKK')")


async def test_alerts_of_one_story_are_one_item_with_a_line_each(served: Served, tab: Tab) -> None:
    served.take(every_kind(served.newsroom))
    served.take(banned(served.newsroom))
    await tab.go(served.url)
    await tab.until(CARDS, 14)
    assert await tab.value(ITEMS) == 2
    head = (await tab.value("document.querySelector('.bundle').innerText")).split("\n")
    assert head[0] == "France bans thirteen groups at once"
    assert "13 groups · France · 1 corrected · 1 retracted · 1 superseded" in head
    assert any(line.startswith("AFP (agency), published ") for line in head)
    lines = [line.replace("\n", " ") for line in await tab.value(LINES)]
    assert lines[0].startswith("RETRACTED: LISTED")
    assert [line.split("▸ ")[1] for line in lines[1:5]] == [
        "Al-Shabaab corrected confirmed",
        "Boko Haram superseded confirmed",
        "ETA official national list part: military wing 2 independent sources",
        "FARC confirmed",
    ]
    assert len(lines) == 13
    assert await tab.value("document.querySelectorAll('.bundle .source').length") == 1
    assert await tab.value("document.querySelectorAll('.line details[open]').length") == 0
    assert await tab.value("document.querySelector('#alerts > li > .alert h3').innerText") == "LISTED France ▸ PKK"
    assert tab.complaints() == []


async def test_a_line_opens_by_keyboard_and_tells_what_changed(served: Served, tab: Tab) -> None:
    served.take(every_kind(served.newsroom))
    await tab.go(served.url)
    await tab.until(CARDS, 13)
    await tab.value("document.querySelectorAll('.line summary')[2].focus()")
    for _ in range(2):  # past what is closed: to the next line, and the one after it
        await tab.press("Tab", code=9)
    await tab.press("Enter", "\r", 13)
    opened = "[...document.querySelectorAll('.line > details[open]')].map(node => node.innerText)"
    await tab.until(f"{opened}.length", 1)
    (text,) = await tab.value(opened)
    assert "▸ ETA" in text
    assert "said by France's Interior Ministry through AFP" in text
    assert "revision 2: now official (also gazette); changed: confidence, level, sources" in text
    served.take(told(served.newsroom, like(thirteen(served.newsroom)[3], revision=3, reason="x", changed=("speaker",))))
    await tab.until(f"{opened}[0].includes('revision 3: x; changed: who says it')")
    assert await tab.value("document.activeElement.innerText.includes('ETA')")  # and is still open, still in hand


async def test_who_reads_by_headings_and_lists_finds_the_story_and_its_groups(served: Served, tab: Tab) -> None:
    served.take(every_kind(served.newsroom))
    await tab.go(served.url)
    await tab.until(CARDS, 13)
    nodes = [node for node in (await tab.call("Accessibility.getFullAXTree"))["nodes"] if not node.get("ignored")]

    def level(node: dict[str, Any]) -> Any:
        return next((fact["value"]["value"] for fact in node["properties"] if fact["name"] == "level"), None)

    # in which case a heading is told that is shown in capitals is the browser's affair
    found = [(level(node), node["name"]["value"].lower()) for node in nodes if node["role"]["value"] == "heading"]
    assert found[1:3] == [(2, "alerts"), (3, "france bans thirteen groups at once")]
    assert found[4] == (4, "listed france ▸ al-shabaab")
    assert [deep for deep, _ in found[3:]] == [4] * 13
    inside = {node["nodeId"]: len(node["childIds"]) for node in nodes if node["role"]["value"] == "list"}
    assert 13 in inside.values()
    articles = [node["name"]["value"].lower() for node in nodes if node["role"]["value"] == "article"]
    assert articles[1] == "listed france ▸ al-shabaab"


async def test_filters_choose_among_the_alerts_of_a_story(served: Served, tab: Tab) -> None:
    alerts = thirteen(served.newsroom)
    served.take(told(served.newsroom, *(like(alert, confidence=0.6) for alert in alerts[2:]), *alerts[:2]))
    await tab.go(f"{served.url}?confidence=0.7")
    await tab.until(CARDS, 2)
    assert await tab.value("document.querySelector('.tally').innerText") == "2 of 13 groups · France"
    assert await tab.value("document.getElementById('alerts-note').innerText") == "2 of 13 alerts match the filters."
    await tab.go(f"{served.url}?group=taliban")
    await tab.until("document.querySelector('.tally')?.innerText", "1 of 13 groups · France")
    assert await tab.value(CARDS) == 1
    await tab.value("document.getElementById('clear').click()")
    await tab.until(CARDS, 13)


async def test_a_story_that_comes_alert_by_alert_is_one_item_and_is_announced_once(served: Served, tab: Tab) -> None:
    await tab.go(served.url)
    await tab.value(
        "window.heard = []; new MutationObserver(() => heard.push(document.getElementById('news').textContent))"
        ".observe(document.getElementById('news'), {childList: true, characterData: true, subtree: true})"
    )
    alerts = thirteen(served.newsroom)
    for alert in alerts:
        served.take(told(served.newsroom, alert))
    await tab.until(CARDS, 13)
    assert await tab.value(ITEMS) == 1
    await tab.until("heard.length > 0")
    assert await tab.value("heard") == ["New alert: 13 groups in one story, France bans thirteen groups at once"]
    lost = like(alerts[5], revision=2, status="retracted", reason="denied", changed=("status",))
    served.take(told(served.newsroom, lost, at=NOW + timedelta(seconds=9)))
    await tab.until("document.querySelectorAll('.line.is-retracted').length", 1)
    assert "Hamas" in (await tab.value(LINES))[5]
    await tab.until("heard.length", 2)
    assert (await tab.value("heard"))[1] == "Retracted: France, Hamas, listed, confirmed"


async def test_an_alert_that_is_being_read_stays_open_when_its_story_brings_another(served: Served, tab: Tab) -> None:
    first, second = thirteen(served.newsroom)[:2]
    changed = like(first, revision=2, reason="y", changed=("speaker",))
    served.take(told(served.newsroom, first, changed))
    await tab.go(served.url)
    await tab.until(CARDS, 1)
    await tab.value("document.querySelector('summary').focus()")
    served.take(told(served.newsroom, second))
    await tab.until("document.querySelectorAll('.line').length", 2)
    assert await tab.value("[...document.querySelectorAll('.line > details')].map(node => node.open)") == [True, False]
    assert await tab.value("document.activeElement.parentElement.dataset.keep") == "revisions"


async def test_a_line_names_its_source_only_if_it_rests_on_another_story(served: Served, tab: Tab) -> None:
    first, second = thirteen(served.newsroom)[:2]
    other = like(second, story=like(second.story, id="other", headline="Gazette of Tuesday"))
    served.take(told(served.newsroom, first, other))
    await tab.go(served.url)
    await tab.until(CARDS, 2)
    assert await tab.value("document.querySelector('.bundle h3').innerText") == "France bans thirteen groups at once"
    sources = "[...document.querySelectorAll('.line')].map(node => node.querySelector('.source')?.textContent ?? '')"
    none, named = await tab.value(sources)
    assert none == ""
    assert named.startswith("Gazette of Tuesday · AFP (agency)")


@pytest.mark.parametrize(
    ("sources", "words"), [(0, "no source that counts"), (1, "1 source"), (2, "2 independent sources")]
)
async def test_a_card_tells_how_many_sources_there_are(served: Served, tab: Tab, sources: int, words: str) -> None:
    alert = like(thirteen(served.newsroom)[0], sources=sources)
    served.take(told(served.newsroom, alert))
    await tab.go(served.url)
    await tab.until(CARDS, 1)
    assert words in await tab.value("[...document.querySelectorAll('.badges li')].map(node => node.innerText)")


async def test_filters_stay_in_the_address(served: Served, tab: Tab) -> None:
    served.take(sample_wire(served.newsroom))
    await tab.go(served.url)
    await tab.until(CARDS, 8)
    choose = (
        "((name, value) => { const select = document.querySelector(`select[name=${name}]`); select.value = value; "
        "select.dispatchEvent(new Event('change', {bubbles: true})) })"
    )
    await tab.value(f"{choose}('group', 'taliban')")
    assert await tab.value(CARDS) == 2
    await tab.value(f"{choose}('stage', 'decided')")
    assert await tab.value(CARDS) == 1
    assert await tab.value("location.search") == "?group=taliban&stage=decided"
    assert await tab.value("document.getElementById('alerts-note').innerText") == "1 of 8 alerts match the filters."
    await tab.go(await tab.value("location.href"))
    await tab.until(CARDS, 1)
    assert await tab.value("document.querySelector('select[name=group]').value") == "taliban"
    await tab.value("document.getElementById('clear').click()")
    await tab.until(CARDS, 8)
    await tab.until("location.search", "")


@pytest.mark.parametrize(
    ("query", "cards"),
    [
        ("authority=et", 3), ("change=renewal", 1), ("level=unconfirmed", 0), ("level=confirmed", 8),
        ("confidence=0.9", 8), ("authority=nowhere", 0), ("stage=%3Cscript%3E", 8),
    ],
)  # fmt: skip
async def test_an_address_with_filters_can_be_handed_on(served: Served, tab: Tab, query: str, cards: int) -> None:
    served.take(sample_wire(served.newsroom))
    await tab.go(f"{served.url}?{query}")
    await tab.until(f"document.getElementById('alerts-count').innerText === '8' && {CARDS}", cards)


async def test_low_confidence_can_be_filtered_out(served: Served, tab: Tab) -> None:
    messages = banned(served.newsroom)
    weak = like(the_alert(messages), confidence=0.55)
    served.take([served.newsroom.message(Topic.ALERTS, "fr|pkk", encode(weak), NOW)])
    for least, cards in (("0.5", 1), ("0.6", 0)):
        await tab.go(f"{served.url}?confidence={least}")
        await tab.until(f"document.getElementById('alerts-count').innerText === '1' && {CARDS}", cards)


async def test_a_restarted_server_is_found_again_and_what_was_missed_is_shown(newsroom: Any, tab: Tab) -> None:
    served = Served(newsroom)
    async with served.serving() as url:
        served.take(banned(newsroom))
        await tab.go(url)
        await tab.until(CARDS, 1)
    await tab.until("document.getElementById('state').dataset.state", "lost")
    served.restart(Board(500))
    served.take(sample_wire(newsroom))
    async with served.serving(int(url.rsplit(":", 1)[1].strip("/"))):
        await tab.until("document.getElementById('state').dataset.state", "live", 40)
        await tab.until(CARDS, 8)


@pytest.mark.parametrize("way", ["the browser resumes", "the browser gives up and the page resumes"])
async def test_a_cut_stream_goes_on_where_it_ended(newsroom: Any, tab: Tab, way: str) -> None:
    served = Served(newsroom)
    async with served.serving() as url:
        served.take(banned(newsroom))
        await tab.go(url)
        await tab.until(CARDS, 1)
    port = int(url.rsplit(":", 1)[1].strip("/"))
    if "gives up" in way:
        async with serving(web.Application(), "127.0.0.1", port):  # 404, which ends an EventSource
            await tab.until("document.getElementById('state').innerText", "connection lost, opening it anew", 40)
    served.restart(served.board)
    served.take(sample_wire(newsroom))
    tab.said.clear()
    async with served.serving(port):
        await tab.until("document.getElementById('state').dataset.state", "live", 40)
        await tab.until(CARDS, 8)
    asked = [m["params"]["request"]["url"] for m in tab.said if m["method"] == "Network.requestWillBeSent"]
    assert f"{url}api/feeds" in asked
    assert f"{url}api/alerts" not in asked  # what was missed came by the stream alone


async def test_the_ledger_is_a_matrix_whose_cells_open_by_keyboard(served: Served, tab: Tab) -> None:
    served.take(sample_wire(served.newsroom))
    await tab.go(f"{served.url}?view=ledger")
    cell = "[...document.querySelectorAll('#ledger button')].find(node => node.dataset.key === 'ru|taliban')"
    await tab.until(f"{cell}?.innerText.trim()", "delisting decided")
    heads = await tab.value("[...document.querySelectorAll('#ledger thead th bdi')].map(node => node.innerText)")
    assert {"Group", "Russia", "Ethiopia", "European Union"} <= set(heads)
    await tab.value(f"{cell}.focus()")
    await tab.press("Enter", "\r", 13)
    await tab.until("document.querySelectorAll('dialog[open] .told li').length >= 2")
    text = await tab.value("document.querySelector('dialog').innerText")
    assert "delisting decided" in text
    assert "listing effective, 2003 · background" in text
    await tab.press("Escape", code=27)
    await tab.until("document.querySelector('dialog').open", False)
    assert await tab.value(f"document.activeElement === {cell}")


async def test_feeds_that_fail_or_fell_silent_come_first(served: Served, tab: Tab) -> None:
    served.take(sample_wire(served.newsroom))
    served.take([listed(served.newsroom, "ministry", "Ministry of the Interior")])
    await tab.go(f"{served.url}?view=feeds")
    await tab.until("document.querySelectorAll('#feeds tbody tr').length", 4)
    rows = await tab.value("[...document.querySelectorAll('#feeds tbody tr')].map(node => node.innerText)")
    assert [row.split()[0] for row in rows] == ["gazette", "Ministry", "agency-world", "sample-wire"]
    assert rows[1].startswith("Ministry of the Interior ministry")
    assert "http error" in rows[0]
    assert "failing (4 in a row)" in rows[0]
    assert "stale" in rows[1]
    assert await tab.value("document.getElementById('feeds-count').innerText") == "2"


async def test_a_feed_that_is_switched_off_is_no_alarm(served: Served, tab: Tab) -> None:
    state = FeedState(feed="old", outcome="ok", polled_at=NOW, newest=NOW, next_due=NOW - timedelta(days=2))
    served.take([served.newsroom.message(Topic.FEED_STATE, key, encode(like(state, feed=key)), NOW) for key in "ab"])
    served.take([listed(served.newsroom, "a", "Old", enabled=False, note="it ended")])
    await tab.go(f"{served.url}?view=feeds")
    await tab.until("document.querySelectorAll('#feeds tbody tr').length", 2)
    rows = await tab.value("[...document.querySelectorAll('#feeds tbody tr')].map(node => node.innerText)")
    assert "not polled" in rows[0]
    assert "switched off" in rows[1]
    assert await tab.value("document.getElementById('feeds-count').innerText") == "1"


async def test_authorities_that_nobody_fresh_would_tell_of_are_named(served: Served, tab: Tab) -> None:
    served.take([message for message in sample_wire(served.newsroom) if message.topic != Topic.FEED_STATE])
    now = datetime.now(UTC)
    state = FeedState(feed="tv", outcome="ok", polled_at=now, newest=now, next_due=now + timedelta(hours=1))
    served.take([served.newsroom.message(Topic.FEED_STATE, "tv", encode(state), now)])
    served.take([listed(served.newsroom, "tv", "Kazakh Television", covers=("kz",))])
    served.take([listed(served.newsroom, "ministry", "Ministry", authority="ar")])
    await tab.go(f"{served.url}?view=feeds")
    await tab.until("document.querySelectorAll('#blind li').length", len(load_registry().authorities) - 1)
    blind = await tab.value("document.getElementById('blind').innerText")
    assert "Argentina (ministry: never polled)" in blind
    assert "Kazakhstan" not in blind
    await tab.go(f"{served.url}?view=ledger")
    heads = "[...document.querySelectorAll('#ledger thead th')].map(node => node.innerText)"
    await tab.until(f"{heads}.some(head => head.endsWith('blind'))")
    assert "Kazakhstan" in await tab.value(heads)


async def test_the_keyboard_reaches_everything_and_shows_where_it_is(served: Served, tab: Tab) -> None:
    served.take(sample_wire(served.newsroom))
    await tab.go(served.url)
    await tab.until(CARDS, 8)
    reached = []
    for _ in range(16):
        await tab.press("Tab", code=9)
        reached.append(await tab.value("document.activeElement.innerText?.trim().split('\\n')[0] ?? ''"))
        assert await tab.value("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert reached[:4] == ["Skip to content", "Alerts 8", "Ledger", "Feeds 2"]
    assert "Clear" in reached
    assert "read it in its story" in reached


async def test_whatever_can_be_used_has_a_name(served: Served, tab: Tab) -> None:
    served.take(sample_wire(served.newsroom) + every_kind(served.newsroom))
    usable = {"link", "button", "combobox", "region", "article", "table", "navigation", "form", "dialog"}
    for view in VIEWS:
        await tab.go(f"{served.url}?view={view}")
        await tab.until(f"document.querySelectorAll('#view-{view} :is(li, tr)').length > 3")
        nodes = (await tab.call("Accessibility.getFullAXTree"))["nodes"]
        roles = [(node["role"]["value"], node["name"]["value"]) for node in nodes if "name" in node]
        assert {role for role, name in roles if role in usable and not name} == set()
        assert ("heading", "Listwire") in roles


@pytest.mark.parametrize("view", VIEWS)
async def test_a_narrow_screen_needs_no_sideways_scrolling(served: Served, tab: Tab, view: str) -> None:
    messages = sample_wire(served.newsroom) + every_kind(served.newsroom) + banned(served.newsroom, "long")
    alerts = [decode(message.value, Alert) for message in messages if message.topic == Topic.ALERTS]
    endless = like(alerts[0], id="endless", speaker="S" * 300, group_name="G" * 300)
    long = like(endless, id="long line", bundle="sweep", instrument="I" * 300)
    served.take([*messages, *told(served.newsroom, endless, long), listed(served.newsroom, "ministry", "M" * 300)])
    for width in (360, 320):
        await tab.wide(width)
        await tab.go(f"{served.url}?view={view}")
        await tab.until(f"document.querySelectorAll('#view-{view} :is(li, tr)').length > 3")
        await tab.value(OPEN_ALL)
        assert await tab.value("document.documentElement.scrollWidth") <= width
        spill = (
            "[...document.querySelectorAll('.scroll, .alert')].filter(n => n.scrollWidth > n.clientWidth + 1).length"
        )
        assert await tab.value(spill) == 0


OPEN_ALL = "document.querySelectorAll('details').forEach(node => { node.open = true })"
CONTRAST = """(() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgb = (colour) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data] };
  const lum = (c) => c.slice(0, 3).map((v) => v / 255).map((v) => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const behind = (node) => { for (let at = node; at; at = at.parentElement) {
    const c = rgb(getComputedStyle(at).backgroundColor); if (c[3]) return c } return rgb('white') };
  const poor = [];
  for (const node of document.querySelectorAll('body *')) {
    if (!node.checkVisibility() || ![...node.childNodes].some((c) => c.nodeType === 3 && c.data.trim())) continue;
    const [a, b] = [lum(rgb(getComputedStyle(node).color)), lum(behind(node))];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) poor.push(`${node.className || node.tagName} ${node.textContent.slice(0, 20)} ${ratio}`);
  }
  return poor })()"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_text_stands_out_in_both_schemes(served: Served, tab: Tab, scheme: str) -> None:
    served.take(sample_wire(served.newsroom) + every_kind(served.newsroom))
    served.take([listed(served.newsroom, "ministry", "Ministry of the Interior")])
    await tab.media(prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
    for view in VIEWS:
        await tab.go(f"{served.url}?view={view}")
        await tab.until(f"document.querySelectorAll('#view-{view} :is(li, tr)').length > 3")
        await tab.value(OPEN_ALL)
        assert await tab.value(CONTRAST) == []
    dark = await tab.value("getComputedStyle(document.body).backgroundColor === 'rgb(17, 22, 29)'")
    assert dark == (scheme == "dark")


@pytest.mark.parametrize(("wish", "name"), [("reduce", "none"), ("no-preference", "fresh")])
async def test_nothing_moves_for_who_asks_for_less_motion(served: Served, tab: Tab, wish: str, name: str) -> None:
    await tab.media(prefers_reduced_motion=wish)
    await tab.go(served.url)
    served.take(banned(served.newsroom))
    await tab.until(CARDS, 1)
    assert await tab.value("getComputedStyle(document.querySelector('.fresh > .alert')).animationName") == name


async def test_an_alert_that_comes_while_the_first_ones_are_fetched_is_shown(served: Served, tab: Tab) -> None:
    served.take(banned(served.newsroom))
    await tab.call("Page.enable")
    slow = (  # the answer is made at once, and arrives only after the stream has brought another alert
        "const quick = window.fetch; window.fetch = async (...given) => { const answer = await quick(...given);"
        "if (String(given[0]).includes('/api/alerts')) { window.waits = true;"
        "while (!window.go) await new Promise((then) => setTimeout(then, 20)); } return answer; }"
    )
    await tab.call("Page.addScriptToEvaluateOnNewDocument", source=slow)
    await tab.go(served.url)
    await tab.until("window.waits === true")
    served.take(told(served.newsroom, thirteen(served.newsroom)[0]))
    await tab.until(CARDS, 1)
    await tab.value("window.go = true")
    await tab.until(CARDS, 2)


PAYLOADS = """
<script>pwned()</script>
<SCRIPT SRC=//evil.example/x.js></SCRIPT>
<scr<script>ipt>pwned()</scr</script>ipt>
<script type=module>pwned()</script>
</script><script>pwned()</script>
<img src=x onerror=pwned()>
<img src=x onerror="pwned()">
<img/src/onerror=pwned()>
<img src=`x`onerror=pwned()>
<img srcset=x onerror=pwned()>
<svg onload=pwned()>
<svg/onload=pwned()>
<svg><script>pwned()</script></svg>
<svg><animate onbegin=pwned() attributeName=x dur=1s>
<svg><a xlink:href="javascript:pwned()"><text y=9>x</text></a></svg>
<svg><use href="data:image/svg+xml,<svg id='x' xmlns='http://www.w3.org/2000/svg'/>#x">
<svg><foreignObject><iframe srcdoc="<script>parent.pwned()</script>"></foreignObject></svg>
<math><mtext><table><mglyph><style><img src=x onerror=pwned()>
<math href="javascript:pwned()">x</math>
<body onload=pwned()>
<body onpageshow=pwned()>
<iframe src="javascript:parent.pwned()"></iframe>
<iframe srcdoc="<script>parent.pwned()</script>"></iframe>
<object data="javascript:pwned()"></object>
<embed src="javascript:pwned()">
<input autofocus onfocus=pwned()>
<select autofocus onfocus=pwned()></select>
<textarea autofocus onfocus=pwned()></textarea>
<video src=x onerror=pwned()></video>
<video><source onerror=pwned()></video>
<audio src=x onerror=pwned()></audio>
<details open ontoggle=pwned()>x</details>
<marquee onstart=pwned()>x</marquee>
<a href="javascript:pwned()" id=x>x</a>
<form action="javascript:pwned()"><button>x</button></form>
<button formaction="javascript:pwned()" form=filters>x</button>
<base href="//evil.example/">
<meta http-equiv=refresh content="0;url=javascript:pwned()">
<link rel=stylesheet href="//evil.example/x.css">
<style>@import "//evil.example/x.css"; body{display:none}</style>
<div style="background:url(javascript:pwned())">x</div>
<template><script>pwned()</script></template>
<noscript><p title="</noscript><img src=x onerror=pwned()>">
<!--><img src=x onerror=pwned()>-->
"><img src=x onerror=pwned()>
' onmouseover=pwned() autofocus tabindex=1 x='
" onfocus=pwned() autofocus tabindex=1 x="
`${pwned()}`
{{constructor.constructor('pwned()')()}}
{% raw %}{{ 7*7 }}<%= pwned() %>${pwned()}
javascript:pwned()
&lt;img src=x onerror=pwned()&gt;&#60;script&#62;pwned()&#60;/script&#62;
\\u003cimg src=x onerror=pwned()\\u003e
data: x\nevent: alert
""".strip().splitlines()
LINKS = (
    "javascript:pwned()", " javascript:pwned()", "JaVaScRiPt:pwned()", "java\tscript:pwned()", "data:text/html,x",
    "vbscript:pwned()", "//evil.example/", "https:javascript:pwned()", "blob:https://x/y", "http://[", "file:///etc/passwd",
)  # fmt: skip
INTRUDERS = (
    "[...document.querySelectorAll('main :is(script, img, svg, math, iframe, object, embed, video, audio, marquee, "
    "base, meta, link, style, template, input, textarea), dialog :is(script, img, svg, iframe)')].map(n => n.outerHTML)"
)
ATTRIBUTES = (
    "[...document.querySelectorAll('*')].flatMap(node => [...node.attributes]).map(a => a.value)"
    ".filter(value => /pwned|evil/.test(value))"
)


def poisoned(newsroom: Any, number: int, payload: str) -> list[Incoming]:
    """A story, its alert, its feed and its ledger cell with the payload wherever a stranger's words can stand."""
    at = NOW - timedelta(seconds=number)
    body = f"PARIS (AFP) - France has banned the PKK {payload} as a terrorist organisation, the Interior Ministry said."
    messages = newsroom.tell(f"poison-{number}", f"France bans PKK {payload}", body, at)
    (story,) = (message for message in messages if message.topic == Topic.RELEVANT)
    text = f"France bans PKK {payload}\n{body}"
    known = the_alert(banned(type(newsroom)(newsroom.registry)))
    link = LINKS[number % len(LINKS)]
    bad = like(
        known,
        id=f"{number}-{payload}",
        authority_name=payload,
        group_name=payload,
        speaker=payload,
        medium=payload,
        reason=payload,
        changed=(payload, "level"),
        bundle="one for several" if number % 2 else f"poison-{number}",
        instrument=payload,
        scope=payload,
        evidence=like(known.evidence, start=0, end=len(text), text=text, rule=payload),
        story=like(known.story, id=f"poison-{number}", headline=payload, feed=payload, source=payload, link=link),
    )
    state = FeedState(feed=payload, outcome=payload, polled_at=at, newest=at, moved_to=payload)
    made = [
        newsroom.message(Topic.ALERTS, "fr|pkk", encode(alert), at)
        for alert in (bad, like(bad, revision=2, reason=f"{payload} again"))
    ]
    named = f"named-{number}"
    feeds = [
        newsroom.message(Topic.FEED_STATE, payload, encode(state), at),
        newsroom.message(Topic.FEED_STATE, named, encode(like(state, feed=named)), at),
        listed(newsroom, named, payload),
    ]
    return [story, *made, *feeds]


@pytest.mark.parametrize("bypass", [False, True], ids=["with the policy", "without the policy"])
async def test_hostile_text_is_text_and_nothing_else(served: Served, tab: Tab, bypass: bool) -> None:
    """The page alone keeps it inert; the policy, which a browser would enforce besides, has nothing to complain of."""
    assert len(PAYLOADS) >= 50
    await tab.call("Page.setBypassCSP", enabled=bypass)
    await tab.call("Page.addScriptToEvaluateOnNewDocument", source="window.pwned = () => { window.harm = true }")
    served.take(banned(served.newsroom, "first"))
    await tab.go(served.url)
    for number, payload in enumerate(PAYLOADS):
        served.take(poisoned(served.newsroom, number, payload))
    await tab.until(CARDS, len(PAYLOADS) + 1)  # by the stream
    await tab.go(served.url)
    await tab.until(CARDS, len(PAYLOADS) + 1)  # by the list
    await tab.value(OPEN_ALL)
    assert await tab.value(ITEMS) == len(PAYLOADS) // 2 + 3
    shown = await tab.value("document.getElementById('alerts').textContent")
    assert [payload for payload in PAYLOADS if shown.count(payload) < 9] == []
    await look_around(served, tab)
    assert await tab.value("window.harm === undefined")
    assert tab.complaints() == []
    addresses = [m["params"]["request"]["url"] for m in tab.said if m["method"] == "Network.requestWillBeSent"]
    assert [address for address in addresses if not address.startswith(served.url)] == []


async def test_a_link_that_leads_to_no_web_address_is_none_even_if_the_server_sends_it(
    served: Served, tab: Tab
) -> None:
    served.take(banned(served.newsroom, link="https://agency.example/1"))
    async with aiohttp.ClientSession() as session, session.get(f"{served.url}api/alerts") as answer:
        body = (await answer.text()).replace("https://agency.example/1", "javascript:pwned()")
    await tab.call("Fetch.enable", patterns=[{"urlPattern": "*/api/alerts"}])
    await tab.call("Page.navigate", url=served.url)
    async with asyncio.timeout(15):
        while not (held := [m["params"] for m in tab.said if m["method"] == "Fetch.requestPaused"]):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    encoded = base64.b64encode(body.encode()).decode()
    await tab.call("Fetch.fulfillRequest", requestId=held[0]["requestId"], responseCode=200, body=encoded)
    await tab.until(CARDS, 1)
    assert await tab.value("document.querySelector('.source').innerText.startsWith('France bans PKK')")
    assert await tab.value("document.querySelector('.source a')") is None


async def look_around(served: Served, tab: Tab) -> None:
    """Every view, a cell's history, and the JSON opened as a document of its own."""
    for view in VIEWS:
        await tab.go(f"{served.url}?view={view}")
        await tab.until(f"document.querySelectorAll('#view-{view} :is(li, tr)').length > 1")
        assert await tab.value(INTRUDERS) == []
        assert await tab.value(ATTRIBUTES) == []
    links = await tab.value("[...document.querySelectorAll('main a')].map(node => node.protocol)")
    assert set(links) <= {"http:", "https:"}
    await tab.call("Page.navigate", url=f"{served.url}api/alerts")
    await tab.until("document.contentType", "application/json")
    assert await tab.value("window.harm === undefined")
