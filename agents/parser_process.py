"""The process that parses documents for `agents.parsing`, within limits and one at a time.

It has a limit of memory for its life and one of processor time for each document. When its parent is gone, even by
kill -9, it reads the end of its stdin and leaves; in the middle of a document the limit of processor time ends it.

    at the start        4 bytes of 0: ready, everything is imported
    request             4 bytes of length, a `Request` as JSON, 4 bytes of length, the document as it came
    answer              4 bytes of length, an `Answer` as JSON
"""

import contextlib
import os
import signal
import sys
import time
from typing import BinaryIO

from msgspec import Struct
from msgspec.structs import replace

from streams import codec, wires
from streams.errors import WireError
from streams.feeds import FeedSpec
from streams.records import Utc
from streams.wires.documents import Document

LENGTH_BYTES = 4
MIB = 1024 * 1024
OUT_OF_MEMORY = 70
"""The exit code of who wanted more memory than it may have."""
READY = bytes(LENGTH_BYTES)


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
    took_s: float = 0.0  # of processor time


def framed(payload: bytes) -> bytes:
    """The payload with its length before it."""
    return len(payload).to_bytes(LENGTH_BYTES, "big") + payload


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
        started = time.process_time()
        answered = answer(raw, codec.decode(head, Request))
        reply = codec.encode(replace(answered, took_s=time.process_time() - started))
        sink.write(framed(reply))
        sink.flush()


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
    cpu_s, memory_mib, niceness = (int(argument) for argument in sys.argv[1:4])
    _limit_memory(memory_mib)
    if sys.platform != "win32":
        os.nice(niceness)
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not get between the answers
    sink.write(READY)
    sink.flush()
    try:
        serve(sys.stdin.buffer, sink, cpu_s)
    except MemoryError:
        os._exit(OUT_OF_MEMORY)


if __name__ == "__main__":
    main()
