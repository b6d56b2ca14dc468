"""The ledger's state machine as a picture: Mermaid text, drawn from the table and from nothing else."""

from collections import defaultdict

from streams.transitions import TABLE, Row
from streams.vocabulary import AlertKind, Change, State

_TRACKS = {
    "The list": tuple(change for change in Change if change is not Change.RECOGNITION),
    "Recognition": (Change.RECOGNITION,),
}


def ledger_page() -> str:
    """The page `.github/LEDGER.md`: a diagram for each track and the table in words."""
    parts = [_HEAD]
    for title, changes in _TRACKS.items():
        rows = [row for row in TABLE if row.change in changes]
        parts.append(f"## {title}\n\n```mermaid\n{_diagram(rows)}\n```\n")
    parts.append(_table())
    return "\n".join(parts)


def _diagram(rows: list[Row]) -> str:
    """Arrows of the moves; several claims that lead the same way share one."""
    labels: defaultdict[tuple[State, str], list[str]] = defaultdict(list)
    for row in rows:
        for state in row.states:
            labels[state, _target(state, row)].append(_label(row))
    lines = [
        f"    {_id(state)} --> {target}: {', '.join(dict.fromkeys(told))}" for (state, target), told in labels.items()
    ]
    return "\n".join(["stateDiagram-v2", *lines])


def _target(state: State, row: Row) -> str:
    """Where the arrow ends: the state before is not drawn but named, since it depends on the way there."""
    if row.edge.to is not None:
        return _id(row.edge.to)
    return "as_before" if row.edge.undoes or (row.edge.kind is AlertKind.REJECTED and "-" in state) else _id(state)


def _label(row: Row) -> str:
    return f"{row.change} {row.stage}"


def _id(state: State) -> str:
    return state.replace("-", "_")


def _table() -> str:
    head = "## The table\n\n| from | claim | to | alert |\n|---|---|---|---|\n"
    return head + "".join(
        f"| {', '.join(row.states)} | {_label(row)} | {_outcome(row)} | {_announced(row)} |\n" for row in TABLE
    )


def _outcome(row: Row) -> str:
    if row.edge.undoes:
        return "as before the move"
    return row.edge.to or "the settled state below, or the same"


def _announced(row: Row) -> str:
    if row.edge.undoes:
        return "retraction, if the authority itself says so; else the entry is disputed"
    if row.edge.disputed:
        return "none; the entry is disputed"
    return row.edge.kind or "none"


_HEAD = """# The ledger's states

Drawn from the table in `streams/transitions.py`; a test fails when this page and the table differ. Each list of an
authority, and each wing of a group, has a standing of its own; the group is listed while one of them is. A claim that
fits no arrow leaves the state as it is and may add a source or history. `as_before` stands for the settled state under
the one that is left.
"""


if __name__ == "__main__":
    import sys

    sys.stdout.write(ledger_page())
