"""`make bench`: what a check costs, through gRPC, through Envoy, and beside what else one could run.

    python3 bench/run [--rounds N] [--only checks,connections,load,envoy,node,peers,growth,start]

All traffic stays on loopback addresses; everything ends by itself. Tables, figures and plots are in bench/results.
"""

import argparse
import tempfile
import time
from pathlib import Path

from checks import beside_noop, on_many_connections, under_load
from growth import growth
from node import beside_node
from peers import beside_peers
from plots import draw
from proxy import through_envoy
from report import Results, write
from start import start
from world import ROOT

PARTS = ["checks", "connections", "load", "envoy", "node", "peers", "growth", "start"]
BINARY = ROOT / "target/release/sessiongate"


def main() -> None:
    """Measures, writes, and prints the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="rounds of which the median counts")
    parser.add_argument("--only", default=",".join(PARTS), help="parts, with commas between them")
    parser.add_argument("--results", type=Path, default=ROOT / "bench/results")
    options = parser.parse_args()
    wanted = options.only.split(",")
    if unknown := set(wanted) - set(PARTS):
        parser.error(f"no part is called {', '.join(sorted(unknown))}: there are {', '.join(PARTS)}")
    with tempfile.TemporaryDirectory(prefix="sessiongate-bench-") as folder:
        results = measure(Path(folder), wanted, options.rounds)
    print(write(results, options.results))
    draw(results, options.results)


def measure(place: Path, wanted: list[str], rounds: int) -> Results:
    """Part by part, each of them in alternating rounds."""

    def part(name: str) -> bool:
        if name in wanted:
            print(f"{time.strftime('%H:%M:%S')} {name}", flush=True)
        return name in wanted

    peers, left_out = beside_peers(BINARY, place, max(3, rounds - 2)) if part("peers") else ([], [])
    return Results(
        checks=beside_noop(BINARY, place, rounds) if part("checks") else [],
        connections=on_many_connections(BINARY, place, rounds) if part("connections") else [],
        load=under_load(BINARY, place, rounds) if part("load") else [],
        envoy=through_envoy(BINARY, place, rounds, 3) if part("envoy") else [],
        node=beside_node(BINARY, place, rounds) if part("node") else [],
        peers=peers,
        left_out=left_out,
        growth=growth(BINARY, place, max(3, rounds - 2)) if part("growth") else {},
        start=start(BINARY, place) if part("start") else None,
    )


if __name__ == "__main__":
    main()
