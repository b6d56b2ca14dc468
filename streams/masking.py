"""Settings as they may be shown: in a terminal, a log, a ticket. What could be a secret is `***`.

No secret belongs into a setting, for files are named instead; this is for those that got there all the same.
"""

from __future__ import annotations

import re

from streams.outlets import COMMON

MASK = "***"
_USER = re.compile(r"(?<=//)[^/?#\s]*@")
_OPTION = re.compile(r"(?<=[?&])([^=&#]+)=([^&#]*)")
_OPEN = COMMON | {"from", "to", "keep", "secret_file", "credentials_file", "ca_file"}
_SEGMENT = re.compile(r"(?<=/)[A-Za-z0-9_~.=-]{20,}(?=[/?#]|$)")
_ADDRESS_IN_PATH = re.compile(r"^([a-z]+):(?=[a-z+]+://)")


def masked_url(url: str) -> str:
    """The URL without user, without the values of options that we do not know, without what looks like a token.

    `slack:https://...` is a mistake that tells the address, which is the secret: nothing of it is shown.
    """
    if mistake := _ADDRESS_IN_PATH.match(url):
        return f"{mistake[1]}:{MASK}"
    url = _USER.sub(f"{MASK}@", url)
    url = _OPTION.sub(lambda option: option[0] if option[1] in _OPEN else f"{option[1]}={MASK}", url)
    head, mark, query = url.partition("?")
    return f"{_SEGMENT.sub(_segment, head) if '://' in head else head}{mark}{query}"


def masked_addresses(bootstrap: str) -> str:
    """Bootstrap servers without a user that somebody put before one."""
    return ",".join(f"{MASK}@{part.rpartition('@')[2]}" if "@" in part else part for part in bootstrap.split(","))


def _segment(found: re.Match[str]) -> str:
    """Long, with letters and digits mixed: rather a token than a word."""
    text = found[0]
    return MASK if any(map(str.isdigit, text)) and any(map(str.isalpha, text)) else text
