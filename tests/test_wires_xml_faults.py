"""What happens to wire XML on its way: broken off, flipped bytes, lost elements. It is read, or refused by reason."""

import random
import re
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from streams.errors import WireError
from streams.wires import decode
from streams.wires.documents import Document

WIRES = Path(__file__).parent / "wires"
DOCUMENTS = [path for name in ("nitf", "newsml1", "newsml_g2") for path in sorted((WIRES / name).glob("*.xml"))]
IN_A_ROW = {"several", "kill-and-alert", "other-wrapper"}
"""Documents that follow each other: cut between them, the first ones are whole."""
NOW = datetime(2026, 12, 24, 12, tzinfo=UTC)
REASONS = {"empty", "html", "not-a-feed", "truncated", "too-large", "entities", "malformed"}


def outcome(raw: bytes) -> Document | str:
    try:
        return decode(raw, "test", NOW)
    except WireError as error:
        return error.reason


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
class TestEachDocument:
    def test_broken_off_is_refused_whole(self, path: Path) -> None:
        raw = path.read_bytes().rstrip()
        whole = decode(raw, "test", NOW)
        for end in range(0, len(raw) - 1, max(1, len(raw) // 150)):
            found = outcome(raw[:end])
            if isinstance(found, Document):
                assert path.stem in IN_A_ROW
                assert found.stories == whole.stories[: len(found.stories)]
            else:
                assert found in REASONS

    def test_with_flipped_bytes_gives_stories_or_a_reason(self, path: Path) -> None:
        chance = random.Random(path.name)  # noqa: S311 - the same bytes in each run
        for _ in range(60):
            raw = bytearray(path.read_bytes())
            for _ in range(chance.randrange(1, 12)):
                raw[chance.randrange(len(raw))] = chance.randrange(256)
            found = outcome(bytes(raw))
            assert isinstance(found, Document) or found in REASONS

    def test_without_one_kind_of_element_is_still_read(self, path: Path) -> None:
        raw = path.read_bytes()
        for name in sorted(set(re.findall(rb"<([A-Za-z][\w.\-]*)[\s/>]", raw))):
            tag = re.escape(name)
            rest = re.sub(rb"<%b(?=[\s/>])(?:[^>]*/>|.*?</%b>)" % (tag, tag), b"", raw, flags=re.DOTALL)
            found = outcome(rest)
            assert isinstance(found, Document) or found in REASONS


@pytest.mark.parametrize(
    "raw",
    [
        "<NewsML>" + "<NewsItem><NewsComponent>" * 80 + "<Property/>" * 60_000 + "</NewsComponent></NewsItem>" * 80,
        "<NewsML>" + "<NewsItem><NewsManagement/></NewsItem>" * 20_000,
        "<NewsML><NewsItem><NewsComponent>"
        + "<NewsComponent><ContentItem><DataContent>a b</DataContent></ContentItem></NewsComponent>" * 8_000
        + "</NewsComponent></NewsItem>",
        "<NewsML><NewsItem><NewsComponent><ContentItem><DataContent>"
        + "a &amp;amp; b\n" * 60_000
        + "</DataContent></ContentItem></NewsComponent></NewsItem>",
        "<nitf><body><body.content>" + "<p>a &lt;b&gt; c</p>" * 40_000 + "</body.content></body>",
        "<newsItem><contentSet>" + "<inlineXML>" * 90 + "<p>a</p>" * 60_000 + "</inlineXML>" * 90 + "</contentSet>",
        "<newsItem>" + "<contentSet><p/>" * 90 + "<p>a</p>" * 60_000 + "</contentSet>" * 90,
    ],
    ids=[
        "nested-items",
        "many-items",
        "many-components",
        "many-lines",
        "many-paragraphs",
        "nested-contents",
        "nested-sets",
    ],
)
def test_a_document_made_to_take_long_takes_seconds(raw: str) -> None:
    start = time.perf_counter()
    root = raw[1 : raw.index(">")]
    decode(f"{raw}</{root}>".encode(), "test", NOW)
    assert time.perf_counter() - start < 8
