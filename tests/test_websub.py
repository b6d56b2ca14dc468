"""The WebSub subscriber against a hub of our own, over real HTTP both ways."""

import asyncio
import hashlib
import hmac
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port
from msgspec.structs import replace
from rich.pretty import pretty_repr
from yarl import URL

from agents.callbacks import Limits as Reading
from agents.callbacks import called
from agents.egress import LOOPBACK
from agents.fetching import Limits
from agents.hubs import Hubs
from agents.messages import BrokerDown
from agents.metrics import LEASES
from agents.parsing import ParserKilled
from agents.websub import ASKS_WORTH_A_WARNING, Subscriber
from streams import codec
from streams.errors import SettingsError, WireError
from streams.feeds import FeedSpec
from streams.websub import DENIED_FOR, LEASE, RETRY_FIRST, Push, Subscription

START = datetime(2026, 11, 24, 12, tzinfo=UTC)
FEED = FeedSpec(key="harbour", url="http://wire.example/harbour.xml", name="Harbour Wire")
TOPIC = "http://wire.example/self.xml"
BODY = b"<rss version='2.0'><channel><item><guid>1</guid></item></channel></rss>"
Form = Mapping[str, str]


class Clock:
    """Stands still until it is told."""

    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> datetime:
        return self.time

    def advance(self, by: timedelta) -> None:
        self.time += by


class Store:
    """Keeps bytes as a topic does, and can be told to fail."""

    def __init__(self) -> None:
        self.raw: dict[str, bytes] = {}
        self.saves = 0
        self.down = False

    async def load(self, key: str) -> bytes | None:
        return self.raw.get(key)

    async def save(self, key: str, value: bytes | None) -> None:
        if self.down:
            raise BrokerDown("broker.example:9092", "down")
        self.saves += 1
        if value is None:
            self.raw.pop(key, None)
        else:
            self.raw[key] = value

    def subscription(self) -> Subscription:
        return codec.decode(self.raw[FEED.key], Subscription)


