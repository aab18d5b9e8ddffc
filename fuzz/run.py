"""Builds the fuzz targets and runs each for a while: fuzz/run.py [--seconds N] [--jobs N] [--table FILE] [TARGET...]

Ends with 1 where an input breaks a promise, and says which and how to see it again. See fuzz/README.md.
"""

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import seeds

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
# Beside what `make test` has built, of which all but our own crates is used again.
TARGET = ROOT / "target"
BUILD = ["cargo", "build", "--locked", "--bins", "--manifest-path", "fuzz/Cargo.toml", "--target-dir", TARGET]
LIMITS = ["-timeout=20", "-rss_limit_mb=2048", "-max_len=8192", "-print_final_stats=1"]


@dataclass
class Outcome:
    """What a run of one target came to."""

    target: str
    executions: int
    per_second: int
    coverage: int
    features: int
    corpus: int
    finding: Path | None
    told: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=3600, help="how long each target runs")
    parser.add_argument("--jobs", type=int, default=1, help="how many run at once")
    parser.add_argument("--table", type=Path, help="where the figures are written as a table")
    parser.add_argument("--keep", action="store_true", help="go on from fuzz/corpus and add to it; else from the seeds")
    parser.add_argument("targets", nargs="*", default=targets(), metavar="TARGET")
    options = parser.parse_args()
    build()
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(options.jobs) as pool:
        corpus = HERE / "corpus" if options.keep else Path(scratch)
        seeds.write(corpus)
        outcomes = list(pool.map(lambda target: fuzz(target, options.seconds, corpus), options.targets))
    print(table(outcomes))
    if options.table:
        options.table.parent.mkdir(parents=True, exist_ok=True)
        options.table.write_text(page(outcomes, options.seconds))
    findings = [outcome for outcome in outcomes if outcome.finding or outcome.told]
    for outcome in findings:
        print(report(outcome), file=sys.stderr)
    sys.exit(1 if findings else 0)


def targets() -> list[str]:
    """The names of the targets."""
    return [binary["name"] for binary in tomllib.loads((HERE / "Cargo.toml").read_text())["bin"]]


def build() -> None:
    """Builds all targets; quick where nothing has changed."""
    is_what_is_shipped()
    started = time.monotonic()
    subprocess.run(BUILD, cwd=ROOT, env={**os.environ, "RUSTC_WRAPPER": str(HERE / "instrument")}, check=True)
    print(f"built in {time.monotonic() - started:.0f} s")


def is_what_is_shipped() -> None:
    """Ends where a dependency has another version here: another program would be tested."""
    ours, theirs = (versions(place / "Cargo.lock") for place in (ROOT, HERE))
    other = sorted(name for name in theirs.keys() & ours.keys() if not theirs[name] <= ours[name])
    if other:
        sys.exit(
            f"fuzz/Cargo.lock has other versions than Cargo.lock of {', '.join(other)}:\n"
            "cp Cargo.lock fuzz/Cargo.lock && cargo tree --quiet --manifest-path fuzz/Cargo.toml >/dev/null"
        )


def versions(lock: Path) -> dict[str, set[str]]:
    """The versions of each package."""
    found: dict[str, set[str]] = {}
    for package in tomllib.loads(lock.read_text())["package"]:
        found.setdefault(package["name"], set()).add(package["version"])
    return found


def binary(target: str) -> Path:
    """Where cargo has put a target."""
    return TARGET / "debug" / target


def fuzz(target: str, seconds: int, corpus: Path) -> Outcome:
    """Runs one target from its corpus, to which it adds, and from everything that ever broke it."""
    artifacts, regressions = HERE / "artifacts" / target, HERE / "regressions" / target
    artifacts.mkdir(parents=True, exist_ok=True)
    places = [corpus / target] + ([regressions] if regressions.is_dir() else [])
    limits = [*LIMITS, f"-max_total_time={seconds}", f"-artifact_prefix={artifacts}/"]
    command = [str(part) for part in [binary(target), *limits, *dictionary(target), *places]]
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return outcome(target, run.returncode, run.stdout.decode(errors="replace"))


def dictionary(target: str) -> list[str]:
    """The words of a target's language, where they are written down."""
    words = HERE / "dictionaries" / f"{target}.txt"
    return [f"-dict={words}"] if words.exists() else []


def outcome(target: str, code: int, log: str) -> Outcome:
    """Reads libFuzzer's last words."""
    status = [line for line in log.splitlines() if re.match(r"#\d+\t", line)]
    last = status[-1] if status else ""
    number = lambda pattern, text: int(found[1]) if (found := re.search(pattern, text)) else 0  # noqa: E731
    written = re.search(r"Test unit written to (\S+)", log)
    told = "" if code == 0 else last_words(log)
    return Outcome(
        target,
        number(r"stat::number_of_executed_units:\s*(\d+)", log) or number(r"^#(\d+)", last),
        number(r"stat::average_exec_per_sec:\s*(\d+)", log),
        number(r"cov: (\d+)", last),
        number(r"ft: (\d+)", last),
        number(r"corp: (\d+)", last),
        Path(written[1]) if written else None,
        told,
    )


def last_words(log: str) -> str:
    """What went wrong: the panic, or libFuzzer's own complaint."""
    lines = log.splitlines()
    found = [at for at, line in enumerate(lines) if "panicked at" in line or "ERROR: libFuzzer" in line]
    return "\n".join(lines[found[0] : found[0] + 4]) if found else "\n".join(lines[-5:])


def report(outcome: Outcome) -> str:
    """How a finding can be seen again."""
    told = f"\n{outcome.target}: {outcome.told}"
    if not outcome.finding:
        return told
    kept = f"fuzz/regressions/{outcome.target}/"
    return (
        f"{told}\ninput: {outcome.finding}\n"
        f"again: {binary(outcome.target)} {outcome.finding}\n"
        f"keep it, once it is understood: mkdir -p {kept} && cp {outcome.finding} {kept}"
    )


def table(outcomes: list[Outcome]) -> str:
    """The figures, a line a target."""
    lines = ["| target | executions | a second | edges covered | features | corpus | findings |"]
    lines += ["| --- | --: | --: | --: | --: | --: | --: |"]
    for o in outcomes:
        figures = [f"{o.executions:,}", f"{o.per_second:,}", f"{o.coverage:,}", f"{o.features:,}", f"{o.corpus:,}"]
        lines.append(f"| `{o.target}` | {' | '.join(figures)} | {1 if o.told else 0} |")
    return "\n".join(lines)


def page(outcomes: list[Outcome], seconds: int) -> str:
    """The figures, and where they come from."""
    model = next((line.split(": ")[1] for line in Path("/proc/cpuinfo").open() if line.startswith("model name")), "")
    pinned = {name: ", ".join(sorted(found)) for name, found in versions(HERE / "Cargo.lock").items()}
    return (
        f"# Fuzzing\n\n{date.today()}, {seconds} s a target, {model.strip()}, {os.cpu_count()} cores, "
        f"{platform.system()} {platform.release()};\n{output('rustc', '--version')}, "
        f"libfuzzer-sys {pinned['libfuzzer-sys']}, regress {pinned['regress']}. Written by `make fuzz`; what the\n"
        f"targets hold is in [fuzz/README.md](../../fuzz/README.md).\n\n{table(outcomes)}\n"
    )


def output(*command: str) -> str:
    """What a command prints."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    main()
