"""Official list files to records, and the difference they would make to the registry.

    bytes ──sniff, load──▶ ListedEntity ──merge(registry)──▶ Diff ──write──▶ texts of group files

Each format is one module of the same shape, listed in `FORMATS`: `NAME`, `COMPLETE`, `sniff(head)` and `load(raw)`.
A module reads the entries that can be groups and names what it ignores; what it meets beyond that becomes a signal
on the entry. Nothing here decides over a curated field: a file that says otherwise is a conflict to be shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from streams.records import AuthorityKey
from streams.registry.importing import eu, ftm, gb, gb_csv, ofac, ofac_advanced, ofac_csv, opensanctions, un
from streams.registry.importing.listed import ListedEntity, ListFileError

__all__ = ["FORMATS", "Format", "ListFileError", "ListedEntity", "format_of", "load"]

HEAD_BYTES = 65_536


class Format(Protocol):
    """What a format module offers."""

    @property
    def NAME(self) -> str:  # noqa: N802 - a constant of the module
        """What `--format` calls it."""

    @property
    def COMPLETE(self) -> frozenset[tuple[AuthorityKey, str]]:  # noqa: N802 - a constant of the module
        """The lists, by authority and instrument, that a file of this format holds in full."""

    def sniff(self, head: bytes, /) -> bool:
        """Whether a file that starts so is in this format."""

    def load(self, raw: bytes, /) -> tuple[ListedEntity, ...]:
        """The entries that can be groups. Raises ListFileError."""


FORMATS: tuple[Format, ...] = (un, ofac, ofac_advanced, eu, gb, gb_csv, opensanctions, ftm, ofac_csv)


def format_of(raw: bytes, name: str | None = None) -> Format:
    """The format of that name, or the one the bytes begin in. Raises ListFileError if there is none."""
    head = raw[:HEAD_BYTES]
    if name is not None:
        found = next((known for known in FORMATS if name == known.NAME), None)
        problem = f"no format {name!r}: {', '.join(known.NAME for known in FORMATS)}"
    else:
        found = next((known for known in FORMATS if known.sniff(head)), None)
        problem = "compressed: unpack it first" if head[:2] in {b"PK", b"\x1f\x8b"} else "no list in a known format"
    if found is None:
        raise ListFileError(problem)
    return found


def load(raws: Iterable[bytes], name: str | None = None) -> tuple[Format, tuple[ListedEntity, ...]]:
    """The entries of one list in one or, as OFAC's CSV comes, several files of one format. Raises ListFileError."""
    files = list(raws)
    formats = {id(found): found for found in (format_of(raw, name) for raw in files)}
    if len(formats) != 1:
        raise ListFileError("files of several formats" if files else "no file")
    (found,) = formats.values()
    if found is ofac_csv:
        return found, found.load(b"\r\n".join(raw.rstrip(b"\x1a\r\n ") for raw in files))
    return found, tuple(entity for raw in files for entity in found.load(raw))
