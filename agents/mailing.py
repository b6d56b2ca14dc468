"""Alerts as a mail: subject, text, threading. Nothing of a story can become a header.

All that is told of one story is one thread: each mail refers to an id made of the `bundle`, under which nothing is ever
sent, so that it does not matter which of them a mailbox has.

Every line is cleaned (one line, no control characters) before it gets near a header, and the headers are set through
the standard library's policy, which refuses line ends and encodes the rest.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import NamedTuple

from agents.sinks import delivery_id
from agents.wording import bundle_words, words_of
from streams.outlets import Outlet
from streams.records import Alert

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9]([A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")


class Letterhead(NamedTuple):
    """Who writes to whom."""

    sender: str
    recipients: tuple[str, ...]


def letterhead_of(outlet: Outlet) -> Letterhead:
    """The options `from` and `to`. Raises SettingsError that names the address at fault."""
    recipients = tuple(dict.fromkeys(part.strip() for part in outlet.require("to").split(",")))
    sender = outlet.require("from").strip()
    for address in (sender, *recipients):
        if not _is_address(address):
            raise outlet.refusal(f"{address!r} is no mail address")
    return Letterhead(sender, recipients)


def letter_of(alerts: Sequence[Alert], head: Letterhead, now: datetime) -> EmailMessage:
    """The mail that tells of this revision, or of these of one story."""
    words = words_of(alerts[0]) if len(alerts) == 1 else bundle_words(alerts)
    letter = EmailMessage(policy=SMTP)
    letter["From"] = Address("Listwire", addr_spec=head.sender)
    letter["To"] = [Address(addr_spec=recipient) for recipient in head.recipients]
    letter["Subject"] = words.title
    letter["Date"] = now
    letter["Message-ID"] = _message_id(mail_id(alerts), head)
    letter["References"] = _message_id(f"story-{_digest(alerts[0].bundle)}", head)
    letter["Auto-Submitted"] = "auto-generated"
    for alert in alerts:
        letter["X-Listwire-Alert"] = delivery_id(alert)
    letter.set_content("\n\n".join((words.title, *words.lines)) + "\n", cte="quoted-printable")
    return letter


def mail_id(alerts: Sequence[Alert]) -> str:
    """The same for each try at telling the same, and for nothing else."""
    if len(alerts) == 1:
        return delivery_id(alerts[0])
    return f"bundle-{_digest(' '.join(map(delivery_id, alerts)))}"


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=10).hexdigest()


def _message_id(name: str, head: Letterhead) -> str:
    return f"<{name}@{head.sender.rpartition('@')[2]}>"


def _is_address(text: str) -> bool:
    try:
        return bool(_ADDRESS.fullmatch(text)) and bool(Address(addr_spec=text).domain)
    except (ValueError, MessageError):
        return False
