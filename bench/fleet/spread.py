"""How a proxy's checks spread over replicas: with every replica's address, and through one address for all of them.

A Service of type ClusterIP chooses a replica for each connection, by chance; Envoy keeps few connections, for long."""

import asyncio
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from edge import OPTIONS, Way, edge, own_network
from replica import GRPC, SECRET, Fleet, Replica, fleet, token
from traffic import RIGHT, Traffic, questions

REPLICAS = 3
SECONDS = 6.0
SHORT = {
    "typed_extension_protocol_options": {
        OPTIONS: {
            "@type": f"type.googleapis.com/{OPTIONS}",
            "common_http_protocol_options": {"max_connection_duration": "1s"},
            "explicit_http_config": {"http2_protocol_options": {}},
        }
    }
}


@dataclass(frozen=True)
class Share:
    """Of the checks of a way: the share of each replica, the newest last, before and after that one came."""

    way: str
    before: list[float]
    after: list[float]
    connections: float  # of a replica at the mean, at the end
    failed: int


def shares(binary: Path, place: Path, rate: float = 150) -> list[Share]:
    """Each way alone, so that every replica's own count says who asked it."""
    ways = [
        ("every replica's address", Way("direct"), False),
        ("one address", Way("service"), True),
        ("one address, connections of 1 s", Way("short", SHORT), True),
    ]
    return [
        share(binary, place / way.name, name, way, rate, by_service=by_service) for name, way, by_service in ways
    ]


def share(binary: Path, place: Path, name: str, way: Way, rate: float, *, by_service: bool) -> Share:
    """Three replicas, and then a fourth."""
    network = own_network()
    with fleet(binary, place / "fleet", network) as made:
        for at in range(REPLICAS):
            made.start(1 + at)
        asked = questions(token(binary, SECRET))
        with service(made, network.address(0, 3)) as one:
            known = [one] if by_service else made.replicas
            with edge(place, network, [way], known) as proxy, Traffic(proxy, [way], rate, lambda: asked) as traffic:
                time.sleep(SECONDS / 2)
                before = counts(made)
                made.start(1)
                if not by_service:
                    proxy.publish(made.replicas)
                time.sleep(0.5)
                since = counts(made)
                time.sleep(SECONDS)
                after = [now - then for now, then in zip(counts(made), since, strict=True)]
                open_ = [replica.metrics()['sessiongate_connections{listener="grpc"}'] for replica in made.replicas]
        failed = sum(answer.verdict != RIGHT for answer in traffic.answers)
    parts = lambda counted: [count / sum(counted) for count in counted]  # noqa: E731
    return Share(name, parts(before), parts(after), sum(open_) / len(open_), failed)


def counts(made: Fleet) -> list[float]:
    """Checks that each replica has answered."""
    of = lambda replica: sum(  # noqa: E731
        value for name, value in replica.metrics().items() if name.startswith("sessiongate_checks_total")
    )
    return [of(replica) for replica in made.replicas]


@contextmanager
def service(made: Fleet, address: str) -> Iterator[Replica]:
    """One address that hands each connection to a replica by chance, as kube-proxy does."""
    choice = random.Random(1)
    ready = threading.Event()
    ended: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        chosen = choice.choice(made.replicas)
        with suppress(OSError):
            theirs, ours = await asyncio.open_connection(chosen.address, GRPC)
            await asyncio.gather(copy(reader, ours), copy(theirs, writer))

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
            writer.close()

    async def serve() -> None:
        ended.append((asyncio.get_running_loop(), asyncio.Event()))
        async with await asyncio.start_server(hand_on, address, GRPC):
            ready.set()
            await ended[0][1].wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    if not ready.wait(10):
        raise RuntimeError(f"nothing listens at {address}")
    stand_in = made.replicas[0]
    yield Replica(stand_in.binary, stand_in.place, 1, address, stand_in.child, stand_in.secrets)
    loop, event = ended[0]
    loop.call_soon_threadsafe(event.set)
    thread.join(10)
