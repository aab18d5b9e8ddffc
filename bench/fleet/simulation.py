"""A fleet as a small simulation: Envoys that choose replicas, replicas that are queues, zones that are lost.

A replica serves first come first served on its cores. Seconds throughout; the same seed gives the same figures."""

import heapq
import itertools
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

REFUSED_AFTER = 0.0005  # until Envoy hears that nobody listens


def queue(arrivals: Sequence[float], services: Sequence[float], cores: int, wake: Sequence[float]) -> list[float]:
    """The latency of each request to one replica; `wake` is what a core that was idle waits for before it begins."""
    free = [0.0] * cores
    latencies = []
    for arrival, service, waits in zip(arrivals, services, wake, strict=True):
        at = heapq.heappop(free)
        end = max(at, arrival) + (waits if at <= arrival else 0.0) + service
        heapq.heappush(free, end)
        latencies.append(end - arrival)
    return latencies


@dataclass(frozen=True)
class Plan:
    """A fleet, its load, and how Envoy asks; as in deploy/envoy unless said otherwise."""

    replicas: int
    rate: float  # requests a second of all
    service: float  # mean of the CPU time of a check
    cores: int = 1
    zones: int = 3
    envoys: int = 1
    workers: int = 2  # of each Envoy; each has its own connection to each replica, and its own turn
    wake: float = 0.0  # mean wait of a core that was idle
    least_request: bool = False
    retries: int = 2
    timeout: float = 0.25
    attempt: float = 0.1  # the time-out of one attempt, where there are retries
    outliers: bool = True
    health_interval: float = 2.0  # 0: none
    health_timeout: float = 1.0
    lost_at: float = math.inf
    stopped: bool = False  # a lost zone takes connections and says nothing, rather than refusing them


@dataclass
class Found:
    """When each request came, how long it took, and whether it failed."""

    at: list[float] = field(default_factory=list)
    took: list[float] = field(default_factory=list)
    failed: list[bool] = field(default_factory=list)

    def p99(self, since: float = 0.0, until: float = math.inf) -> float:
        """Of requests that were answered."""
        rows = zip(self.at, self.took, self.failed, strict=True)
        took = sorted(took for at, took, failed in rows if since <= at < until and not failed)
        return took[int(len(took) * 0.99)]

    def failures(self, since: float = 0.0) -> int:
        return sum(failed for at, failed in zip(self.at, self.failed, strict=True) if at >= since)


@dataclass
class Envoy:
    """What one Envoy knows of each replica."""

    unhealthy_from: list[float]
    ejected_until: list[float]
    in_a_row: list[int]
    open: list[int]
    turns: list[int]  # of each worker

    def may_ask(self, replica: int, now: float) -> bool:
        return now < self.unhealthy_from[replica] and now >= self.ejected_until[replica]


def run(plan: Plan, seconds: float, seed: int = 1) -> Found:
    """Poisson arrivals for so long, each at a worker of an Envoy by chance."""
    chance = random.Random(seed)
    free = [[0.0] * plan.cores for _ in range(plan.replicas)]
    envoys = [envoy(plan, chance) for _ in range(plan.envoys)]
    # Moment, order, kind, request, attempt, Envoy, worker, replica: a request at an Envoy, or an attempt that ended.
    order = itertools.count()
    events = [next(arrivals := arriving(plan, seconds, chance, order))]
    found = Found()
    while events:
        now, _, ended, begun, tried, by, worker, replica = heapq.heappop(events)
        asked = envoys[by]
        if ended is not None:
            # Only the end of an attempt tells Envoy of it.
            asked.open[replica] -= 1
            note(plan, asked, replica, now, is_right=ended)
            if ended or tried >= plan.retries or now - begun >= plan.timeout:
                found.at.append(begun)
                found.took.append(now - begun)
                found.failed.append(not ended)
            else:
                # Envoy's pause before it asks again: up to twice its base for each attempt before.
                pause = chance.random() * 0.010 * (2 ** (tried + 1) - 1)
                heapq.heappush(events, (now + pause, next(order), None, begun, tried + 1, by, worker, -1))
            continue
        if tried == 0 and (following := next(arrivals, None)):
            heapq.heappush(events, following)
        replica = choose(plan, asked, worker, now, chance)
        asked.open[replica] += 1
        limit = min(plan.attempt if plan.retries else plan.timeout, plan.timeout - (now - begun))
        end, is_right = serve(plan, free[replica], replica, now, limit, chance)
        heapq.heappush(events, (end, next(order), is_right, begun, tried, by, worker, replica))
    return found


