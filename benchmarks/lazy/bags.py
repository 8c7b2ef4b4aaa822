"""What do bags cost: a partition, an element, a shuffle, a file?

All in one process, where CPU time tells; the last cases with the defaults, on worker processes, by wall time.
"""

import os
import tempfile
import time
from operator import add
from random import Random
from types import ModuleType
from typing import Any

from benchmarks.harness import Case, Pair, Reading, cpu_time, main

PARTITIONS = 500
ELEMENTS = 200_000


def is_even(x: int) -> bool:
    return x % 2 == 0


def last_digits(x: int) -> int:
    return x % 1000


def timed(lazy: Any, count: int = 1, unit: float = 1e6) -> Reading:
    """The CPU time of computing, in this process, by `count`."""
    with cpu_time() as watch:
        value = lazy.compute(scheduler="sync")
    return Reading(watch.seconds / count * unit, value)


def warm(api: ModuleType) -> None:
    """Compute something small: what is imported with the first computation is another question."""
    api.range(2, npartitions=2).map(add, 1).sum().compute(scheduler="sync")


def build(api: ModuleType, random: Random) -> Reading:
    """A chain of ten steps, without computing it."""
    bag = api.range(PARTITIONS + random.randrange(10), npartitions=PARTITIONS)
    with cpu_time() as watch:
        for _ in range(10):
            bag = bag.map(add, 1)
    return Reading(watch.seconds / 10 * 1e6, bag.npartitions)


def partition(api: ModuleType, random: Random) -> Reading:
    """A partition of one element, through five steps and a sum."""
    warm(api)
    bag = api.range(PARTITIONS, npartitions=PARTITIONS)
    for _ in range(5):
        bag = bag.map(add, random.randrange(10))
    with cpu_time() as watch:
        total = bag.sum().compute(scheduler="sync")
    return Reading(watch.seconds / PARTITIONS * 1e6, total is not None)


def numbers(api: ModuleType, random: Random) -> Any:
    warm(api)
    return api.range(ELEMENTS + random.randrange(1000), npartitions=4)


def chain(api: ModuleType, random: Random) -> Reading:
    return timed(numbers(api, random).map(add, 1).filter(is_even).sum(), ELEMENTS, 1e9)


def together(api: ModuleType, random: Random) -> Reading:
    bag = numbers(api, random)
    return timed(bag.map(add, bag).sum(), ELEMENTS, 1e9)


def frequencies(api: ModuleType, random: Random) -> Reading:
    reading = timed(numbers(api, random).map(last_digits).frequencies(), ELEMENTS, 1e9)
    return Reading(reading.figure, sorted(reading.answer))


def distinct(api: ModuleType, random: Random) -> Reading:
    reading = timed(numbers(api, random).map(last_digits).distinct(), ELEMENTS, 1e9)
    return Reading(reading.figure, sorted(reading.answer))


def foldby(api: ModuleType, random: Random) -> Reading:
    reading = timed(numbers(api, random).foldby(last_digits, add, 0, add, 0), ELEMENTS, 1e9)
    return Reading(reading.figure, sorted(reading.answer))


def sequence(api: ModuleType, random: Random) -> Reading:
    """A list as a bag, and its elements counted."""
    warm(api)
    elements = list(range(ELEMENTS + random.randrange(1000)))
    with cpu_time() as watch:
        count = api.from_sequence(elements).count().compute(scheduler="sync")
    return Reading(watch.seconds / ELEMENTS * 1e9, count)


def shuffle(method: str) -> Any:
    def run(api: ModuleType, random: Random) -> Reading:
        warm(api)
        bag = api.range(50_000 + random.randrange(100), npartitions=8)
        reading = timed(bag.groupby(last_digits, shuffle=method), 50_000)
        return Reading(reading.figure, sorted((key, sorted(group)) for key, group in reading.answer))

    return run


def lines(api: ModuleType, random: Random) -> Reading:
    warm(api)
    with tempfile.TemporaryDirectory() as folder:
        for i in range(4):
            with open(os.path.join(folder, f"{i}.txt"), "w") as file:
                file.writelines(f"{random.random()} {i}\n" for _ in range(50_000))
        return timed(api.read_text(f"{folder}/*.txt").str.split().pluck(1).map(int).sum(), 200_000, 1e9)


def defaults(api: ModuleType, random: Random) -> Reading:
    """A second computation on worker processes: the first one starts them."""
    bag = api.range(1000, npartitions=100).map(add, random.randrange(10))
    bag.sum().compute()
    begin = time.perf_counter()
    total = bag.sum().compute()
    return Reading((time.perf_counter() - begin) * 1e3, total is not None)


CASES = [
    Case("a step, built", "us", build, factor=20),
    Case("a partition through six steps", "us", partition, factor=15),
    Case("an element through three steps", "ns", chain, factor=3),
    Case("an element of a map of two bags", "ns", together, factor=5),
    Case("an element counted by value", "ns", frequencies, factor=3),
    Case("an element found distinct", "ns", distinct, factor=3),
    Case("an element of a foldby", "ns", foldby, factor=1),
    Case("an element of from_sequence", "ns", sequence, factor=12),
    Case("an element of a groupby on disk", "us", shuffle("disk"), factor=15),
    Case("an element of a groupby by tasks", "us", shuffle("tasks"), factor=10),
    Case("a line of text split and added", "ns", lines, factor=1.5),
    Case("100 partitions on processes", "ms", defaults, factor=25),
]

if __name__ == "__main__":
    main("benchmarks.lazy.bags", __doc__, Pair("plait.lazy.bag", "dask.bag"), CASES)
