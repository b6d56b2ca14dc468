"""One HTTP GET with limits, against servers on loopback that behave as servers do."""

import asyncio
import gzip
import tracemalloc
import zlib
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from agents.egress import LOOPBACK, is_public, may_dial
from agents.fetching import Fetcher, Limits, RefusedError, Trail, user_agent
from streams import codec, wires
from streams.errors import WireError
from streams.polling import FeedState, Outcome, digest, request_headers

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Raw = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

QUICK = Limits(total_s=1.0, connect_s=0.5, read_s=0.5, body_bytes=100_000)
BODY = b"<rss version='2.0'><channel></channel></rss>"


NO_ADDRESSES = [
    "http://[::1", "http://[::1]:4@/", "http://a:b/", "http://a:99999/", "http://local\u00adhost/", "http://@/",
    "http://:80/", "http://[]/", "http://[1.2.3.4]/", "file:///etc/passwd", "ftp://wire.example/",
]  # fmt: skip


class Site:
    """A server whose paths a test fills in, and what it was asked."""

    def __init__(self) -> None:
        self.pages: dict[str, Handler] = {}
        self.requests: list[web.Request] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        return await self.pages[request.path](request)

    def redirect(self, path: str, location: str, status: int = 302) -> None:
        async def page(request: web.Request) -> web.Response:
            return web.Response(status=status, headers={"Location": location})

        self.pages[path] = page

    def page(self, path: str, body: bytes = BODY, status: int = 200, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}

        async def answer(request: web.Request) -> web.Response:
            return web.Response(body=body, status=status, headers=named)

        self.pages[path] = answer


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
async def base(site: Site) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", site.handle)
    async with TestServer(app, host="127.0.0.1") as server:
        yield f"http://127.0.0.1:{server.port}"


@pytest.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    async with Fetcher(contact="mailto:desk@wire.example", allowed=LOOPBACK, limits=QUICK) as fetcher:
        yield fetcher


@pytest.fixture
async def raw_server() -> AsyncIterator[Callable[[Raw], Awaitable[str]]]:
    servers: list[asyncio.Server] = []

    async def start(handler: Raw) -> str:
        async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await reader.readuntil(b"\r\n\r\n")
                await handler(reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(closing, "127.0.0.1", 0)
        servers.append(server)
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"

    yield start
    for server in servers:
        server.close()
        await server.wait_closed()


HEAD = b"<rss version='2.0'><channel>"
BOMBS: dict[str, Callable[[], bytes]] = {
    "gzip": lambda: gzip.compress(bytes(200 << 20)),
    "deflate": lambda: zlib.compress(HEAD + bytes(100 << 20), 9),
    "gzip in gzip": lambda: gzip.compress(gzip.compress(bytes(200 << 20))),
    "deflate in gzip": lambda: gzip.compress(zlib.compress(HEAD + b"<item>" * (10 << 20))),
    "gzip of gzips": lambda: gzip.compress(gzip.compress(HEAD + bytes(6 << 20)) * 50),
}


async def test_a_document_comes_with_what_a_poll_needs(site: Site, base: str, fetcher: Fetcher) -> None:
    site.page("/f", ETag='W/"x"', Cache_Control="max-age=60", Content_Type="text/xml", X_Other="no")
    got = await fetcher.fetch(f"{base}/f")
    assert (got.outcome, got.status, got.body, got.url) == (Outcome.OK, 200, BODY, f"{base}/f")
    assert got.headers["etag"] == 'W/"x"'
    assert got.headers["cache-control"] == "max-age=60"
    assert got.media_type == "text/xml"
    assert "x-other" not in got.headers
    assert not got.conditional
    assert got.moved_to is None


async def test_the_request_says_who_we_are_and_asks_for_gzip_alone(
    site: Site, base: str, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1/")
    site.page("/f", Set_Cookie="a=b")
    await fetcher.fetch(f"{base}/f")
    await fetcher.fetch(f"{base}/f")
    headers = site.requests[-1].headers
    assert headers["User-Agent"].startswith("Listwire/")
    assert headers["User-Agent"].endswith("(+mailto:desk@wire.example)")
    assert headers["Accept-Encoding"] == "gzip"
    assert "Cookie" not in headers
    assert "Referer" not in headers
    assert "(+" not in user_agent(None)


async def test_validators_are_sent_as_they_are(site: Site, base: str, fetcher: Fetcher) -> None:
    site.page("/f", b"", status=304, ETag='"2"')
    validators = {"If-None-Match": 'W/"ü, b"', "If-Modified-Since": "yesterday"}
    got = await fetcher.fetch(f"{base}/f", validators)
    sent = site.requests[0].headers
    assert {name: sent[name] for name in validators} == validators
    assert (got.outcome, got.conditional, got.headers["etag"]) == (Outcome.NOT_MODIFIED, True, '"2"')


async def test_the_address_is_asked_for_byte_by_byte(site: Site, base: str, fetcher: Fetcher) -> None:
    site.page("/f")
    await fetcher.fetch(f"{base}/f?agencies%5B%5D=a&term=%22x+y%22&z=[1]")
    assert site.requests[0].raw_path == "/f?agencies%5B%5D=a&term=%22x+y%22&z=[1]"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (204, Outcome.HTTP_ERROR),
        (206, Outcome.HTTP_ERROR),
        (300, Outcome.HTTP_ERROR),
        (403, Outcome.HTTP_ERROR),
        (404, Outcome.HTTP_ERROR),
        (410, Outcome.GONE),
        (429, Outcome.THROTTLED),
        (500, Outcome.HTTP_ERROR),
        (503, Outcome.THROTTLED),
    ],
)
async def test_a_status_becomes_an_outcome(
    site: Site, base: str, fetcher: Fetcher, status: int, outcome: Outcome
) -> None:
    site.page("/f", b"" if status == 204 else b"<html>", status=status, Retry_After="120")
    got = await fetcher.fetch(f"{base}/f")
    assert (got.outcome, got.status, got.body) == (outcome, status, b"")
    assert got.headers["retry-after"] == "120"


