"""Feeds that nobody looks at: a standstill while the broker answers, and none while it is silent."""

import asyncio

import pytest

from agents.watch import asking
from streams.stalls import Limits, Part, Stalls


def pass_overdue(stalls: Stalls, since: float, seconds: int) -> float:
    """Feeds are overdue for so long, the loop turns: how long nobody has looked at them, by `stalls`."""
    for second in range(1, seconds + 1):
        stalls.turn(since + second)
        stalls.beat(overdue=True)
    return next(found.seconds for found in stalls.standstills() if found.part is Part.FEEDS)


def test_feeds_wait_for_a_silent_broker_without_a_standstill_and_the_rest_of_the_time_when_it_answers() -> None:
    stalls = Stalls(broker_answers=True)
    stalls.turn(0.0)
    stalls.beat()
    assert pass_overdue(stalls, 0.0, 50) == 50
    stalls.broker_answers = False
    assert pass_overdue(stalls, 50.0, 10_000) == 50
    stalls.broker_answers = True
    assert pass_overdue(stalls, 10_050.0, 130) == 180
    stalls.looked()
    assert pass_overdue(stalls, 10_180.0, 1) == 1


async def test_a_process_without_a_sentinel_asks_again_and_again_whether_the_broker_answers() -> None:
    stalls, answers, heard = Stalls(Limits(look_s=0)), [True, False, True], []

    async def answer() -> bool:
        heard.append(stalls.broker_answers)
        if not answers:
            raise EOFError
        return answers.pop(0)

    with pytest.raises(EOFError):
        await asyncio.wait_for(asking(stalls, answer), 5)
    assert heard == [False, True, False, True]
