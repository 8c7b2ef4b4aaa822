"""Failures that do not end a loop: kept as results, run again, stopped past their time."""

import os
import signal
import threading
import time

import pytest

from plait.parallel import Parallel, Retries, TaskCancelled, TaskTimeout, TransportError, WorkerDied, delayed
from plait.parallel.failures import FailurePolicy

BACKENDS = ["processes", "threading", "sequential"]


def divide(x):
    return 12 // x


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("batch_size", [1, 3, "auto"])
def test_failures_are_returned_in_their_places(backend, batch_size):
    loop = Parallel(n_jobs=2, backend=backend, batch_size=batch_size, on_error="return")
    results = loop(delayed(divide)(x) for x in [1, 0, 2, 3, 0, 0, 4])
    assert [r if isinstance(r, int) else type(r) for r in results] == [
        12, ZeroDivisionError, 6, 4, ZeroDivisionError, ZeroDivisionError, 3,
    ]  # fmt: skip
    assert [r.__notes__ for r in results if not isinstance(r, int)] == [[f"in task {i}: divide(0)"] for i in (1, 4, 5)]


@pytest.mark.parametrize("return_as", ["generator", "generator_unordered"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_generators_give_failures_too(backend, return_as):
    loop = Parallel(n_jobs=2, backend=backend, return_as=return_as, on_error="return")
    results = list(loop(delayed(divide)(x) for x in [0, 1, 0]))
    kinds = [r if isinstance(r, int) else type(r) for r in results]
    if return_as == "generator":
        assert kinds == [ZeroDivisionError, 12, ZeroDivisionError]
    else:
        assert sorted(map(str, kinds)) == sorted(map(str, [ZeroDivisionError, 12, ZeroDivisionError]))


@pytest.mark.parametrize(("failing", "tasks_sent", "sendings"), [(2, 1024 * 10, 4000), (1000, 1024 * 3, 40)])
def test_failures_in_large_batches_cost_little(monkeypatch, failing, tasks_sent, sendings):
    """Neither are the tasks behind every failure sent again and again, nor is each sent alone."""
    sent = []

    def fail(i):
        if i % failing == 1:
            raise ValueError(i)
        return i

    from plait.parallel.backends import thread_runner

    submit = thread_runner.Threads.submit
    monkeypatch.setattr(
        thread_runner.Threads,
        "submit",
        lambda self, first, tasks, labels=None: sent.append(len(tasks)) or submit(self, first, tasks, labels),
    )
    loop = Parallel(n_jobs=2, backend="threading", batch_size=1024, pre_dispatch="all", on_error="return")
    results = loop(delayed(fail)(i) for i in range(1024))
    assert [r for r in results if isinstance(r, int)] == [i for i in range(1024) if i % failing != 1]
    assert sum(sent) <= tasks_sent
    assert len(sent) <= sendings


def test_an_unsendable_task_is_its_own_failure(launched):
    results = Parallel(n_jobs=2, batch_size=4, on_error="return")(
        [delayed(abs)(-1), delayed(id)(generator for generator in ()), delayed(abs)(-3), delayed(abs)(-4)]
    )
    assert [results[0], *results[2:]] == [1, 3, 4]
    assert isinstance(results[1], TransportError)
    assert "task 1" in str(results[1])


def test_an_unsendable_result_is_its_own_failure(launched):
    def make(i):
        return (x for x in ()) if i == 2 else i

    results = Parallel(n_jobs=2, batch_size=4, on_error="return")(delayed(make)(i) for i in range(4))
    assert [*results[:2], results[3]] == [0, 1, 3]
    assert isinstance(results[2], TransportError)
    assert "task 2: make(2): its result cannot be pickled" in str(results[2])


def test_a_dead_worker_is_its_tasks_failure_alone(tmp_path, launched):
    def die(i):
        if i == 2:
            os.kill(os.getpid(), 9)
        return i

    results = Parallel(n_jobs=2, batch_size=5, on_error="return")(delayed(die)(i) for i in range(10))
    assert [*results[:2], *results[3:]] == [0, 1, 3, 4, 5, 6, 7, 8, 9]
    assert isinstance(results[2], WorkerDied)
    assert results[2].index == 2
    assert results[2].task[1] == (2,)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_task_is_run_again_until_it_succeeds(tmp_path, backend):
    def flaky(i):
        with open(tmp_path / str(i), "a") as file:
            file.write("x")
        if i == 3 and len((tmp_path / "3").read_text()) < 3:
            raise OSError("not yet")
        return i

    loop = Parallel(n_jobs=2, backend=backend, batch_size=4, retries=2)
    assert loop(delayed(flaky)(i) for i in range(8)) == list(range(8))
    assert [len((tmp_path / str(i)).read_text()) for i in range(8)] == [1, 1, 1, 3, 1, 1, 1, 1]


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_last_run_counts(backend):
    with pytest.raises(ZeroDivisionError) as caught:
        Parallel(n_jobs=2, backend=backend, retries=2)(delayed(divide)(x) for x in [1, 0])
    assert caught.value.__notes__ == ["in task 1: divide(0)", "it was run 3 times"]


def test_only_the_named_failures_are_run_again(tmp_path):
    def note(kind):
        with open(tmp_path / kind.__name__, "a") as file:
            file.write("x")
        raise kind(kind.__name__)

    results = Parallel(n_jobs=2, retries=Retries(2, on=(OSError, KeyError)), on_error="return")(
        delayed(note)(kind) for kind in (OSError, KeyError, ValueError)
    )
    assert [type(r) for r in results] == [OSError, KeyError, ValueError]
    assert [len((tmp_path / k).read_text()) for k in ("OSError", "KeyError", "ValueError")] == [3, 3, 1]


def test_a_worker_that_dies_is_a_failure_to_retry(tmp_path, launched):
    def die_once(i):
        if i == 1 and not (tmp_path / "died").exists():
            (tmp_path / "died").touch()
            os._exit(1)
        return i

    assert Parallel(n_jobs=2, retries=1)(delayed(die_once)(i) for i in range(4)) == [0, 1, 2, 3]


def test_a_task_past_its_timeout_is_stopped_and_the_others_go_on(tmp_path, launched):
    def work(i):
        if i == 1:
            (tmp_path / "began").touch()
            time.sleep(60)
        return i

    Parallel(n_jobs=2)(delayed(time.sleep)(0.05) for _ in range(4))  # the workers are there
    results = Parallel(n_jobs=2, timeout=0.5, on_error="return")(delayed(work)(i) for i in range(6))
    assert [*results[:1], *results[2:]] == [0, 2, 3, 4, 5]
    assert isinstance(results[1], TaskTimeout)
    assert "task 1: work(1) has not ended within timeout=0.5" in str(results[1])
    assert (results[1].index, results[1].task[1]) == (1, (1,))


def test_the_start_of_a_worker_is_no_part_of_its_tasks_time(monkeypatch):
    """Workers that take a second to start, and tasks that may take a fifth of it."""
    from plait.parallel.pool import worker
    from plait.parallel.pool.launch import Launcher

    monkeypatch.setattr(Launcher, "can_fork", lambda self: True)
    serve = worker._Worker.serve
    monkeypatch.setattr(worker._Worker, "serve", lambda self: (time.sleep(1), serve(self)))
    assert Parallel(n_jobs=2, timeout=0.2)(delayed(abs)(-i) for i in range(2)) == [0, 1]
    with pytest.raises(TaskTimeout):
        Parallel(n_jobs=3, timeout=0.2)(delayed(time.sleep)(30) for i in range(3))


def swallow():
    while True:
        try:
            time.sleep(60)
        except BaseException:
            pass


def ignore_signals():
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    while True:
        time.sleep(60)


def block_signals():
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    while True:
        time.sleep(60)


@pytest.mark.parametrize("stay", [swallow, ignore_signals, block_signals])
def test_a_task_that_ignores_being_stopped_is_killed_and_the_others_go_on(launched, stay):
    def work(i):
        return stay() if i == 0 else i

    Parallel(n_jobs=2)(delayed(time.sleep)(0.05) for _ in range(4))  # the workers are there
    results = Parallel(n_jobs=2, timeout=0.5, on_error="return")(delayed(work)(i) for i in range(5))
    assert isinstance(results[0], TaskTimeout)
    assert any("killed by SIGKILL" in note for note in results[0].__notes__)
    assert results[1:] == [1, 2, 3, 4]


@pytest.mark.parametrize("backend", ["processes", "threading"])
def test_what_has_ended_is_kept_with_the_error(backend):
    with pytest.raises(ZeroDivisionError) as caught:
        Parallel(n_jobs=2, backend=backend, batch_size=2, pre_dispatch=2)(
            delayed(divide)(x) for x in [1, 2, 3, 4, 6, 0]
        )
    assert {0: 12, 1: 6, 2: 4, 3: 3, 4: 2} == caught.value.results


def test_what_has_ended_is_kept_when_a_worker_dies(launched):
    def die(i):
        if i == 5:
            os.kill(os.getpid(), 9)
        return i

    with pytest.raises(WorkerDied) as caught:
        Parallel(n_jobs=2, batch_size=1, pre_dispatch=1)(delayed(die)(i) for i in range(6))
    assert caught.value.results == {i: i for i in range(5)}
    assert caught.value.index == 5


def test_an_error_of_the_iterator_keeps_what_has_ended():
    def tasks():
        yield delayed(abs)(-1)
        yield delayed(abs)(-2)
        raise LookupError("no more")

    with pytest.raises(LookupError) as caught:
        Parallel(n_jobs=2, batch_size=1, pre_dispatch=1)(tasks())
    assert set(caught.value.results.items()) <= {(0, 1), (1, 2)}


@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        ({"on_error": "ignore"}, ValueError, "on_error='ignore' is not known"),
        ({"retries": -1}, ValueError, "retries=-1 is not a number"),
        ({"retries": "twice"}, ValueError, "retries='twice'"),
    ],
)
def test_a_bad_parameter_is_named(keywords, error, message):
    with pytest.raises(error, match=message):
        Parallel(n_jobs=2, **keywords)