@pytest.mark.parametrize("url", ["", " ", "wire.example", "//wire.example/", "http:", "http:///", *NO_ADDRESSES])
async def test_what_is_no_address_is_a_value_too(fetcher: Fetcher, url: str) -> None:
    got = await fetcher.fetch(url)
    assert (got.outcome, got.detail) == (Outcome.CONNECT_ERROR, "not an address that can be asked")


class TestPoison:
    """A server's headers that cannot be sent back: it is asked again all the same."""

    @pytest.mark.parametrize(
        "etag",
        [
            b'"a\rb"', b'"a\r\n X: y"', b'"a\r\n\tX: y"', b'"a\x00b"', b'"\xff\xfe"', b'"\xe9"', b'"\x7f\x1b[2J"',
            b'"' + b"a" * 7_000 + b'"', '"é\u2028\u202e"'.encode(), "Ж".encode("koi8-r"), b"\xed\xa0\x80",
        ],
    )  # fmt: skip
    async def test_an_etag_never_disables_a_feed(
        self, fetcher: Fetcher, raw_server: Callable[[Raw], Awaitable[str]], etag: bytes
    ) -> None:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: " + etag + b"\r\nX: y\r\n\r\n<>")
            await writer.drain()

        url, state, now = await raw_server(answer), FeedState(feed="f"), datetime.now(UTC)
        outcomes = []
        for _ in range(3):
            got = await fetcher.fetch(url, request_headers(state, now))
            outcomes.append(got.outcome)
            state = codec.decode(codec.encode(digest(state, got, None, now).state), FeedState)
        assert set(outcomes) in ({Outcome.OK}, {Outcome.HTTP_ERROR})

    @pytest.mark.parametrize("poison", ["a\r\nX-Evil: 1", "a\nb", "a\x00", "\udcff"])
    async def test_a_poisoned_state_is_asked_without(
        self, site: Site, base: str, fetcher: Fetcher, poison: str
    ) -> None:
        site.page("/f")
        state = FeedState(feed="f", etag=poison, last_modified=poison)
        got = await fetcher.fetch(f"{base}/f", request_headers(state, datetime.now(UTC)))
        assert (got.outcome, got.conditional) == (Outcome.OK, False)
        assert "X-Evil" not in site.requests[0].headers


