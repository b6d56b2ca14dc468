"""Alerts by mail, against a real SMTP server on loopback: TLS, credentials, threads, and who is refused."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import trustme
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from agents.egress import LOOPBACK
from agents.sinks import BundleSink, Means, Refusal, SinkError, open_sink
from streams.errors import SettingsError
from streams.records import Alert

MakeAlert = Callable[..., Alert]
NOW = datetime(2024, 10, 4, 10, tzinfo=UTC)
HOME = Means(allowed=LOOPBACK)
FROM_TO = "from=wire@desk.example&to=a@desk.example,b@desk.example"


class Post:
    """A server's part: keeps mails, and answers as told."""

    def __init__(self) -> None:
        self.mails: list[tuple[EmailMessage, list[str], bytes]] = []
        self.sessions: list[Any] = []
        self.refused: dict[str, str] = {}
        self.data_answer = "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.sessions.append(SimpleNamespace(tls=session.ssl is not None, login=session.auth_data))
        if self.data_answer.startswith("250"):
            mail = message_from_bytes(envelope.content, policy=policy.default)
            self.mails.append((mail, list(envelope.rcpt_tos), envelope.content))  # type: ignore[arg-type]
        return self.data_answer

    def check(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        right = data == LoginPassword(b"wire", b"hunter2:x")
        return AuthResult(success=right, handled=False, auth_data=data.login if right else None)


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """A certificate authority's file, and a server's context with a certificate of it for localhost."""
    made = trustme.CA()
    file = tmp_path_factory.mktemp("ca") / "ca.pem"
    made.cert_pem.write_to_path(str(file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.issue_cert("localhost").configure_cert(context)
    return file, context


Serve = Callable[..., Awaitable[int]]


@pytest.fixture
async def serve(post: Post) -> AsyncIterator[Serve]:
    """Starts a server with these options and gives its port."""
    async with AsyncExitStack() as running:

        async def start(ssl_context: ssl.SSLContext | None = None, **options: Any) -> int:
            loop = asyncio.get_running_loop()
            protocol = partial(SMTP, post, hostname="mail.example", loop=loop, **options)
            server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=ssl_context)
            await running.enter_async_context(server)
            return int(server.sockets[0].getsockname()[1])

        yield start


def credentials(folder: Path, text: str = "basic wire:hunter2:x\n") -> Path:
    file = folder / "login"
    file.write_text(text)
    file.chmod(0o600)
    return file


@pytest.fixture
async def plain(serve: Serve) -> BundleSink:
    sink = open_sink(f"smtp+plain://localhost:{await serve()}/?{FROM_TO}", HOME)
    assert isinstance(sink, BundleSink)
    return sink


async def test_a_mail_tells_all_that_a_reader_needs(post: Post, plain: BundleSink, alert_of: MakeAlert) -> None:
    await plain.deliver(alert_of(headline="Талибан"), NOW)
    ((mail, recipients, _),) = post.mails
    assert recipients == ["a@desk.example", "b@desk.example"]
    assert mail["Subject"] == "[delisting decided] Russia: Taliban (confirmed)"
    assert (mail["From"], mail["To"]) == ("Listwire <wire@desk.example>", "a@desk.example, b@desk.example")
    assert mail["Message-ID"] == "<a1b2c3-1@desk.example>"
    assert mail["Date"] == "Fri, 04 Oct 2024 10:00:00 +0000"
    assert mail["Auto-Submitted"] == "auto-generated"
    text = mail.get_content()
    for words in ("at the highest level", "Russia's Foreign Ministry", "https://agency.example/1?a=1&b=2", "Талибан"):
        assert words in text


async def test_repeats_have_one_id_and_revisions_are_one_thread(
    post: Post, plain: BundleSink, alert_of: MakeAlert
) -> None:
    for told in (alert_of(), alert_of(), alert_of(revision=2)):
        await plain.deliver(told, NOW)
    ids = [mail["Message-ID"] for mail, _, _ in post.mails]
    assert ids == ["<a1b2c3-1@desk.example>", "<a1b2c3-1@desk.example>", "<a1b2c3-2@desk.example>"]
    assert len({mail["References"] for mail, _, _ in post.mails}) == 1


async def test_the_alerts_of_one_story_are_one_mail_in_the_thread_of_that_story(
    post: Post, plain: BundleSink, alert_of: MakeAlert
) -> None:
    bundle = [alert_of(id=f"id-{name}", group=name, group_name=name) for name in ("Alpha", "Beta", "Gamma")]
    await plain.deliver_bundle(bundle, NOW)
    await plain.deliver_bundle(bundle, NOW)
    await plain.deliver(alert_of(id="id-Beta", revision=2, group_name="Beta"), NOW)
    await plain.deliver(alert_of(bundle="another"), NOW)
    together, again, later, other = [mail for mail, _, _ in post.mails]
    assert together["Subject"] == "[delisting decided] Russia: 3 groups (confirmed)"
    assert together.get_all("X-Listwire-Alert") == ["id-Alpha-1", "id-Beta-1", "id-Gamma-1"]
    text = together.get_content()
    assert [text.count(name) for name in ("Alpha", "Beta", "Gamma")] == [2, 2, 2]  # the name and the id
    assert (text.count("at the highest level"), text.count("said by")) == (1, 1)
    assert again["Message-ID"] == together["Message-ID"] != later["Message-ID"]
    assert together["References"] == later["References"] != other["References"]


async def test_nothing_of_a_story_becomes_a_header_or_ends_the_mail(
    post: Post, plain: BundleSink, alert_of: MakeAlert
) -> None:
    hostile = "x\r\nBcc: evil@evil.example\r\n\r\n.\r\nMAIL FROM:<evil@evil.example>\r\n\x00\u2028" + "y" * 5_000
    told = alert_of(
        id=hostile,
        group_name=hostile,
        authority_name=hostile,
        scope=hostile,
        headline=hostile,
        reason=hostile,
        revision=2,
    )
    await plain.deliver(told, NOW)
    ((mail, recipients, raw),) = post.mails
    assert recipients == ["a@desk.example", "b@desk.example"]
    assert sorted(mail.keys()) == sorted(
        "From To Subject Date Message-ID References Auto-Submitted X-Listwire-Alert Content-Type MIME-Version "
        "Content-Transfer-Encoding".split()
    )
    assert len(mail["Subject"]) <= 200
    assert max(map(len, raw.splitlines())) <= 998


async def test_starttls_is_used_and_the_login_travels_inside(
    post: Post, serve: Serve, authority: tuple[Path, ssl.SSLContext], tmp_path: Path, alert_of: MakeAlert
) -> None:
    ca, context = authority
    port = await serve(tls_context=context, require_starttls=True, authenticator=post.check, auth_required=True)
    url = f"smtp://localhost:{port}/?{FROM_TO}&ca_file={ca}&credentials_file={credentials(tmp_path)}"
    await open_sink(url, HOME).deliver(alert_of(), NOW)
    assert post.sessions == [SimpleNamespace(tls=True, login=b"wire")]


async def test_tls_from_the_first_byte(
    post: Post, serve: Serve, authority: tuple[Path, ssl.SSLContext], alert_of: MakeAlert
) -> None:
    ca, context = authority
    port = await serve(ssl_context=context)
    await open_sink(f"smtp+tls://localhost:{port}/?{FROM_TO}&ca_file={ca}", HOME).deliver(alert_of(), NOW)
    assert len(post.mails) == 1


@pytest.mark.parametrize("has_login", [True, False])
async def test_no_mail_goes_out_in_the_clear_where_tls_is_asked_for(
    post: Post, serve: Serve, tmp_path: Path, has_login: bool, alert_of: MakeAlert
) -> None:
    url = f"smtp://localhost:{await serve()}/?{FROM_TO}"
    if has_login:
        url += f"&credentials_file={credentials(tmp_path)}"
    with pytest.raises(SinkError):
        await open_sink(url, HOME).deliver(alert_of(), NOW)
    assert (post.mails, post.sessions) == ([], [])


@pytest.mark.parametrize(("scheme", "host"), [("smtp", "localhost"), ("smtp+tls", "localhost"), ("smtp", "127.0.0.1")])
async def test_a_server_that_cannot_prove_who_it_is_gets_nothing(
    post: Post, serve: Serve, authority: tuple[Path, ssl.SSLContext], scheme: str, host: str, alert_of: MakeAlert
) -> None:
    ca, context = authority
    port = await serve(**({"ssl_context": context} if scheme == "smtp+tls" else {"tls_context": context}))
    trusted = f"&ca_file={ca}" if host == "127.0.0.1" else ""  # known authority, certificate of another name
    with pytest.raises(SinkError) as told:
        await open_sink(f"{scheme}://{host}:{port}/?{FROM_TO}{trusted}", HOME).deliver(alert_of(), NOW)
    assert not isinstance(told.value, Refusal)
    assert post.mails == []


async def test_a_login_that_fails_is_worth_another_try_and_not_shown(
    post: Post, serve: Serve, authority: tuple[Path, ssl.SSLContext], tmp_path: Path, alert_of: MakeAlert
) -> None:
    ca, context = authority
    port = await serve(tls_context=context, require_starttls=True, authenticator=post.check, auth_required=True)
    file = credentials(tmp_path, "basic wire:hunter3")
    sink = open_sink(f"smtp://localhost:{port}/?{FROM_TO}&ca_file={ca}&credentials_file={file}", HOME)
    with pytest.raises(SinkError, match="535") as told:
        await sink.deliver(alert_of(), NOW)
    assert not isinstance(told.value, Refusal)
    assert not [secret for secret in ("hunter3", base64.b64encode(b"hunter3").decode()) if secret in str(told.value)]
    credentials(tmp_path)
    await sink.deliver(alert_of(), NOW)
    assert len(post.mails) == 1


async def test_who_has_a_mail_does_not_get_it_again(post: Post, plain: BundleSink, alert_of: MakeAlert) -> None:
    post.refused = {"b@desk.example": "450 mailbox busy"}
    with pytest.raises(SinkError, match=r"^not taken for b@desk.example \(450\)$") as told:
        await plain.deliver(alert_of(), NOW)
    assert not isinstance(told.value, Refusal)
    with pytest.raises(SinkError, match=r"^not taken for b@desk.example \(450\)$"):
        await plain.deliver(alert_of(), NOW)
    post.refused = {}
    await plain.deliver(alert_of(), NOW)
    await plain.deliver(alert_of(revision=2), NOW)
    await plain.deliver(alert_of(), NOW)  # whoever sends a dead letter again means everybody
    everybody = ["a@desk.example", "b@desk.example"]
    assert [recipients for _, recipients, _ in post.mails] == [everybody[:1], everybody[1:], everybody, everybody]


async def test_a_mailbox_that_is_not_there_is_a_refusal(post: Post, plain: BundleSink, alert_of: MakeAlert) -> None:
    post.refused = {"a@desk.example": "550 no such user", "b@desk.example": "550 no such user"}
    with pytest.raises(Refusal, match=r"a@desk.example \(550\), b@desk.example \(550\)"):
        await plain.deliver(alert_of(), NOW)


@pytest.mark.parametrize(("answer", "kind"), [("554 looks like spam", Refusal), ("451 try later", SinkError)])
async def test_what_is_said_of_the_mail_itself(
    post: Post, plain: BundleSink, answer: str, kind: type[SinkError], alert_of: MakeAlert
) -> None:
    post.data_answer = answer
    with pytest.raises(SinkError, match=answer[:3]) as told:
        await plain.deliver(alert_of(), NOW)
    assert type(told.value) is kind


async def test_nobody_there_is_worth_another_try(unused_tcp_port: int, alert_of: MakeAlert) -> None:
    sink = open_sink(f"smtp+plain://127.0.0.1:{unused_tcp_port}/?{FROM_TO}", HOME)
    with pytest.raises(SinkError, match=r"^no connection: "):
        await sink.deliver(alert_of(), NOW)


@pytest.mark.parametrize("scheme", ["smtp", "smtp+tls", "smtp+plain"])
async def test_nothing_inside_is_dialled_unless_the_operator_allows_it(
    post: Post, serve: Serve, scheme: str, alert_of: MakeAlert
) -> None:
    sink = open_sink(f"{scheme}://localhost:{await serve()}/?{FROM_TO}")
    with pytest.raises(SinkError, match="LISTWIRE_ALLOW_NETWORKS"):
        await sink.deliver(alert_of(), NOW)
    assert post.mails == []


async def test_in_the_clear_not_even_the_public_network_is_dialled(alert_of: MakeAlert) -> None:
    with pytest.raises(SinkError, match="LISTWIRE_ALLOW_NETWORKS"):
        await open_sink(f"smtp+plain://8.8.8.8:25/?{FROM_TO}", HOME).deliver(alert_of(), NOW)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("smtp:mail", "write it smtp://HOST"),
        ("smtp+ssl://mail.example/?" + FROM_TO, "write it smtp://HOST"),
        ("smtp://mail.example/?to=a@b.example", "the option from is missing"),
        ("smtp://mail.example/?from=a@b.example&to=", "the option to is missing"),
        ("smtp://mail.example/?from=a@b.example&to=c@d.example,,", "'' is no mail address"),
        (
            "smtp://mail.example/?from=a@b.example&to=c%0D%0ABcc:x@d.example",
            r"'c\\r\\nBcc:x@d.example' is no mail address",
        ),
        ("smtp://mail.example/?from=a&to=c@d.example", "'a' is no mail address"),
        (f"smtp+plain://mail.example/?{FROM_TO}&credentials_file=/x", "credentials never travel without TLS"),
        (f"smtp://mail.example/?{FROM_TO}&credentials_file=/none/x", "/none/x: No such file or directory"),
        (f"smtp://mail.example/?{FROM_TO}&ca_file=/none/x", "ca_file=/none/x: no certificates"),
        (f"smtp://mail.example/?{FROM_TO}&password=hunter2", "password: no such option"),
    ],
)
def test_a_mail_that_cannot_work_is_told_before_anything_starts(url: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=problem) as told:
        open_sink(url)
    assert "hunter2" not in str(told.value)


