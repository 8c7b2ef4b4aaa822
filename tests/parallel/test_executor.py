"""The pool as executors of concurrent.futures."""

import asyncio
import os
import pickle
import threading
import time
from concurrent import futures
from concurrent.futures.process import BrokenProcessPool

import pytest

from plait import green
from plait.parallel import Parallel, TransportError, WorkerDied, delayed, pool
from plait.parallel.executor import ProcessPoolExecutor, ThreadPoolExecutor

KINDS = [ProcessPoolExecutor, ThreadPoolExecutor]


@pytest.fixture(params=KINDS, ids=["processes", "threads"])
def kind(request):
    return request.param


def test_a_future_has_the_value(kind):
    with kind(2) as executor:
        future = executor.submit(divmod, 7, 2)
        assert isinstance(future, futures.Future)
        assert future.result() == (3, 1)
        assert future.exception() is None
        assert executor.submit(int, "11", base=2).result() == 3


def test_processes_are_other_processes_and_threads_are_not(kind):
    with kind(2) as executor:
        pids = {executor.submit(os.getpid).result() for _ in range(4)}
    assert (os.getpid() in pids) == (kind is ThreadPoolExecutor)


def test_the_workers_are_the_pools():
    Parallel(n_jobs=2)(delayed(abs)(i) for i in range(10))
    before = set(pool.processes().pids())
    with ProcessPoolExecutor(2) as executor:
        assert {executor.submit(os.getpid).result() for _ in range(4)} <= before
    assert set(pool.processes().pids()) == before


def test_closures_travel(kind):
    offset = 10
    with kind(2) as executor:
        assert executor.submit(lambda x: x + offset, 1).result() == 11


def test_an_exception_is_raised_by_result(kind):
    with kind(2) as executor:
        future = executor.submit(divmod, 1, 0)
        with pytest.raises(ZeroDivisionError):
            future.result()
        assert isinstance(future.exception(), ZeroDivisionError)


@pytest.mark.parametrize("chunksize", [1, 3, 1000])
@pytest.mark.parametrize("buffersize", [None, 1, 5])
def test_map(kind, chunksize, buffersize):
    with kind(2) as executor:
        results = executor.map(pow, range(20), [2] * 20, chunksize=chunksize, buffersize=buffersize)
        assert list(results) == [i * i for i in range(20)]


def test_map_takes_no_more_items_than_its_buffer():
    given = []
    with ThreadPoolExecutor(2) as executor:
        results = executor.map(abs, (given.append(i) or i for i in range(100)), buffersize=4)
        assert len(given) == 4
        assert next(results) == 0
        assert len(given) == 5
        results.close()


def test_map_raises_in_its_place(kind):
    with kind(2) as executor:
        results = executor.map(divmod, [4, 1, 9], [2, 0, 3])
        assert next(results) == (2, 0)
        with pytest.raises(ZeroDivisionError):
            next(results)


def test_map_times_out(kind):
    with kind(2) as executor:
        results = executor.map(time.sleep, [0, 0.4], timeout=0.1)
        with pytest.raises(futures.TimeoutError):
            list(results)


@pytest.mark.parametrize("keywords", [{"chunksize": 0}, {"buffersize": 0}])
def test_bad_sizes_are_named(kind, keywords):
    with kind(1) as executor, pytest.raises(ValueError, match=f"{next(iter(keywords))}=0"):
        executor.map(abs, [1], **keywords)


def test_bad_numbers_of_workers_are_named(kind):
    with pytest.raises(ValueError, match="max_workers must be greater than 0"):
        kind(0)


def test_wait_and_as_completed(kind):
    with kind(2) as executor:
        slow, quick = executor.submit(time.sleep, 0.3), executor.submit(abs, -1)
        assert futures.wait([slow, quick], return_when=futures.FIRST_COMPLETED).done == {quick}
        assert list(futures.as_completed([slow, quick])) == [quick, slow]


def test_run_in_executor(kind):
    async def main():
        loop = asyncio.get_running_loop()
        with kind(2) as executor:
            return await asyncio.gather(*(loop.run_in_executor(executor, pow, i, 2) for i in range(10)))

    assert asyncio.run(main()) == [i * i for i in range(10)]


def test_no_more_than_its_workers_at_once(kind, tmp_path):
    def meet(i):
        (tmp_path / str(i)).touch()
        time.sleep(0.05)
        count = len(list(tmp_path.iterdir()))
        (tmp_path / str(i)).unlink()
        return count

    with kind(2) as executor:
        assert max(executor.map(meet, range(8))) <= 2


def test_result_times_out(kind):
    with kind(1) as executor:
        future = executor.submit(time.sleep, 0.3)
        with pytest.raises(futures.TimeoutError):
            future.result(0.01)
        assert future.result() is None


def test_what_waits_can_be_cancelled(kind, tmp_path):
    def wait():
        while not (tmp_path / "go").exists():
            time.sleep(0.005)

    with kind(1) as executor:
        first, *others = [executor.submit(wait) for _ in range(6)]
        assert others[-1].cancel()
        assert others[-1].cancelled()
        (tmp_path / "go").touch()
        assert [future.result() for future in (first, *others[:-1])] == [None] * 5
        with pytest.raises(futures.CancelledError):
            others[-1].result()


def test_shutdown_waits_for_what_was_submitted(kind):
    executor = kind(2)
    pending = [executor.submit(time.sleep, 0.05) for _ in range(5)]
    executor.shutdown()
    assert all(future.done() for future in pending)
    with pytest.raises(RuntimeError, match="cannot schedule new futures after shutdown"):
        executor.submit(abs, 1)


