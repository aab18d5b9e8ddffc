"""The tables, and all figures as JSON."""

import dataclasses
import json
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import Any

from checks import Cost, Latency
from growth import Point
from node import Guarded
from peers import LeftOut, Peer
from proxy import Passage
from start import Start
from world import machine, versions


@dataclasses.dataclass
class Results:
    """All that a run has found; what was not asked for is empty."""

    checks: list[Cost]
    connections: list[Cost]
    load: list[Latency]
    envoy: list[Passage]
    node: list[Guarded]
    peers: list[Peer]
    left_out: list[LeftOut]
    growth: dict[str, list[Point]]
    start: Start | None


Column = tuple[str, Callable[[Any], str]]


def table(rows: Iterable[Any], columns: list[Column]) -> str:
    """One line a row; the first column is text."""
    lines = [" | ".join(["", *(title for title, _ in columns), ""]).strip()]
    lines.append("| --- |" + " --: |" * (len(columns) - 1))
    lines += ["| " + " | ".join(show(row) for _, show in columns) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def number(field: str, digits: int = 0) -> Callable[[Any], str]:
    """A figure with thousands apart."""
    return lambda row: f"{getattr(row, field):,.{digits}f}"


def name(row: Any) -> str:
    """What was measured."""
    return str(row.name)


def sections(results: Results) -> list[tuple[str, str]]:
    """Title and table, ratios first."""
    per_check = [("", name), ("ratio of CPU", number("ratio", 2)), ("CPU µs a check", number("cpu", 1))]
    per_check += [("checks a second", number("rate")), ("p99 µs", number("p99"))]
    latency = [("", name), ("ratio of p99", number("ratio", 2)), ("checks a second", number("rate"))]
    latency += [("p50 µs", number("p50")), ("p99 µs", number("p99"))]
    passage = [("", name), ("ratio of the rate", number("ratio", 2)), ("requests a second", number("rate"))]
    passage += [("p50 µs", number("p50")), ("p99 µs", number("p99"))]
    passage += [("CPU µs in Envoy", number("envoy_cpu", 1)), ("in the service", number("service_cpu", 1))]
    guarded = [("", name), ("whole request, ratio", number("ratio")), ("what the guard adds, ratio", number("own_ratio"))]
    guarded += [("CPU µs a request", number("cpu")), ("of them the open page", number("page"))]
    guarded += [("requests a second", number("rate")), ("MiB", number("memory"))]
    amount: list[Column] = [("", lambda row: f"{row.amount:,}"), ("ratio", number("ratio", 2))]
    amount += [("CPU µs a check", number("cpu", 1))]
    return [
        ("A check over gRPC, beside a service that does nothing", table(results.checks, per_check)),
        ("The same on sixteen connections", table(results.connections, per_check)),
        ("Latency at 80 % of the slower one's rate", table(results.load, latency)),
        ("Through a real Envoy", table(results.envoy, passage)),
        ("Auth.js in Node.js", table(results.node, guarded)),
        ("Other gates", table(results.peers, [*per_check, ("MiB", number("memory"))])),
        *[(f"Growth: {line}", table(points, amount)) for line, points in results.growth.items()],
    ]


def write(results: Results, folder: Path) -> str:
    """Writes results.md and results.json, and gives the former back."""
    folder.mkdir(parents=True, exist_ok=True)
    left_out = "".join(f"Left out: {gone.name}: {gone.reason}\n\n" for gone in results.left_out)
    text = f"# Results\n\n{date.today()}, {machine()};\n{', '.join(versions())}.\n"
    text += "Written by `make bench`; [bench/README.md](../README.md) reads them.\n"
    for title, rows in sections(results):
        if rows.count("\n") > 2:
            text += f"\n## {title}\n\n{rows}"
    if start := results.start:
        text += (
            f"\n## Start\n\nReady after {start.median:.1f} ms at the median of {start.starts} starts, {start.least:.1f} to "
            f"{start.most:.1f}; {start.memory:.1f} MiB of memory then.\n"
        )
    text += f"\n{left_out}" if left_out else ""
    (folder / "results.md").write_text(text)
    figures = {"date": str(date.today()), "machine": machine(), "versions": versions(), **dataclasses.asdict(results)}
    (folder / "results.json").write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n")
    return text
