"""Nothing inside our network is reached: every way to write an inner address, by every way that leads there.

The proof is at both ends. Tripwires listen on loopback, at a port that the guard would let pass, and count who
comes. A spy stands where the event loop connects a socket, and sees also what nobody here could answer.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from ipaddress import ip_network
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from agents.fetching import Fetcher, Limits
from streams.polling import Fetched, Outcome

LIMITS = Limits(total_s=5.0, connect_s=2.0, read_s=2.0)
ORIGIN = "127.0.0.3"
REDIRECTS = (301, 302, 303, 307, 308)
REFUSALS = {Outcome.BLOCKED_ADDRESS, Outcome.BAD_REDIRECT, Outcome.CONNECT_ERROR}

# One way to write an address of ours, with {} for the port.
HOSTS = """
127.0.0.1:{} 127.0.0.2:{} 127.1:{} 127.0.1:{} 127.255.255.254:{}
2130706433:{} 0x7f000001:{} 0x7f.0x0.0x0.0x1:{} 0x7f.1:{} 0X7F.1:{} 017700000001:{} 0177.0.0.1:{} 0177.0.0.01:{}
00000177.0.0.1:{} 0:{} 0.0.0.0:{} 0x0:{} 127.0.0.1.:{} 127.1.:{} 4294967295:{} 255.255.255.255:{}
localhost:{} LOCALHOST:{} LocalHost:{} localhost.:{} localhost.localdomain:{} a.localhost:{} ip6-localhost:{}
loopback.example:{} %6c%6f%63%61%6c%68%6f%73%74:{} ｌｏｃａｌｈｏｓｔ:{} ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:{} local\u00adhost:{} localhoſt:{}
%31%32%37.0.0.1:{} 127%2e0%2e0%2e1:{} １２７.０.０.１:{} ①②⑦.⓪.⓪.①:{} 127。0。0。1:{} 127．0．0．1:{} 127｡0｡0｡1:{}
[::1]:{} [0:0:0:0:0:0:0:1]:{} [0000::0001]:{} [::]:{} [::127.0.0.1]:{} [::7f00:1]:{} [::1%25lo]:{} [::1%lo]:{}
[::ffff:127.0.0.1]:{} [::ffff:7f00:1]:{} [0:0:0:0:0:FFFF:127.0.0.1]:{} [::ffff:0:127.0.0.1]:{}
[64:ff9b::127.0.0.1]:{} [64:ff9b::7f00:1]:{} [64:ff9b:1::7f00:1]:{} [64:ff9b:1:ffff::1]:{}
[2002:7f00:1::]:{} [2002:7f00:1::1]:{} [2001:0:7f00:1::]:{} [2001::1]:{} [2001:0:0:0:0:0:80ff:fffe]:{}
[fe80::1]:{} [fe80::1%25lo]:{} [fe80::1%25eth0]:{} [fe80::5efe:7f00:1]:{} [fec0::1]:{} [fc00::1]:{} [fd12:3456::1]:{}
[ff02::1]:{} [ff05::2]:{} [100::1]:{} [2001:db8::1]:{} [5f00::1]:{}
10.0.0.1:{} 172.16.0.1:{} 172.31.255.255:{} 192.168.0.1:{} 192.168.257:{} 100.64.0.1:{} 100.127.255.254:{}
169.254.169.254:{} 169.254.170.2:{} 0xa9fea9fe:{} 2852039166:{} 0251.0376.0251.0376:{} [::ffff:169.254.169.254]:{}
[::ffff:a9fe:a9fe]:{} [64:ff9b::a9fe:a9fe]:{} [2002:a9fe:a9fe::]:{} [fd00:ec2::254]:{} [fe80::a9fe:a9fe]:{}
100.100.100.200:{} 192.0.0.192:{} 168.63.129.16:{} metadata.google.internal:{}
224.0.0.1:{} 239.255.255.250:{} 240.0.0.1:{} 192.88.99.1:{} 192.0.0.8:{} 192.0.2.1:{} 198.18.0.1:{} 198.51.100.1:{}
user:word@127.0.0.1:{} wire.example@127.0.0.1:{} wire.example:80@127.0.0.1:{} wire.example%40x@127.0.0.1:{}
127.0.0.1:{}#@wire.example 127.0.0.1:{}?@wire.example/ 127.0.0.1:{}\\@wire.example/ wire.example\\@127.0.0.1:{}
""".split()

# Where a name that means us in disguise leads with the most gullible of resolvers.
INNER_NAMES = {"metadata.google.internal": ["169.254.169.254"], "loopback.example": ["::1", "127.0.0.1"]}


class Net:
    """The network of a test: a resolver that believes everything, a spy, tripwires, and a site that sends us on."""

    def __init__(self) -> None:
        self.answers: dict[str, list[list[str]]] = {}
        self.dialled: list[str] = []
        self.tripped: list[Any] = []
        self.location = "/"
        self.status = 302
        self.port = 0
        self.site = ""

    def resolve(self, host: str) -> list[str]:
        """Its next answer for a name; names never told of are ours if they look like it."""
        if queue := self.answers.get(host):
            return queue.pop(0) if len(queue) > 1 else queue[0]
        plain = host.rstrip(".").lower()
        if plain in INNER_NAMES:
            return INNER_NAMES[plain]
        if "localhost" in plain or "ip6" in plain:
            return ["127.0.0.1", "::1"]
        return [socket.inet_ntoa(socket.inet_aton(host.rstrip(".")))]

    async def send_on(self, request: web.Request) -> web.Response:
        headers = {"Location": self.location, "Connection": "close"}
        return web.Response(status=self.status, headers=headers)

    async def trip(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.tripped.append(writer.get_extra_info("sockname"))
        writer.close()

    async def fetch(self, url: str) -> Fetched:
        async with Fetcher(allowed=[ip_network(f"{ORIGIN}/32")], ports={80, 443, self.port}, limits=LIMITS) as fetcher:
            return await fetcher.fetch(url)

    def assert_untouched(self, what: object = "") -> None:
        assert self.tripped == [], what
        assert set(self.dialled) <= {ORIGIN}, what


@pytest.fixture
async def net(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Net]:
    net = Net()
    loop_class = type(asyncio.get_running_loop())
    connect = loop_class.sock_connect

    async def resolve(loop: object, host: str | bytes, port: int, **how: Any) -> list[Any]:
        name = host.decode() if isinstance(host, bytes) else host
        try:
            found = net.resolve(name)
        except OSError:
            raise socket.gaierror(socket.EAI_NONAME, "no such name") from None
        return [info for address in found for info in socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)]

    async def dial(loop: Any, sock: socket.socket, address: Any) -> None:
        net.dialled.append(address[0])
        await connect(loop, sock, address)

    monkeypatch.setattr(loop_class, "getaddrinfo", resolve)
    monkeypatch.setattr(loop_class, "sock_connect", dial)
    first = await asyncio.start_server(net.trip, "127.0.0.1", 0)
    net.port = first.sockets[0].getsockname()[1]
    more = [await asyncio.start_server(net.trip, host, net.port) for host in ("127.0.0.2", "::1")]
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", net.send_on)
    async with TestServer(app, host=ORIGIN) as server:
        net.site = f"http://{ORIGIN}:{server.port}/"
        yield net
    for server_ in (first, *more):
        server_.close()
        await server_.wait_closed()


def test_the_forms_are_many_and_none_is_told_twice() -> None:
    assert len(HOSTS) == len(set(HOSTS)) >= 100


async def test_the_tripwires_and_the_spy_work(net: Net) -> None:
    for host in ("127.0.0.1", "127.0.0.2", "::1"):
        reader, writer = await asyncio.open_connection(host, net.port)
        await reader.read()
        writer.close()
    assert len(net.tripped) == 3
    assert net.dialled == ["127.0.0.1", "127.0.0.2", "::1"]


@pytest.mark.parametrize("scheme", ["http", "https", "HTTP"])
async def test_written_directly(net: Net, scheme: str) -> None:
    for host in HOSTS:
        got = await net.fetch(f"{scheme}://{host.format(net.port)}/f")
        assert got.outcome in REFUSALS, host
        net.assert_untouched(host)
    assert net.dialled == []


@pytest.mark.parametrize("status", REDIRECTS)
async def test_by_a_redirect(net: Net, status: int) -> None:
    net.status = status
    for host in HOSTS:
        net.location = f"http://{host.format(net.port)}/f"
        got = await net.fetch(net.site)
        assert got.outcome in REFUSALS, host
        net.assert_untouched(host)
    assert net.dialled == [ORIGIN] * len(HOSTS)


@pytest.mark.parametrize("location", ["//{}/f", "///{}/f", "http:{}", "http:/{}", "\t//{}/f", "https://{}/f"])
async def test_by_a_redirect_in_short_hand(net: Net, location: str) -> None:
    """What is read as a path of the site instead is asked of the site, until it has redirected often enough."""
    for host in ("127.0.0.1:{}", "localhost:{}", "[::1]:{}", "0x7f.1:{}"):
        net.location = location.format(host.format(net.port))
        assert (await net.fetch(net.site)).outcome in REFUSALS
        net.assert_untouched(net.location)


ADDRESSES = (
    "127.0.0.1", "127.0.0.2", "::1", "::ffff:127.0.0.1", "0.0.0.0", "::", "10.0.0.1", "172.16.0.1",  # noqa: S104
    "192.168.0.1", "100.64.0.1", "169.254.169.254", "168.63.129.16", "fe80::1%lo", "fd00:ec2::254", "64:ff9b::7f00:1",
    "64:ff9b:1::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::", "224.0.0.1", "255.255.255.255", "ff02::1",
)  # fmt: skip


async def test_by_a_name_that_is_another_address_the_second_time(net: Net) -> None:
    """The redirect leads to the same name at another port, so that the client asks the resolver again."""
    site = net.site.replace(ORIGIN, "rebind.example")
    net.location = f"http://rebind.example:{net.port}/f"
    for address in ADDRESSES:
        net.answers["rebind.example"] = [[ORIGIN], [address]]
        assert (await net.fetch(site)).outcome is Outcome.BLOCKED_ADDRESS, address
        net.assert_untouched(address)
    assert net.dialled == [ORIGIN] * len(ADDRESSES)


async def test_by_a_name_that_was_outside_at_the_last_poll(net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    """One client polls twice, with a connection that was closed and a cache of names that has run out."""
    monkeypatch.setattr("aiohttp.connector._DNSCacheTable.expired", lambda table, key: True)
    net.answers["rebind.example"] = [[ORIGIN], ["127.0.0.1", "::1"]]
    net.status, url = 404, net.site.replace(ORIGIN, "rebind.example")
    port = int(url.rstrip("/").rpartition(":")[2])
    allowed = [ip_network(f"{ORIGIN}/32")]
    async with Fetcher(allowed=allowed, ports={port}, limits=LIMITS) as fetcher:
        outcomes = [(await fetcher.fetch(url)).outcome for _ in range(2)]
    assert outcomes == [Outcome.HTTP_ERROR, Outcome.BLOCKED_ADDRESS]
    assert net.dialled == [ORIGIN]


async def test_by_a_name_with_a_dead_address_first_and_an_inner_one_behind_it(net: Net) -> None:
    """The client tries all addresses of a name, one after the other."""
    for address in ADDRESSES:
        net.answers["mixed.example"] = [[ORIGIN, address]]
        assert (await net.fetch(f"http://mixed.example:{net.port}/f")).outcome in REFUSALS, address
        net.assert_untouched(address)


@pytest.mark.parametrize("port", [22, 25, 6379, 8080, 9092, 11211])
async def test_a_public_host_is_not_asked_at_a_port_that_is_not_the_webs(net: Net, port: int) -> None:
    net.location = f"http://8.8.8.8:{port}/"
    assert (await net.fetch(net.site)).outcome is Outcome.BLOCKED_ADDRESS
    net.assert_untouched()
