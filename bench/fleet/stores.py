"""Revocations on many replicas: how soon each one enforces a new one, and what happens while Redis is away."""

import http.client
import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edge import RETRY, ROOM_FOR_RETRIES, Edge, Way, edge, own_network, recommended
from replica import ADMIN, HTTP, REVOCATION_SECRET, SECRET, Fleet, Json, Network, Replica, fleet, token
from traffic import RIGHT, Answer, Question, Traffic, questions

PORT = 6379
REPLICAS = 6
STALENESS = 5.0  # seconds; a minute by default, so that everything here goes twelve times as fast
AWAY = 12.0  # seconds without Redis
AROUND = 3.0  # seconds of load before and after
WAYS = [
    recommended("with health checks of its own"),
    Way("by endpoints alone", ROOM_FOR_RETRIES, RETRY),
]


@dataclass
class Redis:
    """A server that writes everything to its disk at once, as a list that has to outlive it should be kept."""

    place: Path
    address: str
    child: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        self.place.mkdir(parents=True, exist_ok=True)
        command = ["redis-server", "--bind", self.address, "--port", str(PORT), "--dir", str(self.place)]
        command += ["--save", "", "--appendonly", "yes", "--appendfsync", "always"]
        self.child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        until = time.monotonic() + 20
        while self.ask("PING") != "PONG":
            if time.monotonic() > until:
                raise RuntimeError("Redis does not start")
            time.sleep(0.02)

    def ask(self, *command: str) -> str:
        asked = ["redis-cli", "-h", self.address, "-p", str(PORT), *command]
        return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()

    def kill(self) -> None:
        if self.child:
            self.child.kill()
            self.child.wait()


@contextmanager
def redis(place: Path, network: Network) -> Iterator[Redis]:
    """Ended with its block."""
    server = Redis(place, network.address(0, 2))
    try:
        server.begin()
        yield server
    finally:
        server.kill()


def revocation(server: Redis, on_outage: str, **times: str) -> Json:
    """The part of the configuration."""
    url = f"redis://{server.address}:{PORT}"
    return {"revocation": {"redis": url, "on_outage": on_outage, "secret": REVOCATION_SECRET, **times}}


def revoke(replica: Replica, subject: str) -> None:
    """As an application asks it."""
    connection = http.client.HTTPConnection(replica.address, ADMIN, timeout=10)
    headers = {"authorization": f"Bearer {REVOCATION_SECRET}", "content-type": "application/json"}
    connection.request("POST", "/revocations", json.dumps({"sub": subject}), headers)
    status = connection.getresponse().status
    connection.close()
    if status != 204:
        raise RuntimeError(f"a revocation was answered {status}")


@dataclass(frozen=True)
class Spread:
    """Milliseconds from the application's call until a replica refuses the session, of all replicas and revocations."""

    name: str
    figures: list[float]
    last: list[float]  # of each revocation, the slowest replica


