"""Runs on worker processes: what ends a run, what ends a batch only, and what a worker says meanwhile."""

import os
import random
import signal
import threading
import time

import pytest

from plait._base import clock
from plait.parallel import pool
from plait.parallel.errors import TaskCancelled, WorkerDied
from plait.parallel.outcome import CallRecord, listeners
from plait.parallel.pool import worker


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
        worker.current().tell("test", text)
        return len(text)

    heard = []
    monkeypatch.setitem(listeners, "test", heard.append)
    run = open_run(limit=1)
    run.submit(7, calls(talk, "one", "three"))
    assert take(run, 1)[7].results == [3, 5]
    assert [(word.call, word.task, word.data) for word in heard] == [(run.id, 7, "one"), (run.id, 8, "three")]


def test_a_batch_behind_a_long_one_goes_to_a_worker_that_is_idle(open_run, tmp_path):
    """Each worker has two batches; the one behind the long task is done by the other worker meanwhile."""

    def wait(path):
        limit = time.monotonic() + 60
        while not path.exists() and time.monotonic() < limit:
            time.sleep(0.005)
        return path.exists()

    run = open_run()
    long = run.submit(0, calls(wait, tmp_path / "go"))
    for index in range(1, 4):
        run.submit(index, calls(abs, index))
    assert sorted(take(run, 3)) == [1, 2, 3]
    (tmp_path / "go").touch()
    assert take(run, 1)[long.first].results == [True]


def test_half_of_what_is_left_of_a_long_batch_goes_to_a_worker_that_is_idle(open_run):
    def where(i):
        time.sleep(0.02)
        return i, os.getpid()

    run = open_run()
    run.submit(0, calls(abs, 1))
    run.submit(1, calls(where, *range(40)))
    results = take(run, 2)[1].results
    assert [i for i, _ in results] == list(range(40))
    counts = [[pid for _, pid in results].count(each) for each in {pid for _, pid in results}]
    assert len(counts) == 2
    assert min(counts) > 8


def test_results_of_a_long_batch_are_kept_when_its_worker_dies(open_run):
    def last(i):
        time.sleep(0.15)
        if i == 3:
            os._exit(1)
        return i

    run = open_run(limit=1, fail_fast=False)
    run.submit(0, calls(last, *range(5)))
    batch = take(run, 1)[0]
    assert isinstance(batch.error, WorkerDied)
    assert (batch.results, batch.failed_at) == ([0, 1, 2], 3)


def test_batches_that_a_dead_worker_had_not_begun_are_run_by_another(open_run):
    run = open_run(limit=1, fail_fast=False)
    run.submit(0, calls(die, signal.SIGKILL))
    for index in range(1, 6):
        run.submit(index, calls(abs, -index))
    batches = take(run, 6)
    assert isinstance(batches.pop(0).error, WorkerDied)
    assert [batch.results for _, batch in sorted(batches.items())] == [[1], [2], [3], [4], [5]]


def test_a_result_that_cannot_be_sent_stops_its_batch_at_that_task(open_run, tmp_path):
    def make(i):
        (tmp_path / str(i)).touch()
        return i if i != 2 else threading.Lock()

    run = open_run(fail_fast=False)
    run.submit(0, calls(make, *range(5)))
    batch = take(run, 1)[0]
    assert batch.results == [0, 1]
    assert batch.failed_at == 2
    assert "its result" in str(batch.error)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1", "2"]


def test_a_signal_that_comes_late_does_not_touch_the_next_task(open_run):
    """The worker is told to cancel what it does not run any more."""
    run = open_run(limit=1)
    pid = take_one(run, os.getpid)
    run.submit(1, calls(time.sleep, 0.3))
    for _ in range(20):
        os.kill(pid, worker.CANCEL_SIGNAL)
        time.sleep(0.005)
    assert take(run, 1)[1].results == [None]


def take_one(run, function):
    run.submit(0, [(function, (), {})])
    return take(run, 1)[0].results[0]


def test_every_batch_ends_once_however_workers_die_and_batches_are_stopped(open_run):
    """Short batches, with deaths and cancellations at random: each comes back, with all its results or an error."""
    source = random.Random(5)
    run = open_run(limit=3, fail_fast=False)
    batches = [run.submit(10 * i, calls(touchy, *range(10 * i, 10 * i + 10))) for i in range(120)]
    for batch in source.sample(batches, 20):
        run.stop(batch)
    back = take(run, 120)
    assert sorted(back) == [batch.first for batch in batches]
    for first, batch in back.items():
        if batch.error is None:
            assert batch.results == list(range(first, first + 10))
        else:
            assert isinstance(batch.error, WorkerDied | TaskCancelled)
            assert batch.results == list(range(first, first + len(batch.results)))


def touchy(i):
    if i % 97 == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    if i % 10 == 0:
        time.sleep(0.002)
    return i


def test_a_function_of_which_there_are_very_many_still_arrives(open_run):
    def make(i):
        return lambda: i

    run = open_run()
    for i in range(100):
        run.submit(i, [(make(i), (), {})])
    assert [batch.results for _, batch in sorted(take(run, 100).items())] == [[i] for i in range(100)]


def test_a_callable_that_changes_between_batches_is_sent_as_it_is(open_run):
    class Scale:
        factor = 1

        def __call__(self, x):
            return self.factor * x

    scale = Scale()
    run = open_run()
    for factor in range(1, 5):
        scale.factor = factor
        run.submit(factor, calls(scale, 10))
    assert [batch.results for _, batch in sorted(take(run, 4).items())] == [[10], [20], [30], [40]]


def test_runs_in_several_threads_are_served_by_each_other():
    def serve(results, number):
        run = pool.processes().open(2, CallRecord())
        for index in range(50):
            run.submit(index, calls(abs, -index))
        back = take(run, 50)
        run.close()
        results[number] = [back[index].results for index in range(50)]

    results = {}
    threads = [threading.Thread(target=serve, args=(results, number)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {number: [[index] for index in range(50)] for number in range(4)}


def test_ctrl_c_while_batches_come_back_loses_nothing_of_the_pool(launched):
    """The handler may run between any two steps of the caller, which reads the channels itself."""

    class Interrupted(Exception):
        pass

    def interrupt(_signal, _frame):
        raise Interrupted

    before = signal.signal(signal.SIGALRM, interrupt)
    interrupted = 0
    try:
        for round_ in range(60):
            run = pool.processes().open(2, CallRecord())
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.0005 + 0.0001 * (round_ % 20))
                for index in range(200):
                    run.submit(index, calls(abs, -index))
                    if index > 3:
                        run.completions.take()
                signal.setitimer(signal.ITIMER_REAL, 0)
            except Interrupted:
                interrupted += 1
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
                run.cancel()
    finally:
        signal.signal(signal.SIGALRM, before)
    assert interrupted > 30
    run = pool.processes().open(2, CallRecord())
    for index in range(50):
        run.submit(index, calls(abs, -index))
    assert sorted(take(run, 50)) == list(range(50))
    run.close()
