"""TOML files to registry records, strictly: every fault is a `DataFileError` that names file and key."""

from collections.abc import Iterable, Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from typing import TypeVar

import msgspec

from streams.registry.entries import Authority, Group
from streams.registry.fields import field_problems
from streams.registry.problems import Problem, Records, Rule
from streams.registry.rules import RULES

T = TypeVar("T", Authority, Group)


def load_folder(folder: Traversable, kind: type[T]) -> dict[str, T]:
    """Every `*.toml` of the folder, by key. Raises DataFileError on the first file that is no record."""
    records, problems = read_folder(folder, kind)
    for problem in problems:
        raise problem.error()
    return records


def read_folder(folder: Traversable, kind: type[T]) -> tuple[dict[str, T], list[Problem]]:
    """Every record of the folder, by key, and what is wrong with the files that are none."""
    records: dict[str, T] = {}
    problems: list[Problem] = []
    for file in sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name):
        record, found = _read_file(file, kind)
        problems += found
        if record is not None:
            records[record.key] = record
    return records, problems


def package_folder(name: str) -> Traversable:
    """The data folder that ships with the package: `authorities` or `groups`."""
    return resources.files("streams.registry").joinpath(name)


def problems_of(records: Records, rules: Iterable[Rule] = RULES) -> Iterator[Problem]:
    """What is wrong with the records, rule by rule."""
    for rule in rules:
        yield from rule(records)


def refuse_problems(records: Records) -> None:
    """Raise the first problem as a DataFileError, if there is one."""
    for problem in problems_of(records):
        raise problem.error()


def _read_file(file: Traversable, kind: type[T]) -> tuple[T | None, list[Problem]]:
    where = f"{'groups' if kind is Group else 'authorities'}/{file.name}"
    content = file.read_bytes()
    try:
        record = msgspec.toml.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None, list(field_problems(where, content, kind))
    if f"{record.key}.toml" != file.name:
        fault = f"the file name is not the key {record.key!r}"
        return None, [Problem(where, "key", fault, "rename the file, or mend the key")]
    return record, []
