"""What does a loop cost before its first result: the import, a whole program, the first call, and the calls after it?

Import and program are processes of their own, timed from outside; the other cases begin with everything imported.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from random import Random
from types import ModuleType

from benchmarks.harness import ROOT, Case, Pair, Reading, child_cpu_time, environment, main, wall_time
from benchmarks.parallel._tasks import OTHERS, Loop, joblib_like, sleep_and_square, square

STARTS = 5
WARM_CALLS = 20
PROGRAMS = {
    "concurrent.futures": (
        "from concurrent.futures import ProcessPoolExecutor\n"
        "if __name__ == '__main__':\n"
        "    with ProcessPoolExecutor(2) as pool:\n"
        "        print(list(pool.map(abs, [-{0}, {0}])))\n"
    ),
    "multiprocessing.Pool": (
        "from multiprocessing import Pool\n"
        "if __name__ == '__main__':\n"
        "    with Pool(2) as pool:\n"
        "        print(pool.map(abs, [-{0}, {0}]))\n"
    ),
    "mpire": (
        "from mpire import WorkerPool\n"
        "if __name__ == '__main__':\n"
        "    with WorkerPool(2) as pool:\n"
        "        print(pool.map(abs, [-{0}, {0}]))\n"
    ),
}
LOOP = (
    "from {module} import Parallel, delayed\n"
    "if __name__ == '__main__':\n"
    "    print(Parallel(n_jobs=2)(delayed(abs)(x) for x in [-{{0}}, {{0}}]))\n"
)
FIRST_IMPORTS = {
    "concurrent.futures": "from concurrent.futures import ProcessPoolExecutor",
    "multiprocessing.Pool": "from multiprocessing import Pool; import multiprocessing.pool",
    "mpire": "from mpire import WorkerPool",
}


def _process(code: str) -> tuple[float, str]:
    """Seconds that an interpreter takes for `code` and its own end, and what it prints."""
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT, env=environment()
    )
    return time.perf_counter() - begin, done.stdout


def _processes(code: Callable[[], str]) -> Reading:
    runs = [_process(code()) for _ in range(STARTS)]
    return Reading(statistics.median(seconds for seconds, _ in runs) * 1000, [printed for _, printed in runs])


def imported(api: ModuleType, random: Random) -> Reading:
    return _processes(lambda: f"from {api.__name__} import Parallel, delayed")


def imported_beside(name: str, random: Random) -> Reading:
    return _processes(lambda: FIRST_IMPORTS[name])


def import_work(api: ModuleType, random: Random) -> Reading:
    """CPU time: numpy's import, which joblib's makes, is spread over the cores."""
    with child_cpu_time() as watch:
        for _ in range(STARTS):
            _process(f"from {api.__name__} import Parallel, delayed")
    return Reading(watch.seconds / STARTS * 1000, None)


def program(api: ModuleType, random: Random) -> Reading:
    return _processes(lambda: LOOP.format(module=api.__name__).format(random.randrange(1000)))


def program_beside(name: str, random: Random) -> Reading:
    return _processes(lambda: PROGRAMS[name].format(random.randrange(1000)))


def _first(loop: Loop, random: Random) -> Reading:
    calls = [(random.randrange(1000),), (random.randrange(1000),)]
    with wall_time() as watch:
        results = loop(square, calls)
    return Reading(watch.seconds * 1000, results)


def _warm(loop: Loop, random: Random) -> Reading:
    answers = []
    times = []
    for _ in range(WARM_CALLS + 2):
        calls = [(random.randrange(1000),), (random.randrange(1000),)]
        with wall_time() as watch:
            answers.append(loop(square, calls))
        times.append(watch.seconds)
    return Reading(statistics.median(times[2:]) * 1000, answers)


def _sleeps(loop: Loop, random: Random) -> Reading:
    calls = [(random.randrange(1000),) for _ in range(6)]
    with wall_time() as watch:
        results = loop(sleep_and_square, calls)
    return Reading((watch.seconds - 2) * 1000, results)


def _case(
    name: str, run: Callable[[Loop, Random], Reading], n_jobs: int, *, factor: float, limit: float, repeat: int = 5
) -> Case:
    return Case(
        name,
        "ms",
        lambda api, random: run(joblib_like(api, n_jobs), random),
        factor=factor,
        limit=limit,
        repeat=repeat,
        beside={other: lambda random, make=make: run(make(n_jobs), random) for other, make in OTHERS.items()},
    )


CASES = [
    Case(
        "import",
        "ms",
        imported,
        factor=5,
        limit=40,
        beside={name: partial(imported_beside, name) for name in OTHERS},
    ),
    Case("import, CPU time", "ms", import_work, factor=5, limit=40),
    Case(
        "program of two tasks",
        "ms",
        program,
        factor=6,
        limit=150,
        beside={name: partial(program_beside, name) for name in OTHERS},
    ),
    _case("first call, two tasks", _first, 2, factor=10, limit=60),
    _case("warm call, two tasks", _warm, 2, factor=15, limit=0.5),
    _case("six sleeps of 1 s on 4, above 2 s", _sleeps, 4, factor=9, limit=100, repeat=3),
]

if __name__ == "__main__":
    main("benchmarks.parallel.start", __doc__, Pair("plait.parallel", "joblib"), CASES)
