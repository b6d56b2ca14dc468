"""The claims log as one reading of it finds it, sorted by ledger key: for commands, which keep no ledger."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from agents.kafka import require_broker
from agents.link import Bootstrap
from agents.memory import LogReader
from agents.skips import read_skips
from streams.codec import decode
from streams.errors import RecordError
from streams.history import Told
from streams.records import LedgerKey, Report, ledger_key
from streams.topics import Topic, partitions_of

ClaimsLog = dict[LedgerKey, list[Told]]


async def read_claims(bootstrap: Bootstrap, wanted: Collection[LedgerKey] | None = None) -> ClaimsLog:
    """Every report of the log, in the order of its key; `wanted` None: of all keys.

    What is no report, or became a dead letter, is passed over, as the bookkeeper does. Raises BrokerDown.
    """
    await require_broker(bootstrap)
    read = LogReader(bootstrap)
    skips = await read_skips(read)
    log: ClaimsLog = {}
    for partition in range(partitions_of(Topic.CLAIMS)):
        async for message in read(Topic.CLAIMS, partition, 0, None):
            if message.offset in skips[partition]:
                continue
            try:
                report = decode(message.value, Report)
            except RecordError:
                continue
            key = ledger_key(report.authority, report.group)
            if wanted is None or key in wanted:
                at = datetime.fromtimestamp(message.timestamp, UTC)
                log.setdefault(key, []).append(Told(report, message.offset, at))
    return log