class TestSize:
    async def test_a_body_at_the_cap_is_taken(self, site: Site, base: str, fetcher: Fetcher) -> None:
        site.page("/f", bytes(QUICK.body_bytes))
        assert len((await fetcher.fetch(f"{base}/f")).body) == QUICK.body_bytes

    async def test_a_body_over_the_cap_is_refused_by_its_length(self, site: Site, base: str, fetcher: Fetcher) -> None:
        site.page("/f", bytes(QUICK.body_bytes + 1))
        got = await fetcher.fetch(f"{base}/f")
        assert (got.outcome, got.body) == (Outcome.TOO_LARGE, b"")

    async def test_a_body_without_a_length_is_read_no_further_than_the_cap(
        self, site: Site, base: str, fetcher: Fetcher
    ) -> None:
        async def endless(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse()
            response.enable_chunked_encoding()
            await response.prepare(request)
            while True:
                await response.write(bytes(65_536))

        site.pages["/f"] = endless
        assert (await fetcher.fetch(f"{base}/f")).outcome is Outcome.TOO_LARGE

    async def test_a_packed_body_stays_packed(self, site: Site, base: str, fetcher: Fetcher) -> None:
        bomb = gzip.compress(bytes(20_000_000))
        site.page("/f", bomb, Content_Encoding="gzip")
        assert (await fetcher.fetch(f"{base}/f")).body == bomb

    @pytest.mark.parametrize("kind", BOMBS)
    async def test_a_bomb_costs_no_more_memory_than_an_honest_document(self, site: Site, base: str, kind: str) -> None:
        """Over the wire and unpacked, with the limits that are in force."""
        site.page("/f", BOMBS[kind](), Content_Encoding="gzip")
        tracemalloc.start()
        try:
            async with Fetcher(allowed=LOOPBACK) as fetcher:
                got = await fetcher.fetch(f"{base}/f")
            with pytest.raises(WireError, match="too-large"):
                wires.decode(got.body, "f", datetime.now(UTC), media_type=got.media_type)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 64 * 1024 * 1024


class TestTime:
    async def test_a_head_that_drips_is_given_up(
        self, fetcher: Fetcher, raw_server: Callable[[Raw], Awaitable[str]]
    ) -> None:
        async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\nX: ")
            while True:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.02)

        got = await asyncio.wait_for(fetcher.fetch(await raw_server(drip)), QUICK.total_s + 2)
        assert got.outcome is Outcome.TIMEOUT

    async def test_all_hops_together_have_the_time_of_one(self, site: Site, base: str, fetcher: Fetcher) -> None:
        async def slow(request: web.Request) -> web.Response:
            await asyncio.sleep(0.3)  # within the limit between two pieces, and five of them are not
            return web.Response(status=302, headers={"Location": f"{request.path}x"})

        site.pages = defaultdict(lambda: slow)
        assert (await fetcher.fetch(f"{base}/f")).outcome is Outcome.TIMEOUT
        assert 1 < len(site.requests) <= 4

    async def test_many_that_drip_do_not_hold_up_another_host(
        self, site: Site, base: str, fetcher: Fetcher, raw_server: Callable[[Raw], Awaitable[str]]
    ) -> None:
        async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()

        site.page("/f")
        silent = [await raw_server(silence) for _ in range(60)]
        slow = [asyncio.create_task(fetcher.fetch(url)) for url in silent]
        await asyncio.sleep(0)
        assert (await fetcher.fetch(f"{base}/f")).outcome is Outcome.OK
        assert not any(task.done() for task in slow)
        assert {(await task).outcome for task in slow} == {Outcome.TIMEOUT}

    async def test_a_body_that_drips_is_given_up(
        self, fetcher: Fetcher, raw_server: Callable[[Raw], Awaitable[str]]
    ) -> None:
        async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n")
            while True:
                writer.write(b"<")
                await writer.drain()
                await asyncio.sleep(0.02)

        got = await asyncio.wait_for(fetcher.fetch(await raw_server(drip)), QUICK.total_s + 2)
        assert got.outcome is Outcome.TIMEOUT

    async def test_a_server_that_says_nothing_is_given_up(
        self, fetcher: Fetcher, raw_server: Callable[[Raw], Awaitable[str]]
    ) -> None:
        async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()

        assert (await fetcher.fetch(await raw_server(silence))).outcome is Outcome.TIMEOUT


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n<rss>", Outcome.CUT_OFF),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n<rss>", Outcome.CUT_OFF),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 20_000 + b"\r\n\r\n<rss/>", Outcome.HTTP_ERROR),
        (b"220 mail.example ESMTP\r\n", Outcome.HTTP_ERROR),
        (b"", Outcome.CONNECT_ERROR),
    ],
    ids=["short-of-its-length", "short-of-its-chunk", "huge-header", "no-http", "hung-up"],
)
async def test_a_broken_answer_is_never_a_document(
    fetcher: Fetcher, raw_server: Callable[[Raw], Awaitable[str]], reply: bytes, outcome: Outcome
) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply)
        await writer.drain()

    got = await fetcher.fetch(await raw_server(answer))
    assert (got.outcome, got.body) == (outcome, b"")


