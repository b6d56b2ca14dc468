"""`listwire feeds test`: what it finds, how politely, and what it says of it."""

import asyncio
import json
import os
import pty
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from agents.cli.feeds_test import age
from agents.fetching import Fetcher
from agents.parsing import Parser, Request
from agents.probing import AT_ONCE, probe_all
from streams import wires
from streams.feeds import FeedSpec
from streams.polling import Fetched, Outcome
from streams.probes import STALE_AFTER, probed
from streams.wires.documents import Document

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def rss(*published: datetime | None) -> bytes:
    dates = (f"<pubDate>{format_datetime(at)}</pubDate>" if at else "" for at in published)
    items = "".join(f"<item><guid>{n}</guid><title>Item {n}</title>{date}</item>" for n, date in enumerate(dates))
    return f"<rss version='2.0'><channel>{items}</channel></rss>".encode()


def spec(key: str, url: str = "") -> FeedSpec:
    return FeedSpec(key=key, url=url or f"https://{key}.example/f", name=key)


def read(body: bytes) -> Document:
    return wires.decode(body, "f", NOW)


def answer(outcome: Outcome = Outcome.OK, **facts: Any) -> Fetched:
    return Fetched(outcome=outcome, url="https://f.example/f", **facts)


class TestTheVerdict:
    def test_a_feed_that_was_read_is_fine(self) -> None:
        document = read(rss(NOW - timedelta(hours=3), NOW - timedelta(hours=2), None))
        probe = probed(spec("f"), answer(status=200), document, NOW, seconds=0.12345)
        assert (probe.fine, probe.problem, probe.status, probe.format, probe.items) == (True, None, 200, "web", 3)
        assert (probe.newest, probe.age_s, probe.seconds) == (NOW - timedelta(hours=2), 7200, 0.123)

    @pytest.mark.parametrize(("late", "problem"), [(0, None), (1, "stale: newest item is 30 days old")])
    def test_one_without_a_new_item_for_30_days_is_fine_and_stale(self, late: int, problem: str | None) -> None:
        document = read(rss(NOW - STALE_AFTER - timedelta(seconds=late), NOW - timedelta(days=900)))
        probe = probed(spec("f"), answer(status=200), document, NOW)
        assert (probe.fine, probe.problem) == (True, problem)

    def test_one_without_dates_is_not_called_stale(self) -> None:
        probe = probed(spec("f"), answer(status=200), read(rss(None)), NOW)
        assert (probe.fine, probe.problem, probe.newest, probe.age_s) == (True, None, None, None)

    def test_all_that_is_odd_is_told(self) -> None:
        fetched = answer(status=200, moved_to="https://new.example/f")
        probe = probed(spec("f"), fetched, Document(format="web", stories=(), truncated=True), NOW)
        assert probe.fine
        assert probe.problem == "no items; document broke off; moved for good to https://new.example/f"

    def test_an_item_from_the_future_has_no_age_below_zero(self) -> None:
        assert probed(spec("f"), answer(), read(rss(NOW + timedelta(days=9))), NOW).age_s == 0

    def test_one_that_was_not_read_says_why(self) -> None:
        probe = probed(spec("f"), answer(Outcome.THROTTLED, status=429, detail="HTTP 429"), None, NOW)
        assert (probe.fine, probe.problem, probe.status, probe.items) == (False, "throttled: HTTP 429", 429, None)
        assert probed(spec("f"), answer(Outcome.HTML), None, NOW).problem == "html"

    @pytest.mark.parametrize(
        ("seconds", "text"),
        [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "119 min"), (7200, "2 h"), (172_800, "2 d")],
    )
    def test_an_age_is_told_in_the_largest_unit_of_which_there_are_two(self, seconds: int, text: str) -> None:
        assert age(seconds) == text


class Crowd(Fetcher):
    """Answers when all who may come at once have come, and remembers how many there were."""

    def __init__(self, together: int) -> None:
        super().__init__()
        self.together = together
        self.here: Counter[str] = Counter()
        self.most = 0
        self.most_at_a_host = 0

    async def fetch(self, what: FeedSpec | str, conditional: Mapping[str, str] | None = None) -> Fetched:
        assert isinstance(what, FeedSpec)
        assert not conditional
        self.here[what.host] += 1
        self.most = max(self.most, self.here.total())
        self.most_at_a_host = max(self.most_at_a_host, *self.here.values())
        for _ in range(100):
            if self.here.total() >= self.together:
                break
            await asyncio.sleep(0)
        for _ in range(3):
            await asyncio.sleep(0)
        self.here[what.host] -= 1
        return answer(status=200, body=rss(NOW))


class HereParser(Parser):
    async def parse(self, raw: bytes, request: Request) -> Document:
        return wires.decode(raw, request.feed, request.received_at)


async def test_a_few_are_asked_at_once_and_told_in_the_order_of_the_list() -> None:
    feeds = [spec(f"f{number}") for number in range(30)]
    crowd, told = Crowd(AT_ONCE), []
    probes = await probe_all(feeds, crowd, HereParser(), done=lambda probe: told.append(probe.key), host_spacing_s=0)
    assert crowd.most == AT_ONCE
    assert [probe.key for probe in probes] == [feed.key for feed in feeds]
    assert sorted(told) == sorted(feed.key for feed in feeds)


