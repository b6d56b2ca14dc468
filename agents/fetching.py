"""One HTTP GET with limits: time, bytes, hops and where it may lead. Its failures are values, never
exceptions.

Redirects are followed by hand, so that each hop is looked at: http or https only, never from https to http,
no circle, no credentials from a `Location`. Every hop dials through the egress guard. The body stays as it
came over the wire; it is hashed before anybody spends time on unpacking it. There is no proxy from the
environment, no cookie, and no other compression is asked for than gzip, whose bombs the cap of
`streams.wires.compression` stops.

A feed's credential goes to the feed's own origin alone (scheme, host and port): the first hop to another
origin drops it for the rest of the fetch. Over plain http it travels only into a network that the operator
allows, which the guard of a session of its own sees to, again by the address that is dialled.
"""

import asyncio
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from types import TracebackType
from typing import Self

import aiohttp
from yarl import URL

from agents.credentials import Credential, CredentialError, Credentials
from agents.egress import PORTS, BlockedAddress, Network, SocketFactory, guard, inner_guard
from streams.feeds import FeedSpec
from streams.polling import KEPT_HEADERS, Fetched, Outcome
from streams.wires.compression import MAX_DOCUMENT_BYTES

REDIRECTS = frozenset({301, 302, 303, 307, 308})
PERMANENT = frozenset({301, 308})
ACCEPT = "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.8, */*;q=0.5"
CHUNK_BYTES = 65_536

NO_ADDRESS = (ValueError, IndexError)  # yarl raises the latter at `https://[::1]:4@/`

_PROBLEM = re.compile(r":?\n|: b['\"]")  # behind it the client repeats what the server sent

