"""That the bill of materials lists what the binary holds: held against the schema of CycloneDX, and against the
licences, the checksums and the crates as Cargo tells them another way. SESSIONGATE_BINARY may be one that
`cargo auditable` built; in place of any other stands one with a record such as that makes.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import unittest
import zlib
from pathlib import Path

from places import BINARY, ROOT, TOOLS

sys.path.append(str(TOOLS / "supply"))

from cyclonedx.schema import SchemaVersion  # noqa: E402
from cyclonedx.validation.json import JsonStrictValidator  # noqa: E402

# What is there for tests, for building, as a macro, or behind a feature that is off, and what of it is in the binary.
NOT_SHIPPED = {"openssl", "openssl-sys", "josekit", "criterion", "prost-build", "protox", "serde_derive", "ring", "syn"}
SHIPPED = {"aws-lc-sys", "hyper", "jsonwebtoken", "libsqlite3-sys", "mimalloc", "rustls", "serde", "tokio", "tonic"}


def has_record(binary: Path) -> bool:
    sections = subprocess.check_output(["objdump", "--section-headers", binary], text=True)
    return ".dep-v0" in sections


def recording(folder: str, leave_out: str = "") -> Path:
    """The binary, with a record of every package of Cargo.lock but one."""
    locked = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    packages = [{"name": crate["name"], "version": crate["version"], "source": "crates.io"}
                for crate in locked if crate["name"] != leave_out]
    record, binary = Path(folder) / "record", Path(folder) / "sessiongate"
    record.write_bytes(zlib.compress(json.dumps({"packages": packages}).encode()))
    # A small one will do: the record is all that is read of it.
    shutil.copy("/bin/true", binary)
    subprocess.run(["objcopy", "--add-section", f".dep-v0={record}", binary], check=True)
    return binary


def sbom(binary: Path, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, ROOT / "tools/sbom.py", binary, *arguments], capture_output=True, text=True,
                          env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}, timeout=120)


class Sbom(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.binary = BINARY if has_record(BINARY) else recording(cls.folder.name)
        run = sbom(cls.binary)
        assert run.returncode == 0, run.stderr
        cls.text = run.stdout
        cls.bom = json.loads(run.stdout)
        cls.components = {(item["name"], item["version"]): item for item in cls.bom["components"]}

    def test_it_is_cyclonedx(self):
        validator = JsonStrictValidator(SchemaVersion.V1_6)
        self.assertIsNone(validator.validate_str(self.text))
        self.assertIsNotNone(validator.validate_str(self.text.replace('"purl":', '"pearl":', 1)))

    def test_it_lists_what_the_program_is_linked_with_and_nothing_else(self):
        names = {name for name, _ in self.components}
        self.assertEqual((names & NOT_SHIPPED, SHIPPED - names), (set(), set()))
        # What is reached from the program over the list's own edges is the list.
        edges = {item["ref"]: item.get("dependsOn", []) for item in self.bom["dependencies"]}
        reached, ahead = set(), [self.bom["metadata"]["component"]["bom-ref"]]
        while ahead:
            if (ref := ahead.pop()) not in reached:
                reached.add(ref)
                ahead += edges[ref]
        listed = {item["bom-ref"] for item in self.bom["components"]}
        self.assertEqual(reached - {self.bom["metadata"]["component"]["bom-ref"]}, listed)
        direct = tomllib.loads((ROOT / "Cargo.toml").read_text())["dependencies"]
        self.assertEqual(set(direct) - names, set())

    def test_each_component_has_its_checksum_of_the_lock_file_and_a_licence_that_is_allowed(self):
        locked = {(crate["name"], crate["version"]): crate.get("checksum")
                  for crate in tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]}
        allowed = tomllib.loads((ROOT / "deny.toml").read_text())["licenses"]["allow"]
        for crate, item in self.components.items():
            with self.subTest(crate):
                self.assertEqual([digest["content"] for digest in item["hashes"]], [locked[crate]])
                (licence,) = item["licenses"]
                expression = licence.get("expression") or licence["license"]["id"]
                self.assertTrue(any(name in expression for name in allowed), expression)

    def test_it_names_the_binary_by_its_digest_and_is_the_same_each_time(self):
        program = self.bom["metadata"]["component"]
        self.assertEqual(program["hashes"][0]["content"], hashlib.sha256(self.binary.read_bytes()).hexdigest())
        self.assertEqual(program["purl"], f"pkg:cargo/sessiongate@{program['version']}")
        self.assertEqual(sbom(self.binary).stdout, self.text)

    def test_a_binary_without_a_record_and_one_of_another_source_get_none(self):
        with tempfile.TemporaryDirectory() as folder:
            for binary, told in (
                (Path("/bin/true"), "has no record of its crates"),
                (recording(folder, leave_out="hyper"), "does not record hyper "),
            ):
                with self.subTest(told):
                    run = sbom(binary)
                    self.assertEqual((run.returncode, run.stdout), (1, ""))
                    self.assertIn(told, run.stderr)

    def test_what_is_shipped_is_built_so(self):
        page = (ROOT / "docs/supply-chain.md").read_text()
        dockerfile = (ROOT / "deploy/Dockerfile").read_text()
        (install,) = re.findall(r"^cargo install .* cargo-auditable$", page, re.MULTILINE)
        self.assertIn(f"RUN {install}\n", dockerfile)
        self.assertRegex(dockerfile, r"cargo auditable build --release --locked --bin sessiongate")
        self.assertNotRegex(dockerfile, r"cargo build")


if __name__ == "__main__":
    unittest.main()
