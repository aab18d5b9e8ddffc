"""A rollout as a Deployment does it, with maxSurge 1 and maxUnavailable 0, under load.

A replica that is ready takes an old one's place. Two things begin then at the same moment and know nothing of each
other: the endpoint is taken away, of which Envoy hears sooner or later, and the kubelet runs `preStop` and sends
SIGTERM.
"""

import threading
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from edge import RETRY, RETRY_AS_IT_COMES, ROOM_FOR_RETRIES, Edge, Way, edge, health_check, own_network, recommended
from replica import SECRET, Fleet, Replica, fleet, token
from traffic import FAILED, RIGHT, WRONG, Traffic, count, questions
from undisturbed import STEADY, undisturbed

REPLICAS = 3
APART = 3.0  # seconds until the next new pod is ready: the old one's end is not waited for
QUIET = 2.0  # seconds of load before and after
LATE = {"endpoints": 0.0, "late-3": 3.0, "late-8": 8.0}  # seconds until Envoy hears that an endpoint is gone

AS_DEPLOYED, QUICK = health_check("5s"), health_check("2s")
WAYS = [
    *(Way(f"no health checks, {late or 'at once'}", endpoints=file) for file, late in LATE.items()),
    *(Way(f"health checks every 5 s, {late or 'at once'}", AS_DEPLOYED, endpoints=file) for file, late in LATE.items()),
    *(Way(f"health checks every 2 s, {late or 'at once'}", QUICK, endpoints=file) for file, late in LATE.items()),
    Way("no health checks, retries as they come, 8.0", service=RETRY_AS_IT_COMES, endpoints="late-8"),
    Way("no health checks, retries soon, 8.0", ROOM_FOR_RETRIES, RETRY, "late-8"),
    recommended("as recommended, at once"),
    recommended("as recommended, 8.0", "late-8"),
]


@dataclass(frozen=True)
class Setting:
    """What the pod is told, in seconds."""

    pre_stop: float
    drain_delay: float

    @property
    def grace(self) -> float:
        """terminationGracePeriodSeconds: everything that may take time, and five more."""
        return self.pre_stop + 2 * self.drain_delay + 10 + 5


SETTINGS = [Setting(0, 0), Setting(0, 1), Setting(5, 0), Setting(5, 1), Setting(0, 5), Setting(5, 5)]


@dataclass(frozen=True)
class Rolled:
    """What became of the requests of one way during a rollout."""

    pre_stop: float
    drain_delay: float
    way: str
    late: float
    requests: int
    failed: int
    wrong: int
    connect_fails: int
    longest_end: float  # seconds from SIGTERM to the end of the process


def rollouts(binary: Path, place: Path, rate: float = 40, settings: list[Setting] = SETTINGS) -> list[Rolled]:
    """Each setting in turn, each way at once."""
    rows = []
    for at, setting in enumerate(settings):
        print(f"  preStop {setting.pre_stop:g} s, drain_delay {setting.drain_delay:g} s", flush=True)
        rows += undisturbed(partial(measured, binary, place / f"rollout-{at}", setting, rate))
    return rows


def measured(binary: Path, place: Path, setting: Setting, rate: float, at: int) -> tuple[list[Rolled], int]:
    """One more time."""
    rows = rollout(binary, place / str(at), [*WAYS, STEADY], setting, rate)
    return rows, rows[-1].failed


def rollout(
    binary: Path,
    place: Path,
    ways: list[Way],
    setting: Setting,
    rate: float,
    *,
    apart: float = APART,
    quiet: float = QUIET,
) -> list[Rolled]:
    """Replaces every replica once."""
    network = own_network()
    with fleet(binary, place / "fleet", network) as made:
        listen = {"drain_delay": f"{round(setting.drain_delay * 1000)}ms"}
        steady = made.start(1)
        old = [made.start(1 + at % 3, **listen) for at in range(REPLICAS)]
        asked = questions(token(binary, SECRET))
        with edge(place, network, ways, old, steady) as proxy:
            with Traffic(proxy, ways, rate, lambda: asked) as traffic:
                time.sleep(quiet)
                ended = replace(made, proxy, old, setting, listen, apart)
                time.sleep(quiet)
            fails = {way.name: proxy.statistics(way).get("upstream_cx_connect_fail", 0) for way in ways}
    of = lambda way, verdict: count(traffic.answers, way, verdict)  # noqa: E731
    return [
        Rolled(
            setting.pre_stop,
            setting.drain_delay,
            way.name,
            LATE.get(way.endpoints, 0.0),
            sum(of(way, verdict) for verdict in (RIGHT, FAILED, WRONG)),
            of(way, FAILED),
            of(way, WRONG),
            fails[way.name],
            max(ended),
        )
        for way in ways
    ]


def replace(
    made: Fleet, proxy: Edge, old: list[Replica], setting: Setting, listen: dict[str, str], apart: float
) -> list[float]:
    """One after the other; how long each old one took from SIGTERM to its end."""
    files = {way.endpoints for way in proxy.ways if way is not STEADY}
    known = {file: list(old) for file in files}
    changing = threading.Lock()
    took: list[float] = []

    def change(file: str, *, gone: Replica | None = None, new: Replica | None = None) -> None:
        with changing:
            known[file] = [replica for replica in known[file] if replica is not gone] + ([new] if new else [])
            proxy.publish(known[file], file)

    def end(replica: Replica) -> None:
        time.sleep(setting.pre_stop)
        took.append(replica.terminate(setting.grace))

    running: list[threading.Thread] = []
    for replica in old:
        new = made.start(replica.zone, **listen)
        for file in files:
            change(file, new=new)
        running.append(threading.Thread(target=end, args=(replica,)))
        running += [threading.Timer(LATE[file], change, (file,), {"gone": replica}) for file in files]
        for thread in running[-1 - len(files) :]:
            thread.start()
        time.sleep(apart)
    for thread in running:
        thread.join()
    return took
