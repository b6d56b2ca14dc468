"""Turns at a host: one at a time, with a pause, and silent when it asks for that."""

from datetime import UTC, datetime, timedelta

from agents.hosts import SILENCE_AT_MOST_S, Hosts


class Clock:
    """Sleeping moves it."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 24, tzinfo=UTC)
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += timedelta(seconds=seconds)


def hosts(clock: Clock) -> Hosts:
    return Hosts(lambda: clock.time, clock.sleep, 1.0)


async def take(turns: Hosts, host: str) -> None:
    async with turns.turn(host):
        pass


async def test_a_pause_follows_each_turn() -> None:
    clock = Clock()
    turns = hosts(clock)
    await take(turns, "a.example")
    await take(turns, "b.example")
    await take(turns, "a.example")
    assert clock.slept == [1.0]


async def test_a_host_that_asks_for_silence_gets_it_for_all_its_feeds() -> None:
    clock = Clock()
    turns = hosts(clock)
    turns.silence("a.example", 90)
    await take(turns, "b.example")
    await take(turns, "a.example")
    assert clock.slept == [90.0]


async def test_no_host_falls_silent_for_a_day() -> None:
    clock = Clock()
    turns = hosts(clock)
    turns.silence("a.example", 86_400)
    await take(turns, "a.example")
    assert clock.slept == [SILENCE_AT_MOST_S]
