"""Backends that libraries register: joblib's documented interface, in its newer form and in older ones."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.pool import ThreadPool

import pytest

from plait.parallel import Parallel, ParallelBackendBase, TaskTimeout, delayed, effective_n_jobs, parallel_config
from plait.parallel.backends import (
    AutoBatchingMixin,
    LokyBackend,
    MultiprocessingBackend,
    SequentialBackend,
    ThreadingBackend,
)


class Futures(AutoBatchingMixin, ParallelBackendBase):
    """Runs batches on a ThreadPoolExecutor and keeps a diary."""

    supports_retrieve_callback = True

    def __init__(self, **keywords):
        super().__init__(**keywords)
        self.diary = []

    def effective_n_jobs(self, n_jobs):
        return 2 if n_jobs is None or n_jobs < 0 else n_jobs

    def configure(self, n_jobs=1, parallel=None, **keywords):
        self.diary.append("configure")
        self.keywords = keywords
        self.parallel = parallel
        self.executor = ThreadPoolExecutor(n_jobs)
        return self.effective_n_jobs(n_jobs)

    def start_call(self):
        self.diary.append("start_call")

    def submit(self, func, callback=None):
        self.diary.append(len(func))
        future = self.executor.submit(func)
        if callback is not None:
            future.add_done_callback(callback)
        return future

    def retrieve_result_callback(self, future):
        return future.result()

    def stop_call(self):
        self.diary.append("stop_call")

    def abort_everything(self, ensure_ready=True):
        self.diary.append(f"abort, {ensure_ready=}")
        self.executor.shutdown(wait=False, cancel_futures=True)
        self.executor = ThreadPoolExecutor(2)

    def terminate(self):
        self.diary.append("terminate")
        self.executor.shutdown()


class Older(ParallelBackendBase):
    """apply_async() and a job with get(); its callback comes for batches that succeed alone."""

    def effective_n_jobs(self, n_jobs):
        return n_jobs

    def apply_async(self, func, callback=None):
        self.pool = getattr(self, "pool", None) or ThreadPool(2)
        return self.pool.apply_async(func, callback=callback)

    def terminate(self):
        if getattr(self, "pool", None) is not None:
            self.pool.terminate()
            self.pool.join()
            self.pool = None


class Mute(ParallelBackendBase):
    """Never calls back, and its jobs tell nothing before their results are asked for."""

    class Job:
        def __init__(self, func):
            self.func = func

        def get(self):
            return self.func()

    def effective_n_jobs(self, n_jobs):
        return n_jobs

    def submit(self, func, callback=None):
        return self.Job(func)


class AtOnce(Mute):
    """Has run a batch, and called back, when submit() returns."""

    supports_retrieve_callback = True

    def submit(self, func, callback=None):
        try:
            callback((func(), None))
        except ValueError as error:
            callback((None, error))

    def retrieve_result_callback(self, out):
        results, error = out
        if error is not None:
            raise error
        return results


KINDS = [Futures, Older, Mute, AtOnce]


def fail_at(index, wanted):
    if index == wanted:
        raise ValueError(f"task {index} fails")
    return index


@pytest.mark.filterwarnings("ignore:Older implements:DeprecationWarning")
@pytest.mark.parametrize("kind", KINDS)
class TestEveryKind:
    def test_results_come_in_order(self, kind):
        assert Parallel(n_jobs=2, backend=kind())(delayed(abs)(-i) for i in range(50)) == list(range(50))

    def test_batches_of_a_given_size(self, kind):
        tasks = [delayed(abs)(-i) for i in range(10)]
        assert Parallel(n_jobs=2, backend=kind(), batch_size=3)(tasks) == list(range(10))

    def test_the_first_error_is_raised_and_the_next_call_works(self, kind):
        parallel = Parallel(n_jobs=2, backend=kind(), batch_size=1)
        with pytest.raises(ValueError, match="task 3 fails"):
            parallel(delayed(fail_at)(i, 3) for i in range(20))
        assert parallel(delayed(fail_at)(i, 99) for i in range(5)) == [0, 1, 2, 3, 4]

    def test_errors_are_returned_if_asked_for(self, kind):
        results = Parallel(n_jobs=2, backend=kind(), batch_size=2, on_error="return")(
            delayed(fail_at)(i, 3) for i in range(6)
        )
        assert [*results[:3], *results[4:]] == [0, 1, 2, 4, 5]
        assert isinstance(results[3], ValueError)

    def test_one_worker_runs_in_place(self, kind):
        def where():
            return threading.get_ident()

        assert Parallel(n_jobs=1, backend=kind())([delayed(where)()]) == [threading.get_ident()]


@pytest.mark.parametrize("return_as", ["generator", "generator_unordered"])
def test_generators(return_as):
    results = Parallel(n_jobs=2, backend=Futures(), return_as=return_as)(delayed(abs)(-i) for i in range(20))
    assert sorted(results) == list(range(20))


def test_generators_need_results_in_the_callback():
    with pytest.raises(ValueError, match="Backend Older does not support return_as='generator'"):
        Parallel(n_jobs=2, backend=Older(), return_as="generator")


def test_the_calls_come_in_their_order():
    backend = Futures()
    Parallel(n_jobs=2, backend=backend, batch_size=2)(delayed(abs)(i) for i in range(4))
    assert backend.diary == ["configure", "start_call", 2, 2, "stop_call", "terminate"]


def test_a_block_configures_once():
    backend = Futures()
    with Parallel(n_jobs=2, backend=backend, batch_size=4) as parallel:
        for _ in range(2):
            parallel(delayed(abs)(i) for i in range(4))
    assert backend.diary == ["configure", *["start_call", 4, "stop_call"] * 2, "terminate"]


def test_an_error_aborts_and_a_block_stays_ready():
    backend = Futures()
    with Parallel(n_jobs=2, backend=backend, batch_size=1) as parallel:
        with pytest.raises(ValueError, match="task 0"):
            parallel([delayed(fail_at)(0, 0)])
        assert backend.diary[-2:] == ["abort, ensure_ready=True", "stop_call"]
        assert parallel([delayed(abs)(-1)]) == [1]


def test_a_generator_that_is_dropped_aborts():
    backend, leave = Futures(), threading.Event()
    results = Parallel(n_jobs=2, backend=backend, return_as="generator", batch_size=1)(
        delayed(leave.wait)() for _ in range(2)
    )
    leave.set()
    with pytest.warns(UserWarning, match="have been cancelled|not used"):
        del results
    assert "abort, ensure_ready=False" in backend.diary


def test_leaving_the_block_aborts_an_unfinished_generator_once():
    backend, leave = Futures(), threading.Event()
    leave.set()
    with (
        pytest.warns(UserWarning, match="cancelled|not used"),
        Parallel(n_jobs=2, backend=backend, return_as="generator", batch_size=1) as parallel,
    ):
        results = parallel(delayed(leave.wait)() for _ in range(2))
    del results
    assert backend.diary == ["configure", "start_call", 1, 1, "abort, ensure_ready=False", "stop_call", "terminate"]


def test_a_backend_gets_the_settings_and_its_own_keywords():
    backend = Futures()
    Parallel(n_jobs=2, backend=backend, mmap_mode="c", max_nbytes="2M", scatter=[1])([delayed(abs)(1)])
    assert backend.keywords["scatter"] == [1]
    assert backend.keywords["max_nbytes"] == 2 << 20
    assert backend.keywords["mmap_mode"] == "c"
    assert backend.keywords["context"].Pool is not None


def test_sizes_follow_what_batches_took():
    backend = Futures()
    Parallel(n_jobs=2, backend=backend)(delayed(abs)(i) for i in range(2000))
    sizes = [entry for entry in backend.diary if isinstance(entry, int)]
    assert sum(sizes) == 2000
    assert max(sizes) > 16


def test_tasks_are_one_level_deeper():
    def inner():
        backend = Parallel(n_jobs=2)._backend
        return type(backend).__name__, backend.nesting_level

    assert Parallel(n_jobs=2, backend=Futures())([delayed(inner)()] * 2) == [("ThreadingBackend", 1)] * 2
    with parallel_config(Futures(nesting_level=1)):
        assert Parallel(n_jobs=2)([delayed(inner)()] * 2) == [("SequentialBackend", 2)] * 2


def test_a_timeout_ends_the_call():
    leave = threading.Event()
    try:
        with pytest.raises(TaskTimeout):
            Parallel(n_jobs=2, backend=Futures(), timeout=0.01)(delayed(leave.wait)() for _ in range(2))
    finally:
        leave.set()


def test_retrieval_happens_in_the_backends_context():
    class Inside(Futures):
        @property
        def _here(self):
            return threading.current_thread()

        def retrieval_context(self):
            self.diary.append("context")
            return super().retrieval_context()

    backend = Inside()
    Parallel(n_jobs=2, backend=backend)([delayed(abs)(1)])
    assert backend.diary.count("context") == 1


def test_without_workers_there_is_no_loop():
    class Nobody(ThreadingBackend):
        def configure(self, *args, **keywords):
            return 0

    with pytest.raises(RuntimeError, match="Nobody has no active worker"):
        Parallel(n_jobs=2, backend=Nobody())([delayed(abs)(1)])


def test_an_interface_without_submit_says_so():
    class Empty(ParallelBackendBase):
        def effective_n_jobs(self, n_jobs):
            return n_jobs

    with (
        pytest.warns(DeprecationWarning, match="apply_async"),
        pytest.raises(NotImplementedError, match="Empty has no way to run tasks"),
    ):
        Parallel(n_jobs=2, backend=Empty())([delayed(abs)(1)])


# -- subclasses of plait's own -----------------------------------------------------------------------------------


def test_a_subclass_of_a_native_backend_runs_on_the_pool(launched):
    class Counted(LokyBackend):
        calls = 0

        def start_call(self):
            self.calls += 1

        def effective_n_jobs(self, n_jobs):
            return max(2, super().effective_n_jobs(n_jobs))

    backend = Counted()
    assert Parallel(n_jobs=1, backend=backend)(delayed(abs)(-i) for i in range(4)) == [0, 1, 2, 3]
    assert backend.calls == 1


def test_a_subclass_that_submits_is_left_to_it():
    class Own(SequentialBackend):
        supports_retrieve_callback = True

        def configure(self, n_jobs=1, parallel=None, **keywords):
            return n_jobs

        def submit(self, func, callback=None):
            callback(func())

        def retrieve_result_callback(self, out):
            return out

    assert Parallel(n_jobs=2, backend=Own())(delayed(abs)(-i) for i in range(4)) == [0, 1, 2, 3]


@pytest.mark.parametrize("base", [LokyBackend, ThreadingBackend, MultiprocessingBackend])
def test_a_subclass_may_have_a_hand_in_submitting(launched, base):
    class Watching(base):
        submitted = 0

        def submit(self, func, callback=None):
            self.submitted += len(func)
            return super().submit(func, callback)

    backend = Watching()
    parallel = Parallel(n_jobs=2, backend=backend, batch_size=2)
    assert parallel(delayed(abs)(-i) for i in range(6)) == list(range(6))
    assert backend.submitted == 6
    with pytest.raises(ValueError, match="task 1 fails"):
        parallel(delayed(fail_at)(i, 1) for i in range(6))


def test_the_number_of_workers_is_the_backends_business():
    with parallel_config(Futures(), n_jobs=None):
        assert effective_n_jobs(None) == effective_n_jobs(-1) == 2


def test_results_arrive_while_a_batch_before_them_runs():
    """A backend whose results are asked for is not waited for in the order of its batches."""
    done = threading.Event()

    def first():
        assert done.wait(30)
        return 0

    tasks = [delayed(first)(), *[delayed(time.sleep)(0)] * 3, delayed(done.set)()]
    with pytest.warns(DeprecationWarning, match="apply_async"):
        assert Parallel(n_jobs=2, backend=Older(), batch_size=1, pre_dispatch=2)(tasks) == [0, None, None, None, None]
