"""Parallel: what a loop returns, what it refuses, and what it says when a task fails."""

import operator
import os
import threading
import time

import numpy
import pytest

from plait import green
from plait.lazy import delayed as lazy
from plait.parallel import Parallel, TaskTimeout, TransportError, WorkerDied, cpu_count, delayed, effective_n_jobs, pool

BACKENDS = ["processes", "loky", "threading", "sequential"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_results_come_in_order(backend):
    assert Parallel(n_jobs=3, backend=backend)(delayed(operator.mul)(i, i) for i in range(100)) == [
        i * i for i in range(100)
    ]


def test_keywords_and_different_functions(launched):
    tasks = [delayed(int)("11", base=2), delayed(divmod)(7, 2), delayed(sorted)([1, 3, 2], reverse=True)]
    assert Parallel(n_jobs=2)(tasks) == [3, (3, 1), [3, 2, 1]]


def test_no_tasks():
    assert Parallel(n_jobs=2)([]) == []


def test_closures_and_lambdas_travel_by_value(launched):
    offset = 10
    assert Parallel(n_jobs=2)(delayed(lambda i: i + offset)(i) for i in range(3)) == [10, 11, 12]


def test_a_warm_worker_sees_the_globals_of_this_call():
    namespace = {"factor": 2, "__name__": "__main__"}
    exec("def scale(x): return x * factor", namespace)
    assert Parallel(n_jobs=2)(delayed(namespace["scale"])(i) for i in range(3)) == [0, 2, 4]
    namespace["factor"] = 3
    assert Parallel(n_jobs=2)(delayed(namespace["scale"])(i) for i in range(3)) == [0, 3, 6]


def test_process_tasks_run_in_other_processes_and_these_stay(launched):
    first = set(Parallel(n_jobs=2)(delayed(os.getpid)() for _ in range(20)))
    second = set(Parallel(n_jobs=2)(delayed(os.getpid)() for _ in range(20)))
    assert os.getpid() not in first | second
    assert first | second <= set(pool.processes().pids())
    assert len(pool.processes().pids()) == 2


def test_the_pool_grows_to_what_a_call_asks_for(launched):
    Parallel(n_jobs=2)(delayed(time.sleep)(0.05) for _ in range(2))
    assert len(pool.processes().pids()) == 2
    limit = time.monotonic() + 60  # those that there are do the work while another starts
    while len(pool.processes().pids()) < 3 and time.monotonic() < limit:
        Parallel(n_jobs=3)(delayed(time.sleep)(0.05) for _ in range(3))
    assert len(pool.processes().pids()) == 3


def test_an_iterator_may_fill_the_same_array_again():
    array = numpy.zeros(200_000)

    def tasks():
        for i in range(20):
            array[:] = i
            yield delayed(numpy.mean)(array)

    assert Parallel(n_jobs=2, batch_size=1)(tasks()) == list(range(20))


def test_arrays_arrive_writable_on_both_sides(launched):
    def double(array):
        array *= 2
        return array

    (result,) = Parallel(n_jobs=2)([delayed(double)(numpy.ones(100_000))])
    result += 1
    assert result.min() == result.max() == 3


def test_as_many_tasks_at_once_as_workers(tmp_path, launched):
    """Each waits until all have begun."""

    def meet(i):
        (tmp_path / str(i)).touch()
        limit = time.monotonic() + 60
        while len(list(tmp_path.iterdir())) < 3 and time.monotonic() < limit:
            time.sleep(0.005)
        return len(list(tmp_path.iterdir()))

    assert Parallel(n_jobs=3)(delayed(meet)(i) for i in range(3)) == [3, 3, 3]


def test_generators():
    tasks = [delayed(operator.neg)(i) for i in range(20)]
    assert list(Parallel(n_jobs=2, return_as="generator")(tasks)) == [-i for i in range(20)]
    assert sorted(Parallel(n_jobs=2, return_as="generator_unordered")(tasks)) == [-i for i in reversed(range(20))]


def test_an_unordered_generator_gives_what_ends_first(tmp_path):
    def wait_to_be_let_go(i):
        limit = time.monotonic() + 60
        while i == 0 and not (tmp_path / "go").exists() and time.monotonic() < limit:
            time.sleep(0.005)
        return i

    results = Parallel(n_jobs=2, return_as="generator_unordered")(delayed(wait_to_be_let_go)(i) for i in range(2))
    assert next(results) == 1
    (tmp_path / "go").touch()
    assert list(results) == [0]


@pytest.mark.parametrize("backend", ["processes", "threading"])
def test_closing_a_generator_early_starts_nothing_more(tmp_path, backend):
    def touch(i):
        (tmp_path / str(i)).touch()
        if i:
            time.sleep(0.05)  # so that most are still to come when it is closed, however slow the machine
        return i

    results = Parallel(n_jobs=2, return_as="generator", backend=backend, batch_size=1)(
        delayed(touch)(i) for i in range(1000)
    )
    assert next(results) == 0
    results.close()
    assert Parallel(n_jobs=2)([delayed(abs)(-1)]) == [1]
    assert len(list(tmp_path.iterdir())) < 50


def test_a_slow_consumer_holds_the_iterator_back():
    given = []

    def tasks():
        for i in range(100):
            given.append(i)
            yield delayed(abs)(i)

    results = Parallel(n_jobs=2, return_as="generator_unordered", pre_dispatch=6, batch_size=1)(tasks())
    assert len(given) == 6
    first = next(results)
    time.sleep(0.05)
    assert len(given) == 7  # one for the one that was taken
    assert sorted([first, *results]) == list(range(100))


def test_pre_dispatch_all_takes_every_task_at_once():
    given = []
    tasks = (given.append(i) or delayed(abs)(i) for i in range(50))
    results = Parallel(n_jobs=2, return_as="generator", pre_dispatch="all")(tasks)
    assert len(given) == 50
    assert list(results) == list(range(50))


def test_one_delayed_serves_both_layers():
    assert Parallel(n_jobs=2)(lazy(operator.mul)(i, i) for i in range(4)) == [0, 1, 4, 9]


def test_a_node_with_lazy_inputs_is_refused_by_name():
    node = lazy(operator.neg)(lazy(abs)(-1))
    with pytest.raises(TypeError, match=r"Delayed\('neg-.*lazy inputs \('abs-"):
        Parallel(n_jobs=2)([node])


def test_what_is_no_task_is_refused_by_name():
    with pytest.raises(TypeError, match="42 is not a task"):
        Parallel(n_jobs=2)([delayed(abs)(1), 42])


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"n_jobs": "four"}, "n_jobs='four' is not an integer; pass a positive count, or -1 for all cores"),
        ({"n_jobs": 0}, "n_jobs=0 leaves nobody"),
        ({"backend": "mpi"}, "Invalid backend: 'mpi'; pass one of .*'loky'"),
        ({"return_as": "tuple"}, "return_as='tuple'"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"pre_dispatch": "__import__('os')"}, "pre_dispatch=.* is not a positive number"),
        ({"prefer": "fast"}, "prefer=fast is not"),
        ({"require": "sharedmem", "backend": "loky"}, "LokyBackend does not support shared memory"),
    ],
)
def test_a_bad_parameter_is_named(keywords, message):
    with pytest.raises(ValueError, match=message):
        Parallel(**keywords)


