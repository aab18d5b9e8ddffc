"""What a user would do instead: Auth.js in Node.js answering the same request, beside one check of sessiongate."""

import statistics
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import checks
from answers import expect_checks, expect_requests, forged
from asked import BROWSER, COOKIE, SECRET, cookie, message, token
from rounds import Round, Url, Way, alternating, over_grpc, over_http
from world import ROOT, Process, free_port

APPLICATIONS = ROOT / "bench/node"
SECONDS = 4.0
OPEN = "/open"


@dataclass(frozen=True)
class Guarded:
    """Medians of the rounds: a request of a guarded page, the same page open, and both beside one check."""

    name: str
    cpu: float  # microseconds a request
    rate: float
    p99: float  # microseconds
    memory: float  # MiB
    ratio: float  # of all of the request's CPU time
    page: float  # CPU microseconds of the open page
    own_ratio: float  # of what the guard adds to the open page


def beside_node(binary: Path, place: Path, rounds: int) -> list[Guarded]:
    """sessiongate first, then from the leanest way to the most usual one."""
    session = token(binary)
    with ExitStack() as running:
        ours = running.enter_context(checks.gate(binary, place))
        asked = message(checks.PAGE, cookie(session))
        expect_checks(ours, asked, [message(checks.PAGE, cookie(forged(session)))], place)
        ways = [over_grpc("sessiongate: session", ours, asked, place, checks.CHECKS)]
        for name, (start, denied) in SERVERS.items():
            process = running.enter_context(start(place))
            ways += [guarded(name, process, session, denied), page(name, process, session)]
        seen = alternating(ways, rounds)
        return [measured(way, seen) for way in ways if way.name in SERVERS or way.process is ours]


def guarded(name: str, process: Process, session: str, denied: int) -> Way:
    """The page that wants a session; without one, and with a forged one, it is answered otherwise."""
    url = Url(process.address, checks.PAGE)
    without = [{**BROWSER, "cookie": cookies} for cookies in ("theme=dark", cookie(forged(session)))]
    headers = {**BROWSER, "cookie": cookie(session)}
    expect_requests(url, headers, without, denied)
    return over_http(name, process, url, headers, SECONDS)


def page(name: str, process: Process, session: str) -> Way:
    """The same page where nobody asks for the session that is sent."""
    headers = {**BROWSER, "cookie": cookie(session)}
    return over_http(open_page(name), process, Url(process.address, OPEN), headers, SECONDS / 2)


def open_page(name: str) -> str:
    """The name of the open page's rounds."""
    return f"{name}, open"


def measured(way: Way, seen: dict[str, list[Round]]) -> Guarded:
    """One row; ratios are taken round by round."""
    rows, checked = seen[way.name], seen["sessiongate: session"]
    # sessiongate serves no page.
    pages = [cpu for cpu, _ in seen.get(open_page(way.name), [])] or [0.0] * len(rows)
    both = list(zip(rows, pages, checked, strict=True))
    return Guarded(
        way.name,
        statistics.median(cpu for cpu, _ in rows),
        statistics.median(load.rate for _, load in rows),
        statistics.median(load.p99 for _, load in rows),
        way.process.memory_mib(),
        statistics.median(cpu / check for (cpu, _), _, (check, _) in both),
        statistics.median(pages),
        statistics.median((cpu - alone) / check for (cpu, _), alone, (check, _) in both),
    )


def script(name: str) -> Callable[[Path], Process]:
    """One of bench/node/authjs."""

    def start(place: Path) -> Process:
        port = free_port()
        command = ["node", str(APPLICATIONS / f"authjs/{name}.mjs"), str(port)]
        return Process(name, command, port, place, environment())

    return start


def built_next(place: Path) -> Process:
    """The production build of bench/node/next."""
    port, folder = free_port(), APPLICATIONS / "next"
    command = ["node", str(folder / "node_modules/next/dist/bin/next"), "start", str(folder)]
    return Process("next", [*command, "--port", str(port), "--hostname", "127.0.0.1"], port, place, environment())


def environment() -> dict[str, str]:
    """As in production."""
    return {"AUTH_SECRET": SECRET, "NODE_ENV": "production", "NEXT_TELEMETRY_DISABLED": "1"}


# How each one starts, and the status that a request without a session gets.
SERVERS: dict[str, tuple[Callable[[Path], Process], int]] = {
    "Auth.js getToken in node:http": (script("bare"), 401),
    "Auth.js getSession in Express": (script("express"), 307),
    "next-auth in the proxy of Next.js": (built_next, 307),
}
