"""One Apache Kafka in one data folder: formatted once, started on free ports, awaited until it answers.

The voter of the controller is named in `server.properties` and nowhere in the log (a static quorum), which is
why the ports may change from one start to the next and the data stay.

The log folder is given to Java relative to its working folder: a path of the user's may hold what a
properties file cannot (letters beyond Latin-1) and what `log.dirs` splits at (commas).
"""

import base64
import contextlib
import os
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, NamedTuple

from agents.broker_jars import BrokerError, Runtime
from agents.keeper import end, keep

HOST = "127.0.0.1"
START_WITHIN_S = 60.0
GRACE_S = 10.0  # for a clean stop; a kill after it costs a log recovery at the next start, and no data
TRIES = 3  # a free port may be taken by another before Java binds it
QUOTED_LINES = 3
QUOTED_CHARS = 300

JVM_FLAGS = (
    "-Xms64m",
    "-Xmx384m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    # Warnings and errors only: a broker that runs well writes next to nothing, so its log needs no rotation.
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
)

# Under LC_ALL=C Java finds no jar below a folder with a letter beyond ASCII. macOS needs no help.
LOCALE = {"LC_ALL": "C.UTF-8"} if sys.platform == "linux" else {}

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller}
listeners=PLAINTEXT://{host}:{client},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{client}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={log_dir}
auto.create.topics.enable=false
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
# After a crash the controller first waits for this session of the killed broker to run out. By default 9 s.
broker.session.timeout.ms=6000
broker.heartbeat.interval.ms=1000
# Kafka forgets the offsets of a group unused for a week; a laptop may rest longer.
offsets.retention.minutes=525600
"""


class Ports(NamedTuple):
    """Where clients and where the controller listen; 0 is any free one."""

    client: int
    controller: int


ANY_PORTS = Ports(0, 0)


def format_once(runtime: Runtime, folder: Path) -> None:
    """Makes the log folder with a cluster id of its own: whole or not at all, as its name comes last."""
    if (folder / "kafka").exists():
        return
    _write_properties(folder, _free(ANY_PORTS), log_dir="kafka.new")
    cluster = base64.urlsafe_b64encode(os.urandom(16)).rstrip(b"=").decode("ascii")
    arguments = ["format", "--ignore-formatted", f"--cluster-id={cluster}", "--config=server.properties"]
    formatting = _java(runtime, folder, "kafka.tools.StorageTool", *arguments)
    code = formatting.wait()
    end(formatting)
    if code != 0:
        raise BrokerError(_failure(folder, "Apache Kafka cannot format its folder"))
    (folder / "kafka.new").rename(folder / "kafka")


def launch(
    runtime: Runtime, folder: Path, lock: IO[bytes], held: contextlib.ExitStack
) -> tuple[Ports, subprocess.Popen[bytes]]:
    """The ports on which Kafka answers, once it does, and its keeper.

    `held` ends it; the keeper has `lock` until then. Raises BrokerError with the last lines of the log.
    """
    for left in reversed(range(TRIES)):
        ports = _free(remembered_ports(folder))
        (folder / "ports").write_text(f"{ports.client} {ports.controller}\n", "ascii")
        _write_properties(folder, ports, log_dir="kafka")
        kept = _java(runtime, folder, "kafka.Kafka", "server.properties", lock=lock)
        held.callback(end, kept, GRACE_S + 5)
        if _comes_to_answer(kept, ports.client):
            return ports, kept
        if not left or "Address already in use" not in _log_text(folder):
            break
    raise BrokerError(_failure(folder, "Apache Kafka does not start"))


def remembered_ports(folder: Path) -> Ports:
    """The ports of the last start, ANY_PORTS if there was none."""
    try:
        return Ports(*map(int, (folder / "ports").read_text("ascii").split()))
    except (FileNotFoundError, ValueError, TypeError):
        return ANY_PORTS


def _java(
    runtime: Runtime, folder: Path, main_class: str, *arguments: str, lock: IO[bytes] | None = None
) -> subprocess.Popen[bytes]:
    """The keeper of a Java in `folder` that writes to a new `broker.log`, and that holds `lock`."""
    class_path = os.pathsep.join(map(str, runtime.class_path))
    with contextlib.suppress(FileNotFoundError):
        (folder / "broker.log").replace(folder / "broker.log.1")
    with (folder / "broker.log").open("wb") as log:
        return keep(
            [runtime.java, *JVM_FLAGS, "-cp", class_path, main_class, *arguments],
            env={**os.environ, **LOCALE},
            cwd=folder,
            grace_s=GRACE_S,
            stdout=log,
            stderr=log,
            pass_fds=() if lock is None else (lock.fileno(),),
        )


def _write_properties(folder: Path, ports: Ports, *, log_dir: str) -> None:
    text = PROPERTIES.format(host=HOST, client=ports.client, controller=ports.controller, log_dir=log_dir)
    (folder / "server.properties").write_text(text, "ascii")


def _free(wanted: Ports) -> Ports:
    """Two free ports of loopback: the wanted ones, or others where somebody has them."""
    with contextlib.ExitStack() as bound:
        return Ports(*(_bind(bound.enter_context(socket.socket()), port) for port in wanted))


def _bind(listener: socket.socket, port: int) -> int:
    """The port that `listener` has now: `port`, or any free one. Bound as Java binds, past TIME_WAIT."""
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except (OSError, OverflowError):
        listener.bind((HOST, 0))
    return int(listener.getsockname()[1])


def _comes_to_answer(kept: subprocess.Popen[bytes], port: int) -> bool:
    """True once Kafka answers on `port`; False once it has ended, or after START_WITHIN_S."""
    deadline = time.monotonic() + START_WITHIN_S
    while kept.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            return _speaks_kafka(port)
        time.sleep(0.05)
    return False


def _speaks_kafka(port: int) -> bool:
    """Whether an ApiVersions request (key 18, version 0, no client id) is answered without error.

    Raises OSError while nobody listens.
    """
    correlation = 1
    body = struct.pack(">hhih", 18, 0, correlation, -1)
    with socket.create_connection((HOST, port), timeout=5) as connection:
        connection.sendall(struct.pack(">i", len(body)) + body)
        with connection.makefile("rb") as replies:
            reply = replies.read(10)
    if len(reply) < 10:
        raise ConnectionError
    return struct.unpack(">iih", reply)[1:] == (correlation, 0)


def _log_text(folder: Path) -> str:
    return (folder / "broker.log").read_text("utf-8", "replace")


def _failure(folder: Path, what: str) -> str:
    """One line: what failed, and the last that Java said of it, without stack frames."""
    lines = [line.strip() for line in _log_text(folder).splitlines()]
    telling = [line[:QUOTED_CHARS] for line in lines if line and not line.startswith(("at ", "... "))]
    return f"{what}: {' / '.join(telling[-QUOTED_LINES:]) or 'it said nothing'} ({folder / 'broker.log'})"
