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
SECTION_CHARS = 3000
"""Slack refuses longer texts."""


def open_sink(outlet: Outlet, means: Means) -> ChatSink:
    """A sink on one channel. Raises SettingsError if the file holds no address."""
    return ChatSink(hidden_address(outlet), means, message)


def message(words: Words) -> dict[str, object]:
    """What is posted."""
    blocks: list[dict[str, object]] = [
        {"type": "header", "text": _inert(clean(words.title, HEADER_CHARS))},
        *map(_section, _paragraphs(words)),
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


def _paragraphs(words: Words) -> list[str]:
    """The lines of the message, as few texts as Slack takes them in."""
    texts = [""]
    for line in (*words.moves, *words.quotes, *words.voices):
        if len(texts[-1]) + 1 + len(line) > SECTION_CHARS:
            texts.append("")
        texts[-1] = f"{texts[-1]}\n{line}" if texts[-1] else line
    return texts


def _section(text: str) -> dict[str, object]:
    return {"type": "section", "text": _inert(text)}


def _inert(text: str) -> dict[str, object]:
    return {"type": "plain_text", "text": text, "emoji": False}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
