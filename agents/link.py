"""The link to a broker: where it is, what protects the way there, and in which files we find who we are.

A link is a value without secrets: it names their files, and they are read whenever a client is made. So a secret
that was changed counts for every client made from then on, and nothing that shows a link shows a secret.

Who holds only an address (the broker that we bring ourselves, tests) may give that instead of a link.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from agents.credentials import CredentialError, secret_bytes

SCRAM = "SCRAM-SHA-512"


@dataclass(frozen=True, slots=True)
class Tls:
    """Whom we trust (no file: the authorities of this machine) and, for mutual TLS, who we are."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    key_password_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Sasl:
    """How we tell who we are, and the file of one line `basic USER:PASSWORD` that tells it."""

    credentials_file: Path
    mechanism: str = SCRAM


@dataclass(frozen=True, slots=True)
class Link:
    """Bootstrap servers and how to speak to them.

    `open_to` are the hosts besides this machine that may be spoken to without TLS; None: any.
    """

    bootstrap: str
    tls: Tls | None = None
    sasl: Sasl | None = None
    open_to: frozenset[str] | None = None

    def __str__(self) -> str:
        return self.bootstrap

    @property
    def protocol(self) -> str:
        """Kafka's name for what is spoken."""
        spoken = "PLAINTEXT" if self.tls is None else "SSL"
        return spoken if self.sasl is None else f"SASL_{spoken}"

    def may_reach(self, host: str) -> bool:
        """Whether the host may be spoken to over this link."""
        if self.tls is not None or self.open_to is None:
            return True
        return is_this_machine(host) or host.lower() in self.open_to


Bootstrap = str | Link


def linked(broker: Bootstrap) -> Link:
    """The link; an address alone is spoken to in plaintext."""
    return broker if isinstance(broker, Link) else Link(broker)


def client_options(broker: Bootstrap) -> dict[str, Any]:
    """What every client of the broker is made with, its secrets read just now. Raises CredentialError."""
    link = linked(broker)
    return {"bootstrap_servers": link.bootstrap, **security_options(link)}


def security_options(link: Link) -> dict[str, Any]:
    """The same without the address: what a single connection is made with."""
    options: dict[str, Any] = {"security_protocol": link.protocol}
    if link.tls is not None:
        options["ssl_context"] = _context(link.tls)
    if link.sasl is not None:
        user, password = _user_and_password(link.sasl.credentials_file)
        options |= {
            "sasl_mechanism": link.sasl.mechanism,
            "sasl_plain_username": user,
            "sasl_plain_password": password,
        }
    return options


def is_this_machine(host: str) -> bool:
    """Whether the name or address is loopback, by how it is written."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _context(tls: Tls) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=tls.ca_file)
    except OSError as error:  # ssl's own errors are OSErrors too
        raise CredentialError(f"{tls.ca_file}: {_why(error, 'no certificates in PEM form')}") from None
    if tls.cert_file is not None:
        _load_own(context, tls, tls.cert_file, tls.key_file or tls.cert_file)
    return context


def _load_own(context: ssl.SSLContext, tls: Tls, cert: Path, key: Path) -> None:
    _read(key)  # refuses a key that others may read
    password = b"" if tls.key_password_file is None else _read(tls.key_password_file).rstrip(b"\r\n")
    try:
        context.load_cert_chain(cert, key, lambda: password)  # without one OpenSSL would ask at the terminal
    except (OSError, ValueError) as error:
        problem = "no certificate and its key in PEM form, or the key's password is wrong"
        where = cert if cert == key else f"{cert}, {key}"
        raise CredentialError(f"{where}: {_why(error, problem)}") from None


def _why(error: Exception, otherwise: str) -> str:
    """What went wrong with a file: OpenSSL's own words for bad content help nobody."""
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) and error.strerror:
        return error.strerror
    return otherwise


def _user_and_password(file: Path) -> tuple[str, str]:
    try:
        line = _read(file).decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        line = ""
    kind, _, pair = line.partition(" ")
    user, _, password = pair.partition(":")
    if kind != "basic" or not user or not password or not pair.isprintable():
        raise CredentialError(f"{file}: must be one line: `basic USER:PASSWORD`")
    return user, password


def _read(file: Path) -> bytes:
    try:
        return secret_bytes(file)
    except OSError as error:
        raise CredentialError(f"{file}: {error.strerror or 'cannot be read'}") from None