def arriving(
    plan: Plan, seconds: float, chance: random.Random, order: Iterator[int]
) -> Iterator[tuple]:  # type: ignore[type-arg]
    """One request after the other."""
    now = chance.expovariate(plan.rate)
    while now < seconds:
        by, worker = int(chance.random() * plan.envoys), int(chance.random() * plan.workers)
        yield (now, next(order), None, now, 0, by, worker, -1)
        now += chance.expovariate(plan.rate)


def envoy(plan: Plan, chance: random.Random) -> Envoy:
    """Two health checks in a row have to fail; a refused one fails at once, another after its time-out."""
    unhealthy = [math.inf] * plan.replicas
    for replica in range(plan.replicas):
        if plan.health_interval and is_lost(plan, replica):
            first = chance.random() * plan.health_interval
            late = plan.health_timeout * plan.stopped
            unhealthy[replica] = plan.lost_at + first + late + plan.health_interval + late
    nothing = [0] * plan.replicas
    turns = [chance.randrange(plan.replicas) for _ in range(plan.workers)]
    return Envoy(unhealthy, [0.0] * plan.replicas, list(nothing), list(nothing), turns)


def is_lost(plan: Plan, replica: int) -> bool:
    """Zones have their replicas in turn, and the last one is lost."""
    return replica % plan.zones == plan.zones - 1


def choose(plan: Plan, asked: Envoy, worker: int, now: float, chance: random.Random) -> int:
    """The next in turn, or of two the one with fewer requests; any of them where none is healthy."""
    if plan.least_request:
        usable = [each for each in range(plan.replicas) if asked.may_ask(each, now)] or range(plan.replicas)
        two = [usable[int(chance.random() * len(usable))] for _ in range(2)]
        return min(two, key=lambda each: asked.open[each])
    for _ in range(plan.replicas):
        asked.turns[worker] = (asked.turns[worker] + 1) % plan.replicas
        if asked.may_ask(asked.turns[worker], now):
            break
    return asked.turns[worker]


def serve(
    plan: Plan, free: list[float], replica: int, now: float, limit: float, chance: random.Random
) -> tuple[float, bool]:
    """When the attempt ends, and whether with an answer. What nobody waits for any longer costs nothing."""
    if now >= plan.lost_at and is_lost(plan, replica):
        return (now + limit, False) if plan.stopped else (now + REFUSED_AFTER, False)
    begin = max(free[0], now)
    if free[0] <= now and plan.wake:
        begin -= plan.wake * math.log(1 - chance.random())
    end = begin + plan.service
    if end - now > limit:
        return now + limit, False
    heapq.heapreplace(free, end)
    return end, True


def note(plan: Plan, asked: Envoy, replica: int, now: float, *, is_right: bool) -> None:
    """Three failures in a row, and a replica is left alone for ten seconds; never more than half of them."""
    asked.in_a_row[replica] = 0 if is_right else asked.in_a_row[replica] + 1
    if plan.outliers and asked.in_a_row[replica] >= 3:
        ejected = sum(until > now for until in asked.ejected_until)
        if ejected < plan.replicas / 2:
            asked.ejected_until[replica] = now + 10.0
            asked.in_a_row[replica] = 0
