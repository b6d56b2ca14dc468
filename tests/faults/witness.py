"""One worker that nothing kills: what it takes in memory and open files while all around it breaks."""

import asyncio
import statistics
import time
from typing import NamedTuple

import psutil
from fleet import Slot

EVERY_S = 5.0
WARM_S = 300.0
"""What a process takes while it warms up says nothing about what it keeps."""
MEGABYTE = 1024 * 1024


class Look(NamedTuple):
    """At a process."""

    at: float
    rss: int
    files: int


class Witness:
    """Looks at the worker of a slot for as long as `watch` runs."""

    def __init__(self, slot: Slot) -> None:
        self._slot = slot
        self._looks: list[Look] = []
        self._pids: set[int] = set()

    async def watch(self) -> None:
        """Looks, for ever."""
        began = time.monotonic()
        while True:
            if process := self._slot.process:
                self._look(process, time.monotonic() - began)
            await asyncio.sleep(EVERY_S)

    def _look(self, process: psutil.Process, at: float) -> None:
        try:
            self._looks.append(Look(at, process.memory_info().rss, process.num_fds()))
        except psutil.NoSuchProcess:
            return
        self._pids.add(process.pid)

    def figures(self) -> dict[str, object]:
        """Memory and files at the end, and how they moved once it was warm; nothing of a run too short for that."""
        warm = [look for look in self._looks if look.at > WARM_S]
        if len(warm) < 10 or len(self._pids) > 1:
            return {"witness_processes": len(self._pids)}
        rss, files = (
            [(look.at / 3600, value) for look, value in zip(warm, values, strict=True)]
            for values in ([look.rss / MEGABYTE for look in warm], [look.files for look in warm])
        )
        return {
            "witness_processes": 1,
            "witness_minutes": round((warm[-1].at - warm[0].at) / 60, 1),
            "witness_rss_mb": [round(rss[0][1]), round(rss[-1][1])],
            "witness_rss_mb_per_hour": round(_slope(rss), 1),
            "witness_files": [files[0][1], files[-1][1]],
            "witness_files_per_hour": round(_slope(files), 1),
        }


def _slope(points: list[tuple[float, float]]) -> float:
    return statistics.linear_regression(*zip(*points, strict=True)).slope