@pytest.mark.parametrize(
    "text", ["", "wire:hunter2", "basic hunter2", "basic :hunter2", "basic a:hunter2\nb", "bearer x"]
)
def test_a_login_that_is_none_is_named_and_not_shown(tmp_path: Path, text: str) -> None:
    file = credentials(tmp_path, text)
    with pytest.raises(SettingsError, match=f"{file}: must be one line: `basic USER:PASSWORD`") as told:
        open_sink(f"smtp://mail.example/?{FROM_TO}&credentials_file={file}")
    assert "hunter2" not in str(told.value)


async def test_a_stop_does_not_wait_for_a_server_that_is_mute(alert_of: MakeAlert) -> None:
    asked = asyncio.Event()
    ends = asyncio.Event()

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example\r\n")
        await reader.readline()
        asked.set()
        await ends.wait()
        writer.close()

    async with await asyncio.start_server(mute, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        sink = open_sink(f"smtp+plain://127.0.0.1:{port}/?{FROM_TO}", HOME)
        delivery = asyncio.create_task(sink.deliver(alert_of(), NOW))
        await asked.wait()
        delivery.cancel()
        async with asyncio.timeout(2):
            with pytest.raises(asyncio.CancelledError):
                await delivery
        ends.set()


async def test_a_server_that_hangs_up_after_the_mail_has_taken_it(alert_of: MakeAlert) -> None:
    async def curt(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example\r\n")
        for answer in (b"250", b"250", b"250", b"250", b"354"):
            await reader.readline()
            writer.write(answer + b" so\r\n")
        await reader.readuntil(b"\r\n.\r\n")
        writer.write(b"250 taken\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(curt, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        await open_sink(f"smtp+plain://127.0.0.1:{port}/?{FROM_TO}", HOME).deliver(alert_of(), NOW)
