"""An Apache Kafka that lets nobody in unproven: SCRAM over TLS, certificates over TLS, and rights for each user."""

import base64
import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path

import pytest
import trustme
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from agents.broker import BrokerSpec, prepare
from agents.broker_jars import Runtime
from agents.broker_node import JVM_FLAGS, LOCALE, _comes_to_answer
from agents.keeper import end, keep
from agents.link import Link, Sasl, Tls
from streams.acls import Grant, Kind

ADMIN = "root-of-the-test"
_ROUNDS = count(4096)

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=SASL://127.0.0.1:{sasl},CERT://127.0.0.1:{cert},RELAY://127.0.0.1:{relay},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=SASL://localhost:{sasl},CERT://localhost:{cert},RELAY://far.invalid:{relay}
listener.security.protocol.map=SASL:SASL_SSL,CERT:SSL,RELAY:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=CERT
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.sasl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.cert.ssl.client.auth=required
ssl.keystore.type=PEM
ssl.keystore.location=broker.pem
ssl.truststore.type=PEM
ssl.truststore.location=ca.pem
ssl.principal.mapping.rules=RULE:^.*CN=([^,]+).*$/$1/,DEFAULT
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:{admin};User:ANONYMOUS
log.dirs=kafka
auto.create.topics.enable=false
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
"""


@dataclass(frozen=True)
class SecureKafka:
    """Where it listens, and the means to become somebody there."""

    folder: Path
    ca: trustme.CA
    ports: Mapping[str, int]

    @property
    def sasl(self) -> str:
        return f"localhost:{self.ports['sasl']}"

    @property
    def cert(self) -> str:
        return f"localhost:{self.ports['cert']}"

    @property
    def ca_file(self) -> Path:
        return self.folder / "ca.pem"

    def certificate(self, user: str, *, by: trustme.CA | None = None, until: datetime | None = None) -> Path:
        """The file with a certificate of this user, and its key."""
        issued = (by or self.ca).issue_cert(f"{user}.invalid", common_name=user, not_after=until)
        return written(self.folder / f"{user}-{id(issued)}.pem", issued.private_key_and_cert_chain_pem.bytes())

    def credentials(self, user: str, password: str) -> Path:
        """The file with name and password."""
        return written(self.folder / f"{user}.secret", f"basic {user}:{password}\n".encode())

    def enrol(self, user: str, password: str) -> Path:
        """Makes the user known to the broker, with this password, and the file for it."""
        rounds = next(_ROUNDS)  # tells this password from an earlier one of the same user
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, rounds)
        admin = self.admin()  # ends, with all that it was asked, when nobody holds it
        change = UserScramCredentialUpsertion(user, info, password.encode())
        admin.alter_user_scram_credentials([change])[user].result(30)

        def known() -> bool:
            users = admin.describe_user_scram_credentials().result(30)
            return user in users and [each.iterations for each in users[user].scram_credential_infos] == [rounds]

        wait_until(known)  # the controller has it at once, the broker a moment later
        return self.credentials(user, password)

    def grant(self, user: str, grants: tuple[Grant, ...]) -> None:
        """Gives the user these rights."""
        admin, bound = self.admin(), [bound for grant in grants for bound in bindings(user, grant)]
        for done in admin.create_acls(bound).values():
            done.result(30)
        every = AclBindingFilter(
            ResourceType.ANY,
            None,
            ResourcePatternType.ANY,
            f"User:{user}",
            None,
            AclOperation.ANY,
            AclPermissionType.ANY,
        )
        wait_until(lambda: set(bound) <= set(admin.describe_acls(every).result(30)))

    def admin(self) -> AdminClient:
        return AdminClient(
            {
                "bootstrap.servers": self.cert,
                "security.protocol": "SSL",
                "ssl.ca.location": str(self.ca_file),
                "ssl.certificate.location": str(self.folder / "admin.pem"),
                "ssl.key.location": str(self.folder / "admin.pem"),
                "broker.address.family": "v4",
                "log_level": 0,
            }
        )

    def environment(self, *, credentials: Path | None = None, certificate: Path | None = None) -> dict[str, str]:
        """Our settings for commands of the owner of one of these files."""
        said = {"BROKER_SECURITY": "tls", "BROKER_CA_FILE": str(self.ca_file)}
        if credentials is not None:
            said |= {"BROKER": self.sasl, "BROKER_CREDENTIALS_FILE": str(credentials)}
        else:
            said |= {"BROKER": self.cert, "BROKER_CERT_FILE": str(certificate)}
        return {**os.environ, **{f"LISTWIRE_{name}": value for name, value in said.items()}}

    def link(self, *, credentials: Path | None = None, certificate: Path | None = None) -> Link:
        """As the owner of one of these files."""
        if credentials is not None:
            return Link(self.sasl, Tls(self.ca_file), Sasl(credentials), frozenset())
        return Link(self.cert, Tls(self.ca_file, certificate), None, frozenset())


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def bindings(user: str, grant: Grant) -> Iterator[AclBinding]:
    kind = {Kind.TOPIC: ResourceType.TOPIC, Kind.GROUP: ResourceType.GROUP}[grant.kind]
    pattern = ResourcePatternType.PREFIXED if grant.prefixed else ResourcePatternType.LITERAL
    for operation in grant.operations:
        allowed = AclOperation[operation.name]
        yield AclBinding(kind, str(grant.name), pattern, f"User:{user}", "*", allowed, AclPermissionType.ALLOW)


def written(file: Path, secret: bytes) -> Path:
    file.write_bytes(secret)
    file.chmod(0o600)
    return file


@pytest.fixture(scope="session")
def secure_kafka(
    broker_spec: Callable[[Path], BrokerSpec], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SecureKafka]:
    """One for all tests that need no topics of their own."""
    with started(broker_spec, tmp_path_factory.mktemp("secure-kafka")) as kafka:
        yield kafka


@pytest.fixture
def own_secure_kafka(broker_spec: Callable[[Path], BrokerSpec], tmp_path: Path) -> Iterator[SecureKafka]:
    """One of the test's own, without topics or rights."""
    (tmp_path / "secure-kafka").mkdir()
    with started(broker_spec, tmp_path / "secure-kafka") as kafka:
        yield kafka


