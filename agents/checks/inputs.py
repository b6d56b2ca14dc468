"""What an operator gives: registry, times of keeping, feeds with their secrets, sinks."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from agents.checks import Finding, fine, odd, or_fine, wrong
from agents.cli.options import feeds_of
from agents.credentials import CredentialError, Credentials
from agents.fetching import Fetcher
from agents.parsing import Parser
from agents.probing import probe_all
from agents.settings import Settings
from agents.sinks import means_of, open_sinks
from streams.errors import DataFileError, ListwireError
from streams.feeds import FeedSpec
from streams.probes import Probe
from streams.registry import load_registry
from streams.retention import shortfalls

SKEW_ODD_S = 5.0
SKEW_WRONG_S = 60.0
SHOWN = 5
"""Feeds that are named one by one; `feeds test` has all."""


def examine(settings: Settings) -> Iterator[Finding]:
    """All of it, without asking anybody."""
    yield _registry()
    yield from (
        odd("retention", line, "set more in LISTWIRE_RETENTION")
        for line in shortfalls(settings.retention, settings.sink_patience_s)
    )
    yield _feeds(settings)
    yield _sinks(settings)


async def fetched(settings: Settings) -> list[Finding]:
    """Each enabled feed fetched once, as `listwire feeds test` does; and our clock beside those of their servers."""
    try:
        feeds = [feed for feed in feeds_of(settings, None) if feed.enabled]
    except ListwireError:
        return []  # said already
    probes = await _probes(feeds, settings)
    failed, strange = [p for p in probes if not p.fine], [p for p in probes if p.fine and p.problem]
    found = [wrong("feed", f"{p.key}: {p.problem}", "correct or disable it") for p in failed[:SHOWN]]
    found += [odd("feed", f"{p.key}: {p.problem}", "look at it: it may have died") for p in strange[:SHOWN]]
    if (more := len(failed) + len(strange) - len(found)) > 0:
        found.append(odd("feed", f"{more} more", "`listwire feeds test` lists all"))
    return [
        *or_fine("feed", found, f"{len(probes)} fetched"),
        clock([p.skew_s for p in probes if p.skew_s is not None]),
    ]


def clock(skews: Sequence[float]) -> Finding:
    """What the clocks of servers, some of which are wrong, say of ours. They tell whole seconds."""
    if not skews:
        return odd("clock", "no server told its time", "compare it by hand: `timedatectl`, `chronyc tracking`")
    skew = statistics.median(skews)
    what = f"{abs(skew):.1f} s {'behind' if skew > 0 else 'ahead of'} the median of {len(skews)} servers of feeds"
    if abs(skew) < SKEW_ODD_S:
        return fine("clock", what)
    remedy = "set the clock, by NTP: embargoes, delays and the age of stories rest on it"
    return (odd if abs(skew) < SKEW_WRONG_S else wrong)("clock", what, remedy)


def _registry() -> Finding:
    try:
        registry = load_registry()
    except DataFileError as error:
        return wrong("registry", str(error), "mend the file it names")
    return fine("registry", f"{len(registry.groups)} groups, {len(registry.authorities)} authorities")


def _feeds(settings: Settings) -> Finding:
    try:
        feeds = feeds_of(settings, None)
    except ListwireError as error:
        return wrong("feeds", str(error), "mend the file, or set LISTWIRE_FEEDS_FILE to another")
    credentials = Credentials(settings.credentials_dir)
    try:
        for name in {feed.credential for feed in feeds if feed.enabled and feed.credential}:
            credentials.read(name)
    except CredentialError as error:
        return wrong("feeds", str(error), "mend the file, or turn the feeds off that need it")
    enabled = sum(feed.enabled for feed in feeds)
    what = f"{enabled} of {len(feeds)} enabled; `listwire feeds test` or `--feeds` fetches them"
    return fine("feeds", what) if enabled else odd("feeds", what, "enable one, or nothing is ever read")


def _sinks(settings: Settings) -> Finding:
    try:
        sinks = open_sinks(settings.sinks, means_of(settings))
    except ListwireError as error:
        return wrong("sinks", str(error), "mend LISTWIRE_SINKS, or the file it names")
    return fine("sinks", f"{len(sinks)} configured; `listwire alerts test` tries them")


async def _probes(feeds: Sequence[FeedSpec], settings: Settings) -> list[Probe]:
    parser = Parser(workers=2)
    credentials = Credentials(settings.credentials_dir)
    try:
        async with Fetcher(
            contact=settings.contact, allowed=settings.allow_networks, credentials=credentials
        ) as fetcher:
            return await probe_all(feeds, fetcher, parser)
    finally:
        await parser.close()