async def test_nobody_listening_is_a_connect_error(fetcher: Fetcher, unused_tcp_port: int) -> None:
    got = await fetcher.fetch(f"http://127.0.0.1:{unused_tcp_port}/")
    assert got.outcome is Outcome.CONNECT_ERROR


class TestRedirects:
    async def test_validators_go_along_and_the_end_is_told(self, site: Site, base: str, fetcher: Fetcher) -> None:
        site.redirect("/a", "/b", 302)
        site.redirect("/b", f"{base}/c", 301)
        site.page("/c")
        got = await fetcher.fetch(f"{base}/a", {"If-None-Match": '"1"'})
        assert (got.outcome, got.url, got.moved_to) == (Outcome.OK, f"{base}/c", None)
        assert site.requests[-1].headers["If-None-Match"] == '"1"'

    @pytest.mark.parametrize("status", [301, 308])
    async def test_only_hops_that_are_for_good_from_the_start_are_a_move(
        self, site: Site, base: str, fetcher: Fetcher, status: int
    ) -> None:
        site.redirect("/a", "/b", status)
        site.redirect("/b", "/c", 307)
        site.page("/c")
        got = await fetcher.fetch(f"{base}/a")
        assert (got.url, got.moved_to) == (f"{base}/c", f"{base}/b")

    async def test_a_circle_ends(self, site: Site, base: str, fetcher: Fetcher) -> None:
        site.redirect("/a", "/b")
        site.redirect("/b", "/a")
        got = await fetcher.fetch(f"{base}/a")
        assert (got.outcome, len(site.requests)) == (Outcome.BAD_REDIRECT, 2)

    async def test_a_long_chain_ends_after_five(self, site: Site, base: str, fetcher: Fetcher) -> None:
        for hop in range(9):
            site.redirect(f"/{hop}", f"/{hop + 1}")
        got = await fetcher.fetch(f"{base}/0")
        assert (got.outcome, len(site.requests)) == (Outcome.BAD_REDIRECT, 6)

    async def test_five_hops_are_followed(self, site: Site, base: str, fetcher: Fetcher) -> None:
        for hop in range(5):
            site.redirect(f"/{hop}", f"/{hop + 1}")
        site.page("/5")
        assert (await fetcher.fetch(f"{base}/0")).outcome is Outcome.OK

    @pytest.mark.parametrize(
        "location",
        ["file:///etc/passwd", "gopher://x/", "javascript:alert(1)", "data:,x", "http://[::1", "http://"],
    )
    async def test_another_scheme_is_not_followed(self, site: Site, base: str, fetcher: Fetcher, location: str) -> None:
        site.redirect("/a", location)
        assert (await fetcher.fetch(f"{base}/a")).outcome is Outcome.BAD_REDIRECT

    @pytest.mark.parametrize("location", NO_ADDRESSES)
    async def test_what_is_no_address_is_not_followed(
        self, raw_server: Callable[[Raw], Awaitable[str]], fetcher: Fetcher, location: str
    ) -> None:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 302 Found\r\nLocation: " + location.encode() + b"\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()

        assert (await fetcher.fetch(await raw_server(answer))).outcome is Outcome.BAD_REDIRECT

    async def test_credentials_in_a_location_are_not_used(self, site: Site, base: str, fetcher: Fetcher) -> None:
        site.redirect("/a", base.replace("//", "//user:secret@") + "/b")
        site.page("/b")
        got = await fetcher.fetch(f"{base}/a")
        assert "Authorization" not in site.requests[-1].headers
        assert "secret" not in got.url


