"""What one replica on one core can do, what a check costs it as it gets busy, and what connections cost in memory."""

import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from edge import own_network
from pacer import Trace, paced
from replica import GRPC, ROOT, Replica, fleet, token

sys.path.append(str(ROOT / "bench/run"))
import asked  # noqa: E402

sys.path.insert(0, str(ROOT / ".tools/plots"))
import numpy  # noqa: E402

CORE = 1  # that the replica has; the load comes from the others
SHARES = [0.02, 0.05, 0.1, 0.2]  # of what the core can do; the sender, in Python, does no more
CONNECTIONS = [16, 100, 400, 1000]
SECONDS = 2.0
# Checks that sign an assertion of their own with RSA take some 1.4 ms: long beside what a busy machine adds.
HOSTS = 2000


@dataclass(frozen=True)
class Loaded:
    """One load on one core, in microseconds: the round in which others disturbed it least."""

    share: float
    rate: float
    cpu: float  # of a check
    p50: float
    p99: float
    disturbed: float  # seconds that replica and sender waited for cores in all


@dataclass(frozen=True)
class Memory:
    connections: int
    mib: float


@dataclass(frozen=True)
class Slow:
    """A load of slow checks, for the simulation to be held against: what was sent when, and what the kernel says."""

    share: float
    trace: Trace
    service: float  # seconds of CPU of a check
    waited: float  # seconds that the replica waited for its core each time it was woken: others run on this machine too
    disturbed: float  # seconds that replica and sender waited for cores in all


@dataclass(frozen=True)
class Usage:
    """Seconds that the process ran and waited for a core, and how often it was given one."""

    ran: float
    waited: float
    turns: int

    @classmethod
    def of(cls, replica: Replica | None = None) -> "Usage":
        """Of a replica, or of this thread."""
        tasks = Path(f"/proc/{replica.child.pid}/task").iterdir() if replica else [Path("/proc/thread-self")]
        rows = [[int(figure) for figure in (task / "schedstat").read_text().split()] for task in tasks]
        ran, waited, turns = (sum(column) for column in zip(*rows, strict=True))
        return cls(ran / 1e9, waited / 1e9, turns)

    def since(self, earlier: "Usage") -> "Usage":
        return Usage(self.ran - earlier.ran, self.waited - earlier.waited, self.turns - earlier.turns)


def on_one_core(binary: Path, place: Path, rounds: int) -> tuple[float, list[Loaded], list[Memory]]:
    """Checks a second at most, the loads below that, and memory as connections grow."""
    with fleet(binary, place / "fast", own_network()) as made, pinned() as others:
        replica = made.start(1)
        others()
        message = asked.message("/orders/1", f"theme=dark; authjs.session-token={token(binary)}")
        body = place / "check.bin"
        body.write_bytes(message)
        most = statistics.median(h2load(replica, body, 16, 60_000) for _ in range(rounds))
        found = [loaded(replica, share, share * most, message) for _ in range(rounds) for share in SHARES]
        least = [min((row for row in found if row.share == share), key=lambda row: row.disturbed) for share in SHARES]
        return most, least, [connected(replica, body, each) for each in CONNECTIONS]


def loaded(replica: Replica, share: float, rate: float, message: bytes) -> Loaded:
    """One load."""
    before, sender = Usage.of(replica), Usage.of()
    due = moments(rate, SECONDS)
    trace = paced(replica.address, GRPC, asked.CHECK, [message], due, 16)
    used = Usage.of(replica).since(before)
    p50, p99 = numpy.percentile(trace.took, [50, 99]) * 1e6
    return Loaded(share, rate, used.ran / len(due) * 1e6, p50, p99, used.waited + Usage.of().since(sender).waited)


class pinned:
    """The replica that is started in this block has its core; the call gives this process the others."""

    def __enter__(self) -> "pinned":
        self.cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {CORE})
        return self

    def __call__(self) -> None:
        os.sched_setaffinity(0, self.cores - {CORE})

    def __exit__(self, *_: object) -> None:
        os.sched_setaffinity(0, self.cores)


