"""Records to JSON bytes and back.

Unknown fields are ignored so that old readers survive new writers; a missing or wrong one raises `RecordError`
that names it. Source of the timings behind the choice of msgspec: it checks types at the speed of an unchecked
JSON parser.
"""

from collections.abc import Sequence
from functools import cache
from typing import TypeVar

import msgspec

from streams.errors import RecordError

R = TypeVar("R", bound=msgspec.Struct)


def _plain(value: object) -> object:
    """A sequence of our own making as the array that it stands for."""
    if isinstance(value, Sequence):
        return tuple(value)
    raise TypeError(f"no record has a {type(value).__name__}")


_encoder = msgspec.json.Encoder(order="deterministic", enc_hook=_plain)


def encode(record: msgspec.Struct) -> bytes:
    """The record as JSON, the same bytes for equal records."""
    return _encoder.encode(record)


def decode(raw: bytes | None, kind: type[R]) -> R:
    """The record in `raw`. Raises RecordError: not JSON, absent, nested beyond reason, or a field missing or wrong."""
    if raw is None:
        raise RecordError(kind.__name__, "no value")
    try:
        decoder: msgspec.json.Decoder[R] = _decoder(kind)
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecordError(kind.__name__, str(error)) from None
    except RecursionError:
        raise RecordError(kind.__name__, "nested too deep") from None


@cache
def _decoder(kind: type[R]) -> msgspec.json.Decoder[R]:
    return msgspec.json.Decoder(kind)
