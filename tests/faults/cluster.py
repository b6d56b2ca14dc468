"""A real Apache Kafka of one or three nodes that tests may stop, kill, freeze and cut off.

Each node listens twice: for clients, whose way leads through a proxy that can be cut, and for the other nodes and the
judges of a test, who go straight. Ports are free ones; the nodes keep them over a restart.
"""

import asyncio
import base64
import contextlib
import os
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from proxy import Proxy

from agents.broker_jars import Runtime
from agents.broker_node import HOST, JVM_FLAGS, LOCALE, _speaks_kafka
from agents.keeper import end, keep

UP_WITHIN_S = 90.0

PROPERTIES = """\
process.roles=broker,controller
node.id={number}
controller.quorum.voters={voters}
listeners=CLIENT://{host}:{client},INSIDE://{host}:{inside},CONTROLLER://{host}:{controller}
advertised.listeners=CLIENT://{host}:{proxy},INSIDE://{host}:{inside}
controller.listener.names=CONTROLLER
inter.broker.listener.name=INSIDE
listener.security.protocol.map=CONTROLLER:PLAINTEXT,CLIENT:PLAINTEXT,INSIDE:PLAINTEXT
log.dirs=kafka
auto.create.topics.enable=false
offsets.topic.num.partitions=4
offsets.topic.replication.factor={replication}
transaction.state.log.replication.factor={replication}
transaction.state.log.min.isr={min_isr}
default.replication.factor={replication}
min.insync.replicas={min_isr}
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=2000
broker.session.timeout.ms=6000
broker.heartbeat.interval.ms=1000
unclean.leader.election.enable=false
"""


@dataclass
class Node:
    """One node; `proxy` is the client's way to it."""

    number: int
    folder: Path
    runtime: Runtime
    inside: int
    proxy: Proxy
    _kept: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def run(self, main_class: str, *arguments: str) -> subprocess.Popen[bytes]:
        """A Java of this node's folder, kept."""
        class_path = os.pathsep.join(map(str, self.runtime.class_path))
        with (self.folder / "broker.log").open("ab") as log:
            return keep(
                [self.runtime.java, *JVM_FLAGS, "-cp", class_path, main_class, *arguments],
                env={**os.environ, **LOCALE}, cwd=self.folder, grace_s=20, stdout=log, stderr=log,
            )  # fmt: skip

    def start(self) -> None:
        """Starts it; `Cluster.wait` says when it answers."""
        self._kept = self.run("kafka.Kafka", "server.properties")

    def stop(self) -> None:
        """Ends it cleanly: leaders move first."""
        if self._kept is not None:
            self.thaw()
            end(self._kept, 30)
            self._kept = None

    def kill(self) -> None:
        """Ends it as a power cut would."""
        for java in self._java():
            java.kill()
        if self._kept is not None:
            end(self._kept, 30)
            self._kept = None

    def freeze(self) -> None:
        """It answers nobody and drops nobody."""
        for java in self._java():
            java.suspend()

    def thaw(self) -> None:
        """It goes on."""
        for java in self._java():
            java.resume()

    def _java(self) -> list[psutil.Process]:
        if self._kept is None or self._kept.poll() is not None:
            return []
        return psutil.Process(self._kept.pid).children()

    def answers(self) -> bool:
        """Whether it speaks Kafka now."""
        with contextlib.suppress(OSError):
            return _speaks_kafka(self.inside)
        return False


class Cluster:
    """The nodes together."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.nodes = nodes

    @property
    def bootstrap(self) -> str:
        """The client's way."""
        return ",".join(f"{HOST}:{node.proxy.port}" for node in self.nodes)

    @property
    def inside(self) -> str:
        """The way of those who judge."""
        return ",".join(f"{HOST}:{node.inside}" for node in self.nodes)

    @property
    def replication(self) -> int:
        """How many copies a topic has here."""
        return len(self.nodes)

    def wait(self) -> None:
        """Returns once all nodes answer."""
        deadline = time.monotonic() + UP_WITHIN_S
        while not all(node.answers() for node in self.nodes):
            if time.monotonic() > deadline:
                raise TimeoutError(f"nodes {[n.number for n in self.nodes if not n.answers()]} do not answer")
            time.sleep(0.1)


@contextlib.asynccontextmanager
async def running(count: int, runtime: Runtime, folder: Path) -> AsyncIterator[Cluster]:
    """A new cluster below `folder`, answering."""
    cluster = Cluster(await asyncio.to_thread(_nodes, count, runtime, folder))
    async with contextlib.AsyncExitStack() as stack:
        for node in cluster.nodes:
            stack.callback(node.kill)
            node.start()
            await stack.enter_async_context(node.proxy)
        await asyncio.to_thread(cluster.wait)
        yield cluster


def _nodes(count: int, runtime: Runtime, folder: Path) -> list[Node]:
    ports = free_ports(4 * count)
    rows = [ports[at : at + 4] for at in range(0, 4 * count, 4)]
    voters = ",".join(f"{number}@{HOST}:{row[2]}" for number, row in enumerate(rows, 1))
    identity = base64.urlsafe_b64encode(os.urandom(16)).rstrip(b"=").decode()
    nodes = []
    for number, (client, inside, controller, proxied) in enumerate(rows, 1):
        home = folder / f"node-{number}"
        home.mkdir(parents=True)
        (home / "server.properties").write_text(
            PROPERTIES.format(
                number=number,
                voters=voters,
                host=HOST,
                client=client,
                inside=inside,
                controller=controller,
                proxy=proxied,
                replication=min(count, 3),
                min_isr=2 if count > 2 else 1,
            )
        )
        node = Node(number, home, runtime, inside, Proxy(proxied, client))
        arguments = ("format", f"--cluster-id={identity}", "--config=server.properties")
        formatting = node.run("kafka.tools.StorageTool", *arguments)
        code = formatting.wait()
        end(formatting)
        if code:
            raise RuntimeError(f"{home}/broker.log: Kafka cannot format its folder")
        nodes.append(node)
    return nodes


def free_ports(count: int) -> list[int]:
    """Ports that nobody has just now."""
    with contextlib.ExitStack() as bound:
        sockets = [bound.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((HOST, 0))
        return [one.getsockname()[1] for one in sockets]


def version_of(runtime: Runtime) -> str:
    """Apache Kafka's version, from the name of its server jar."""
    names = [jar.stem for jar in runtime.class_path if jar.name.startswith("kafka_2.13-")]
    return names[0].removeprefix("kafka_2.13-")
