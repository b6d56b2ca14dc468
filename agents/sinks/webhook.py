"""Alerts by POST, signed: `webhook+https://desk.example/alerts?secret_file=/run/secrets/desk`.

The body is the alert's JSON, the same bytes as on the topic; the signature follows Standard Webhooks
(https://www.standardwebhooks.com): headers `webhook-id`, `webhook-timestamp`, `webhook-signature`. The id is that of
the revision and the same at every try, so a receiver can refuse repeats. The file holds a secret `whsec_...` a line
and is read at each delivery; while two are in it, both sign, so that a receiver can change over in its own time.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from datetime import datetime
from pathlib import Path

from standardwebhooks import Webhook
from yarl import URL

from agents.credentials import CredentialError, secret_bytes
from agents.posting import Poster, web_address
from agents.sinks import Means, SinkError, delivery_id
from streams.codec import encode
from streams.errors import SettingsError
from streams.outlets import Outlet
from streams.records import Alert

OPTIONS = frozenset({"secret_file"})
SECRET_BYTES = range(24, 65)
"""How long a secret is. Source: Standard Webhooks, "Signature scheme"."""


def open_sink(outlet: Outlet, means: Means) -> WebhookSink:
    """A sink that posts. Raises SettingsError: no address, or no secret that can be read."""
    netloc = outlet.label.partition("://")[2]
    url = web_address(f"{outlet.how}://{netloc}{outlet.path or '/'}")
    if url is None:
        raise outlet.refusal("write it webhook+https://HOST/PATH?secret_file=FILE")
    named = outlet.options.get("secret_file") or means.secret_file
    if not named:
        raise outlet.refusal("no secret_file, neither in the URL nor by LISTWIRE_WEBHOOK_SECRET_FILE")
    file = Path(named).expanduser()
    try:
        read_secrets(file)
    except CredentialError as error:
        raise SettingsError(f"sink {outlet.label!r}: {error}") from None
    return WebhookSink(url, file, Poster(means))


class WebhookSink:
    """Posts to one address."""

    def __init__(self, url: URL, secret_file: Path, poster: Poster) -> None:
        self._url = url
        self._secret_file = secret_file
        self._poster = poster

    async def deliver(self, alert: Alert, now: datetime) -> None:
        """Answered with 2xx. Raises SinkError or Refusal."""
        try:
            secrets = await asyncio.to_thread(read_secrets, self._secret_file)
        except CredentialError as error:
            raise SinkError(str(error)) from None
        body = encode(alert)
        await self._poster.post(self._url, body, now, _signed(delivery_id(alert), now, body, secrets))

    async def close(self) -> None:
        """Lets go of the connections."""
        await self._poster.close()


def _signed(name: str, now: datetime, body: bytes, secrets: list[bytes]) -> dict[str, str]:
    signatures = [Webhook(secret).sign(name, now, body.decode()) for secret in secrets]
    return {
        "webhook-id": name,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def read_secrets(file: Path) -> list[bytes]:
    """The secrets in the file, at least one. Raises CredentialError, which shows none of them."""
    try:
        lines = [line.strip() for line in secret_bytes(file).decode("ascii", "replace").splitlines()]
    except OSError as error:
        raise CredentialError(f"{file}: {error.strerror or 'cannot be read'}") from None
    secrets = [_decoded(line) for line in lines if line]
    if not secrets or None in secrets:
        raise CredentialError(f"{file}: each line is whsec_ and 24 to 64 bytes in base64")
    return [secret for secret in secrets if secret]


def _decoded(line: str) -> bytes | None:
    bare = line.removeprefix("whsec_")
    try:
        secret = base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    return secret if len(secret) in SECRET_BYTES else None
