"""What the sinks of chats share: an address that is itself the secret, and one short message an alert or bundle.

Whoever knows the address of an incoming webhook can write into the channel. So it stands in a file of its owner
alone, the sink's URL names the file, and nothing shows what is in it. A message may come twice after a crash: chats
know no key of a delivery, so each message shows the id of the alert and, of a later one, its revision.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import orjson
from yarl import URL

from agents.credentials import CredentialError, secret_bytes
from agents.posting import Poster, web_address
from agents.sinks import Means, SinkError
from agents.wording import Words, bundle_words, words_of
from streams.errors import SettingsError
from streams.outlets import Outlet
from streams.records import Alert

Compose = Callable[[Words], object]
Hear = Callable[[bytes], None]


def take_any(_: bytes) -> None:
    """For chats whose status tells all."""


class HiddenAddress:
    """An address that is itself the secret, one line in a file, read anew for each delivery."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self) -> URL:
        """The address. Raises CredentialError, which names the file and never shows what it holds."""
        try:
            text = secret_bytes(self._file).decode("ascii", "replace").strip()
        except OSError as error:
            raise CredentialError(f"{self._file}: {error.strerror or 'cannot be read'}") from None
        url = web_address(text)
        if url is None:
            raise CredentialError(f"{self._file}: must be one line, the address that the chat gave you")
        return url


class ChatSink:
    """Posts what `composed` makes of an alert to a hidden address; `heard` may still refuse the answer to it."""

    def __init__(self, address: HiddenAddress, means: Means, composed: Compose, heard: Hear = take_any) -> None:
        self._address = address
        self._poster = Poster(means)
        self._composed = composed
        self._heard = heard

    async def deliver(self, alert: Alert, now: datetime) -> None:
        """Taken by the chat. Raises SinkError or Refusal."""
        await self._post(words_of(alert), now)

    async def deliver_bundle(self, alerts: Sequence[Alert], now: datetime) -> None:
        """As `deliver`, in one message."""
        await self._post(bundle_words(alerts), now)

    async def _post(self, words: Words, now: datetime) -> None:
        try:
            url = await asyncio.to_thread(self._address.read)
        except CredentialError as error:
            raise SinkError(str(error)) from None
        self._heard(await self._poster.post(url, orjson.dumps(self._composed(words)), now))

    async def close(self) -> None:
        """Lets go of the connections."""
        await self._poster.close()


def hidden_address(outlet: Outlet) -> HiddenAddress:
    """The address in the file that the sink's URL names, read once to see that it is there. Raises SettingsError."""
    if outlet.host is not None or outlet.how or not outlet.file or "//" in outlet.file:
        raise outlet.refusal(f"write it {outlet.scheme}:FILE; the file holds the address, which is a secret")
    address = HiddenAddress(Path(outlet.file).expanduser())
    try:
        address.read()
    except CredentialError as error:
        raise SettingsError(f"sink {outlet.scheme!r}: {error}") from None
    return address
