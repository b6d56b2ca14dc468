"""Alerts from a real Apache Kafka to real receivers: one refuses, one is down for a while, none is forgotten."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from msgspec.structs import replace
from standardwebhooks import Webhook

from agents.broker import Broker, BrokerSpec
from agents.egress import LOOPBACK
from agents.herald import Herald
from agents.kafka import Incoming, Outgoing, Publisher, create_topics
from agents.letters import opened
from agents.memory import LogReader
from agents.sinks import Means, open_sink
from streams.codec import encode
from streams.outlets import parse_outlet
from streams.records import Alert, AlertId
from streams.topics import Topic, partitions_of

pytestmark = pytest.mark.kafka

SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture(scope="module")
def bootstrap(broker_spec: Callable[[Path], BrokerSpec], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker of this module's own: the herald reads the topic of alerts."""
    with Broker.start(broker_spec(tmp_path_factory.mktemp("herald-kafka")), lambda _: None) as broker:
        asyncio.run(create_topics(broker.bootstrap))
        yield broker.bootstrap


class Desk:
    """A receiver that verifies, refuses repeats by id, and answers as told by the alert's id."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.tries: dict[str, int] = {}

    async def handle(self, request: web.Request) -> web.Response:
        body = Webhook(SECRET).verify(await request.read(), dict(request.headers))
        name = request.headers["webhook-id"]
        self.tries[name] = self.tries.get(name, 0) + 1
        if body["id"] == "refused":
            return web.Response(status=422)
        if body["id"] == "down" and self.tries[name] < 3:
            return web.Response(status=503)
        assert name not in self.taken
        self.taken.append(name)
        return web.Response(status=204)


@asynccontextmanager
async def heralding(bootstrap: str, publisher: Publisher, url: str) -> AsyncIterator[None]:
    """A herald of this sink runs; it ends as the worker ends it."""
    sink = open_sink(url, Means(allowed=LOOPBACK))
    wanted = parse_outlet(url).wanted
    herald = Herald(bootstrap, url, sink, publisher, LogReader(bootstrap), wanted, first_pause_s=0.01)
    task = asyncio.create_task(herald.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], bool], seconds: float = 40) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - a receiver raises no event of ours
            await asyncio.sleep(0.05)


async def test_refused_alerts_are_parked_late_ones_arrive_and_a_restart_repeats_nothing(
    bootstrap: str, tmp_path: Path, alert_of: Callable[..., Alert]
) -> None:
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    desk, app, publisher = Desk(), web.Application(), Publisher(bootstrap)
    app.router.add_post("/", desk.handle)
    await publisher.start()

    async def tell(**change: object) -> None:
        await publisher.publish(Outgoing(Topic.ALERTS, b"ru|taliban", encode(alert_of(**change))))

    def filed() -> set[str]:
        return {json.loads(line)["id"] for line in (tmp_path / "all.jsonl").read_text().splitlines()}

    async with TestServer(app) as server:
        url = f"webhook+{server.make_url('/')}?secret_file={secret}&authority=ru"
        file = f"jsonl:{tmp_path}/all.jsonl"
        async with heralding(bootstrap, publisher, url), heralding(bootstrap, publisher, file):
            for change in (
                {"id": "a"},
                {"id": "refused"},
                {"id": "down"},
                {"id": "us", "authority": "us"},
                {"id": "z"},
            ):
                await tell(**change)
            await until(lambda: "z-1" in desk.taken and filed() >= {"a", "refused", "down", "us", "z"})
        await tell(id="z")
        await tell(id="z", revision=2)
        async with heralding(bootstrap, publisher, url):
            await until(lambda: "z-2" in desk.taken)
    assert desk.taken == ["a-1", "down-1", "z-1", "z-2"]
    assert desk.tries == {"a-1": 1, "refused-1": 1, "down-1": 3, "z-1": 1, "z-2": 1}
    (letter,) = [opened(message) for message in await letters(bootstrap)]
    assert (letter.reason, json.loads(letter.value or b"")["id"]) == ("sink-refused", "refused")
    assert letter.error.endswith(": HTTP 422")
    await publisher.stop()


async def test_a_story_about_thirteen_groups_is_one_message_to_people(
    bootstrap: str, tmp_path: Path, alert_of: Callable[..., Alert]
) -> None:
    posts: list[str] = []

    async def take(request: web.Request) -> web.Response:
        posts.append(await request.text())
        return web.Response(text="ok")

    app, publisher = web.Application(), Publisher(bootstrap)
    app.router.add_post("/hook", take)
    await publisher.start()
    groups = [f"thirteen-{number}-of-them" for number in range(13)]
    told = [alert_of(id=group, group=group, group_name=group, authority="ca", bundle="thirteen") for group in groups]
    async with TestServer(app) as server:
        hook = tmp_path / "hook"
        hook.write_text(str(server.make_url("/hook")))
        hook.chmod(0o600)
        url = f"slack:{hook}?authority=ca"
        async with heralding(bootstrap, publisher, url):
            await publisher.publish(*(Outgoing(Topic.ALERTS, f"ca|{one.group}".encode(), encode(one)) for one in told))
            await until(lambda: bool(posts))
            last = alert_of(id="last", authority="ca", bundle="last")
            await publisher.publish(Outgoing(Topic.ALERTS, b"ca|last", encode(last)))
            await until(lambda: "last" in posts[-1])
        await publisher.publish(Outgoing(Topic.ALERTS, b"ca|last", encode(replace(last, id=AlertId("again")))))
        async with heralding(bootstrap, publisher, url):
            await until(lambda: "again" in posts[-1])
    await publisher.stop()
    assert len(posts) == 3
    assert all(group in posts[0] for group in groups)


async def letters(bootstrap: str) -> list[Incoming]:
    read = LogReader(bootstrap)
    topic = Topic.DEADLETTERS
    return [message for part in range(partitions_of(topic)) async for message in read(topic, part, 0, None)]
