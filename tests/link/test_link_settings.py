"""From settings to a link: what is refused before a byte is sent, in one line that names the setting."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import faust
import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from faust.types.auth import CredentialsT

from agents.app import build_app, credentials
from agents.cli.options import with_broker
from agents.credentials import CredentialError
from agents.link import Link, Sasl, Tls, client_options, linked
from agents.link_settings import link_of
from agents.settings import load_settings
from streams.errors import SettingsError

CANARY = "canary-4f1d"


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    with monkeypatch.context() as clean:
        for name in [name for name in os.environ if name.startswith("LISTWIRE_")]:
            clean.delenv(name)
        clean.setenv("XDG_CONFIG_HOME", str(tmp_path / "no-config"))
        yield


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    return written(tmp_path / "secret", f"basic ada:{CANARY}\n".encode())


@pytest.fixture
def own(tmp_path: Path) -> Path:
    issued = trustme.CA().issue_cert("ada.invalid")
    return written(tmp_path / "own.pem", issued.private_key_and_cert_chain_pem.bytes())


def written(file: Path, text: bytes) -> Path:
    file.write_bytes(text)
    file.chmod(0o600)
    return file


@pytest.mark.parametrize("broker", ["127.0.0.1:1", "localhost", "LOCALHOST:1", "[::1]:1", "127.0.0.2:1,localhost:2"])
def test_plaintext_stays_on_this_machine(broker: str) -> None:
    assert client_options(link_of(load_settings(broker=broker))) == {
        "bootstrap_servers": broker,
        "security_protocol": "PLAINTEXT",
    }


@pytest.mark.parametrize(
    "broker", ["kafka:9092", "10.0.0.1:9092", "localhost:1,kafka", "localhost.example:1", "0.0.0.0:1"]
)
def test_plaintext_to_elsewhere_is_refused_with_both_ways_out(broker: str) -> None:
    host = broker.rsplit(",", maxsplit=1)[-1].split(":", maxsplit=1)[0]
    told = (
        f"refusing to speak plaintext to the broker at {host}, which is not this machine: set "
        f"LISTWIRE_BROKER_SECURITY=tls, or LISTWIRE_BROKER_ALLOW_PLAINTEXT={host} if nobody can listen in between"
    )
    with pytest.raises(SettingsError, match=f"^{re.escape(told)}$"):
        link_of(load_settings(broker=broker))


def test_plaintext_is_allowed_by_name_and_to_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTWIRE_BROKER_ALLOW_PLAINTEXT", "Kafka, kafka-2")
    assert link_of(load_settings(broker="kafka:9092,KAFKA-2:1")).protocol == "PLAINTEXT"
    with pytest.raises(SettingsError, match="at kafka-3,"):
        link_of(load_settings(broker="kafka,kafka-3"))


def test_a_command_ends_with_2_where_plaintext_is_refused() -> None:
    command = [sys.executable, "-P", "-m", "agents", "worker", "--broker", "kafka:9092"]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(b"listwire: refusing to speak plaintext to the broker at kafka")
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"broker_security": "tls"}, "LISTWIRE_BROKER_SECURITY has no effect without LISTWIRE_BROKER"),
        ({"broker_credentials_file": "x"}, "LISTWIRE_BROKER_CREDENTIALS_FILE has no effect without LISTWIRE_BROKER"),
        ({"broker_ca_file": "x"}, "LISTWIRE_BROKER_CA_FILE has no effect without LISTWIRE_BROKER_SECURITY=tls"),
        ({"broker_cert_file": "x"}, "LISTWIRE_BROKER_CERT_FILE has no effect without LISTWIRE_BROKER_SECURITY=tls"),
        ({"broker_key_file": "x"}, "LISTWIRE_BROKER_KEY_FILE has no effect without LISTWIRE_BROKER_CERT_FILE"),
        (
            {"broker_key_password_file": "x"},
            "LISTWIRE_BROKER_KEY_PASSWORD_FILE has no effect without LISTWIRE_BROKER_CERT_FILE",
        ),
        (
            {"broker_sasl_mechanism": "SCRAM-SHA-256"},
            "LISTWIRE_BROKER_SASL_MECHANISM has no effect without LISTWIRE_BROKER_CREDENTIALS_FILE",
        ),
    ],
)
def test_a_protection_is_never_ignored_in_silence(given: dict[str, str], problem: str) -> None:
    with pytest.raises(SettingsError, match=f"^{re.escape(problem)}: set that too$"):
        with_broker(load_settings(**given))


def test_a_password_is_sent_in_the_clear_nowhere(secret: Path) -> None:
    given = {"broker": "localhost:1", "broker_credentials_file": secret, "broker_sasl_mechanism": "PLAIN"}
    with pytest.raises(SettingsError, match="=PLAIN would send the password in the clear"):
        link_of(load_settings(**given))
    assert link_of(load_settings(**given, broker_security="tls")).protocol == "SASL_SSL"


def test_scram_needs_no_tls_where_plaintext_is_allowed(secret: Path) -> None:
    link = link_of(load_settings(broker="localhost:1", broker_credentials_file=secret))
    assert client_options(link) == {
        "bootstrap_servers": "localhost:1",
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "ada",
        "sasl_plain_password": CANARY,
    }
    with pytest.raises(SettingsError, match="refusing to speak plaintext"):
        link_of(load_settings(broker="far:1", broker_credentials_file=secret))


@pytest.mark.parametrize(
    "line", ["", CANARY, f"bearer {CANARY}", f"basic {CANARY}", f"basic :{CANARY}", f"basic a:\t{CANARY}"]
)
def test_a_broken_file_is_named_without_what_it_holds(secret: Path, line: str) -> None:
    secret.write_text(line)
    with pytest.raises(SettingsError, match=r"secret: must be one line: `basic USER:PASSWORD`$") as told:
        link_of(load_settings(broker="localhost:1", broker_credentials_file=secret))
    assert CANARY not in str(told.value)


@pytest.mark.parametrize(
    "field", ["broker_credentials_file", "broker_cert_file", "broker_key_file", "broker_key_password_file"]
)
def test_a_secret_that_others_may_read_is_refused(secret: Path, own: Path, tmp_path: Path, field: str) -> None:
    files = {"broker_cert_file": own, "broker_credentials_file": secret}
    files[field] = written(
        tmp_path / "open", (own if "cert" in field or field == "broker_key_file" else secret).read_bytes()
    )
    files[field].chmod(0o644)
    with pytest.raises(SettingsError, match=r"open: mode 0644 lets others .* chmod 600 it$"):
        link_of(load_settings(broker="b:1", broker_security="tls", **files))


def test_a_key_with_a_password_is_read_with_it_and_never_asked_for(own: Path, tmp_path: Path) -> None:
    pem = own.read_bytes()
    cut = pem.index(b"-----BEGIN CERTIFICATE")
    sealed = load_pem_private_key(pem[:cut], None).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(CANARY.encode())
    )
    cert, key = written(tmp_path / "cert.pem", pem[cut:]), written(tmp_path / "key.pem", sealed)
    password = written(tmp_path / "password", f"{CANARY}\n".encode())
    tls = Tls(None, cert, key, password)
    assert client_options(Link("b:1", tls))["security_protocol"] == "SSL"
    password.write_text("wrong")
    for closed in (tls, Tls(None, cert, key)):
        with pytest.raises(CredentialError, match=r"cert\.pem, .*key\.pem: no certificate and its key in PEM form, or"):
            client_options(Link("b:1", closed))


@pytest.mark.parametrize(
    ("text", "problem"), [(None, "No such file or directory"), ("x", "no certificates in PEM form")]
)
def test_authorities_that_cannot_be_read_are_named(tmp_path: Path, text: str | None, problem: str) -> None:
    file = tmp_path / "ca.pem"
    if text is not None:
        file.write_text(text)
    with pytest.raises(SettingsError, match=rf"ca\.pem: {problem}$"):
        link_of(load_settings(broker="b:1", broker_security="tls", broker_ca_file=file))


def test_tls_checks_certificate_and_name() -> None:
    context = client_options(Link("b:1", Tls()))["ssl_context"]
    assert (context.check_hostname, context.verify_mode.name) == (True, "CERT_REQUIRED")
    assert context.minimum_version >= 771  # TLS 1.2


def test_nothing_that_shows_a_link_shows_a_secret(secret: Path, own: Path) -> None:
    link = Link("b:1", Tls(None, own), Sasl(secret))
    assert CANARY not in f"{link} {link!r} {credentials(link)!r}"
    assert str(link) == "b:1"
    assert linked(link) is link


async def test_the_agents_speak_as_the_link_says(secret: Path, own: Path, tmp_path: Path) -> None:
    def given(link: Link | str) -> CredentialsT | None:
        app, _ = build_app(link, [], tmp_path)
        return app.conf.broker_credentials

    assert given("b:1") is None
    certified = given(Link("b:1", Tls(None, own)))
    assert isinstance(certified, faust.SSLCredentials)
    named = given(Link("b:1", Tls(), Sasl(secret, "SCRAM-SHA-256")))
    assert isinstance(named, faust.SASLCredentials)
    assert (named.username, named.password, named.mechanism.value) == ("ada", CANARY, "SCRAM-SHA-256")
    assert (named.protocol.value, named.ssl_context is None) == ("SASL_SSL", False)
    bare = given(Link("b:1", None, Sasl(secret)))
    assert isinstance(bare, faust.SASLCredentials)
    assert bare.protocol.value == "SASL_PLAINTEXT"


def test_a_password_in_the_address_is_not_repeated() -> None:
    with pytest.raises(Exception, match="a user goes into LISTWIRE_BROKER_CREDENTIALS_FILE") as told:
        link_of(load_settings(broker=f"ada:{CANARY}@kafka:1"))
    assert CANARY not in str(told.value)
