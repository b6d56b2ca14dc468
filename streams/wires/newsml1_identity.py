"""Which NewsML 1 item is which: the name that all versions of it share.

`PublicIdentifier`, if it names an item. Belga sends one for all, `urn:newsml:www.belga.be`; then `ProviderId`, `DateId`
and `NewsItemId` are the name, as the standard composes it. TASS has neither, only a `guid` that no schema knows, in
metadata that it misspells. Kyodo's and AFP's end in the version, which `drafts` takes off.
"""

import re
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple
from xml.etree.ElementTree import Element

from streams.feeds import FeedSpec
from streams.wires.dates import read_date
from streams.wires.tree import first, words


class Identity(NamedTuple):
    """How an item is called, and what its versions share where the name is another one for each."""

    guid: str
    shared: str | None = None


def shared_identifiers(items: Iterable[Element]) -> frozenset[str]:
    """Public identifiers under which the document brings different items."""
    names = {(_identifier(item, "PublicIdentifier"), _identifier(item, "NewsItemId")) for item in items}
    return frozenset(name for name, count in Counter(name for name, _ in names).items() if count > 1)


def identify(item: Element, shared: frozenset[str], feed: FeedSpec) -> Identity | None:
    """The identity, None if it states none; `shared` are public identifiers that cannot be trusted."""
    public = _identifier(item, "PublicIdentifier")
    provider, number = _identifier(item, "ProviderId"), _identifier(item, "NewsItemId")
    if public not in shared and _names_an_item(public, provider, number):
        return Identity(public)
    if number.strip("0"):
        return _of_parts(item, provider, number, feed)
    own = (found for path in (".//guid", ".//doc-id") for found in item.iterfind(path))
    stated = (words(found) or found.get("id-string", "") for found in own)
    return next(map(Identity, filter(None, stated)), None) or _of_date(item, provider)


def _names_an_item(public: str, provider: str, number: str) -> bool:
    rest = public.removeprefix("urn:newsml:").removeprefix(provider)
    is_provider_only = public.startswith("urn:newsml:") and ":" not in public.removeprefix("urn:newsml:")
    return not is_provider_only and bool(re.search(r"\d", rest) or (number and number in rest))


def _of_parts(item: Element, provider: str, number: str, feed: FeedSpec) -> Identity:
    """Provider, date and number. Belga's date is that of the version; the day of its first one stays."""
    stated = _identifier(item, "DateId")
    created = read_date(words(first(item, "NewsManagement/FirstCreated")), feed.zone)
    day = f"{created.at:%Y%m%d}" if created and "T" in stated else stated
    guid, lasting = (":".join(filter(None, ("urn:newsml", provider, date, number))) for date in (stated, day))
    return Identity(guid, lasting)


def _of_date(item: Element, provider: str) -> Identity | None:
    """Provider and time; None for a date that is only a day, which many items share."""
    date = _identifier(item, "DateId")
    return Identity(f"urn:newsml:{provider}:{date}") if provider and "T" in date else None


def _identifier(item: Element, name: str) -> str:
    return words(first(item, f"Identification/NewsIdentifier/{name}"))
