"""The keeper: whoever asks for a command, and however he ends, the command does not outlive him.

All processes of a test share one pipe as stdout, so that its end of file is the moment when the last is gone.
"""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.keeper import end, keep

WITHIN_S = 20.0

# Each program says `ready` once it stands; the family has a child of its own that would stay for ever.
STAYS = "import signal; print('ready', flush=True); signal.pause()"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + STAYS
TIDY = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
print('ready', flush=True)
signal.pause()
"""
FAMILY = f"""
import subprocess, sys
subprocess.run([sys.executable, '-c', {STUBBORN!r}])
"""
LEAVES_A_CHILD = f"""
import subprocess, sys
subprocess.Popen([sys.executable, '-c', {STUBBORN!r}])
sys.exit(4)
"""
ASKER = """
import sys
from agents.keeper import keep
kept = keep([sys.executable, '-c', sys.argv[1]], grace_s=0.5)
print('keeper', kept.pid, flush=True)
kept.wait()
"""


def python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes that a test starts; none of them is left when it ends."""
    processes: list[subprocess.Popen[bytes]] = []
    yield processes
    for process in processes:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def ask(started: list[subprocess.Popen[bytes]], program: str) -> tuple[subprocess.Popen[bytes], int]:
    """A process that keeps `program`, and its keeper's pid, once the program stands."""
    asker = subprocess.Popen([*python(ASKER), program], stdout=subprocess.PIPE)
    started.append(asker)
    assert asker.stdout is not None
    lines = {asker.stdout.readline(), asker.stdout.readline()}
    assert b"ready\n" in lines
    keeper = next(line for line in lines if line.startswith(b"keeper"))
    return asker, int(keeper.split()[1])


def all_gone(process: subprocess.Popen[bytes]) -> bool:
    """Whether every process that shares the stdout of `process` ends in time; what it still holds is read."""
    assert process.stdout is not None
    while select.select([process.stdout], [], [], WITHIN_S)[0]:
        if not os.read(process.stdout.fileno(), 4096):
            return True
    return False


def test_the_commands_output_and_exit_code_come_through() -> None:
    program = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(7)"
    kept = keep(python(program), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert kept.stdout is not None
    assert kept.stderr is not None
    assert kept.stdin is not None
    with kept.stdout, kept.stderr, kept.stdin:
        assert (kept.stdout.read(), kept.stderr.read()) == (b"out\n", b"err\n")
        assert kept.wait(WITHIN_S) == 7


def test_a_command_killed_by_a_signal_gives_the_shells_code_for_it() -> None:
    kept = keep(python("import os; os.kill(os.getpid(), 9)"))
    assert kept.wait(WITHIN_S) == 128 + signal.SIGKILL
    end(kept)


def test_a_command_that_does_not_exist_is_one_line_and_127(tmp_path: Path) -> None:
    kept = keep([tmp_path / "absent"], stderr=subprocess.PIPE)
    assert kept.stderr is not None
    with kept.stderr:
        assert kept.stderr.read().decode() == f"{tmp_path / 'absent'}: No such file or directory\n"
    assert kept.wait(WITHIN_S) == 127
    end(kept)


def test_the_command_runs_where_and_with_what_it_was_told(tmp_path: Path) -> None:
    program = "import os, sys; print(os.getcwd(), os.environ['WORD'], repr(sys.stdin.read()))"
    kept = keep(python(program), env=os.environ | {"WORD": "told"}, cwd=tmp_path, stdout=subprocess.PIPE)
    assert kept.stdout is not None
    with kept.stdout:
        assert kept.stdout.read().decode() == f"{tmp_path.resolve()} told ''\n"
    assert end(kept) == 0


def test_neither_keeper_nor_command_shares_the_askers_session() -> None:
    kept = keep(python("import os; print(os.getsid(0), os.getpgid(0), os.getpid())"), stdout=subprocess.PIPE)
    assert kept.stdout is not None
    keeper_session = os.getsid(kept.pid)
    with kept.stdout:
        session, group, pid = map(int, kept.stdout.read().split())
    assert keeper_session == kept.pid
    assert session == group == pid
    end(kept)


def test_term_reaches_the_command_which_ends_in_its_own_way(started: list[subprocess.Popen[bytes]]) -> None:
    kept = keep(python(TIDY), stdout=subprocess.PIPE)
    started.append(kept)
    assert kept.stdout is not None
    assert kept.stdout.readline() == b"ready\n"
    assert end(kept) == 3


def test_a_command_deaf_to_term_is_killed_after_the_grace(started: list[subprocess.Popen[bytes]]) -> None:
    kept = keep(python(STUBBORN), grace_s=0.2, stdout=subprocess.PIPE)
    started.append(kept)
    assert kept.stdout is not None
    assert kept.stdout.readline() == b"ready\n"
    assert end(kept) == 128 + signal.SIGKILL
    assert all_gone(kept)


def test_what_the_command_leaves_behind_goes_with_it(started: list[subprocess.Popen[bytes]]) -> None:
    kept = keep(python(LEAVES_A_CHILD), stdout=subprocess.PIPE)
    started.append(kept)
    assert kept.wait(WITHIN_S) == 4
    assert all_gone(kept)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda how: how.name)
@pytest.mark.parametrize("program", [STAYS, STUBBORN, FAMILY], ids=["stays", "stubborn", "family"])
def test_the_end_of_the_asker_ends_all(
    how: signal.Signals, program: str, started: list[subprocess.Popen[bytes]]
) -> None:
    asker, _ = ask(started, program)
    asker.send_signal(how)
    assert all_gone(asker)
    assert asker.wait(WITHIN_S) != 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_kill_9_of_the_keeper_ends_the_command_on_linux(started: list[subprocess.Popen[bytes]]) -> None:
    asker, keeper = ask(started, STUBBORN)
    os.kill(keeper, signal.SIGKILL)
    assert all_gone(asker)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_asker_and_keeper_killed_at_once_leave_nothing(started: list[subprocess.Popen[bytes]]) -> None:
    asker, keeper = ask(started, STUBBORN)
    asker.send_signal(signal.SIGSTOP)
    os.kill(keeper, signal.SIGKILL)
    asker.kill()
    assert all_gone(asker)
