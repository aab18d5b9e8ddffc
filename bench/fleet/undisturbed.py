"""Measurements on a machine that others use: one in which a replica that nobody touched failed is made again."""

from collections.abc import Callable
from typing import TypeVar

from edge import Way
from traffic import FAILED, Traffic, count

Rows = TypeVar("Rows")
TRIES = 6
# Asked like all others, of a replica to which nothing happens.
STEADY = Way("a replica that stays", endpoints="steady")


def undisturbed(measure: Callable[[int], tuple[Rows, int]]) -> Rows:
    """The first rows of which no steady request failed; else the last, whose row of the steady way says so."""
    for at in range(TRIES):
        rows, failed = measure(at)
        if not failed:
            break
        print(f"    {failed} requests failed to which nothing had happened: once more", flush=True)
    return rows


def steady_failures(traffic: Traffic) -> int:
    return count(traffic.answers, STEADY, FAILED)
