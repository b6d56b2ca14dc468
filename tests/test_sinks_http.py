"""Alerts by HTTP, against receivers on loopback: signed webhooks, Slack, Teams, and what their answers mean."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from standardwebhooks import Webhook, WebhookVerificationError

from agents.egress import LOOPBACK
from agents.fetching import Limits
from agents.sinks import BundleSink, Means, Refusal, Sink, SinkError, open_sink
from streams.codec import encode
from streams.errors import SettingsError
from streams.records import Alert

MakeAlert = Callable[..., Alert]
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
NOW = datetime.now(UTC)
HOME = Means(allowed=LOOPBACK)
SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_" + "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
HOSTILE = "<!channel> <https://evil.example|click> & *bold* [x](https://evil.example) \x1b[31m\u202e"


class Desk:
    """A receiver: keeps what it is sent and answers as told."""

    def __init__(self) -> None:
        self.requests: list[tuple[web.Request, bytes]] = []
        self.answers: list[web.Response] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request, await request.read()))
        return self.answers.pop(0) if self.answers else web.Response(status=204)

    @property
    def last(self) -> tuple[web.Request, bytes]:
        return self.requests[-1]


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
async def address(desk: Desk) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", desk.handle)
    async with TestServer(app) as server:
        yield str(server.make_url("/hooks/T0/hunter2?sig=hunter3"))


def secret_file(folder: Path, text: str, mode: int = 0o600) -> Path:
    file = folder / "secret"
    file.write_text(text)
    file.chmod(mode)
    return file


@pytest.fixture
async def opened() -> AsyncIterator[Callable[..., Sink]]:
    """Opens sinks that are closed when the test ends."""
    sinks: list[Sink] = []

    def open_one(url: str, means: Means = HOME) -> Sink:
        sinks.append(open_sink(url, means))
        return sinks[-1]

    yield open_one
    for sink in sinks:
        await sink.close()


@pytest.fixture
def webhook(address: str, tmp_path: Path, opened: Callable[..., Sink]) -> Sink:
    return opened(f"webhook+{address.partition('?')[0]}?secret_file={secret_file(tmp_path, SECRET)}&authority=ru")


# webhook


async def test_a_receiver_can_verify_what_it_gets(desk: Desk, webhook: Sink, alert_of: MakeAlert) -> None:
    await webhook.deliver(alert_of(headline="Ünïcode"), datetime.now(UTC))
    request, body = desk.last
    assert Webhook(SECRET).verify(body, dict(request.headers))["from"] == "listed"
    assert body == encode(alert_of(headline="Ünïcode"))
    assert (request.method, request.path_qs) == ("POST", "/hooks/T0/hunter2")
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["User-Agent"].startswith("Listwire/")
    with pytest.raises(WebhookVerificationError):
        Webhook(OTHER).verify(body, dict(request.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body.replace(b"ru", b"us"), dict(request.headers))


async def test_the_id_is_that_of_the_revision_at_every_try(desk: Desk, webhook: Sink, alert_of: MakeAlert) -> None:
    for told in (alert_of(), alert_of(), alert_of(revision=2), alert_of(id="a\r\nb")):
        await webhook.deliver(told, datetime.now(UTC))
    ids = [request.headers["webhook-id"] for request, _ in desk.requests]
    assert ids == ["a1b2c3-1", "a1b2c3-1", "a1b2c3-2", "a__b-1"]


async def test_a_secret_is_changed_without_a_restart_and_two_sign_meanwhile(
    desk: Desk, webhook: Sink, tmp_path: Path, alert_of: MakeAlert
) -> None:
    secret_file(tmp_path, f"{OTHER}\n{SECRET}\n")
    await webhook.deliver(alert_of(), datetime.now(UTC))
    request, body = desk.last
    for secret in (SECRET, OTHER):
        assert Webhook(secret).verify(body, dict(request.headers))


@pytest.mark.parametrize(
    "text", ["", "\n", "whsec_", "whsec_c2hvcnQ=", f"{SECRET}\nhunter2", "whsec_hun ter2", "é" * 30]
)
async def test_a_secret_that_is_none_is_named_and_never_shown(
    webhook: Sink, tmp_path: Path, text: str, alert_of: MakeAlert
) -> None:
    file = secret_file(tmp_path, text)
    url = f"webhook+https://desk.example/?secret_file={file}"
    with pytest.raises(SettingsError) as told:
        open_sink(url)
    problem = f"{file}: each line is whsec_ and 24 to 64 bytes in base64"
    assert str(told.value) == f"sink 'webhook+https://desk.example': {problem}"
    with pytest.raises(SinkError) as later:
        await webhook.deliver(alert_of(), datetime.now(UTC))
    assert str(later.value) == problem
    assert not isinstance(later.value, Refusal)


def test_a_secret_that_others_may_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="mode 0644 lets others"):
        open_sink(f"webhook+https://desk.example/?secret_file={secret_file(tmp_path, SECRET, 0o644)}")


async def test_the_settings_may_name_the_secret_of_all_webhooks(
    desk: Desk, address: str, tmp_path: Path, opened: Callable[..., Sink], alert_of: MakeAlert
) -> None:
    means = HOME._replace(secret_file=secret_file(tmp_path, SECRET), contact="mailto:me")
    await opened(f"webhook+{address.partition('?')[0]}", means).deliver(alert_of(), datetime.now(UTC))
    request, body = desk.last
    assert Webhook(SECRET).verify(body, dict(request.headers))
    assert request.headers["User-Agent"].endswith("(+mailto:me)")


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("webhook:x", "write it webhook"),
        ("webhook+ftp://desk.example/", "write it webhook"),
        ("webhook+https:///x", "write it webhook"),
        ("webhook+https://desk.example/", "no secret_file, neither in the URL nor by LISTWIRE_WEBHOOK_SECRET_FILE"),
        ("webhook+https://desk.example/?secret_file=/none/x", "/none/x: No such file or directory"),
        ("webhook+https://desk.example/?secret=hunter2", "secret: no such option"),
        ("webhook+https://desk.example:99999/", "not a URL"),
    ],
)
def test_a_webhook_that_cannot_work_is_told_before_anything_starts(url: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=problem) as told:
        open_sink(url)
    assert "hunter2" not in str(told.value)


# answers


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_any_2xx_is_a_delivery(desk: Desk, webhook: Sink, status: int, alert_of: MakeAlert) -> None:
    desk.answers = [web.Response(status=status)]
    await webhook.deliver(alert_of(), NOW)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 410, 413, 422])
async def test_a_refusal_stays_one(desk: Desk, webhook: Sink, status: int, alert_of: MakeAlert) -> None:
    desk.answers = [web.Response(status=status, text="hunter2")]
    with pytest.raises(Refusal) as told:
        await webhook.deliver(alert_of(), NOW)
    assert str(told.value) == f"HTTP {status}"


@pytest.mark.parametrize("status", [301, 302, 304, 307, 408, 425, 429, 500, 502, 503, 504])
async def test_what_may_pass_is_worth_another_try(desk: Desk, webhook: Sink, status: int, alert_of: MakeAlert) -> None:
    desk.answers = [web.Response(status=status, headers={"Location": "/elsewhere"})]
    with pytest.raises(SinkError) as told:
        await webhook.deliver(alert_of(), NOW)
    assert (str(told.value), type(told.value)) == (f"HTTP {status}", SinkError)
    assert len(desk.requests) == 1  # nobody followed the redirect


@pytest.mark.parametrize(
    ("after", "seconds"),
    [("120", 120), ((NOW + timedelta(seconds=90)).strftime("%a, %d %b %Y %H:%M:%S GMT"), 90), ("soon", 0)],
)
async def test_a_receiver_may_say_when(
    desk: Desk, webhook: Sink, after: str, seconds: float, alert_of: MakeAlert
) -> None:
    desk.answers = [web.Response(status=429, headers={"Retry-After": after})]
    with pytest.raises(SinkError) as told:
        await webhook.deliver(alert_of(), NOW)
    assert told.value.retry_after_s == pytest.approx(seconds, abs=1)


async def test_nobody_there_is_worth_another_try(
    tmp_path: Path, unused_tcp_port: int, opened: Callable[..., Sink], alert_of: MakeAlert
) -> None:
    file = secret_file(tmp_path, SECRET)
    sink = opened(f"webhook+http://127.0.0.1:{unused_tcp_port}/hunter2?secret_file={file}")
    with pytest.raises(SinkError) as told:
        await sink.deliver(alert_of(), NOW)
    assert str(told.value).startswith("no connection: ")
    assert not isinstance(told.value, Refusal)


@pytest.mark.parametrize("spoken", [b"", b"SSH-2.0-hunter2\r\n", b"HTTP/1.1 2"])
async def test_an_answer_that_is_none_or_cut_off_is_no_delivery(
    tmp_path: Path, opened: Callable[..., Sink], spoken: bytes, alert_of: MakeAlert
) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(spoken)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(speak, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        sink = opened(f"webhook+http://127.0.0.1:{port}/?secret_file={secret_file(tmp_path, SECRET)}")
        with pytest.raises(SinkError, match="no whole answer: ") as told:
            await sink.deliver(alert_of(), NOW)
    assert "hunter2" not in str(told.value)


async def test_a_yes_that_breaks_off_is_a_yes(tmp_path: Path, opened: Callable[..., Sink], alert_of: MakeAlert) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(speak, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        sink = opened(f"webhook+http://127.0.0.1:{port}/?secret_file={secret_file(tmp_path, SECRET)}")
        await sink.deliver(alert_of(), NOW)


async def test_a_receiver_that_says_nothing_is_not_waited_for_for_ever(
    tmp_path: Path, opened: Callable[..., Sink], monkeypatch: pytest.MonkeyPatch, alert_of: MakeAlert
) -> None:
    silent = asyncio.Event()

    async def keep_quiet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await silent.wait()
        writer.close()

    monkeypatch.setattr("agents.posting.Poster.__init__.__defaults__", (Limits(total_s=0.2),))
    async with await asyncio.start_server(keep_quiet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        sink = opened(f"webhook+http://127.0.0.1:{port}/?secret_file={secret_file(tmp_path, SECRET)}")
        with pytest.raises(SinkError, match=r"^no answer in time$"):
            await sink.deliver(alert_of(), NOW)
        silent.set()


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_nothing_inside_is_dialled_unless_the_operator_allows_it(
    desk: Desk, address: str, scheme: str, tmp_path: Path, opened: Callable[..., Sink], alert_of: MakeAlert
) -> None:
    url = address.partition("?")[0].replace("http", scheme, 1)
    sink = opened(f"webhook+{url}?secret_file={secret_file(tmp_path, SECRET)}", Means())
    with pytest.raises(SinkError, match="LISTWIRE_ALLOW_NETWORKS"):
        await sink.deliver(alert_of(), NOW)
    assert desk.requests == []


async def test_in_the_clear_not_even_the_public_network_is_dialled(
    tmp_path: Path, opened: Callable[..., Sink], alert_of: MakeAlert
) -> None:
    sink = opened(f"webhook+http://8.8.8.8/?secret_file={secret_file(tmp_path, SECRET)}")
    with pytest.raises(SinkError, match="LISTWIRE_ALLOW_NETWORKS"):
        await sink.deliver(alert_of(), NOW)


# chats


@pytest.fixture
def chat(address: str, tmp_path: Path, opened: Callable[..., Sink]) -> Callable[[str], Sink]:
    """Opens a chat's sink on the receiver."""
    file = secret_file(tmp_path, address + "\n")
    return lambda scheme: opened(f"{scheme}:{file}?group=taliban&name=desk")


