"""The messages of `designation.claims` that the ledger passes over: those that became dead letters.

A report that was buried told nobody anything. If a later fold counted it all the same (our code was mended meanwhile,
or only its alert was too large), the ledger would hold what was never announced, and the letter, sent again, would be
old news to it. So every burial leaves a mark, and a mark is for ever:

    letter ▶ mark ▶ commit      a crash before the mark: the report comes again, as if nothing had been
                                a crash after it: the report comes again, and is passed over
"""

from __future__ import annotations

from collections import defaultdict

from agents.letters import Failure
from agents.memory import ReadLog
from agents.messages import Incoming, Outgoing
from streams.codec import decode, encode
from streams.errors import RecordError
from streams.records import Skipped
from streams.topics import Topic, partitions_of

Skips = dict[int, set[int]]
"""Offsets by partition of the claims log."""


async def read_skips(read: ReadLog) -> Skips:
    """Every mark there is. Raises BrokerDown."""
    skips: Skips = defaultdict(set)
    for partition in range(partitions_of(Topic.SKIPPED)):
        async for message in read(Topic.SKIPPED, partition, 0, None):
            try:
                skipped = decode(message.value, Skipped)
            except RecordError:
                continue
            skips[skipped.partition].add(skipped.offset)
    return skips


def skip(event: Incoming, failure: Failure) -> Outgoing:
    """The mark of a message of the claims log."""
    skipped = Skipped(partition=event.partition, offset=event.offset, reason=failure.reason)
    return Outgoing(Topic.SKIPPED, event.origin.encode(), encode(skipped))
