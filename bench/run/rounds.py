"""The same load to each of several services in turn, so that the machine's moods meet all alike."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import load
from world import Process

# CPU microseconds of a request, and what the load saw.
Round = tuple[float, load.Measured]


@dataclass(frozen=True)
class Url:
    """Where a service is asked over HTTP."""

    address: str
    path: str


@dataclass(frozen=True)
class Way:
    """A service and what it is asked, for a share of a whole round."""

    name: str
    process: Process
    ask: Callable[[float], load.Measured]


def alternating(ways: list[Way], rounds: int) -> dict[str, list[Round]]:
    """Every way in each round; a short one before them warms caches, compilers and connections up."""
    seen: dict[str, list[Round]] = {way.name: [] for way in ways}
    for at in range(rounds + 1):
        for way in ways:
            before = way.process.cpu_seconds()
            measured = way.ask(1.0 if at else 0.25)
            cpu = (way.process.cpu_seconds() - before) / measured.requests * 1e6
            if at:
                seen[way.name].append((cpu, measured))
    return seen


def over_grpc(
    name: str, process: Process, message: bytes, place: Path, checks: int, connections: int = 1
) -> Way:
    """So many checks of one message, eight of them under way at once on each connection."""
    body = place / f"{process.name}-{abs(hash(message))}.bin"
    body.write_bytes(message)
    return Way(name, process, lambda share: load.grpc(process.address, body, int(checks * share), connections))


def over_http(name: str, process: Process, url: Url, headers: dict[str, str], seconds: float) -> Way:
    """As many requests as eight connections can make in this time; wrk knows whole seconds only."""
    return Way(name, process, lambda share: load.http(url.address, url.path, headers, max(1, round(seconds * share))))
