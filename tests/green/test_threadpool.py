"""The pool of worker threads: tasks, sizes, and what ends early."""

import _thread
import subprocess
import sys
import threading
import weakref

import pytest

from plait import green
from plait.green.event import Event
from plait.green.exceptions import InvalidThreadUseError
from plait.green.hub import get_hub
from plait.green.threadpool import ThreadPool, ThreadPoolExecutor, ThreadResult, Worker


@pytest.fixture
def pools():
    made = []

    def make(*args, **kwargs):
        made.append(ThreadPool(*args, **kwargs))
        return made[-1]

    yield make
    for pool in made:
        pool.kill()


def until(condition):
    with green.Timeout(10):
        while not condition():
            green.sleep(0.001)


class Gate:
    """Where tasks wait, in their threads, until the test lets them on."""

    def __init__(self):
        self._lock = threading.Lock()
        self._lock.acquire()

    def pass_through(self, value=None):
        with self._lock:
            return value

    def open(self):
        self._lock.release()


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)


def test_a_task_runs_in_another_thread_and_gives_its_value(pools):
    a, b, ident = pools(1).apply(lambda a, b: (a, b, _thread.get_ident()), (1,), {"b": 2})
    assert (a, b) == (1, 2) and ident != _thread.get_ident()


def test_a_greenlet_runs_while_a_task_blocks_its_thread(pools):
    gate = Gate()
    result = pools(1).spawn(gate.pass_through, "value")
    green.spawn(gate.open)
    assert result.get() == "value"


def test_an_error_is_raised_where_the_result_is_awaited_and_reported(pools, errors):
    with pytest.raises(ZeroDivisionError):
        pools(1).apply(lambda: 1 / 0)
    assert [type(error) for _, error in errors] == [ZeroDivisionError]


def test_map_keeps_the_order_whatever_the_threads_do(pools):
    pool = pools(3)
    assert pool.map(abs, range(-50, 0)) == list(range(50, 0, -1))
    assert sorted(pool.imap_unordered(abs, range(-50, 0))) == list(range(1, 51))


def test_apply_async_calls_back_with_the_value(pools):
    seen = []
    pools(1).apply_async(abs, (-3,), callback=seen.append).join()
    until(lambda: seen)
    assert seen == [3]


def test_spawn_parks_when_a_task_more_than_threads_is_under_way(pools):
    pool = pools(1)
    gate = Gate()
    pool.spawn(gate.pass_through)
    pool.spawn(gate.pass_through)
    third = green.spawn(pool.spawn, gate.pass_through)
    green.sleep(0)
    assert len(pool) == 2 and not third.ready()
    gate.open()
    third.get().get()
    pool.join()
    assert len(pool) == 0


def test_threads_are_made_for_tasks_up_to_maxsize(pools):
    pool = pools(2)
    assert pool.size == 0
    gate = Gate()
    results = [pool.spawn(gate.pass_through) for _ in range(3)]
    assert pool.size == 2
    gate.open()
    [result.get() for result in results]


def test_maxsize_0_pauses_and_more_goes_on(pools):
    pool = pools(0)
    done = []
    green.spawn(pool.spawn, done.append, 1)
    green.spawn(pool.spawn, done.append, 2)
    green.sleep(0.005)
    assert done == []
    pool.maxsize = 1
    until(lambda: done == [1, 2])


def test_a_smaller_maxsize_takes_places_away_once_they_are_free(pools):
    pool = pools(3)
    gate = Gate()
    for _ in range(4):
        pool.spawn(gate.pass_through)
    pool.maxsize = 1
    gate.open()
    pool.join()
    gate = Gate()
    first = [pool.spawn(gate.pass_through) for _ in range(2)]
    third = green.spawn(pool.spawn, gate.pass_through)
    green.sleep(0)
    assert pool.size == 1 and not third.ready()
    gate.open()
    [result.get() for result in first]
    third.get().get()


@pytest.mark.parametrize("bad", [-1, 3])
def test_a_size_out_of_bounds_is_refused(pools, bad):
    pool = pools(2)
    with pytest.raises(ValueError, match="maxsize=2"):
        pool.size = bad
    with pytest.raises(ValueError, match="negative"):
        pool.maxsize = -1


def test_size_starts_and_ends_threads(pools):
    pool = pools(2)
    pool.size = 2
    assert pool.size == 2
    pool.size = 0
    until(lambda: not pool._workers)


def test_idle_threads_end(pools):
    pool = pools(2, idle_task_timeout=0.001)
    assert pool.apply(abs, (-1,)) == 1
    until(lambda: not pool._workers)
    assert pool.apply(abs, (-2,)) == 2


