"""What a wire says of its own messages, by code and by word."""

from datetime import UTC

import pytest

from streams.vocabulary import PubStatus, Signal
from streams.wires.notices import is_embargoed, signals_of, standing, status_of


@pytest.mark.parametrize(
    ("line", "signal"),
    [
        ("MANDATORY KILL", Signal.KILL),
        ("KILL - the story on the committee's list", Signal.KILL),
        ("Kill", Signal.KILL),
        ("KILL KILL KILL", Signal.KILL),
        ("*** ELIMINAR - ELIMINAR ***", Signal.KILL),
        ("CORRECTED-UPDATE 2-Committee takes a name off its list", Signal.CORRECTION),
        ("CORRECTION: the vote was on Tuesday", Signal.CORRECTION),
        ("REFILE-Committee meets", Signal.CORRECTION),
        ("Eds: corrects the spelling of a name", Signal.CORRECTION),
        ("BC-Committee-List, 2nd Ld-Writethru", Signal.UPDATE),
        ("UPDATE 1-Committee meets", Signal.UPDATE),
        ("(Eds: Updates with reaction)", Signal.UPDATE),
        ("RPT-Committee meets", Signal.REPEAT),
        ("UPDATES with reaction", Signal.UPDATE),
        ("ADDS statement", Signal.UPDATE),
        ("CORRECTS spelling in paragraph two", Signal.CORRECTION),
    ],
)
def test_a_label_is_a_signal(line: str, signal: Signal) -> None:
    assert signals_of(lines=[line]) == (signal,)


@pytest.mark.parametrize(
    "line",
    [
        "KILLED 20 IN BLAST",
        "WITHDRAWAL OF TROOPS BEGINS",
        "Update on the talks",
        "Kill list published",
        "RPTV IN TALKS",
        "UPDATES EXPECTED FROM COMMITTEE",
        "Adds to the list",
    ],
)
def test_the_first_word_of_a_sentence_is_none(line: str) -> None:
    assert signals_of(lines=[line]) == ()


@pytest.mark.parametrize(
    ("code", "signal"),
    [
        ("sig:correction", Signal.CORRECTION),
        ("edStat:D", Signal.KILL),
        ("Update", Signal.UPDATE),
        ("rpt", Signal.REPEAT),
    ],
)
def test_a_code_is_a_signal_whatever_its_scheme(code: str, signal: Signal) -> None:
    assert signals_of(codes=[code, None, "sig:atomic"]) == (signal,)


@pytest.mark.parametrize(
    ("code", "status"),
    [("stat:canceled", PubStatus.CANCELED), ("Withheld", PubStatus.WITHHELD), ("cancelled", PubStatus.CANCELED),
     ("Embargoed", PubStatus.USABLE), ("OPEN", PubStatus.USABLE), ("strange", None), (None, None)],
)  # fmt: skip
def test_a_status_is_known_in_every_spelling(code: str | None, status: PubStatus | None) -> None:
    assert status_of(code) is status


def test_an_embargo_is_told_from_a_status() -> None:
    assert is_embargoed("stat:embargoed")
    assert not is_embargoed("usable")


class TestAnEmbargo:
    def test_with_an_end_makes_the_story_usable_from_then_on(self) -> None:
        assert standing("Embargoed", "20240102T120000Z", UTC) == (PubStatus.USABLE, "20240102T120000Z")

    @pytest.mark.parametrize("until", [None, "", "next Friday"])
    def test_without_one_withholds_it(self, until: str | None) -> None:
        assert standing("embargoed", until, UTC) == (PubStatus.WITHHELD, None)

    def test_is_none_where_the_status_is_another(self) -> None:
        assert standing("Usable", "20240102T120000Z", UTC) == (PubStatus.USABLE, None)
