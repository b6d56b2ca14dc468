"""Secrets of feeds: read strictly, sent to their own origin alone, and seen nowhere."""

import asyncio
import base64
import io
import logging
import os
import traceback
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from agents import logs
from agents.credentials import HIDDEN, MAX_FILE_BYTES, Credential, CredentialError, Credentials
from agents.egress import LOOPBACK
from agents.fetching import Fetcher, Limits, Trail
from agents.logs import configure_logging, get_logger
from streams import codec
from streams.feeds import FeedSpec
from streams.polling import FeedState, Fetched, Outcome, digest

QUICK = Limits(total_s=1.0, connect_s=0.5, read_s=0.5)
CANARY = "c4nary-S3cret/9"
BODY = b"<rss version='2.0'><channel></channel></rss>"


class Folder:
    """A folder of credentials that a test fills in."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.credentials = Credentials(path)

    def put(self, text: str | bytes, name: str = "agency", mode: int = 0o600) -> Path:
        file = self.path / name
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        file.chmod(mode)
        return file

    def problem(self, name: str = "agency") -> str:
        with pytest.raises(CredentialError) as refused:
            self.credentials.read(name)
        assert "\n" not in str(refused.value)
        return "".join(traceback.format_exception(refused.value))


class Server:
    """Answers at two addresses of loopback, and remembers what it was shown."""

    def __init__(self) -> None:
        self.redirects: dict[str, tuple[int, str]] = {}
        self.asked: list[web.Request] = []
        self.status = 200

    async def handle(self, request: web.Request) -> web.Response:
        self.asked.append(request)
        status, location = self.redirects.get(request.path, (self.status, ""))
        shown = request.headers.get("Authorization", "nothing")
        headers = {"ETag": f'"{shown}"', "Retry-After": shown}
        return web.Response(status=status, body=BODY, headers=headers | ({"Location": location} if location else {}))

    def shown(self) -> list[str | None]:
        return [request.headers.get("Authorization") for request in self.asked]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def base(server: Server) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    first = TestServer(app, host="127.0.0.1")
    await first.start_server(access_log=None)
    second = TestServer(app, host="127.0.0.2", port=first.port)
    await second.start_server(access_log=None)
    yield f"http://127.0.0.1:{first.port}"
    await second.close()
    await first.close()


@pytest.fixture
async def fetcher(folder: Folder) -> AsyncIterator[Fetcher]:
    async with Fetcher(allowed=LOOPBACK, limits=QUICK, credentials=folder.credentials) as fetcher:
        yield fetcher


def feed(url: str, credential: str | None = "agency", user_agent: str | None = None) -> FeedSpec:
    return FeedSpec(key="f", url=url, name="F", credential=credential, user_agent=user_agent)


class TestTheFile:
    @pytest.mark.parametrize(
        ("text", "header", "value"),
        [
            ("basic desk:pa:ss word", "Authorization", base64.b64encode(b"desk:pa:ss word").decode()),
            ("basic büro:größe\n", "Authorization", base64.b64encode("büro:größe".encode()).decode()),
            ("bearer abc.DEF-123_~+/==\r\n", "Authorization", "abc.DEF-123_~+/=="),
            ("header X-Api-Key: k e y", "X-Api-Key", "k e y"),
            ("header apikey:k", "apikey", "k"),
        ],
    )
    def test_one_line_says_which_header_it_becomes(self, folder: Folder, text: str, header: str, value: str) -> None:
        folder.put(text)
        credential = folder.credentials.read("agency")
        assert (credential.header, credential.value.removeprefix("Basic ").removeprefix("Bearer ")) == (header, value)

    @pytest.mark.parametrize(
        "text",
        [
            "", "\n", CANARY, f"basic {CANARY}", f"basic :{CANARY}", f"basic {CANARY}:", f"Basic a:{CANARY}",
            f"basic  a:{CANARY}\nbearer x", f"basic a:{CANARY}\n\n", f"bearer {CANARY} two", f"bearer  {CANARY}",
            f"bearer {CANARY}\u00e9", "bearer ", f"token {CANARY}", f"header {CANARY}", f"header X Y: {CANARY}",
            f"header : {CANARY}", "header X-Key: ", f"header X-Key: {CANARY}é", f"header X-Key: {CANARY}\r\nHost: x",
            f"header X-Key:  {CANARY}", f"header Host: {CANARY}", f"header User-Agent: {CANARY}",
            f"header Transfer-Encoding: {CANARY}", f"header Proxy-Authorization: {CANARY}",
            f"basic a:{CANARY}\0", f"basic a:{CANARY}\x1b", f"basic a:{CANARY}".encode("utf-16"),
            f"basic a:{CANARY}".encode() + b"\xff", b"\xef\xbb\xbf" + f"basic a:{CANARY}".encode(),
        ],
    )  # fmt: skip
    def test_what_is_no_such_line_is_refused_by_the_name_of_the_file(self, folder: Folder, text: str | bytes) -> None:
        file = folder.put(text)
        told = folder.problem()
        assert f"{file}: must be one line" in told
        assert CANARY not in told

    @pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")
    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o602, 0o601, 0o777])
    def test_a_file_that_others_may_read_is_refused(self, folder: Folder, mode: int) -> None:
        file = folder.put(f"bearer {CANARY}", mode=mode)
        told = folder.problem()
        assert f"{file}: mode {mode:04o} lets others than its owner at the secret: chmod 600 it" in told
        assert CANARY not in told

    def test_a_link_to_a_good_file_is_followed_as_orchestrators_need_it(self, folder: Folder, tmp_path: Path) -> None:
        folder.put("bearer abc", name="of-today", mode=0o400)
        (tmp_path / "agency").symlink_to(tmp_path / "of-today")
        assert folder.credentials.read("agency").value == "Bearer abc"

    @pytest.mark.parametrize("kind", ["absent", "folder", "pipe", "huge"])
    def test_what_is_no_small_regular_file_is_refused(self, folder: Folder, tmp_path: Path, kind: str) -> None:
        file = tmp_path / "agency"
        if kind == "folder":
            file.mkdir(mode=0o700)
        elif kind == "pipe":
            os.mkfifo(file, 0o600)
        elif kind == "huge":
            folder.put("bearer " + "a" * MAX_FILE_BYTES)
        assert str(file) in folder.problem()

    @pytest.mark.parametrize("name", ["../agency", "/etc/passwd", "", "A", "a.b", "a b", "..", "a\n", "a" * 65])
    def test_a_name_that_leads_elsewhere_is_refused_and_not_repeated(self, folder: Folder, name: str) -> None:
        assert "a credential's name is lower-case" in folder.problem(name)

    def test_without_a_folder_the_setting_is_named(self) -> None:
        with pytest.raises(CredentialError, match="LISTWIRE_CREDENTIALS_DIR"):
            Credentials(None).read("agency")


class TestWhereItGoes:
    async def test_a_feed_shows_its_credential_and_another_feed_none(
        self, folder: Folder, server: Server, base: str, fetcher: Fetcher
    ) -> None:
        folder.put("bearer abc")
        await fetcher.fetch(feed(f"{base}/f"))
        await fetcher.fetch(feed(f"{base}/f", credential=None))
        await fetcher.fetch(f"{base}/f")
        assert server.shown() == ["Bearer abc", None, None]

    async def test_a_header_of_their_own_is_sent_as_it_is(
        self, folder: Folder, server: Server, base: str, fetcher: Fetcher
    ) -> None:
        folder.put("header X-Api-Key: k e y")
        await fetcher.fetch(feed(f"{base}/f"))
        assert server.asked[0].headers["X-Api-Key"] == "k e y"

    async def test_a_file_that_was_replaced_counts_from_the_next_request_on(
        self, folder: Folder, server: Server, base: str, fetcher: Fetcher
    ) -> None:
        for token in ("first", "second"):
            folder.put(f"bearer {token}")
            await fetcher.fetch(feed(f"{base}/f"))
        assert server.shown() == ["Bearer first", "Bearer second"]

    async def test_without_its_credential_a_feed_is_not_asked(
        self, server: Server, base: str, fetcher: Fetcher
    ) -> None:
        got = await fetcher.fetch(feed(f"{base}/f"))
        assert (got.outcome, got.status, server.asked) == (Outcome.NO_CREDENTIAL, None, [])
        assert "agency: No such file" in got.detail

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    async def test_a_redirect_within_the_origin_keeps_it(
        self, folder: Folder, server: Server, base: str, fetcher: Fetcher, status: int
    ) -> None:
        folder.put("bearer abc")
        server.redirects["/f"] = (status, "/g")
        assert (await fetcher.fetch(feed(f"{base}/f"))).outcome is Outcome.OK
        assert server.shown() == ["Bearer abc"] * 2

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    async def test_a_redirect_to_another_origin_drops_it_for_good(
        self, folder: Folder, server: Server, base: str, fetcher: Fetcher, status: int
    ) -> None:
        folder.put("bearer abc")
        server.redirects["/f"] = (status, f"{base.replace('127.0.0.1', '127.0.0.2')}/away")
        server.redirects["/away"] = (status, f"{base}/back")
        assert (await fetcher.fetch(feed(f"{base}/f"))).outcome is Outcome.OK
        assert server.shown() == ["Bearer abc", None, None]

    @pytest.mark.parametrize(
        ("origin", "target", "kept"),
        [
            ("https://wire.example/f", "https://wire.example:443/g", True),
            ("https://wire.example/f", "https://WIRE.example/g", True),
            ("https://wire.example/f", "https://wire.example:8443/f", False),
            ("https://wire.example/f", "https://wire.example./f", False),
            ("https://wire.example/f", "https://a.wire.example/f", False),
            ("https://wire.example/f", "https://wire.example@evil.example/f", False),
            ("https://wire.example/f", "//evil.example/f", False),
            ("http://wire.example/f", "https://wire.example/f", False),
        ],
    )
    def test_an_origin_is_scheme_host_and_port(self, origin: str, target: str, kept: bool) -> None:
        trail = Trail(origin)
        trail.credential = Credential("agency", "Authorization", "Bearer abc", ())
        trail.step(target, permanent=False)
        assert ("Authorization" in trail.own_headers()) is kept

    async def test_over_plain_http_it_goes_into_allowed_networks_alone(
        self, folder: Folder, server: Server, base: str
    ) -> None:
        folder.put("bearer abc")
        port = int(base.rpartition(":")[2])
        other = [ip_network("127.0.0.2/32")]
        async with Fetcher(allowed=other, ports={port}, limits=QUICK, credentials=folder.credentials) as fetcher:
            got = await fetcher.fetch(feed(f"{base}/f"))
            fine = await fetcher.fetch(feed(f"{base.replace('127.0.0.1', '127.0.0.2')}/f"))
        assert (got.outcome, fine.outcome) == (Outcome.BLOCKED_ADDRESS, Outcome.OK)
        assert got.detail == "plain http with a credential, to an address that is in no allowed network"
        assert len(server.asked) == 1

    async def test_over_plain_http_a_public_address_is_not_even_dialled(
        self, folder: Folder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder.put("bearer abc")
        dialled: list[object] = []

        async def dial(loop: object, sock: object, address: object) -> None:
            dialled.append(address)
            raise ConnectionRefusedError

        monkeypatch.setattr(type(asyncio.get_running_loop()), "sock_connect", dial)
        async with Fetcher(limits=QUICK, credentials=folder.credentials) as fetcher:
            got = await fetcher.fetch(feed("http://8.8.8.8/f"))
            assert (got.outcome, dialled) == (Outcome.BLOCKED_ADDRESS, [])
            got = await fetcher.fetch(feed("https://8.8.8.8/f"))
        assert (got.outcome, dialled) == (Outcome.CONNECT_ERROR, [("8.8.8.8", 443)])


class TestTheUserAgent:
    async def test_a_feed_may_have_its_own_and_the_rest_stay_honest(
        self, server: Server, base: str, fetcher: Fetcher
    ) -> None:
        await fetcher.fetch(feed(f"{base}/f", credential=None, user_agent="desk-reader/1 (agreed with agency)"))
        await fetcher.fetch(feed(f"{base}/f", credential=None))
        agents = [request.headers["User-Agent"] for request in server.asked]
        assert agents[0] == "desk-reader/1 (agreed with agency)"
        assert agents[1].startswith("Listwire/")

    async def test_it_goes_along_with_a_redirect(self, server: Server, base: str, fetcher: Fetcher) -> None:
        server.redirects["/f"] = (302, f"{base.replace('127.0.0.1', '127.0.0.2')}/g")
        await fetcher.fetch(feed(f"{base}/f", credential=None, user_agent="desk/1"))
        assert [request.headers["User-Agent"] for request in server.asked] == ["desk/1"] * 2


class TestNothingShowsIt:
    """A canary as secret, servers that repeat it, fetches that fail: it is found in no log, repr or error."""

    @pytest.fixture(autouse=True)
    def _logging(self) -> Iterator[None]:
        root = logging.getLogger()
        handlers, level = root.handlers[:], root.level
        levels = {name: logging.getLogger(name).level for name in logs.LIBRARIES}
        self.out = io.StringIO()
        configure_logging("debug", "console", self.out)
        for library in logs.LIBRARIES:
            logging.getLogger(library).setLevel(logging.DEBUG)
        yield
        root.handlers[:] = handlers
        root.setLevel(level)
        for name, was in levels.items():
            logging.getLogger(name).setLevel(was)

    @pytest.mark.parametrize("line", [f"basic desk:{CANARY}", f"bearer {CANARY}", f"header X-Api-Key: Key {CANARY}"])
    async def test_after_fetches_that_fail_in_every_way(
        self, folder: Folder, server: Server, base: str, fetcher: Fetcher, line: str, unused_tcp_port: int
    ) -> None:
        folder.put(line)
        folder.put(f"bearer {CANARY} x", name="broken")
        folder.put(line, name="open", mode=0o644)
        credential = folder.credentials.read("agency")
        coded = credential.value.rpartition(" ")[2]
        away = base.replace("127.0.0.1", "127.0.0.2")
        server.redirects |= {
            "/move": (301, f"{away}/moved?key={CANARY}&again={coded}"),
            "/ring": (302, f"/ring?key={CANARY}"),
            "/file": (302, f"file:///{CANARY}"),
            "/far": (302, f"http://10.0.0.1/{CANARY}"),
        }
        got = [await fetcher.fetch(feed(f"{base}{path}")) for path in ("/f", "/move", "/ring", "/file", "/far")]
        got += [await fetcher.fetch(feed(f"{base}/f", credential=name)) for name in ("broken", "open", "absent")]
        server.status = 401
        got += [await fetcher.fetch(feed(f"{base}/f"))]
        got += [await fetcher.fetch(feed(f"http://127.0.0.1:{unused_tcp_port}/"))]
        got += [await fetcher.fetch(feed(await _parrot(credential.header)))]
        assert sum(fetched.outcome is Outcome.OK for fetched in got) == 2
        seen = self._everything_told(got, credential)
        assert HIDDEN in seen
        assert got[-1].detail == "not HTTP: Bad status line"
        for secret in (CANARY, coded, base64.b64encode(CANARY.encode()).decode()):
            assert secret not in seen

    def _everything_told(self, got: list[Fetched], credential: Credential) -> str:
        logger = get_logger("test")
        for fetched in got:
            state = digest(FeedState(feed="f"), fetched, None, datetime.now(UTC)).state
            logger.warning("fetched", fetched=fetched, detail=fetched.detail, state=codec.encode(state).decode())
        try:
            raise ValueError(credential)
        except ValueError:
            logger.error("a fault of ours", credential=credential, exc_info=True)
        return self.out.getvalue() + repr(got) + repr(credential) + str(credential)


async def _parrot(header: str) -> str:
    """The address of a server that speaks no HTTP and repeats what it was shown."""

    async def repeat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        line = next(line for line in head.splitlines() if line.startswith(f"{header}:"))
        writer.write(f"parrot {line}\r\n\r\n".encode())
        await writer.drain()
        writer.close()
        server.close()

    server = await asyncio.start_server(repeat, "127.0.0.1", 0)
    return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
