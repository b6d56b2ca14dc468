"""The secrets of feeds that ask for one: files in a folder, one a credential, read anew for each request.

A feed names its credential, never the secret: `credential = "agency-a"` in the feed list, and in the folder
`credentials_dir` a file `agency-a` of one line, one of

    basic USER:PASSWORD          RFC 7617, as UTF-8
    bearer TOKEN                 RFC 6750
    header NAME: VALUE           whatever else an agency invented

Nothing is kept between two requests, so a file that was replaced counts from the next one on. A file that
others may read is refused (`agents.secrecy`): it would no longer be a secret. No error, repr or trace shows
what a file holds, and what comes back of a request is cleared of it, because servers repeat what they were sent.
"""

from __future__ import annotations

import base64
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, quote_plus

from msgspec.structs import replace

from agents.secrecy import only_ours
from streams.errors import ListwireError
from streams.feeds import is_credential_name
from streams.polling import Fetched

MAX_FILE_BYTES = 8_192
HIDDEN = "***"

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_OURS = frozenset(
    "accept accept-encoding connection content-length content-type cookie expect host if-modified-since if-none-match "
    "keep-alive range te trailer transfer-encoding upgrade user-agent via".split()
)
"""Headers that say how the request is sent: one of these as a secret would be another request."""

_SHORTEST_HIDDEN = 4
"""Shorter secrets are no secrets, and would be found in every second word."""


class CredentialError(ListwireError):
    """A credential that cannot be used; the text names the file, never what it holds."""


@dataclass(frozen=True, slots=True, repr=False)
class Credential:
    """One header of a request, and every spelling of what must not be seen."""

    name: str
    header: str
    value: str
    secrets: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Credential({self.name!r}, {HIDDEN})"

    def hidden_in(self, text: str) -> str:
        """The text with no trace of the secret."""
        for secret in self.secrets:
            text = text.replace(secret, HIDDEN)
        return text

    def cleared(self, fetched: Fetched) -> Fetched:
        """The answer without the secret, wherever the server repeated it, except in the document itself."""
        return replace(
            fetched,
            url=self.hidden_in(fetched.url),
            moved_to=fetched.moved_to and self.hidden_in(fetched.moved_to),
            detail=self.hidden_in(fetched.detail),
            headers={name: value for name, value in fetched.headers.items() if self.hidden_in(value) == value},
        )


class Credentials:
    """The files of one folder."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def read(self, name: str) -> Credential:
        """The credential of this name as its file has it now; blocks for one small read. Raises CredentialError."""
        if not is_credential_name(name):  # unnamed here: it may be the secret itself, written to the wrong place
            raise CredentialError("a credential's name is lower-case letters, digits and hyphens")
        if self._folder is None:
            raise CredentialError(f"credential {name}: no folder of credentials is set (LISTWIRE_CREDENTIALS_DIR)")
        file = self._folder / name
        try:
            raw = secret_bytes(file)
        except OSError as error:
            raise CredentialError(f"{file}: {error.strerror or 'cannot be read'}") from None
        credential = _parsed(name, raw)
        if credential is None:
            raise CredentialError(
                f"{file}: must be one line: `basic USER:PASSWORD`, `bearer TOKEN` or `header NAME: VALUE`"
            )
        return credential


def secret_bytes(file: Path) -> bytes:
    """What a regular file for our eyes only holds. Links are followed: orchestrators mount secrets as links."""
    handle = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))  # a pipe must not hold up the poller
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise CredentialError(f"{file}: not a regular file")
        if os.name == "posix" and not only_ours(handle):
            mode = stat.S_IMODE(found.st_mode)
            raise CredentialError(f"{file}: mode {mode:04o} lets others than its owner at the secret: chmod 600 it")
        if found.st_size > MAX_FILE_BYTES:
            raise CredentialError(f"{file}: larger than {MAX_FILE_BYTES} bytes")
        return os.read(handle, MAX_FILE_BYTES)
    finally:
        os.close(handle)


def _parsed(name: str, raw: bytes) -> Credential | None:
    text = raw.decode("utf-8", "replace")
    line = text[:-1] if text.endswith("\n") else text
    kind, _, secret = line.removesuffix("\r").partition(" ")
    if "\N{REPLACEMENT CHARACTER}" in line or not secret.isprintable():
        return None
    if kind == "basic":
        return _basic(name, secret)
    if kind == "bearer" and _TOKEN.fullmatch(secret):
        return _credential(name, "Authorization", f"Bearer {secret}", secret)
    return _own_header(name, secret) if kind == "header" else None


def _basic(name: str, pair: str) -> Credential | None:
    user, colon, password = pair.partition(":")
    if not user or not colon or not password:
        return None
    coded = base64.b64encode(pair.encode()).decode()
    return _credential(name, "Authorization", f"Basic {coded}", coded, pair, password)


def _own_header(name: str, line: str) -> Credential | None:
    header, colon, value = line.partition(":")
    value = value.removeprefix(" ")
    if not colon or not _HEADER_NAME.fullmatch(header) or not _HEADER_VALUE.fullmatch(value):
        return None
    if header.lower() in _OURS or header.lower().startswith("proxy-"):
        return None
    return _credential(name, header, value, value, value.rpartition(" ")[2])


def _credential(name: str, header: str, value: str, *secrets: str) -> Credential:
    """With all spellings, the longest first: `user:password` goes before `password`."""
    spelt = {form for secret in secrets for form in (secret, quote(secret), quote(secret, ""), quote_plus(secret))}
    hidden = sorted((form for form in spelt if len(form) >= _SHORTEST_HIDDEN), key=len, reverse=True)
    return Credential(name, header, value, tuple(hidden))
