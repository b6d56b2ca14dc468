"""How well a claim is founded: whose words it rests on, how many of them are independent, and what that makes of it.

Agencies sell their copy, and papers print it with another headline and fewer paragraphs. So two stories are one source
if they credit the same origin or if their texts are alike; "alike" is told by a sketch of the text that travels with
the claim, because the ledger does not keep texts.

Precedence of levels:
1. official: the authority's own publication said it;
2. confirmed: the authority's voice was reported by an outlet, or `ENOUGH` independent sources say so;
3. unconfirmed: anything else. A story that was cut, or that comes from a feed its operator does not trust, never
   confirms anything: it may lack the very words that turn it round.

Source of the sketch: Broder, "On the resemblance and containment of documents", 1997 (bottom-k of hashed shingles).
"""

import re
import zlib
from collections.abc import Iterable, Sequence
from heapq import nsmallest
from typing import NamedTuple

from streams.records import Claim, StoryRef
from streams.vocabulary import Level

ENOUGH = 2
"""Independent sources that confirm what the authority itself has not said."""

MOST = 0.99
SHINGLE = 3
SKETCH = 24
ALIKE = 0.4
"""Resemblance of two texts above which one is a copy. Copies with a new lead keep more, two reports of one event share
a quotation or two and stay below 0.15.
"""

_HEX = 8
_WORD = re.compile(r"[^\W_]+")


class Voice(NamedTuple):
    """A claim and the story that makes it."""

    claim: Claim
    story: StoryRef

    @property
    def counts(self) -> bool:
        """Whether it can confirm anything."""
        return self.story.complete and self.story.trusted


def sketch(text: str) -> str:
    """The `SKETCH` smallest hashes of the text's word triples, 8 hex digits each: alike for texts that are alike."""
    words = _WORD.findall(text.lower())
    triples = {" ".join(words[at : at + SHINGLE]) for at in range(max(len(words) - SHINGLE + 1, 1))}
    hashes = {zlib.crc32(triple.encode("utf-8", "replace")) for triple in triples}
    return "".join(f"{value:0{_HEX}x}" for value in nsmallest(SKETCH, hashes))


def are_alike(one: str | None, other: str | None) -> bool:
    """Whether two sketches are of copies of one text; a missing one resembles nothing."""
    if not one or not other:
        return False
    ours, theirs = parts_of(one), parts_of(other)
    union = nsmallest(SKETCH, ours | theirs)
    return sum(part in ours and part in theirs for part in union) >= ALIKE * len(union)


def independent(voices: Sequence[Voice]) -> int:
    """How many sources do not depend on each other, among those that count."""
    groups: list[list[Voice]] = []
    for voice in (voice for voice in voices if voice.counts):
        same = [group for group in groups if any(_is_same(voice, known) for known in group)]
        groups = [group for group in groups if group not in same]
        groups.append([voice, *(known for group in same for known in group)])
    return len(groups)


def level_of(voices: Sequence[Voice]) -> Level:
    """The level that these voices give together."""
    counting = [voice.claim for voice in voices if voice.counts]
    if any(claim.official for claim in counting):
        return Level.OFFICIAL
    if any(claim.confirmed for claim in counting) or independent(voices) >= ENOUGH:
        return Level.CONFIRMED
    return Level.UNCONFIRMED


def confidence_of(voices: Iterable[Voice]) -> float:
    """That of the best voice, raised by each further independent one as if their errors had nothing in common."""
    doubt = 1.0
    taken: list[Voice] = []
    for voice in sorted(voices, key=lambda voice: -voice.claim.confidence):
        if not taken or (voice.counts and not any(_is_same(voice, known) for known in taken)):
            doubt *= 1.0 - voice.claim.confidence
            taken.append(voice)
        if 1.0 - doubt >= MOST:
            break  # what follows can only add to it
    best = taken[0].claim.confidence if taken else 0.0
    return max(best, round(min(1.0 - doubt, MOST), 3))


def origin_of(voice: Voice) -> str:
    """Whose copy it is: the credit, else the outlet, else the feed."""
    return (voice.claim.origin or voice.story.source or voice.story.feed).casefold()


def parts_of(mark: str) -> frozenset[str]:
    """The hashes that a sketch is made of."""
    return frozenset(mark[at : at + _HEX] for at in range(0, len(mark), _HEX))


def _is_same(one: Voice, other: Voice) -> bool:
    if one.story.id == other.story.id or origin_of(one) == origin_of(other):
        return True
    return are_alike(one.claim.fingerprint, other.claim.fingerprint)
