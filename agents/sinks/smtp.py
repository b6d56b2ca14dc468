"""Alerts by mail: `smtp://mail.example:587/?from=wire@desk.example&to=a@desk.example,b@desk.example`.

    smtp            STARTTLS, and no mail without it; port 587
    smtp+tls        TLS from the first byte; port 465
    smtp+plain      neither, only into a network that the operator allows, and without credentials; port 25

`credentials_file` names a file of one line, `basic USER:PASSWORD`; `ca_file` a certificate authority of one's own. The
Message-ID is made of the alert's id and revision, the same at every try, so that mailboxes drop repeats. What is told
of one story is one thread, and one mail where it comes together. Whoever has taken a mail does not get it again because
another recipient was refused.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from functools import cached_property
from pathlib import Path

from aiosmtplib import SMTP, SMTPException, SMTPRecipientsRefused, SMTPResponseException
from aiosmtplib.errors import SMTPDataError, SMTPSenderRefused

from agents.credentials import CredentialError, secret_bytes
from agents.dialling import dial
from agents.egress import BlockedAddress, Network, SocketFactory, guard, inner_guard
from agents.mailing import Letterhead, letter_of, letterhead_of, mail_id
from agents.metrics import Way
from agents.posting import NOT_ALLOWED
from agents.sinks import Means, Refusal, SinkError
from streams.errors import SettingsError
from streams.outlets import Outlet
from streams.records import Alert

OPTIONS = frozenset({"from", "to", "credentials_file", "ca_file"})
PORTS = {"": 587, "tls": 465, "plain": 25}
TIMEOUT_S = 30.0
CONNECT_S = 15.0
FAREWELL_S = 5.0
REMEMBERED = 100


def open_sink(outlet: Outlet, means: Means) -> SmtpSink:
    """A sink that mails. Raises SettingsError for an address, a file or a combination that cannot work."""
    if outlet.how not in PORTS or not outlet.host or outlet.path not in {"", "/"}:
        raise outlet.refusal("write it smtp://HOST:PORT/?from=ADDRESS&to=ADDRESS,ADDRESS (or smtp+tls, smtp+plain)")
    head = letterhead_of(outlet)
    credentials = outlet.options.get("credentials_file")
    if credentials and outlet.how == "plain":
        raise outlet.refusal("credentials never travel without TLS")
    port = outlet.port or PORTS[outlet.how]
    factory = _guard(outlet, port, means.allowed)
    sink = SmtpSink(
        Relay(outlet.host, port, outlet.how, factory, Path(credentials).expanduser() if credentials else None),
        head,
        _tls(outlet),
    )
    try:
        sink.relay.login()
    except CredentialError as error:
        raise outlet.refusal(str(error)) from None
    return sink


def _guard(outlet: Outlet, port: int, allowed: Sequence[Network]) -> SocketFactory:
    return inner_guard(allowed, Way.SINK) if outlet.how == "plain" else guard(allowed, {port}, way=Way.SINK)


def _tls(outlet: Outlet) -> ssl.SSLContext:
    file = outlet.options.get("ca_file")
    try:
        return ssl.create_default_context(cafile=str(Path(file).expanduser()) if file else None)
    except (OSError, ssl.SSLError):
        raise SettingsError(f"sink {outlet.label!r}: ca_file={file}: no certificates that can be read") from None


@dataclass(frozen=True)
class Relay:
    """The server that takes our mail, and how it is reached."""

    host: str
    port: int
    how: str
    factory: SocketFactory
    credentials: Path | None

    def login(self) -> tuple[str, str] | None:
        """User and password as the file has them now. Raises CredentialError, which shows neither."""
        if self.credentials is None:
            return None
        try:
            line = secret_bytes(self.credentials).decode("utf-8", "replace").removesuffix("\n")
        except OSError as error:
            raise CredentialError(f"{self.credentials}: {error.strerror or 'cannot be read'}") from None
        user, _, password = line.removeprefix("basic ").partition(":")
        if not user or not password or not line.isprintable() or not line.startswith("basic "):
            raise CredentialError(f"{self.credentials}: must be one line: `basic USER:PASSWORD`")
        return user, password


class SmtpSink:
    """Mails each alert, or bundle, over a connection of its own."""

    def __init__(self, relay: Relay, head: Letterhead, tls: ssl.SSLContext) -> None:
        self.relay = relay
        self._head = head
        self._tls = tls
        self._left: dict[str, tuple[str, ...]] = {}  # who has not taken a mail that others took

    @cached_property
    def _domain(self) -> str:
        return self._head.sender.rpartition("@")[2]

    async def deliver(self, alert: Alert, now: datetime) -> None:
        """Taken by the server for all recipients. Raises SinkError or Refusal."""
        await self._mail((alert,), now)

    async def deliver_bundle(self, alerts: Sequence[Alert], now: datetime) -> None:
        """As `deliver`, in one mail."""
        await self._mail(alerts, now)

    async def _mail(self, alerts: Sequence[Alert], now: datetime) -> None:
        name = mail_id(alerts)
        to = self._left.get(name, self._head.recipients)
        try:
            login = await asyncio.to_thread(self.relay.login)
            sock = await dial(self.relay.host, self.relay.port, self.relay.factory, CONNECT_S)
            refused = await self._send(sock, login, to, letter_of(alerts, self._head, now))
        except CredentialError as error:
            raise SinkError(str(error)) from None
        except (SMTPException, OSError, ValueError) as error:
            raise _judged(error) from None
        self._left.pop(name, None)
        if refused:
            self._keep(name, tuple(refused))
            raise _refusal(refused)

    async def _send(
        self, sock: socket.socket, login: tuple[str, str] | None, to: tuple[str, ...], letter: EmailMessage
    ) -> dict[str, int]:
        """Who was refused, with the code."""
        client = SMTP(
            hostname=self.relay.host,
            local_hostname=self._domain,
            sock=sock,
            timeout=TIMEOUT_S,
            use_tls=self.relay.how == "tls",
            start_tls=self.relay.how == "",
            tls_context=None if self.relay.how == "plain" else self._tls,
        )
        try:
            await client.connect()
            if login:
                await client.login(*login)
            replies, _ = await client.send_message(letter, sender=self._head.sender, recipients=list(to))
            with suppress(SMTPException, OSError):  # the mail is taken, whatever comes of the farewell
                await client.quit(timeout=FAREWELL_S)
        except SMTPRecipientsRefused as error:
            return {one.recipient: one.code for one in error.recipients}
        finally:
            client.close()  # and no farewell where something failed: a stop must not wait for a server that is mute
        return {recipient: reply.code for recipient, reply in replies.items()}

    def _keep(self, name: str, refused: tuple[str, ...]) -> None:
        self._left[name] = refused
        if len(self._left) > REMEMBERED:
            del self._left[next(iter(self._left))]

    async def close(self) -> None:
        """Nothing is held open."""


def _refusal(refused: Mapping[str, int]) -> SinkError:
    problem = f"not taken for {', '.join(f'{who} ({code})' for who, code in refused.items())}"
    return Refusal(problem) if all(code >= 500 for code in refused.values()) else SinkError(problem)


def _judged(error: Exception) -> SinkError:
    """Only what is said of this mail is final; a login that fails, or a server that is full, passes."""
    match error:
        case BlockedAddress():
            return SinkError(NOT_ALLOWED)
        case SMTPDataError() | SMTPSenderRefused() if error.code >= 500:
            return Refusal(f"the server refused the mail ({error.code})")
        case SMTPResponseException():
            return SinkError(f"the server answered {error.code}: {type(error).__name__}")
        case OSError() if error.strerror:
            return SinkError(f"no connection: {error.strerror}")
    return SinkError(f"not mailed: {type(error).__name__}")
