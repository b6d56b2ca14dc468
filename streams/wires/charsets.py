"""Which characters the bytes of a document stand for: found by trial, never by guessing a language.

Precedence: byte order mark > XML declaration if the bytes decode > header of the transport > UTF-8 >
windows-1252. Two cases taught exceptions. A label of another charset decodes what is UTF-8 (of one byte: always;
`gbk` and `shift_jis`: often enough), so bytes that are UTF-8 by all appearance are UTF-8 whatever the label says.
And one broken byte in a long document must not turn all of it into another charset: while most of its letters
decode, the broken ones become U+FFFD.

Only charsets of the table are used. UTF-7, ISO-2022 and the like hide markup in plain ASCII and are never
decoded.
"""

import codecs
import re

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_BARE_WIDE = (
    (b"<\0\0\0", "utf-32-le"),
    (b"\0\0\0<", "utf-32-be"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)

# Label on the wire (lower case, `_` as `-`) to the Python codec that reads it, often its superset.
# Source: the label table of the WHATWG Encoding Standard, cut to what news feeds use.
# fmt: off
_CODECS = {
    "utf-8": "utf-8", "utf8": "utf-8", "unicode-1-1-utf-8": "utf-8",
    "us-ascii": "cp1252", "ascii": "cp1252", "iso-8859-1": "cp1252", "latin1": "cp1252", "latin-1": "cp1252",
    "iso-8859-9": "cp1254", "latin5": "cp1254", "iso-8859-11": "cp874", "tis-620": "cp874",
    "windows-874": "cp874", "koi8-r": "koi8-r", "koi8": "koi8-r", "koi8-u": "koi8-u", "cp866": "cp866",
    "ibm866": "cp866", "macintosh": "mac-roman", "x-mac-cyrillic": "mac-cyrillic",
    "gb18030": "gb18030", "gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "euc-cn": "gb18030",
    "big5": "big5hkscs", "big5-hkscs": "big5hkscs", "x-x-big5": "big5hkscs",
    "shift-jis": "cp932", "sjis": "cp932", "x-sjis": "cp932", "windows-31j": "cp932", "ms932": "cp932",
    "euc-jp": "euc-jp", "x-euc-jp": "euc-jp",
    "euc-kr": "cp949", "ks-c-5601-1987": "cp949", "windows-949": "cp949",
}
# fmt: on
_NUMBERED = re.compile(r"(?:iso-?8859-?(?P<iso>[2-8]|1[0345])|(?:windows|x-cp|cp|win)-?(?P<win>125[0-8]))(?:-[ei])?")
_DECLARATION = re.compile(rb"<\?xml[^>]{0,200}?\sencoding\s*=\s*[\"']\s*([A-Za-z0-9._:\-]{1,40})", re.IGNORECASE)
_HEADER = re.compile(r";\s*charset\s*=\s*[\"']?\s*([A-Za-z0-9._:\-]{1,40})", re.IGNORECASE)
_DECLARATION_WITHIN = 1024
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")
_BAD = "\N{REPLACEMENT CHARACTER}"
_MANY_BYTES = frozenset({"gb18030", "big5hkscs", "cp932", "euc-jp", "cp949"})

_NO_CHANCE = 5
"""So many letters of a charset of many bytes, and no other, happen to be UTF-8 in one of a million documents."""

_FEW_BROKEN = 10
"""So many letters beyond ASCII that decode, to one that does not, are no accident."""


def codec_of(label: str) -> str | None:
    """The Python codec for a charset label, None for one that is unknown or not allowed."""
    label = label.strip().lower().replace("_", "-")
    if known := _CODECS.get(label):
        return known
    match = _NUMBERED.fullmatch(label)
    if match is None:
        return None
    return f"iso8859-{match['iso']}" if match["iso"] else f"cp{match['win']}"


def decode_text(raw: bytes, media_type: str | None = None) -> str:
    """The document as text, without a byte order mark. Never fails: bytes that fit nothing become U+FFFD."""
    for mark, codec in _BOMS:
        if raw.startswith(mark):
            return raw[len(mark) :].decode(codec, "replace")
    for start, codec in _BARE_WIDE:
        if raw.startswith(start):
            return raw.decode(codec, "replace")
    stated = _stated(raw, media_type)
    for codec in stated:
        try:
            text = raw.decode(codec)
        except UnicodeDecodeError:
            continue
        return text if codec == "utf-8" else _utf8_after_all(raw, codec) or text
    return _broken(raw, stated)


def _stated(raw: bytes, media_type: str | None) -> list[str]:
    """The codecs that the declaration and the header name, in this order."""
    declared = _DECLARATION.search(raw[:_DECLARATION_WITHIN])
    header = _HEADER.search(media_type or "")
    labels = (declared[1].decode("ascii") if declared else "", header[1] if header else "")
    return [codec for label in labels if (codec := codec_of(label))]


def _utf8_after_all(raw: bytes, codec: str) -> str | None:
    """The bytes as UTF-8, where they are that in spite of a label that decodes them too."""
    if raw.isascii():
        return None
    text, good, broken = _tried(raw, "utf-8")
    if codec in _MANY_BYTES:
        return text if broken == 0 and good >= _NO_CHANCE else None
    return text if good >= _FEW_BROKEN * broken else None


def _broken(raw: bytes, stated: list[str]) -> str:
    """UTF-8 while at least as many letters beyond ASCII decode as do not, else what was stated if nearly all of it
    does (one byte that windows-1251 does not know), else windows-1252.
    """
    text, good, broken = _tried(raw, "utf-8")
    if good >= broken:
        return text
    for codec in stated:
        text, good, broken = _tried(raw, codec)
        if good >= _FEW_BROKEN * broken:
            return text
    return raw.decode("cp1252", "replace")


def _tried(raw: bytes, codec: str) -> tuple[str, int, int]:
    """The text, and how many letters beyond ASCII decoded and how many did not."""
    text = raw.decode(codec, "replace")
    broken = text.count(_BAD)
    return text, sum(map(len, _BEYOND_ASCII.findall(text))) - broken, broken
