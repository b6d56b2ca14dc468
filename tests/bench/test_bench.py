"""The benchmark runs and says what it measured; how fast this machine is, no test can know."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest


def test_the_matching_benchmark_prints_load_time_and_ratio() -> None:
    script = Path(__file__).with_name("bench_matching.py")
    command = [sys.executable, str(script), "--rounds", "1", "--stories", "3"]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert re.search(r"load [1-9]\d+ groups and [1-9]\d+ authorities: \d+ ms", told)
    assert re.search(r"scan with   5000 names: +\d+ us a story\nscan with  20000 names: +\d+ us", told)
    assert float(re.findall(r"ratio 20000/5000: (\d+\.\d\d) ", told)[0]) > 0


def test_the_feed_benchmark_compares_with_feedparser() -> None:
    script = Path(__file__).with_name("bench_feeds.py")
    told = subprocess.run([sys.executable, str(script), "--rounds", "1"], check=True, capture_output=True, text=True)
    assert len(re.findall(r" +\d+\.\d{3} ms", told.stdout)) == 3
    assert float(re.findall(r"(\d+\.\d) times", told.stdout)[0]) > 0


def test_the_reading_benchmark_prints_both_kinds_of_story() -> None:
    script = Path(__file__).with_name("bench_reading.py")
    told = subprocess.run([sys.executable, str(script), "--rounds", "1"], check=True, capture_output=True, text=True)
    assert len(re.findall(r"  read +[1-9]\d* us a story of \d{3} words", told.stdout)) == 2
    assert len(re.findall(r"  read / names only: \d+\.\d\d", told.stdout)) == 2


@pytest.mark.long
@pytest.mark.kafka
def test_the_benchmark_of_throughput_prints_one_object() -> None:
    script = Path(__file__).with_name("run.py")
    command = [sys.executable, str(script), "--json", "--no-spacy", "--rounds=1", "--stories=2000"]
    run = subprocess.run([*command, "--latency-stories=10"], check=True, capture_output=True, text=True)
    told = json.loads(run.stdout)
    for name in ("ratio_worker_to_raw_loop", "ratio_20k_to_5k_aliases", "publish_to_alert_p99_ms"):
        assert told[name] > 0, name
    assert told["ratio_candidate_to_spacy"] is None
