"""The bill of materials and the licence list of what runs: `python deploy/release/bill.py [--check] [--out DIR]`.

Both come from `deploy/locks/runtime.txt` and the metadata of the installed packages (those of the test lock). The list
goes to `deploy/LICENSES.md`, which is committed; the bill, CycloneDX 1.6, into a folder (`dist/`, if none is named): it
belongs to a release, and beside the lock in the repository it would be the same facts twice. It is held against the
schema of CycloneDX before it is written. The same lock gives the same bytes; the only time in it is SOURCE_DATE_EPOCH,
if that is set. With `--check` nothing is written.

Exit code 1 if the list is not the committed one (`--check`), or if a licence is not among the allowed ones.
"""

import argparse
import os
import sys
import tomllib
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.contact import OrganizationalContact
from cyclonedx.model.license import LicenseAcknowledgement, LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from licences import is_allowed, licence_list, licence_of, read_rules
from locked import Locked, read_lock
from packageurl import PackageURL

ROOT = Path(__file__).parent.parent.parent
LOCK = ROOT / "deploy" / "locks" / "runtime.txt"
LIST = ROOT / "deploy" / "LICENSES.md"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
SPACE = uuid.uuid5(uuid.NAMESPACE_URL, f"pkg:pypi/{PROJECT['name']}")


def main() -> int:
    """Makes both, or holds the list against the committed one."""
    given = _arguments()
    lock = read_lock(given.lock)
    rules = read_rules(given.rules) if given.rules else read_rules()
    licences = {entry.name: licence_of(entry.name, rules) for entry in lock}
    if refused := [f"{name}: {said}" for name, said in licences.items() if not is_allowed(said, rules.allowed)]:
        return _complain(f"not among the allowed licences: {', '.join(refused)}")
    listed = licence_list((entry.name for entry in lock), licences)
    bill = bill_of(lock, licences)
    if given.check:
        same = given.list.exists() and given.list.read_text("utf-8") == listed
        return 0 if same else _complain(f"{given.list} is not what the lock gives: python deploy/release/bill.py")
    given.list.write_text(listed, "utf-8")
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / f"{PROJECT['name']}-{PROJECT['version']}.cdx.json").write_text(bill, "utf-8")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; is the committed licence list up to date?")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="the folder for the bill of materials")
    parser.add_argument("--list", type=Path, default=LIST, help="the licence list")
    parser.add_argument("--lock", type=Path, default=LOCK, help="the lock file that is told of")
    parser.add_argument("--rules", type=Path, help="another licences.toml")
    return parser.parse_args()


def _complain(what: str) -> int:
    sys.stderr.write(f"{what}\n")
    return 1


def bill_of(lock: tuple[Locked, ...], licences: Mapping[str, str]) -> str:
    """The bill as CycloneDX JSON; exits with what the schema says against it."""
    parts = {entry.purl: _component(entry, licences[entry.name]) for entry in lock}
    whole = Component(
        name=PROJECT["name"],
        version=PROJECT["version"],
        type=ComponentType.APPLICATION,
        bom_ref=f"pkg:pypi/{PROJECT['name']}@{PROJECT['version']}",
        purl=PackageURL("pypi", None, PROJECT["name"], PROJECT["version"]),
        description=PROJECT["description"],
        licenses=[LicenseExpression(PROJECT["license"], acknowledgement=LicenseAcknowledgement.DECLARED)],
    )
    bom = Bom(components=parts.values(), serial_number=uuid.uuid5(SPACE, repr(lock) + PROJECT["version"]))
    bom.metadata.component = whole
    bom.metadata.authors = [OrganizationalContact(name=author["name"]) for author in PROJECT["authors"]]
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    made = datetime.fromtimestamp(int(epoch), UTC) if epoch else None
    bom.metadata.timestamp = made  # type: ignore[assignment]  # None is written as no time at all
    asked_by = {PROJECT["name"]: [whole]} | {
        name: [parts[entry.purl] for entry in lock if entry.name == name] for name in licences
    }
    for component in (whole, *parts.values()):
        bom.register_dependency(
            component, [parts[entry.purl] for entry in lock for name in entry.via if component in asked_by[name]]
        )
    text = JsonV1Dot6(bom).output_as_string(indent=1)
    if wrong := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise SystemExit(f"the bill is no CycloneDX: {wrong}")
    return f"{text}\n"


def _component(entry: Locked, licence: str) -> Component:
    """A package. The hashes are those of its files of which one is installed, so they belong to the distribution."""
    files = ExternalReference(
        type=ExternalReferenceType.DISTRIBUTION,
        url=XsUri(entry.purl),
        comment="one of these files is installed, whichever fits the platform",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest) for digest in entry.digests],
    )
    return Component(
        name=entry.name,
        version=entry.version,
        type=ComponentType.LIBRARY,
        bom_ref=entry.purl,
        purl=PackageURL("pypi", None, entry.name, entry.version),
        licenses=[LicenseExpression(licence, acknowledgement=LicenseAcknowledgement.DECLARED)],
        external_references=[files],
        properties=[Property(name="listwire:marker", value=entry.marker)] if entry.marker else [],
    )


if __name__ == "__main__":
    sys.exit(main())
