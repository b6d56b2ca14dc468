"""Which files count as secret: those of their owner alone, and what orchestrators mount for us."""

import os
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.credentials import secret_bytes
from agents.secrecy import ACL, Reader, is_only_for

ROOT = Path(__file__).parent.parent
SERVICE = Reader(uid=10001, gid=10001)
READ = """
import os, sys
from pathlib import Path
from agents.credentials import secret_bytes
os.setgroups([]); os.setgid(10001); os.setuid(10001)  # after the imports: the interpreter may be in root's own folder
sys.stdout.buffer.write(secret_bytes(Path(sys.argv[1])))
"""
USER_OBJ, USER, GROUP_OBJ, GROUP, MASK, OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
NOBODY = 0xFFFFFFFF

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


def found(mode: int, uid: int, gid: int) -> os.stat_result:
    return os.stat_result((0o100000 | mode, 1, 1, 1, uid, gid, 10, 0, 0, 0))


def acl(*entries: tuple[int, int, int], group: int = 0) -> bytes:
    """An ACL with these entries (tag, right, id) beside those that each has."""
    rows = [(USER_OBJ, 4, NOBODY), *entries, (GROUP_OBJ, group, NOBODY), (MASK, 4, NOBODY), (OTHER, 0, NOBODY)]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *row) for row in rows)


@pytest.mark.parametrize(
    ("mode", "uid", "gid"),
    [
        pytest.param(0o600, 10001, 10001, id="ours alone"),
        pytest.param(0o400, 10001, 50, id="ours alone, whatever its group"),
        pytest.param(0o440, 0, 10001, id="a Secret of a pod with fsGroup"),
        pytest.param(0o640, 0, 10001, id="root's, handed to the service's group"),
    ],
)
def test_a_secret_is_taken(mode: int, uid: int, gid: int) -> None:
    assert is_only_for(SERVICE, found(mode, uid, gid))


@pytest.mark.parametrize(
    ("mode", "uid", "gid"),
    [
        pytest.param(0o444, 0, 10001, id="a Secret of a pod without fsGroup: everybody's"),
        pytest.param(0o404, 10001, 10001, id="everybody's but the group's"),
        pytest.param(0o640, 10001, 10001, id="ours, and the group's too"),
        pytest.param(0o640, 10002, 10001, id="of another user, who shares a group with us"),
        pytest.param(0o440, 0, 100, id="root's, of a group that we do not run as"),
        pytest.param(0o440, 0, 0, id="root's and its group's, without an ACL"),
        pytest.param(0o660, 0, 10001, id="the group may write it"),
        pytest.param(0o450, 0, 10001, id="the group may execute it"),
        pytest.param(0o441, 0, 10001, id="others may execute it"),
    ],
)
def test_what_others_get_at_is_no_secret(mode: int, uid: int, gid: int) -> None:
    assert not is_only_for(SERVICE, found(mode, uid, gid))


def test_who_runs_as_root_needs_no_right_of_a_group() -> None:
    assert not is_only_for(Reader(0, 0), found(0o440, 0, 0))


def test_a_credential_of_systemd_is_taken() -> None:
    assert is_only_for(SERVICE, found(0o440, 0, 0), acl((USER, 4, 10001)))


@pytest.mark.parametrize(
    "shared",
    [
        pytest.param(acl((USER, 4, 10001), (USER, 4, 10002)), id="another user"),
        pytest.param(acl((USER, 4, 10001), (GROUP, 4, 100)), id="a group"),
        pytest.param(acl((USER, 4, 10001), group=4), id="its own group"),
        pytest.param(acl((GROUP, 4, 10001)), id="our group alone: nobody sets that up for a service"),
    ],
)
def test_an_acl_that_names_others_makes_it_no_secret(shared: bytes) -> None:
    assert not is_only_for(SERVICE, found(0o440, 0, 10001), shared)


@pytest.fixture
def file() -> Iterator[Path]:
    """A file in a folder that every user gets into, unlike those of pytest."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        file = Path(folder, "secret")
        file.write_text("whsec_x")
        yield file


def read_as_service(file: Path) -> tuple[int, str]:
    command = [sys.executable, "-c", READ, str(file)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return run.returncode, run.stdout + run.stderr


@as_root
def test_a_pod_reads_its_secret_as_the_kubelet_mounts_it(file: Path) -> None:
    os.chown(file, 0, SERVICE.gid)
    file.chmod(0o440)
    assert read_as_service(file) == (0, "whsec_x")


@as_root
def test_a_unit_reads_its_credential_as_systemd_gives_it(file: Path) -> None:
    file.chmod(0o400)
    os.setxattr(file, ACL, acl((USER, 4, SERVICE.uid)))
    assert read_as_service(file) == (0, "whsec_x")
    os.setxattr(file, ACL, acl((USER, 4, SERVICE.uid), (USER, 4, 10002)))
    assert "lets others than its owner at the secret" in read_as_service(file)[1]


@as_root
def test_what_everybody_reads_is_refused_where_root_gave_it_too(file: Path) -> None:
    os.chown(file, 0, SERVICE.gid)
    file.chmod(0o444)
    assert "mode 0444 lets others than its owner at the secret" in read_as_service(file)[1]


def test_a_file_of_ours_is_read(file: Path) -> None:
    file.chmod(0o600)
    assert secret_bytes(file) == b"whsec_x"
