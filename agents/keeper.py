"""Runs one command that never outlives the process that asked for it.

    asker ──pipe──▶ keeper ──▶ command ──▶ whatever the command starts
                    own session  own session, so its own process group

`up` starts every process of its tree through `keep`. The asker holds the write end of the keeper's stdin and
never writes. However the asker ends, by return, by an exception or by kill -9, the kernel closes that end:
the keeper reads end of file, sends TERM to the command, waits the grace, then KILLs the command's whole
group. TERM, INT and HUP to the keeper do the same. What the command leaves behind in its group is killed
with it.

Ctrl-C reaches neither keeper nor command, because both have left the terminal's session: the asker decides.

Limits. On Linux the kernel KILLs the command when its keeper is killed (PR_SET_PDEATHSIG); elsewhere a
command whose keeper is killed with -9 runs on. Either way that kill reaches the command alone, not what it
started. A process that leaves the group by a setsid of its own is out of reach. The asker must not fork
without exec: the copy would hold the pipe open.

The file is run by path with nothing but the standard library (`python -I -S`), so that it starts in
milliseconds and cannot fail on what is installed.
"""

import argparse
import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import IO

GRACE_S = 5.0
NOT_FOUND = 127  # the shells' code for a command that could not be started
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def keep(
    cmd: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    grace_s: float = GRACE_S,
    stdout: int | IO[bytes] | None = None,
    stderr: int | IO[bytes] | None = None,
    pass_fds: Collection[int] = (),
) -> subprocess.Popen[bytes]:
    """The keeper of `cmd`, running; its exit code is the command's, 128 + n if signal n ended it.

    `terminate()` it, or drop it, to end the command gently; `end` waits for that. `pass_fds` stay open in the
    keeper, not in the command: a lock passed so is held exactly as long as the command may live.
    """
    keeper = [sys.executable, "-I", "-S", __file__, f"--grace={grace_s}", "--", *map(str, cmd)]
    return subprocess.Popen(
        keeper,
        stdin=subprocess.PIPE,
        stdout=stdout,
        stderr=stderr,
        env=env,
        cwd=cwd,
        pass_fds=pass_fds,
        start_new_session=True,
    )


def end(kept: subprocess.Popen[bytes], within_s: float = GRACE_S + 5) -> int:
    """The exit code of `kept` after TERM, its grace and KILL; `within_s` must exceed the grace."""
    kept.terminate()
    try:
        return kept.wait(within_s)
    except subprocess.TimeoutExpired:
        kept.kill()
        return kept.wait()
    finally:
        if kept.stdin is not None:
            kept.stdin.close()


def main(argv: Sequence[str]) -> int:
    """Keeps the command after `--`; the exit code is what `keep` promises."""
    parser = argparse.ArgumentParser(description="run a command that ends when this process's stdin does")
    parser.add_argument("--grace", type=float, default=GRACE_S, metavar="S", help="from TERM to KILL")
    parser.add_argument("cmd", nargs="+")
    options = parser.parse_args(argv)
    signals = _catch_signals()
    try:
        child = _spawn(options.cmd)
    except OSError as error:
        sys.stderr.write(f"{options.cmd[0]}: {error.strerror}\n")
        return NOT_FOUND
    code = _watch(child, signals, options.grace)
    _kill_group(child)
    return code if code >= 0 else 128 - code


def _catch_signals() -> int:
    """A descriptor from which each signal that arrives is read as one byte, its number."""
    readable, writable = os.pipe()
    os.set_blocking(readable, False)
    os.set_blocking(writable, False)
    signal.set_wakeup_fd(writable)
    for number in (*ENDING, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    return readable


def _spawn(cmd: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        cmd,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=_dies_with(os.getpid()) if sys.platform == "linux" else None,  # noqa: PLW1509  one thread
    )


def _dies_with(keeper: int) -> Callable[[], None]:
    """What a child runs before it becomes the command, so that the kernel kills it with its keeper."""
    libc = ctypes.CDLL(None)

    def bind() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != keeper:  # it died before the call above could bind us
            os._exit(128 + signal.SIGKILL)

    return bind


def _watch(child: subprocess.Popen[bytes], signals: int, grace_s: float) -> int:
    """The exit code of the child, once it has ended of itself or because it was asked to."""
    watched = {sys.stdin.fileno(), signals}
    deadline: float | None = None
    while (code := child.poll()) is None:
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        ready = select.select(watched, [], [], left)[0]
        asked = _asked_to_end(ready, signals, watched)
        if asked and deadline is None:
            child.terminate()
            deadline = time.monotonic() + grace_s
        elif not ready:
            _kill_group(child)
            child.wait()
    return code


def _asked_to_end(ready: Collection[int], signals: int, watched: set[int]) -> bool:
    """Whether the asker is gone or one of ENDING has come; reads what is ready."""
    asked = False
    for descriptor in ready:
        data = os.read(descriptor, 4096)
        if descriptor == signals:
            asked = asked or any(number in data for number in ENDING)
        elif not data:
            watched.discard(descriptor)
            asked = True
    return asked


def _kill_group(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: EPERM when only a zombie is left
        os.killpg(child.pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
