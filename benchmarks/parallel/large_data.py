"""What does it cost to send arrays to workers and to bring arrays back, and how much memory does the caller hold?

The workers run already and have done the same before; every repetition has new arrays.
"""

from collections.abc import Callable
from random import Random
from types import ModuleType
from typing import Any

import numpy as np

from benchmarks.harness import Case, Pair, Reading, main, peak_bytes, wall_time
from benchmarks.parallel._tasks import OTHERS, Loop, first, joblib_like, made, sample

MB = 1_000_000
NUMBER = 8  # bytes
WORKERS = 2
RESULTS = 100
RESULT_BYTES = 10 * MB


def _array(random: Random, size: int) -> Any:
    return np.random.default_rng(random.randrange(2**32)).random(size // NUMBER)


def one_large_argument(loop: Loop, random: Random) -> Reading:
    for _ in range(3):
        loop(sample, [(_array(random, 100 * MB), at) for at in range(2)])
    array = _array(random, 100 * MB)
    calls = [(array, random.randrange(1000)) for _ in range(8)]
    with wall_time() as watch:
        results = loop(sample, calls)
    return Reading(watch.seconds * 1000, results)


def many_arguments(loop: Loop, random: Random) -> Reading:
    loop(first, [(_array(random, MB // 10),) for _ in range(20)])
    calls = [(_array(random, MB // 10),) for _ in range(1000)]
    with wall_time() as watch:
        results = loop(first, calls)
    return Reading(watch.seconds * 1000, results)


def _many_results(loop: Loop, random: Random) -> tuple[float, list[float]]:
    loop(made, [(number, RESULT_BYTES // NUMBER) for number in range(4)])
    calls = [(random.randrange(1000), RESULT_BYTES // NUMBER) for _ in range(RESULTS)]
    with wall_time() as watch:
        results = loop(made, calls)
    return watch.seconds, [float(result.sum()) for result in results]


def many_results(loop: Loop, random: Random) -> Reading:
    seconds, results = _many_results(loop, random)
    return Reading(seconds * 1000, results)


def memory_of_results(loop: Loop, random: Random) -> Reading:
    """The most that was resident here while all results lived and were read, beyond what was before, by their size."""
    loop(first, [(np.zeros(1),)])
    before = peak_bytes()
    _, results = _many_results(loop, random)
    return Reading((peak_bytes() - before) / (RESULTS * RESULT_BYTES), results)


def _case(
    name: str,
    unit: str,
    run: Callable[[Loop, Random], Reading],
    *,
    factor: float | None = None,
    limit: float,
    repeat: int = 5,
) -> Case:
    def on(api: ModuleType, random: Random) -> Reading:
        return run(joblib_like(api, WORKERS), random)

    beside = {other: lambda random, make=make: run(make(WORKERS), random) for other, make in OTHERS.items()}
    return Case(name, unit, on, factor=factor, limit=limit, compare=True, repeat=repeat, beside=beside)


CASES = [
    _case("100 MB to each of 8 tasks", "ms", one_large_argument, factor=5, limit=25),
    _case("1000 x 100 KB arguments", "ms", many_arguments, factor=2.5, limit=100),
    _case("100 x 10 MB results", "ms", many_results, factor=4, limit=500, repeat=3),
    _case("100 x 10 MB results, held", "payloads", memory_of_results, limit=1.2, repeat=3),
]

if __name__ == "__main__":
    main("benchmarks.parallel.large_data", __doc__, Pair("plait.parallel", "joblib"), CASES)
