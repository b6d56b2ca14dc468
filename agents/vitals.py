"""What each of our services tells of itself, besides its work: what runs, its disk, and the errors of its clients.

Memory, processor time and open files are `process_*`, which the metrics library exposes by itself on Linux.
"""

from __future__ import annotations

import hashlib
import platform
import shutil
from functools import cache
from pathlib import Path

from agents.broker_errors import count_client_errors
from agents.metrics import BUILD, DATA_FREE, VERSION
from streams.registry.loader import package_folder

FOLDERS = ("authorities", "groups")


def tell_vitals(data_dir: Path) -> None:
    """Called once, when a service starts."""
    BUILD.labels(version=VERSION, python=platform.python_version(), registry=registry_hash()).set(1)
    DATA_FREE.set_function(lambda: free_bytes(data_dir))
    count_client_errors()


@cache
def registry_hash() -> str:
    """The first digits of a hash of all records that ship with the package, by name and content.

    Two processes that differ in it read the same story differently.
    """
    hashed = hashlib.sha256()
    for folder in FOLDERS:
        for file in sorted(package_folder(folder).iterdir(), key=lambda file: file.name):
            if file.name.endswith(".toml"):
                hashed.update(f"{folder}/{file.name}\0".encode() + file.read_bytes() + b"\0")
    return hashed.hexdigest()[:12]


def free_bytes(folder: Path) -> float:
    """What we may still write where the folder lies, or will lie once it is made."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    return float(shutil.disk_usage(there).free)
