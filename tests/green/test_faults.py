"""What goes wrong at the worst moment: nothing is lost, nothing hangs, and who has failed is told."""

import gc
import io
import sys
import threading
import time

import pytest

from plait import green
from plait._base import clock
from plait.green import Timeout
from plait.green.event import AsyncResult, Event
from plait.green.lock import RLock, Semaphore
from plait.green.queue import Queue
from plait.green.waiter import Waiter
from plait.greenlet import GreenletExit, getcurrent

# -- kill ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Semaphore, RLock])
def test_killed_while_it_holds_a_lock_it_gives_it_back(kind):
    lock = kind()

    def holds():
        with lock:
            green.sleep(30)

    holder = green.spawn(holds)
    green.sleep(0)
    waiting = green.spawn(lock.acquire)
    green.sleep(0)
    holder.kill()
    assert waiting.get(timeout=10) is True


def test_killed_in_the_queue_for_a_lock_it_leaves_no_gap():
    lock = Semaphore(0)
    waiting = [green.spawn(lock.acquire) for _ in range(3)]
    green.sleep(0)
    waiting[1].kill()
    for _ in range(2):
        lock.release()
    green.joinall(waiting, timeout=10)
    assert [runner.value for runner in (waiting[0], waiting[2])] == [True, True]
    assert lock.counter == 0


def test_killed_after_it_was_handed_the_lock_it_hands_it_on():
    lock = Semaphore(0)
    first, second = green.spawn(lock.acquire), green.spawn(lock.acquire)
    green.sleep(0)
    green.kill(first)
    lock.release()  # to the first, which is killed before it runs
    assert second.get(timeout=10) is True


def test_killed_before_it_begins_it_never_runs():
    ran = []
    runner = green.spawn(ran.append, 1)
    runner.kill()
    green.sleep(0)
    assert (ran, runner.dead, isinstance(runner.value, GreenletExit)) == ([], True, True)


def test_killed_in_finally_it_ends_there():
    def stubborn():
        try:
            green.sleep(30)
        finally:
            green.sleep(30)

    runner = green.spawn(stubborn)
    green.sleep(0)
    runner.kill(KeyError, block=False)
    green.sleep(0.001)
    runner.kill(ValueError)
    assert isinstance(runner.exception, ValueError)


def test_a_greenlet_may_kill_itself():
    after = []

    def task():
        try:
            getcurrent().kill()
        finally:
            after.append("cleanup")
        after.append("never")

    runner = green.spawn(task)
    runner.join(10)
    assert (after, isinstance(runner.value, GreenletExit)) == (["cleanup"], True)


def test_killed_during_a_lookup_the_lookup_ends_by_itself():
    from plait.green.resolver.thread import Resolver

    gate = threading.Event()

    class Slow(Resolver):
        def getaddrinfo(self, *args):
            return self.pool.apply(gate.wait, (10,))

    resolver = Slow()
    runner = green.spawn(resolver.getaddrinfo, "a.invalid", 80)
    green.sleep(0.01)
    runner.kill()
    assert isinstance(runner.value, GreenletExit)
    gate.set()
    assert resolver.pool.apply(int) == 0  # its thread is free again
    resolver.close()


# -- races --------------------------------------------------------------------------------------------------------


def test_a_timeout_that_races_completion_ends_in_one_of_the_two(virtual_clock):
    """Both are due at the same moment: the value is delivered, or the timeout is, and nothing is left over."""
    for order in range(2):
        result = AsyncResult()
        hub = green.get_hub()
        if order:
            hub.call_at(clock.now() + 5, result.set, "value")
        timeout = Timeout(5)
        timeout.start()
        if not order:
            hub.call_at(clock.now() + 5, result.set, "value")
        try:
            assert result.get() == "value"
        except Timeout as error:
            assert error is timeout
        finally:
            timeout.cancel()
        assert result.get(timeout=10) == "value"
        assert hub.timers_waited_for == 0


def test_sixteen_threads_wake_and_each_outcome_is_taken_once():
    waiters = [Waiter() for _ in range(2000)]
    won = []

    def wake(number):
        won.extend((index, number) for index, waiter in enumerate(waiters) if waiter.wake(number))

    threads = [threading.Thread(target=wake, args=(number,)) for number in range(16)]
    runners = [green.spawn(waiter.wait) for waiter in waiters]
    green.sleep(0)
    for thread in threads:
        thread.start()
    green.joinall(runners, timeout=60)
    for thread in threads:
        thread.join()
    assert sorted(won) == [(index, runner.value) for index, runner in enumerate(runners)]


def test_threads_put_and_greenlets_get_and_no_item_is_lost():
    queue = Queue(3)
    got = []

    def put(start):
        for number in range(start, start + 500):
            queue.put(number)

    def get():
        for _ in range(500):
            got.append(queue.get())

    threads = [threading.Thread(target=put, args=(start * 500,)) for start in range(4)]
    runners = [green.spawn(get) for _ in range(4)]
    for thread in threads:
        thread.start()
    green.joinall(runners, timeout=60, raise_error=True)
    for thread in threads:
        thread.join()
    assert sorted(got) == list(range(2000))


