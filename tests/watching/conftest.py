"""The modules of this folder find each other beside themselves; what they share is where the tools are."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def promtool(lacking: Callable[[str], NoReturn]) -> str:
    return shutil.which("promtool") or lacking("no Prometheus on the path; on Debian: apt-get install prometheus")


@pytest.fixture(scope="session")
def prometheus_command(lacking: Callable[[str], NoReturn]) -> str:
    return shutil.which("prometheus") or lacking("no Prometheus on the path; on Debian: apt-get install prometheus")
