"""A JSON document as plain values, and how fields of doubtful type are taken from it.

What breaks off is refused whole, as in wire XML: half a story can say the opposite of the story. Otherwise two faults
are mended that senders make and that change no meaning: line ends and other controls inside of a string, and one half
of a surrogate pair (RFC 8259 leaves both to the reader). Numbers that are none (NaN) are refused.

A field of another type than the format gives it counts as absent. Numbers stand for their text: identities and
versions come as either.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import TypeVar, cast

import msgspec

from streams.errors import WireError
from streams.feeds import FeedSpec
from streams.records import Story
from streams.vocabulary import PubStatus
from streams.wires.charsets import decode_text
from streams.wires.documents import Document, Dropped
from streams.wires.drafts import Draft, to_story
from streams.wires.html import to_line

Fields = dict[str, object]
"""One JSON object."""

Item = TypeVar("Item")

MAX_ITEMS = 5_000
"""Most items of an answer that are read; agencies send up to a thousand a page."""

_AROUND = "\ufeff\0 \t\r\n"
_OPEN = ("{", "[")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)  # one without an end too, or each quote in it would be tried
_ESCAPE = re.compile(r"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(?P<half>u[dD][89a-fA-F]..)|.)", re.DOTALL)
_BLANK_LINE = re.compile(r"\n\s*\n")
_WRAPPED_AT = range(50, 91)
_CONTROL = re.compile(r"[\x00-\x1f]")


def parse_json(raw: bytes, media_type: str | None = None) -> object:
    """The value of the document. Raises WireError `not-a-feed`, `truncated` or `malformed`."""
    text = decode_text(raw, media_type).strip(_AROUND)
    if not text.startswith(_OPEN):
        raise WireError("not-a-feed")
    try:
        return _decoded(text)
    except msgspec.DecodeError:
        return _strictly(_mended(text))


def may_be_json(head: str) -> bool:
    """Whether a document that starts so may hold an object or a list."""
    return head.lstrip(_AROUND).startswith(_OPEN)


def key(*names: str) -> re.Pattern[str]:
    """What finds one of these names as a key, and not in a string that quotes JSON."""
    return re.compile(rf'(?<!\\)"(?:{"|".join(names)})"\s*+:')


def document_of(
    name: str,
    items: Sequence[Item],
    draft_of: Callable[[Item], Draft | None],
    feed: FeedSpec,
    received_at: datetime,
    url: str | None,
) -> Document:
    """The document of all items; `draft_of` gives None for an item that is no story.

    Two versions of one story are two stories; the same version again is dropped. So is a story without any text, but
    for one that kills or withholds what was sent under its identity.
    """
    stories: dict[tuple[str, int | None, datetime | None], Story] = {}
    dropped: Counter[str] = Counter()
    for item in items[:MAX_ITEMS]:
        draft = draft_of(item)
        if draft is None:
            dropped["not-a-story"] += 1
            continue
        story = to_story(draft, feed, received_at, url)
        if not (story.headline or story.body) and story.pub_status is PubStatus.USABLE:
            dropped["empty"] += 1
            continue
        if (known := (story.guid, story.version, story.revised)) in stories:
            dropped["double"] += 1
        stories.setdefault(known, story)
    dropped["beyond-limit"] = max(len(items) - MAX_ITEMS, 0)
    return Document(
        format=name,
        stories=tuple(stories.values()),
        dropped=tuple(Dropped(reason, count) for reason, count in dropped.items() if count),
    )


def objects(value: object) -> list[Fields]:
    """The objects of a list, or the one object itself where a list is expected; else none."""
    if isinstance(value, dict):
        return [cast(Fields, value)]
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def fields(value: object) -> Fields:
    """The object, or one without fields."""
    return value if isinstance(value, dict) else {}


def string(item: Fields, *names: str) -> str:
    """The first of these fields that holds text or a number, as text; empty for none."""
    return next(filter(None, (scalar(item.get(name)) for name in names)), "")


def line(item: Fields, *names: str) -> str:
    """The first of these fields that holds text, without markup, in one line."""
    return next(filter(None, (to_line(scalar(item.get(name))) for name in names)), "")


def strings(value: object) -> list[str]:
    """The texts of a list, or the one text itself where a list is expected."""
    found = [scalar(item) for item in value] if isinstance(value, list) else [scalar(value)]
    return [text for text in found if text]


def codes(value: object, *names: str) -> Iterator[str]:
    """Of each object of a list the first of these fields that it has; texts among them stand for themselves."""
    listed = value if isinstance(value, list) else [value]
    for entry in listed:
        if found := string(entry, *names) if isinstance(entry, dict) else scalar(entry):
            yield found


def joined(parts: Iterable[str]) -> str:
    """Names side by side, each once."""
    return ", ".join(dict.fromkeys(filter(None, parts)))


def paragraphs(text: str) -> str:
    """Plain text whose paragraphs are blank lines apart: senders end a paragraph with one line end or two."""
    lines = text.splitlines()
    if _BLANK_LINE.search(text) or all(len(wrapped) in _WRAPPED_AT for wrapped in lines[:-1]):
        return text
    return "\n\n".join(lines)


def scalar(value: object) -> str:
    """Text without the spaces around it, or a number's text; empty for anything else."""
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _decoded(text: str) -> object:
    try:
        return cast(object, msgspec.json.decode(text.encode("utf-8", "replace")))
    except RecursionError:
        raise WireError("malformed", "nested too deep") from None


def _strictly(text: str) -> object:
    try:
        return _decoded(text)
    except msgspec.DecodeError as error:
        raise WireError("truncated" if "truncated" in str(error) else "malformed", str(error)) from None


def _mended(text: str) -> str:
    return _STRING.sub(lambda found: _ESCAPE.sub(_paired, _CONTROL.sub(_escaped, found[0])), text)


def _escaped(control: re.Match[str]) -> str:
    return f"\\u{ord(control[0]):04x}"


def _paired(escape: re.Match[str]) -> str:
    return "\\ufffd" if escape["half"] else escape[0]
