"""Documents are parsed in a worker process that can be killed, because a feed can make any parser hang.

The parent asks, the worker answers, one document at a time, over the worker's stdin and stdout:

    request   4 bytes of length, a `Request` as JSON, 4 bytes of length, the document as it came
    answer    4 bytes of length, an `Answer` as JSON

The worker has a limit of memory for its life and one of processor time for each document; the parent adds one
of time on the clock. Whoever exceeds a limit is dead, the document is named a killer, and the next one finds
a new worker. A worker whose parent is gone, even by kill -9, reads the end of its stdin and leaves; in the
middle of a document the limit of processor time ends it.
"""

import asyncio
import contextlib
import os
import signal
import sys
from dataclasses import dataclass
from typing import BinaryIO

from msgspec import Struct

from streams import codec, wires
from streams.errors import ListwireError, WireError
from streams.feeds import FeedSpec
from streams.records import Utc
from streams.wires.documents import Document

LENGTH_BYTES = 4
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ParserLimits:
    """What one document may take. feedparser reads about 3 MB of text a second, so 5 MiB need two seconds."""

    cpu_s: int = 5
    wall_s: float = 10.0
    memory_mib: int = 512
    documents: int = 1_000  # a worker is replaced after so many, lest it grow for ever


class Request(Struct, frozen=True, kw_only=True):
    """What goes with the bytes of a document."""

    feed: FeedSpec
    received_at: Utc
    media_type: str | None = None
    url: str | None = None
    known: frozenset[str] = frozenset()  # hashes of items that need not be read again


class Answer(Struct, frozen=True, kw_only=True):
    """The document, or the facts of the WireError."""

    document: Document | None = None
    reason: str = ""
    detail: str = ""


class ParserKilled(ListwireError):  # noqa: N818 - what happened to it
    """The document cost its worker its life."""

    def __init__(self, feed: str, detail: str) -> None:
        super().__init__(f"{feed}: parser killed: {detail}")
        self.feed = feed
        self.detail = detail


class Parser:
    """The worker processes. They start when they are needed and end with `close`."""

    def __init__(self, *, workers: int = 1, limits: ParserLimits | None = None) -> None:
        self._limits = limits or ParserLimits()
        self._free = asyncio.Semaphore(workers)
        self._workers: set[_Worker] = set()
        self._idle: list[_Worker] = []

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes there are now, at work or waiting."""
        return tuple(worker.pid for worker in self._workers if worker.is_alive)

    async def parse(self, raw: bytes, request: Request) -> Document:
        """The document in `raw`. Raises WireError as `wires.decode` does, ParserKilled when too long."""
        async with self._free:
            worker = await self._worker()
            try:
                answer = await self._asked(worker, raw, request)
            except BaseException:
                await self._end(worker)
                raise
            await self._put_back(worker)
        if answer.document is None:
            raise WireError(answer.reason, answer.detail)
        return answer.document

    async def close(self) -> None:
        """Ends all workers. What is being parsed is given up."""
        for worker in tuple(self._workers):
            await self._end(worker)

    async def _worker(self) -> "_Worker":
        while self._idle:
            worker = self._idle.pop()
            if worker.is_alive:
                return worker
            await self._end(worker)
        worker = await _Worker.start(self._limits)
        self._workers.add(worker)
        return worker

    async def _asked(self, worker: "_Worker", raw: bytes, request: Request) -> Answer:
        try:
            async with asyncio.timeout(self._limits.wall_s):
                return await worker.ask(raw, request)
        except TimeoutError:
            raise ParserKilled(request.feed.key, f"no answer within {self._limits.wall_s:g} s") from None
        except (asyncio.IncompleteReadError, ConnectionError):
            raise ParserKilled(request.feed.key, "over its limit of time or memory") from None

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


class _Worker:
    """One process, seen from the parent."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.asked = 0
        self._process = process

    @classmethod
    async def start(cls, limits: ParserLimits) -> "_Worker":
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # a folder `agents` where we were started from is not ours
            "-m",
            __spec__.name,
            str(limits.cpu_s),
            str(limits.memory_mib),
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

    async def ask(self, raw: bytes, request: Request) -> Answer:
        to, back = self._process.stdin, self._process.stdout
        if to is None or back is None:
            raise ConnectionError("no pipes")
        self.asked += 1
        to.writelines(part for payload in (codec.encode(request), raw) for part in (_length(payload), payload))
        await to.drain()
        size = int.from_bytes(await back.readexactly(LENGTH_BYTES), "big")
        return codec.decode(await back.readexactly(size), Answer)

    async def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        if self._process.stdin is not None:
            self._process.stdin.close()
        await self._process.wait()


def answer(raw: bytes, request: Request) -> Answer:
    """What the worker says to one document."""
    try:
        document = wires.decode(
            raw,
            request.feed,
            request.received_at,
            media_type=request.media_type,
            url=request.url,
            known=request.known,
        )
    except WireError as error:
        return Answer(reason=error.reason, detail=error.detail)
    return Answer(document=document)


def serve(source: BinaryIO, sink: BinaryIO, cpu_s: int) -> None:
    """Answers requests until the parent closes the pipe."""
    while (head := _read(source)) is not None and (raw := _read(source)) is not None:
        _allow_cpu(cpu_s)
        reply = codec.encode(answer(raw, codec.decode(head, Request)))
        sink.write(_length(reply) + reply)
        sink.flush()


def _length(payload: bytes) -> bytes:
    return len(payload).to_bytes(LENGTH_BYTES, "big")


def _read(source: BinaryIO) -> bytes | None:
    head = source.read(LENGTH_BYTES)
    if len(head) < LENGTH_BYTES:
        return None
    size = int.from_bytes(head, "big")
    payload = source.read(size)
    return payload if len(payload) == size else None


def _allow_cpu(seconds: int) -> None:
    """From now on; the kernel counts over the whole life of the process, and SIGXCPU ends it."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 - not on every platform

    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + 1 + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _limit_memory(mib: int) -> None:
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 - not on every platform

    with contextlib.suppress(ValueError, OSError):  # macOS has the name of this limit and not the limit
        resource.setrlimit(resource.RLIMIT_AS, (mib * MIB, mib * MIB))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """The worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's; we leave when it does
    cpu_s, memory_mib = (int(argument) for argument in sys.argv[1:3])
    _limit_memory(memory_mib)
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not get between the answers
    try:
        serve(sys.stdin.buffer, sink, cpu_s)
    except MemoryError:
        os._exit(70)


if __name__ == "__main__":
    main()
