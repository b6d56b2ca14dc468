"""The machine: Python and packages, time zones, open files, memory, disk."""

from __future__ import annotations

import re
import resource
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, packages_distributions, requires, version
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from agents.checks import Finding, fine, odd, wrong

MIN_FREE_BYTES = 1_000_000_000
MIN_MEMORY_BYTES = 512_000_000
"""A worker takes about 170 MB, a poller with its parsers 230 (measured, see README); a broker of our own a gigabyte."""
MIN_FILES = 1024
OURS = "listwire"


def examine(data_dir: Path, proc: Path = Path("/proc"), cgroup: Path = Path("/sys/fs/cgroup")) -> Iterator[Finding]:
    """All of it; `proc` and `cgroup` are where the kernel tells of memory."""
    yield _python()
    yield from _packages()
    yield from _strangers()
    yield _zones()
    yield _files()
    yield _memory(proc, cgroup)
    yield _disk(data_dir)


def satisfies(found: str, clauses: str) -> bool:
    """Whether a version is in the range that is written as `>=1.2,<2`; one before a release may be."""
    return SpecifierSet(clauses).contains(found, prereleases=True)


def _python() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    if (3, 11) <= sys.version_info < (3, 14):
        return fine("python", found)
    return wrong("python", found, "install Python 3.11, 3.12 or 3.13")


def _packages() -> Iterator[Finding]:
    """Whether what is installed is what we were tried with."""
    try:
        asked = list(map(Requirement, requires(OURS) or ()))
    except PackageNotFoundError:
        yield odd("packages", "Listwire runs from a folder and is not installed", "pip install it, see README")
        return
    bad = []
    for wanted in asked:
        if wanted.marker is not None:  # of an extra
            continue
        try:
            found = version(wanted.name)
        except PackageNotFoundError:
            bad.append(f"{wanted.name} is absent")
            continue
        if not satisfies(found, str(wanted.specifier)):
            bad.append(f"{wanted.name} {found} is not {wanted.specifier}")
    if bad:
        yield wrong("packages", "; ".join(bad), "pip install --require-hashes -r deploy/locks/runtime.txt")
        return
    told = ", ".join(f"{name} {version(name)}" for name in ("aiokafka", "faust-streaming", "aiohttp"))
    yield fine("packages", f"{told}; all {len(asked)} in their ranges")


def _strangers() -> Iterator[Finding]:
    """Another distribution with our import names overwrites ours, or will."""
    for package in ("agents", "streams"):
        others = sorted(set(packages_distributions().get(package, ())) - {OURS})
        if others:
            yield wrong(
                "packages",
                f"{', '.join(others)} has a package {package!r} too, in the same environment",
                "install Listwire into an environment of its own",
            )


def _zones() -> Finding:
    try:
        for name in ("Europe/Moscow", "Asia/Kolkata", "America/New_York"):
            ZoneInfo(name)
    except ZoneInfoNotFoundError as error:
        return wrong("time zones", f"no data: {error}", "pip install tzdata, or install the system's package of it")
    return fine("time zones", "known")


def _files() -> Finding:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < MIN_FILES:
        return odd(
            "open files",
            f"at most {soft}: feeds and connections to brokers take one each",
            f"ulimit -n {min(hard, 65_536) if hard > soft else 65_536}, or LimitNOFILE= of systemd",
        )
    return fine("open files", f"at most {soft}")


def _memory(proc: Path, cgroup: Path) -> Finding:
    try:
        told = dict(re.findall(r"^(\w+):\s+(\d+) kB", (proc / "meminfo").read_text(), re.MULTILINE))
        available = int(told["MemAvailable"]) * 1024
    except (OSError, KeyError):
        return odd("memory", "the system does not tell how much is available", "none needed where you know it")
    limit = _limit(cgroup)
    least = min(available, limit) if limit else available
    what = f"{available / 1e9:.1f} GB available" + (f", {limit / 1e9:.1f} GB allowed" if limit else "")
    if least < MIN_MEMORY_BYTES:
        return odd("memory", what, "give it half a gigabyte: worker and poller take 170 to 240 MB each")
    return fine("memory", what)


def _limit(cgroup: Path) -> int | None:
    """What the container may take, if it is bounded."""
    try:
        text = (cgroup / "memory.max").read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def _disk(data_dir: Path) -> Finding:
    folder = next(path for path in (data_dir, *data_dir.absolute().parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"listwire")
    except OSError as error:
        return wrong("disk", f"{folder}: cannot be written to: {error.strerror}", "let us, or set LISTWIRE_DATA_DIR")
    free = shutil.disk_usage(folder).free
    what = f"{free / 1e9:.1f} GB free at {folder}"
    if free < MIN_FREE_BYTES:
        return wrong("disk", what, "free a gigabyte, or set LISTWIRE_DATA_DIR elsewhere")
    return fine("disk", what)
