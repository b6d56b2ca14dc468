"""The link on a real Apache Kafka: who gets in and, for everybody else, one line that says what to change."""

import asyncio
import base64
import re
import secrets
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from agents.backup_file import contents, written
from agents.groups import read_places
from agents.kafka import BrokerDown, BrokerRefused, Outgoing, Publisher, create_topics, require_broker
from agents.link import Link, Sasl, Tls
from agents.memory import LogReader
from agents.restoring import restore
from streams.acls import Grant, Kind, Operation, Role, grants
from streams.backups import FORMAT, Cut, Head, Place, row
from streams.topics import TOPICS, Topic

pytestmark = pytest.mark.kafka


async def test_who_proves_who_he_is_gets_in(secure_kafka: Any) -> None:
    await require_broker(secure_kafka.link(credentials=secure_kafka.enrol("ada", "pw-of-ada")))
    await require_broker(secure_kafka.link(certificate=secure_kafka.certificate("ada")))


def by_password(kafka: Any) -> Link:
    kafka.enrol("bob", "pw-of-bob")
    return kafka.link(credentials=kafka.credentials("bob", "not-it"))


def by_name_unknown(kafka: Any) -> Link:
    return kafka.link(credentials=kafka.credentials("nobody", "x"))


def by_mechanism(kafka: Any) -> Link:
    return Link(kafka.sasl, Tls(kafka.ca_file), Sasl(kafka.enrol("cat", "pw-of-cat"), "SCRAM-SHA-256"))


def by_user_on_a_port_without(kafka: Any) -> Link:
    own = Tls(kafka.ca_file, kafka.certificate("dan"))
    return Link(kafka.cert, own, Sasl(kafka.enrol("dan", "pw-of-dan")))


def by_authority(kafka: Any) -> Link:
    stranger = kafka.folder / "stranger.pem"
    trustme.CA().cert_pem.write_to_path(stranger)
    return Link(kafka.cert, Tls(stranger, kafka.certificate("eve")))


def by_host_name(kafka: Any) -> Link:
    return Link(kafka.cert.replace("localhost", "127.0.0.1"), Tls(kafka.ca_file, kafka.certificate("eve")))


def by_no_certificate(kafka: Any) -> Link:
    return kafka.link()


def by_expired_certificate(kafka: Any) -> Link:
    return kafka.link(certificate=kafka.certificate("eve", until=datetime.now(UTC) - timedelta(days=1)))


def by_foreign_certificate(kafka: Any) -> Link:
    return kafka.link(certificate=kafka.certificate("eve", by=trustme.CA()))


def by_where_it_sends_us(kafka: Any) -> Link:
    return Link(f"localhost:{kafka.ports['relay']}", open_to=frozenset({"kafka"}))


@pytest.mark.parametrize(
    ("link_to", "fault", "remedy"),
    [
        (by_password, "refuses our user or password", r"correct .*bob\.secret$"),
        (by_name_unknown, "refuses our user or password", r"correct .*nobody\.secret$"),
        (by_mechanism, "does not offer SCRAM-SHA-256", "LISTWIRE_BROKER_SASL_MECHANISM"),
        (by_user_on_a_port_without, "asks for no user on this port", "unset LISTWIRE_BROKER_CREDENTIALS_FILE"),
        (by_authority, "of an authority that we do not trust", "LISTWIRE_BROKER_CA_FILE"),
        (by_host_name, "has a certificate for other names than 127.0.0.1", "set one of them in LISTWIRE_BROKER"),
        (by_no_certificate, "asks for a certificate of ours", "set LISTWIRE_BROKER_CERT_FILE"),
        (by_expired_certificate, "refuses our certificate", r"renew or replace .*eve-\d+\.pem"),
        (by_foreign_certificate, "refuses our certificate", r"renew or replace .*eve-\d+\.pem"),
        (by_where_it_sends_us, "sends its clients on to far.invalid", "LISTWIRE_BROKER_ALLOW_PLAINTEXT=far.invalid"),
    ],
)
async def test_a_refusal_says_what_is_refused_and_what_to_change(
    secure_kafka: Any, link_to: Callable[[Any], Link], fault: str, remedy: str
) -> None:
    link = link_to(secure_kafka)
    with pytest.raises(BrokerRefused) as refused:
        await require_broker(link)
    assert fault in refused.value.fault
    assert re.search(remedy, refused.value.remedy)
    assert "pw-of" not in str(refused.value)
    assert "not-it" not in str(refused.value)


