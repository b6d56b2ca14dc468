"""What goes wrong in a trial: each method of `Breakage` is one sort of step, awaited until it is over."""

import asyncio
import random
import time
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from cluster import Cluster, Node
from fleet import Slot
from plans import Step

REACH_S = 90.0
"""How long a labelled point may take to be passed."""
READY_S = 90.0
SEEN_S = 10.0
"""Stories that were sent so long after a kill may have waited for its sake."""
CALM_S = 18.0
"""After a kill that is measured, nothing else happens for so long."""


@dataclass
class Breakage:
    """Breaks workers and nodes by the plan, and keeps count."""

    workers: Sequence[Slot]
    pollers: Sequence[Slot]
    cluster: Cluster
    hire: Callable[[], Slot]
    dice: random.Random
    kills: int = 0
    failed_at: list[float] = field(default_factory=list)
    stops: list[tuple[int, float]] = field(default_factory=list)
    unreached: list[str] = field(default_factory=list)
    _watched: bool = True

    async def take(self, step: Step) -> None:
        """Does what the step says."""
        await getattr(self, f"_{step.what}")(step)

    async def supervise(self) -> None:
        """Starts again whoever ends by itself, for ever."""
        while True:
            for slot in (*self.workers, *self.pollers) if self._watched else ():
                slot.restart_if_ended()
            await asyncio.sleep(0.2)

    def _one(self) -> Slot:
        """Any worker; of three or more never the first, whose memory is watched."""
        return self.dice.choice(self.workers if len(self.workers) < 3 else self.workers[1:])

    async def _replaced(self, worker: Slot, **faults: object) -> None:
        self._watched = False
        await worker.kill()
        self.kills += 1
        worker.start(**faults)
        self._watched = True

    async def _failover(self, _: Step) -> None:
        """A kill with nothing else going wrong, before or after."""
        await asyncio.sleep(2)
        self.failed_at.append(time.monotonic())
        await self._replaced(self._one())
        await asyncio.sleep(CALM_S)

    async def _kill(self, _: Step) -> None:
        await self._replaced(self._one())
        await asyncio.sleep(self.dice.uniform(1, 8))

    async def _point(self, step: Step) -> None:
        if not await self._is_killed_at(step.label, self._one(), self.dice.randrange(1, 4)):
            self.unreached.append(f"worker: {step.label}")

    async def _poller_point(self, step: Step) -> None:
        """Whichever poller has a feed that brings it there."""
        for poller in self.dice.sample(self.pollers, len(self.pollers)):
            if await self._is_killed_at(step.label, poller, 1):
                return
        self.unreached.append(f"poller: {step.label}")

    async def _is_killed_at(self, label: str, armed: Slot, nth: int) -> bool:
        """The process is started anew, to be killed when it comes to the point; whether it did in time."""
        self._watched = False
        await armed.kill()
        armed.start(kill_at=label, nth=nth)
        is_reached = await armed.ended(REACH_S) is not None
        if not is_reached:
            await armed.kill()
        self.kills += 2
        armed.start()
        self._watched = True
        return is_reached

    async def _poller_kill(self, _: Step) -> None:
        await self._replaced(self.dice.choice(self.pollers))
        await asyncio.sleep(self.dice.uniform(1, 8))

    async def _poller_zombie(self, step: Step) -> None:
        await self.dice.choice(self.pollers).freeze(step.seconds)
        await asyncio.sleep(5)

    async def _term(self, _: Step) -> None:
        self._watched = False
        worker = self._one()
        async with asyncio.timeout(READY_S):
            while not await asyncio.to_thread(self._is_ready, worker):
                worker.restart_if_ended()
                await asyncio.sleep(0.2)
        self.stops.append(await worker.stop())
        worker.start()
        self._watched = True

    async def _zombie(self, step: Step) -> None:
        """Frozen for longer than its session, so that others have its partitions when it goes on."""
        await self._one().freeze(step.seconds)
        await asyncio.sleep(5)

    async def _storm(self, _: Step) -> None:
        """A worker joins and leaves, three times."""
        guest = self.hire()
        for _ in range(3):
            guest.start()
            await asyncio.sleep(self.dice.uniform(4, 8))
            await guest.kill()
            self.kills += 1

    async def _clock(self, step: Step) -> None:
        await self._replaced(self._one(), jump_s=step.seconds)
        await asyncio.sleep(18)

    async def _disk(self, step: Step) -> None:
        """No file of one worker grows, then it has room again."""
        worker = self._one()
        await self._replaced(worker, full_disk=True)
        await asyncio.sleep(step.seconds)
        await self._replaced(worker)

    async def _cut(self, _: Step) -> None:
        for _ in range(3):
            self.dice.choice(self.cluster.nodes).proxy.cut()
            await asyncio.sleep(self.dice.uniform(0.2, 2))

    async def _shut(self, step: Step) -> None:
        await self.dice.choice(self.cluster.nodes).proxy.shut(step.seconds)

    async def _freeze(self, step: Step) -> None:
        node = self.dice.choice(self.cluster.nodes)
        node.freeze()
        await asyncio.sleep(step.seconds)
        node.thaw()

    async def _bounce(self, _: Step) -> None:
        """A clean restart of a node: its leaders move away first, if there is anywhere to go."""
        node = self.dice.choice(self.cluster.nodes)
        await asyncio.to_thread(node.stop)
        await self._again(node)

    async def _outage(self, _: Step) -> None:
        """A node is killed and stays away for a while."""
        node = self.dice.choice(self.cluster.nodes)
        await asyncio.to_thread(node.kill)
        await asyncio.sleep(self.dice.uniform(3, 8))
        await self._again(node)

    async def _again(self, node: Node) -> None:
        node.start()
        await asyncio.to_thread(self.cluster.wait)
        await asyncio.sleep(5)

    @staticmethod
    def _is_ready(worker: Slot) -> bool:
        with suppress(OSError):
            url = f"http://127.0.0.1:{worker.settings['metrics_port']}/readyz"
            with urllib.request.urlopen(url, timeout=2) as answer:
                return bool(answer.status == 200)
        return False