def effective(binary: Path, place: Path, times: int) -> list[Spread]:
    """With the subscription, and with all subscriptions cut off in the moment before."""
    network = own_network()
    with redis(place / "redis", network) as server:
        more = revocation(server, "deny")
        with fleet(binary, place / "fleet", network, more) as made:
            replicas = [made.start(1 + at % 3) for at in range(REPLICAS)]
            rows = []
            for name in ("told over the subscription", "every subscription cut off just before"):
                figures: list[float] = []
                last: list[float] = []
                for at in range(times if name.startswith("told") else max(3, times // 6)):
                    if name.startswith("every"):
                        server.ask("CLIENT", "KILL", "TYPE", "pubsub")
                    seen = until_refused(binary, replicas, f"{name[:4]}-{at}")
                    figures += seen
                    last.append(max(seen))
                rows.append(Spread(name, figures, last))
            return rows


def until_refused(binary: Path, replicas: list[Replica], subject: str) -> list[float]:
    """Each replica is asked again and again, on a connection of its own."""
    session = token(binary, SECRET, subject)
    connections = [http.client.HTTPConnection(replica.address, HTTP, timeout=10) for replica in replicas]
    found: list[float] = [0.0] * len(replicas)

    def ask(connection: http.client.HTTPConnection) -> int:
        told = {"x-forwarded-method": "GET", "x-forwarded-uri": "/orders/1", "x-forwarded-host": "app.example.com"}
        told |= {"x-forwarded-proto": "https", "cookie": f"authjs.session-token={session}"}
        connection.request("GET", "/auth", headers=told)
        answer = connection.getresponse()
        answer.read()
        return answer.status

    if statuses := [status for status in map(ask, connections) if status != 200]:
        raise RuntimeError(f"a session was refused before it was revoked: {statuses}")
    begun = time.monotonic()

    def watch(at: int) -> None:
        while ask(connections[at]) == 200:
            if time.monotonic() - begun > 30:
                raise RuntimeError("a revoked session still passes")
            time.sleep(0.0005)
        found[at] = (time.monotonic() - begun) * 1e3

    watchers = [threading.Thread(target=watch, args=(at,)) for at in range(len(replicas))]
    for watcher in watchers:
        watcher.start()
    revoke(replicas[0], subject)
    for watcher in watchers:
        watcher.join()
    return found


@dataclass(frozen=True)
class Away:
    """What an outage of Redis did: seconds from its loss, or from its return, and requests."""

    name: str
    way: str
    sessions_failed: int
    sessions: int
    first_failure: float | None
    last_failure: float | None  # from the return of Redis
    public_failed: int
    revoked_passed: int
    first_not_ready: float | None
    last_not_ready: float | None


def outages(binary: Path, place: Path, rate: float = 60) -> list[Away]:
    """Each way to be configured."""
    return [
        *outage(binary, place / "deny", "deny", rate, by_readyz=False),
        *outage(binary, place / "allow", "allow", rate, by_readyz=False),
        *outage(binary, place / "readyz", "deny", rate, by_readyz=True),
    ]


def outage(binary: Path, place: Path, on_outage: str, rate: float, *, by_readyz: bool) -> list[Away]:
    """Redis is killed under load, and comes back with what it knew."""
    name = f"on_outage: {on_outage}, readiness by {'/readyz' if by_readyz else 'gRPC health'}"
    print(f"  Redis away, {name}", flush=True)
    network = own_network()
    with redis(place / "redis", network) as server:
        times = {"max_staleness": f"{STALENESS:g}s", "poll": "1s"}
        with fleet(binary, place / "fleet", network, revocation(server, on_outage, **times)) as made:
            replicas = [made.start(1 + at % 3) for at in range(REPLICAS)]
            # What is issued after a revocation is not meant by it.
            revoked = Question("revoked", "/orders/1", 401, token(binary, SECRET, "revoked"))
            revoke(replicas[0], "revoked")
            time.sleep(1.0)
            asked = [*questions(token(binary, SECRET)), revoked]
            with edge(place, network, WAYS, replicas) as proxy:
                with Traffic(proxy, WAYS, rate, lambda: asked) as traffic:
                    with readiness(made, proxy, traffic, by_readyz) as unready:
                        time.sleep(AROUND)
                        gone = traffic.now()
                        server.kill()
                        time.sleep(AWAY)
                        back = traffic.now()
                        server.begin()
                        time.sleep(AROUND + 2)
    return [away(name, way, traffic.answers, gone, back, unready) for way in WAYS]


@contextmanager
def readiness(made: Fleet, proxy: Edge, traffic: Traffic, by_readyz: bool) -> Iterator[dict[str, float]]:
    """Looks at every replica once a second, as a kubelet does, and takes it from the endpoints where that is asked."""
    unready: dict[str, float] = {}
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(1.0):
            ready = [replica for replica in made.replicas if replica.asked("/readyz") == 200]
            for replica in made.replicas:
                if replica not in ready:
                    unready.setdefault(replica.address, traffic.now())
            if by_readyz:
                proxy.publish(ready)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield unready
    finally:
        ended.set()
        looking.join()


def away(
    name: str, way: Way, all_answers: list[Answer], gone: float, back: float, unready: dict[str, float]
) -> Away:
    answers = [answer for answer in all_answers if answer.way == way.name]
    sessions = [answer for answer in answers if answer.question == "session"]
    failed = [answer for answer in sessions if answer.verdict != RIGHT]
    first = min((answer.at for answer in failed), default=None)
    last = max((answer.at + answer.took for answer in failed), default=None)
    since = lambda moment, zero: None if moment is None else moment - zero  # noqa: E731
    return Away(
        name,
        way.name,
        len(failed),
        len(sessions),
        since(first, gone),
        since(last, back),
        sum(answer.question == "public" and answer.verdict != RIGHT for answer in answers),
        sum(answer.question == "revoked" and answer.status == 200 for answer in answers),
        since(min(unready.values(), default=None), gone),
        since(max(unready.values(), default=None), gone),
    )
