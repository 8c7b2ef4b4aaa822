"""What does a task cost on worker threads?"""

from random import Random
from types import ModuleType

from benchmarks.harness import Case, Pair, Reading, main, wall_time
from benchmarks.parallel._tasks import joblib_like, square

TASKS = 100_000
THREADS = 2


def trivial(api: ModuleType, random: Random) -> Reading:
    loop = joblib_like(api, THREADS, backend="threading")
    loop(square, [(1,), (2,)])
    calls = [(random.randrange(1000),) for _ in range(TASKS)]
    with wall_time() as watch:
        results = loop(square, calls)
    return Reading(watch.seconds * 1000, sum(results))


def on_an_executor(random: Random) -> Reading:
    from concurrent.futures import ThreadPoolExecutor

    calls = [random.randrange(1000) for _ in range(TASKS)]
    with ThreadPoolExecutor(THREADS) as pool, wall_time() as watch:
        results = list(pool.map(square, calls))
    return Reading(watch.seconds * 1000, sum(results))


def on_a_pool(random: Random) -> Reading:
    from multiprocessing.pool import ThreadPool

    calls = [random.randrange(1000) for _ in range(TASKS)]
    with ThreadPool(THREADS) as pool, wall_time() as watch:
        results = pool.map(square, calls)
    return Reading(watch.seconds * 1000, sum(results))


CASES = [
    Case(
        "100k trivial tasks",
        "ms",
        trivial,
        factor=12,
        limit=300,
        beside={"ThreadPoolExecutor": on_an_executor, "multiprocessing ThreadPool": on_a_pool},
    ),
]

if __name__ == "__main__":
    main("benchmarks.parallel.threads", __doc__, Pair("plait.parallel", "joblib"), CASES)
