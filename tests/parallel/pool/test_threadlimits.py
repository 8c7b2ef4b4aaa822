"""Threads of BLAS and OpenMP in workers."""

import os
import subprocess
import sys

import numpy
import pytest

from plait.parallel import Parallel, delayed, nesting
from plait.parallel.backends.process_runner import Processes
from plait.parallel.options import PLAIN
from plait.parallel.pool import threadlimits
from plait.parallel.pool.threadlimits import VARIABLES

threadpoolctl = pytest.importorskip("threadpoolctl")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def counts(_):
    """Threads of each OpenBLAS and OpenMP library here, after it was used."""
    square = numpy.ones((200, 200))
    square @ square
    return {library["filepath"]: library["num_threads"] for library in threadpoolctl.threadpool_info()}


def run(limit, inner=None, function=counts):
    """The results of as many tasks as workers, which are told `inner`."""
    call = Processes(nesting.budget().borrow(limit, nested=False), PLAIN._replace(inner_max_num_threads=inner))
    try:
        for i in range(limit):
            call.submit(i, [(function, (i,), {})])
        results = []
        for _ in range(limit):
            batch = call.completions.take()
            batch.settle()
            assert batch.error is None
            results += batch.results
        return results
    finally:
        call.close()


def test_a_number_that_the_call_says_counts():
    assert threadlimits.plan(4, 3) == ("3",) * len(VARIABLES)


def test_a_users_variable_counts_before_the_share_of_cores(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    told = dict(zip(VARIABLES, threadlimits.plan(2, None), strict=True))
    assert told.pop("OMP_NUM_THREADS") == "7"
    assert set(told.values()) == {"2"}
    assert set(threadlimits.plan(2, 1)) == {"1"}


def test_a_loaded_library_is_told_and_told_otherwise_by_the_next_call(launched):
    assert counts(0), "numpy here has no library that could be told"
    for inner in (2, 1, 2):
        for each in run(2, inner):
            assert set(each.values()) == {inner}


def test_by_default_workers_share_the_cores(launched, monkeypatch):
    monkeypatch.setattr("plait.parallel.budget.cpu_count", lambda: 6)
    for each in run(3):
        assert set(each.values()) == {2}


def test_variables_reach_the_worker_and_follow_the_call(launched, monkeypatch):
    def read(_):
        return {name: os.environ.get(name) for name in (*VARIABLES, "ENABLE_IPC")}

    monkeypatch.setattr("plait.parallel.budget.cpu_count", lambda: 4)
    assert run(2, function=read)[0] == dict.fromkeys(VARIABLES, "2") | {"ENABLE_IPC": "1"}
    monkeypatch.setenv("MKL_NUM_THREADS", "5")
    assert run(2, function=read)[0] == dict.fromkeys(VARIABLES, "2") | {"ENABLE_IPC": "1", "MKL_NUM_THREADS": "5"}
    assert run(2, 1, function=read)[0] == dict.fromkeys(VARIABLES, "1") | {"ENABLE_IPC": "1"}


def test_the_parent_keeps_its_own(launched):
    before = counts(0), dict(os.environ)
    Parallel(n_jobs=2)(delayed(counts)(i) for i in range(2))
    assert (counts(0), dict(os.environ)) == before


@pytest.mark.parametrize(("text", "count"), [("4", 4), ("3, 2", 3), ("", None), ("many", None), ("0", None)])
def test_the_first_number_of_a_list_counts(text, count):
    assert threadlimits._first_number(text) == count


def test_threads_of_openblas_do_not_keep_a_process_from_forking():
    """And any other thread does."""
    script = """
import os, threading
import numpy
from plait.parallel.pool.forksafety import can_fork
a = numpy.ones((300, 300))
before = len(os.listdir("/proc/self/task"))
assert can_fork()
assert len(os.listdir("/proc/self/task")) == 1
assert (a @ a)[0, 0] == 300
assert can_fork() and can_fork()
leave = threading.Event()
thread = threading.Thread(target=leave.wait)
thread.start()
assert not can_fork()
a @ a
assert not can_fork()
leave.set()
thread.join()
while not can_fork():  # on 3.13 join() returns a moment before the kernel's thread is gone
    os.sched_yield()
print(before > 1)
"""
    result = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "2"},
    )
    assert (result.stdout, result.stderr) == ("True\n", "")
