"""Which characters the bytes stand for: a table of what servers say and what they send."""

import codecs
from datetime import UTC, datetime

import pytest

from streams import wires
from streams.wires.charsets import codec_of, decode_text

NOW = datetime(2026, 11, 24, tzinfo=UTC)
RU = "Суд исключил «движение» из перечня"
UK = "Рада визнала її терористичною, ґрунтуючись на доповіді"
KK = "Сот қозғалысты тізімнен алып тастады"
DE = "Größe „gelistet“ – Verbot für die Gruppe"
FR = "L’Élysée a dissous le mouvement, coûte que coûte"
PL = "Sąd zdjął organizację z listy, źródło"
TR = "Örgüt listeden çıkarıldı, ığdır şehri"
GR = "Η οργάνωση διαγράφηκε από τον κατάλογο"
AR = "شطبت المحكمة الحركة من القائمة"
HE = "בית המשפט הסיר את התנועה מהרשימה"
TH = "ศาลถอดชื่อขบวนการออกจากบัญชี"
VI = "Tòa án gỡ phong trào khỏi danh sách"
ZH = "法院将该运动从名单上除名"
TW = "法院將該運動從名單上除名"
JA = "裁判所は運動をリストから外した①"
KO = "법원은 그 운동을 명단에서 삭제했다 똠"
LT = "Teismas išbraukė judėjimą iš sąrašo"
EMOJI = "Group delisted \U0001f5de today"

MARKS = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}

# What the XML declaration says, what the header says, what the bytes are, and the text.
TABLE = [
    ("koi8-r", None, "koi8-r", RU.replace("«", "").replace("»", "")),
    ("KOI8-R", "text/xml; charset=utf-8", "koi8-r", RU.replace("«", "").replace("»", "")),
    ("koi8-u", None, "koi8-u", UK),
    ("windows-1251", None, "cp1251", RU),
    ("cp1251", None, "cp1251", UK),
    (None, "application/rss+xml; charset=windows-1251", "cp1251", RU),
    ("cp866", None, "cp866", "Суд исключил движение"),
    ("iso-8859-5", None, "iso8859-5", "Суд исключил движение"),
    ("x-mac-cyrillic", None, "mac-cyrillic", RU),
    ("iso-8859-1", None, "cp1252", DE),
    ("us-ascii", None, "cp1252", FR),
    ("ISO-8859-15", None, "iso8859-15", "Prix : 5 €, l'Élysée"),
    ("windows-1250", None, "cp1250", PL),
    ("iso-8859-2", None, "iso8859-2", PL),
    ("iso-8859-9", None, "cp1254", TR),
    ("windows-1253", None, "cp1253", GR),
    ("iso-8859-7", None, "iso8859-7", GR),
    ("windows-1256", None, "cp1256", AR),
    ("iso-8859-6", None, "iso8859-6", AR),
    ("windows-1255", None, "cp1255", HE),
    ("iso-8859-8-i", None, "iso8859-8", HE),
    ("windows-1257", None, "cp1257", LT),
    ("tis-620", None, "cp874", TH),
    ("gb18030", None, "gb18030", ZH + KK),
    ("gb2312", None, "gbk", ZH),
    ("gbk", "text/xml; charset=gbk", "gb18030", ZH),
    ("big5", None, "big5hkscs", TW),
    ("shift_jis", None, "cp932", JA),
    ("Shift-JIS", "text/xml; charset=utf-8", "cp932", JA),
    ("euc-jp", None, "euc-jp", JA.replace("①", "")),
    ("euc-kr", None, "cp949", KO),
    (None, "text/xml; charset=EUC-KR", "cp949", KO),
    (None, None, "utf-8", RU + ZH + AR + EMOJI),
    ("utf-8", "text/xml; charset=iso-8859-1", "utf-8", DE + EMOJI),
    ("iso-8859-1", "text/xml; charset=iso-8859-1", "utf-8", DE + EMOJI),
    ("windows-1251", "text/xml", "utf-8", RU),
    (None, "text/xml; charset=shift_jis", "utf-8", VI),
    ("utf-8", "text/xml; charset=koi8-r", "koi8-r", RU.replace("«", "").replace("»", "")),
    ("utf-16", None, "utf-8", RU),
    ("utf-16", "text/xml; charset=utf-16", "utf-16-le", RU + EMOJI),
    ("utf-16", "text/xml; charset=utf-16", "utf-16-be", RU + EMOJI),
    (None, "text/xml; charset=utf-8", "utf-16-le", ZH),
    ("ucs-4", None, "utf-32-be", RU),
    ("x-user-defined", "text/xml; charset=x-unknown", "utf-8", RU),
    ("x-user-defined", None, "cp1252", FR),
]  # fmt: skip


