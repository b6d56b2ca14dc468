"""What `scan` does with one source: bytes to stories, a story to its claims and the alerts it would cause."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.clock import utcnow
from agents.fetching import Fetcher
from streams.alerts import settle
from streams.classifying import topics_of
from streams.classifying.language import READ, language_of
from streams.errors import ListwireError, SettingsError, WireError
from streams.ledger import open_entry
from streams.polling import Outcome
from streams.reading import Reading, read
from streams.records import Alert, Claim, Classified, Story
from streams.registry import Registry
from streams.reports import reports
from streams.wires import decode, plain, sniff
from streams.wires.lines import decode_line


class SourceError(ListwireError):
    """An address that gives nothing, or a document that can not be read at all."""


@dataclass(frozen=True, slots=True)
class Item:
    """One story of a source, or why there is none."""

    source: str
    id: str
    story: Story | None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Scanned:
    """A story and all that was found in it."""

    id: str
    story: Story
    reading: Reading
    topics: tuple[str, ...]
    alerts: tuple[Alert, ...]
    language: str

    def as_json(self) -> dict[str, Any]:
        """The object of the command-line contract."""
        return {
            "id": self.id,
            "claims": [_claim(claim) for claim in self.reading.claims],
            "mentions": [
                {"group": m.group, "start": m.start, "end": m.end, "text": m.text} for m in self.reading.mentions
            ],
            "topics": list(self.topics),
            "alerts": [_alert(alert) for alert in self.alerts],
        }


_CLAIM_FIELDS = tuple(
    "group authority change stage news date acted_on effective_on instrument scope confidence confirmed speaker "
    "medium".split()
)
_ALERT_FIELDS = (
    "id",
    "revision",
    "kind",
    "status",
    "level",
    "authority",
    "group",
    "change",
    "stage",
    "bundle",
)


def _claim(claim: Claim) -> dict[str, Any]:
    evidence = claim.evidence
    facts = {name: getattr(claim, name) for name in _CLAIM_FIELDS}
    return facts | {
        "evidence": {
            "rule": evidence.rule,
            "start": evidence.start,
            "end": evidence.end,
            "text": evidence.text,
        }
    }


def _alert(alert: Alert) -> dict[str, Any]:
    return {name: getattr(alert, name) for name in _ALERT_FIELDS} | {
        "from": alert.from_state,
        "to": alert.to_state,
    }


def scan_story(item: Item, registry: Registry) -> Scanned:
    """The claims of the item's story, and the alerts it would cause against the baseline of its day."""
    story = item.story
    if story is None:
        raise ValueError("an item without a story")
    language = language_of(story.text, story.language)
    reading = read(story, registry) if language in READ else Reading((), registry.matcher.find(story.text), ())
    topics = topics_of(story.text, reading.mentions)
    classified = Classified(story=story, language=language, mentions=reading.mentions, topics=topics)
    alerts: list[Alert] = []
    as_of = story.published.date() if story.published is not None else None
    for report in reports(classified, reading, ()):
        entry = open_entry(report.authority, report.group, registry, as_of)
        alerts += settle(entry, report, registry)[1]
    return Scanned(item.id, story, reading, topics, tuple(alerts), language)


def items_of(source: str) -> Iterator[Item]:
    """The stories of a file, an http(s) address or standard input.

    Raises SettingsError if there is no such file, SourceError if nothing can be read in what is there.
    """
    if _is_named_lines(source) and not _is_address(source):
        yield from _lines(source, _read_lines(source))  # an archive may be larger than memory
        return
    raw = _bytes(source)
    if _is_lines(source, raw):
        yield from _lines(source, raw.split(b"\n"))
        return
    yield from _document(source, raw)


def _bytes(source: str) -> bytes:
    if source == "-":
        return sys.stdin.buffer.read()
    if _is_address(source):
        return asyncio.run(_fetched(source))
    try:
        return Path(source).read_bytes()
    except OSError as error:
        raise SettingsError(f"{source}: {error.strerror or error}") from None


