"""Breaks what can break while stories pass, then judges what the topics hold: `python tests/faults/run.py [--long]`.

A real Apache Kafka of one or three nodes, several workers, and a loader that sends stories and poison. Meanwhile, by
the seed: kill -9 at random and at labelled points, SIGTERM, frozen workers that come back as zombies, joins and leaves,
clocks that jump, a full disk, cut connections, frozen, stopped and killed brokers, sends that fail. Afterwards the
checker, which saw none of it, reads the topics. Prints the figures; exit code 1 if a promise was broken.
"""

import argparse
import asyncio
import contextlib
import json
import logging
import sys
import tempfile
from pathlib import Path

from checker import Verdict
from cluster import running, version_of
from plans import Plan, long_plan, short_plan
from trial import Trial

from agents.broker import BrokerSpec, prepare
from agents.broker_jars import Runtime, find_java
from agents.settings import load_settings

EXAMPLES = 5


def main() -> int:
    """Runs one trial."""
    given = _arguments()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # nodes that are away are what we came for
    runtime = _runtime(given.jars)
    plan = (long_plan if given.long else short_plan)(given.seed)
    for name in ("nodes", "workers", "stories"):
        if (value := getattr(given, name)) is not None:
            plan = plan._replace(**{name: value})
    if given.kept is not None:
        given.kept.mkdir(parents=True)
    with contextlib.nullcontext(given.kept) if given.kept else tempfile.TemporaryDirectory() as folder:
        result = asyncio.run(run(plan, runtime, Path(folder)))
    sys.stdout.write((json.dumps(result) if given.json else _page(result)) + "\n")
    return 0 if result["clean"] else 1


async def run(plan: Plan, runtime: Runtime, folder: Path) -> dict[str, object]:
    """One trial in a folder of its own."""
    async with running(plan.nodes, runtime, folder / "kafka") as cluster:
        trial = Trial(plan, cluster, folder)
        try:
            verdict = await trial.run()
        finally:
            trial.close()
    figures = trial.figures()
    clean = verdict.is_clean and not figures["sigterms_late_or_failed"] and not figures["points_unreached"]
    return {"broker": f"Apache Kafka {version_of(runtime)}", **figures, "clean": clean, **told(verdict)}


def told(verdict: Verdict) -> dict[str, object]:
    """The verdict in figures, with a few examples of what is wrong."""
    wrong = vars(verdict)
    examples = [example for found in wrong.values() for example in found[:EXAMPLES]]
    return {name: len(found) for name, found in wrong.items()} | {"examples": examples}


def _runtime(jars: Path | None) -> Runtime:
    settings = load_settings()
    if jars is not None:
        return Runtime(find_java(), tuple(sorted(jars.rglob("*.jar"))))
    spec = BrokerSpec(Path(), settings.cache_dir, settings.kafka_jars, settings.maven_repository)
    return prepare(spec, lambda line: sys.stderr.write(f"{line}\n") and None)


def _page(result: dict[str, object]) -> str:
    return "\n".join(f"{name:22} {value}" for name, value in result.items())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--long", action="store_true", help="100,000 stories, three nodes, every point, 50 kills and more"
    )
    parser.add_argument("--seed", type=int, default=1, help="what happens when (default 1)")
    parser.add_argument("--json", action="store_true", help="one object instead of a table")
    parser.add_argument("--nodes", type=int, choices=(1, 3), help="brokers")
    parser.add_argument("--workers", type=int, help="workers")
    parser.add_argument("--stories", type=int, help="stories, at least")
    parser.add_argument("--jars", type=Path, help="a folder with the jars of another Apache Kafka")
    parser.add_argument("--kept", type=Path, help="a new folder for logs, which is kept")
    given = parser.parse_args()
    if given.jars is not None and not any(given.jars.rglob("*.jar")):
        parser.error(f"--jars: there is no jar in {given.jars}")
    if given.kept is not None and given.kept.exists():
        parser.error(f"--kept: {given.kept} is there already")
    return given


if __name__ == "__main__":
    sys.exit(main())
