"""How throughput grows with the number of workers, on one Apache Kafka: `python tests/bench/bench_scale.py`.

On a machine with few cores, workers would take them from each other and from the broker. So each is given the same
share of one core by a control group of the kernel, small enough that the broker, the producer and all workers together
never want more than there is: what grows then is what Listwire does with more processors, not what this machine has.
Needs Linux and the right to make control groups (root).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, contextmanager
from pathlib import Path
from time import perf_counter

import throughput
import workload

from streams.registry import load_registry
from streams.topics import partitions_of

GROUPS = Path("/sys/fs/cgroup")
PERIOD_US = 20_000
ASSIGNED = "listwire_partitions_assigned"


@contextmanager
def share(pid: int, cores: float) -> Iterator[None]:
    """Holds the process to so much of a core. Raises OSError where control groups cannot be made."""
    is_v1 = (GROUPS / "cpu" / "cpu.cfs_quota_us").exists()
    folder = (GROUPS / "cpu" if is_v1 else GROUPS) / f"listwire-bench-{pid}"
    folder.mkdir()
    try:
        if is_v1:
            (folder / "cpu.cfs_period_us").write_text(str(PERIOD_US))
            (folder / "cpu.cfs_quota_us").write_text(str(int(PERIOD_US * cores)))
        else:
            (folder / "cpu.max").write_text(f"{int(PERIOD_US * cores)} {PERIOD_US}")
        (folder / "cgroup.procs").write_text(str(pid))
        yield
        (folder.parent / "cgroup.procs").write_text(str(pid))
    finally:
        folder.rmdir()


async def seconds(bootstrap: str, messages: throughput.Messages, workers: int, cores: float) -> float:
    """From the first story until the last offset is committed, all workers having their partitions before it."""
    async with AsyncExitStack() as held:
        started = [await held.enter_async_context(throughput.started(bootstrap)) for _ in range(workers)]
        ports = [port for _, port in started]
        while not await _shared_out(ports):  # noqa: ASYNC110 - other processes send no event
            await asyncio.sleep(throughput.LOOK_S)
        with ExitStack() as limits:
            for process, _ in started:
                limits.enter_context(share(process.pid, cores))
            began = perf_counter()
            await throughput.put(bootstrap, messages)
            await throughput.committed(bootstrap)
            return perf_counter() - began


async def _shared_out(ports: Sequence[int]) -> bool:
    wanted = sum(map(partitions_of, throughput.READ))
    found = [await throughput.figure(port, ASSIGNED) for port in ports]
    return all(found) and sum(found) == wanted


def main() -> None:
    """Print what was measured."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--stories", type=int, default=15_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--workers", type=int, nargs="+", default=[1, 2, 3])
    options.add_argument("--cores", type=float, default=0.25, help="of one core, for each worker")
    given = options.parse_args()
    if os.geteuid():
        sys.exit("control groups are made by root")
    messages = workload.messages(load_registry().without_baseline(), given.stories)
    rates: dict[int, list[float]] = {workers: [] for workers in given.workers}
    for _ in range(given.rounds):
        for workers, found in rates.items():
            with throughput.kafka() as bootstrap:
                found.append(given.stories / asyncio.run(seconds(bootstrap, messages, workers, given.cores)))
    sys.stdout.write(f"{given.stories} stories, each worker {given.cores:g} of a core, {given.rounds} rounds\n")
    one = statistics.median(rates[given.workers[0]])
    for workers, found in rates.items():
        middle = statistics.median(found)
        spread = f"{min(found):,.0f} to {max(found):,.0f}"
        sys.stdout.write(f"{workers} workers: {middle:7,.0f} stories/s ({spread}), x {middle / one:.2f}\n")


if __name__ == "__main__":
    main()
