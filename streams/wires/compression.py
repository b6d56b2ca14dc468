"""Compressed bodies, recognised by their first bytes and unpacked up to a cap.

Servers send gzip unasked, without a header, or twice; the bytes tell, the headers do not. What comes out is
never more than the cap, so that a bomb costs no more memory than an honest document of that size.
"""

import zlib

from streams.errors import WireError

MAX_DOCUMENT_BYTES = 5 * 1024 * 1024
"""The largest document that is read, on the wire and unpacked."""

MAX_LAYERS = 2
"""A proxy that packs what the server had packed gives two; more is no honest document."""

_ANY_HEADER = zlib.MAX_WBITS | 32  # gzip or zlib, by its own header


def inflate(raw: bytes, cap: int = MAX_DOCUMENT_BYTES) -> bytes:
    """The document inside `raw`, or `raw` itself where it is not compressed.

    A stream that ends early gives what was there: the format's own check for a missing end then sees it.
    Raises WireError `too-large` above `cap` bytes, `malformed` for a broken or too often packed stream.
    """
    for _ in range(MAX_LAYERS):
        if not _is_packed(raw):
            break
        raw = _unpack(raw, cap)
    if _is_packed(raw):
        raise WireError("malformed", f"compressed more than {MAX_LAYERS} times")
    if len(raw) > cap:
        raise WireError("too-large", f"more than {cap} bytes")
    return raw


def _is_packed(raw: bytes) -> bool:
    """gzip's magic, or a zlib header: method 8 and its check sum over two bytes (RFC 1950 2.2)."""
    if raw[:2] == b"\x1f\x8b":
        return True
    return len(raw) > 2 and raw[0] == 0x78 and raw[1] > 0x7E and int.from_bytes(raw[:2], "big") % 31 == 0


def _unpack(raw: bytes, cap: int) -> bytes:
    stream = zlib.decompressobj(_ANY_HEADER)
    try:
        unpacked = stream.decompress(raw, cap + 1)
    except zlib.error as error:
        raise WireError("malformed", f"compressed body: {error}") from None
    if len(unpacked) > cap:
        raise WireError("too-large", f"more than {cap} bytes unpacked")
    return unpacked
