"""What runs, as a metric: the version, its Python, and which registry, so that two processes of different ones show."""

from __future__ import annotations

import hashlib
import platform
from functools import cache

from agents.metrics import BUILD, VERSION
from streams.registry.loader import package_folder

FOLDERS = ("authorities", "groups")


def tell_build() -> None:
    """Sets `listwire_build_info`."""
    BUILD.labels(version=VERSION, python=platform.python_version(), registry=registry_hash()).set(1)


@cache
def registry_hash() -> str:
    """The first digits of a hash of all records that ship with the package, by name and content."""
    hashed = hashlib.sha256()
    for folder in FOLDERS:
        for file in sorted(package_folder(folder).iterdir(), key=lambda file: file.name):
            if file.name.endswith(".toml"):
                hashed.update(f"{folder}/{file.name}\0".encode() + file.read_bytes() + b"\0")
    return hashed.hexdigest()[:12]