def _read_lines(source: str) -> Iterator[bytes]:
    try:
        with Path(source).open("rb") as file:
            yield from file
    except OSError as error:
        raise SettingsError(f"{source}: {error.strerror or error}") from None


async def _fetched(url: str) -> bytes:
    async with Fetcher() as fetcher:
        fetched = await fetcher.fetch(url)
    if fetched.outcome is not Outcome.OK:
        raise SourceError(f"{url}: {fetched.outcome.value}: {fetched.detail}")
    return fetched.body


def _is_lines(source: str, raw: bytes) -> bool:
    """By its name, or an object that opens no format of the wires: an item of ninjs is one object over many lines."""
    return _is_named_lines(source) or (raw.lstrip()[:1] == b"{" and sniff(raw) is None)


def _is_named_lines(source: str) -> bool:
    return source.endswith((".jsonl", ".ndjson"))


def _is_address(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def _lines(source: str, lines: Iterable[bytes]) -> Iterator[Item]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            key, story = decode_line(line, number, utcnow())
        except ListwireError as error:
            yield Item(source, str(number), None, str(error))
        else:
            yield Item(source, key, story)


def _document(source: str, raw: bytes) -> Iterator[Item]:
    """The stories of a wire document; any other text is one story, since the user said that it is."""
    try:
        document = decode(raw, "scan", utcnow())
        stories = document.stories if document.format != plain.NAME else (_text(source, raw),)
    except WireError as refused:
        if refused.reason in {"truncated", "malformed"}:
            raise SourceError(f"{source}: {refused}") from None
        try:
            stories = (_text(source, raw),)
        except WireError as error:
            raise SourceError(f"{source}: {refused if refused.reason != 'not-a-feed' else error}") from None
    for story in stories:
        yield Item(source, story.guid, story)


def _text(source: str, raw: bytes) -> Story:
    return plain.decode_plain(raw, "scan", source, utcnow())


def summary(scanned: Scanned) -> Iterator[str]:
    """A few lines for a person."""
    yield f"{scanned.story.headline or scanned.story.body[:70]}"
    if not scanned.reading.claims:
        yield f"  quiet ({_quiet(scanned)})"
    for claim in scanned.reading.claims:
        mark = "NEWS" if claim.news else "past"
        when = f", {claim.date}" if claim.date else ""
        who = f", says {claim.speaker}" if claim.speaker else ""
        sure = "" if claim.confirmed else ", unconfirmed"
        what = f"{claim.authority} {claim.group}: {claim.change}, {claim.stage}{when}"
        yield f"  {mark}  {what}{who}{sure}  [{claim.confidence:.2f}]"
        yield f"        {claim.evidence.text}"


def _quiet(scanned: Scanned) -> str:
    if scanned.language not in READ:
        return f"language-unsupported: {scanned.language}"
    if not scanned.reading.mentions:
        return "no group named"
    reasons = Counter(c.drop.value for c in scanned.reading.dropped if c.drop is not None)
    return ", ".join(f"{reason} {count}" for reason, count in sorted(reasons.items())) or "no change of status"


def explain(scanned: Scanned, registry: Registry) -> Iterator[str]:
    """The reading as a trace: mentions, claims with their rules, and every dropped candidate with its reason."""
    yield from summary(scanned)
    for mention in scanned.reading.mentions:
        yield f"  mention  {mention.group} at {mention.start}-{mention.end}: {mention.text}"
    for claim in scanned.reading.claims:
        yield f"  rule     {claim.evidence.rule} -> {claim.authority}|{claim.group} {claim.change} {claim.stage}"
    for c in scanned.reading.dropped:
        names = (registry.groups[c.group].name if c.group in registry.groups else "?", c.authority or "?")
        bent = f" ({' < '.join(c.why)})" if c.why else ""
        yield f"  dropped  {c.drop}: {c.rule}{bent}, {names[1]} {names[0]}, sentence {c.sentence.number}"
