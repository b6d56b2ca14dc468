"""More stories in order than fit into memory: sorted runs on disk, merged as they are read."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack
from itertools import count, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import IO, Any, Self

from streams.codec import decode, encode
from streams.records import Story

WIDE = 100
"""Runs on disk, each an open file; a process may have some thousand."""

RUN = 20_000
"""Stories that are sorted in memory at a time: some hundred megabytes of the usual length."""


class SpillingSort(AbstractContextManager["SpillingSort"]):
    """Sorts as `sorted` does, on disk when there are more stories than one run; its files go with the block.

    `run`: how many are sorted in memory; `wide`: how many runs are kept open before they are merged into one.
    """

    def __init__(self, run: int = RUN, wide: int = WIDE) -> None:
        self._run = run
        self._wide = wide
        self._numbers = count()
        self._held = ExitStack()

    def __enter__(self) -> Self:
        self.folder = Path(self._held.enter_context(TemporaryDirectory(prefix="listwire-")))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held.close()

    def __call__(self, stories: Iterable[Story], /, *, key: Callable[[Story], Any]) -> Iterable[Story]:
        """Has taken all `stories` when it returns."""
        runs: list[IO[bytes]] = []
        coming = iter(stories)
        while run := sorted(islice(coming, self._run), key=key):
            if not runs and len(run) < self._run:
                return run
            runs.append(self._spilled(run))
            if len(runs) == self._wide:
                runs = [self._merged(runs, key)]
        return heapq.merge(*map(_read, runs), key=key)

    def _merged(self, runs: list[IO[bytes]], key: Callable[[Story], Any]) -> IO[bytes]:
        """One run of all these, which are gone."""
        merged = self._spilled(heapq.merge(*map(_read, runs), key=key))
        for file in runs:
            file.close()
            Path(file.name).unlink()
        return merged

    def _spilled(self, run: Iterable[Story]) -> IO[bytes]:
        file = self._held.enter_context((self.folder / f"{next(self._numbers)}.jsonl").open("w+b"))
        file.writelines(encode(story) + b"\n" for story in run)
        file.seek(0)
        return file


def _read(file: IO[bytes]) -> Iterator[Story]:
    return (decode(line, Story) for line in file)
