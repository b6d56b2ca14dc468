"""spaCy to compare with, in an environment that is made for it once: it is no dependency of the project."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from agents.settings import load_settings

HERE = Path(__file__).parent
LOCK = HERE.parents[1] / "deploy" / "locks" / "spacy.txt"

Measure = Callable[[Sequence[str]], float]
"""Seconds of processor time for these texts."""


@contextmanager
def spacy() -> Iterator[Measure]:
    """The measure, for as long as the block runs. Raises CalledProcessError if the environment cannot be made."""
    command = [str(_environment() / "bin" / "python"), str(HERE / "spacy_speed.py")]
    one_thread = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": ""}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=one_thread) as process:
        assert process.stdin
        assert process.stdout
        asked, told = process.stdin, process.stdout
        if told.readline() != '"ready"\n':
            raise subprocess.CalledProcessError(process.wait(), command)

        def measure(texts: Sequence[str]) -> float:
            asked.write(json.dumps(texts) + "\n")
            asked.flush()
            return float(told.readline())

        yield measure
        asked.close()


def _environment() -> Path:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    folder = load_settings().cache_dir / f"bench-spacy-{version}"
    done = folder / "done"
    if not done.exists() or done.read_bytes() != LOCK.read_bytes():
        sys.stderr.write(f"making an environment for spaCy in {folder}\n")
        venv.create(folder, with_pip=True, clear=True)
        install = ["-m", "pip", "install", "-q", "--require-hashes", "-r", str(LOCK)]
        subprocess.run([str(folder / "bin" / "python"), *install], check=True)
        done.write_bytes(LOCK.read_bytes())
    return folder