def test_effective_n_jobs():
    assert effective_n_jobs(None) == 1
    assert effective_n_jobs(7) == 7
    assert effective_n_jobs(-1) == effective_n_jobs() == cpu_count()
    assert effective_n_jobs(-1000) == 1


def test_shared_memory_is_threads():
    seen = []
    Parallel(n_jobs=2, require="sharedmem")(delayed(seen.append)(i) for i in range(5))
    assert sorted(seen) == [0, 1, 2, 3, 4]


def test_verbose_reports_at_the_end(capfd):
    Parallel(n_jobs=2, verbose=1)(delayed(abs)(i) for i in range(3))
    assert "Done   3 out of   3 |" in capfd.readouterr().err


# -- errors ------------------------------------------------------------------------------------------------------


def divide(x):
    return 1 / x


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_exception_keeps_its_type_and_names_its_task(backend):
    with pytest.raises(ZeroDivisionError) as caught:
        Parallel(n_jobs=2, backend=backend)(delayed(divide)(x) for x in [1, 2, 0, 4])
    assert caught.value.__notes__ == ["in task 2: divide(0)"]


def test_the_workers_traceback_is_the_cause(launched):
    with pytest.raises(ZeroDivisionError) as caught:
        Parallel(n_jobs=2)([(lambda: 1 / 0, (), {})])
    assert "return 1 / x" in str(caught.value.__cause__) or "1 / 0" in str(caught.value.__cause__)