def test_only_exceptions_can_be_retried():
    with pytest.raises(TypeError, match="on=<class 'KeyboardInterrupt'>"):
        Retries(1, on=KeyboardInterrupt)
    assert FailurePolicy("return", Retries(1)).ends_loop(KeyboardInterrupt(), 1)


# -- threads -----------------------------------------------------------------------------------------------------


def test_a_thread_is_interrupted_and_used_again():
    def work(i):
        while i == 1:
            pass
        return threading.get_native_id()

    results = Parallel(n_jobs=2, backend="threading", timeout=0.5, on_error="return")(
        delayed(work)(i) for i in range(9)
    )
    assert isinstance(results[1], TaskTimeout)
    assert not any("abandoned" in note for note in getattr(results[1], "__notes__", ()))
    assert len({results[0], *results[2:]}) <= 2


def test_a_thread_that_is_stuck_is_abandoned_named_and_replaced():
    stuck = threading.Lock()
    stuck.acquire()
    threads = {}

    def work(i):
        threads[i] = threading.get_native_id()
        if i == 1:
            stuck.acquire()  # it does not come back to Python
        return i

    results = Parallel(n_jobs=2, backend="threading", timeout=0.5, on_error="return")(
        delayed(work)(i) for i in range(6)
    )
    assert [*results[:1], *results[2:]] == [0, 2, 3, 4, 5]
    assert isinstance(results[1], TaskTimeout)
    assert f"its thread (native id {threads[1]}) is stuck outside Python; it was abandoned" in results[1].__notes__
    stuck.release()
    assert Parallel(n_jobs=2, backend="threading")(delayed(abs)(-i) for i in range(4)) == [0, 1, 2, 3]