def test_another_thread_may_not_spawn_and_applies_in_place(pools):
    pool = pools(1)
    other = pools(1)
    with pytest.raises(InvalidThreadUseError, match="own pool"):
        pool.apply(other.spawn, (abs,))
    assert pool.apply(lambda: (pool.apply(_thread.get_ident), _thread.get_ident())[0]) != _thread.get_ident()


def test_killing_the_greenlet_that_waits_leaves_the_task_and_its_place(pools):
    pool = pools(1)
    gate = Gate()
    waiting = green.spawn(pool.apply, gate.pass_through)
    until(lambda: pool.size == 1)
    waiting.kill()
    assert len(pool) == 1
    gate.open()
    pool.join()
    assert [pool.spawn(abs, -1).get() for _ in range(4)] == [1] * 4


def test_a_killed_pool_goes_on_when_it_is_used_again(pools):
    pool = pools(2)
    pool.apply(abs, (-1,))
    pool.kill()
    assert not pool._workers
    assert pool.apply(abs, (-2,)) == 2


def test_kill_does_not_wait_for_a_blocked_worker(pools, monkeypatch):
    monkeypatch.setattr("plait.green.threadpool._GRACE_S", 0.01)
    pool = pools(1)
    gate = Gate()
    result = pool.spawn(gate.pass_through, "late")
    pool.kill()
    assert not result.ready()
    gate.open()
    assert result.get() == "late"


def test_a_hook_that_fails_is_the_callers_error_and_the_next_worker_is_a_new_one(pools, errors):
    class Picky(Worker):
        def _before_run_task(self, *args):
            if not refused:
                refused.append(self)
                raise LookupError("no")

    refused = []
    pool = pools(1)
    pool._WorkerGreenlet = Picky
    with pytest.raises(LookupError):
        pool.apply(abs, (-1,))
    assert pool.apply(green.getcurrent) is not refused[0]


def test_profile_functions_of_threading_hold_in_tasks_alone(pools):
    pool = pools(1)
    threading.setprofile(lambda *args: None)
    try:
        assert pool.apply(sys.getprofile) is not None
    finally:
        threading.setprofile(None)
    assert pool.apply(sys.getprofile) is None


def test_nothing_of_a_task_is_kept_after_it(pools):
    class Thing:
        pass

    pool = pools(1)
    thing = Thing()
    alive = weakref.ref(thing)
    assert pool.apply(lambda value: None, (thing,)) is None
    del thing
    until(lambda: alive() is None)


def test_a_task_may_use_green_functions(pools):
    def task():
        green.sleep(0.001)
        return green.spawn(abs, -5).get()

    assert pools(1).apply(task) == 5


def test_idle_workers_do_not_keep_a_deadlock_from_being_seen(pools):
    pool = pools(2)
    pool.size = 2
    pool.map(abs, range(4))
    with pytest.raises(green.LoopExit):
        Event().wait()


def test_a_task_under_way_is_hope(pools):
    gate = Gate()
    event = Event()
    pools(1).spawn(lambda: (gate.pass_through(), event.set()))
    green.spawn(gate.open)
    assert event.wait(10)


def test_a_pool_that_is_dropped_ends_its_threads():
    before = _thread._count()
    pool = ThreadPool(2)
    pool.size = 2
    until(lambda: _thread._count() == before + 2)
    del pool
    until(lambda: _thread._count() <= before)


def test_thread_results_are_delivered_once(errors):
    seen = []
    result = ThreadResult(seen.append, get_hub(), lambda: None)
    result.set(3)
    assert seen == []
    until(lambda: seen)
    assert seen == [result] and result.successful()