@pytest.mark.parametrize("scheme", ["slack", "teams"])
async def test_a_chat_gets_a_message_with_evidence_and_link(
    desk: Desk, chat: Callable[[str], Sink], scheme: str, alert_of: MakeAlert
) -> None:
    await chat(scheme).deliver(alert_of(), NOW)
    request, body = desk.last
    assert request.path_qs == "/hooks/T0/hunter2?sig=hunter3"
    text = json.dumps(json.loads(body), ensure_ascii=False)
    for words in (
        "[delisting decided] Russia: Taliban (confirmed)",
        "at the highest level",
        "Russia's Foreign Ministry",
    ):
        assert words in text
    assert "https://agency.example/1?a=1&" in text
    assert "a1b2c3" in text
    assert "2024-10-04 09:30 UTC" in text


@pytest.mark.parametrize("scheme", ["slack", "teams"])
async def test_a_chat_gets_the_alerts_of_one_story_as_one_message(
    desk: Desk, chat: Callable[[str], Sink], scheme: str, alert_of: MakeAlert
) -> None:
    names = [f"Group {number} {'of those that were named ' * 3}today" for number in range(25)]
    sink = chat(scheme)
    assert isinstance(sink, BundleSink)
    await sink.deliver_bundle([alert_of(id=f"id-{name[6:8]}", group=name, group_name=name) for name in names], NOW)
    text = json.dumps(json.loads(desk.last[1]), ensure_ascii=False)
    assert "[delisting decided] Russia: 25 groups (confirmed)" in text
    assert [text.count(name) for name in names] == [1] * 25
    assert (text.count("at the highest level"), text.count("said by")) == (1, 1)
    if scheme == "slack":
        sections = [b["text"]["text"] for b in json.loads(desk.last[1])["blocks"] if b["type"] == "section"]
        assert len(sections) > 1
        assert max(map(len, sections)) <= 3000


