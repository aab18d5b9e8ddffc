"""That actionlint (with ShellCheck on each script) and zizmor find nothing in the workflows, that each of the two can
find something, and that what a release calls is there and does as it says.
"""

import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import unittest
from pathlib import Path

import yaml

from places import BINARY, ROOT, TOOLS

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
ACTIONLINT = TOOLS / "go/bin/actionlint"
ZIZMOR = TOOLS / "deploy/bin/zizmor"


def actionlint(text: str) -> list[str]:
    command = [ACTIONLINT, "-format", "{{json .}}", "-"]
    run = subprocess.run(command, input=text, capture_output=True, text=True, cwd=ROOT)
    return [f"{found['kind']}: {found['message']}" for found in json.loads(run.stdout or "[]")]


def zizmor(folder: Path) -> set[str]:
    command = [ZIZMOR, "--offline", "--no-progress", "--persona=auditor", "--format=json", folder]
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert run.stdout.startswith("["), run.stderr
    return {found["ident"] for found in json.loads(run.stdout)}


class Workflows(unittest.TestCase):
    def test_actionlint_finds_nothing(self):
        self.assertEqual([file.name for file in WORKFLOWS], ["ci.yml", "release.yml"])
        for file in WORKFLOWS:
            self.assertEqual(actionlint(file.read_text()), [], file.name)

    def test_zizmor_finds_nothing(self):
        self.assertEqual(zizmor(ROOT / ".github"), set())

    def test_both_find_what_is_wrong(self):
        text = (ROOT / ".github/workflows/release.yml").read_text()
        for there, instead, told in (
            ("needs: [build, reproduce]", "needs: [build, reproduced]", "job-needs"),
            ("steps.image.outputs.digest", "steps.picture.outputs.digest", "expression"),
            ('docker rm "$container"', "docker rm $container", "shellcheck"),
        ):
            self.assertIn(there, text)
            with self.subTest(instead):
                self.assertIn(told, [found.partition(":")[0] for found in actionlint(text.replace(there, instead))])
        for there, instead, told in (
            ("persist-credentials: false", "fetch-depth: 0", "artipacked"),
            ("permissions: {}", "permissions: write-all", "excessive-permissions"),
            ("@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2", "@v6", "unpinned-uses"),
            ("tools/install.sh helm", "echo ${{ github.event.head_commit.message }}", "template-injection"),
        ):
            self.assertIn(there, text)
            with self.subTest(instead), tempfile.TemporaryDirectory() as folder:
                (workflows := Path(folder) / ".github/workflows").mkdir(parents=True)
                (workflows / "release.yml").write_text(text.replace(there, instead))
                self.assertIn(told, zizmor(Path(folder)))

    def test_each_job_has_an_end_and_names_its_permissions(self):
        for file in WORKFLOWS:
            workflow = yaml.safe_load(file.read_text())
            self.assertEqual(workflow["permissions"], {}, file.name)
            for name, job in workflow["jobs"].items():
                with self.subTest(f"{file.name}: {name}"):
                    self.assertLessEqual(job["timeout-minutes"], 60)
                    self.assertTrue(job["permissions"])

    def test_each_file_that_a_step_runs_is_there(self):
        for file in WORKFLOWS:
            for called in re.findall(r"(?:^|\s)((?:tools|\.ci)/[\w./-]+)", file.read_text()):
                with self.subTest(f"{file.name}: {called}"):
                    self.assertTrue(os.access(ROOT / called, os.R_OK if called.endswith(".py") else os.X_OK))


class Release(unittest.TestCase):
    def run_in_a_copy(self, script: str, *arguments: str, released: str = "") -> subprocess.CompletedProcess:
        """Runs a script of tools/release beside the files that it reads, with a changelog that has this version."""
        with tempfile.TemporaryDirectory() as folder:
            for name in (f"tools/release/{script}", "Cargo.toml", "deploy/helm/sessiongate/Chart.yaml", "CHANGELOG.md"):
                (place := Path(folder) / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, place)
            changes = "# Changelog\n\n## [Unreleased]\n\n- Later.\n"
            if released:
                changes += f"\n## [{released}] - 2026-11-26\n\n### Added\n\n- The gate.\n\n## [0.0.1]\n\n- Before.\n"
            (Path(folder) / "CHANGELOG.md").write_text(changes)
            command = [Path(folder) / "tools/release" / script, *arguments]
            return subprocess.run(command, capture_output=True, text=True)

    def test_a_tag_that_is_not_the_version_of_the_source_is_refused(self):
        version = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]
        self.assertEqual(self.run_in_a_copy("version.sh", f"v{version}", released=version).returncode, 0)
        for tag, released, told in (
            (version, version, "does not begin with v"),
            ("v7.7.7", "7.7.7", f"the tag says 7.7.7, Cargo.toml says {version}"),
            (f"v{version}", "", f"the tag says {version}, CHANGELOG.md says nothing"),
        ):
            with self.subTest(tag=tag, released=released):
                run = self.run_in_a_copy("version.sh", tag, released=released)
                self.assertEqual(run.returncode, 1)
                self.assertIn(told, run.stderr)

    def test_the_notes_are_what_the_changelog_says_of_the_version(self):
        notes = self.run_in_a_copy("notes.sh", "1.2.3", released="1.2.3").stdout
        self.assertIn("- The gate.", notes)
        self.assertNotRegex(notes, "Later|Before|## \\[")
        self.assertIn("/blob/v1.2.3/docs/supply-chain.md", notes)
        self.assertTrue((ROOT / "docs/supply-chain.md").exists())
        self.assertIn("says nothing of 1.2.4", self.run_in_a_copy("notes.sh", "1.2.4", released="1.2.3").stderr)

    def test_an_archive_holds_what_runs_and_is_the_same_each_time(self):
        with tempfile.TemporaryDirectory() as folder:
            # Small, so that packing it takes no time; it has to run, and to be the same.
            small = Path(folder) / "sessiongate"
            small.write_text(f'#!/bin/sh\nexec {BINARY} "$@"\n')
            small.chmod(0o755)
            archives = []
            for umask in ("022", "077"):
                (place := Path(folder) / umask).mkdir()
                script = f"umask {umask}; exec {ROOT}/tools/release/archive.sh {small} sessiongate-v1 {place}"
                environment = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
                subprocess.run(["bash", "-c", script], check=True, env=environment)
                archives.append((place / "sessiongate-v1.tar.gz").read_bytes())
            self.assertEqual(*archives)
            with tarfile.open(place / "sessiongate-v1.tar.gz") as archive:
                names = {Path(name).relative_to("sessiongate-v1").as_posix() for name in archive.getnames()}
                self.assertEqual({(item.uid, item.gid, item.mtime) for item in archive}, {(0, 0, 1700000000)})
            for name in ("sessiongate", "LICENSE", "man/sessiongate.1", "completions/sessiongate.bash",
                         "systemd/sessiongate.service"):
                self.assertIn(name, names)


if __name__ == "__main__":
    unittest.main()
