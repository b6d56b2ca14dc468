"""The shapes of English in sentences.txt are read as it says; see its head for the format."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from streams.reading import read
from streams.registry import load_registry
from streams.wires.lines import decode_line

NOW = datetime(2026, 11, 1, tzinfo=UTC)
TEXT = (Path(__file__).parent / "sentences.txt").read_text(encoding="utf-8")


class Block(NamedTuple):
    """A short story with the news and the history it tells."""

    headline: str
    body: str
    news: tuple[str, ...]
    history: tuple[str, ...]


def _block(text: str) -> Block:
    lines = text.split("\n")
    told = [line for line in lines if not line.startswith("=")]
    wanted = [line.removeprefix("=").strip() for line in lines if line.startswith("=")]
    headline, *body = told if len(told) > 1 else ["", *told]
    history = tuple(want.removeprefix("bg ") for want in wanted if want.startswith("bg "))
    news = tuple(want for want in wanted if want != "quiet" and not want.startswith("bg "))
    return Block(headline, "\n".join(body), news, history)


BLOCKS = [_block(text) for text in TEXT.strip().split("\n\n") if not text.startswith("#")]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.body[:60])
def test_a_sentence_tells_what_it_says(block: Block) -> None:
    fields = {"id": "s", "headline": block.headline, "body": block.body, "published": "2026-03-20"}
    claims = read(decode_line(json.dumps(fields).encode(), 1, NOW)[1], load_registry()).claims
    news = {f"{c.group} {c.authority} {c.change} {c.stage}" for c in claims if c.news}
    allowed = [set(want.split("|")) for want in block.news]
    assert {told for told in news if not any(told in stages for stages in allowed)} == set()
    assert [stages for stages in allowed if news.isdisjoint(stages)] == []
    assert set(block.history) <= {f"{c.group} {c.authority} {c.change}" for c in claims if not c.news}