@pytest.mark.parametrize(
    ("link_to", "hint"),
    [
        (lambda kafka: Link(kafka.sasl), "does it want TLS"),
        (lambda kafka: Link(kafka.sasl, Tls(kafka.ca_file)), "does it want a user"),
        (lambda kafka: Link(f"localhost:{kafka.ports['relay']}", Tls(kafka.ca_file)), "does it speak TLS on this port"),
    ],
)
async def test_a_broker_that_hangs_up_gets_a_guess(
    secure_kafka: Any, link_to: Callable[[Any], Link], hint: str
) -> None:
    with pytest.raises(BrokerDown, match=re.escape(hint)):
        await require_broker(link_to(secure_kafka))


async def test_a_password_that_was_changed_is_not_waited_out(secure_kafka: Any) -> None:
    """By nobody who connects anew; what is connected stays so until the broker closes it."""
    file = secure_kafka.enrol("fay", "pw-of-fay")
    secure_kafka.grant("fay", grants(Role.WORKER))
    link = secure_kafka.link(credentials=file)
    publisher, read = Publisher(link), LogReader(link)
    await publisher.start()
    await publisher.stop()
    secure_kafka.enrol("fay", "changed")
    secure_kafka.credentials("fay", "pw-of-fay")
    with pytest.raises(BrokerRefused, match="refuses our user or password"):
        await publisher.publish(Outgoing(Topic.ALERTS, b"k", b"v"))
    with pytest.raises(BrokerRefused, match="refuses our user or password"):
        await anext(read(Topic.ALERTS, 0, 0, None))
    secure_kafka.credentials("fay", "changed")
    await publisher.start()  # the file is read anew
    await publisher.stop()


async def test_what_the_rights_do_not_give_is_refused_at_once(secure_kafka: Any) -> None:
    secure_kafka.enrol("operator", "pw-of-operator")
    secure_kafka.grant("operator", grants(Role.OPERATOR))
    await create_topics(secure_kafka.link(credentials=secure_kafka.credentials("operator", "pw-of-operator")))
    link = secure_kafka.link(credentials=secure_kafka.enrol("gus", "pw-of-gus"))
    with pytest.raises(BrokerRefused, match=r"does not allow us this.*`listwire topics acls`"):
        await anext(LogReader(link)(Topic.ALERTS, 0, 0, None))
    with pytest.raises(BrokerRefused, match="does not allow us this"):
        await Publisher(link).start()
    with pytest.raises(BrokerRefused, match="does not allow us this"):
        await create_topics(link)
    secure_kafka.grant("gus", (Grant(Role.WEB, Kind.TOPIC, Topic.STATUS, (Operation.WRITE,)),))
    publisher = Publisher(link)
    await publisher.start()
    with pytest.raises(BrokerRefused, match=r"does not allow us this.*designation\.alerts"):
        await publisher.publish(Outgoing(Topic.ALERTS, b"k", b"v"))
    await publisher.stop()


