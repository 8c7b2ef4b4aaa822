"""Parallel: what a loop returns, what it refuses, and what it says when a task fails."""

import contextlib
import multiprocessing
import operator
import os
import pickle
import threading
import time
import warnings

import numpy
import pytest

from plait import green
from plait.lazy import delayed as lazy
from plait.parallel import (
    Parallel,
    PoolError,
    TaskTimeout,
    TransportError,
    WorkerDied,
    cpu_count,
    delayed,
    effective_n_jobs,
    parallel_config,
    pool,
)

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


# -- one call at a time --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("return_as", ["generator", "generator_unordered"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_second_call_waits_for_the_generator_of_the_first(backend, return_as):
    parallel = Parallel(n_jobs=2, backend=backend, return_as=return_as)
    first = parallel(delayed(abs)(-i) for i in range(5))
    with pytest.raises(RuntimeError, match="This Parallel instance is already running"):
        parallel(delayed(abs)(-i) for i in range(5))
    assert sorted(first) == [0, 1, 2, 3, 4]
    assert sorted(parallel(delayed(abs)(-i) for i in range(5))) == [0, 1, 2, 3, 4]


def test_two_instances_run_side_by_side(launched):
    first = Parallel(n_jobs=2, return_as="generator")(delayed(abs)(-i) for i in range(10))
    second = Parallel(n_jobs=2, return_as="generator")(delayed(abs)(-i) for i in range(10, 20))
    assert list(zip(first, second, strict=True)) == list(zip(range(10), range(10, 20), strict=True))


def test_a_dropped_generator_disturbs_no_other_loop(launched):
    dropped = Parallel(n_jobs=2, return_as="generator")(delayed(time.sleep)(30) for _ in range(4))
    with pytest.warns(UserWarning, match="4 tasks which were still being processed by the workers have been cancelled"):
        del dropped
    assert Parallel(n_jobs=2)(delayed(abs)(-i) for i in range(10)) == list(range(10))


def test_the_instance_is_free_again_after_an_error():
    parallel = Parallel(n_jobs=2, backend="threading")
    with pytest.raises(ZeroDivisionError):
        parallel(delayed(divide)(x) for x in [1, 0])
    with pytest.raises(TypeError):
        parallel(3)
    assert parallel(delayed(abs)(-i) for i in range(3)) == [0, 1, 2]


def test_unused_results_are_warned_of(launched):
    results = Parallel(n_jobs=2, return_as="generator", batch_size=1)(delayed(abs)(i) for i in range(100))
    next(results)
    with pytest.warns(UserWarning, match="adjusting the input task iterator"):
        results.close()


def test_leaving_the_block_ends_an_unfinished_generator(launched, tmp_path):
    def touch(i):
        (tmp_path / str(i)).touch()

    with (
        pytest.warns(UserWarning, match="cancelled|not used"),
        Parallel(n_jobs=2, return_as="generator_unordered", batch_size=1, pre_dispatch=2) as parallel,
    ):
        results = parallel(delayed(touch)(i) for i in range(100))
        next(results)
    assert list(results) == []
    assert len(list(tmp_path.iterdir())) < 100


# -- parameters ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n_jobs", "workers"), [("2", 2), (2.7, 2), (True, 1), (None, 1)])
def test_the_number_of_workers_is_made_an_integer(n_jobs, workers):
    assert Parallel(n_jobs=n_jobs).n_jobs == workers


def test_in_place_a_batch_of_tasks_is_taken_at_a_time():
    seen = []

    def tasks():
        for i in range(6):
            seen.append(f"made {i}")
            yield delayed(seen.append)(f"ran {i}")

    Parallel(n_jobs=1, batch_size=4)(tasks())
    assert seen == [f"{what} {i}" for part in (range(4), range(4, 6)) for what in ("made", "ran") for i in part]


def test_in_place_there_is_no_timeout_and_a_warning_says_so():
    with pytest.warns(UserWarning, match="'SequentialBackend' does not support timeout. You have set 'timeout=1'"):
        assert Parallel(n_jobs=1, timeout=1)([delayed(abs)(-1)]) == [1]


