"""What does a program pay before its first result: the import, the whole of a small one, and the pool of processes?

Imports and programs are processes of their own. What bare Python takes to begin and to end is not counted for imports.
"""

import statistics
import subprocess
import sys
import time
from random import Random
from types import ModuleType

from benchmarks.harness import ROOT, Case, Pair, Reading, child_cpu_time, environment, main, wall_time

STARTS = 5
PROGRAM = """
from {module} import compute, delayed
if __name__ == "__main__":
    print(compute(delayed(sum)([delayed(abs)(-{number}), delayed(abs)(3)]), scheduler="{scheduler}")[0])
"""


def _process(code: str) -> tuple[float, str]:
    """Seconds that an interpreter takes for `code` and its own end, and what it prints."""
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT, env=environment()
    )
    return time.perf_counter() - begin, done.stdout


def imported(api: ModuleType, random: Random) -> Reading:
    _process(f"import {api.__name__}")  # compiles what is not
    bare = statistics.median(_process("pass")[0] for _ in range(STARTS))
    return Reading(
        (statistics.median(_process(f"import {api.__name__}")[0] for _ in range(STARTS)) - bare) * 1000, None
    )


def import_work(api: ModuleType, random: Random) -> Reading:
    """CPU time, which neighbours disturb less."""
    seconds = []
    for code in ("pass", f"import {api.__name__}"):
        with child_cpu_time() as watch:
            for _ in range(STARTS):
                _process(code)
        seconds.append(watch.seconds)
    return Reading((seconds[1] - seconds[0]) / STARTS * 1000, None)


def program(api: ModuleType, random: Random) -> Reading:
    """A graph of three nodes on threads, and the end of the program."""
    code = PROGRAM.format(module=api.__name__, number=random.randrange(1000), scheduler="threads")
    runs = [_process(code) for _ in range(STARTS)]
    return Reading(statistics.median(seconds for seconds, _ in runs) * 1000, [printed for _, printed in runs])


def first_on_processes(api: ModuleType, random: Random) -> Reading:
    """Three nodes, everything imported, no worker there."""
    number = random.randrange(1000)
    api.compute(api.delayed(abs)(-1), scheduler="sync")
    top = api.delayed(sum)([api.delayed(abs)(-number), api.delayed(abs)(3)])
    with wall_time() as watch:
        (value,) = api.compute(top, scheduler="processes")
    return Reading(watch.seconds * 1000, value)


CASES = [
    Case("import", "ms", imported, factor=4, limit=40),
    Case("import, CPU time", "ms", import_work, factor=4, limit=40),
    Case("program of three nodes", "ms", program),
    Case("first graph on processes", "ms", first_on_processes, limit=150, compare=True),
]

if __name__ == "__main__":
    main("benchmarks.lazy.start", __doc__, Pair("plait.lazy", "dask"), CASES)
