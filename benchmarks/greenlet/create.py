"""What does it cost to create a greenlet: one that is dropped, one that runs to its end?"""

from itertools import repeat
from random import Random
from types import ModuleType

from benchmarks.harness import Case, Pair, Reading, cpu_time, main

DROPPED = 200_000
ENDED = 20_000


def create_and_drop(api: ModuleType, random: Random) -> Reading:
    """Never started."""
    count = DROPPED + random.randrange(1000)
    greenlet = api.greenlet

    def run() -> None:
        raise AssertionError("a greenlet that was never started has run")

    with cpu_time() as watch:
        for _ in repeat(None, count):
            greenlet(run)
    return Reading(watch.seconds / count * 1e9, count)


def create_and_end(api: ModuleType, random: Random) -> Reading:
    """Started once, without an argument; its result comes back to the parent."""
    count = ENDED + random.randrange(1000)
    greenlet = api.greenlet

    def run() -> int:
        return count

    with cpu_time() as watch:
        for _ in repeat(None, count):
            greenlet(run).switch()
    return Reading(watch.seconds / count * 1e9, [greenlet(run).switch() for _ in range(10)])


def create_and_end_with_a_value(api: ModuleType, random: Random) -> Reading:
    """As create_and_end, with an argument, and the result is kept."""
    values = [random.random() for _ in range(ENDED)]
    greenlet = api.greenlet

    def run(value: float) -> float:
        return value

    with cpu_time() as watch:
        results = [greenlet(run).switch(value) for value in values]
    return Reading(watch.seconds / ENDED * 1e9, sum(results))


CASES = [
    Case("create and drop", "ns", create_and_drop, factor=3),
    Case("create, run to the end", "ns", create_and_end, factor=50),
    Case("create, run to the end, a value", "ns", create_and_end_with_a_value),
]

if __name__ == "__main__":
    main("benchmarks.greenlet.create", __doc__, Pair("plait.greenlet", "greenlet"), CASES)
