"""Publishes documents that were delivered to us, as files or on stdin, by the very rules of those that are polled.

What is new, changed or known already is for `streams.polling.digest` to say; this only puts parser, digest and broker
in a row. The caller stores the state when all that it covers is published.
"""

from __future__ import annotations

from typing import NamedTuple

from agents.messages import Undeliverable
from agents.parsing import ParserKilled, Request
from agents.polls import UNSENT, Parses, Publish, Surroundings
from streams.errors import WireError
from streams.feeds import FeedSpec
from streams.polling import FeedState, Fetched, Outcome, digest
from streams.wires.documents import Document, Dropped


class Taken(NamedTuple):
    """How one document ended: an `Outcome`, or `unsent` if no broker of ours will ever take its stories."""

    state: FeedState
    outcome: str
    listed: int = 0  # stories in it
    stories: int = 0  # of these, the new and changed ones, which are published
    detail: str = ""
    kept_back: tuple[Dropped, ...] = ()

    @property
    def is_fine(self) -> bool:
        """False where a person should look at the document."""
        return self.outcome == Outcome.OK


class Intake:
    """Parser and broker as one feed sees them."""

    def __init__(self, feed: FeedSpec, publish: Publish, parser: Parses, world: Surroundings | None = None) -> None:
        self.feed = feed
        self.world = world or Surroundings()
        self._publish = publish
        self._parser = parser

    async def take(self, raw: bytes, name: str, state: FeedState) -> Taken:
        """Publishes what is news in a document; `name` is what a person calls it.

        Raises ListwireError, and then some of its stories may have been published.
        """
        try:
            document = await self._parser.parse(raw, Request(feed=self.feed, received_at=self.world.now()))
        except (WireError, ParserKilled) as error:
            outcome = Outcome(error.reason) if isinstance(error, WireError) else Outcome.PARSER_KILLED
            return self.refused(name, state, outcome, error.detail)
        taken = await self.publish(document, Fetched(outcome=Outcome.OK, url=name, body=raw), state)
        if not document.truncated or not taken.is_fine:
            return taken
        told = f"breaks off; what is before the break ({taken.listed} stories) is published"
        return taken._replace(outcome=Outcome.TRUNCATED, detail=told)

    async def publish(self, document: Document, fetched: Fetched, state: FeedState) -> Taken:
        """Publishes what is news in a document that is parsed. Raises as `take` does.

        A document is delivered once, so what would wait for the next look at a feed goes out at once.
        """
        before, news = state, 0
        while True:
            state, stories, kept_back = digest(state, fetched, document, self.world.now())
            try:
                if stories:
                    await self._publish(stories)
            except Undeliverable as error:
                return Taken(before, UNSENT, len(document.stories), detail=str(error))
            news += len(stories)
            if not state.waiting:
                return Taken(state, Outcome.OK, len(document.stories), news, kept_back=kept_back)

    def refused(self, name: str, state: FeedState, outcome: Outcome, detail: str) -> Taken:
        """The end of a document that cannot be read."""
        fetched = Fetched(outcome=outcome, url=name, detail=detail)
        return Taken(digest(state, fetched, None, self.world.now()).state, outcome, detail=detail)