def moments(rate: float, seconds: float, seed: int = 1) -> list[float]:
    """As people come: the gaps are exponential."""
    gaps = numpy.random.default_rng(seed).exponential(1 / rate, int(rate * seconds))
    return [float(at) for at in numpy.cumsum(gaps)]


def h2load(replica: Replica, body: Path, clients: int, requests: int) -> float:
    """As many a second as it can answer: requests for each second of the replica's own CPU time."""
    before = Usage.of(replica)
    command = ["h2load", "--data", str(body), "--requests", str(requests), "--clients", str(clients)]
    command += ["--max-concurrent-streams", "8", "--header", "content-type: application/grpc"]
    command += ["--header", "te: trailers", f"http://{replica.address}:{GRPC}{asked.CHECK}"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if f"{requests} succeeded" not in said:
        raise RuntimeError(f"not every check was answered:\n{said}")
    return requests / Usage.of(replica).since(before).ran


def connected(replica: Replica, body: Path, connections: int) -> Memory:
    """Memory while so many connections are open, each of which asks again and again; as many as were seen open."""
    command = ["h2load", "--data", str(body), "--requests", str(connections * 30), "--clients", str(connections)]
    command += ["--max-concurrent-streams", "8", "--header", "content-type: application/grpc", "--rps", "5"]
    command += ["--header", "te: trailers", f"http://{replica.address}:{GRPC}{asked.CHECK}"]
    load = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    seen = Memory(0, 0.0)
    while load.poll() is None:
        open_ = round(replica.metrics().get('sessiongate_connections{listener="grpc"}', 0))
        seen = max(seen, Memory(open_, replica.memory_mib()), key=lambda memory: (memory.connections, memory.mib))
        time.sleep(0.2)
    return seen


def slowly(binary: Path, place: Path, shares: list[float], rounds: int) -> list[Slow]:
    """Loads of checks that each sign, on one core: of each share the round in which others disturbed it least."""
    found = [slow for at in range(rounds) for slow in one_round(binary, place / f"slow-{at}", shares)]
    return [min((slow for slow in found if slow.share == share), key=lambda slow: slow.disturbed) for share in shares]


def one_round(binary: Path, place: Path, shares: list[float]) -> list[Slow]:
    place.mkdir(parents=True, exist_ok=True)
    key = place / "rsa.pem"
    command = ["openssl", "genpkey", "-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:2048", "-out", str(key)]
    subprocess.run(command, check=True, capture_output=True)
    audiences = {f"h{at}.example.com": f"a{at}" for at in range(HOSTS)}
    assertion = {"header": "x-auth-assertion", "key_file": str(key), "issuer": "gate", "audience": "any", "ttl": "1s"}
    more = {"identity": {"assertion": {**assertion, "audiences": audiences}}}
    session = token(binary)
    rows = []
    with fleet(binary, place / "slow", own_network(), more) as made, pinned() as others:
        replica = made.start(1)
        others()
        messages = [message(host, session) for host in audiences]
        service = 0.0
        for share in [0.1, *shares]:
            before, sender = Usage.of(replica), Usage.of()
            due = moments(share / (service or 0.0014), SECONDS, seed=round(share * 100))
            trace = paced(replica.address, GRPC, asked.CHECK, messages, due, 16)
            used = Usage.of(replica).since(before)
            service = used.ran / len(due)
            disturbed = used.waited + Usage.of().since(sender).waited
            rows.append(Slow(share, trace, service, used.waited / used.turns, disturbed))
    return rows[1:]


def message(host: str, session: str) -> bytes:
    """The question about a page of this host."""
    framed = asked.message("/orders/1", f"authjs.session-token={session}")
    request = asked.CheckRequest.FromString(framed[5:])
    request.attributes.request.http.host = host
    body = request.SerializeToString()
    return b"\x00" + len(body).to_bytes(4, "big") + body
