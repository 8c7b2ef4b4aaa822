"""Runs on worker processes: what ends a run, what ends a batch only, and what a worker says meanwhile."""

import os
import signal
import time

import pytest

from plait._base import clock
from plait.parallel import pool
from plait.parallel.errors import TaskCancelled, WorkerDied
from plait.parallel.outcome import CallRecord, listeners


@pytest.fixture
def open_run(launched):
    runs = []

    def make(limit=2, fail_fast=True):
        run = pool.processes().open(limit, CallRecord(), fail_fast)
        runs.append(run)
        return run

    yield make
    for run in runs:
        run.cancel()


def take(run, count):
    """The next batches, settled, by their first index."""
    batches = [run.completions.take(clock.now() + 60) for _ in range(count)]
    for batch in batches:
        batch.settle()
    return {batch.first: batch for batch in batches}


def calls(function, *arguments):
    return [(function, (argument,), {}) for argument in arguments]


def invert(x):
    return 1 / x


def die(how):
    if how:
        os.kill(os.getpid(), how)
    return how


def test_a_failing_batch_ends_alone_and_keeps_what_came_before(open_run):
    run = open_run(fail_fast=False)
    run.submit(0, calls(invert, 1, 2, 0, 4))
    run.submit(4, calls(invert, 4))
    batches = take(run, 2)
    assert batches[0].results == [1, 0.5]
    assert isinstance(batches[0].error, ZeroDivisionError)
    assert batches[0].failed_at == 2
    assert batches[4].results == [0.25]
    run.submit(5, calls(invert, 8))
    assert take(run, 1)[5].results == [0.125]


def test_a_workers_death_ends_its_batch_alone(open_run):
    run = open_run(fail_fast=False)
    run.submit(0, calls(die, 0, 0, signal.SIGKILL, 0))
    run.submit(4, calls(die, 0))
    batches = take(run, 2)
    error = batches[0].error
    assert isinstance(error, WorkerDied)
    assert (error.index, error.task) == (2, (die, (signal.SIGKILL,), {}))
    assert batches[0].failed_at == 2
    assert "SIGKILL while it ran task 2: die(" in str(error)
    assert batches[4].results == [0]
    run.submit(5, calls(die, 0))
    assert take(run, 1)[5].results == [0]


def test_a_death_tells_how_much_memory_the_worker_had_held(open_run):
    def fill(megabytes):
        block = b"x" * (megabytes << 20)
        os.kill(os.getpid(), signal.SIGKILL)
        return block

    run = open_run()
    run.submit(0, calls(fill, 64))
    text = str(take(run, 1)[0].error)
    held = int(text.split(" MiB")[0].rsplit(" ", 1)[1])
    assert 64 < held < 1000


def test_stopping_a_batch_leaves_the_others(open_run):
    run = open_run(limit=1, fail_fast=False)
    long = run.submit(0, calls(time.sleep, 60))
    queued = run.submit(1, calls(abs, -1))
    other = run.submit(2, calls(abs, -2))
    run.stop(queued)
    run.stop(long)
    batches = take(run, 3)
    for batch in (long, queued):
        assert isinstance(batches[batch.first].error, TaskCancelled)
        assert "was stopped" in str(batches[batch.first].error)
    assert batches[other.first].results == [2]


def test_stopping_a_batch_that_has_ended_does_nothing(open_run):
    run = open_run(fail_fast=False)
    batch = run.submit(0, calls(abs, -1))
    take(run, 1)
    run.stop(batch)
    run.submit(1, calls(abs, -2))
    assert take(run, 1)[1].results == [2]


def test_a_worker_may_say_something_while_it_runs_a_task(open_run, monkeypatch):
    def talk(text):
        from plait.parallel.pool import worker

        worker.current().tell("test", text)
        return len(text)

    heard = []
    monkeypatch.setitem(listeners, "test", heard.append)
    run = open_run()
    run.submit(7, calls(talk, "one", "three"))
    assert take(run, 1)[7].results == [3, 5]
    assert [(word.call, word.task, word.data) for word in heard] == [(run.id, 7, "one"), (run.id, 8, "three")]