# -- exceptions where nobody waits --------------------------------------------------------------------------------


def raises(*args):
    raise KeyError("nobody waits for this")


def test_exceptions_of_callbacks_links_and_timers_are_reported_and_the_hub_goes_on(errors):
    hub = green.get_hub()
    hub.run_callback(raises)
    hub.call_at(clock.now(), raises)
    runner = green.spawn(int)
    runner.rawlink(raises)
    event = Event()
    event.rawlink(raises)
    event.set()
    green.sleep(0.01)
    assert [type(error) for _, error in errors] == [KeyError] * 4
    assert green.spawn(int).get(timeout=10) == 0


def test_an_exception_in_del_during_a_switch_is_reported_by_python(monkeypatch):
    seen = []
    monkeypatch.setattr(sys, "unraisablehook", lambda args: seen.append(args.exc_type))

    class Broken:
        def __del__(self):
            raise KeyError

    def task(item):
        del item
        green.sleep(0)

    green.joinall([green.spawn(task, Broken()) for _ in range(3)])
    assert seen == [KeyError] * 3


def test_collections_during_switches_find_everything_in_order():
    """Garbage of cycles that hold greenlets, timers and waiters, collected at nearly every allocation."""
    threshold = gc.get_threshold()
    gc.set_threshold(1)
    try:
        queue = Queue(1)

        def put():
            for number in range(200):
                cycle = [number]
                cycle.append(cycle)
                with Timeout(10):
                    queue.put(number)

        getter = green.spawn(lambda: [queue.get() for _ in range(200)])
        green.spawn(put)
        assert getter.get(timeout=60) == list(range(200))
    finally:
        gc.set_threshold(*threshold)


def test_recursion_without_end_is_an_error_of_its_greenlet_alone(errors):
    def deep(level=0):
        green.sleep(0)
        return deep(level + 1)

    runners = [green.spawn(deep) for _ in range(3)]
    other = green.spawn(lambda: [green.sleep(0) for _ in range(100)])
    green.joinall([*runners, other], timeout=60)
    assert [type(runner.exception) for runner in runners] == [RecursionError] * 3
    assert len(other.value) == 100


# -- time ---------------------------------------------------------------------------------------------------------


def test_a_million_timers_of_which_99_in_100_are_cancelled(virtual_clock):
    hub = green.get_hub()
    fired = []
    start = clock.now()
    timers = [hub.call_at(start + 1 + number * 1e-6, fired.append, number) for number in range(1_000_000)]
    for number, timer in enumerate(timers):
        if number % 100:
            timer.cancel()
    assert hub.timers_pending == 10_000
    assert hub.timers_held <= 20_001  # the cancelled were swept out
    green.sleep(10)
    assert fired == list(range(0, 1_000_000, 100))


def test_equal_deadlines_fire_in_the_order_of_starting(virtual_clock):
    hub = green.get_hub()
    fired = []
    due = clock.now() + 5
    for number in range(1000):
        hub.call_at(due, fired.append, number)
    green.sleep(6)
    assert fired == list(range(1000))


def test_a_jump_of_the_wall_clock_moves_no_timer(monkeypatch):
    fired = []
    green.get_hub().call_at(clock.now() + 30, fired.append, 1)
    monkeypatch.setattr(time, "time", lambda: 1e12)
    green.sleep(0.01)
    assert fired == []
    (timer,) = [timer for timer in gc.get_objects() if type(timer).__name__ == "Timer" and timer.pending]
    timer.cancel()


# -- blocking -----------------------------------------------------------------------------------------------------


def test_the_watchdog_names_the_greenlet_and_the_line_that_block_the_hub(run_script):
    done = run_script("""
import sys, time
from plait import green

def blocks_the_hub():
    end = time.monotonic() + 1
    while time.monotonic() < end and not stream.getvalue():
        pass

import io
stream = io.StringIO()
hub = green.get_hub()
hub.exception_stream = stream
monitor = green.watchdog(0.02)
green.spawn(blocks_the_hub).join()
monitor.kill()
report = stream.getvalue()
assert "blocks_the_hub" in report and "appears to be blocked" in report, report
assert 'line 6, in blocks_the_hub' in report or 'line 7, in blocks_the_hub' in report, report
print("named")
""")
    assert (done.stdout, done.stderr) == ("named\n", "")


def test_the_watchdogs_limit_is_checked():
    with pytest.raises(ValueError, match="limit_s=0 is not positive"):
        green.watchdog(0)


def test_reports_of_failures_go_to_the_hubs_stream(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(type(green.get_hub()), "exception_stream", stream)
    green.spawn(raises).join()
    assert "KeyError: 'nobody waits for this'" in stream.getvalue()
