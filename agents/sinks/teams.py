"""Alerts as cards in Microsoft Teams: `teams:/run/secrets/teams-desk`, a file with the address of a workflow.

The address is that of the workflow "When a Teams webhook request is received". Story text goes into `TextRun`s, in
which Teams reads no Markdown. Old connectors answer 200 and tell of their failure in the body, which is heard too.
Source: learn.microsoft.com, "Create incoming webhooks"; adaptivecards.io, "RichTextBlock".
"""

from __future__ import annotations

from agents.chatting import ChatSink, hidden_address
from agents.sinks import Means, SinkError
from agents.wording import Words
from streams.outlets import Outlet

OPTIONS: frozenset[str] = frozenset()
FAILED = b"Webhook message delivery failed"


def open_sink(outlet: Outlet, means: Means) -> ChatSink:
    """A sink on one channel. Raises SettingsError if the file holds no address."""
    return ChatSink(hidden_address(outlet), means, message, hear)


def hear(answer: bytes) -> None:
    """Raises SinkError if the answer, although 200, says that nothing was delivered."""
    if FAILED in answer:
        raise SinkError("Teams says that the delivery failed")


def message(words: Words) -> dict[str, object]:
    """What is posted: one adaptive card."""
    card: dict[str, object] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "fallbackText": words.title,
        "body": [
            _line(words.title, weight="Bolder", size="Medium"),
            *map(_line, words.moves),
            *(_line(quote, italic=True) for quote in words.quotes),
            *map(_line, words.voices),
            _line(words.origin, isSubtle=True, size="Small"),
        ],
    }
    if words.link:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Read the story", "url": words.link}]
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _line(text: str, **style: object) -> dict[str, object]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **style}]}
