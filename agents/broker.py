"""The broker that `up` starts when none is configured: one real Apache Kafka, of this user, on loopback.

A data folder is one broker for ever:

    kafka/              the log; formatted once, so one cluster id and all topics for as long as it lives
    ports               client and controller port: taken again if free, so that clients find it again
    server.properties   written anew at each start, as ports may change
    broker.log          what Java said since this start; broker.log.1 is the start before
    owner.lock          held by the process that started it: a second one is refused
    broker.lock         held by its keeper: after a kill -9 of the owner the next waits until Java has gone

Locks are `flock`s, which the kernel drops with their last holder; the files by themselves mean nothing.
"""

import contextlib
import fcntl
import os
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from agents.broker_jars import (
    BrokerError,
    BrokerSpec,
    BrokerUnavailableError,
    Progress,
    Runtime,
    disk_errors_told,
    prepare,
)
from agents.broker_node import GRACE_S, HOST, format_once, launch, remembered_ports

__all__ = ["Broker", "BrokerError", "BrokerSpec", "BrokerUnavailableError", "Runtime", "prepare", "running"]


class Broker:
    """A broker that runs until `stop`, or until the process that started it ends, in whatever way.

    `bootstrap` is its `host:port`; `process`, its keeper, ends when the broker does. The process that has one
    must not fork without exec (see the keeper).
    """

    def __init__(self, bootstrap: str, process: subprocess.Popen[bytes], held: contextlib.ExitStack) -> None:
        self.bootstrap = bootstrap
        self.process = process
        self._held = held

    @classmethod
    def start(cls, spec: BrokerSpec, progress: Progress) -> Self:
        """The broker of `spec.data_dir`, answering; blocks, for seconds if the jars are there.

        Raises BrokerError: no Java or jars, the folder in use, or Kafka's own last lines if it fails.
        """
        runtime = prepare(spec, progress)
        folder = spec.data_dir.absolute()
        with contextlib.ExitStack() as held, disk_errors_told():
            folder.mkdir(parents=True, exist_ok=True)
            _own(folder, held)
            lock = _await_end_of_the_last(folder, held, progress)
            format_once(runtime, folder)
            progress("starting Apache Kafka")
            ports, process = launch(runtime, folder, lock, held)
            return cls(f"{HOST}:{ports.client}", process, held.pop_all())

    def stop(self) -> None:
        """Ends it cleanly, or hard after the grace, and frees the data folder; a second call does nothing."""
        self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def running(data_dir: Path) -> str | None:
    """The `host:port` of the broker that some process keeps on `data_dir` just now, None if none does."""
    with contextlib.suppress(FileNotFoundError), (data_dir / "broker.lock").open("rb") as lock:
        if not _locks(lock, fcntl.LOCK_SH) and (port := remembered_ports(data_dir).client):
            return f"{HOST}:{port}"
    return None


def _own(folder: Path, held: contextlib.ExitStack) -> None:
    """Makes this process the owner of the folder, with its pid in the lock for whoever comes second."""
    lock = held.enter_context((folder / "owner.lock").open("a+b"))
    if not _locks(lock, fcntl.LOCK_EX):
        lock.seek(0)
        pid = lock.read().decode("ascii", "replace")
        raise BrokerError(f"{folder}: in use by process {pid}; stop it, or choose another data folder")
    lock.truncate(0)
    lock.write(str(os.getpid()).encode("ascii"))
    lock.flush()


def _await_end_of_the_last(folder: Path, held: contextlib.ExitStack, progress: Progress) -> IO[bytes]:
    """The lock to hand to the keeper, once the broker of an owner who was killed has ended."""
    lock = held.enter_context((folder / "broker.lock").open("a+b"))
    if _locks(lock, fcntl.LOCK_EX):
        return lock
    progress("waiting for the broker of an earlier process to end")
    deadline = time.monotonic() + GRACE_S + 5
    while time.monotonic() < deadline:
        if _locks(lock, fcntl.LOCK_EX):
            return lock
        time.sleep(0.1)
    raise BrokerError(f"{folder}: the broker of an earlier process still runs on it")


def _locks(file: IO[bytes], kind: int) -> bool:
    """Whether the lock on `file` could be taken at once."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
