"""Teletype messages in a row: where one ends and the next begins, and the document they make."""

import re
from collections.abc import Callable, Iterable
from datetime import datetime

from streams.errors import WireError
from streams.feeds import FeedSpec
from streams.wires.documents import Document, Dropped
from streams.wires.drafts import Draft, to_story
from streams.wires.markup import is_html
from streams.wires.teletype import first_of_each

MAX_MESSAGES = 5_000

Read = Callable[[re.Match[str], str], Draft | None]
"""`(header, what follows up to the next header)`: the draft, None where the message has no end."""


def document_of(
    name: str,
    text: str,
    headers: Iterable[re.Match[str]],
    read: Read,
    feed: FeedSpec,
    received_at: datetime,
    url: str | None,
) -> Document:
    """The stories of all whole messages. Raises WireError: `not-a-feed`, `html`, `truncated` where none is whole."""
    starts = list(headers)
    if not starts:
        raise WireError("html" if is_html(text) else "not-a-feed")
    ends = [*(header.start() for header in starts[1:]), len(text)]
    chosen = list(zip(starts, ends, strict=True))[:MAX_MESSAGES]
    drafts = [read(header, text[header.end() : end]) for header, end in chosen]
    whole = [draft for draft in drafts if draft is not None]
    if not whole:
        raise WireError("truncated", "the end of the message is missing")
    told = [draft for draft in whole if draft.headline or draft.body]
    stories = tuple(to_story(draft, feed, received_at, url) for draft in first_of_each(told))
    reasons = {
        "cut": len(drafts) - len(whole),
        "beyond-limit": len(starts) - len(chosen),
        "empty": len(whole) - len(told),
        "double": len(told) - len(stories),
    }
    return Document(
        format=name,
        stories=stories,
        truncated=drafts[-1] is None,
        dropped=tuple(Dropped(reason, items) for reason, items in reasons.items() if items),
    )
