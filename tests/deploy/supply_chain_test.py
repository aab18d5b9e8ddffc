"""That nothing is fetched whose version is not fixed, and that docs/dependencies.md lists what was chosen, and when it
was released. Only apt gives what Debian's release has on the day, signed by Debian: it keeps no older versions.
"""

import json
import re
import subprocess
import sys
import tomllib
import unittest
from datetime import date
from pathlib import Path

import yaml

from places import ROOT

sys.path.append(str(ROOT / "tools"))

import dependencies  # noqa: E402

# Whether these words fetch something, and what makes the version of it exact.
FETCHES = (
    (r"\bpip3? install\b", r"--target \S+ +\"\$\{@:2\}\"|-r \S+/requirements\.txt|==\d"),
    (r"\bnpm (?:install|i|add)\b", r"--save-exact( [@\w/.-]+@\d[\w.-]*)+"),
    (r"\bnpx (?!playwright)", r"npx --yes [@\w/.-]+@\d[\w.-]*"),
    (r"\bcargo install\b",
     r"--locked.*(--version [\"$\w.]+|@\d[\w.]*|--git https://github\.com/sessiongate/sessiongate|--path)"),
    (r"\bgo install\b", r"@(v\d[\w.-]*|[\"$]*version)"),
    (r"\b(?:curl|wget) .*\|\s*(?:ba)?sh\b", r"(?!)"),
)
ACTION = re.compile(r"^\s*(?:- )?uses: (\S+)(.*)$", re.MULTILINE)
PINNED_ACTION = re.compile(r"^[\w-]+/[\w./-]+@[0-9a-f]{40}  ?# v\d+\.\d+\.\d+$")


def unfixed(text: str) -> list[str]:
    """The commands, continued lines joined, that fetch what may be another thing tomorrow."""
    lines = text.replace("\\\n", " ").splitlines()
    commands = (line.strip() for line in lines if not line.strip().startswith(("#", "//", "|")))
    return [line for line in commands
            for fetches, exact in FETCHES if re.search(fetches, line) and not re.search(exact, line)]


def unlocked(lock: dict) -> list[str]:
    """The packages of a package-lock.json that could be exchanged behind its back."""
    return [name for name, package in lock["packages"].items()
            if name and not package.get("link") and not package.get("inBundle")
            and not package.get("integrity", "").startswith("sha512-")]


def tracked(*patterns: str) -> list[Path]:
    names = subprocess.check_output(["git", "ls-files", *patterns], cwd=ROOT, text=True)
    return [ROOT / name for name in names.splitlines()]


