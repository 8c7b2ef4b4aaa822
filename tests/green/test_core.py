"""The native core against models: timers, the run queue, lines of waiters, the seeded choice."""

import gc
import threading
import weakref
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait import green
from plait._base import clock
from plait.green._native import core
from plait.green.hub import get_hub
from plait.green.lock import Semaphore
from plait.green.waiter import Waiter
from plait.greenlet import greenlet


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=300))
def test_timers_fire_by_deadline_then_number_and_the_cancelled_do_not(plan):
    with clock.virtual():
        hub = get_hub()
        fired = []
        timers = [
            (hub.call_at(clock.now() + due, fired.append, (due, number)), drop)
            for number, (due, drop) in enumerate(plan)
        ]
        for timer, drop in timers:
            if drop:
                timer.cancel()
        green.sleep(30)
        assert fired == sorted((due, number) for number, (due, drop) in enumerate(plan) if not drop)
        assert hub.timers_waited_for == 0


def test_a_timer_that_starts_timers_and_cancels_others(virtual_clock):
    hub = get_hub()
    fired = []

    def first():
        fired.append("first")
        second.cancel()
        hub.call_at(clock.now(), fired.append, "at once")

    hub.call_at(clock.now() + 1, first)
    second = hub.call_at(clock.now() + 1, fired.append, "second")
    green.sleep(2)
    assert fired == ["first", "at once"]


def test_the_run_queue_grows_and_keeps_its_order():
    queue = core.RunQueue()
    entries = [core.Turn(green.getcurrent()) for _ in range(1000)]
    for entry in entries:
        queue.append(entry)
    assert len(queue) == 1000
    assert list(queue) == entries
    queue.clear()
    assert list(queue) == []
    with pytest.raises(TypeError):
        queue.append(None)


def test_an_entry_is_void_once_its_greenlet_has_left():
    turn = core.Turn(green.getcurrent())
    assert not turn.void
    turn.greenlet = None
    assert turn.void
    callback = core.Callback(print, ())
    assert not callback.void
    callback.stop()
    assert callback.void


def test_a_choice_outside_the_queue_is_an_error_that_is_reported(errors):
    hub = get_hub()
    hub.choose = lambda count: count
    try:
        runners = [green.spawn(int) for _ in range(3)]
        hub.choose = Random(1).randrange
        green.joinall(runners)
    finally:
        hub.choose = None
    assert [runner.value for runner in runners] == [0, 0, 0]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(["wait", "kill first", "kill last", "release"]), max_size=60))
def test_a_line_serves_who_waits_longest(steps):
    semaphore = Semaphore(0)
    served, waiting, units = [], [], 0

    def wait(number):
        semaphore.acquire()
        served.append(number)

    expected = []
    for number, step in enumerate(steps):
        if step == "wait":
            if units:
                units -= 1
                expected.append(number)
                green.spawn(wait, number).join()
            else:
                waiting.append((number, green.spawn(wait, number)))
                green.sleep(0)
        elif step == "release":
            semaphore.release()
            if waiting:
                expected.append(waiting[0][0])
                waiting.pop(0)[1].join()
            else:
                units += 1
        elif waiting:
            waiting.pop(0 if step == "kill first" else -1)[1].kill()
    for _, runner in waiting:
        runner.kill()
    assert (served, semaphore.counter) == (expected, units)


def test_a_waiter_stands_in_one_line_at_a_time():
    waiter = Waiter()
    waiter.wake(1)
    assert waiter.wake(2) is False
    assert waiter.wait() == 1


def test_the_hub_of_a_thread_that_used_greenlets_before_is_ended_with_it():
    seen = []

    def inside():
        greenlet(lambda: None).switch()  # layer 1 first
        seen.append(weakref.ref(get_hub()))
        green.joinall([green.spawn(green.sleep, 0.001) for _ in range(3)])

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join(10)
    gc.collect()
    assert seen[0]() is None


def test_a_frame_that_was_is_read_by_traceback_only():
    def spawns():
        return green.spawn(int)

    runner = spawns()
    place = runner.spawning_stack
    assert (place.f_code, place.f_back.f_code.co_name) == (
        spawns.__code__,
        "test_a_frame_that_was_is_read_by_traceback_only",
    )
    assert place.f_lineno == spawns.__code__.co_firstlineno + 1
    runner.join()
