"""Every kind of program may start a loop: what runs in it, how it is run, and where in it the call is made.

The product of what makes a fork unsafe (a hub, threads, threads of OpenBLAS, a patched standard library) and where the
call is made; the ways to run the program take turns. Each must give the right results within the time, run `__main__`
once, and leave no child.
"""

import itertools
import os
import subprocess
import sys

import pytest

HUB = "from plait import green; green.sleep(0)\n"
THREADS = """\
import threading, logging
held, leave = threading.Event(), threading.Event()
def hold():
    with logging._lock:  # a forked child would wait for it for ever
        held.set()
        leave.wait()
holder = threading.Thread(target=hold, daemon=True)
holder.start()
held.wait()
"""
NUMPY = """\
import numpy
square = numpy.ones((200, 200))
assert (square @ square)[0, 0] == 200  # by now its threads have run
"""
PATCHED = "from plait.green import monkey; monkey.patch_all()\n"

BODY = """
import logging, os
from plait.parallel import Parallel, delayed, pool

print("main runs", flush=True)
factor = 3

class Point:
    def __init__(self, x):
        self.x = x

def work(i):
    logging.getLogger(f"a logger of task {i}")  # takes the lock
    if NUMPY:
        import numpy
        square = numpy.full((150, 150), i)
        assert (square @ square)[0, 0] == 150 * i * i
    return Point(i * factor)

def call():
    for _ in range(2):
        points = Parallel(n_jobs=2)(delayed(work)(i) for i in range(4))
        assert all(type(point) is Point for point in points)
        assert [point.x for point in points] == [0, 3, 6, 9], points
    grown = Parallel(n_jobs=3, batch_size=1)(delayed(work)(i) for i in range(6))
    assert [point.x for point in grown] == [0, 3, 6, 9, 12, 15]
    assert os.getpid() not in pool.processes().pids()
"""
PLACES = {
    "main": "call()\n",
    "greenlet": "from plait import green\ngreenlet = green.spawn(call)\ngreenlet.get()\n",
    "forked child": """
pid = os.fork()
if not pid:
    status = 1
    try:
        call()
        pool.shutdown()
        status = 0
    finally:
        os._exit(status)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
""",
    "multiprocessing child": """
import multiprocessing
child = multiprocessing.get_context("fork").Process(target=call)
child.start()
child.join()
assert child.exitcode == 0
""",
}
END = """
if THREADS:
    leave.set()
    holder.join()
pool.shutdown()
try:
    left = os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    left = None
assert left is None, left
print("fine", flush=True)
"""
CELLS = """\
import sys
namespace = {"__name__": "__main__"}
cells = open(sys.argv[1]).read().split("\\n# cell\\n")
for number, cell in enumerate(cells):
    exec(compile(cell, f"<cell {number}>", "exec"), namespace)
"""
SETTINGS = [*itertools.product(("", HUB), ("", THREADS), ("", NUMPY), ("", PATCHED))]
CASES = [(setting, place) for place in PLACES for setting in SETTINGS]
WAYS = ("script", "-c", "stdin", "cells")


def name_of(case):
    setting, place = case
    parts = [name for name, text in zip(("hub", "threads", "numpy", "patched"), setting, strict=True) if text]
    return f"{place}: {' '.join(parts) or 'plain'}"


def command(way, code, tmp_path):
    """A command that runs the code, and what to give it on its standard input."""
    program = tmp_path / "program.py"
    program.write_text(code)
    if way == "script":
        return [sys.executable, str(program)], None
    if way == "-c":
        return [sys.executable, "-c", code], None
    if way == "stdin":
        return [sys.executable], code
    driver = tmp_path / "driver.py"
    driver.write_text(CELLS)
    return [sys.executable, str(driver), str(program)], None


@pytest.mark.parametrize("number", range(len(CASES)), ids=[name_of(case) for case in CASES])
def test_a_loop_in_any_program(number, tmp_path):
    (hub, threads, numpy, patched), place = CASES[number]
    if threads and "child" in place:
        threads = threads.replace("logging._lock", "threading.Lock()")  # it is the program's own fork that loses it
    flags = f"NUMPY, THREADS = {bool(numpy)}, {bool(threads)}\n"
    cells = [patched, hub, numpy, threads, flags + BODY, PLACES[place], END]
    ignore = "import warnings; warnings.simplefilter('ignore', DeprecationWarning)  # of the program's own forks\n"
    way = WAYS[(number + number // len(WAYS)) % len(WAYS)]
    arguments, given = command(way, "\n# cell\n".join([ignore, *cells]), tmp_path)
    result = subprocess.run(
        arguments,
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "2", "PYTHONUNBUFFERED": "1"},
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "main runs\nfine\n", "")