class Hub:
    """Takes requests, and calls back when a test wants it to."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self.url = ""
        self.asked: list[Form] = []
        self.status = 202
        self.location: str | None = None
        self.at_once = False  # verifies before it answers, as hubs of the old protocol do
        self.verified: list[tuple[int, str]] = []
        self.has_verified = asyncio.Event()
        self._http = http

    async def handle(self, request: web.Request) -> web.Response:
        if self.location is not None:
            return web.Response(status=self.status, headers={"Location": self.location})
        self.asked.append({name: str(value) for name, value in (await request.post()).items()})
        if self.at_once:
            await self.verify()
        return web.Response(status=self.status, text=f"what you sent: {self.asked[-1]}")

    async def get(self, url: str | None = None, **told: str | None) -> tuple[int, str]:
        form = self.asked[-1]
        query = {"hub.mode": "subscribe", "hub.topic": form["hub.topic"], "hub.challenge": "c h+a&l/l€nge"}
        query["hub.lease_seconds"] = form["hub.lease_seconds"]
        query |= {f"hub.{name}": value for name, value in told.items()}  # type: ignore[dict-item]
        left = {name: value for name, value in query.items() if value is not None}
        async with self._http.get(url or form["hub.callback"], params=left, allow_redirects=False) as answer:
            return answer.status, await answer.text()

    async def verify(self, **told: str | None) -> None:
        self.verified.append(await self.get(**told))
        self.has_verified.set()

    def signature(self, body: bytes, method: str = "sha256") -> str:
        return f"{method}={hmac.new(self.asked[-1]['hub.secret'].encode(), body, method).hexdigest()}"

    async def push(self, body: bytes = BODY, url: str | None = None, **headers: str) -> int:
        """Signed, unless the headers say otherwise."""
        sent = {"X-Hub-Signature": self.signature(body), "Content-Type": "text/xml"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        async with self._http.post(url or self.asked[-1]["hub.callback"], data=body, headers=sent) as answer:
            return answer.status


class Desk:
    """What arrives from hubs, and whether it can be handed on."""

    def __init__(self) -> None:
        self.received: list[tuple[str, str, bytes, str | None]] = []
        self.outcomes: list[Push] = []
        self.trouble: Exception | None = None
        self.open = asyncio.Event()
        self.open.set()
        self.waiting = asyncio.Semaphore(0)
        self.counted = asyncio.Semaphore(0)

    def observe(self, outcome: Push) -> None:
        self.outcomes.append(outcome)
        self.counted.release()

    async def receive(self, feed: str, topic: str, body: bytes, media_type: str | None) -> None:
        self.waiting.release()
        await self.open.wait()
        if self.trouble is not None:
            raise self.trouble
        self.received.append((feed, topic, body, media_type))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def hub(http: aiohttp.ClientSession) -> AsyncIterator[Hub]:
    hub = Hub(http)
    app = web.Application()
    app.router.add_post("/{path:.*}", hub.handle)
    async with TestServer(app, host="127.0.0.1") as server:
        hub.url = f"http://127.0.0.1:{server.port}/hub"
        yield hub


Start = Callable[..., Any]


@pytest.fixture
async def start(clock: Clock, store: Store, desk: Desk) -> AsyncIterator[Start]:
    """Starts a subscriber that is called on loopback."""
    async with AsyncExitStack() as stack:
        hubs = await stack.enter_async_context(Hubs(contact="desk@wire.example", allowed=LOOPBACK))

        async def begin(**limits: Any) -> Subscriber:
            port = unused_port()
            base = f"http://127.0.0.1:{port}/pushed/"
            subscriber = Subscriber(base, receive=desk.receive, post=hubs.post, store=store, now=clock)
            reading = Reading(**limits)
            served = called(subscriber, "127.0.0.1", port, limits=reading, observe=desk.observe)
            assert await stack.enter_async_context(served) == port
            return subscriber

        yield begin


@pytest.fixture
async def subscriber(start: Start, hub: Hub) -> Subscriber:
    """One that has asked the hub for a feed."""
    subscriber: Subscriber = await start()
    await subscriber.offer(FEED, hub.url, TOPIC)
    await subscriber.tend()
    return subscriber


class TestSubscribing:
    async def test_a_feed_with_a_hub_is_asked_for(self, subscriber: Subscriber, hub: Hub) -> None:
        (form,) = hub.asked
        assert (form["hub.mode"], form["hub.topic"]) == ("subscribe", TOPIC)
        assert form["hub.lease_seconds"] == str(int(LEASE.total_seconds()))
        assert form["hub.callback"].startswith(f"{subscriber.base}/harbour/")
        assert URL(form["hub.callback"]).path.startswith("/pushed/harbour/")
        assert len(form["hub.callback"].rpartition("/")[2]) >= 43  # 256 bits
        assert 32 <= len(form["hub.secret"]) < 200

    async def test_offering_alone_asks_nobody_and_offering_again_asks_nobody_again(
        self, subscriber: Subscriber, hub: Hub, store: Store
    ) -> None:
        saves = store.saves
        for _ in range(3):
            await subscriber.offer(FEED, hub.url, TOPIC)
            await subscriber.tend()
        assert (len(hub.asked), store.saves) == (1, saves)

    async def test_no_two_subscriptions_share_callback_or_secret(self, subscriber: Subscriber, hub: Hub) -> None:
        await subscriber.offer(replace(FEED, key="quay"), hub.url, TOPIC)
        await subscriber.tend()
        first, second = hub.asked
        assert first["hub.callback"].rpartition("/")[2] != second["hub.callback"].rpartition("/")[2]
        assert first["hub.secret"] != second["hub.secret"]

    @pytest.mark.parametrize("hub_url", [None, "ftp://hub.example/", "http://user:pw@hub.example/", "http://[::1/"])
    async def test_without_a_usable_hub_nobody_is_asked(self, start: Start, store: Store, hub_url: str | None) -> None:
        subscriber = await start()
        await subscriber.offer(FEED, hub_url, TOPIC)
        await subscriber.tend()
        assert store.raw == {}

    async def test_a_hub_may_lead_on_to_another(self, start: Start, hub: Hub, http: aiohttp.ClientSession) -> None:
        subscriber, old = await start(), Hub(http)
        app = web.Application()
        app.router.add_post("/{path:.*}", old.handle)
        old.status, old.location = 307, hub.url
        async with TestServer(app, host="127.0.0.1") as server:
            await subscriber.offer(FEED, f"http://127.0.0.1:{server.port}/", TOPIC)
            await subscriber.tend()
        assert hub.asked[0]["hub.topic"] == TOPIC

    @pytest.mark.parametrize(
        ("status", "location", "answer"),
        [
            (202, None, (True, "")),
            (204, None, (True, "")),
            (301, "/elsewhere", (False, "HTTP 301")),
            (303, "/elsewhere", (False, "HTTP 303")),
            (307, None, (False, "HTTP 307")),
            (422, None, (False, "HTTP 422")),
            (500, None, (False, "HTTP 500")),
        ],
    )
    async def test_what_a_hub_answers_is_told_by_its_status(
        self, hub: Hub, status: int, location: str | None, answer: tuple[bool, str]
    ) -> None:
        hub.status, hub.location = status, location
        async with Hubs(allowed=LOOPBACK) as hubs:
            assert await hubs.post(hub.url, {}) == answer


class TestVerifying:
    async def test_what_was_asked_for_is_confirmed_by_the_challenge(self, subscriber: Subscriber, hub: Hub) -> None:
        assert not subscriber.is_pushed(FEED.key)
        assert await hub.get() == (200, "c h+a&l/l€nge")
        assert subscriber.is_pushed(FEED.key)
        assert subscriber.leases() == 1

    async def test_a_hub_may_verify_before_it_answers(self, start: Start, hub: Hub) -> None:
        hub.at_once, hub.status = True, 204
        subscriber = await start()
        await subscriber.offer(FEED, hub.url, TOPIC)
        await subscriber.tend()
        assert hub.verified == [(200, "c h+a&l/l€nge")]
        assert subscriber.is_pushed(FEED.key)

    @pytest.mark.parametrize(
        "told",
        [
            {"topic": f"{TOPIC}?x"},
            {"topic": None},
            {"mode": "unsubscribe"},
            {"mode": "publish"},
            {"mode": None},
            {"challenge": None},
            {"challenge": ""},
            {"challenge": "x" * 5_000},
            {"lease_seconds": None},
            {"lease_seconds": "0"},
            {"lease_seconds": "-5"},
            {"lease_seconds": "9" * 30},
            {"lease_seconds": "1e5"},
            {"mode": "denied", "topic": "http://wire.example/other"},
        ],
        ids=str,
    )
    async def test_what_was_not_asked_for_is_not_found(
        self, subscriber: Subscriber, hub: Hub, told: dict[str, str | None]
    ) -> None:
        assert await hub.get(**told) == (404, "")
        assert not subscriber.is_pushed(FEED.key)

    async def test_an_unknown_callback_is_not_found(self, subscriber: Subscriber, hub: Hub, desk: Desk) -> None:
        callback = hub.asked[0]["hub.callback"]
        for url in (callback[:-1], f"{callback}x", callback.replace("harbour", "quay"), subscriber.base):
            assert (await hub.get(url))[0] == 404
            assert await hub.push(url=url) == 404
        assert not subscriber.is_pushed(FEED.key)
        assert desk.received == []
        assert set(desk.outcomes) == {Push.UNKNOWN}
        assert not subscriber.knows("quay", "")

    async def test_nobody_is_confirmed_before_the_hub_was_asked(self, start: Start, hub: Hub, store: Store) -> None:
        subscriber = await start()
        await subscriber.offer(FEED, hub.url, TOPIC)
        hub.asked.append({"hub.topic": TOPIC, "hub.lease_seconds": "60"})
        assert (await hub.get(store.subscription().callback))[0] == 404

    async def test_the_challenge_comes_back_as_text_and_nothing_else(
        self, subscriber: Subscriber, hub: Hub, http: aiohttp.ClientSession
    ) -> None:
        query = {"hub.mode": "subscribe", "hub.topic": TOPIC, "hub.lease_seconds": "60", "hub.challenge": "<script>"}
        async with http.get(hub.asked[0]["hub.callback"], params=query) as answer:
            assert answer.headers["Content-Type"].startswith("text/plain")
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert "Server" not in answer.headers

    @pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "OPTIONS"])
    async def test_no_other_method_is_answered(
        self, subscriber: Subscriber, hub: Hub, http: aiohttp.ClientSession, method: str
    ) -> None:
        async with http.request(method, hub.asked[0]["hub.callback"]) as answer:
            assert answer.status == 405


class TestPushing:
    @pytest.mark.parametrize("method", ["sha1", "sha256", "sha384", "sha512"])
    async def test_what_is_signed_arrives(self, subscriber: Subscriber, hub: Hub, desk: Desk, method: str) -> None:
        await hub.verify()
        assert await hub.push(X_Hub_Signature=hub.signature(BODY, method).upper()) == 202
        assert desk.received == [(FEED.key, TOPIC, BODY, "text/xml")]
        assert desk.outcomes == [Push.TAKEN]

    @pytest.mark.parametrize(
        ("signature", "outcome"),
        [
            ("", Push.BAD_SIGNATURE),
            ("sha256=", Push.BAD_SIGNATURE),
            ("sha256=\xfc", Push.BAD_SIGNATURE),
            (f"sha256={'0' * 64}", Push.BAD_SIGNATURE),
            (f"sha256={hmac.new(b'another', BODY, 'sha256').hexdigest()}", Push.BAD_SIGNATURE),
            (f"sha256={hashlib.sha256(BODY).hexdigest()}", Push.BAD_SIGNATURE),
            (f"md5={'0' * 32}", Push.BAD_SIGNATURE),
        ],
    )
    async def test_a_forged_push_is_acknowledged_counted_and_ignored(
        self, subscriber: Subscriber, hub: Hub, desk: Desk, signature: str, outcome: Push
    ) -> None:
        await hub.verify()
        assert await hub.push(X_Hub_Signature=signature) == 202
        assert (desk.received, desk.outcomes) == ([], [outcome])
        assert not subscriber.is_proven(FEED.key)

    async def test_so_is_an_unsigned_one(
        self, subscriber: Subscriber, hub: Hub, desk: Desk, http: aiohttp.ClientSession
    ) -> None:
        async with http.post(hub.asked[0]["hub.callback"], data=BODY) as answer:
            assert answer.status == 202
        assert (desk.received, desk.outcomes) == ([], [Push.UNSIGNED])

    async def test_so_is_one_that_was_changed_on_the_way(self, subscriber: Subscriber, hub: Hub, desk: Desk) -> None:
        assert await hub.push(BODY + b" ", X_Hub_Signature=hub.signature(BODY)) == 202
        assert (desk.received, desk.outcomes) == ([], [Push.BAD_SIGNATURE])

    async def test_an_empty_one_is_nothing(self, subscriber: Subscriber, hub: Hub, desk: Desk) -> None:
        assert await hub.push(b"") == 202
        assert (desk.received, desk.outcomes) == ([], [Push.EMPTY])

    async def test_a_body_at_the_cap_is_taken_and_one_above_is_not(self, start: Start, hub: Hub, desk: Desk) -> None:
        subscriber = await start(body_bytes=200_000)
        await subscriber.offer(FEED, hub.url, TOPIC)
        await subscriber.tend()
        assert await hub.push(bytes(200_000)) == 202
        assert await hub.push(bytes(200_001)) == 413
        assert [len(body) for _, _, body, _ in desk.received] == [200_000]
        assert desk.outcomes == [Push.TAKEN, Push.TOO_LARGE]

    async def test_nor_is_one_above_it_that_does_not_say_its_length(
        self, start: Start, hub: Hub, desk: Desk, http: aiohttp.ClientSession
    ) -> None:
        subscriber = await start(body_bytes=1_000)
        await subscriber.offer(FEED, hub.url, TOPIC)
        await subscriber.tend()

        async def chunks() -> AsyncIterator[bytes]:
            yield bytes(600)
            yield bytes(600)

        async with http.post(hub.asked[0]["hub.callback"], data=chunks()) as answer:
            assert answer.status == 413
        assert (desk.received, desk.outcomes) == ([], [Push.TOO_LARGE])

    async def test_what_says_that_it_is_too_large_is_not_waited_for(self, start: Start, hub: Hub, desk: Desk) -> None:
        subscriber = await start(body_bytes=99)
        await subscriber.offer(FEED, hub.url, TOPIC)
        await subscriber.tend()
        reader, writer = await half_a_push(hub.asked[0]["hub.callback"])
        async with asyncio.timeout(5):
            assert b"413" in await reader.readline()
        writer.close()
        await writer.wait_closed()

    async def test_a_body_that_does_not_come_is_not_waited_for(self, start: Start, hub: Hub, desk: Desk) -> None:
        subscriber = await start(read_s=0.01)
        await subscriber.offer(FEED, hub.url, TOPIC)
        await subscriber.tend()
        reader, writer = await half_a_push(hub.asked[0]["hub.callback"])
        assert b"408" in await reader.readline()
        writer.close()
        await writer.wait_closed()
        assert (desk.received, desk.outcomes) == ([], [Push.CUT_OFF])

    async def test_a_hub_that_hangs_up_is_no_fault_of_ours(
        self, subscriber: Subscriber, hub: Hub, desk: Desk, caplog: pytest.LogCaptureFixture
    ) -> None:
        _, writer = await half_a_push(hub.asked[0]["hub.callback"])
        writer.close()
        async with asyncio.timeout(5):
            await desk.counted.acquire()
        assert (desk.received, desk.outcomes, caplog.text) == ([], [Push.CUT_OFF], "")

    @pytest.mark.parametrize(
        ("trouble", "status", "outcome"),
        [
            (BrokerDown("broker.example:9092", "down"), 503, Push.UNSENT),
            (WireError("not-a-feed"), 202, Push.UNREADABLE),
            (ParserKilled(FEED.key, "over its limit"), 202, Push.UNREADABLE),
            (ZeroDivisionError("ours"), 500, Push.FAULT),
        ],
        ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
    )
    async def test_the_hub_is_to_try_again_only_where_that_can_help(
        self, subscriber: Subscriber, hub: Hub, desk: Desk, trouble: Exception, status: int, outcome: Push
    ) -> None:
        await hub.verify()
        desk.trouble = trouble
        assert await hub.push() == status
        assert (desk.received, desk.outcomes) == ([], [outcome])
        assert not subscriber.is_proven(FEED.key)
        desk.trouble = None
        assert await hub.push() == 202
        assert len(desk.received) == 1

    async def test_nobody_waits_for_ever_on_the_broker(self, start: Start, hub: Hub, desk: Desk) -> None:
        subscriber = await start(take_s=0.01)
        await subscriber.offer(FEED, hub.url, TOPIC)
        await subscriber.tend()
        desk.open.clear()
        assert await hub.push() == 503
        assert (desk.received, desk.outcomes) == ([], [Push.UNSENT])

    async def test_a_feed_that_is_let_go_while_its_body_comes_is_not_handed_on(
        self, subscriber: Subscriber, hub: Hub, desk: Desk, http: aiohttp.ClientSession
    ) -> None:
        looked_up, knows = asyncio.Event(), subscriber.knows

        def spied(feed_key: str, token: str) -> bool:
            looked_up.set()
            return knows(feed_key, token)

        async def body() -> AsyncIterator[bytes]:
            yield BODY[:10]
            await looked_up.wait()
            subscriber.drop(FEED.key)
            yield BODY[10:]

        subscriber.knows = spied  # type: ignore[method-assign]
        headers = {"X-Hub-Signature": hub.signature(BODY)}
        async with http.post(hub.asked[0]["hub.callback"], data=body(), headers=headers) as answer:
            assert answer.status == 404
        assert (desk.received, desk.outcomes) == ([], [Push.UNKNOWN])

    async def test_too_many_at_once_are_asked_to_come_again(self, start: Start, hub: Hub, desk: Desk) -> None:
        subscriber = await start(at_once=3)
        await subscriber.offer(FEED, hub.url, TOPIC)
        await subscriber.tend()
        desk.open.clear()
        pushes = [asyncio.create_task(hub.push()) for _ in range(3)]
        for _ in pushes:
            await desk.waiting.acquire()
        assert await hub.push() == 503
        desk.open.set()
        assert await asyncio.gather(*pushes) == [202] * 3
        assert await hub.push() == 202


async def half_a_push(callback: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    url = URL(callback)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(f"POST {url.path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf".encode())
    return reader, writer


class TestLeases:
    async def test_a_lease_is_renewed_when_half_of_it_is_over(
        self, subscriber: Subscriber, hub: Hub, clock: Clock
    ) -> None:
        await hub.verify(lease_seconds="7200")
        clock.advance(timedelta(seconds=3_599))
        assert await subscriber.tend() == 1.0
        assert len(hub.asked) == 1
        clock.advance(timedelta(seconds=1))
        await subscriber.tend()
        assert len(hub.asked) == 2
        assert hub.asked[1] == hub.asked[0]  # else the hub would hold two and push everything twice
        await hub.verify(lease_seconds="7200")
        clock.advance(timedelta(seconds=7_199))
        assert subscriber.is_pushed(FEED.key)

    async def test_a_lease_that_is_not_renewed_ends(self, subscriber: Subscriber, hub: Hub, clock: Clock) -> None:
        await hub.verify(lease_seconds="7200")
        await hub.push()
        clock.advance(timedelta(seconds=7_199))
        assert (subscriber.is_pushed(FEED.key), subscriber.is_proven(FEED.key)) == (True, True)
        clock.advance(timedelta(seconds=1))
        assert (subscriber.is_pushed(FEED.key), subscriber.is_proven(FEED.key)) == (False, False)
        assert subscriber.leases() == 0

    async def test_no_hub_can_promise_for_ever(self, subscriber: Subscriber, hub: Hub, clock: Clock) -> None:
        await hub.verify(lease_seconds="9999999999")
        clock.advance(timedelta(days=30))
        assert not subscriber.is_pushed(FEED.key)

    async def test_a_hub_is_proven_by_a_push_until_it_misses_one(
        self, subscriber: Subscriber, hub: Hub, store: Store, clock: Clock
    ) -> None:
        await hub.verify()
        assert not subscriber.is_proven(FEED.key)
        await hub.push()
        saves = store.saves
        clock.advance(timedelta(seconds=1))
        await hub.push()
        assert subscriber.is_proven(FEED.key)
        assert store.saves == saves  # once is enough
        await subscriber.missed(FEED.key)
        assert (subscriber.is_pushed(FEED.key), subscriber.is_proven(FEED.key)) == (True, False)
        await hub.push()
        assert subscriber.is_proven(FEED.key)

    async def test_a_feed_that_names_no_hub_any_more_runs_out(
        self, subscriber: Subscriber, hub: Hub, clock: Clock
    ) -> None:
        await hub.verify(lease_seconds="7200")
        await subscriber.offer(FEED, None, None)
        assert subscriber.is_pushed(FEED.key)
        assert (await hub.get())[0] == 404
        clock.advance(timedelta(hours=2))
        await subscriber.tend()
        assert (subscriber.is_pushed(FEED.key), len(hub.asked)) == (False, 1)
        await subscriber.offer(FEED, hub.url, TOPIC)
        await subscriber.tend()
        assert len(hub.asked) == 2

    async def test_a_feed_that_moves_to_another_topic_gets_another_callback(
        self, subscriber: Subscriber, hub: Hub, clock: Clock
    ) -> None:
        await hub.verify()
        clock.advance(timedelta(hours=1))
        await subscriber.offer(FEED, hub.url, "http://wire.example/new.xml")
        await subscriber.tend()
        old, new = hub.asked
        assert new["hub.topic"] == "http://wire.example/new.xml"
        assert not subscriber.is_pushed(FEED.key)
        assert await hub.push(url=old["hub.callback"]) == 404

    async def test_run_asks_as_soon_as_a_feed_is_offered(self, start: Start, hub: Hub) -> None:
        subscriber = await start()
        hub.at_once = True
        running = asyncio.create_task(subscriber.run())
        await subscriber.offer(FEED, hub.url, TOPIC)
        async with asyncio.timeout(5):
            await hub.has_verified.wait()
        assert subscriber.is_pushed(FEED.key)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


class TestTrouble:
    async def test_a_denial_is_kept_with_its_reason_and_polling_is_told(
        self, subscriber: Subscriber, hub: Hub, store: Store, clock: Clock
    ) -> None:
        await hub.verify()
        await hub.push()
        reason = "topic not ours" + "!" * 1_000
        assert await hub.get(mode="denied", challenge=None, lease_seconds=None, reason=reason) == (200, "")
        assert not subscriber.is_pushed(FEED.key)
        assert (store.subscription().denied_reason, store.subscription().denied_at) == (reason[:200], START)
        clock.advance(DENIED_FOR - timedelta(seconds=1))
        await subscriber.offer(FEED, hub.url, TOPIC)
        await subscriber.tend()
        assert len(hub.asked) == 1
        clock.advance(timedelta(seconds=1))
        await subscriber.tend()
        assert len(hub.asked) == 2
        await hub.verify()
        assert (subscriber.is_pushed(FEED.key), store.subscription().denied_reason) == (True, None)
        assert not subscriber.is_proven(FEED.key)

    @pytest.mark.parametrize("status", [202, 301, 400, 404, 500])
    async def test_a_hub_that_does_not_verify_is_asked_ever_more_rarely(
        self, subscriber: Subscriber, hub: Hub, clock: Clock, store: Store, status: int
    ) -> None:
        hub.status = status
        for asks in range(1, 12):
            wait = min(RETRY_FIRST * 2 ** (asks - 1), timedelta(days=1))
            assert (store.subscription().ask_at, len(hub.asked)) == (clock.time + wait, asks)
            clock.advance(wait - timedelta(seconds=1))
            assert await subscriber.tend() == 1.0
            clock.advance(timedelta(seconds=1))
            await subscriber.tend()
        assert hub.asked[-1] == hub.asked[0]
        await hub.verify()
        assert (subscriber.is_pushed(FEED.key), store.subscription().asks) == (True, 0)

    async def test_a_hub_that_is_down_is_a_value_and_asked_again(
        self, start: Start, clock: Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        subscriber = await start()
        await subscriber.offer(FEED, f"http://127.0.0.1:{unused_port()}/", TOPIC)
        for asks in range(ASKS_WORTH_A_WARNING):
            assert "hub keeps failing" not in caplog.text
            assert await subscriber.tend() == min(300.0 * 2**asks, 3_600.0)
            clock.advance(RETRY_FIRST * 2**asks)
        assert "hub keeps failing" in caplog.text
        assert "connect-error" in caplog.text
        assert not subscriber.is_pushed(FEED.key)

    async def test_a_hub_inside_our_network_is_not_dialled(self, hub: Hub) -> None:
        async with Hubs() as hubs:
            answer = await hubs.post(hub.url, {"hub.mode": "subscribe"})
        assert (answer.accepted, answer.detail.partition(":")[0]) == (False, "blocked-address")
        assert hub.asked == []

    async def test_what_a_hub_answers_is_never_repeated(self) -> None:
        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(await reader.readexactly(len("hub.secret=hush")) + b"\r\n\r\n")
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        async with server, Hubs(allowed=LOOPBACK) as hubs:
            assert await hubs.post(url, {"hub.secret": "hush"}) == (False, "the answer is not HTTP")

    @pytest.mark.parametrize("url", ["http://", "https://[::1]:4@/", "gopher://hub.example/", "http://[::1"])
    async def test_an_address_that_is_none_is_a_value_too(self, url: str) -> None:
        async with Hubs(allowed=LOOPBACK) as hubs:
            assert await hubs.post(url, {}) == (False, "not an address that can be asked")

    async def test_redirects_of_hubs_end(self, hub: Hub) -> None:
        hub.status, hub.location = 308, "?again"
        async with Hubs(allowed=LOOPBACK, limits=Limits(redirects=2)) as hubs:
            assert (await hubs.post(hub.url, {})).detail == "bad-redirect: redirects in a circle at 127.0.0.1"
            hub.location = "file:///etc/passwd"
            assert "no http address" in (await hubs.post(hub.url, {})).detail

    async def test_a_fault_in_asking_one_hub_is_not_the_end_of_the_others(
        self, clock: Clock, store: Store, desk: Desk, caplog: pytest.LogCaptureFixture
    ) -> None:
        asked: list[str] = []

        async def post(url: str, form: Form) -> Any:
            asked.append(url)
            raise ZeroDivisionError("ours")

        subscriber = Subscriber("https://pushes.example", receive=desk.receive, post=post, store=store, now=clock)
        for key in ("a", "b"):
            await subscriber.offer(replace(FEED, key=key), f"http://hub.example/{key}", TOPIC)
        assert await subscriber.tend() == RETRY_FIRST.total_seconds()
        assert sorted(asked) == ["http://hub.example/a", "http://hub.example/b"]
        assert "a fault of ours" in caplog.text

    async def test_the_callbacks_are_served_and_leases_counted(self, hub: Hub, desk: Desk, store: Store) -> None:
        async with Hubs(allowed=LOOPBACK) as hubs:
            port = unused_port()
            base = f"http://127.0.0.1:{port}"
            subscriber = Subscriber(f"{base}/", receive=desk.receive, post=hubs.post, store=store)
            async with called(subscriber, "127.0.0.1", port):
                with pytest.raises(SettingsError, match=f"cannot be heard on 127.0.0.1:{port}"):
                    async with called(subscriber, "127.0.0.1", port):
                        pytest.fail("it listened")
                await subscriber.offer(FEED, hub.url, TOPIC)
                await subscriber.tend()
                await hub.verify()
                assert LEASES._child_samples()[0].value == 1
                packed = b"\x1f\x8b not even gzip"
                assert await hub.push(packed, Content_Encoding="gzip") == 202
                assert desk.received[-1][2] == packed  # what is signed is what came


class TestMemory:
    async def test_a_restart_goes_on_with_lease_callback_and_secret(
        self, subscriber: Subscriber, hub: Hub, store: Store, clock: Clock, desk: Desk
    ) -> None:
        await hub.verify(lease_seconds="7200")
        again = Subscriber(subscriber.base, receive=desk.receive, post=unasked, store=store, now=clock)
        assert not again.is_pushed(FEED.key)
        saves = store.saves
        await again.resume(FEED.key, "another")
        assert store.saves == saves
        assert again.is_pushed(FEED.key)
        async with called(again, "127.0.0.1", 0) as port:
            url = URL(hub.asked[0]["hub.callback"]).with_port(port)
            assert await hub.push(url=str(url)) == 202
        assert len(desk.received) == 1
        clock.advance(timedelta(hours=2))
        assert not again.is_pushed(FEED.key)

    async def test_a_feed_that_is_offered_first_after_a_restart_keeps_its_subscription(
        self, subscriber: Subscriber, hub: Hub, store: Store, clock: Clock, desk: Desk
    ) -> None:
        await hub.verify()
        again = Subscriber(subscriber.base, receive=desk.receive, post=unasked, store=store, now=clock)
        await again.offer(FEED, hub.url, TOPIC)
        await again.tend()
        assert again.is_pushed(FEED.key)

    async def test_a_new_public_address_makes_a_new_subscription(
        self, subscriber: Subscriber, hub: Hub, store: Store, clock: Clock, desk: Desk
    ) -> None:
        await hub.verify()
        async with Hubs(allowed=LOOPBACK) as hubs:
            moved = Subscriber("https://new.example", receive=desk.receive, post=hubs.post, store=store, now=clock)
            await moved.resume(FEED.key)
            assert not moved.is_pushed(FEED.key)
            await moved.tend()
        assert hub.asked[1]["hub.callback"].startswith("https://new.example/harbour/")
        assert hub.asked[1]["hub.secret"] != hub.asked[0]["hub.secret"]

    async def test_what_is_stored_is_stored_before_the_hub_is_asked(self, start: Start, hub: Hub, store: Store) -> None:
        subscriber = await start()
        await subscriber.offer(FEED, hub.url, TOPIC)
        hub.at_once = True
        await subscriber.tend()
        stored = store.subscription()
        assert (stored.callback, stored.capability.secret) == (
            hub.asked[0]["hub.callback"],
            hub.asked[0]["hub.secret"],
        )
        assert stored.until == START + LEASE

    async def test_what_the_store_did_not_take_is_stored_later(
        self, subscriber: Subscriber, hub: Hub, store: Store
    ) -> None:
        store.down = True
        await hub.verify()
        assert subscriber.is_pushed(FEED.key)
        assert store.subscription().until is None
        assert await subscriber.tend() == 60.0
        store.down = False
        await subscriber.tend()
        assert store.subscription().until == START + LEASE

    async def test_an_unreadable_value_is_a_feed_without_a_subscription(
        self, start: Start, store: Store, hub: Hub, caplog: pytest.LogCaptureFixture
    ) -> None:
        store.raw[FEED.key] = b'{"feed": "harbour", "capability": {"token": "hush"'
        subscriber = await start()
        await subscriber.resume(FEED.key)
        assert "subscription unreadable" in caplog.text
        assert "hush" not in caplog.text
        await subscriber.offer(FEED, hub.url, TOPIC)
        await subscriber.tend()
        assert len(hub.asked) == 1

    async def test_a_forgotten_feed_leaves_nothing(self, subscriber: Subscriber, hub: Hub, store: Store) -> None:
        await hub.verify()
        await subscriber.forget(FEED.key)
        assert store.raw == {}
        assert not subscriber.is_pushed(FEED.key)
        assert (await hub.push(), (await hub.get())[0]) == (404, 404)
        assert not subscriber.is_proven(FEED.key)

    async def test_a_feed_that_others_poll_now_keeps_what_is_stored(
        self, subscriber: Subscriber, hub: Hub, store: Store
    ) -> None:
        await hub.verify()
        subscriber.drop(FEED.key)
        assert store.subscription().until is not None
        assert (subscriber.is_pushed(FEED.key), await hub.push()) == (False, 404)


async def unasked(url: str, form: Form) -> Any:
    raise AssertionError(f"{url} was asked")


async def test_secrets_are_neither_printed_nor_logged(
    subscriber: Subscriber, hub: Hub, store: Store, desk: Desk, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    kept = store.subscription()
    callback, secret = hub.asked[0]["hub.callback"], hub.asked[0]["hub.secret"]
    token = callback.rpartition("/")[2]
    hub.status = 400  # and its answer quotes the form
    for _ in range(2 * ASKS_WORTH_A_WARNING):
        clock.advance(timedelta(days=1))
        await subscriber.tend()
    desk.trouble = BrokerDown("broker.example:9092", "down")
    await hub.push()
    desk.trouble = ZeroDivisionError("ours")
    await hub.push()
    store.down = True
    await hub.get(mode="denied", reason=f"cannot reach {callback} ({secret})")
    store.down = False
    await subscriber.tend()
    shown = [repr(kept), str(kept), f"{kept}", pretty_repr(kept), repr(subscriber), caplog.text]
    shown += [store.subscription().denied_reason or "", str(kept.capability), pretty_repr(kept.capability)]
    assert "hub denies" in caplog.text
    assert "not handed over" in caplog.text
    assert token in store.raw[FEED.key].decode()  # so it is the right one that is looked for
    assert [text for text in shown if token in text or secret in text] == []


async def test_malformed_requests_are_not_logged_with_their_token(
    hub: Hub, store: Store, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    port = unused_port()
    async with Hubs(allowed=LOOPBACK) as hubs:
        subscriber = Subscriber(f"http://127.0.0.1:{port}", receive=desk.receive, post=hubs.post, store=store)
        await subscriber.offer(FEED, hub.url, TOPIC)
        await subscriber.tend()
        async with called(subscriber, "127.0.0.1", port):
            path = URL(hub.asked[0]["hub.callback"]).path
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"GET {path}?\xff HTTP/1.1\r\nHost: x\r\n\r\n".encode("latin-1"))
            assert b"400" in await reader.readline()
            writer.close()
            await writer.wait_closed()
    assert path.rpartition("/")[2] not in caplog.text


@pytest.mark.parametrize("base", ["http://pushes.example", "ftp://x.example", "https://", "https://a.example/?x=1"])
def test_an_address_where_no_hub_should_call_is_refused(base: str, desk: Desk, store: Store) -> None:
    with pytest.raises(SettingsError, match="the address for hubs"):
        Subscriber(base, receive=desk.receive, post=unasked, store=store)
