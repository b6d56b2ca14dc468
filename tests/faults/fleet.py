"""The processes under fault: started, killed, frozen and started again, as a supervisor would."""

import asyncio
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import psutil

from agents.deadletter import ABORTED
from agents.keeper import end, keep

PROGRAM = Path(__file__).with_name("process.py")
STOP_WITHIN_S = 10.0
"""How long a worker may take to end on SIGTERM, under load."""


@dataclass
class Slot:
    """A place for one process; whatever ends it unasked, the next one is started at once."""

    name: str
    role: str
    settings: dict[str, Any]
    folder: Path
    feeds: tuple[dict[str, Any], ...] = ()
    faults: dict[str, Any] = field(default_factory=dict)
    endings: Counter[int] = field(default_factory=Counter)
    starts: int = 0
    _kept: subprocess.Popen[bytes] | None = None

    def start(self, **faults: Any) -> None:
        """Starts it with these faults besides those it always has."""
        self.starts += 1
        given = {
            "role": self.role, "settings": self.settings, "feeds": self.feeds,
            **self.faults, **faults, "seed": self.starts + 1000 * sum(map(ord, self.name)),
        }  # fmt: skip
        command = [sys.executable, str(PROGRAM), orjson.dumps(given).decode()]
        with (self.folder / f"{self.name}.log").open("ab") as log:
            self._kept = keep(command, stdout=log, stderr=log, grace_s=60)

    @property
    def process(self) -> psutil.Process | None:
        """The process itself, if it runs."""
        if self._kept is None or self._kept.poll() is not None:
            return None
        try:
            return next(iter(psutil.Process(self._kept.pid).children()), None)
        except psutil.NoSuchProcess:
            return None

    async def ended(self, within_s: float) -> int | None:
        """The exit code once it has ended by itself, None if it still runs."""
        deadline = time.monotonic() + within_s
        while self._kept is not None and time.monotonic() < deadline:
            if (code := self._kept.poll()) is not None:
                self._close(code)
                return code
            await asyncio.sleep(0.05)
        return None

    def _close(self, code: int) -> None:
        self.endings[code] += 1
        if self._kept is not None and self._kept.stdin is not None:
            self._kept.stdin.close()
        self._kept = None

    async def kill(self) -> None:
        """kill -9."""
        if process := self.process:
            process.kill()
        await self.ended(15)

    async def stop(self) -> tuple[int, float]:
        """SIGTERM: exit code and seconds; from outside, as systemd would, not by its keeper."""
        began = time.monotonic()
        if process := self.process:
            process.terminate()
        code = await self.ended(60)
        return (-1 if code is None else code), time.monotonic() - began

    async def freeze(self, seconds: float) -> None:
        """SIGSTOP for so long: to the others it is dead, and then it goes on where it was."""
        process = self.process
        if process is None:
            return
        process.suspend()
        await asyncio.sleep(seconds)
        if process.is_running():
            process.resume()

    def restart_if_ended(self) -> bool:
        """Starts it again if it has ended by itself."""
        if self._kept is not None and self._kept.poll() is None:
            return False
        if self._kept is not None:
            self._close(self._kept.poll() or 0)
        self.start()
        return True

    def close(self) -> None:
        """Ends it whatever it does."""
        if self._kept is not None:
            if process := self.process:
                process.kill()
            end(self._kept, 30)
            self._kept = None

    @property
    def aborted(self) -> int:
        """How often it ended itself because an event could be neither handled nor buried."""
        return self.endings[ABORTED]
