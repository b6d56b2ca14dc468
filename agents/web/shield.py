"""What every answer carries, and whom the page answers at all.

- The policy lets scripts and styles come from our own origin only, none inline, and lets no script turn text into
  markup (`trusted-types`), so that a mistake in the page is still no way in for the text of a story.
- The Host header must name this machine or one of the operator's names. A page elsewhere that has its own name
  resolved to loopback (DNS rebinding) sends that name, and is refused.
- No CORS header is ever sent; only GET is answered; other origins' pages may not embed or frame anything.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Middleware

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def is_ours(hosts: Iterable[str], allowed: frozenset[str]) -> bool:
    """Whether the request has one Host header and it names loopback or one of the names allowed, at any port."""
    name = _name(*hosts) if len(hosts := tuple(hosts)) == 1 else None
    if name is None:
        return False
    if name in allowed or name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def _name(host: str) -> str | None:
    try:
        split = urlsplit(f"//{host}")
        split.port  # noqa: B018 - raises if it is no number
    except ValueError:
        return None
    return split.hostname if split.netloc == host and split.username is None else None


def admitting(allowed: frozenset[str]) -> Middleware:
    """The middleware that answers only who asked for us by our name."""

    @web.middleware
    async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not is_ours(request.headers.getall("Host", []), allowed):
            raise web.HTTPMisdirectedRequest(text="this page is not served under that name\n")
        return await handler(request)

    return admit


async def harden(_: web.Request, response: web.StreamResponse) -> None:
    """A signal for `on_response_prepare`: our headers on whatever goes out, errors and streams too."""
    response.headers.pop("Server", None)
    response.headers.update(HEADERS)
