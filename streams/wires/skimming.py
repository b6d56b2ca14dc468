"""The items of a web feed without reading them: which of them are the ones that are known.

A feed lists the same items for days, and its parser is slow. So where the markup is plain, each item is cut out by its
tags alone and hashed as it stands; those whose hash is known are left out of the document before anything else looks
at it. Where it is not plain (an item without its end tag, a comment around items, a CDATA section that holds a tag, a
name that two items share or one lacks) nothing is left out: then only all items together show what is what.
"""

import hashlib
import re
from collections.abc import Collection
from typing import NamedTuple

_OPENED = re.compile(r"<(item|entry)(?=[\s>])")
_NAMED = re.compile(
    r"<(?:guid|id)(?:\s[^<>]*)?>\s*([^\s<][^<]*|<!\[CDATA\[[^\]]+)|\srdf:about\s*=\s*[\"']([^\"']+)|<link>\s*([^\s<][^<]*)"
)
_PAIRS = (("<!--", "-->"), ("<![CDATA[", "]]>"))


class Chunk(NamedTuple):
    """One item: `text[start:end]`, the hash of it, and by what it may be named."""

    start: int
    end: int
    hash: str
    name: str


class Skimmed(NamedTuple):
    """The document without its known items, the hashes of those that are left, in order, and of those left out."""

    text: str
    hashes: tuple[str, ...]
    unchanged: tuple[str, ...]


def skim(text: str, known: Collection[str]) -> Skimmed:
    """`text` without the items whose hash is among `known`; whole and without hashes where it is not plain."""
    chunks = _chunks(text)
    if chunks is None or len({chunk.name for chunk in chunks}) < len(chunks):
        return Skimmed(text, (), ())
    left = [chunk for chunk in chunks if chunk.hash not in known]
    if len(left) == len(chunks):
        return Skimmed(text, tuple(chunk.hash for chunk in left), ())
    pieces, at = [], 0
    for chunk in chunks:
        pieces.append(text[at : chunk.end if chunk.hash not in known else chunk.start])
        at = chunk.end
    unchanged = tuple(chunk.hash for chunk in chunks if chunk.hash in known)
    return Skimmed("".join(pieces) + text[at:], tuple(chunk.hash for chunk in left), unchanged)


def _chunks(text: str) -> list[Chunk] | None:
    """The items in document order, None where the markup is not plain."""
    opened = _OPENED.search(text)
    if opened is None:
        return None
    start_tag, end_tag = f"<{opened[1]}", f"</{opened[1]}>"
    found: list[Chunk] = []
    at, start = 0, opened.start()
    while start >= 0:
        end = text.find(end_tag, start)
        chunk = _chunk(text, start, end + len(end_tag), start_tag) if end >= 0 else None
        if chunk is None or not _is_balanced(text[at:start]):
            return None
        found.append(chunk)
        at = chunk.end
        start = text.find(start_tag, at)
    return found if _is_balanced(text[at:]) else None


def _chunk(text: str, start: int, end: int, start_tag: str) -> Chunk | None:
    markup = text[start:end]
    name = _NAMED.search(markup)
    if (
        name is None
        or markup[len(start_tag)] not in " >\t\r\n"
        or markup.find(start_tag, 1) >= 0
        or not _is_balanced(markup)
    ):
        return None
    digest = hashlib.blake2b(markup.encode("utf-8", "replace"), digest_size=8).hexdigest()
    return Chunk(start, end, digest, next(filter(None, name.groups())))


def _is_balanced(markup: str) -> bool:
    return "<!" not in markup or all(markup.count(opens) == markup.count(closes) for opens, closes in _PAIRS)
