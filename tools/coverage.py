#!/usr/bin/env python3
"""What the tests reach of the modules that decide, by line and by region, and what they do not, with the reasons of
`tools/coverage.toml`. `make coverage` runs it; the result is `bench/results/coverage.md`.

The tests run twice over: first those that call the library, then those that start the program as well, whose
counters are kept even where a test kills it.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULT = ROOT / "bench/results/coverage.md"
REASONS = ROOT / "tools/coverage.toml"
TARGET = ROOT / "target/coverage"
COMMANDS = ROOT / ".tools/cargo/bin"

MODULES = ("request", "rule", "session", "policy", "identity", "gate", "envoy")
IN_PROCESS = ("config", "conformance", "gate", "jose", "model", "protocol")
STARTING = ("cli", "envoy")
# What a region of code is called in LLVM's mapping; others are macros, gaps and what is left out.
CODE = 0

Region = tuple[int, int, int, int]


@dataclass
class Source:
    """A file: its lines and regions, and whether each was reached."""

    path: str
    text: list[str]
    lines: dict[int, bool] = field(default_factory=dict)
    regions: dict[Region, bool] = field(default_factory=dict)

    @property
    def module(self) -> str:
        return self.path.removeprefix("src/").split("/")[0].removesuffix(".rs")


@dataclass
class Gap:
    """Code that was not reached."""

    path: str
    first: int
    last: int
    text: str

    @property
    def place(self) -> str:
        return f"{self.path}:{self.first}" if self.first == self.last else f"{self.path}:{self.first}-{self.last}"


def main() -> None:
    environment = tools()
    cargo(environment, "clean", "--workspace")
    run(environment, ["--lib", *named(IN_PROCESS)])
    in_process = measured(environment)
    run(environment, [*named(STARTING), "--", "--list"])
    put_service_in_place()
    failed = not ran(environment, named(STARTING))
    everything = measured(environment)
    table = "\n".join(rows(in_process, everything))
    print(table)
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(report(table, everything, failed))
    print(f"\nwhat is not covered, and why: {RESULT.relative_to(ROOT)}")


def tools() -> dict[str, str]:
    """The environment in which cargo-llvm-cov finds the tools that read the profiles of this compiler."""
    version = subprocess.run(["rustc", "-vV"], check=True, capture_output=True, text=True).stdout
    major = re.search(r"^LLVM version: (\d+)", version, re.MULTILINE)
    assert major, version
    folder = Path(f"/usr/lib/llvm-{major[1]}/bin")
    return os.environ | {
        "PATH": f"{COMMANDS}:{os.environ['PATH']}",
        "LLVM_COV": str(folder / "llvm-cov"),
        "LLVM_PROFDATA": str(folder / "llvm-profdata"),
        "CARGO_LLVM_COV_TARGET_DIR": str(TARGET),
        # Counters live in the file itself (`%c`), so that a process that is killed has written them.
        "RUSTFLAGS": "-Cllvm-args=-runtime-counter-relocation",
        "LLVM_PROFILE_FILE_NAME": "%p-%m%c.profraw",
    }


def cargo(environment: dict[str, str], *arguments: str) -> None:
    subprocess.run(["cargo", "llvm-cov", *arguments], cwd=ROOT, env=environment, check=True)


def named(tests: tuple[str, ...]) -> list[str]:
    return [argument for test in tests for argument in ("--test", test)]


def run(environment: dict[str, str], tests: list[str]) -> None:
    cargo(environment, "--no-report", "--no-cfg-coverage", "--locked", *tests)


def put_service_in_place() -> None:
    """The service in Rust of `examples/upstreams`, which the tests start and nobody measures."""
    subprocess.run(["cargo", "build", "--locked", "--example", "upstream"], cwd=ROOT, check=True)
    place = TARGET / "debug/examples"
    place.mkdir(exist_ok=True)
    shutil.copy2(ROOT / "target/debug/examples/upstream", place)


def ran(environment: dict[str, str], tests: list[str]) -> bool:
    """Whether all tests passed. With its counters the program is slow, and some tests hold it to time: `make test` is
    what they have to pass."""
    try:
        run(environment, ["--no-fail-fast", *tests])
    except subprocess.CalledProcessError:
        return False
    return True


def measured(environment: dict[str, str]) -> list[Source]:
    output = TARGET / "coverage.json"
    cargo(environment, "report", "--json", "--output-path", str(output))
    data = json.loads(output.read_text())["data"][0]
    sources: dict[str, Source] = {}
    for file in data["files"]:
        path = os.path.relpath(file["filename"], ROOT)
        if path.startswith("src/") and not path.endswith("/tests.rs"):
            sources[path] = Source(path, code(ROOT / path))
            sources[path].lines = line_counts(file["segments"], len(sources[path].text))
    for function in data["functions"]:
        paths = [os.path.relpath(name, ROOT) for name in function["filenames"]]
        for *region, count, file_number, _, kind in function["regions"]:
            source = sources.get(paths[file_number])
            if source is None or kind != CODE or region[0] > len(source.text):
                continue
            # A generic function has its regions once for each type: reached by one is reached.
            key = (region[0], region[1], region[2], region[3])
            source.regions[key] = source.regions.get(key, False) or count > 0
    return [source for source in sources.values() if source.module in MODULES]


def code(path: Path) -> list[str]:
    """The lines of a file without its unit tests, which stand at its end."""
    return re.split(r"^#\[cfg\(test\)\]\nmod tests \{$", path.read_text(), flags=re.MULTILINE)[0].splitlines()


def line_counts(segments: list[list[int]], length: int) -> dict[int, bool]:
    """Whether each line that has code was reached, by the rule of llvm-cov."""
    lines: dict[int, bool] = {}
    wrapped: list[int] | None = None
    at = 0
    for line in range(1, length + 1):
        here = []
        while at < len(segments) and segments[at][0] == line:
            here.append(segments[at])
            at += 1
        entries = [segment for segment in here if segment[3] and segment[4] and not segment[5]]
        is_skipped = bool(here) and not here[0][3] and bool(here[0][4])
        if not is_skipped and (entries or (wrapped is not None and wrapped[3])):
            counts = [segment[2] for segment in entries] + ([wrapped[2]] if wrapped is not None else [])
            lines[line] = max(counts) > 0
        wrapped = here[-1] if here else wrapped
    return lines


def rows(in_process: list[Source], everything: list[Source]) -> Iterator[str]:
    yield "| module | lines | regions | lines, with the program started | regions |"
    yield "| --- | --: | --: | --: | --: |"
    for module in (*MODULES, "all of these"):
        cells = [module if module not in MODULES else f"`{module}`"]
        for sources in (in_process, everything):
            chosen = [source for source in sources if module in (source.module, "all of these")]
            cells.append(share([reached for source in chosen for reached in source.lines.values()]))
            cells.append(share([reached for source in chosen for reached in source.regions.values()]))
        yield f"| {' | '.join(cells)} |"


def share(reached: list[bool]) -> str:
    return f"{100 * sum(reached) / max(1, len(reached)):.1f} % ({sum(reached):,} of {len(reached):,})"


def gaps(source: Source) -> Iterator[Gap]:
    """The lines that were not reached, and what was not reached on lines that were."""
    missed = [line for line, reached in sorted(source.lines.items()) if not reached]
    start = 0
    for at in range(1, len(missed) + 1):
        if at == len(missed) or any(line in source.lines for line in range(missed[at - 1] + 1, missed[at])):
            first, last = missed[start], missed[at - 1]
            yield Gap(source.path, first, last, " ".join(text.strip() for text in source.text[first - 1 : last]))
            start = at
    columns: dict[int, list[int]] = {}
    for (line, column, end, end_column), reached in source.regions.items():
        if not reached and source.lines.get(line, False):
            text = source.text[line - 1]
            columns.setdefault(line, []).extend((column, end_column if end == line else len(text) + 1))
    for line, edges in sorted(columns.items()):
        yield Gap(source.path, line, line, source.text[line - 1][min(edges) - 1 : max(edges) - 1].strip())


def report(table: str, sources: list[Source], failed: bool) -> str:
    found = [gap for source in sorted(sources, key=lambda source: source.path) for gap in gaps(source)]
    groups: dict[str, list[Gap]] = {}
    for gap in found:
        groups.setdefault(reason(gap), []).append(gap)
    parts = [
        "# Coverage",
        f"`make coverage` on {date.today()}, {platform.system()} {platform.machine()}. A line or a region is covered "
        "where a test reaches it; unit tests themselves are not counted. The first two columns are of the tests that "
        f"call the library ({', '.join(('unit tests', *IN_PROCESS))}), the last two of all tests, with the "
        f"program that {' and '.join(STARTING)} start."
        + (" One of these failed in this run: with its counters the program was too slow for it." if failed else ""),
        table,
        "## What is not covered, and why",
        *(section(why, groups[why]) for why in sorted(groups, key=lambda why: (why == "", -len(groups[why])))),
    ]
    return "\n\n".join(parts) + "\n"


def section(why: str, found: list[Gap]) -> str:
    places = "\n".join(f"- {gap.place} `{shortened(gap.text)}`" for gap in found)
    return f"**{why or 'Without a reason that was written down.'}**\n\n{places}"


def shortened(text: str) -> str:
    text = text.replace("`", "'")
    return text if len(text) <= 90 else text[:89] + "…"


def reason(gap: Gap) -> str:
    """The first reason that fits: `=text` is all of the code, any other text a part of it."""
    for entry in tomllib.loads(REASONS.read_text())["reason"]:
        for pattern, texts in entry["code"].items():
            if fnmatch(gap.path, pattern) and any(fits(gap, text) for text in texts):
                return entry["why"]
    return ""


def fits(gap: Gap, text: str) -> bool:
    return gap.text == text[1:] if text.startswith("=") and len(text) > 1 else text in gap.text


if __name__ == "__main__":
    main()
