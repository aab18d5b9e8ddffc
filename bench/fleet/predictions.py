"""What the simulation says: first of what was measured as well, then of fleets that do not fit on this machine."""

import math
from dataclasses import dataclass
from typing import Any

import numpy

from capacity import Slow
from simulation import Plan, queue, run
from zone import AFTER, BEFORE, EACH, ZONES, Lost

SEEDS = 20
LIMIT = 0.005  # seconds that 99 % of the checks should take at most
QUIET, BUSY = 0.00005, 0.001  # seconds that a replica waits for its core when it is woken


@dataclass(frozen=True)
class Beside:
    """Something that was measured and simulated."""

    name: str
    measured: float
    simulated: float
    least: float
    most: float


def beside_latencies(slow: list[Slow]) -> list[Beside]:
    """What was sent when is as it was; milliseconds."""
    rows = []
    for load in slow:
        order = numpy.argsort(load.trace.sent)
        arrivals = numpy.array(load.trace.sent)[order].tolist()
        rng = numpy.random.default_rng(1)
        found = []
        for _ in range(SEEDS):
            wake = rng.exponential(load.waited, len(arrivals)).tolist()
            found.append(queue(arrivals, [load.service] * len(arrivals), 1, wake))
        for share in (50, 99):
            each = [float(numpy.percentile(took, share)) * 1e3 for took in found]
            measured = float(numpy.percentile(load.trace.took, share)) * 1e3
            name = f"p{share} at {load.share:.0%} of a core, ms"
            rows.append(Beside(name, measured, float(numpy.median(each)), min(each), max(each)))
    return rows


NOTHING: dict[str, Any] = {"retries": 0, "outliers": False, "health_interval": 0}
# Those ways of zone.py that tell Envoy's workers at once; the others wait for a window that is not simulated.
WAYS: dict[str, dict[str, Any]] = {
    "nothing": NOTHING,
    "health checks every 2 s, at once": {**NOTHING, "health_interval": 2},
    "outlier detection, at once": {**NOTHING, "outliers": True},
    "retries": {**NOTHING, "retries": 2},
    "health checks and outlier detection, at once": {"retries": 0},
    "all of it": {},
}


def beside_zones(lost: list[Lost], rate: float = 60) -> list[Beside]:
    """Requests that failed when a zone was lost."""
    rows = []
    for row in lost:
        if row.way not in WAYS:
            continue
        plan = Plan(ZONES * EACH, rate, 35e-6, lost_at=BEFORE, stopped=row.how == "stopped", **WAYS[row.way])
        found = [run(plan, BEFORE + AFTER, seed).failures() for seed in range(SEEDS)]
        rows.append(Beside(f"{row.way}, {row.how}", row.failed, sum(found) / SEEDS, min(found), max(found)))
    return rows


@dataclass(frozen=True)
class Size:
    """The highest share of its cores that a fleet may use, so that a lost zone leaves p99 below the limit."""

    replicas: int
    cores: int
    wake: float
    utilisation: float
    rate: float  # checks a second of each core
    p99_before: float
    p99_after: float


def sizes(service: float) -> list[Size]:
    """By the number of replicas, on nodes that are quiet and on nodes that are as busy as this machine was."""
    plans = [(3, 1), (6, 1), (12, 1), (3, 2), (3, 4)]
    found = [highest(replicas, cores, wake, service) for wake in (QUIET, BUSY) for replicas, cores in plans]
    return [size for size in found if size]


def highest(replicas: int, cores: int, wake: float, service: float) -> Size | None:
    """From the top in steps of two percent; some load passes before the zone is lost."""
    for percent in range(66, 10, -2):
        rate = percent / 100 * cores / service
        plan = Plan(replicas, rate * replicas, service, cores, envoys=10, wake=wake, lost_at=0.2)
        found = run(plan, 0.8)
        after = found.p99(since=0.4)
        if after < LIMIT and not found.failures():
            return Size(replicas, cores, wake, percent / 100, rate / cores, found.p99(until=0.2), after)
    return None


@dataclass(frozen=True)
class Large:
    """A hundred Envoys with four workers each, thirty replicas; the second after a zone was lost."""

    name: str
    utilisation: float
    requests: int
    failed: int
    p99_before: float
    p99_after: float


def large(service: float, utilisation: float = 0.5) -> list[Large]:
    """Half of what thirty cores can do; then three quarters on those that are left."""
    base = {"envoys": 100, "workers": 4, "wake": QUIET, "lost_at": 0.3}
    ways: dict[str, dict[str, Any]] = {
        "in turn, killed": {},
        "least requests, killed": {"least_request": True},
        "in turn, stopped": {"stopped": True},
        "in turn, killed, without retries": {"retries": 0},
        "in turn, stopped, without retries": {"stopped": True, "retries": 0},
    }
    rows = []
    for name, more in ways.items():
        found = run(Plan(30, 30 * utilisation / service, service, **base, **more), 1.3)
        before, after = found.p99(until=0.3), found.p99(since=0.3)
        requests = sum(at >= 0.3 for at in found.at)
        rows.append(Large(name, utilisation, requests, found.failures(0.3), before, after))
    return rows


@dataclass(frozen=True)
class Grown:
    """An autoscaler that follows a load which doubles."""

    target: float
    minutes: float  # in which the load doubles
    peak: float  # the highest share of the requested cores in use
    seconds_over: float  # for which it was more than all of them


def autoscaled() -> list[Grown]:
    """Utilisation is known 30 s late, looked at every 15 s; a new pod takes 15 s, and they double at most."""
    return [grow(target, minutes) for minutes in (0, 1, 5) for target in (0.5, 0.6, 0.7)]


def grow(target: float, minutes: float, known_after: int = 30, pod: int = 15, sync: int = 15) -> Grown:
    replicas, used = [10] * (known_after + 1), [target] * (known_after + 1)
    asked, coming = 10, [(0, 10)]
    for now in range(1200):
        load = 10 * target * (1 + min(1.0, now / (minutes * 60)) if minutes else 2)
        serving = max(count for since, count in coming if since <= now)
        replicas.append(serving)
        used.append(load / serving)
        if now % sync == 0:
            then = -1 - known_after
            wanted = math.ceil(replicas[then] * used[then] / target - 1e-9)
            # Within a tenth nothing is changed.
            if used[then] / target > 1.1 and wanted > asked:
                asked = min(wanted, 2 * serving)
                coming.append((now + pod, asked))
    return Grown(target, minutes, max(used), sum(share > 1 for share in used))
