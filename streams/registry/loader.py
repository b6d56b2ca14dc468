"""TOML files to registry records, strictly: every fault is a `DataFileError` that names file and key."""

from collections.abc import Iterable, Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from typing import TypeVar

import msgspec

from streams.errors import DataFileError
from streams.records import AuthorityKey, GroupKey
from streams.registry.entries import Authority, Group
from streams.registry.folding import fold_key

T = TypeVar("T", Authority, Group)


def load_folder(folder: Traversable, kind: type[T]) -> dict[str, T]:
    """Every `*.toml` of the folder, by key. Raises DataFileError on the first file that breaks a rule."""
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    return {record.key: record for record in (load_file(file, kind) for file in files)}


def load_file(file: Traversable, kind: type[T]) -> T:
    """One record, checked on its own: syntax, fields, file name, sources."""
    try:
        record = msgspec.toml.decode(file.read_bytes(), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DataFileError(file.name, str(error)) from None
    if f"{record.key}.toml" != file.name:
        raise DataFileError(file.name, f"the file name is not the key {record.key!r}", "key")
    if not record.sources:
        raise DataFileError(file.name, "no source given", "sources")
    return record


def package_folder(name: str) -> Traversable:
    """The data folder that ships with the package: `authorities` or `groups`."""
    return resources.files("streams.registry").joinpath(name)


def check_authorities(authorities: Mapping[AuthorityKey, Authority]) -> None:
    """Rules across authority files: no two share a name, organs and instruments are unique, one main list."""
    owners: dict[str, str] = {}
    for key, authority in authorities.items():
        organs = (name for organ in authority.organs for name in organ.names)
        texts = (
            authority.name,
            *authority.names,
            *authority.demonyms,
            *authority.metonyms,
            *authority.figures,
        )
        _claim_texts(owners, key, (*texts, *organs), f"{key}.toml")
        _check_instruments(authority)


def check_groups(groups: Mapping[GroupKey, Group], authorities: Mapping[AuthorityKey, Authority]) -> None:
    """Rules across group files: no shared alias, no dead reference, baselines that name known lists."""
    owners: dict[str, str] = {}
    for key, group in groups.items():
        file = f"{key}.toml"
        _claim_texts(owners, key, (group.name, *(alias.text for alias in group.aliases)), file)
        for other in (group.part_of, *group.successor_of):
            if other is not None and other not in groups:
                raise DataFileError(file, f"names the group {other!r}, which has no file", "part_of/successor_of")
        for text in group.never:
            if owners.get(fold_key(text)) == key:
                raise DataFileError(file, f"{text!r} is an alias and listed as never one", "never")
        _check_baseline(group, authorities)


def _claim_texts(owners: dict[str, str], key: str, texts: Iterable[str], file: str) -> None:
    for text in texts:
        folded = fold_key(text)
        if not any(char.isalnum() for char in folded):
            raise DataFileError(file, f"{text!r} has no letters", "aliases")
        if folded in owners:
            where = "twice in this file" if owners[folded] == key else f"also in {owners[folded]}.toml"
            raise DataFileError(file, f"the alias {text!r} stands {where}", "aliases")
        owners[folded] = key


def _check_instruments(authority: Authority) -> None:
    keys = [instrument.key for instrument in authority.instruments]
    if len(set(keys)) != len(keys):
        raise DataFileError(f"{authority.key}.toml", "an instrument key stands twice", "instruments")
    if keys and sum(instrument.main for instrument in authority.instruments) != 1:
        raise DataFileError(f"{authority.key}.toml", "exactly one instrument must be main", "instruments")


def _check_baseline(group: Group, authorities: Mapping[AuthorityKey, Authority]) -> None:
    for row in group.baseline:
        file, where = f"{group.key}.toml", f"baseline of {row.authority}"
        if row.authority not in authorities:
            raise DataFileError(file, "no authority file of that key", where)
        known = {instrument.key for instrument in authorities[row.authority].instruments}
        if row.instrument is not None and row.instrument not in known:
            raise DataFileError(file, f"no instrument {row.instrument!r} in {row.authority}.toml", where)
        if not row.source.startswith(("https://", "http://")):
            raise DataFileError(file, "the source is not a web address", where)
