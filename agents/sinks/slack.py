"""Alerts as messages in Slack: `slack:/run/secrets/slack-desk`, a file with the address of an incoming webhook.

Story text goes into `plain_text`, in which Slack reads no markup, no mention and no emoji; where it must go into text
that Slack reads, `& < >` are escaped, so that nobody can call `<!channel>`. Previews are off: they would make Slack
fetch what a stranger's story links to. Source: docs.slack.dev, "Formatting message text", "Block Kit".
"""

from __future__ import annotations

from agents.chatting import ChatSink, hidden_address
from agents.sinks import Means
from agents.wording import Words, clean
from streams.outlets import Outlet

OPTIONS: frozenset[str] = frozenset()
HEADER_CHARS = 150
"""Slack refuses a longer header."""


def open_sink(outlet: Outlet, means: Means) -> ChatSink:
    """A sink on one channel. Raises SettingsError if the file holds no address."""
    return ChatSink(hidden_address(outlet), means, message)


def message(words: Words) -> dict[str, object]:
    """What is posted."""
    blocks: list[dict[str, object]] = [
        {"type": "header", "text": _inert(clean(words.title, HEADER_CHARS))},
        {"type": "section", "text": _inert(f"{words.move}\n{words.quote}\n{words.voice}")},
        {"type": "context", "elements": [_inert(words.origin)]},
    ]
    if words.link:
        text = {"type": "mrkdwn", "text": f"<{_escaped(words.link)}|Read the story>", "verbatim": True}
        blocks.append({"type": "context", "elements": [text]})
    return {
        "text": _escaped(words.title),
        "mrkdwn": False,
        "unfurl_links": False,
        "unfurl_media": False,
        "blocks": blocks,
    }


def _inert(text: str) -> dict[str, object]:
    return {"type": "plain_text", "text": text, "emoji": False}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