def test_an_exception_that_cannot_be_rebuilt_is_told_as_text(launched):
    class Picky(Exception):
        def __init__(self, one, two):
            super().__init__("only one")

    def fail():
        raise Picky(1, 2)

    with pytest.raises(RuntimeError, match=r"task 0: fail\(\) raised .*Picky: only one") as caught:
        Parallel(n_jobs=2)([delayed(fail)()])
    assert "raise Picky(1, 2)" in str(caught.value.__cause__)


def test_the_first_error_ends_the_loop(tmp_path):
    def touch(i):
        if i == 3:
            raise ValueError("three")
        (tmp_path / str(i)).touch()
        time.sleep(0.02)  # so that most are still to come when it fails, however slow the machine

    with pytest.raises(ValueError, match="three"):
        Parallel(n_jobs=2, batch_size=1)(delayed(touch)(i) for i in range(1000))
    Parallel(n_jobs=2)(delayed(abs)(i) for i in range(4))
    assert len(list(tmp_path.iterdir())) < 50


def test_an_argument_that_cannot_be_pickled_is_named(launched):
    class Holder:
        pass

    holder = Holder()
    holder.parts = [1, threading.Lock()]
    with pytest.raises(TransportError, match=r"task 1: id\(.*argument 0\.parts\[1\] cannot be pickled"):
        Parallel(n_jobs=2)([delayed(id)(1), delayed(id)(holder)])
    assert Parallel(n_jobs=2)([delayed(abs)(-1)]) == [1]


def test_a_result_that_cannot_be_pickled_is_named(launched):
    class Result:
        pass

    def make(i):
        result = Result()
        result.lock = threading.Lock() if i == 1 else None
        return result

    with pytest.raises(TransportError, match=r"task 1: make\(1\): its result\.lock cannot be pickled"):
        Parallel(n_jobs=2)(delayed(make)(i) for i in range(3))
    assert Parallel(n_jobs=2)([delayed(abs)(-1)]) == [1]


@pytest.mark.parametrize(
    "end", [lambda: os.kill(os.getpid(), 9), lambda: os._exit(3)], ids=["SIGKILL", "exit status 3"]
)
def test_a_worker_that_dies_is_named_and_replaced(end, request, launched):
    def die(i):
        if i == 1:
            end()
        return i

    how = request.node.callspec.id.split("-")[-1]
    with pytest.raises(WorkerDied, match=rf"{how} while it ran task 1: die\(1\)"):
        Parallel(n_jobs=2)(delayed(die)(i) for i in range(4))
    assert Parallel(n_jobs=2)(delayed(abs)(-i) for i in range(4)) == [0, 1, 2, 3]


def test_every_worker_may_die(launched):
    for _ in range(3):
        with pytest.raises(WorkerDied):
            Parallel(n_jobs=2)(delayed(os._exit)(1) for _ in range(2))
    assert Parallel(n_jobs=2)(delayed(abs)(-i) for i in range(4)) == [0, 1, 2, 3]


