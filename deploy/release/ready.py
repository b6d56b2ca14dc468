"""Whether this commit may be released under a tag: `python deploy/release/ready.py TAG [--notes FILE]`.

The tag is `v` and the version of pyproject.toml. The changelog has a section of that version with its day, nothing is
left under [Unreleased], and the promise to subscribers is the one of this release: deploy/schemas/baseline/ holds the
schemas of deploy/schemas/. Exit code 1 and one line for each thing that is missing. `--notes` writes what the section
says, for the page of the release.
"""

import argparse
import re
import sys
import tomllib
from collections.abc import Iterator
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
_SECTION = re.compile(
    r"^## \[(?P<version>[^\]]+)\](?: - (?P<day>\S+))?\n(?P<text>.*?)(?=^## |^\[|\Z)", re.MULTILINE | re.DOTALL
)
_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(rc[1-9]\d*)?")


def main() -> int:
    """Tells what is missing, one line each."""
    given = _arguments()
    missing = list(missing_for(given.tag, given.root))
    sys.stderr.writelines(f"{line}\n" for line in missing)
    if missing:
        return 1
    if given.notes:
        given.notes.write_text(f"{sections(given.root)[given.tag.removeprefix('v')][1]}\n", "utf-8")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("tag", help="the tag, as v1.2.3 or v1.2.3rc1")
    parser.add_argument("--notes", type=Path, help="write the section of the changelog into this file")
    parser.add_argument("--root", type=Path, default=ROOT, help="the project")
    return parser.parse_args()


def missing_for(tag: str, root: Path) -> Iterator[str]:
    """What stands between this tree and a release under the tag."""
    version = str(tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["version"])
    if tag != f"v{version}":
        yield f"pyproject.toml: version is {version}, the tag is {tag}"
    if not _VERSION.fullmatch(version):
        yield f"pyproject.toml: version {version} is not of the form 1.2.3 or 1.2.3rc1"
    yield from _missing_in_changelog(version, root)
    yield from _broken_promises(root)


def sections(root: Path) -> dict[str, tuple[str, str]]:
    """The day and the text of each version in the changelog."""
    text = (root / ".github" / "CHANGELOG.md").read_text("utf-8")
    return {found["version"]: (found["day"] or "", found["text"].strip()) for found in _SECTION.finditer(text)}


def _missing_in_changelog(version: str, root: Path) -> Iterator[str]:
    found = sections(root)
    day, text = found.get(version, ("", ""))
    if not _tells(text):
        yield f".github/CHANGELOG.md: no section [{version}], or nothing in it"
    elif not _is_day(day):
        yield f".github/CHANGELOG.md: [{version}] has no day: ## [{version}] - YYYY-MM-DD"
    if _tells(found.get("Unreleased", ("", ""))[1]):
        yield ".github/CHANGELOG.md: something is still under [Unreleased]"


def _tells(text: str) -> bool:
    """Whether there is more than headings."""
    return any(line and not line.startswith("#") for line in text.splitlines())


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _broken_promises(root: Path) -> Iterator[str]:
    schemas = root / "deploy" / "schemas"
    now, promised = _schemas(schemas), _schemas(schemas / "baseline")
    for name in sorted(now.keys() | promised.keys()):
        if now.get(name) != promised.get(name):
            yield f"deploy/schemas/baseline/{name} is not deploy/schemas/{name}: copy it, or count up the schema"


def _schemas(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.glob("*.schema.json")}


if __name__ == "__main__":
    sys.exit(main())
