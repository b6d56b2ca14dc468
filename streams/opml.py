"""Subscription lists of feed readers (OPML 1.0 and 2.0) as feeds. Source: http://opml.org/spec2.opml."""

import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

from streams.errors import DataFileError
from streams.feeds import FeedSpec, checked_feed, key_of_url
from streams.wires.drafts import language_of
from streams.wires.tree import parse_tree

_KEY = re.compile(r"[^a-z0-9]+")


class Subscriptions(NamedTuple):
    """The feeds of a list, and for each outline that is none we can poll one line that says why."""

    feeds: tuple[FeedSpec, ...]
    problems: tuple[str, ...]


def read_opml(raw: bytes, file_name: str) -> Subscriptions:
    """The feeds in an OPML document, each address once, keys made of their names. Raises WireError if it is no OPML."""
    feeds: dict[str, FeedSpec] = {}
    problems: list[str] = []
    taken: set[str] = set()
    for outline in parse_tree(raw, "opml").iter("outline"):
        url = _attribute(outline, "xmlUrl")
        if not url or url in feeds:
            continue
        try:
            feeds[url] = _feed(outline, url, file_name, taken)
        except DataFileError as error:
            problems.append(str(error))
        else:
            taken.add(feeds[url].key)
    return Subscriptions(tuple(feeds.values()), tuple(problems))


def _feed(outline: Element, url: str, file_name: str, taken: set[str]) -> FeedSpec:
    name = _attribute(outline, "text") or _attribute(outline, "title") or url
    language = language_of(_attribute(outline, "language"))
    table = {"url": url, "name": name} | ({"language": language} if language else {})
    return checked_feed(next(key for key in _keys(name, url) if key not in taken), table, file_name)


def _keys(name: str, url: str) -> Iterator[str]:
    """The feed's name as a key, then with its host, then one that no other address gives."""
    words, host = _KEY.sub("-", name.lower()).strip("-")[:40].strip("-"), _host(url)
    if len(words) > 2:
        yield words
        yield f"{words}-{host}"[:64].strip("-")
    yield key_of_url(url)


def _host(url: str) -> str:
    try:
        return _KEY.sub("-", (urlsplit(url).hostname or "").lower()).strip("-")
    except ValueError:
        return ""


def _attribute(outline: Element, name: str) -> str:
    """Writers disagree about the case of names."""
    return next((value.strip() for key, value in outline.attrib.items() if key.lower() == name.lower()), "")
