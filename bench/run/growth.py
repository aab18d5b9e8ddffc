"""What a check costs as more is configured, sent, or asked at once; each beside the least of its kind in the same run."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import checks
from asked import cookie, message, token
from rounds import Way, over_grpc

RULES = [20, 10, 100, 1_000, 5_000, 10_000, 50_000]
SECRETS = [1, 2, 5, 10, 20]
CHUNKS = [1, 2, 4, 8, 16]
CONNECTIONS = [1, 4, 16, 64]
TOKENS = [0, 1_000, 3_000, 6_000, 11_600]  # bytes more than the least token
OTHERS = [100, 1_000, 4_000, 16_000]  # bytes of other cookies
CHECKS = 20_000


@dataclass(frozen=True)
class Point:
    """How much there is, CPU microseconds of a check, and both as a ratio to the first point of the same rounds."""

    amount: int
    cpu: float
    ratio: float


def growth(binary: Path, place: Path, rounds: int) -> dict[str, list[Point]]:
    """A line for each thing that can grow."""
    session, long = token(binary), token(binary, padding=2_000)
    page = message(checks.PAGE, cookie(session))
    lines: dict[str, list[Point]] = {}
    with ExitStack() as running:
        gates = {rules: running.enter_context(checks.gate(binary, place, rules=rules)) for rules in RULES}
        ways = {rules: over_grpc(f"{rules}", gate, page, place, CHECKS) for rules, gate in gates.items()}
        lines["rules"] = points(ways, rounds)
    with ExitStack() as running:
        gates = {count: running.enter_context(checks.gate(binary, place, secrets=count)) for count in SECRETS}
        ways = {count: over_grpc(f"{count}", gate, page, place, CHECKS) for count, gate in gates.items()}
        lines["secrets, the last one in use"] = points(ways, rounds)
    with checks.gate(binary, place) as gate:

        def of(amounts: dict[int, bytes]) -> list[Point]:
            return points({at: over_grpc(f"{at}", gate, body, place, CHECKS) for at, body in amounts.items()}, rounds)

        lines["chunks of one token of 3 kB"] = of({at: message(checks.PAGE, cookie(long, at)) for at in CHUNKS})
        sized = [token(binary, padding=more) for more in TOKENS]
        split = {len(text): message(checks.PAGE, cookie(text, -(-len(text) // 3_936))) for text in sized}
        lines["bytes of the token"] = of(split)
        others = {size: f"other={'x' * size}; {cookie(session)}" for size in OTHERS}
        lines["bytes of other cookies"] = of({size: message(checks.PAGE, text) for size, text in others.items()})
        ways = {at: over_grpc(f"{at}", gate, page, place, CHECKS, at) for at in CONNECTIONS}
        lines["connections"] = points(ways, rounds)
    return lines


def points(ways: dict[int, Way], rounds: int) -> list[Point]:
    """In the order of the amounts."""
    costs = checks.compared(list(ways.values()), rounds)
    found = [Point(amount, cost.cpu, cost.ratio) for amount, cost in zip(ways, costs, strict=True)]
    return sorted(found, key=lambda point: point.amount)
