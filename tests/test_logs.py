"""Logging: one line an event, inert whatever is in it, and libraries that repeat themselves thinned out."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from agents import logs
from agents.logs import configure_logging, get_logger


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in logs.LIBRARIES}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, was in levels.items():
        logging.getLogger(name).setLevel(was)


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


def lines(out: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_events_and_their_facts_become_json_where_no_terminal_is(out: io.StringIO) -> None:
    configure_logging("info", "auto", out)
    get_logger("guard").warning("dead letter", reason="malformed")
    get_logger("guard").debug("not this one")
    (line,) = lines(out)
    assert (line["event"], line["reason"], line["level"], line["logger"]) == (
        "dead letter",
        "malformed",
        "warning",
        "listwire.guard",
    )


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_text_from_strangers_cannot_move_the_cursor_or_start_a_line(log_format: str, out: io.StringIO) -> None:
    configure_logging("info", log_format, out)  # type: ignore[arg-type]
    get_logger("guard").warning("seen", headline="a\x1b[2Jb\nc\u202ed")
    logging.getLogger("aiokafka.client").error("from %s", "x\x1b[2J\ny")
    text = out.getvalue()
    assert len(text.splitlines()) == 2
    assert not {"\x1b", "\u202e"} & set(text)


def test_a_traceback_keeps_its_lines_and_loses_its_escapes(out: io.StringIO) -> None:
    configure_logging("info", "console", out)
    try:
        raise ValueError("\x1b[31mred")
    except ValueError:
        get_logger("guard").error("handler failed", exc_info=True)
    assert "Traceback" in out.getvalue()
    assert "\x1b" not in out.getvalue()


def test_a_library_says_the_same_thing_once_and_then_how_often(
    out: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(logs.time, "monotonic", lambda: clock[0])
    configure_logging("info", "json", out)
    for node in range(5):
        logging.getLogger("aiokafka.client").error("Unable connect to node %s", node)
    clock[0] += logs.REPEAT_S
    logging.getLogger("aiokafka.client").error("Unable connect to node %s", 9)
    assert [line["event"] for line in lines(out)] == [
        "Unable connect to node 0",
        "Unable connect to node 9 (and 4 more like it)",
    ]


def test_our_own_events_are_never_thinned_out(out: io.StringIO) -> None:
    configure_logging("info", "json", out)
    for _ in range(3):
        get_logger("guard").warning("dead letter")
    assert len(lines(out)) == 3


def test_what_libraries_say_in_passing_is_not_shown(out: io.StringIO) -> None:
    configure_logging("debug", "json", out)
    logging.getLogger("faust.app").info("Executing _on_partitions_assigned")
    logging.getLogger("aiokafka.consumer").error("Request failed: %s", "[Error 15] GroupCoordinatorNotAvailableError")
    assert out.getvalue() == ""