async def test_a_host_is_asked_for_one_feed_after_the_other_and_keeps_nobody_waiting() -> None:
    many = [spec(f"many{number}", f"https://one.example/{number}") for number in range(20)]
    crowd = Crowd(2)
    probes = await probe_all([*many, spec("other")], crowd, HereParser(), host_spacing_s=0)
    assert (crowd.most_at_a_host, crowd.most) == (1, 2)
    assert all(probe.fine for probe in probes)


PAGES: dict[str, tuple[int, bytes]] = {
    "/good": (200, rss(datetime.now(UTC) - timedelta(hours=5))),
    "/frozen": (200, rss(datetime.now(UTC) - timedelta(days=400))),
    "/tiny": (200, b"Hello World"),
    "/page": (200, b"<!DOCTYPE html><html><title>[bold]\x1b[2J</title></html>"),
    "/gone": (410, b""),
}


class Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, body = PAGES[self.path]
        if self.path == "/secret" and self.headers.get("Authorization") != "Bearer abc":
            status, body = 401, b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the tests look at what the command says."""


PAGES["/secret"] = PAGES["/good"]


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The settings file of a desk whose feeds are on loopback."""
    folder = tmp_path_factory.mktemp("desk")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    Thread(target=server.serve_forever, daemon=True).start()
    site = f"http://127.0.0.1:{server.server_port}"
    feeds = "".join(f'[{path[1:]}]\nurl = "{site}{path}"\nname = "{path}"\n' for path in PAGES)
    (folder / "feeds.toml").write_text(f'{feeds}credential = "agency"\n[off]\nurl = "{site}/x"\nname = "x"\n{OFF}')
    secret = folder / "secrets" / "agency"
    secret.parent.mkdir()
    secret.write_text("bearer abc")
    secret.chmod(0o600)
    settings = folder / "listwire.toml"
    settings.write_text(
        f'feeds_file = "{folder / "feeds.toml"}"\nallow_networks = ["127.0.0.0/8"]\n'
        f'credentials_dir = "{secret.parent}"\n'
    )
    yield settings
    server.shutdown()
    server.server_close()


OFF = 'enabled = false\nnote = "dead since 2020"\n'


def feeds_test(config: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "agents", "feeds", "test", "--config", str(config), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_table_has_a_line_for_each_feed_that_is_polled(config: Path) -> None:
    run = feeds_test(config)
    assert (run.returncode, run.stderr) == (1, "")
    head, *lines = run.stdout.splitlines()
    assert head.split() == ["feed", "HTTP", "format", "items", "newest", "seconds", "problem"]
    said = {line.split()[1]: re.sub(r"\d+\.\d", "S", " ".join(line.split())) for line in lines}
    assert said == {
        "good": "ok good 200 web 1 5 h S",
        "frozen": "odd frozen 200 web 1 400 d S stale: newest item is 400 days old",
        "tiny": "FAIL tiny 200 - - - S not-a-feed",
        "page": "FAIL page 200 - - - S html",
        "gone": "FAIL gone 410 - - - S gone: HTTP 410",
        "secret": "ok secret 200 web 1 5 h S",
    }


def test_feeds_that_are_named_are_tested_alone_and_a_stale_one_is_no_failure(config: Path) -> None:
    run = feeds_test(config, "--json", "good", "frozen")
    assert run.returncode == 0
    good, frozen = map(json.loads, run.stdout.splitlines())
    assert set(good) == {
        "key", "url", "fine", "outcome", "status", "format", "items", "newest", "age_s", "seconds", "problem",
            "skew_s",
    }  # fmt: skip
    assert (good["key"], good["fine"], good["outcome"], good["problem"]) == ("good", True, "ok", None)
    assert (frozen["key"], frozen["fine"], frozen["problem"][:5]) == ("frozen", True, "stale")


def test_a_disabled_feed_can_be_tested_by_its_name(config: Path) -> None:
    run = feeds_test(config, "--json", "off")
    assert run.returncode == 1
    assert json.loads(run.stdout)["key"] == "off"


def test_a_feed_that_is_not_in_the_list_is_named_with_its_nearest(config: Path) -> None:
    run = feeds_test(config, "good", "frosen")
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == "listwire: frosen: not in the feed list (did you mean frozen?)\n"


def test_a_bare_address_can_be_tested_too(config: Path) -> None:
    url = json.loads(feeds_test(config, "--json", "good").stdout)["url"]
    run = feeds_test(config, "--json", "--feed", url)
    assert (run.returncode, json.loads(run.stdout)["items"]) == (0, 1)


def test_a_bar_shows_on_a_terminal_how_far_it_is(config: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-P", "-m", "agents", "feeds", "test", "--config", str(config), "good", "frozen"]
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, env=environment, text=True) as run:
        os.close(theirs)
        out, _ = run.communicate(timeout=60)
    shown = os.read(ours, 65_536).decode()
    os.close(ours)
    assert "2/2" in shown
    assert "2/2" not in out


def test_the_doctor_says_which_secret_others_can_read(config: Path) -> None:
    secret = config.parent / "secrets" / "agency"
    command = [sys.executable, "-P", "-m", "agents", "doctor", "--broker", "127.0.0.1:1", "--config", str(config)]
    told = []
    for mode in (0o644, 0o600):
        secret.chmod(mode)
        run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        told.append(next(line for line in run.stdout.splitlines() if line.split()[1] == "feeds"))
    assert told[0].startswith(f"FAIL feeds      {secret}: mode 0644")
    assert told[1].startswith("ok   feeds      6 of 7 enabled")
