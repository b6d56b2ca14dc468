"""Whether a file of secrets is for our eyes only, by its owner, its mode and its ACL.

    0600 0400   its owner's alone: what a person writes
    0440 0640   root's, and of the group that we run as: a Secret in a Kubernetes pod with `fsGroup` (the kubelet adds
                the group's right to whatever mode was asked for), or what an administrator hands to a service
    0440 +ACL   root's, and of us by an ACL: a credential of systemd. The mode shows the mask of the ACL, so that
                a look at the mode alone would take it for the group's right
                (https://github.com/systemd/systemd/issues/29435)

Whatever else a group may do, or others may at all, makes it no secret. The group is the one that we run as, none of
those that we are merely in: a person is in groups such as `users` with everybody else.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
from typing import NamedTuple

ROOT = 0
ACL = "system.posix_acl_access"
_HEAD, _ENTRY = struct.Struct("<I"), struct.Struct("<HHI")
_USER_OBJ, _USER, _MASK = 0x01, 0x02, 0x10


class Reader(NamedTuple):
    """Who reads: the user and the group that a process runs as."""

    uid: int
    gid: int


def only_ours(handle: int) -> bool:
    """Whether nobody but its owner, root and we get at the open file. Raises OSError."""
    return is_only_for(Reader(os.geteuid(), os.getegid()), os.fstat(handle), _acl(handle))


def is_only_for(reader: Reader, found: os.stat_result, acl: bytes = b"") -> bool:
    """The same of what `fstat` and the file's ACL tell."""
    shared = stat.S_IMODE(found.st_mode) & (stat.S_IRWXG | stat.S_IRWXO)
    if not shared:
        return True
    if shared != stat.S_IRGRP or found.st_uid != ROOT or reader.uid == ROOT:
        return False
    return _names_only(reader, acl) if acl else found.st_gid == reader.gid


def _names_only(reader: Reader, acl: bytes) -> bool:
    """Whether the ACL gives the reader the right to read, and nothing to any group or to another user."""
    granted = {(tag, number) for tag, right, number in _ENTRY.iter_unpack(acl[_HEAD.size :]) if right and tag != _MASK}
    return {entry for entry in granted if entry[0] != _USER_OBJ} == {(_USER, reader.uid)}


def _acl(handle: int) -> bytes:
    """The file's ACL as the kernel keeps it; nothing where there is none, or no such thing."""
    if not hasattr(os, "getxattr"):
        return b""
    try:
        return os.getxattr(handle, ACL)
    except OSError as error:
        if error.errno in {errno.ENODATA, errno.ENOTSUP}:
            return b""
        raise
