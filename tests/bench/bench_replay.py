"""A long archive through `listwire replay`: `python tests/bench/bench_replay.py`, a million stories.

One process of one thread. Its memory is looked at each second: sorting spills to disk, so it should be as large at the
end as it was after the first tenth, but for the ledger, which grows by the pairs that the news are about.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import BinaryIO

import psutil
import workload

from streams.registry import load_registry

ROOT = Path(__file__).parents[2]


def write(file: BinaryIO, count: int) -> None:
    """The archive, as JSON Lines for the command line."""
    for story in workload.stories(load_registry().without_baseline(), count):
        line = {"id": story.guid, "headline": story.headline, "body": story.body, "source": story.source}
        file.write(json.dumps(line | {"published": str(story.published)}).encode() + b"\n")


def main() -> None:
    """Print what was measured."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--stories", type=int, default=1_000_000)
    count = options.parse_args().stories
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "archive.jsonl"
        with archive.open("wb") as file:
            write(file, count)
        command = [sys.executable, "-m", "agents", "replay", "--json", str(archive)]
        environment = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": folder}
        began = time.perf_counter()
        with (Path(folder) / "alerts").open("wb") as alerts:
            process = psutil.Popen(command, stdout=alerts, env=environment)
            sizes = []
            while process.poll() is None:
                sizes.append(process.memory_info().rss)
                spent = process.cpu_times()
                time.sleep(1)
        took = time.perf_counter() - began
        told = sum(1 for _ in (Path(folder) / "alerts").open("rb"))
    if process.returncode:
        sys.exit(f"replay ended with {process.returncode}")
    cpu_s = spent.user + spent.system
    mib = [size / 2**20 for size in sizes]
    tenth = len(mib) // 10
    sys.stdout.write(
        f"{count:,} stories of {archive.name}, {told:,} alerts: {took:.0f} s, {count / cpu_s:,.0f} a core-s\n"
    )
    sys.stdout.write(
        f"memory: {max(mib[: tenth + 1]):.0f} MiB in the first tenth of the time, {max(mib):.0f} at most, "
    )
    sys.stdout.write(f"{max(mib[-tenth - 1 :]):.0f} in the last tenth\n")


if __name__ == "__main__":
    main()
