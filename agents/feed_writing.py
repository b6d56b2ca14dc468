"""Alerts as an Atom feed (RFC 4287). Text from stories is cleaned and, by the XML writer, escaped; `type` is `text`
throughout, so no reader renders anything of it."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from msgspec import Struct

from agents.metrics import VERSION
from agents.wording import clean, words_of
from streams.records import Alert, Record, Utc

ATOM = "http://www.w3.org/2005/Atom"


class Kept(Struct, frozen=True, kw_only=True):
    """An alert in the feed, when its first revision came, and when the one that is kept did."""

    alert: Alert
    published: Utc
    updated: Utc


class State(Record, frozen=True, kw_only=True):
    """What is in the feed, the newest first."""

    kept: tuple[Kept, ...] = ()


def feed_of(state: State, file: Path) -> bytes:
    """The feed of at least one alert as a document. Its own id is made of where it is written: it stays."""
    feed = Element("feed", xmlns=ATOM)
    _text(feed, "id", uuid.uuid5(uuid.NAMESPACE_URL, file.absolute().as_uri()).urn)
    _text(feed, "title", "Listwire alerts")
    _text(feed, "updated", _instant(max(kept.updated for kept in state.kept)))
    _text(SubElement(feed, "author"), "name", "Listwire")
    _text(feed, "generator", "Listwire").set("version", VERSION)
    for kept in state.kept:
        _entry(feed, kept)
    indent(feed)
    document: str = tostring(feed, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{document}\n'.encode()


def _entry(feed: Element, kept: Kept) -> None:
    words, alert = words_of(kept.alert), kept.alert
    entry = SubElement(feed, "entry")
    _text(entry, "id", f"urn:listwire:alert:{clean(alert.id)}")
    _text(entry, "title", words.title)
    _text(entry, "published", _instant(kept.published))
    _text(entry, "updated", _instant(kept.updated))
    if words.link:
        SubElement(entry, "link", rel="alternate", href=words.link)
    for scheme in ("authority", "group", "change", "stage", "level", "status"):
        term = clean(str(getattr(alert, scheme)), 100)
        SubElement(entry, "category", scheme=f"urn:listwire:{scheme}", term=term)
    _text(entry, "content", "\n".join(words.lines)).set("type", "text")


def _text(parent: Element, name: str, text: str) -> Element:
    element = SubElement(parent, name)
    element.text = text
    return element


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
