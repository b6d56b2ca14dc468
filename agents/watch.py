"""The watch: a thread that ends the process when a part of it stands still, which nothing in a blocked loop could do.

    `unready_s`    /readyz says 503 and names the part; a blocked loop answers nothing at all, so the probe times out
    `stalled_s`    the stacks of all threads go to stderr, then the process ends with STALLED

It ends as `exit_now` does: nothing of the events at hand is committed, so they come again. Whoever supervises us starts
us again.

Code that holds the interpreter's lock, such as one endless regular expression, blocks this thread as well. Then the
kernel acts: `stalled_s` of CPU time without a turn of ours end the process by SIGPROF, after the stacks. CPU time, for
it stands still in a process that was stopped.
"""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from agents.logs import get_logger
from agents.metrics import STALLS, STANDSTILL
from streams.stalls import Part, Stalls, Standstill

STALLED = 75  # EX_TEMPFAIL: to be tried again
LAST_WORDS_S = 5.0
"""How long we try to say why: stderr may be what everything waits for."""
STDERR = 2

logger = get_logger("watch")


@asynccontextmanager
async def watching(stalls: Stalls, is_overdue: Callable[[], bool] = lambda: False) -> AsyncIterator[None]:
    """Has the process watched for as long as the block runs."""
    over = threading.Event()
    thread = threading.Thread(target=_watch, args=(stalls, over), name="watch", daemon=True)
    heart = asyncio.create_task(_beat(stalls, is_overdue), name="heart")
    faulthandler.register(signal.SIGPROF, file=STDERR, all_threads=True, chain=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        heart.cancel()
        with suppress(asyncio.CancelledError):
            await heart
        thread.join()
        faulthandler.unregister(signal.SIGPROF)


async def asking(stalls: Stalls, answers: Callable[[], Awaitable[bool]]) -> None:
    """Tells `stalls` for ever whether the broker answers, for who has no sentinel: its silence is no standstill."""
    while True:
        stalls.broker_answers = await answers()
        await asyncio.sleep(stalls.limits.look_s)


def unready(stalls: Stalls) -> list[str]:
    """What has stood still for so long that we are not ready."""
    return [str(standstill) for standstill in stalls.beyond(stalls.limits.unready_s)]


async def _beat(stalls: Stalls, is_overdue: Callable[[], bool]) -> None:
    while True:
        stalls.beat(overdue=is_overdue())
        await asyncio.sleep(stalls.limits.beat_s)


def _watch(stalls: Stalls, over: threading.Event) -> None:
    told: frozenset[Part] = frozenset()
    while not over.wait(stalls.limits.beat_s):
        signal.setitimer(signal.ITIMER_PROF, stalls.limits.stalled_s)
        stalls.turn(time.monotonic())
        _measure(stalls)
        told = _tell(stalls, told)
        if stalled := stalls.beyond(stalls.limits.stalled_s):
            _end(stalled[0])
    signal.setitimer(signal.ITIMER_PROF, 0)


def _measure(stalls: Stalls) -> None:
    longest = dict.fromkeys(Part, 0.0)
    for standstill in stalls.standstills():
        longest[standstill.part] = max(longest[standstill.part], standstill.seconds)
    for part, seconds in longest.items():
        STANDSTILL.labels(part=part).set(seconds)


def _tell(stalls: Stalls, told: frozenset[Part]) -> frozenset[Part]:
    standing = frozenset(standstill.part for standstill in stalls.beyond(stalls.limits.unready_s))
    for part in standing - told:
        STALLS.labels(part=part).inc()
    return standing


def _end(standstill: Standstill) -> None:
    silenced = threading.Timer(LAST_WORDS_S, os._exit, (STALLED,))
    silenced.daemon = True
    silenced.start()
    faulthandler.dump_traceback(file=STDERR, all_threads=True)
    logger.critical("process stands still", part=standstill.part, seconds=standstill.seconds, why=str(standstill))
    logging.shutdown()
    os._exit(STALLED)
