"""wire.stories -> wire.relevant: which stories may carry or correct a status change. Keeps nothing that matters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agents.kafka import Incoming, Outgoing, announcement
from agents.metrics import QUIET, RELEVANT, STORIES
from streams.codec import decode
from streams.records import Classified, Story
from streams.registry import Registry

if TYPE_CHECKING:
    from streams.classifying import Quiet


@dataclass(frozen=True, slots=True)
class Classifier:
    """The handler of the classifier agent."""

    registry: Registry
    classify: Callable[[Story, Registry], Classified | Quiet]
    _going_on: dict[bytes, Classified] = field(default_factory=dict)
    """What did not pass and has not come as an event yet: by the value, so that none is taken for another."""

    async def __call__(self, event: Incoming) -> Sequence[Outgoing]:
        """The story on its way to the detector, or nothing and a counted reason."""
        verdict = self._going_on.pop(event.value or b"", None) or self._verdict(event.value)
        STORIES.inc()
        if not isinstance(verdict, Classified):
            QUIET.labels(reason=verdict.reason).inc()
            return ()
        RELEVANT.inc()
        return (announcement(verdict),)

    def passes(self, value: bytes | None) -> bool:
        """Whether the story goes no further; then it is counted here, else it waits for its event."""
        verdict = self._verdict(value)
        if isinstance(verdict, Classified):
            self._going_on[value or b""] = verdict
            return False
        STORIES.inc()
        QUIET.labels(reason=verdict.reason).inc()
        return True

    def forget(self, _: Iterable[int]) -> None:
        """Events of partitions that others have now do not come."""
        self._going_on.clear()

    def _verdict(self, value: bytes | None) -> Classified | Quiet:
        return self.classify(decode(value, Story), self.registry)