def test_a_child_of_fork_has_a_pool_that_works():
    done = run(
        """
import os, threading
from plait import green
from plait.green.hub import get_hub
gate = threading.Lock(); gate.acquire()
begun = threading.Event()
get_hub().threadpool.spawn(lambda: (begun.set(), gate.acquire()))
while not begun.is_set():
    green.sleep(0.001)
child = os.fork()
if not child:
    print(get_hub().threadpool.apply(abs, (-1,)), flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""
    )
    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr


def test_who_waits_for_a_task_of_the_parent_is_told_in_the_child():
    done = run(
        """
import os, threading
from plait import green
from plait.green.hub import get_hub
gate = threading.Lock(); gate.acquire()
begun = threading.Event()
def task():
    begun.set()
    return gate.acquire()
def wait():
    try:
        print(os.getpid() == parent, get_hub().threadpool.apply(task), flush=True)
    except RuntimeError as error:
        print(type(error).__name__, flush=True)
parent = os.getpid()
waiting = green.spawn(wait)
while not begun.is_set():
    green.sleep(0.001)
child = green.fork()
if not child:
    waiting.join()
    os._exit(0)
os.waitpid(child, 0)
gate.release()
waiting.join()
"""
    )
    assert (done.returncode, done.stdout) == (0, "TaskLostError\nTrue True\n"), done.stderr


def test_the_interpreter_does_not_wait_for_a_blocked_worker():
    done = run(
        """
import threading
from plait import green
from plait.green.hub import get_hub
gate = threading.Lock(); gate.acquire()
begun = threading.Event()
get_hub().threadpool.spawn(lambda: (begun.set(), gate.acquire()))
while not begun.is_set():
    green.sleep(0.001)
print("end")
"""
    )
    assert (done.returncode, done.stdout) == (0, "end\n"), done.stderr


# -- the executor ------------------------------------------------------------------------------------------------


@pytest.fixture
def executor():
    with ThreadPoolExecutor(2) as made:
        yield made


def test_a_future_gives_value_and_exception_cooperatively(executor, errors):
    gate = Gate()
    future = executor.submit(gate.pass_through, 7)
    with pytest.raises(TimeoutError):
        future.result(timeout=0.001)
    green.spawn(gate.open)
    assert future.result() == 7 and future.exception() is None and future.done()
    assert isinstance(executor.submit(lambda: 1 / 0).exception(), ZeroDivisionError)
    assert list(executor.map(abs, [-1, -2])) == [1, 2]


def test_futures_are_waited_for_with_green_wait(executor):
    future = executor.submit(abs, -1)
    assert list(green.wait([future])) == [future]


def test_waiting_that_would_block_the_hub_is_refused(executor):
    from concurrent import futures

    gate = Gate()
    future = executor.submit(gate.pass_through)
    with pytest.raises(AttributeError, match=r"plait\.green\.wait"):
        futures.wait([future])
    gate.open()
    future.result()
    assert futures.wait([future]).done == {future}


def test_done_callbacks_get_the_future_and_their_errors_are_printed(executor, errors):
    gate = Gate()
    seen = []
    future = executor.submit(gate.pass_through)
    future.add_done_callback(seen.append)
    future.add_done_callback(lambda future: 1 / 0)
    gate.open()
    future.result()
    until(lambda: errors)
    future.add_done_callback(seen.append)
    assert seen == [future, future]
    assert isinstance(errors[0][1], ZeroDivisionError)


def test_a_call_that_has_not_begun_can_be_cancelled():
    from concurrent.futures import CancelledError

    executor = ThreadPoolExecutor(1)
    gate = Gate()
    first, second = executor.submit(gate.pass_through), executor.submit(abs, -1)
    until(first.running)
    assert not first.cancel() and second.cancel() and second.cancelled()
    with pytest.raises(CancelledError):
        second.result()
    gate.open()
    executor.shutdown()
    assert first.done()
    with pytest.raises(RuntimeError, match="shutdown"):
        executor.submit(abs, 1)


def test_shutdown_cancels_what_has_not_begun():
    executor = ThreadPoolExecutor(1)
    gate = Gate()
    first, second = executor.submit(gate.pass_through), executor.submit(abs, -1)
    until(first.running)
    green.spawn(gate.open)
    executor.shutdown(cancel_futures=True)
    assert first.done() and second.cancelled()


def test_an_initializer_runs_once_a_thread_and_its_failure_is_the_calls(errors):
    from concurrent.futures import BrokenExecutor

    seen = []
    with ThreadPoolExecutor(1, initializer=seen.append, initargs=("begun",)) as executor:
        assert list(executor.map(abs, [-1, -2])) == [1, 2]
    assert seen == ["begun"]
    with ThreadPoolExecutor(1, initializer=lambda: 1 / 0) as executor, pytest.raises(BrokenExecutor):
        executor.submit(abs, 1).result()


def test_join_waits_for_what_comes_meanwhile_too(pools):
    pool = pools(1)
    gates = [Gate(), Gate()]
    pool.spawn(gates[0].pass_through)
    joining = green.spawn(pool.join)
    green.sleep(0)
    pool.spawn(gates[1].pass_through)
    gates[0].open()
    until(lambda: len(pool) == 1)
    assert not joining.ready()
    gates[1].open()
    joining.join(10)
    assert joining.ready()
