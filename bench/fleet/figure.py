"""What a rollout and a lost zone cost, as one picture."""

import sys
from pathlib import Path
from typing import Any

from replica import ROOT
from undisturbed import STEADY

sys.path.insert(0, str(ROOT / ".tools/plots"))
import matplotlib  # noqa: E402

matplotlib.use("svg")
# The same figures make the same file; text stays text.
matplotlib.rcParams.update({"svg.hashsalt": "sessiongate", "svg.fonttype": "none", "font.size": 9})
from matplotlib import pyplot  # noqa: E402

OURS, OTHERS, GREY = "#2563eb", "#9ca3af", "#374151"
# The longest of each kind, from the worst to the recommended one.
ROLLED = [("no health checks, 8.0", "by endpoints alone"), ("health checks every 5 s, 8.0", "with health checks")]


def draw(results: dict[str, Any], file: Path) -> None:
    """Bars of failed requests in percent; what is recommended is blue."""
    if not results.get("rollouts") or not results.get("zones"):
        return
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    bars(left, "Failed in a rollout, Envoy hears of it 8 s late", rolled(results["rollouts"]))
    rows = [row for row in results["zones"] if row["how"] == "stopped"]
    lost = [(row["way"], 100 * row["failed"] / row["requests"]) for row in rows if row["way"] != STEADY.name]
    bars(right, "Failed in 14 s after a zone fell silent", lost)
    # Without the date, which the tables have.
    figure.savefig(file, metadata={"Date": None})
    pyplot.close(figure)


def rolled(rows: list[dict[str, Any]]) -> list[tuple[str, float]]:
    return [
        (
            f"{said}, preStop {row['pre_stop']:g} s, drain_delay {row['drain_delay']:g} s",
            100 * row["failed"] / row["requests"],
        )
        for way, said in ROLLED
        for row in rows
        if row["way"] == way
    ]


def bars(axes: Any, title: str, rows: list[tuple[str, float]]) -> None:
    """One bar a row, the first one on top."""
    names, values = [name for name, _ in rows][::-1], [value for _, value in rows][::-1]
    colours = [OURS if name.startswith("all of it") or "drain_delay 5" in name else OTHERS for name in names]
    drawn = axes.barh(names, values, color=colours, height=0.65)
    axes.bar_label(drawn, [f"{value:.1f} %" for value in values], padding=4, color=GREY)
    axes.set_title(title, loc="left", fontsize=10)
    axes.margins(x=0.2)
    axes.spines[["top", "right"]].set_visible(False)
