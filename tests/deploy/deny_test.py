"""That every dependency, of the program, its fuzz targets and the benchmark beside it, is licensed and comes as
deny.toml allows. Advisories need a database that changes each day: the workflow asks it, this does not.
"""

import json
import subprocess
import tempfile
import unittest
from pathlib import Path

from places import ROOT, TOOLS

CARGO_DENY = TOOLS / "supply/bin/cargo-deny"
MANIFESTS = ("Cargo.toml", "fuzz/Cargo.toml", "bench/noop/Cargo.toml")


def found(manifest: Path | str, config: Path, *flags: str) -> list[str]:
    """What is wrong, each with cargo-deny's name for it before a colon."""
    command = [CARGO_DENY, "--format", "json", "--locked", "--manifest-path", ROOT / manifest,
               "--config", config, "check", *flags, "bans", "licenses", "sources"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    told = [json.loads(line) for line in run.stderr.splitlines() if line.startswith("{")]
    assert any(line["type"] == "summary" for line in told), f"cargo-deny did not check {manifest}: {run.stderr[-2000:]}"
    errors = [line["fields"] for line in told if line["type"] == "diagnostic" and line["fields"]["severity"] == "error"]
    assert bool(errors) == bool(run.returncode), run.stderr[-2000:]
    return [f"{error.get('code')}: {json.dumps(error)}" for error in errors]


class Deny(unittest.TestCase):
    def test_every_dependency_is_allowed(self):
        for manifest in MANIFESTS:
            # What is shipped has every licence on the list; the others are smaller, or have one more.
            flags = ("-D", "license-not-encountered") if manifest == "Cargo.toml" else ()
            with self.subTest(manifest):
                self.assertEqual(found(manifest, ROOT / "deny.toml", *flags), [])

    def test_what_is_not_allowed_is_found(self):
        config = (ROOT / "deny.toml").read_text()
        for manifest, there, instead, told in (
            ("bench/noop/Cargo.toml", '    "MIT",\n', "", "rejected: "),
            ("bench/noop/Cargo.toml", '    "MIT",\n', '    "EUPL-1.2",\n', "license-not-encountered: "),
            ("bench/noop/Cargo.toml", '{ crate = "native-tls" }', '{ crate = "tokio" }', "banned: "),
            ("bench/noop/Cargo.toml", "rust-lang/crates.io-index", "rust-lang/another-index", "source-not-allowed: "),
            ("Cargo.toml", ', wrappers = ["josekit"]', "", "banned: "),
        ):
            self.assertIn(there, config)
            with self.subTest(instead), tempfile.TemporaryDirectory() as folder:
                changed = Path(folder) / "deny.toml"
                changed.write_text(config.replace(there, instead))
                errors = found(manifest, changed, "-D", "license-not-encountered")
                self.assertTrue(any(error.startswith(told) for error in errors), errors[:3])


if __name__ == "__main__":
    unittest.main()
