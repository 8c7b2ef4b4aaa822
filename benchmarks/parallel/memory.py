"""What does it cost to find a result that is kept, and to keep one?"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from types import ModuleType
from typing import Any

import numpy as np

from benchmarks.harness import Case, Pair, Reading, main, wall_time
from benchmarks.parallel._tasks import first, square

HITS = 500
MISSES = 200


@contextmanager
def _cache(api: ModuleType) -> Iterator[Any]:
    with tempfile.TemporaryDirectory() as folder:
        yield api.Memory(folder, verbose=0)


def hit(api: ModuleType, random: Random) -> Reading:
    with _cache(api) as memory:
        cached = memory.cache(square)
        number = random.randrange(10**6)
        cached(number)
        cached(number)
        with wall_time() as watch:
            results = [cached(number) for _ in range(HITS)]
    return Reading(watch.seconds / HITS * 1e6, sum(results))


def other_hits(api: ModuleType, random: Random) -> Reading:
    """Each entry is asked for the first time in this process."""
    with _cache(api) as memory:
        numbers = [random.randrange(10**9) for _ in range(MISSES)]
        for number in numbers:
            memory.cache(square)(number)
        cached = memory.cache(square)
        with wall_time() as watch:
            results = [cached(number) for number in numbers]
    return Reading(watch.seconds / MISSES * 1e6, sum(results))


def miss(api: ModuleType, random: Random) -> Reading:
    with _cache(api) as memory:
        cached = memory.cache(square)
        cached(-1)
        numbers = [random.randrange(10**9) for _ in range(MISSES)]
        with wall_time() as watch:
            results = [cached(number) for number in numbers]
    return Reading(watch.seconds / MISSES * 1e6, sum(results))


def hit_by_an_array(api: ModuleType, random: Random) -> Reading:
    array = np.random.default_rng(random.randrange(2**32)).random(1_250_000)
    with _cache(api) as memory:
        cached = memory.cache(first)
        cached(array)
        cached(array)
        with wall_time() as watch:
            results = [cached(array) for _ in range(20)]
    return Reading(watch.seconds / 20 * 1e6, sum(results))


CASES = [
    Case("a hit", "us", hit, factor=4, limit=40),
    Case("hits on 200 entries", "us", other_hits, factor=3),
    Case("a miss", "us", miss, factor=0.8),  # three files are made on either side, which is most of it
    Case("a hit by 10 MB", "us", hit_by_an_array, factor=0.9),
]

if __name__ == "__main__":
    main("benchmarks.parallel.memory", __doc__, Pair("plait.parallel", "joblib"), CASES)
