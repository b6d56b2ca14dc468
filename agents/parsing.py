"""Documents are parsed in worker processes that can be killed, because a feed can make any parser hang.

    quick lane   some workers, half a second a document: all of them, and almost none needs more
    slow lane    one worker at the lowest priority: those that did not make it, with the full limits

Whoever exceeds the full limits is dead, the document is named a killer, and the next one finds a new worker. The very
document that killed one is not tried again, and a feed that was slow goes to the slow lane at once until it is quick: a
hundred feeds that each hang a parser so cost the others half a second each, once.
"""

import asyncio
import contextlib
import hashlib
import os
import signal
import sys
from dataclasses import dataclass

from agents import parser_process
from agents.metrics import PARSER_KILLS, Kill
from agents.parser_process import LENGTH_BYTES, OUT_OF_MEMORY, READY, Answer, Request, framed
from streams import codec
from streams.errors import ListwireError, WireError
from streams.wires.documents import Document

__all__ = ["Answer", "Parser", "ParserKilled", "ParserLimits", "Request"]

START_S = 30.0
LOWEST_PRIORITY = 19
_KILLS: dict[int | None, Kill] = {OUT_OF_MEMORY: Kill.MEMORY, -signal.SIGXCPU: Kill.DEADLINE}


@dataclass(frozen=True, slots=True)
class ParserLimits:
    """What one document may take. feedparser reads about 3 MB of text a second, so 5 MiB need two seconds."""

    quick_s: float = 0.5  # on the clock, in the quick lane
    cpu_s: int = 5
    wall_s: float = 15.0
    memory_mib: int = 512
    documents: int = 1_000  # a worker is replaced after so many, lest it grow for ever


class ParserKilled(ListwireError):  # noqa: N818 - what happened to it
    """The document cost its worker its life."""

    def __init__(self, feed: str, detail: str, *, overdue: bool = False) -> None:
        super().__init__(f"{feed}: parser killed: {detail}")
        self.feed = feed
        self.overdue = overdue  # by us, who waited long enough
        self.detail = detail


