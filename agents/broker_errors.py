"""Counts what the clients of the broker log as errors, for most of these they mend by themselves and raise to nobody.

A lost connection, a coordinator that is gone, a fetch that was refused: one is nothing, many are a broker in trouble.
What a send raises to us is counted by the publisher.
"""

from __future__ import annotations

import logging

from agents.logs import HARMLESS
from agents.metrics import BROKER_ERRORS, Client

LIBRARY = "aiokafka"


class _Counting(logging.Handler):
    """Counts records, and shows none."""

    def emit(self, record: logging.LogRecord) -> None:
        if not any(phrase in record.getMessage() for phrase in HARMLESS):
            BROKER_ERRORS.labels(client=_client(record.name)).inc()


_COUNTING = _Counting(logging.ERROR)


def count_client_errors() -> None:
    """From now on; what is called twice counts once."""
    logging.getLogger(LIBRARY).addHandler(_COUNTING)


def _client(logger: str) -> Client:
    """Whose word it is; connections and metadata are those of any client."""
    part = logger.split(".")[1:2]
    return Client(part[0]) if part and part[0] in set(Client) else Client.OTHER
