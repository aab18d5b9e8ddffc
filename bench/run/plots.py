"""The figures as SVG."""

import sys
from pathlib import Path

from report import Results
from world import ROOT

sys.path.insert(0, str(ROOT / ".tools/plots"))
import matplotlib  # noqa: E402

matplotlib.use("svg")
# The same figures make the same file; text stays text.
matplotlib.rcParams.update({"svg.hashsalt": "sessiongate", "svg.fonttype": "none", "font.size": 10})
from matplotlib import pyplot  # noqa: E402

OURS, OTHERS, GREY = "#2563eb", "#9ca3af", "#374151"


def draw(results: Results, folder: Path) -> None:
    """checks.svg, envoy.svg, others.svg and growth.svg."""
    if results.checks:
        rows = [(cost.name, cost.ratio, f"{cost.ratio:.2f} · {cost.cpu:.1f} µs") for cost in results.checks]
        bars("CPU time of a check, beside a service that does nothing", rows, folder / "checks.svg")
    if results.envoy:
        rows = [(row.name, row.rate, f"{row.rate:,.0f} · p99 {row.p99 / 1e3:.1f} ms") for row in results.envoy]
        bars("Requests a second through one worker of Envoy", rows, folder / "envoy.svg")
    others = [(row.name, row.ratio) for row in [*results.peers, *results.node[1:]]]
    if others:
        rows = [(name, ratio, f"{ratio:,.1f}") for name, ratio in others]
        bars("CPU time for the same answer: sessiongate's session is 1", rows, folder / "others.svg", logarithmic=True)
    if results.growth:
        lines(results, folder / "growth.svg")


def bars(title: str, rows: list[tuple[str, float, str]], file: Path, *, logarithmic: bool = False) -> None:
    """One bar a row, the first one on top."""
    figure, axes = pyplot.subplots(figsize=(9, 0.6 + 0.42 * len(rows)), layout="constrained")
    names = [name for name, _, _ in rows][::-1]
    values = [value for _, value, _ in rows][::-1]
    colours = [OURS if is_ours(name) else OTHERS for name in names]
    drawn = axes.barh(names, values, color=colours, height=0.65)
    axes.bar_label(drawn, [text for _, _, text in rows][::-1], padding=4, color=GREY)
    if logarithmic:
        axes.set_xscale("log")
    axes.set_title(title, loc="left", fontsize=11)
    axes.margins(x=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    save(figure, file)


def is_ours(name: str) -> bool:
    """Whether a bar is of sessiongate."""
    others = ["no-op", "no filter", "jwt_authn", "OPA", "Heimdall", "Authorino", "oauth2", "Auth.js", "next-auth"]
    return not any(other in name for other in others)


def lines(results: Results, file: Path) -> None:
    """A small plot for each thing that grows."""
    figure, grid = pyplot.subplots(2, 3, figsize=(11, 5.6), layout="constrained")
    for axes, (line, points) in zip(grid.flat, results.growth.items(), strict=False):
        axes.plot([point.amount for point in points], [point.ratio for point in points], "o-", color=OURS)
        axes.set_xscale("log")
        axes.minorticks_off()
        axes.set_ylim(bottom=0, top=max(1.5, 1.1 * max(point.ratio for point in points)))
        axes.set_title(line, loc="left", fontsize=10)
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle("CPU time of a check as something grows; 1 is where it was compared with", fontsize=11)
    save(figure, file)


def save(figure: pyplot.Figure, file: Path) -> None:
    """Without the date, which the tables have."""
    figure.savefig(file, metadata={"Date": None})
    pyplot.close(figure)