async def test_slack_reads_nothing_of_a_story_as_markup(
    desk: Desk, chat: Callable[[str], Sink], alert_of: MakeAlert
) -> None:
    await chat("slack").deliver(
        alert_of(headline=HOSTILE, group_name=HOSTILE, speaker=HOSTILE * 90, scope=HOSTILE), NOW
    )
    message = json.loads(desk.last[1])
    read_by_slack = [message["text"]]
    for block in message["blocks"]:
        for text in block.get("elements", [block.get("text")]):
            assert text["type"] == "plain_text" or text["text"].startswith("<https://agency.example/")
            assert len(text["text"]) <= {"header": 150, "section": 3000, "context": 2000}[block["type"]]
            read_by_slack += [text["text"]] if text["type"] == "mrkdwn" else []
    assert not any("<!" in text or "<https://evil" in text for text in read_by_slack)
    assert message["blocks"][-1]["elements"][0]["text"] == "<https://agency.example/1?a=1&amp;b=2|Read the story>"
    assert (message["mrkdwn"], message["unfurl_links"], message["unfurl_media"]) == (False, False, False)
    assert not {"\x1b", "\u202e"} & set(json.dumps(message, ensure_ascii=False))


async def test_teams_reads_nothing_of_a_story_as_markdown(
    desk: Desk, chat: Callable[[str], Sink], alert_of: MakeAlert
) -> None:
    await chat("teams").deliver(alert_of(headline=HOSTILE, group_name=HOSTILE, speaker=HOSTILE * 90), NOW)
    body = desk.last[1]
    card = json.loads(body)["attachments"][0]["content"]
    assert {block["type"] for block in card["body"]} == {"RichTextBlock"}
    assert {run["type"] for block in card["body"] for run in block["inlines"]} == {"TextRun"}
    assert card["actions"] == [
        {"type": "Action.OpenUrl", "title": "Read the story", "url": "https://agency.example/1?a=1&b=2"}
    ]
    assert len(body) < 28_000  # Teams takes no more