def test_a_timeout_is_multiprocessings_too():
    with pytest.raises(multiprocessing.TimeoutError) as caught:
        Parallel(n_jobs=2, backend="threading", timeout=0.01)([delayed(time.sleep)(5)])
    assert isinstance(caught.value, TaskTimeout | TimeoutError)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), str(again), again.index) == (type(caught.value), str(caught.value), 0)


@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        ({"nonsense": 1}, TypeError, "nonsense: no keyword of Parallel"),
        ({"timeout": 1}, None, ""),
        ({"max_nbytes": "many"}, ValueError, "max_nbytes='many' is no size"),
    ],
)
def test_keywords_of_the_backend_are_checked(keywords, error, message):
    with contextlib.nullcontext() if error is None else pytest.raises(error, match=message):
        Parallel(n_jobs=2, **keywords)([delayed(abs)(1)])


def test_a_context_of_multiprocessing_is_a_backend(launched):
    parallel = Parallel(n_jobs=2, backend=multiprocessing.get_context("spawn"))
    assert parallel(delayed(lambda i: i + 1)(i) for i in range(3)) == [1, 2, 3]


def test_proxies_of_a_manager_reach_the_workers(launched):
    with multiprocessing.Manager() as manager:
        told = manager.list()
        Parallel(n_jobs=2)(delayed(told.append)(i) for i in range(4))
        assert sorted(told) == [0, 1, 2, 3]


# -- initializers --------------------------------------------------------------------------------------------------


def set_up(name, value):
    os.environ[name] = value


def setting():
    time.sleep(0.02)  # so that no worker takes all
    return os.environ.get("PLAIT_TEST_SETTING"), os.getpid()


def with_setting(value, tasks=8):
    results = Parallel(n_jobs=2, initializer=set_up, initargs=("PLAIT_TEST_SETTING", value), batch_size=1)(
        delayed(setting)() for _ in range(tasks)
    )
    assert {seen for seen, _ in results} == {value}
    return {pid for _, pid in results}


def test_an_initializer_runs_before_a_workers_first_task(launched):
    with_setting("one")


def test_the_same_initializer_finds_its_workers_again(launched):
    assert len(with_setting("one") | with_setting("one")) == 2


def test_another_initializer_has_other_workers(launched):
    first, second = with_setting("one"), with_setting("two")
    assert not first & second
    assert len(pool.processes().pids()) == 2


def test_a_context_may_name_the_initializer(launched):
    with parallel_config("loky", n_jobs=2, initializer=set_up, initargs=("PLAIT_TEST_SETTING", "three")):
        assert {seen for seen, _ in Parallel()(delayed(setting)() for _ in range(4))} == {"three"}


def test_an_initializer_that_fails_is_named(launched):
    with pytest.raises(PoolError, match="the initializer failed in a worker process: ZeroDivisionError"):
        Parallel(n_jobs=2, initializer=divide, initargs=(0,))([delayed(abs)(1)])
    assert Parallel(n_jobs=2)([delayed(abs)(-1)]) == [1]


# -- nesting -------------------------------------------------------------------------------------------------------


def inner_loop(backend, n_jobs):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert Parallel(n_jobs=n_jobs, backend=backend)(delayed(abs)(-i) for i in range(3)) == [0, 1, 2]
    return [str(warning.message) for warning in caught]


@pytest.mark.parametrize(
    ("outer", "inner", "message"),
    [
        ("loky", "loky", None),
        ("loky", "threading", None),
        ("loky", "multiprocessing", "cannot be nested, below loky"),
        ("multiprocessing", "multiprocessing", "cannot be nested, setting n_jobs=1"),
        ("multiprocessing", "loky", "cannot be called in a multiprocessing"),
        ("threading", "loky", "cannot be nested below threads"),
        ("threading", "multiprocessing", "cannot be nested below threads"),
        ("threading", "threading", None),
    ],
)
def test_process_backends_say_where_they_cannot_be_nested(outer, inner, message):
    assert Parallel(n_jobs=2, backend=outer)([delayed(inner_loop)(inner, 1)]) == [[]]
    (said,) = Parallel(n_jobs=2, backend=outer)([delayed(inner_loop)(inner, 2)])
    if message is None:
        assert said == []
    else:
        assert len(said) == 1
        assert message in said[0]
