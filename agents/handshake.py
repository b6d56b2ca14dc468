"""The first words with a broker, and what its refusals mean.

The clients say of a wrong password, a certificate that nobody trusts and a broker that is off the same: "unable to
bootstrap". One connection of our own tells them apart, because waiting helps against the last one alone.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.metadata import MetadataRequest

from agents.credentials import CredentialError
from agents.link import Link, Sasl, security_options
from agents.messages import BrokerDown, BrokerRefused

CLOSE_S = 2.0
NOT_ALLOWED = (TopicAuthorizationFailedError, GroupAuthorizationFailedError, ClusterAuthorizationFailedError)


class Refusal(NamedTuple):
    """What is refused, and what to change."""

    fault: str
    remedy: str


async def greet(link: Link, host: str, port: int, topics: Collection[str] = ()) -> None:
    """Returns once the broker has taken us for who we are, shows us these topics, if they are there at all, and sends
    us to no broker that may not be spoken to.

    Raises BrokerRefused, BrokerDown if it talks, but not as Kafka does over this link, OSError if nobody listens.
    """
    try:
        brokers = await _introduced(link, host, port, topics)
    except (KafkaError, OSError) as error:
        if refused := refusal(error, link, host):
            raise BrokerRefused(link, *refused) from None
        if isinstance(error, KafkaError | ConnectionResetError | BrokenPipeError | ssl.SSLError):
            raise BrokerDown(link, f"listens, but does not answer as Kafka does: {_guess(link)}") from None
        raise
    for name, at in brokers:
        if not link.may_reach(name):
            fault = f"sends its clients on to {name}:{at}, which is not this machine, in plaintext"
            allow = f"LISTWIRE_BROKER_ALLOW_PLAINTEXT={name} if nobody can listen in between"
            raise BrokerRefused(link, fault, f"set LISTWIRE_BROKER_SECURITY=tls, or {allow}")


def refusal(error: BaseException, link: Link, host: str = "") -> Refusal | None:
    """What the broker refuses us, or we refuse of it; None where waiting may help."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLError):
            return _of_tls(cause, link, host)
        if link.sasl is not None and (refused := _of_sasl(cause, link.sasl)):
            return refused
        if isinstance(cause, NOT_ALLOWED):
            what = ", ".join(map(str, cause.args)) or type(cause).__name__
            return Refusal(f"does not allow us this ({what})", "grant the rights that `listwire topics acls` lists")
    return None


def _of_sasl(error: BaseException, sasl: Sasl) -> Refusal | None:
    match error:
        case SaslAuthenticationFailed():
            return Refusal("refuses our user or password", f"correct {sasl.credentials_file}")
        case UnsupportedSaslMechanismError():
            return Refusal(f"does not offer {sasl.mechanism}", "set LISTWIRE_BROKER_SASL_MECHANISM to one that it does")
        case IllegalSaslStateError():
            return Refusal("asks for no user on this port", "correct it, or unset LISTWIRE_BROKER_CREDENTIALS_FILE")
    return None


async def _introduced(link: Link, host: str, port: int, topics: Collection[str]) -> list[tuple[str, int]]:
    """The brokers that the one at this address names, asked over a connection that is closed again.

    Raises TopicAuthorizationFailedError with the topics that it hides from us, if any.
    """
    try:
        connection = AIOKafkaConnection(host, port, **security_options(link))
    except CredentialError as error:
        raise BrokerRefused(link, "cannot be told who we are", str(error)) from None
    patience_s = CLOSE_S
    try:
        await connection.connect()
        answer: Any = await connection.send(MetadataRequest(list(topics)))
        hidden = [topic[1] for topic in answer.topics if topic[0] == TopicAuthorizationFailedError.errno]
        if hidden:
            raise TopicAuthorizationFailedError(*hidden)
        return [(str(broker[1]), int(broker[2])) for broker in answer.brokers]
    except OSError:
        patience_s = 0.0  # it was never open: the loop closes the socket in its next round, and tells nobody
        raise
    finally:
        closed = connection.close()
        if closed is not None:
            await asyncio.wait([closed], timeout=patience_s)


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__


def _of_tls(error: ssl.SSLError, link: Link, host: str) -> Refusal | None:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _of_their_certificate(error, host)
    reason = (error.reason or "").upper()
    if "ALERT" in reason and any(word in reason for word in ("CERTIFICATE", "UNKNOWN_CA", "HANDSHAKE")):
        own = link.tls and link.tls.cert_file
        if own is None:
            files = "LISTWIRE_BROKER_CERT_FILE and LISTWIRE_BROKER_KEY_FILE"
            return Refusal("asks for a certificate of ours", f"set {files}")
        return Refusal(f"refuses our certificate ({_words(reason)})", f"renew or replace {own}")
    if "WRONG_VERSION" in reason or "RECORD_LAYER" in reason:
        return Refusal("does not speak TLS on this port", "correct the port in LISTWIRE_BROKER")
    return None


def _of_their_certificate(error: ssl.SSLCertVerificationError, host: str) -> Refusal:
    match error.verify_code:
        case 62 | 64:  # X509_V_ERR_HOSTNAME_MISMATCH, _IP_ADDRESS_MISMATCH
            return Refusal(f"has a certificate for other names than {host}", "set one of them in LISTWIRE_BROKER")
        case 9 | 10:  # X509_V_ERR_CERT_NOT_YET_VALID, _HAS_EXPIRED
            return Refusal(f"has a certificate that is not valid now ({error.verify_message})", "renew it there")
        case _:
            fault = f"has a certificate of an authority that we do not trust ({error.verify_message})"
            return Refusal(fault, "name who signed it in LISTWIRE_BROKER_CA_FILE")


def _words(reason: str) -> str:
    return re.sub(r"^(tls|ssl)v\d+ alert ", "", reason.lower().replace("_", " "))


def _guess(link: Link) -> str:
    user = "does it want a user (LISTWIRE_BROKER_CREDENTIALS_FILE)?"
    if link.tls is None:
        return f"does it want TLS (LISTWIRE_BROKER_SECURITY=tls)? {'' if link.sasl else user}".rstrip()
    return f"does it speak TLS on this port? {'' if link.sasl else user}".rstrip()
