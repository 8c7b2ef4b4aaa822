"""What does the first program of README pay, which only switches, for all that stands above greenlets?

The program of examples/, and the same with greenlet's own import, in interpreters of their own.
"""

import statistics
import subprocess
import sys
from random import Random
from types import ModuleType

from benchmarks.harness import ROOT, Case, Pair, Reading, child_cpu_time, main

STARTS = 9
PROGRAM = (ROOT / "examples" / "switch_by_hand.py").read_text()


def first_program(api: ModuleType, random: Random) -> Reading:
    code = PROGRAM.replace("plait.greenlet", api.__name__)
    times, printed = [], ""
    for _ in range(STARTS):
        with child_cpu_time() as watch:
            printed = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True).stdout
        times.append(watch.seconds)
    return Reading(statistics.median(times) * 1000, printed)


CASES = [Case("README's first program", "ms", first_program, factor=0.8, limit=40)]

if __name__ == "__main__":
    main("benchmarks.greenlet.start", __doc__, Pair("plait.greenlet", "greenlet"), CASES)