def test_shutdown_cancels_what_has_not_begun(kind):
    executor = kind(1)
    pending = [executor.submit(time.sleep, 0.05) for _ in range(20)]
    executor.shutdown(cancel_futures=True)
    assert all(future.done() for future in pending)
    assert sum(future.cancelled() for future in pending) >= 15


def test_shutdown_need_not_wait(kind):
    executor = kind(1)
    future = executor.submit(time.sleep, 0.1)
    executor.shutdown(wait=False)
    assert future.result() is None


def test_workers_can_be_interrupted(kind, tmp_path):
    def work():
        (tmp_path / "began").touch()
        while True:
            pass

    executor = kind(1)
    future = executor.submit(work)
    while not (tmp_path / "began").exists():
        time.sleep(0.005)
    executor.shutdown(kill_workers=True)
    assert future.exception() is not None
    assert Parallel(n_jobs=2)([delayed(abs)(-1)]) == [1]


def test_a_death_fails_one_future_and_the_executor_goes_on():
    with ProcessPoolExecutor(2) as executor:
        doomed = executor.submit(os.kill, 0, 0) if False else executor.submit(os._exit, 3)
        with pytest.raises(BrokenProcessPool, match=r"exit status 3 while it ran task 0: _exit\(3\)") as caught:
            doomed.result()
        assert isinstance(caught.value, WorkerDied)
        assert executor.submit(abs, -1).result() == 1


def test_a_death_in_a_loop_is_a_broken_pool_too():
    with pytest.raises(BrokenProcessPool):
        Parallel(n_jobs=2)([delayed(os._exit)(1)])


def test_a_death_can_be_pickled():
    error = WorkerDied("text", 3, (abs, (1,), {}))
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), copy.index, copy.task) == (type(error), "text", 3, (abs, (1,), {}))


def test_what_cannot_travel_fails_its_future():
    with ProcessPoolExecutor(2) as executor:
        with pytest.raises(TransportError, match="argument"):
            executor.submit(abs, threading.Lock()).result()
        with pytest.raises(TransportError, match="result"):
            executor.submit(threading.Lock).result()
        assert executor.submit(abs, -1).result() == 1


@pytest.mark.parametrize("calls", [1, 7])
def test_an_initializer_runs_once_a_worker(kind, tmp_path, calls):
    def begin(text):
        (tmp_path / f"{os.getpid()} {threading.get_ident()}").write_text(text)

    with kind(2, initializer=begin, initargs=("hello",)) as executor:
        list(executor.map(abs, range(calls)))
    assert {path.read_text() for path in tmp_path.iterdir()} == {"hello"}
    assert 1 <= len(list(tmp_path.iterdir())) <= min(2, calls)


def test_an_initializer_that_fails_breaks_the_executor(kind):
    executor = kind(1, initializer=divmod, initargs=(1, 0))
    with pytest.raises(futures.BrokenExecutor, match="initializer"):
        executor.submit(abs, 1).result()
    with pytest.raises(futures.BrokenExecutor):
        executor.submit(abs, 1)
    executor.shutdown()


def test_waiting_is_cooperative(kind):
    ticks = []

    def tick():
        while True:
            ticks.append(1)
            green.sleep(0.005)

    ticker = green.spawn(tick)
    with kind(1) as executor:
        assert green.spawn(executor.submit(time.sleep, 0.1).result).get() is None
    ticker.kill()
    assert len(ticks) > 3


def test_in_a_patched_program(run_script):
    done = run_script("""
        from plait.green import monkey
        monkey.patch_all()
        import time
        from concurrent import futures
        import plait.green as green
        from plait.parallel.executor import ProcessPoolExecutor, ThreadPoolExecutor

        ticks = []
        def tick():
            while True:
                ticks.append(1)
                green.sleep(0.005)
        green.spawn(tick)
        for kind in (ProcessPoolExecutor, ThreadPoolExecutor):
            with kind(2) as executor:
                pending = [executor.submit(pow, i, 2) for i in range(10)]
                assert {f.result() for f in futures.as_completed(pending)} == {i * i for i in range(10)}
                futures.wait(pending)
                assert list(executor.map(abs, range(10))) == list(range(10))
        print("ok", len(ticks) > 0)
    """)
    assert (done.stdout, done.stderr) == ("ok True\n", "")


def test_what_was_submitted_ends_before_the_exit_does(run_script):
    done = run_script("""
        import time
        from plait.parallel.executor import ProcessPoolExecutor, ThreadPoolExecutor

        def work(text):
            time.sleep(0.1)
            print(text, flush=True)

        for kind in (ProcessPoolExecutor, ThreadPoolExecutor):
            executor = kind(1)
            for i in range(3):
                executor.submit(work, f"{kind.__name__} {i}")
    """)
    assert sorted(done.stdout.split("\n")) == sorted(
        ["", *(f"{kind.__name__} {i}" for kind in KINDS for i in range(3))]
    )
    assert done.stderr == ""


def test_an_executor_survives_a_shutdown_of_the_pool():
    with ProcessPoolExecutor(1) as executor:
        assert executor.submit(abs, -1).result() == 1
        pool.shutdown()
        assert executor.submit(abs, -2).result() == 2


def test_what_runs_when_the_pool_is_shut_down_fails():
    executor = ProcessPoolExecutor(1)
    future = executor.submit(time.sleep, 60)
    while not future.running():
        time.sleep(0.005)
    pool.shutdown()
    with pytest.raises(BrokenProcessPool, match="shut down"):
        future.result()
    executor.shutdown()


def test_many_calls(kind):
    with kind(2) as executor:
        assert [f.result() for f in [executor.submit(abs, -i) for i in range(2000)]] == list(range(2000))
