"""All that say the same as news, and what that is worth: the voices of one matter, each with its place in the log.

`streams.corroboration` says what a level and an independent source are; this is how they are kept up, voice by voice.
"""

from __future__ import annotations

from collections.abc import Iterable

from streams.corroboration import ENOUGH, Voice, confidence_of
from streams.sources import Sources
from streams.vocabulary import Level


class Chorus:
    """Voices in log order; sources are told apart only once somebody asks for them."""

    def __init__(self, told: Iterable[tuple[int, Voice]] = ()) -> None:
        self._told: dict[int, tuple[Voice, ...]] = {}
        self._official = 0
        self._confirmed = 0
        self._sources: Sources | None = None
        for place, voice in told:
            self.put(place, (*self._told.get(place, ()), voice))

    def knows(self, place: int) -> bool:
        """Whether the report at that place has a place here, so that what it says now can be put there."""
        return place in self._told

    def put(self, place: int, voices: tuple[Voice, ...]) -> None:
        """What the report at that place says; a place that is new here has to be the last."""
        before = self._told.get(place, ())
        self._told[place] = voices
        self._official += _officials(voices) - _officials(before)
        self._confirmed += _confirmations(voices) - _confirmations(before)
        if before:
            self._sources = None
        elif self._sources is not None:
            for voice in voices:
                self._sources.add(voice)

    def is_official_with(self, voice: Voice) -> bool:
        """Whether the authority's own publication said it, this voice included."""
        return self._official > 0 or _officials((voice,)) > 0

    def level_with(self, voice: Voice) -> Level:
        """The level that the voices and this one give together."""
        if self.is_official_with(voice):
            return Level.OFFICIAL
        if self._confirmed or _confirmations((voice,)) or self.sources_with(voice) >= ENOUGH:
            return Level.CONFIRMED
        return Level.UNCONFIRMED

    def sources_with(self, voice: Voice) -> int:
        """How many sources, this one included, do not depend on each other, among those that count."""
        if self._sources is None:
            self._sources = Sources()
            for known in self._voices():
                self._sources.add(known)
        return self._sources.count_with(voice)

    def confidence_with(self, voice: Voice) -> float:
        """The confidence that the voices and this one give together."""
        return confidence_of([*self._voices(), voice])

    def _voices(self) -> Iterable[Voice]:
        return (voice for voices in self._told.values() for voice in voices)


def _officials(voices: Iterable[Voice]) -> int:
    return sum(voice.claim.official for voice in voices if voice.counts)


def _confirmations(voices: Iterable[Voice]) -> int:
    return sum(voice.claim.confirmed for voice in voices if voice.counts)