@contextlib.contextmanager
def started(broker_spec: Callable[[Path], BrokerSpec], folder: Path) -> Iterator[SecureKafka]:
    runtime = prepare(broker_spec(folder), lambda _: None)
    names = ("sasl", "cert", "relay", "controller")
    kafka = SecureKafka(folder, trustme.CA(), dict(zip(names, free_ports(len(names)), strict=True)))
    make_files(kafka)
    formatting = ("format", f"--cluster-id={cluster_id()}", "--config=server.properties")
    run(runtime, folder, "kafka.tools.StorageTool", *formatting)
    with (folder / "broker.log").open("wb") as log:
        kept = keep(java(runtime, "kafka.Kafka", "server.properties"), cwd=folder, env=ENV, stdout=log, stderr=log)
    try:
        if not _comes_to_answer(kept, kafka.ports["relay"]):
            pytest.fail((folder / "broker.log").read_text()[-2000:])
        yield kafka
    finally:
        end(kept, 20)


def make_files(kafka: SecureKafka) -> None:
    kafka.ca.cert_pem.write_to_path(kafka.ca_file)
    issued = kafka.ca.issue_cert("localhost", common_name=ADMIN)
    key = load_pem_private_key(issued.private_key_pem.bytes(), None)
    pkcs8 = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())  # the only form that Kafka reads
    chain = b"".join(pem.bytes() for pem in issued.cert_chain_pems)
    written(kafka.folder / "broker.pem", pkcs8 + chain)
    written(kafka.folder / "admin.pem", pkcs8 + chain)
    properties = PROPERTIES.format(admin=ADMIN, **kafka.ports)
    (kafka.folder / "server.properties").write_text(properties, "ascii")


ENV = {**os.environ, **LOCALE}


def java(runtime: Runtime, *arguments: str) -> list[str | Path]:
    return [runtime.java, *JVM_FLAGS, "-cp", os.pathsep.join(map(str, runtime.class_path)), *arguments]


def run(runtime: Runtime, folder: Path, *arguments: str) -> None:
    done = subprocess.run(java(runtime, *arguments), cwd=folder, env=ENV, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def cluster_id() -> str:
    return base64.urlsafe_b64encode(os.urandom(16)).rstrip(b"=").decode("ascii")


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
