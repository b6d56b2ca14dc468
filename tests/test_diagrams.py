"""The picture of the ledger is the ledger's own."""

from pathlib import Path

from streams.diagrams import ledger_page
from streams.transitions import TRANSITIONS
from streams.vocabulary import State

PAGE = Path(__file__).resolve().parents[1] / ".github" / "LEDGER.md"


def test_the_page_is_drawn_from_the_table() -> None:
    assert PAGE.read_text("utf-8") == ledger_page(), "draw it again: python -m streams.diagrams > .github/LEDGER.md"


def test_every_state_is_on_it() -> None:
    reached = {edge.to for edge in TRANSITIONS.values() if edge.to} | {state for state, _, _ in TRANSITIONS}
    assert reached == set(State)
    page = ledger_page()
    assert all(state.replace("-", "_") in page for state in State)
