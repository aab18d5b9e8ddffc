"""What is known of queues without a simulation, for the simulation to be held against."""

import math
import random
from dataclasses import dataclass
from itertools import accumulate

from simulation import queue


@dataclass(frozen=True)
class Law:
    """The mean wait in an M/M/c queue, in service times."""

    cores: int
    utilisation: float
    theory: float
    simulated: float


def erlang_c(offered: float, cores: int) -> float:
    """The share of requests that wait in an M/M/c queue."""
    waits = offered**cores / math.factorial(cores) * cores / (cores - offered)
    return waits / (sum(offered**k / math.factorial(k) for k in range(cores)) + waits)


def laws(requests: int = 150_000) -> list[Law]:
    """Few cores and many, with much to do and less."""
    rows = []
    for cores, utilisation in ((1, 0.5), (1, 0.8), (4, 0.8), (16, 0.8)):
        chance = random.Random(cores)
        arrivals = list(accumulate(chance.expovariate(cores * utilisation) for _ in range(requests)))
        services = [chance.expovariate(1.0) for _ in range(requests)]
        took = queue(arrivals, services, cores, [0.0] * requests)
        theory = erlang_c(cores * utilisation, cores) / (cores * (1 - utilisation))
        rows.append(Law(cores, utilisation, theory, (sum(took) - sum(services)) / requests))
    return rows
