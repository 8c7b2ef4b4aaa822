"""Workers that have nothing to do are let go, those that small calls do not need first."""

import time
from types import SimpleNamespace

from plait.parallel import Parallel, delayed, pool
from plait.parallel.pool.idleness import Idleness


def link(batches=0, busy=False):
    class Link(SimpleNamespace):
        __hash__ = object.__hash__

    return Link(next_slot=batches, busy=busy)


def wait_until(condition):
    limit = time.monotonic() + 60
    while not condition() and time.monotonic() < limit:
        time.sleep(0.005)
    assert condition()


def test_who_had_no_batch_for_so_long_is_due():
    used, unused, busy = link(), link(), link(busy=True)
    looks = Idleness()
    links = [used, unused, busy]
    assert looks.look(links, 0.0, 10.0) == ([], 10.0)
    used.next_slot += 1
    assert looks.look(links, 6.0, 10.0) == ([], 4.0)
    assert looks.look(links, 10.0, 10.0) == ([unused], 6.0)
    busy.busy = False
    assert looks.look([used, busy], 15.0, 10.0) == ([], 1.0)
    assert looks.look([used, busy], 16.0, 10.0) == ([used], 4.0)
    assert looks.look([], 20.0, 10.0) == ([], None)


def test_idle_workers_leave_and_new_ones_come(launched):
    assert Parallel(n_jobs=2, idle_worker_timeout=0.05)(delayed(abs)(-i) for i in range(4)) == [0, 1, 2, 3]
    wait_until(lambda: not pool.processes().pids())
    wait_until(lambda: pool.processes()._launcher._server is None)
    assert Parallel(n_jobs=2)(delayed(abs)(-i) for i in range(4)) == [0, 1, 2, 3]


def test_a_busy_worker_stays(launched):
    results = Parallel(n_jobs=2, idle_worker_timeout=0.02)([delayed(time.sleep)(0.3), delayed(abs)(-1)])
    assert results == [None, 1]


def test_small_calls_keep_the_workers_that_they_need(launched):
    """Four workers; calls for two follow."""
    Parallel(n_jobs=4, batch_size=1)(delayed(time.sleep)(0.02) for _ in range(8))
    assert len(pool.processes().pids()) == 4
    pool.processes().idle_s = 0.5

    def few():
        Parallel(n_jobs=2, batch_size=1)(delayed(time.sleep)(0.01) for _ in range(4))
        return 1 <= len(pool.processes().pids()) <= 2

    before = set(pool.processes().pids())
    wait_until(few)
    assert set(pool.processes().pids()) <= before
