"""Where a feed says that it can be subscribed to (WebSub section 4), in its HTTP headers (RFC 8288) or in itself.

The headers come first, and the document where they do not name both hub and topic. A link that speaks of another
resource (`anchor`) is not the feed's.
"""

import re
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

from msgspec import Struct

MAX_HEADER_LENGTH = 16_384
MAX_URL_LENGTH = 2_048
UNSAFE = re.compile(r"[\x00-\x20\x7f\"<>\\^`{|}\ud800-\udfff]")
"""What no address holds unescaped."""

_LINK = re.compile(r'[\s,]*<([^<>]*)>((?:\s*;\s*[^\s;,="<>]+(?:\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s;,"]*))?)*)')
_PARAMETER = re.compile(r';\s*([^\s;,="<>]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*)))?')


class Endpoint(Struct, frozen=True):
    """Where to subscribe, and to what."""

    hub: str
    topic: str


def links(header: str, base: str = "") -> tuple[str | None, str | None]:
    """The first `hub` and the first `self` of a `Link` header, whose lines are joined by commas.

    Relative references are resolved against `base`, the address that answered. What is no link ends the reading.
    """
    found: dict[str, str] = {}
    for target, relations in _links(header[:MAX_HEADER_LENGTH]):
        for relation in relations:
            found.setdefault(relation, target)
    hub, self_url = (_joined(base, found.get(relation)) for relation in ("hub", "self"))
    return hub, self_url


def discovered(
    header: str | None, base: str, document_hub: str | None, document_self: str | None
) -> tuple[str | None, str | None]:
    """Hub and topic of a feed: by its headers if they name both, else by the document, gaps filled by the other."""
    hub, self_url = links(header or "", base)
    if hub and self_url:
        return hub, self_url
    return document_hub or hub, document_self or self_url


def endpoint(feed_url: str, hub: str | None, self_url: str | None) -> Endpoint | None:
    """Where to subscribe for a feed that names this hub and this topic; None where it may not or cannot be done.

    8.2: an `http` hub is asked over https. For a feed over https that is a must, or whoever is on the way to the hub
    could write stories for a feed that nobody on the way can change; a plain feed keeps its plain hub.
    """
    at, topic = _resolved(feed_url, hub), _resolved(feed_url, self_url)
    if at is None or topic is None:
        return None
    parts = urlsplit(at)
    if urlsplit(feed_url).scheme == "https" and parts.scheme == "http":
        if parts.port not in {None, 80}:
            return None
        at = parts._replace(scheme="https", netloc=parts.netloc.removesuffix(":80")).geturl()
    return Endpoint(at, topic)


def _links(header: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    at = 0
    while link := _LINK.match(header, at):
        at = link.end()
        told: dict[str, str] = {}
        for name, quoted, bare in _PARAMETER.findall(link[2]):
            told.setdefault(name.lower(), re.sub(r"\\(.)", r"\1", quoted) or bare)
        if "anchor" not in told:
            yield link[1].strip(), tuple(told.get("rel", "").lower().split())


def _joined(base: str, target: str | None) -> str | None:
    if not target:
        return None
    try:
        return urljoin(base, target)
    except ValueError:
        return None


def _resolved(feed_url: str, reference: str | None) -> str | None:
    """The absolute http or https address, without credentials, that a feed's link means."""
    try:
        url = urljoin(feed_url, (reference or "").strip())
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    fits = parts.scheme in {"http", "https"} and parts.hostname and parts.username is None and port != 0
    return url if reference and fits and len(url) <= MAX_URL_LENGTH and not UNSAFE.search(url) else None
