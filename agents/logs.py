"""Logging for all commands: our events and those of the libraries, one line each, on stderr.

An event is a constant phrase with its facts as fields. On a terminal lines are for people, elsewhere JSON.
Whatever a story, a feed or a broker puts into a field stays inert: control characters come out escaped.

The Kafka libraries log the same failure dozens of times a second while a broker is away; `Sparing` lets one
line of a kind through each half minute and counts the rest.
"""

from __future__ import annotations

import logging
import re
import sys
import time
from typing import Literal, TextIO, cast

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

LIBRARIES = ("aiokafka", "faust", "mode", "kafka", "aiohttp", "asyncio")
REPEAT_S = 30.0
HARMLESS = (
    "GroupCoordinatorNotAvailableError",  # the first join while the broker's offsets topic is being born
    "NotLeaderForPartitionError",  # a new topic's partitions get their leaders one by one; the client asks again
    "Topic creation disabled",  # Faust announces that it may not create topics: we forbid it
)

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")


def get_logger(name: str) -> FilteringBoundLogger:
    """The logger of a part of Listwire."""
    return cast(FilteringBoundLogger, structlog.get_logger(f"listwire.{name}"))


def configure_logging(
    level: str = "info", log_format: Literal["auto", "console", "json"] = "auto", stream: TextIO | None = None
) -> None:
    """Sends everything that is logged to `stream` (stderr), replacing what was set up before."""
    out = stream or sys.stderr
    handler = logging.StreamHandler(out)
    handler.setFormatter(_formatter(log_format, terminal=out.isatty()))
    handler.addFilter(Sparing())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for library in LIBRARIES:
        logging.getLogger(library).setLevel(logging.WARNING)


class Sparing(logging.Filter):
    """Lets one record of a kind through each `REPEAT_S` seconds, for the libraries alone."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """False: this record repeats one that was just shown, or is known to mean nothing."""
        if record.name.partition(".")[0] not in LIBRARIES:
            return True
        text = record.getMessage()
        if any(phrase in text for phrase in HARMLESS):
            return False
        return self._first(record, text)

    def _first(self, record: logging.LogRecord, text: str) -> bool:
        kind, now = (record.name, str(record.msg)), time.monotonic()
        shown, withheld = self._last.get(kind, (-REPEAT_S, 0))
        if now - shown < REPEAT_S:
            self._last[kind] = (shown, withheld + 1)
            return False
        if len(self._last) > 500:  # messages with their facts in the template would grow it without end
            self._last.clear()
        self._last[kind] = (now, 0)
        if withheld:
            record.msg, record.args = f"{text} (and {withheld} more like it)", ()
        return True


def _formatter(log_format: str, *, terminal: bool) -> logging.Formatter:
    console = log_format == "console" or (log_format == "auto" and terminal)
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(colors=terminal, pad_event_to=0)
        if console
        else structlog.processors.JSONRenderer(sort_keys=True)
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _inert,
            renderer,
        ],
    )


def _inert(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {key: _escaped(key, value) if isinstance(value, str) else value for key, value in event.items()}


def _escaped(key: str, text: str) -> str:
    lines = text.split("\n") if key == "exception" else [text]  # a traceback keeps its lines
    return "\n".join(_CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", line) for line in lines)


_SHARED: list[Processor] = [
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]

structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        *_SHARED,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)