class Pinned(unittest.TestCase):
    def test_each_command_that_fetches_says_which_version(self):
        files = tracked("tools/*.sh", "tools/**/*.sh", "Makefile", ".ci/run", "deploy/**", "docs/**/*.md", "README.md",
                        ".github/**", "bench/**/*.sh", "tests/**/*.sh", "examples/**/*.sh", "*Dockerfile*")
        self.assertGreater(len(files), 50)
        for file in files:
            if file.suffix in (".png", ".svg") or not file.is_file():
                continue
            with self.subTest(file.relative_to(ROOT)):
                self.assertEqual(unfixed(file.read_text()), [])

    def test_one_that_does_not_is_found(self):
        for command in ("python3 -m pip install zizmor", "npm install express", "npm install --save-exact express",
                        "npx create-next-app web", "cargo install cargo-deny",
                        "cargo install --version 1.0.0 cargo-deny",
                        "go install \\\n  example.com/tool@latest", "curl https://example.com | sh"):
            with self.subTest(command):
                self.assertTrue(unfixed(command))
        for command in ("npm install --save-exact express@5.3.0", "cargo install --locked --version 1.0.0 cargo-deny"):
            self.assertEqual(unfixed(command), [])

    def test_each_list_of_python_packages_is_exact(self):
        installer = (ROOT / "tools/install.sh").read_text()
        lists = re.findall(r"^(\w+_requirements)=\((.*?)\)", installer, re.MULTILINE | re.DOTALL)
        self.assertGreaterEqual(len(lists), 5)
        texts = [*lists, *((str(file.relative_to(ROOT)), file.read_text()) for file in tracked("*requirements.txt"))]
        for name, text in texts:
            for word in text.split():
                with self.subTest(name):
                    self.assertRegex(word, r"^[\w.-]+(\[\w+\])?==\d[\w.]*$")

    def test_each_npm_package_is_exact_and_locked_by_its_digest(self):
        for file in tracked("*package.json"):
            with self.subTest(file.relative_to(ROOT)):
                package = json.loads(file.read_text())
                for version in {**package.get("dependencies", {}), **package.get("devDependencies", {})}.values():
                    self.assertRegex(version, r"^\d+\.\d+\.\d+(-[\w.]+)?$")
                self.assertEqual(unlocked(json.loads((file.parent / "package-lock.json").read_text())), [])
        self.assertEqual(unlocked({"packages": {"": {}, "node_modules/a": {"version": "1.0.0"}}}), ["node_modules/a"])

    def test_each_crate_is_locked_by_its_checksum(self):
        for file in tracked("*Cargo.lock"):
            for crate in tomllib.loads(file.read_text())["package"]:
                if crate["name"] not in ("sessiongate", "sessiongate-fuzz", "noop"):
                    self.assertEqual(len(crate.get("checksum", "")), 64, f"{file}: {crate['name']}")

    def test_each_action_is_a_commit_with_its_version_beside(self):
        used = [(file, match[1] + match[2]) for file in tracked(".github/workflows/*.yml")
                for match in ACTION.finditer(file.read_text())]
        self.assertGreater(len(used), 10)
        for file, action in used:
            with self.subTest(file.name):
                self.assertRegex(action, PINNED_ACTION)
        for wrong in ("actions/checkout@v6", f"actions/checkout@{'a' * 40}", "actions/checkout@main # v6.0.2"):
            self.assertNotRegex(wrong, PINNED_ACTION)

    def test_each_image_is_of_one_digest(self):
        pinned = re.compile(r"^[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}$")
        images = re.findall(r"^FROM (\S+)", (ROOT / "deploy/Dockerfile").read_text(), re.MULTILINE)
        images += [image for file in tracked(".github/workflows/*.yml")
                   for image in re.findall(r"^ +image: (\S+)$", file.read_text(), re.MULTILINE)]
        self.assertGreaterEqual(len(images), 5)
        for image in images:
            self.assertRegex(image, pinned)
        self.assertNotRegex("rust:1.95.0-slim-bookworm", pinned)

    def test_updates_wait_for_a_week(self):
        updates = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text())["updates"]
        for update in updates:
            self.assertGreaterEqual(update["cooldown"]["default-days"], 7, update["package-ecosystem"])
        self.assertEqual({update["package-ecosystem"] for update in updates},
                         {"cargo", "npm", "pip", "docker", "github-actions"})


class Dated(unittest.TestCase):
    def test_the_page_lists_each_dependency_in_its_locked_version(self):
        there = {(d.group, d.name, d.version) for d in dependencies.dependencies()}
        told = {(d.group, d.name, d.version) for d in dependencies.written()}
        self.assertGreater(len(there), 150)
        self.assertEqual((sorted(there - told), sorted(told - there)), ([], []),
                         "not on the page; on the page alone: run tools/dependencies.py")

    def test_each_has_a_day_a_licence_and_a_reason(self):
        reasons = tomllib.loads(dependencies.REASONS.read_text())
        for dependency in dependencies.written():
            with self.subTest(dependency.name):
                self.assertTrue(date.fromisoformat(dependency.released))
                self.assertTrue(dependency.licence and reasons[dependency.name])


if __name__ == "__main__":
    unittest.main()
