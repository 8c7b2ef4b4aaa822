"""What does a short task cost on worker processes that run already, and what does its caller wait beyond its work?

Wall time: several processes do the work, and waiting for one another is what it costs. The peers' loops are as their
users write them: concurrent.futures sends each task alone, the others what they take for a good chunk. (What a warm
call of two tasks costs is asked by `start`.)
"""

import time
from collections.abc import Callable
from functools import partial
from random import Random
from types import ModuleType

from benchmarks.harness import Case, Pair, Reading, main, wall_time
from benchmarks.parallel._tasks import OTHERS, Loop, joblib_like, sleep_for, square

WORKERS = 2
TRIVIAL = 100_000
SINGLE = 10_000


def trivial(loop: Loop, random: Random) -> Reading:
    loop(square, [(1,), (2,)])
    calls = [(random.randrange(1000),) for _ in range(TRIVIAL)]
    with wall_time() as watch:
        results = loop(square, calls)
    return Reading(watch.seconds * 1000, sum(results))


def single(loop: Loop, random: Random) -> Reading:
    loop(square, [(1,), (2,)])
    calls = [(random.randrange(1000),) for _ in range(SINGLE)]
    with wall_time() as watch:
        results = loop(square, calls)
    return Reading(watch.seconds * 1000, sum(results))


def tail(loop: Loop, random: Random) -> Reading:
    """1.2 s of work in 600 tasks, the last 40 of which are long: how much longer than half of it takes it?"""
    loop(square, [(1,), (2,)])
    calls = [(0.001,)] * 560 + [(0.016,)] * 40
    with wall_time() as watch:
        results = loop(sleep_for, calls)
    ideal = sum(seconds for (seconds,) in calls) / WORKERS
    return Reading((watch.seconds - ideal) * 1000, len(results))


def caller(loop: Loop, random: Random) -> Reading:
    """CPU time of the caller for 10,000 tasks sent one by one: what it has left for others."""
    loop(square, [(1,), (2,)])
    calls = [(random.randrange(1000),) for _ in range(SINGLE)]
    begin = time.process_time()
    results = loop(square, calls)
    return Reading((time.process_time() - begin) * 1000, sum(results))


def _case(
    name: str,
    job: Callable[[Loop, Random], Reading],
    factor: float | None = None,
    limit: float | None = None,
    repeat: int | None = None,
    **settings: object,
) -> Case:
    def run(api: ModuleType, random: Random) -> Reading:
        return job(joblib_like(api, WORKERS, **settings), random)

    beside = {other: partial(_beside, make, job) for other, make in OTHERS.items()}
    return Case(name, "ms", run, factor=factor, limit=limit, repeat=repeat, beside=beside)


def _beside(make: Callable[[int], Loop], job: Callable[[Loop, Random], Reading], random: Random) -> Reading:
    return job(make(WORKERS), random)


CASES = [
    _case("100k trivial tasks", trivial, factor=3, limit=140, repeat=3),
    _case("10k tasks, batch_size=1", single, factor=8, limit=280, repeat=3, batch_size=1),
    _case("their caller's CPU time", caller, factor=8, repeat=3, batch_size=1),
    _case("uneven tasks, beyond the ideal", tail, repeat=3),
]

if __name__ == "__main__":
    main("benchmarks.parallel.small_tasks", __doc__, Pair("plait.parallel", "joblib"), CASES)
