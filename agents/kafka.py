"""Sending to a broker, and the one door to what the other broker modules offer.

Precedence of the rules here:
1. A message is sent when the broker has acknowledged it (`acks=all`, idempotent, linger 0), never before.
2. Messages of one `publish` go out in the order given wherever that order can matter: those for another topic
   wait until all before them are acknowledged. A crash in between leaves a beginning, never an end alone.
3. A producer that failed a message is given up and replaced: an idempotent one has by then counted a sequence
   number that the broker never saw, and every later message of that partition would be refused.
   What waits for its acknowledgement when it is closed, and gets none, goes to the next one: aiokafka forgets it.
4. Patience has an end. Whoever publishes hears `BrokerDown` and must not act as if it had been sent. Where waiting is
   in vain (a password that changed, a right that is missing) it hears `BrokerRefused` at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from itertools import groupby
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, ProducerClosed, RecordListTooLargeError

from agents.admin import create_topics, describe_topics
from agents.handshake import refusal
from agents.link import Bootstrap, client_options, linked
from agents.logs import get_logger
from agents.messages import (
    BrokerDown,
    BrokerError,
    BrokerRefused,
    Incoming,
    Outgoing,
    TopicState,
    Undeliverable,
    announcement,
)
from agents.metrics import BROKER_ERRORS, PUBLISH_RETRIES, Client
from agents.reaching import PATIENCE_S, patience, raise_if_refused, require_broker
from streams.topics import MAX_MESSAGE_BYTES

__all__ = [
    "BrokerDown",
    "BrokerError",
    "BrokerRefused",
    "Incoming",
    "Outgoing",
    "Publisher",
    "TopicState",
    "Undeliverable",
    "announcement",
    "create_topics",
    "describe_topics",
    "patience",
    "require_broker",
]

CLOSE_S = 5.0

logger = get_logger("kafka")


class Publisher:
    """One producer for all that a process sends. `publish` returns when everything has been acknowledged."""

    def __init__(self, bootstrap: Bootstrap, *, patience_s: float = PATIENCE_S) -> None:
        self.bootstrap = bootstrap
        self.patience_s = patience_s
        self._producer: Any = None
        self._given_up: dict[Any, asyncio.Future[None]] = {}
        self._connecting = asyncio.Lock()
        self._closing: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Connects. Raises BrokerDown."""
        await require_broker(self.bootstrap)
        async with patience(self.bootstrap, "gives no producer", self.patience_s):
            await self._current()

    async def stop(self) -> None:
        """Lets go of the broker; what was published is there already."""
        self._retire(self._producer)
        if self._closing:
            await asyncio.wait(self._closing)

    async def publish(self, *messages: Outgoing) -> None:
        """Sends all and returns once each is acknowledged.

        Raises Undeliverable before anything is sent if one is too large, BrokerRefused, or BrokerDown when patience
        ends.
        """
        for message in messages:
            if message.size > MAX_MESSAGE_BYTES:
                raise Undeliverable(message.topic, message.size)
        for _, same_topic in groupby(messages, key=lambda message: message.topic):
            await self._deliver(list(same_topic))

    async def reachable(self) -> bool:
        """Whether the broker answers right now."""
        if self._producer is None:
            return False
        try:
            async with asyncio.timeout(2):
                return bool(await self._producer.client.force_metadata_update())
        except (TimeoutError, KafkaError):
            return False

    async def _deliver(self, messages: list[Outgoing]) -> None:
        async with patience(self.bootstrap, f"{messages[0].topic} is not acknowledged", self.patience_s):
            for pause_s in _pauses():
                messages = await self._send(messages)
                if not messages:
                    return
                PUBLISH_RETRIES.inc(len(messages))
                await asyncio.sleep(pause_s)

    async def _send(self, messages: list[Outgoing]) -> list[Outgoing]:
        """What is still to be sent after one attempt, in order."""
        try:
            producer = await self._current()
        except (KafkaError, OSError, TimeoutError) as error:
            if refused := refusal(error, linked(self.bootstrap)):  # one without any right to write gets no producer
                raise BrokerRefused(self.bootstrap, *refused) from None
            await raise_if_refused(self.bootstrap)
            logger.warning("broker gives no producer", broker=str(self.bootstrap), error=str(error))
            return messages
        given_up = self._given_up[producer]
        sending = [_unless(given_up, self._send_one(producer, message)) for message in messages]
        results = await asyncio.gather(*sending, return_exceptions=True)
        failed = [
            (message, problem)
            for message, problem in zip(messages, results, strict=True)
            if isinstance(problem, BaseException)
        ]
        if failed:
            self._retire(producer)
            _raise_the_hopeless(failed, self.bootstrap)
            BROKER_ERRORS.labels(client=Client.PRODUCER).inc()
            logger.warning("broker refused messages", topic=failed[0][0].topic, error=repr(failed[0][1]))
        return [message for message, _ in failed]

    @staticmethod
    async def _send_one(producer: Any, message: Outgoing) -> None:
        await producer.send_and_wait(
            message.topic,
            value=message.value,
            key=message.key,
            partition=message.partition,
            headers=list(message.headers),
        )

    async def _current(self) -> Any:
        async with self._connecting:
            if self._producer is None:
                self._producer = await _started_producer(self.bootstrap)
                self._given_up[self._producer] = asyncio.get_running_loop().create_future()
            return self._producer

    def _retire(self, producer: Any) -> None:
        if producer is None or producer is not self._producer:
            return
        self._producer = None
        closing = asyncio.create_task(_close(producer, self._given_up.pop(producer)))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)


def _raise_the_hopeless(failed: list[tuple[Outgoing, BaseException]], broker: Bootstrap) -> None:
    for message, problem in failed:
        if isinstance(problem, MessageSizeTooLargeError | RecordListTooLargeError):
            raise Undeliverable(message.topic, message.size)
        if not isinstance(problem, KafkaError):
            raise problem
        if refused := refusal(problem, linked(broker)):
            raise BrokerRefused(broker, *refused)


async def _started_producer(bootstrap: Bootstrap) -> Any:
    producer = AIOKafkaProducer(
        **client_options(bootstrap),
        acks="all",
        enable_idempotence=True,
        linger_ms=0,
        max_request_size=MAX_MESSAGE_BYTES,
    )
    try:
        await producer.start()
    except BaseException:
        await producer.stop()
        raise
    return producer


async def _close(producer: Any, given_up: asyncio.Future[None]) -> None:
    try:
        async with asyncio.timeout(CLOSE_S):
            await producer.stop()
    except (TimeoutError, KafkaError) as error:
        logger.warning("producer left with messages under way", error=repr(error))
    finally:
        given_up.set_result(None)


async def _unless(given_up: asyncio.Future[None], sending: Coroutine[Any, Any, None]) -> None:
    """Awaits the sending. Raises ProducerClosed if its producer was given up without an answer to it."""
    sent = asyncio.ensure_future(sending)
    try:
        await asyncio.wait((sent, given_up), return_when=asyncio.FIRST_COMPLETED)
        if not sent.done():
            raise ProducerClosed
        await sent
    finally:
        sent.cancel()


def _pauses() -> Iterator[float]:
    pause_s = 0.1
    while True:
        yield pause_s
        pause_s = min(pause_s * 2, 5.0)
