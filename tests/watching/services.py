"""Listwire's processes as they are deployed, on loopback, kept so that none outlives the tests."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import aiohttp
import psutil

from agents.keeper import end, keep

READY_S = 60.0
FAULTY = str(Path(__file__).with_name("faulty.py"))


class Service:
    """A command of Listwire's with a port. Signals go to the command itself, not to its keeper."""

    def __init__(
        self, folder: Path, port: int, environment: Mapping[str, str], *arguments: str, faults: str = ""
    ) -> None:
        self.port = port
        self.faults = faults
        self._environment = {**os.environ, **environment}
        self._arguments = arguments
        self._log = folder / f"{arguments[0]}-{port}.log"
        self._kept = self._start()

    @property
    def pid(self) -> int:
        (child,) = psutil.Process(self._kept.pid).children()
        return child.pid

    @property
    def log(self) -> str:
        return self._log.read_text("utf-8")

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        """As kill -9 does."""
        self.signal(signal.SIGKILL)
        self._kept.wait(15)
        self._let_go()

    def restart(self, faults: str = "", **changes: str) -> None:
        """Starts it again, with these faults, and these variables changed."""
        self.faults = faults
        self._environment |= changes
        self._kept = self._start()

    def stop(self) -> None:
        """As a supervisor does."""
        if self._kept.poll() is None:
            end(self._kept, 30)
        self._let_go()

    async def ready(self) -> None:
        """Returns when it says so itself."""
        async with aiohttp.ClientSession() as http, asyncio.timeout(READY_S):
            while not await self._is_ready(http):
                assert self._kept.poll() is None, self.log[-2000:]
                await asyncio.sleep(0.1)

    async def _is_ready(self, http: aiohttp.ClientSession) -> bool:
        try:
            async with http.get(f"http://127.0.0.1:{self.port}/readyz", timeout=aiohttp.ClientTimeout(4)) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    def _start(self) -> subprocess.Popen[bytes]:
        option = "--port" if self._arguments[0] == "web" else "--metrics-port"
        program = [FAULTY, self.faults] if self.faults else ["-P", "-m", "agents"]
        command = [sys.executable, *program, *self._arguments, option, str(self.port)]
        with self._log.open("ab") as log:
            return keep(command, env=self._environment, stdout=log, stderr=log)

    def _let_go(self) -> None:
        if self._kept.stdin is not None:
            self._kept.stdin.close()