def document(text: str, declared: str | None) -> str:
    head = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    return f"{head}<rss version='2.0'><channel><item><guid>1</guid><title>{text}</title></item></channel></rss>"


@pytest.mark.parametrize(("declared", "header", "sent", "text"), TABLE)
@pytest.mark.parametrize("mark", ["bare", "mark"])
def test_the_text_is_what_was_written(
    declared: str | None, header: str | None, sent: str, text: str, mark: str
) -> None:
    """A byte order mark before a charset that has one says it beyond doubt, whatever the labels say."""
    raw = document(text, declared).encode(sent)
    if mark == "mark" and sent.startswith("utf-"):
        raw = MARKS[sent] + raw
    read = wires.decode(raw, "f", NOW, media_type=header)
    assert [story.headline for story in read.stories] == [text]


@pytest.mark.parametrize("sent", MARKS)
@pytest.mark.parametrize("label", ["koi8-r", "utf-8", "iso-8859-1", "big5", "utf-16", "utf-7", "nonsense"])
def test_a_byte_order_mark_beats_every_label(sent: str, label: str) -> None:
    raw = MARKS[sent] + document(RU + EMOJI, label).encode(sent)
    (story,) = wires.decode(raw, "f", NOW, media_type=f"text/xml; charset={label}").stories
    assert story.headline == RU + EMOJI


@pytest.mark.parametrize(
    ("declared", "text"), [("utf-8", RU), ("utf-8", AR), ("utf-8", ZH), (None, RU), ("windows-1251", RU), (None, KO)]
)
@pytest.mark.parametrize("bad", [b"\xff", b"\xc3", b"\x80", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xe2\x82"])
def test_one_bad_byte_spoils_one_place_and_not_the_document(declared: str | None, text: str, bad: bytes) -> None:
    raw = document(f"{text} @ {text}", declared).encode().replace(b"@", bad)
    headline = wires.decode(raw, "f", NOW).stories[0].headline
    assert headline.startswith(text)
    assert headline.endswith(text)


@pytest.mark.parametrize(
    ("sent", "text", "bad"),
    [
        ("cp1251", RU, b"\x98"), ("cp1253", GR, b"\xff"), ("cp1257", LT, b"\xa1"), ("iso8859-7", GR, b"\xff"),
        ("gb18030", ZH, b"\xff"), ("big5hkscs", TW, b"\xff"), ("cp932", JA, b"\xfc"), ("euc-jp", JA[:9], b"\xff"),
        ("cp949", KO, b"\xff"),
    ],
)  # fmt: skip
def test_one_bad_byte_in_an_older_charset_spoils_one_place_too(sent: str, text: str, bad: bytes) -> None:
    label = {"big5hkscs": "big5", "cp932": "shift_jis", "cp949": "euc-kr", "iso8859-7": "iso-8859-7"}.get(sent, sent)
    around = text.encode(sent)  # put together as bytes: the second byte of a letter may look like ASCII
    raw = document("TEXT", label).encode().replace(b"TEXT", b" ".join((around, bad, around)))
    headline = wires.decode(raw, "f", NOW).stories[0].headline
    assert headline.startswith(text)
    assert headline.endswith(text)


@pytest.mark.parametrize("label", ["gbk", "big5", "shift_jis", "euc-jp", "euc-kr", "gb18030"])
@pytest.mark.parametrize("text", [RU, AR, ZH, JA, KO, DE, VI, GR])
@pytest.mark.parametrize("where", ["header", "declaration"])
def test_utf8_under_the_label_of_a_charset_of_many_bytes_is_utf8(label: str, text: str, where: str) -> None:
    raw = document(text, label if where == "declaration" else None).encode()
    header = f"text/xml; charset={label}" if where == "header" else None
    assert wires.decode(raw, "f", NOW, media_type=header).stories[0].headline == text


@pytest.mark.parametrize(
    "label",
    [
        "utf-7", "UTF_7", "unicode-1-1-utf-7", "csUnicode11UTF7", "iso-2022-jp", "iso-2022-kr", "iso-2022-cn",
        "hz-gb-2312", "utf-16-surrogatepass", "rot13", "base64", "punycode", "raw_unicode_escape", "mbcs", "oem",
        "cp037", "ebcdic-cp-us", "replacement", "bz2", "uu", "quopri", "utf-8-sig\x00", "../utf-8", "u" * 41,
    ],
)  # fmt: skip
def test_what_is_no_charset_of_the_table_is_not_used(label: str) -> None:
    assert codec_of(label) is None
    raw = b"+ADw-script+AD4- =3Cscript=3E ~{<:Ky~} \x1b$B"
    assert decode_text(raw, f"text/xml; charset={label}") == raw.decode("ascii")
