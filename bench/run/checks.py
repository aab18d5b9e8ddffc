"""One check over gRPC, beside a service that reads Envoy's full messages and does nothing."""

import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import load
from asked import configuration, cookie, message, token
from rounds import Round, Way, alternating, over_grpc
from world import ROOT, Process, free_port

NOOP = ROOT / "target/noop/release/noop"
PAGE = "/dashboard/orders?tab=1"
PUBLIC = "/api/auth/session"
# A round is long enough for /proc's clock, which goes by hundredths of a second.
CHECKS = 40_000


@dataclass(frozen=True)
class Cost:
    """Medians of the rounds: CPU microseconds of a check, checks a second, and latency in microseconds."""

    name: str
    cpu: float
    rate: float
    p99: float
    ratio: float  # of CPU, to the first one of the same round


@contextmanager
def gate(binary: Path, place: Path, **options: int) -> Iterator[Process]:
    """A sessiongate that serves."""
    port = free_port()
    name = f"gate-{port}"
    file = configuration(place, port, name=name, **options)
    with Process(name, [str(binary), "serve", "--config", str(file)], port, place, {}) as process:
        yield process


@contextmanager
def noop(place: Path) -> Iterator[Process]:
    """The service that does nothing."""
    port = free_port()
    with Process(f"noop-{port}", [str(NOOP), f"127.0.0.1:{port}"], port, place, {}) as process:
        yield process


def beside_noop(binary: Path, place: Path, rounds: int) -> list[Cost]:
    """CPU time and rate of each kind of check, beside doing nothing."""
    session, long = token(binary), token(binary, padding=11_000)
    bodies = {
        "public route": message(PUBLIC, cookie(session)),
        "session": message(PAGE, cookie(session)),
        "session of 15 kB in 4 cookies": message(PAGE, cookie(long, 4)),
        "no session: to the login": message(PAGE, "theme=dark"),
    }
    with noop(place) as nothing, gate(binary, place) as guarded:
        ways = [over_grpc("no-op on Envoy's full types", nothing, bodies["session"], place, CHECKS)]
        ways += [over_grpc(name, guarded, body, place, CHECKS) for name, body in bodies.items()]
        return compared(ways, rounds)


def on_many_connections(binary: Path, place: Path, rounds: int) -> list[Cost]:
    """The same two on sixteen connections, as several workers of Envoy have them: both always have work to do."""
    page = message(PAGE, cookie(token(binary)))
    with noop(place) as nothing, gate(binary, place) as guarded:
        both = {"no-op on Envoy's full types": nothing, "session": guarded}
        ways = [over_grpc(name, process, page, place, CHECKS, 16) for name, process in both.items()]
        return compared(ways, rounds)


def compared(ways: list[Way], rounds: int) -> list[Cost]:
    """Medians, with ratios to the first one."""
    seen = alternating(ways, rounds)
    first = seen[ways[0].name]
    return [cost(way.name, seen[way.name], first) for way in ways]


def cost(name: str, rows: list[Round], first: list[Round]) -> Cost:
    """The medians, with the ratio taken round by round."""
    ratio = statistics.median(cpu / least for (cpu, _), (least, _) in zip(rows, first, strict=True))
    return Cost(
        name,
        statistics.median(cpu for cpu, _ in rows),
        statistics.median(measured.rate for _, measured in rows),
        statistics.median(measured.p99 for _, measured in rows),
        ratio,
    )


@dataclass(frozen=True)
class Latency:
    """Medians of the rounds at one share of what each service can do: microseconds, from when a check was due."""

    name: str
    rate: float
    p50: float
    p99: float
    ratio: float  # of p99, to the first one of the same round


def under_load(binary: Path, place: Path, rounds: int, share: float = 0.8, seconds: int = 4) -> list[Latency]:
    """Latencies at four fifths of what the slower of the two can do, so that both get the same load."""
    body = place / "paced.bin"
    body.write_bytes(message(PAGE, cookie(token(binary))))
    with noop(place) as nothing, gate(binary, place) as guarded:
        both = {"no-op on Envoy's full types": nothing, "session": guarded}
        most = [load.grpc(process.address, body, CHECKS, 8, 8).rate for process in both.values() for _ in range(2)]
        rate = min(most) * share
        seen: dict[str, list[load.Measured]] = {name: [] for name in both}
        for _ in range(rounds):
            for name, process in both.items():
                seen[name].append(load.grpc(process.address, body, int(rate * seconds), 8, 8, rate))
    first = next(iter(seen.values()))
    return [
        Latency(
            name,
            rate,
            statistics.median(row.p50 for row in rows),
            statistics.median(row.p99 for row in rows),
            statistics.median(ours.p99 / theirs.p99 for ours, theirs in zip(rows, first, strict=True)),
        )
        for name, rows in seen.items()
    ]
