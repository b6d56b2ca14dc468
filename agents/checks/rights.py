"""What the broker lets our principal do, beside what each role needs. The broker tells it; nothing is tried out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from agents.checks import Finding, fine, odd, wrong
from agents.inquiries import Rights
from streams.acls import Grant, Kind, Operation, Role, grants

IMPLIED = {
    Operation.DESCRIBE: {Operation.READ, Operation.WRITE},
    Operation.DESCRIBE_CONFIGS: {Operation.ALTER_CONFIGS},
}
Told = Mapping[tuple[Kind, str], Rights | None]
"""By kind and name; None: it does not exist, so nothing is told of it."""


def examine(told: Told, role: Role | None) -> Iterator[Finding]:
    """Whether the role can be played, or which roles can be if none is named."""
    lacking = {each: [line for grant in grants(each) for line in _missing(grant, told)] for each in Role}
    grant = "grant it: `listwire topics acls` lists the rights of each role"
    if role is not None:
        what = f"as {role}: "
        lines = lacking[role]
        yield wrong("rights", f"{what}no {'; no '.join(lines)}", grant) if lines else fine("rights", f"{what}all")
        return
    able = [each for each in Role if not lacking[each]]
    if able:
        yield fine("rights", f"enough for {', '.join(able)}")
        return
    nearest = min(Role, key=lambda each: len(lacking[each]))
    what = f"enough for no role; nearest is {nearest}, without {'; '.join(lacking[nearest])}"
    yield odd("rights", what, f"{grant}; `--role` says which one this is")


def _missing(grant: Grant, told: Told) -> Iterator[str]:
    """The rights of a grant that we have not on anything that it is about, as far as the broker tells."""
    names = [name for kind, name in told if kind is grant.kind and _is_about(grant, name)]
    for name in names:
        have = told[grant.kind, name]
        if have is None:
            continue
        lacks = [operation for operation in grant.operations if not have & {operation, *IMPLIED.get(operation, ())}]
        if lacks:
            yield f"{', '.join(lacks)} on {grant.kind} {name}"


def _is_about(grant: Grant, name: str) -> bool:
    return name.startswith(grant.name) if grant.prefixed else name == grant.name
