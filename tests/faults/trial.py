"""One trial: stories and poison go in, the steps of the plan go wrong, what comes out is judged."""

import asyncio
import random
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from breaking import READY_S, SEEN_S, Breakage
from checker import Verdict, judge
from cluster import Cluster, free_ports
from evidence import behind, gather, on_topic
from fleet import STOP_WITHIN_S, Slot
from load import HOST, Ear, Load, Wire
from plans import Plan
from stories import Supply
from witness import Witness

from agents.app import GROUP
from agents.kafka import create_topics
from agents.sinks import group_of
from streams.registry import load_registry
from streams.topics import Topic

DRAIN_S = 300.0
SETTLE_S = 1.5
CANARY_S = 8.0
"""When a canary has come after the last assignment, and what it mends is mended."""


class Trial:
    """What a plan does to a cluster, and to the workers and pollers on it."""

    def __init__(self, plan: Plan, cluster: Cluster, folder: Path) -> None:
        self._plan = plan
        self._cluster = cluster
        self._folder = folder
        self._registry = load_registry()
        self._sink = folder / "alerts.jsonl"
        supply = Supply(self._registry, plan.seed)
        self._load = Load(plan, cluster.inside, supply)
        self._wire = Wire(supply)
        self._ear = Ear()
        self._workers = [self._worker(number) for number in range(plan.workers)]
        self._pollers = [self._process(f"poller-{number}", "poller", {}) for number in range(plan.pollers)]
        dice = random.Random(plan.seed)  # noqa: S311 - dice, not a secret
        self._breakage = Breakage(self._workers, self._pollers, cluster, lambda: self._worker(plan.workers), dice)
        self._witness = Witness(self._workers[0])
        self._seconds = 0.0

    def _worker(self, number: int) -> Slot:
        return self._process(f"worker-{number}", "worker", {"sinks": [f"jsonl:{self._sink}"]})

    def _process(self, name: str, role: str, settings: dict[str, Any]) -> Slot:
        (port,) = free_ports(1)
        common = {
            "broker": self._cluster.bootstrap,
            "replication": self._cluster.replication,
            "allow_networks": [f"{HOST}/32"],
            "data_dir": str(self._folder / name),
            "metrics_port": port,
            "poller_metrics_port": port,
        }
        return Slot(name, role, common | settings, self._folder, faults={"fail": self._plan.fail})

    async def run(self) -> Verdict:
        """The trial from the first story to the verdict."""
        began = time.monotonic()
        await create_topics(self._cluster.inside, self._cluster.replication)
        async with self._wire.serving(), self._ear.listening(self._cluster.inside), self._supervised():
            watching = asyncio.create_task(self._witness.watch())
            going_in = [asyncio.create_task(self._load.run()), asyncio.create_task(self._wire.grow(self._load.over))]
            await self._first_alert()
            for step in self._plan.steps:
                _say(f"{time.monotonic() - began:6.1f} s  {step.what} {step.label}")
                await self._breakage.take(step)
                await asyncio.sleep(SETTLE_S)
            self._load.over.set()
            await asyncio.gather(*going_in)
            watching.cancel()
            left = await self._drained()
        self._breakage.stops += await asyncio.gather(*(slot.stop() for slot in (*self._pollers, *self._workers)))
        promised = self._load.acknowledged | self._wire.offered
        found = await gather(self._cluster.inside, self._registry, promised, self._sink)
        found.behind = left
        self._seconds = time.monotonic() - began
        return judge(found)

    def figures(self) -> dict[str, object]:
        """What was done, and how long the others needed to take over."""
        done = self._breakage
        late = [stop for stop in done.stops if stop[0] != 0 or stop[1] > STOP_WITHIN_S]
        return {
            "nodes": self._plan.nodes,
            "workers": self._plan.workers,
            "pollers": self._plan.pollers,
            "seed": self._plan.seed,
            "stories": self._load.stories + len(self._wire.offered),
            "polled": len(self._wire.offered),
            "poison": self._load.poisoned,
            "kills": done.kills,
            "aborts": sum(slot.aborted for slot in (*self._workers, *self._pollers)),
            "sigterms": len(done.stops),
            "sigterms_late_or_failed": len(late),
            "points_unreached": done.unreached,
            "failover_s_max": round(max(self._failovers(), default=0.0), 1),
            "seconds": round(self._seconds),
            **self._witness.figures(),
        }

    def _failovers(self) -> list[float]:
        """For each kill that was alone: the longest that a story told about then waited for its alert."""
        sent, heard = self._load.sent, self._ear.heard
        return [
            max(
                (heard[n] - at for n, at in sent.items() if n in heard and kill - 2 <= at <= kill + SEEN_S), default=0.0
            )
            for kill in self._breakage.failed_at
        ]

    @asynccontextmanager
    async def _supervised(self) -> AsyncIterator[None]:
        """All processes run, and whoever ends by itself is started again."""
        for slot in self._pollers:
            slot.feeds = self._wire.feeds()
        task = asyncio.create_task(self._breakage.supervise())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _first_alert(self) -> None:
        async with asyncio.timeout(READY_S):
            while not self._ear.heard:  # noqa: ASYNC110 - the ear raises no event
                await asyncio.sleep(0.1)

    async def _drained(self) -> dict[str, int]:
        """What is not committed once nothing moves any more."""
        await self._caught_up(DRAIN_S)
        await asyncio.sleep(CANARY_S)
        return await self._caught_up(DRAIN_S)

    async def _caught_up(self, within_s: float) -> dict[str, int]:
        """What is not committed, once that is nothing or the time is over."""
        groups = {
            GROUP: (Topic.STORIES, Topic.RELEVANT, Topic.CLAIMS),
            group_of(f"jsonl:{self._sink}"): (Topic.ALERTS,),
        }
        deadline = time.monotonic() + within_s
        while (left := await behind(self._cluster.inside, groups)) or not await self._has_arrived():
            if time.monotonic() > deadline:
                break
            await asyncio.sleep(1)
        return left

    async def _has_arrived(self) -> bool:
        """Whether the pollers have brought all that was offered."""
        there = await on_topic(self._cluster.inside)
        return self._wire.offered <= there.stories and self._wire.killed <= there.killed

    def close(self) -> None:
        """Ends what still runs."""
        for slot in (*self._workers, *self._pollers):
            slot.close()


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
