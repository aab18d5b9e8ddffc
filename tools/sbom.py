"""Writes the software bill of materials of a binary that `cargo auditable` built, as CycloneDX 1.6 in JSON.

    python3 tools/sbom.py target/release/sessiongate [--target aarch64-unknown-linux-gnu] > sessiongate.cdx.json

Listed is what the binary holds: the normal dependencies for its target and with its features, as Cargo resolves them,
each with its licence and with the checksum that Cargo.lock has of it. The record inside the binary names also what only
builds it and what features leave out; it has to name each of the listed crates in the same version, so that no list is
written for a binary of other dependencies. The same binary gives the same file, byte for byte.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import tomllib
import uuid
import zlib
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path += [str(ROOT / ".tools/supply")]

from cyclonedx.contrib.license.factories import LicenseFactory  # noqa: E402
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri  # noqa: E402
from cyclonedx.model.bom import Bom  # noqa: E402
from cyclonedx.model.component import Component, ComponentType  # noqa: E402
from cyclonedx.output.json import JsonV1Dot6  # noqa: E402
from packageurl import PackageURL  # noqa: E402

Crate = tuple[str, str]  # name and version


class NotOfThisSource(Exception):
    """The binary has no record of its crates, or one that this source does not make; the message says what to do."""


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("binary", type=Path)
    arguments.add_argument("--target", help="what it was built for; by default this machine")
    given = arguments.parse_args()
    try:
        print(bill(given.binary, given.target or host()))
    except NotOfThisSource as error:
        print(f"sbom: {error}", file=sys.stderr)
        return 1
    return 0


def bill(binary: Path, target: str) -> str:
    """The bill of materials as JSON. NotOfThisSource."""
    metadata = json.loads(cargo("metadata", "--format-version", "1", "--filter-platform", target))
    packages = {(package["name"], package["version"]): package for package in metadata["packages"]}
    crates = shipped(target)
    if missing := crates - recorded(binary):
        names = ", ".join(sorted(" ".join(crate) for crate in missing)[:5])
        raise NotOfThisSource(f"{binary} was not built from this Cargo.lock for {target}: it does not record {names}")
    checksums = {
        (package["name"], package["version"]): package.get("checksum")
        for package in tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    }
    components = {crate: component(packages[crate], checksums[crate]) for crate in crates}
    program = next(item for crate, item in components.items() if crate[0] == "sessiongate")
    digest = hashlib.sha256(binary.read_bytes()).hexdigest()
    program.type = ComponentType.APPLICATION
    program.hashes = [HashType(alg=HashAlgorithm.SHA_256, content=digest)]
    libraries = [item for item in components.values() if item is not program]
    bom = Bom(components=libraries, serial_number=uuid.uuid5(uuid.NAMESPACE_URL, f"sha256:{digest}"))
    bom.metadata.component = program
    bom.metadata.timestamp = moment()
    for crate, item in components.items():
        used = uses(metadata, packages[crate])
        bom.register_dependency(item, [components[other] for other in used if other in components])
    return JsonV1Dot6(bom).output_as_string(indent=2)


def shipped(target: str) -> set[Crate]:
    """What `cargo tree` has of the binary: only this knows which features are really on."""
    tree = cargo("tree", "--edges", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}", "--target", target)
    words = (line.split() for line in tree.splitlines() if line)
    return {(name, version.removeprefix("v")) for name, version, *_ in words}


def recorded(binary: Path) -> set[Crate]:
    """What `cargo auditable` wrote into the binary: the crates that end in it, and more."""
    with tempfile.TemporaryDirectory() as folder:
        section = Path(folder) / "record"
        dumped = subprocess.run(["objcopy", "--dump-section", f".dep-v0={section}", binary, "/dev/null"],
                                capture_output=True, text=True)
        if dumped.returncode or not section.exists():
            raise NotOfThisSource(f"{binary} has no record of its crates: build it with `cargo auditable build`")
        record = json.loads(zlib.decompress(section.read_bytes()))
    return {(package["name"], package["version"]) for package in record["packages"] if package.get("kind") != "build"}


def component(package: dict, checksum: str | None) -> Component:
    # Crates of old write MIT/Apache-2.0 and mean a choice.
    licence = package["license"].replace("/", " OR ").replace(" or ", " OR ")
    item = Component(
        type=ComponentType.LIBRARY,
        name=package["name"],
        version=package["version"],
        description=" ".join((package["description"] or "").split()) or None,
        licenses=[LicenseFactory().make_with_expression(licence)],
        purl=PackageURL("cargo", None, package["name"], package["version"]),
        bom_ref=f"{package['name']}@{package['version']}",
    )
    if checksum:
        item.hashes.add(HashType(alg=HashAlgorithm.SHA_256, content=checksum))
    if package["repository"]:
        source = XsUri(package["repository"])
        item.external_references.add(ExternalReference(type=ExternalReferenceType.VCS, url=source))
    return item


def uses(metadata: dict, package: dict) -> set[Crate]:
    """What a crate is linked with; the edges of building and of testing are left out."""
    by_id = {item["id"]: (item["name"], item["version"]) for item in metadata["packages"]}
    node = next(node for node in metadata["resolve"]["nodes"] if node["id"] == package["id"])
    return {by_id[edge["pkg"]] for edge in node["deps"] if any(kind["kind"] is None for kind in edge["dep_kinds"])}


def moment() -> datetime:
    """SOURCE_DATE_EPOCH, else the time of the commit: the clock would make each run another file."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if not epoch:
        epoch = subprocess.check_output(["git", "log", "-1", "--format=%ct"], cwd=ROOT, text=True)
    return datetime.fromtimestamp(int(epoch), UTC)


def host() -> str:
    told = subprocess.check_output(["rustc", "-vV"], text=True)
    return next(line.removeprefix("host: ") for line in told.splitlines() if line.startswith("host: "))


def cargo(*arguments: str) -> str:
    return subprocess.check_output(["cargo", *arguments, "--locked"], cwd=ROOT, text=True)


if __name__ == "__main__":
    sys.exit(main())
