"""What goes in, and when: stories and poison sent straight to the topics, and feeds for the pollers."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from aiohttp import web
from aiokafka import AIOKafkaConsumer
from plans import Plan
from stories import Supply, poison

from agents.kafka import Outgoing, Publisher
from streams.codec import decode
from streams.records import Alert
from streams.topics import Topic

BATCH = 20
FEEDS = 4
OFFER_S = 1.0
"""Seconds between two new items of all feeds together."""

EMBARGO = timedelta(seconds=12)
SHOWN = 400
"""Items that a feed shows."""

HOST = "127.0.0.1"


class Load:
    """Sends stories and poison at the plan's rate, until it is told that all is over and enough were sent."""

    def __init__(self, plan: Plan, bootstrap: str, supply: Supply) -> None:
        self._plan = plan
        self._bootstrap = bootstrap
        self._supply = supply
        self._poison = poison(plan.seed)
        self._dice = random.Random(plan.seed)  # noqa: S311 - dice, not a secret
        self.over = asyncio.Event()
        self.acknowledged: set[str] = set()
        self.sent: dict[str, float] = {}
        self.poisoned = 0

    @property
    def stories(self) -> int:
        """Stories that were acknowledged."""
        return len(self.acknowledged) - self.poisoned

    async def run(self) -> None:
        """Returns when all is acknowledged."""
        publisher = Publisher(self._bootstrap, patience_s=300)
        await publisher.start()
        began, batches = time.monotonic(), 0
        while self.stories < self._plan.stories or not self.over.is_set():
            batch = [message for _ in range(BATCH) for message in self._supply.take()]
            rotten = [next(self._poison) for _ in batch if self._dice.random() < self._plan.poison]
            await self._send(publisher, batch)
            await self._send(publisher, rotten)
            self.poisoned += len(rotten)
            batches += 1
            await asyncio.sleep(max(began + batches * BATCH / self._plan.rate - time.monotonic(), 0))
        await self._send(publisher, self._supply.rest())
        await publisher.stop()

    async def _send(self, publisher: Publisher, messages: list[Outgoing]) -> None:
        now = time.monotonic()
        names = [message.key.decode() for message in messages]
        for name in names:
            self.sent.setdefault(name, now)
        await publisher.publish(*messages)
        self.acknowledged.update(names)


class Wire:
    """Feeds on loopback that grow by an item a second: quiet ones, news, news under embargo, news that is killed."""

    def __init__(self, supply: Supply) -> None:
        self._supply = supply
        self._items: list[list[dict[str, object]]] = [[] for _ in range(FEEDS)]
        self.offered: set[str] = set()
        self.killed: set[str] = set()
        self.port = 0

    def feeds(self) -> tuple[dict[str, object], ...]:
        """As a poller's feed list has them."""
        return tuple(
            {"key": f"feed-{n}", "url": f"http://{HOST}:{self.port}/{n}", "name": f"Feed {n}", "interval_s": 2}
            for n in range(FEEDS)
        )

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Serves the feeds."""
        application = web.Application()
        application.router.add_get("/{number}", self._answer)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, HOST, 0).start()
            self.port = runner.addresses[0][1]
            yield
        finally:
            await runner.cleanup()

    async def grow(self, over: asyncio.Event) -> None:
        """New items, until all is over; then the kill that is still owed."""
        number = 0
        while not over.is_set():
            self._offer(number)
            number += 1
            await asyncio.sleep(OFFER_S)
        self._kill(self._supply.to_kill, datetime.now(UTC))

    def _offer(self, number: int) -> None:
        now = datetime.now(UTC)
        name, text, is_embargoed, is_kill = self._supply.item(number)
        items = self._items[number % FEEDS]
        if is_kill:
            self._kill(name, now)
            return
        until = (now + EMBARGO).isoformat() if is_embargoed else None
        items.append(
            {
                "format": "digitalwires@0.9.1",
                "type": "composite",
                "urn": name,
                "version": 1,
                "language": "en",
                "version_created": now.isoformat(),
                "embargoed": until,
                "pubstatus": "usable",
                "headline": text,
                "article_html": f"<p>{text}</p>",
                "associations": [],
            }
        )
        self.offered.add(name)

    def _kill(self, name: str, now: datetime) -> None:
        for items in self._items:
            for item in items:
                if item["urn"] == name:
                    self.killed.add(name)
                    item |= {"version": 2, "pubstatus": "canceled", "version_created": now.isoformat()}

    async def _answer(self, request: web.Request) -> web.Response:
        items = self._items[int(request.match_info["number"])]
        return web.json_response({"entries": items[-SHOWN:][::-1]})


class Ear:
    """Notes when the first alert of each story is on the topic."""

    def __init__(self) -> None:
        self.heard: dict[str, float] = {}

    @asynccontextmanager
    async def listening(self, bootstrap: str) -> AsyncIterator[None]:
        """Listens for as long as the block runs."""
        consumer = AIOKafkaConsumer(str(Topic.ALERTS), bootstrap_servers=bootstrap, auto_offset_reset="earliest")
        await consumer.start()

        async def hear() -> None:
            async for message in consumer:
                self.heard.setdefault(decode(message.value, Alert).bundle, time.monotonic())

        task = asyncio.create_task(hear())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await consumer.stop()
