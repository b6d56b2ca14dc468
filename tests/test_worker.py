"""How a worker starts and ends: what it refuses, what stops it, and with which exit code."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from agents import worker
from agents.kafka import BrokerDown
from agents.settings import load_settings
from agents.worker import rehearse, run_worker
from streams.errors import DataFileError, SettingsError
from streams.registry import load_registry


class App:
    """A Faust app by hand, which stops when told or when it crashes."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.over = asyncio.Event()
        self.stopped = False
        self.crash_reason: BaseException | None = None

    async def start(self) -> None:
        self.started.set()

    async def wait_for_stopped(self) -> None:
        await self.over.wait()

    async def stop(self) -> None:
        self.stopped = True
        self.over.set()


class Messenger:
    """A herald by hand."""

    scheme = "ear"

    def __init__(self, *, dies: bool = False) -> None:
        self.dies = dies
        self.ended = False

    async def run(self) -> None:
        try:
            if self.dies:
                raise ValueError("no more")
            await asyncio.Event().wait()
        finally:
            self.ended = True


async def run(app: Any, *messengers: Any) -> int:
    async with asyncio.timeout(5):
        return await worker._run(app, messengers)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_everything_and_is_no_failure(number: signal.Signals) -> None:
    app, messenger = App(), Messenger()
    running = asyncio.create_task(run(app, messenger))
    await app.started.wait()
    os.kill(os.getpid(), number)
    assert await running == 0
    assert (app.stopped, messenger.ended) == (True, True)


async def test_a_herald_that_dies_takes_the_worker_with_it() -> None:
    app, other = App(), Messenger()
    assert await run(app, Messenger(dies=True), other) == 1
    assert (app.stopped, other.ended) == (True, True)


async def test_agents_that_crash_take_the_worker_with_them() -> None:
    app, messenger = App(), Messenger()
    running = asyncio.create_task(run(app, messenger))
    await app.started.wait()
    app.crash_reason = RuntimeError("consumer thread died")
    app.over.set()
    assert await running == 1
    assert messenger.ended


async def test_events_that_do_not_finish_are_left_uncommitted(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stuck(App):
        async def stop(self) -> None:
            await asyncio.Event().wait()

    left: list[int] = []
    monkeypatch.setattr(worker, "STOP_S", 0.01)
    monkeypatch.setattr(worker, "exit_now", lambda: left.append(1))
    await run(Stuck(), Messenger(dies=True))
    assert left == [1]


async def test_without_a_broker_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LISTWIRE_BROKER", raising=False)
    with pytest.raises(SettingsError, match="LISTWIRE_BROKER"):
        await run_worker(load_settings(broker=None), load_registry(), {})


async def test_a_broker_that_is_not_there_is_named_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(BrokerDown, match=r"127\.0\.0\.1:1"):
        await run_worker(load_settings(broker="127.0.0.1:1", data_dir=tmp_path), load_registry(), {})


def test_a_broken_data_file_shows_before_the_first_story(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise DataFileError("words.toml", "broken")

    rehearse(load_registry())
    monkeypatch.setattr(worker, "read", broken)
    with pytest.raises(DataFileError, match=r"words\.toml"):
        rehearse(load_registry())


async def test_a_filter_that_names_nobody_stops_the_start() -> None:
    settings = load_settings(broker="127.0.0.1:1", sinks=("stdout:?authority=ru,ruu",))
    with pytest.raises(
        SettingsError, match=r"^sink 'stdout:': authority=ruu: not in the registry \(did you mean ru\?\)$"
    ):
        await run_worker(settings, load_registry())