class Parser:
    """The two lanes. Workers start when they are needed and end with `close`."""

    def __init__(self, *, workers: int = 1, limits: ParserLimits | None = None) -> None:
        self._limits = limits or ParserLimits()
        self._quick = _Lane(workers, self._limits, 0, Kill.SLOW)
        self._slow = _Lane(1, self._limits, LOWEST_PRIORITY, Kill.DEADLINE)
        self._slow_feeds: set[str] = set()
        self._killers: dict[str, bytes] = {}  # by feed, the hash of the document that killed a worker last

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes there are now, at work or waiting."""
        return self._quick.pids + self._slow.pids

    async def parse(self, raw: bytes, request: Request) -> Document:
        """The document in `raw`. Raises WireError as `wires.decode` does, ParserKilled when too long."""
        feed, name = request.feed.key, hashlib.sha256(raw).digest()
        if self._killers.get(feed) == name:
            raise ParserKilled(feed, "the very document that killed it before")
        try:
            answer = await self._answer(raw, request)
        except ParserKilled:
            self._killers[feed] = name
            raise
        if answer.document is None:
            raise WireError(answer.reason, answer.detail)
        return answer.document

    async def close(self) -> None:
        """Ends all workers. What is being parsed is given up."""
        await self._quick.close()
        await self._slow.close()

    async def _answer(self, raw: bytes, request: Request) -> Answer:
        feed, limits = request.feed.key, self._limits
        if feed not in self._slow_feeds:
            with contextlib.suppress(ParserKilled):
                return await self._quick.ask(raw, request, min(limits.quick_s, limits.wall_s))
            self._slow_feeds.add(feed)
        answer = await self._slow.ask(raw, request, limits.wall_s)
        if answer.took_s < limits.quick_s:
            self._slow_feeds.discard(feed)
        return answer


class _Lane:
    """Workers that take documents in turn; `overdue` is what it is called to be too slow for it."""

    def __init__(self, workers: int, limits: ParserLimits, niceness: int, overdue: Kill) -> None:
        self._limits = limits
        self._niceness = niceness
        self._overdue = overdue
        self._free = asyncio.Semaphore(workers)
        self._workers: set[_Worker] = set()
        self._idle: list[_Worker] = []

    @property
    def pids(self) -> tuple[int, ...]:
        return tuple(worker.pid for worker in self._workers if worker.is_alive)

    async def ask(self, raw: bytes, request: Request, wall_s: float) -> Answer:
        """The answer. Raises ParserKilled after `wall_s`, waiting for a worker not counted, or at a worker's death."""
        async with self._free:
            worker = await self._worker(request)
            try:
                answer = await _asked(worker, raw, request, wall_s)
            except BaseException as error:
                await self._end(worker)
                if isinstance(error, ParserKilled):
                    PARSER_KILLS.labels(reason=self._overdue if error.overdue else worker.died_of).inc()
                raise
            await self._put_back(worker)
        return answer

    async def close(self) -> None:
        for worker in tuple(self._workers):
            await self._end(worker)

    async def _worker(self, request: Request) -> "_Worker":
        while self._idle:
            worker = self._idle.pop()
            if worker.is_alive:
                return worker
            await self._end(worker)
            PARSER_KILLS.labels(reason=worker.died_of).inc()
        worker = await _Worker.start(self._limits, self._niceness)
        self._workers.add(worker)
        try:
            async with asyncio.timeout(START_S):
                await worker.ready()
        except BaseException as error:
            await self._end(worker)
            if isinstance(error, TimeoutError | asyncio.IncompleteReadError):
                PARSER_KILLS.labels(reason=Kill.CRASH).inc()
                raise ParserKilled(request.feed.key, "its worker does not start") from None
            raise
        return worker

    async def _put_back(self, worker: "_Worker") -> None:
        if worker.asked < self._limits.documents:
            self._idle.append(worker)
        else:
            await self._end(worker)

    async def _end(self, worker: "_Worker") -> None:
        self._workers.discard(worker)
        if worker in self._idle:
            self._idle.remove(worker)
        await worker.end()


async def _asked(worker: "_Worker", raw: bytes, request: Request, wall_s: float) -> Answer:
    try:
        async with asyncio.timeout(wall_s):
            return await worker.ask(raw, request)
    except TimeoutError:
        raise ParserKilled(request.feed.key, f"no answer within {wall_s:g} s", overdue=True) from None
    except (asyncio.IncompleteReadError, ConnectionError):
        raise ParserKilled(request.feed.key, "over its limit of time or memory") from None


class _Worker:
    """One process, seen from the parent."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.asked = 0
        self._process = process

    @classmethod
    async def start(cls, limits: ParserLimits, niceness: int) -> "_Worker":
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # a folder `agents` where we were started from is not ours
            "-m",
            parser_process.__name__,
            *(str(limit) for limit in (limits.cpu_s, limits.memory_mib, niceness)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        return cls(process)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.returncode is None

    @property
    def died_of(self) -> Kill:
        """What ended it, who is dead: by its own limits, or not."""
        return _KILLS.get(self._process.returncode, Kill.CRASH)

    async def ready(self) -> None:
        """Returns when everything is imported, so that the time of a document is its own."""
        if self._process.stdout is None or await self._process.stdout.readexactly(LENGTH_BYTES) != READY:
            raise ConnectionError("no parser at the other end")

    async def ask(self, raw: bytes, request: Request) -> Answer:
        to, back = self._process.stdin, self._process.stdout
        if to is None or back is None:
            raise ConnectionError("no pipes")
        self.asked += 1
        to.writelines([framed(codec.encode(request)), framed(raw)])
        await to.drain()
        size = int.from_bytes(await back.readexactly(LENGTH_BYTES), "big")
        return codec.decode(await back.readexactly(size), Answer)

    async def end(self) -> None:
        # Not by the process object: it looks first whether the child is dead, and so takes its end from asyncio.
        if self.is_alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        if self._process.stdin is not None:
            self._process.stdin.close()
        await self._process.wait()