class TestEgress:
    @pytest.mark.parametrize(
        "host",
        [
            "127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "127.1", "0x7f.1",  # noqa: S104
            "0177.0.0.1", "2130706433", "127.0.0.1.", "[::127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
            "224.0.0.1", "[fe80::1]", "[fd00::1]", "[ff02::1]", "198.18.0.1", "255.255.255.255",
        ],
    )  # fmt: skip
    async def test_no_way_of_writing_it_reaches_an_inner_address(self, site: Site, base: str, host: str) -> None:
        site.page("/f")
        port = base.rpartition(":")[2]
        async with Fetcher(limits=QUICK, ports={int(port)}) as guarded:
            got = await guarded.fetch(f"http://{host}:{port}/f")
        assert got.outcome in {Outcome.BLOCKED_ADDRESS, Outcome.CONNECT_ERROR, Outcome.BAD_REDIRECT}
        assert site.requests == []

    async def test_the_reason_is_told(self, base: str) -> None:
        async with Fetcher(limits=QUICK) as guarded:
            for host in ("127.0.0.1", "localhost"):
                got = await guarded.fetch(base.replace("127.0.0.1", host))
                assert got.outcome is Outcome.BLOCKED_ADDRESS

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    async def test_a_redirect_does_not_lead_around_it(self, site: Site, base: str, status: int) -> None:
        inner = "127.0.0.2"
        site.redirect("/a", f"{base.replace('127.0.0.1', inner)}/secret", status)
        site.page("/secret")
        outer_only = [ip_network("127.0.0.1/32")]
        async with Fetcher(limits=QUICK, allowed=outer_only) as guarded:
            got = await guarded.fetch(f"{base}/a")
        assert got.outcome is Outcome.BLOCKED_ADDRESS
        assert [request.path for request in site.requests] == ["/a"]

    @pytest.mark.parametrize(
        "address",
        [
            "0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.31.255.255",  # noqa: S104
            "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1", "203.0.113.1", "224.0.0.1",
            "239.1.1.1", "240.0.0.1", "255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:10.0.0.1",
            "::ffff:0:127.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1",
            "2002:a00:1::", "3fff::1", "fc00::1", "fd12::1", "fe80::1", "fec0::1", "ff02::1", "5f00::1",
        ],
    )  # fmt: skip
    def test_an_address_of_no_single_public_host_is_refused(self, address: str) -> None:
        assert not is_public(ip_address(address))
        assert not may_dial(address, 443)

    @pytest.mark.parametrize("address", ["8.8.8.8", "151.101.1.1", "2606:4700::1111", "::ffff:8.8.8.8"])
    def test_a_public_host_is_dialled_at_the_ports_of_the_web(self, address: str) -> None:
        assert may_dial(address, 443)
        assert may_dial(address, 80)
        assert not may_dial(address, 22)

    def test_an_allowed_network_is_dialled_at_any_port(self) -> None:
        inner = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]
        assert may_dial("10.1.2.3", 8080, inner)
        assert may_dial("::ffff:10.1.2.3", 8080, inner)
        assert may_dial("fd00::1", 8080, inner)
        assert not may_dial("11.1.2.3", 8080, inner)


def test_a_downgrade_to_plain_http_is_refused() -> None:
    trail = Trail("https://wire.example/f")
    with pytest.raises(RefusedError) as refused:
        trail.step("http://wire.example/f", permanent=True)
    assert refused.value.outcome is Outcome.BAD_REDIRECT
