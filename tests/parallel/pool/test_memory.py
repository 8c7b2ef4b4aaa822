"""A worker gives memory back between its batches, and one that has grown too large is replaced."""

import os

from plait._base import clock
from plait.parallel import pool
from plait.parallel.outcome import CallRecord
from plait.parallel.pool import memory

_leak = []


def hold(megabytes):
    _leak.append(bytearray(os.urandom(1 << 20) * megabytes))
    return os.getpid()


def one(run, index, function, *arguments):
    run.submit(index, [(function, arguments, {})])
    batch = run.completions.take(clock.now() + 60)
    batch.settle()
    assert batch.error is None
    return batch.results[0]


def test_a_worker_that_leaks_is_replaced_between_tasks(launched):
    run = pool.processes().open(1, CallRecord())

    def leak(megabytes):
        memory.GROWTH_BYTES, memory._EVERY_S, memory._LEAST_S = 50 << 20, 0.0, 0.0
        return hold(megabytes)

    first = one(run, 0, leak, 1)
    assert one(run, 1, leak, 1) == first
    assert one(run, 2, leak, 100) == first
    assert one(run, 3, leak, 1) != first
    run.close()


def test_what_the_first_task_loads_is_no_growth(launched):
    run = pool.processes().open(1, CallRecord())

    def load(megabytes):
        memory.GROWTH_BYTES, memory._EVERY_S, memory._LEAST_S = 50 << 20, 0.0, 0.0
        return hold(megabytes)

    first = one(run, 0, load, 100)
    assert [one(run, i, load, 1) for i in range(1, 4)] == [first] * 3
    run.close()


def test_own_memory_is_counted_without_what_is_shared():
    before = memory.own_bytes()
    block = bytearray(os.urandom(1 << 20) * 64)
    grown = memory.own_bytes() - before
    assert (60 << 20) < grown < (80 << 20)
    del block


def test_short_batches_are_not_looked_at():
    watch = memory.Watch()
    assert not watch.look(memory._LEAST_S / 2)
    assert watch._next == 0
    assert not watch.look(1.0)
    assert watch._next > 0
