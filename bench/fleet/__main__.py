"""`make fleet`: several replicas behind a real Envoy, when one is replaced, a zone is lost, Redis is away, or a secret
changes; what one replica can do; and a simulation, held against those measurements, of fleets that do not fit here.

    python3 bench/fleet [--rounds N] [--only rollout,zone,redis,rotation,spread,capacity,simulation]

All traffic stays on loopback addresses; everything ends by itself, after some nine minutes. The tables, the figures and
the plot are in bench/results/fleet.*; a part that is not asked for stays as it was."""

import argparse
import dataclasses
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import capacity
import predictions
import rotation
import spread
import stores
from figure import draw
from laws import laws
from replica import ROOT, hurry
from rollout import rollouts
from tables import write
from zone import Lost, lost_zones

PARTS = ["rollout", "zone", "redis", "rotation", "spread", "capacity", "simulation"]
SHARES = [0.2, 0.4, 0.6]


def main() -> None:
    """Measures, simulates, writes, and prints the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="rounds of what is given as a median")
    parser.add_argument("--only", default=",".join(PARTS), help="parts, with commas between them")
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/sessiongate")
    parser.add_argument("--results", type=Path, default=ROOT / "bench/results")
    options = parser.parse_args()
    wanted = options.only.split(",")
    if unknown := set(wanted) - set(PARTS):
        parser.error(f"no part is called {', '.join(sorted(unknown))}: there are {', '.join(PARTS)}")
    hurry()
    file = options.results / "fleet.json"
    results: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    with tempfile.TemporaryDirectory(prefix="sessiongate-fleet-") as place:
        for part in [part for part in PARTS if part in wanted]:
            print(f"{time.strftime('%H:%M:%S')} {part}", flush=True)
            found = measure(part, options.binary, Path(place), options.rounds, results)
            results.update(json.loads(json.dumps(found, default=dataclasses.asdict)))
            print(write(results, options.results) if part == wanted[-1] else "", end="")
    draw(results, options.results / "fleet.svg")


def measure(part: str, binary: Path, place: Path, rounds: int, earlier: dict[str, Any]) -> dict[str, Any]:
    """The figures of a part by the names of their tables."""
    match part:
        case "rollout":
            return {"rollouts": rollouts(binary, place)}
        case "zone":
            return {"zones": lost_zones(binary, place, rounds)}
        case "redis":
            told = stores.effective(binary, place / "spread", 30)
            return {"revocations": told, "outages": stores.outages(binary, place)}
        case "rotation":
            return {"secrets": rotation.secrets(binary, place), "keys": rotation.keys(binary, place)}
        case "spread":
            return {"shares": spread.shares(binary, place)}
        case "capacity":
            most, loaded, memory = capacity.on_one_core(binary, place, rounds)
            slow = capacity.slowly(binary, place, SHARES, rounds + 1)
            return {"most": most, "loaded": loaded, "memory": memory, "latencies": predictions.beside_latencies(slow)}
        case "simulation":
            lost = [Lost(**row) for row in earlier["zones"]]
            service = 1 / earlier["most"]
            return {
                "laws": laws(),
                "beside_zones": predictions.beside_zones(lost),
                "sizes": predictions.sizes(service),
                "large": predictions.large(service),
                "grown": predictions.autoscaled(),
            }
        case _:
            raise ValueError(part)


if __name__ == "__main__":
    main()
