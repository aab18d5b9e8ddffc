"""A zone that is lost, under load: two of six replicas killed, or stopped so that they take connections in silence.

Kubernetes notices after its node's lease has run out, 40 s and more: until then it is for Envoy alone."""

import statistics
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from edge import OUTLIERS, RETRY, ROOM_FOR_RETRIES, Way, edge, health_check, own_network, recommended
from replica import SECRET, fleet, token
from traffic import FAILED, RIGHT, WRONG, Traffic, count, questions
from undisturbed import STEADY, steady_failures, undisturbed

ZONES, EACH = 3, 2
BEFORE, AFTER = 2.0, 14.0  # seconds of load

WAYS = [
    Way("nothing"),
    Way("health checks every 5 s", health_check("5s")),
    Way("health checks every 2 s", health_check("2s")),
    Way("health checks every 2 s, at once", health_check("2s"), at_once=True),
    Way("outlier detection", OUTLIERS),
    Way("outlier detection, at once", OUTLIERS, at_once=True),
    Way("retries", ROOM_FOR_RETRIES, RETRY),
    Way("health checks and outlier detection, at once", {**health_check("2s"), **OUTLIERS}, at_once=True),
    recommended("all of it"),
    recommended("all of it, own zone first", by_zone=True),
    STEADY,
]


@dataclass(frozen=True)
class Lost:
    """What became of the requests of one way after the loss; medians of the rounds."""

    how: str
    way: str
    requests: float
    failed: float
    wrong: float
    seconds: float  # from the loss to the last failure
    slowest: float  # seconds until an answer, right or not


def lost_zones(binary: Path, place: Path, rounds: int, rate: float = 60) -> list[Lost]:
    """Killed and stopped in turn."""
    found: list[Lost] = []
    for at in range(rounds):
        for how in ("killed", "stopped"):
            print(f"  a zone {how}", flush=True)
            found += undisturbed(partial(lose, binary, place / f"zone-{how}-{at}", how, rate))
    rows: dict[tuple[str, str], list[Lost]] = {}
    for row in found:
        rows.setdefault((row.how, row.way), []).append(row)
    of = lambda group, field: float(statistics.median(getattr(row, field) for row in group))  # noqa: E731
    fields = ("requests", "failed", "wrong", "seconds", "slowest")
    return [Lost(*name, *(of(group, field) for field in fields)) for name, group in rows.items()]


def lose(binary: Path, place: Path, how: str, rate: float, at: int) -> tuple[list[Lost], int]:
    """Zone 3 goes; Envoy is in zone 1."""
    network, place = own_network(), place / str(at)
    with fleet(binary, place / "fleet", network) as made:
        replicas = [made.start(1 + number % ZONES) for number in range(ZONES * EACH)]
        asked = questions(token(binary, SECRET))
        with (
            edge(place, network, WAYS, replicas, replicas[0]) as proxy,
            Traffic(proxy, WAYS, rate, lambda: asked) as traffic,
        ):
            time.sleep(BEFORE)
            gone = traffic.now()
            for replica in replicas:
                if replica.zone == ZONES:
                    replica.kill() if how == "killed" else replica.freeze()
            time.sleep(AFTER)
    return [outcome(traffic, way, how, gone) for way in WAYS], steady_failures(traffic)


def outcome(traffic: Traffic, way: Way, how: str, gone: float) -> Lost:
    after = [answer for answer in traffic.answers if answer.way == way.name and answer.at + answer.took >= gone]
    failures = [answer.at + answer.took - gone for answer in after if answer.verdict == FAILED]
    of = lambda verdict: count(after, way, verdict)  # noqa: E731
    return Lost(
        how,
        way.name,
        of(RIGHT) + of(FAILED) + of(WRONG),
        of(FAILED),
        of(WRONG),
        max(failures, default=0.0),
        max(answer.took for answer in after),
    )