def test_no_command_shows_the_secret_that_was_refused(secure_kafka: Any, tmp_path: Path) -> None:
    canary = f"canary-{secrets.token_hex(8)}"
    settings = {"LISTWIRE_DATA_DIR": str(tmp_path), "LISTWIRE_LOG_LEVEL": "debug", "LISTWIRE_CONFIG": ""}
    environment = secure_kafka.environment(credentials=secure_kafka.credentials("ivy", canary)) | settings

    def run(command: str) -> tuple[int, str]:
        called = [sys.executable, "-P", "-m", "agents", command]
        done = subprocess.run(called, env=environment, input=b"{}", capture_output=True, timeout=60, check=False)
        return done.returncode, (done.stdout + done.stderr).decode()

    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(run, ("worker", "poll", "web", "up", "tail", "doctor")))
    for code, told in results:
        assert code == 1
        assert told.count("refuses our user or password") == 1
        assert "Traceback" not in told
        for form in (canary, *(base64.b64encode(each.encode()).decode() for each in (canary, f"ivy:{canary}"))):
            assert form not in told


def test_the_doctor_finds_it_and_names_the_remedy(secure_kafka: Any, tmp_path: Path) -> None:
    file = secure_kafka.enrol("hal", "pw-of-hal")
    environment = secure_kafka.environment(credentials=file) | {"LISTWIRE_DATA_DIR": str(tmp_path)}
    assert f"ok   broker     {secure_kafka.sasl}, TLS, SCRAM-SHA-512" in doctor(environment)
    secure_kafka.credentials("hal", "not-it")
    told = doctor(environment)
    assert "FAIL broker     " in told
    assert f"refuses our user or password\n{' ' * 16}correct {file}" in told


async def test_the_doctor_says_which_rights_a_role_lacks(secure_kafka: Any, tmp_path: Path) -> None:
    secure_kafka.enrol("operator", "pw-of-operator")
    secure_kafka.grant("operator", grants(Role.OPERATOR))
    await create_topics(secure_kafka.link(credentials=secure_kafka.credentials("operator", "pw-of-operator")))
    file = secure_kafka.enrol("kim", "pw-of-kim")
    environment = secure_kafka.environment(credentials=file) | {"LISTWIRE_DATA_DIR": str(tmp_path)}
    bare = await asyncio.to_thread(doctor, environment)
    assert "warn rights     enough for no role" in bare
    secure_kafka.grant("kim", grants(Role.WORKER))
    assert "ok   rights     as worker: all" in await asyncio.to_thread(doctor, environment, "--role", "worker")
    told = await asyncio.to_thread(doctor, environment, "--role", "poller")
    assert (
        "FAIL rights     as poller: no Read, Write on topic wire.feeds; no Read, Write on topic wire.feed-state; "
        in told
    )
    assert "Read on group listwire-poller" in told
    assert "warn topics     how they are configured is hidden from us" in told


def doctor(environment: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, "-P", "-m", "agents", "doctor", *arguments]
    return subprocess.run(command, env=environment, stdout=subprocess.PIPE, timeout=60, check=False).stdout.decode()


@pytest.mark.long
async def test_an_operator_may_restore_a_backup_and_no_reader_may(own_secure_kafka: Any, tmp_path: Path) -> None:
    kafka = own_secure_kafka
    file = tmp_path / "backup.gz"
    place = Place("listwire.herald.jsonl.desk", "designation.alerts", 0, 1)
    head = {"format": FORMAT, "listwire": "1", "made_at": datetime.now(UTC), "broker": "old"}
    with written(file) as out:
        cuts = tuple(Cut("designation.alerts", partition, 0, 1) for partition in range(4))
        out.write(Head(**head, places=(place,), cuts=cuts))
        out.write(row("designation.alerts", (0, 0), 1_790_000_000_000, b"ru|taliban", b"{}"))
        out.close()
    for role in (Role.READER, Role.OPERATOR):
        kafka.enrol(role, f"pw-of-{role}")
        kafka.grant(role, grants(role))
    with pytest.raises(BrokerRefused, match="does not allow us this"):
        await restore(
            kafka.link(credentials=kafka.credentials("reader", "pw-of-reader")), file, contents(file), 1, TOPICS
        )
    operator = kafka.link(credentials=kafka.credentials("operator", "pw-of-operator"))
    await restore(operator, file, contents(file), 1, TOPICS)
    assert await read_places(operator) == (place,)