_BY_STATUS = {
    304: Outcome.NOT_MODIFIED,
    410: Outcome.GONE,
    429: Outcome.THROTTLED,
    503: Outcome.THROTTLED,
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What one fetch may take, all hops together for `total_s`."""

    total_s: float = 30.0
    connect_s: float = 10.0
    read_s: float = 15.0  # between two pieces of the body
    body_bytes: int = MAX_DOCUMENT_BYTES
    redirects: int = 5
    connections_per_host: int = 2


class RefusedError(Exception):
    """The fetch ends here, for this reason."""

    def __init__(self, outcome: Outcome, detail: str) -> None:
        super().__init__(detail)
        self.outcome = outcome
        self.detail = detail


class Fetcher:
    """Fetches feeds until it is closed: `async with Fetcher(contact=...) as fetcher`."""

    def __init__(
        self,
        *,
        contact: str | None = None,
        allowed: Collection[Network] = (),
        ports: Collection[int] = PORTS,
        limits: Limits | None = None,
        credentials: Credentials | None = None,
    ) -> None:
        self._limits = limits or Limits()
        self._guard = guard(allowed, ports)
        self._inner_guard = inner_guard(allowed)
        self._credentials = credentials or Credentials(None)
        self._headers = {"User-Agent": user_agent(contact), "Accept": ACCEPT, "Accept-Encoding": "gzip"}
        self._session: aiohttp.ClientSession | None = None
        self._inner: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = guarded_session(self._guard, self._limits, self._headers)
        self._inner = guarded_session(self._inner_guard, self._limits, self._headers)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for session in filter(None, (self._session, self._inner)):
            await session.close()
        self._session = self._inner = None

    async def fetch(self, what: FeedSpec | str, conditional: Mapping[str, str] | None = None) -> Fetched:
        """What came of a GET with the validators in `conditional`: of a bare address, or of a feed in its own way."""
        url, agent, name = (what, None, None) if isinstance(what, str) else (what.url, what.user_agent, what.credential)
        try:
            trail = Trail(url, user_agent=agent)
        except NO_ADDRESS:
            return Fetched(outcome=Outcome.CONNECT_ERROR, url=url, detail="not an address that can be asked")
        if name is None:
            return await self._fetched(trail, dict(conditional or {}))
        try:
            credential = await asyncio.to_thread(self._credentials.read, name)
        except CredentialError as error:
            return trail.failed(Outcome.NO_CREDENTIAL, str(error))
        trail.credential = credential
        return credential.cleared(await self._fetched(trail, dict(conditional or {})))

    async def _fetched(self, trail: "Trail", conditional: dict[str, str]) -> Fetched:
        try:
            async with asyncio.timeout(self._limits.total_s):
                return await self._follow(trail, conditional)
        except RefusedError as refused:
            return trail.failed(refused.outcome, refused.detail)
        except TimeoutError:
            return trail.failed(Outcome.TIMEOUT, "no whole answer in time")
        except aiohttp.ClientPayloadError:
            return trail.failed(Outcome.CUT_OFF, "the connection ended before the body did")
        except aiohttp.ClientResponseError as error:
            return trail.failed(Outcome.HTTP_ERROR, f"not HTTP: {_PROBLEM.split(error.message, maxsplit=1)[0]}")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return trail.failed(*connect_problem(error))

    async def _follow(self, trail: "Trail", conditional: dict[str, str]) -> Fetched:
        for _ in range(self._limits.redirects + 1):
            if (answer := await self._hop(self._session_for(trail), trail, conditional)) is not None:
                return answer
        raise RefusedError(Outcome.BAD_REDIRECT, f"more than {self._limits.redirects} redirects")

    def _session_for(self, trail: "Trail") -> aiohttp.ClientSession:
        in_the_clear = trail.credential is not None and trail.url.scheme != "https"
        session = self._inner if in_the_clear else self._session
        if session is None:
            raise RuntimeError("a Fetcher is used inside `async with`")
        return session

    async def _hop(self, session: aiohttp.ClientSession, trail: "Trail", conditional: dict[str, str]) -> Fetched | None:
        """The answer at this hop, None if it leads on."""
        headers = conditional | trail.own_headers()
        async with session.get(trail.url, headers=headers, allow_redirects=False) as response:
            location = response.headers.get("Location")
            if response.status not in REDIRECTS or location is None:
                return await self._answer(response, trail, bool(conditional))
        trail.step(location, permanent=response.status in PERMANENT)
        return None

    async def _answer(self, response: aiohttp.ClientResponse, trail: "Trail", conditional: bool) -> Fetched:
        outcome = _BY_STATUS.get(response.status, Outcome.HTTP_ERROR)
        body = b""
        if response.status == 200:
            outcome, body = Outcome.OK, await self._body(response)
        return Fetched(
            outcome=outcome,
            url=str(trail.url),
            status=response.status,
            body=body,
            headers=_kept(response),
            conditional=conditional,
            moved_to=trail.moved_to,
            detail="" if outcome is Outcome.OK else f"HTTP {response.status}",
        )

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        cap = self._limits.body_bytes
        body = bytearray()
        too_large = (response.content_length or 0) > cap
        while not too_large and (chunk := await response.content.read(CHUNK_BYTES)):
            body += chunk
            too_large = len(body) > cap
        if too_large:
            raise RefusedError(Outcome.TOO_LARGE, f"more than {cap} bytes")
        return bytes(body)


class Trail:
    """The hops of one fetch: where it is, where it has been, whether all of it was said to be for good.

    Raises one of `NO_ADDRESS` where there is none to start from.
    """

    def __init__(self, url: str, *, user_agent: str | None = None) -> None:
        self.url = _checked(_as_written(url))
        self.credential: Credential | None = None
        self._user_agent = user_agent
        self.moved_to: str | None = None
        self._been = {self.url}
        self._for_good = True

    def step(self, location: str, *, permanent: bool) -> None:
        """Goes where `location` points, or raises RefusedError."""
        target = self._target(location)
        if self.url.scheme == "https" and target.scheme == "http":
            raise RefusedError(Outcome.BAD_REDIRECT, f"redirect from https to http at {target.host}")
        if target in self._been:
            raise RefusedError(Outcome.BAD_REDIRECT, f"redirects in a circle at {target.host}")
        self._been.add(target)
        if _origin(target) != _origin(self.url):
            self.credential = None
        self.url = target
        self._for_good = self._for_good and permanent
        if self._for_good:
            self.moved_to = str(target)

    def own_headers(self) -> dict[str, str]:
        """What this feed asks for, and what may be shown at this hop."""
        agent = {"User-Agent": self._user_agent} if self._user_agent else {}
        return agent | ({self.credential.header: self.credential.value} if self.credential else {})

    def _target(self, location: str) -> URL:
        try:
            return _checked(self.url.join(URL(location))).with_user(None).with_fragment(None)
        except NO_ADDRESS:
            raise RefusedError(Outcome.BAD_REDIRECT, "redirect to something that is no http address") from None

    def failed(self, outcome: Outcome, detail: str) -> Fetched:
        """The fetch as a failure at this hop."""
        return Fetched(outcome=outcome, url=str(self.url), moved_to=self.moved_to, detail=detail)


def guarded_session(factory: SocketFactory, limits: Limits, headers: Mapping[str, str]) -> aiohttp.ClientSession:
    """The only kind of client there is: all it dials is judged, nothing is remembered or taken from the environment."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(socket_factory=factory, limit_per_host=limits.connections_per_host),
        timeout=aiohttp.ClientTimeout(total=limits.total_s, sock_connect=limits.connect_s, sock_read=limits.read_s),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers=headers,
        auto_decompress=False,
        trust_env=False,
    )


def user_agent(contact: str | None) -> str:
    """Who we are and, if the operator says, whom to write to."""
    product = f"Listwire/{version('listwire')}"
    return f"{product} (+{contact})" if contact else product


def _origin(url: URL) -> tuple[str, str, int | None]:
    return url.scheme.lower(), (url.raw_host or "").lower(), url.port


def _as_written(url: str) -> URL:
    """The address byte for byte where that is possible: servers tell `%5B` from `[`."""
    return URL(url, encoded=url.isascii() and " " not in url)


def _checked(url: URL) -> URL:
    """The address, if it is one that can be asked: some parts of it are only read, and found wrong, when needed."""
    if url.scheme not in {"http", "https"} or not url.host or url.port is None or not str(url):
        raise ValueError("no http address")
    return url


def _kept(response: aiohttp.ClientResponse) -> dict[str, str]:
    """The headers that a poll uses; lines of one name are joined, a validator stays as it is."""
    headers = response.headers
    joined = {name: ", ".join(headers.getall(name)) for name in KEPT_HEADERS if name in headers}
    return joined | {name: headers[name] for name in ("etag", "last-modified") if name in headers}


def connect_problem(error: Exception) -> tuple[Outcome, str]:
    """Why nothing was sent or nothing came."""
    if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, BlockedAddress):
        return Outcome.BLOCKED_ADDRESS, str(error.os_error)
    if isinstance(error, aiohttp.InvalidURL):
        return Outcome.BAD_REDIRECT, "redirect to something that is no address"
    return Outcome.CONNECT_ERROR, f"{type(error).__name__}: {str(error)[:200]}"
