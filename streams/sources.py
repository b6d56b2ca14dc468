"""How many independent sources a matter has, kept up as its voices come in.

Two voices are one source if they are of one story, credit the same origin, or tell alike texts; so the sources are the
connected parts of that relation. Texts are compared only with those that can be alike: two sketches that are must share
one of the rarer parts of each, whichever way the boilerplate of agencies is spread.
"""

from __future__ import annotations

import math

from streams.corroboration import ALIKE, SKETCH, Voice, are_alike, origin_of, parts_of
from streams.records import StoryId


class Sources:
    """Takes voices one by one; those that cannot confirm anything are no source."""

    def __init__(self) -> None:
        self.count = 0
        self._parents: list[int] = []
        self._by_story: dict[StoryId, int] = {}
        self._by_origin: dict[str, int] = {}
        self._by_mark: dict[str, int] = {}
        self._by_part: dict[str, list[str]] = {}

    def add(self, voice: Voice) -> None:
        """One more voice."""
        if not voice.counts:
            return
        links = self._links(voice)
        self.count += 1 - len(links)
        root = min(links, default=len(self._parents))
        if not links:
            self._parents.append(root)
        for link in links:
            self._parents[link] = root
        self._file(voice, root)

    def count_with(self, voice: Voice) -> int:
        """What the count were with this voice too."""
        return self.count + 1 - len(self._links(voice)) if voice.counts else self.count

    def _links(self, voice: Voice) -> set[int]:
        """The sources that the voice belongs to; more than one where it links what seemed independent."""
        mark = voice.claim.fingerprint or ""
        known = (self._by_story.get(voice.story.id), self._by_origin.get(origin_of(voice)), self._by_mark.get(mark))
        links = {self._root(node) for node in known if node is not None}
        if not mark or mark in self._by_mark:
            return links
        for other in self._comparable(mark):
            root = self._root(self._by_mark[other])
            if root not in links and are_alike(mark, other):
                links.add(root)
        return links

    def _comparable(self, mark: str) -> dict[str, None]:
        """The known sketches that share one of the rarer parts: as many as leave too few others to be alike by."""
        parts = sorted(parts_of(mark), key=lambda part: (len(self._by_part.get(part, ())), part))
        shared = max(1, math.ceil(ALIKE * min(SKETCH, len(parts))))
        rare = parts[: len(parts) - shared + 1]
        return dict.fromkeys(other for part in rare for other in self._by_part.get(part, ()))

    def _file(self, voice: Voice, root: int) -> None:
        self._by_story[voice.story.id] = root
        self._by_origin[origin_of(voice)] = root
        mark = voice.claim.fingerprint
        if mark and mark not in self._by_mark:
            self._by_mark[mark] = root
            for part in parts_of(mark):
                self._by_part.setdefault(part, []).append(mark)

    def _root(self, node: int) -> int:
        while self._parents[node] != node:
            self._parents[node] = node = self._parents[self._parents[node]]
        return node
