"""The entries of a lock file as `uv pip compile --generate-hashes` writes it."""

import re
from dataclasses import dataclass
from pathlib import Path

_ENTRY = re.compile(r"^(?P<name>[a-z0-9][a-z0-9._-]*)==(?P<version>[^\s;]+)(?: ; (?P<marker>.+?))? \\$")
_HASH = re.compile(r"^    --hash=sha256:(?P<digest>[0-9a-f]{64})(?: \\)?$")
_VIA = re.compile(r"^    #(?: via)? +(?P<name>\S+)(?: \(.*\))?$")


@dataclass(frozen=True, slots=True)
class Locked:
    """One pinned package: `digests` are SHA-256 of the files that may be installed, `via` is who asks for it."""

    name: str
    version: str
    marker: str
    digests: tuple[str, ...]
    via: tuple[str, ...]

    @property
    def purl(self) -> str:
        """The package URL, which is also how it is referred to within the bill."""
        return f"pkg:pypi/{self.name}@{self.version}"


def read_lock(file: Path) -> tuple[Locked, ...]:
    """Every entry, in the order of the file; a line that is not understood is an error, never left out."""
    found: list[tuple[re.Match[str], list[str], list[str]]] = []
    for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
        if not line or line.startswith(("#", "--")) or line.strip() == "# via":
            continue
        if entry := _ENTRY.match(line):
            found.append((entry, [], []))
        elif found and (digest := _HASH.match(line)):
            found[-1][1].append(digest["digest"])
        elif found and (via := _VIA.match(line)):
            found[-1][2].append(via["name"])
        else:
            raise SystemExit(f"{file}:{number}: neither a package, nor a hash, nor who asks for it: {line}")
    return tuple(Locked(e["name"], e["version"], e["marker"] or "", tuple(d), tuple(v)) for e, d, v in found)