@pytest.mark.parametrize("scheme", ["slack", "teams"])
@pytest.mark.parametrize(
    "link", [None, "javascript:alert(1)", "https://a.example/|x>", "https://a.example/\n", "file:///x"]
)
async def test_a_link_that_is_none_of_the_web_is_left_out(
    desk: Desk, chat: Callable[[str], Sink], scheme: str, link: str | None, alert_of: MakeAlert
) -> None:
    await chat(scheme).deliver(alert_of(link=link), NOW)
    text = desk.last[1].decode()
    assert "Read the story" not in text
    assert "javascript" not in text


async def test_an_old_connector_of_teams_that_fails_with_200_has_failed(
    desk: Desk, chat: Callable[[str], Sink], alert_of: MakeAlert
) -> None:
    desk.answers = [web.Response(text="Webhook message delivery failed with error: ... HTTP error 429 ...")]
    with pytest.raises(SinkError, match="Teams says"):
        await chat("teams").deliver(alert_of(), NOW)


@pytest.mark.parametrize("scheme", ["slack", "teams"])
async def test_no_failure_shows_the_address_of_a_chat(
    desk: Desk, chat: Callable[[str], Sink], tmp_path: Path, scheme: str, alert_of: MakeAlert
) -> None:
    sink = chat(scheme)
    desk.answers = [web.Response(status=404, text="hunter2"), web.Response(status=500, text="hunter2")]
    said = []
    for text in (None, None, "http://127.0.0.1:1/hunter2", "https://hunter2.invalid/", "hunter2"):
        if text is not None:
            secret_file(tmp_path, text)
        with pytest.raises(SinkError) as told:
            await sink.deliver(alert_of(), NOW)
        said.append(str(told.value))
    assert "hunter" not in "\n".join(said)
    assert said[:2] == ["HTTP 404", "HTTP 500"]
    assert said[-1].endswith("secret: must be one line, the address that the chat gave you")


@pytest.mark.parametrize("scheme", ["slack", "teams"])
@pytest.mark.parametrize(
    "text",
    ["", "hunter2", "ftp://a.example/", "https://u:hunter2@a.example/", "https://a.example/\nhttps://b.example/"],
)
def test_a_file_without_an_address_is_told_before_anything_starts(tmp_path: Path, scheme: str, text: str) -> None:
    file = secret_file(tmp_path, text)
    with pytest.raises(SettingsError, match=f"{file}: must be one line") as told:
        open_sink(f"{scheme}:{file}")
    assert "hunter2" not in str(told.value)


@pytest.mark.parametrize(
    "url",
    [
        "slack:https://h.example/hunter2",
        "slack://hooks.slack.com/services/hunter2",
        "slack+https://hooks.slack.com/hunter2",
        "teams:",
    ],
)
def test_the_address_of_a_chat_does_not_belong_into_the_url(url: str) -> None:
    with pytest.raises(SettingsError, match="the file holds the address, which is a secret") as told:
        open_sink(url)
    assert "hunter2" not in str(told.value)
