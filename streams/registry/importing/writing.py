"""Group files as text: new ones, and existing ones with something appended.

An existing file is changed as text, so that its comments, order and spacing stay. What comes out is decoded and
compared: were any field but the three that grow not what it was, or those not what they were plus the addition, the
text is refused.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

import msgspec
from msgspec import structs

from streams.errors import ListwireError
from streams.records import GroupKey
from streams.registry import Registry, build_registry
from streams.registry.entries import Alias, Baseline, Group
from streams.registry.importing.diffs import Addition, Diff

_ALIASES_OPEN = re.compile(r"aliases\s*=\s*\[\s*(#.*)?")
_ALIASES_INLINE = re.compile(r"(?P<head>aliases\s*=\s*\[.*?),?\s*\]\s*")
_CLOSE = re.compile(r"\]\s*(#.*)?")
_COMMENT = re.compile(r"\s*(#.*)?")
_TABLE = re.compile(r"\s*\[")
_ESCAPES = {'"': '\\"', "\\": "\\\\"}


class LayoutError(ListwireError):
    """A group file that text cannot be appended to safely."""

    def __init__(self, key: GroupKey, problem: str) -> None:
        super().__init__(f"{key}.toml: {problem}; add by hand what the difference shows")
        self.key = key
        self.problem = problem


def changes(diff: Diff, texts: Mapping[GroupKey, str], accepted: Collection[GroupKey] = ()) -> dict[GroupKey, str]:
    """The group files that the difference writes, by key; `texts` holds the existing ones it adds to.

    Without `accepted`, that is every addition and every draft that is not held back; with it, the groups and drafts
    of these keys, held back or not. Raises LayoutError.
    """
    written: dict[GroupKey, str] = {}
    for addition in diff.additions:
        if addition.writes and (not accepted or addition.key in accepted):
            written[addition.key] = amended(texts[addition.key], addition)
    for draft in diff.drafts:
        if draft.group.key in accepted or (not accepted and not draft.held):
            written[draft.group.key] = file_text(draft.group)
    return written


def grown(registry: Registry, written: Mapping[GroupKey, str]) -> Registry:
    """The registry with these files in it, under the strict loader's rules. Raises DataFileError."""
    new = {key: msgspec.toml.decode(text, type=Group) for key, text in written.items()}
    return build_registry(registry.authorities.values(), (registry.groups | new).values())


def file_text(group: Group) -> str:
    """The whole file of a group in the order the guide asks for."""
    lines = [f"key = {_string(group.key)}", f"name = {_string(group.name)}"]
    if group.name_cased:
        lines.append("name_cased = true")
    lines += [f"countries = {_strings(group.countries)}", f"sources = {_strings(group.sources)}"]
    if group.note is not None:
        lines.append(f"note = {_string(group.note)}")
    if group.aliases:
        lines += ["aliases = [", *map(alias_line, group.aliases), "]"]
    known = {register: number for register, number in structs.asdict(group.ids).items() if number is not None}
    if known:
        lines += ["", "[ids]", *_id_lines(known)]
    for row in group.baseline:
        lines += ["", *_row_lines(row)]
    return "\n".join(lines) + "\n"


def amended(text: str, addition: Addition) -> str:
    """The file with the addition appended. Raises LayoutError rather than change a curated field."""
    try:
        before = msgspec.toml.decode(text, type=Group)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LayoutError(addition.key, str(error)) from None
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    if addition.aliases:
        lines = _with_aliases(lines, addition)
    if addition.ids:
        lines = _with_ids(lines, addition.ids)
    for row in addition.rows:
        lines += ["", *_row_lines(row)]
    result = newline.join(lines) + newline
    _prove(before, result, addition)
    return result


def alias_line(alias: Alias) -> str:
    """An alias as one line of the array, as an author would write it."""
    script = f", script = {_string(alias.script)}" if alias.script != "Latn" else ""
    cased = ", cased = true" if alias.cased else ""
    return f"    {{ text = {_string(alias.text)}, kind = {_string(alias.kind)}{script}{cased} }},"


def _prove(before: Group, result: str, addition: Addition) -> None:
    expected = structs.replace(
        before,
        aliases=(*before.aliases, *addition.aliases),
        ids=structs.replace(before.ids, **addition.ids),
        baseline=(*before.baseline, *addition.rows),
    )
    try:
        proven = msgspec.toml.decode(result, type=Group) == expected
    except msgspec.DecodeError:
        proven = False
    if not proven:
        raise LayoutError(addition.key, "its layout is not the usual one")


def _with_aliases(lines: list[str], addition: Addition) -> list[str]:
    new = [alias_line(alias) for alias in addition.aliases]
    for at, line in enumerate(lines):
        if _ALIASES_OPEN.fullmatch(line):
            close = next((nth for nth in range(at + 1, len(lines)) if _CLOSE.fullmatch(lines[nth])), None)
            if close is None:
                raise LayoutError(addition.key, "the end of its aliases stands on no line of its own")
            return [*_ending_in_comma(lines[:close], at), *new, *lines[close:]]
        inline = _ALIASES_INLINE.fullmatch(line)
        if inline is not None:
            head = inline["head"].rstrip()
            comma = "" if head.endswith("[") else ","
            return [*lines[:at], f"{head}{comma}", *new, "]", *lines[at + 1 :]]
    end = _before_tables(lines)
    return [*lines[:end], "aliases = [", *new, "]", *lines[end:]]


def _ending_in_comma(lines: list[str], opening: int) -> list[str]:
    """The lines up to the end of the array, its last element parted from what will follow."""
    for at in range(len(lines) - 1, opening, -1):
        if not _COMMENT.fullmatch(lines[at]):
            done = lines[at].rstrip()
            return lines if done.endswith(",") else [*lines[:at], f"{done},", *lines[at + 1 :]]
    return lines


def _with_ids(lines: list[str], ids: Mapping[str, str]) -> list[str]:
    new = _id_lines(ids)
    for at, line in enumerate(lines):
        if line.strip() == "[ids]":
            return [*lines[: at + 1], *new, *lines[at + 1 :]]
    end = _before_tables(lines)
    rest = lines[end:] if end == len(lines) or not lines[end] else ["", *lines[end:]]
    return [*lines[:end], "", "[ids]", *new, *rest]


def _before_tables(lines: list[str]) -> int:
    """Where the plain fields end: behind the last of them before the first table."""
    opening = next((at for at, line in enumerate(lines) if _TABLE.match(line)), len(lines))
    while opening and _COMMENT.fullmatch(lines[opening - 1]):
        opening -= 1
    return opening


def _id_lines(ids: Mapping[str, str]) -> list[str]:
    return [f"{register} = {_string(number)}" for register, number in ids.items()]


def _row_lines(row: Baseline) -> Iterator[str]:
    yield "[[baseline]]"
    order = ("authority", "instrument", "scope", "listed", "suspended", "delisted", "note", "source")
    for field in order:
        value: str | None = getattr(row, field)
        if value is not None:
            yield f"{field} = {_string(value)}"


def _strings(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(_string, texts))}]"


def _string(text: str) -> str:
    """A basic string of TOML."""
    return '"' + "".join(_ESCAPES.get(c, c if c.isprintable() else f"\\U{ord(c):08X}") for c in text) + '"'
