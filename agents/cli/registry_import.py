"""`listwire registry import`: what an official list file would change in the registry, and its writing."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from streams.errors import ListwireError, SettingsError
from streams.records import GroupKey
from streams.registry import Registry, build_registry, load_registry
from streams.registry.entries import Group
from streams.registry.importing import FORMATS, load
from streams.registry.importing.diffs import Diff
from streams.registry.importing.listed import ListFileError
from streams.registry.importing.merging import merge
from streams.registry.importing.telling import tell
from streams.registry.importing.writing import changes, grown
from streams.registry.loader import load_folder, package_folder

MAX_FILE_BYTES = 512 * 1024 * 1024
"""Four times the largest official file."""


def register_import(group: typer.Typer) -> None:
    """Add the command to the group `registry`."""
    group.command("import")(import_list)


def import_list(
    files: Annotated[
        list[Path], typer.Argument(help="A list file; for OFAC's CSV also ALT.CSV and ADD.CSV.", show_default=False)
    ],
    format_name: Annotated[
        str | None,
        typer.Option("--format", help=f"One of {', '.join(known.NAME for known in FORMATS)}.", show_default=False),
    ] = None,
    write: Annotated[
        Path | None,
        typer.Option("--write", help="Write new and amended group files into this folder.", show_default=False),
    ] = None,
    accept: Annotated[
        list[str] | None,
        typer.Option(
            "--accept",
            metavar="KEY",
            help="Write only this group, even if held back; ENTRY=KEY also says which group an entry is.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The difference as one object.")] = False,
) -> None:
    """Show what an official list would change; curated fields are never overwritten."""
    registry = _registry(write)
    told, accepted = _accepted(accept or [], registry)
    diff = _diff(files, format_name, registry, told)
    _check(accepted, diff, registry)
    written = changes(diff, _texts(diff, write), accepted) if write is not None else {}
    grown(registry, written)
    if as_json:
        typer.echo(msgspec.json.encode(diff))
    else:
        for line in tell(diff):
            typer.echo(line)
    if write is not None:
        _write(write, written)


def _diff(files: list[Path], format_name: str | None, registry: Registry, told: dict[str, GroupKey]) -> Diff:
    try:
        found, entities = load((_read(file) for file in files), format_name)
    except ListFileError as error:
        raise error.named(", ".join(map(str, files))) from None
    return merge(found.NAME, entities, registry, found.COMPLETE, told)


def _read(file: Path) -> bytes:
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            raise ListFileError(f"larger than {MAX_FILE_BYTES // 1024 // 1024} MiB")
        return file.read_bytes()
    except OSError as error:
        raise SettingsError(f"{file}: {error.strerror}") from None


def _registry(write: Path | None) -> Registry:
    """The registry that ships, with the group files of the folder in place of their namesakes."""
    registry = load_registry()
    if write is None or not write.is_dir():
        return registry
    own = load_folder(write, Group)
    return build_registry(registry.authorities.values(), (registry.groups | own).values()) if own else registry


def _accepted(accept: list[str], registry: Registry) -> tuple[dict[str, GroupKey], set[GroupKey]]:
    told: dict[str, GroupKey] = {}
    keys: set[GroupKey] = set()
    for word in accept:
        reference, is_told, key = word.rpartition("=")
        if is_told and key not in registry.groups:
            raise SettingsError(f"--accept {word}: no group {key!r} in the registry")
        if is_told:
            told[reference] = GroupKey(key)
        keys.add(GroupKey(key))
    return told, keys


def _check(accepted: Iterable[GroupKey], diff: Diff, registry: Registry) -> None:
    known = {draft.group.key for draft in diff.drafts} | set(registry.groups)
    for key in accepted:
        if key not in known:
            raise SettingsError(f"--accept {key}: neither a group nor a draft of this list")


def _texts(diff: Diff, write: Path) -> dict[GroupKey, str]:
    """The files that are added to: those of the folder, else those that ship."""
    keys = [addition.key for addition in diff.additions]
    own = {key: write / f"{key}.toml" for key in keys}
    shipped = package_folder("groups")
    return {
        key: (file if file.exists() else shipped.joinpath(f"{key}.toml")).read_bytes().decode("utf-8")
        for key, file in own.items()
    }


def _write(folder: Path, written: dict[GroupKey, str]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for key, text in written.items():
            target, draft = folder / f"{key}.toml", folder / f".{key}.toml.new"
            draft.write_bytes(text.encode("utf-8"))
            os.replace(draft, target)
    except OSError as error:
        raise ListwireError(f"{folder}: {error.strerror}") from None
    typer.echo(f"wrote {len(written)} file{'s' * (len(written) != 1)} into {folder}", err=True)