@pytest.mark.parametrize("backend", ["processes", "threading"])
def test_a_task_past_its_timeout_is_named(backend):
    with pytest.raises(TaskTimeout, match=r"task 1: sleep\(0\.5\) has not ended within timeout=0\.1") as caught:
        Parallel(n_jobs=2, timeout=0.1, backend=backend)(delayed(time.sleep)(s) for s in [0, 0.5, 0])
    assert isinstance(caught.value, TimeoutError)
    assert Parallel(n_jobs=2)([delayed(abs)(-1)]) == [1]


def test_a_task_that_ignores_its_cancellation_is_killed(launched):
    def stay():
        count = 0
        while True:
            try:
                while True:
                    count += 1
            except BaseException:
                pass

    with pytest.raises(TimeoutError):
        Parallel(n_jobs=2, timeout=0.05)(delayed(stay)() for _ in range(2))
    assert Parallel(n_jobs=2)(delayed(abs)(-i) for i in range(4)) == [0, 1, 2, 3]


def test_a_cancelled_task_runs_its_finally(tmp_path, launched):
    def careful():
        (tmp_path / "began").touch()
        try:
            time.sleep(60)
        finally:
            (tmp_path / "cleaned").touch()

    with pytest.raises(TimeoutError):
        Parallel(n_jobs=2, timeout=0.2)([delayed(careful)()])
    Parallel(n_jobs=2)(delayed(abs)(i) for i in range(4))
    limit = time.monotonic() + 30
    while not (tmp_path / "cleaned").exists() and time.monotonic() < limit:
        time.sleep(0.01)
    assert (tmp_path / "began").exists() == (tmp_path / "cleaned").exists()


# -- greenlets ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["processes", "threading"])
def test_other_greenlets_go_on_meanwhile(backend):
    ticks = []

    def tick():
        while True:
            ticks.append(1)
            green.sleep(0.005)

    ticker = green.spawn(tick)
    loop = green.spawn(lambda: Parallel(n_jobs=2, backend=backend)(delayed(time.sleep)(0.1) for _ in range(2)))
    assert loop.get() == [None, None]
    ticker.kill()
    assert len(ticks) > 3


@pytest.mark.parametrize("backend", ["processes", "threading"])
def test_a_timeout_in_the_caller_cancels_the_loop(tmp_path, backend):
    def touch(i):
        (tmp_path / str(i)).touch()
        time.sleep(0.1)

    with green.Timeout(0.15, False):
        Parallel(n_jobs=2, backend=backend)(delayed(touch)(i) for i in range(100))
        raise AssertionError("the timeout did not come")
    assert Parallel(n_jobs=2, backend=backend)([delayed(abs)(-1)]) == [1]
    assert len(list(tmp_path.iterdir())) < 10


def test_loops_in_several_greenlets_share_the_pool():
    def loop(n):
        return Parallel(n_jobs=2)(delayed(operator.add)(n, i) for i in range(10))

    greenlets = [green.spawn(loop, n) for n in range(5)]
    green.joinall(greenlets)
    assert [each.value for each in greenlets] == [[n + i for i in range(10)] for n in range(5)]
    assert len(pool.processes().pids()) == 2


def test_loops_in_several_threads_share_the_pool():
    results = {}

    def loop(n):
        results[n] = Parallel(n_jobs=2)(delayed(operator.add)(n, i) for i in range(10))

    threads = [threading.Thread(target=loop, args=(n,)) for n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {n: [n + i for i in range(10)] for n in range(5)}


# -- nesting -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["processes", "threading"])
def test_a_nested_loop_runs_in_place_when_the_budget_is_used(backend, monkeypatch):
    monkeypatch.setattr("plait.parallel.budget.cpu_count", lambda: 2)

    def where():
        return os.getpid(), threading.get_native_id()

    def outer():
        return where(), set(Parallel(n_jobs=2, backend=backend)(delayed(where)() for _ in range(4)))

    for own, nested in Parallel(n_jobs=2, backend=backend)(delayed(outer)() for _ in range(2)):
        assert nested == {own}
