"""The short form of the fault suite: a few faults of each sort, and every promise kept."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from plans import short_plan
from run import run

from agents.broker import BrokerSpec, prepare

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
SEED = 8


def test_nothing_is_lost_doubled_or_out_of_order_whatever_breaks(
    broker_spec: Callable[[Path], BrokerSpec], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = short_plan(SEED)
    runtime = prepare(broker_spec(tmp_path / "kafka"), lambda _: None)
    with capsys.disabled():
        result = asyncio.run(run(plan, runtime, tmp_path))
        sys.stdout.write(f"\n{result['broker']}, {result['nodes']} node: {result}\n")
    assert result["clean"], result
    assert result["stories"] >= plan.stories
    assert result["kills"] >= 5
    assert result["poison"] > 0
    assert result["sigterms"] > 0