def test_every_thread_may_be_stuck():
    stuck = [threading.Lock() for _ in range(2)]
    for lock in stuck:
        lock.acquire()

    def work(i):
        if i < 2:
            stuck[i].acquire()
        return i

    results = Parallel(n_jobs=2, backend="threading", timeout=0.5, on_error="return")(
        delayed(work)(i) for i in range(5)
    )
    assert all(isinstance(r, TaskTimeout) for r in results[:2])
    assert results[2:] == [2, 3, 4]
    for lock in stuck:
        lock.release()


def test_cancelling_interrupts_threads_that_compute():
    computing, ended = threading.Semaphore(0), threading.Semaphore(0)

    def compute(i):
        try:
            if not i:
                assert computing.acquire(timeout=60)
                assert computing.acquire(timeout=60)
                raise ValueError(i)
            computing.release()
            while True:
                pass
        finally:
            ended.release()

    with pytest.raises(ValueError, match="0"):
        Parallel(n_jobs=3, backend="threading")(delayed(compute)(i) for i in range(3))
    for _ in range(3):
        assert ended.acquire(timeout=60)


def test_cancelling_reaches_a_loop_within_a_task(tmp_path, monkeypatch):
    """The task's thread is parked in a loop of its own, over processes."""
    monkeypatch.setattr("plait.parallel.budget.cpu_count", lambda: 4)
    inner = threading.Event()
    said = []

    def sleep_long(i):
        (tmp_path / str(i)).touch()
        time.sleep(60)

    def outer(i):
        if i == 0:
            while len(list(tmp_path.iterdir())) < 2:
                time.sleep(0.005)
            raise ValueError("enough")
        try:
            Parallel(n_jobs=2)(delayed(sleep_long)(j) for j in range(2))
        except BaseException as error:
            said.append(type(error))
            raise
        finally:
            inner.set()

    with pytest.raises(ValueError, match="enough"):
        Parallel(n_jobs=2, backend="threading")(delayed(outer)(i) for i in range(2))
    assert inner.wait(30)
    assert said == [TaskCancelled]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_an_error_while_the_next_tasks_are_made_loses_no_result(backend, kind):
    """They are asked for when a batch has come back, whose results nobody has yet."""

    def calls():
        for i in range(5):
            yield delayed(abs)(-i)
        raise kind("no more")

    with pytest.raises(kind) as caught:
        Parallel(n_jobs=2, backend=backend, batch_size=1, pre_dispatch=1)(calls())
    assert caught.value.results == {i: i for i in range(5)}
