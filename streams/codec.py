"""Records to JSON bytes and back.

Unknown fields are ignored so that old readers survive new writers; a missing or wrong one raises `RecordError`
that names it. Source of the timings behind the choice of msgspec: it checks types at the speed of an unchecked
JSON parser.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, TypeVar

import msgspec

from streams.errors import NewerRecordError, RecordError

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
    """The record in `raw`.

    Raises RecordError: not JSON, absent, nested beyond reason, or a field missing or wrong; NewerRecordError where a
    later version wrote it, who may mean something else by the same fields.
    """
    if raw is None:
        raise RecordError(kind.__name__, "no value")
    decoder, known = _decoder(kind)
    try:
        record: R = decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _refusal(raw, kind, str(error)) from None
    except RecursionError:
        raise RecordError(kind.__name__, "nested too deep") from None
    if known and (schema := record.schema) > known:  # type: ignore[attr-defined]
        raise _newer(kind, schema)
    return record


class _Numbered(msgspec.Struct):
    """All that is looked at in a record that cannot be read."""

    schema: int = 1


def _refusal(raw: bytes, kind: type[msgspec.Struct], problem: str) -> RecordError:
    if problem.startswith("Invalid enum value"):
        return NewerRecordError(kind.__name__, f"{problem}, which this version does not know")
    try:
        schema = msgspec.json.decode(raw, type=_Numbered).schema
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return RecordError(kind.__name__, problem)
    return _newer(kind, schema) if schema > _decoder(kind)[1] > 0 else RecordError(kind.__name__, problem)


def _newer(kind: type[msgspec.Struct], schema: int) -> NewerRecordError:
    return NewerRecordError(kind.__name__, f"schema {schema} of a later version, this one reads {_decoder(kind)[1]}")


@cache
def _decoder(kind: type[Any]) -> tuple[msgspec.json.Decoder[Any], int]:
    """How to read the record, and the number of its schema; 0 where it has none."""
    numbers = [field.default for field in msgspec.structs.fields(kind) if field.name == "schema"]
    return msgspec.json.Decoder(kind), int(numbers[0]) if numbers else 0
