"""wire.stories -> wire.relevant: which stories may carry or correct a status change. Stateless."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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

    async def __call__(self, event: Incoming) -> Sequence[Outgoing]:
        """The story on its way to the detector, or nothing and a counted reason."""
        story = decode(event.value, Story)
        STORIES.inc()
        verdict = self.classify(story, self.registry)
        if not isinstance(verdict, Classified):
            QUIET.labels(reason=verdict.reason).inc()
            return ()
        RELEVANT.inc()
        return (announcement(verdict),)
