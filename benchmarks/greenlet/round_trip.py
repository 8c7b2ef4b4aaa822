"""What does it cost to switch to a greenlet and back?"""

from collections.abc import Callable
from itertools import repeat
from random import Random
from types import ModuleType
from typing import Any

from benchmarks.harness import Case, Pair, Reading, cpu_time, main

TRIPS = 200_000
C_FRAMES = 20


def plain(api: ModuleType, random: Random) -> Reading:
    """No argument; the greenlet ends by itself after the last trip, so that a lost or doubled one shows."""
    trips = TRIPS + random.randrange(1000)
    back = api.getcurrent().switch

    def run() -> int:
        for _ in repeat(None, trips):
            back()
        return trips

    there = api.greenlet(run).switch
    with cpu_time() as watch:
        for _ in repeat(None, trips):
            there()
    return Reading(watch.seconds / trips * 1e9, there())


def one_argument(api: ModuleType, random: Random) -> Reading:
    """Each value goes there and comes back."""
    values = [random.random() for _ in range(TRIPS)]
    back = api.getcurrent().switch

    def run(value: float) -> None:
        while True:
            value = back(value)

    there = api.greenlet(run).switch
    with cpu_time() as watch:
        for value in values:
            there(value)
    return Reading(watch.seconds / TRIPS * 1e9, sum(map(there, values)))


def beneath(depth: int, function: Callable[[], Any]) -> Any:
    """Call function below `depth` calls through C."""
    if depth == 0:
        return function()
    result = []
    sorted((0,), key=lambda _: result.append(beneath(depth - 1, function)) or 0)
    return result[0]


def under_c_frames(api: ModuleType, random: Random) -> Reading:
    """As `plain`, with 20 calls through C on both stacks."""
    trips = TRIPS // 10 + random.randrange(1000)
    back = api.getcurrent().switch

    def run() -> int:
        for _ in repeat(None, trips):
            back()
        return trips

    there = api.greenlet(lambda: beneath(C_FRAMES, run)).switch

    def measured() -> Reading:
        there()
        with cpu_time() as watch:
            for _ in repeat(None, trips - 1):
                there()
        return Reading(watch.seconds / (trips - 1) * 1e9, there())

    return beneath(C_FRAMES, measured)


CASES = [
    Case("round trip", "ns", plain, factor=7),
    Case("round trip, one argument", "ns", one_argument, factor=7),
    Case("round trip under 20 C frames", "ns", under_c_frames, factor=60),
]

if __name__ == "__main__":
    main("benchmarks.greenlet.round_trip", __doc__, Pair("plait.greenlet", "greenlet"), CASES)
