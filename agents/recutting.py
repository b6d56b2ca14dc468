"""Topics that a backup has in other partitions than this version gives them: their messages are spread anew, by key.

Only such as nobody outside reads and nothing names by offset can be. What the worker has done with goes first, and the
places of its group are where that ends in each new partition; then what it has still to do. A key keeps its order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from agents.app import GROUP
from agents.backup_file import BackupError, Contents
from agents.messages import is_canary
from streams.backups import Place, Row
from streams.topics import Topic, partitions_of

SPREADABLE = frozenset({Topic.STORIES, Topic.RELEVANT, Topic.STORY_KEYS})
BY_KEY = -1
"""The partition of a message that goes where its key belongs."""

Ends = Mapping[tuple[str, int], int]


class Recut(NamedTuple):
    """The topics to spread anew, and how far the worker was in their old partitions."""

    topics: frozenset[str]
    done: Ends

    def rows(self, record: Row, *, late: bool) -> Iterator[Row]:
        """The message, if it is its turn: `late` is for what the worker has still to do."""
        if record.t not in self.topics:
            if not late:
                yield record
            return
        is_late = record.o >= self.done.get((record.t, record.p), 0)
        if is_late == late and not is_canary((name, value or b"") for name, value in record.headers):
            yield replace(record, p=BY_KEY)

    def places(self, ends: Ends) -> Iterator[Place]:
        """Where the worker goes on, if all that it has done with ends there."""
        for topic in sorted({topic for topic, _ in self.done} & self.topics):
            for partition in range(partitions_of(Topic(topic))):
                yield Place(GROUP, topic, partition, ends.get((topic, partition), 0))


def recut_of(file: Path, found: Contents) -> Recut:
    """What is to be spread anew. Raises BackupError where that cannot be, or a topic is not known here."""
    counts: dict[str, int] = {}
    for cut in found.head.cuts:
        counts[cut.topic] = max(counts.get(cut.topic, 0), cut.partition + 1)
    counts |= {count.topic: counts.get(count.topic, 0) for count in found.tail.counts}
    topics = frozenset(topic for topic, count in counts.items() if count != _ours(file, topic))
    for topic in sorted(topics - SPREADABLE):
        problem = f"{topic} has {counts[topic]} partitions, this version needs {_ours(file, topic)}"
        raise BackupError(f"{file}: {problem}: restore it with the Listwire that wrote it ({found.head.listwire})")
    done = {(p.topic, p.partition): p.offset for p in found.head.places if p.group == GROUP and p.topic in topics}
    return Recut(topics, done)


def _ours(file: Path, topic: str) -> int:
    if topic not in set(Topic):
        raise BackupError(f"{file}: has a topic {topic}, which this version does not know")
    return partitions_of(Topic(topic))
