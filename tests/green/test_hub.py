"""The scheduler: order, timers, direct hand-off, LoopExit, errors, threads, fork."""

import gc
import os
import signal
import sys
import threading
import weakref

import pytest

from plait import green, trace
from plait._base import clock
from plait.green import hub as hubs
from plait.green.event import Event
from plait.green.exceptions import BlockingSwitchOutError, LoopExit
from plait.green.socket import socketpair
from plait.green.waiter import Waiter
from plait.green.waits import wait_read
from plait.greenlet import getcurrent, gettrace, greenlet, settrace


def test_greenlets_take_turns_in_the_order_of_spawning():
    order = []

    def task(name):
        for step in range(3):
            order.append((step, name))
            green.sleep(0)

    green.joinall([green.spawn(task, name) for name in "abc"])
    assert order == [(step, name) for step in range(3) for name in "abc"]


def test_a_blocking_greenlet_switches_straight_to_the_next_runnable():
    switches = []
    tasks = [green.spawn(green.sleep, 0) for _ in range(2)]
    green.sleep(0)  # both have begun, and wait for their turn
    before = gettrace()
    settrace(lambda event, args: switches.append(args))
    try:
        green.joinall(tasks)
    finally:
        settrace(before)
    hub = green.get_hub()
    main = getcurrent()
    assert switches[0] == (main, tasks[0])  # and not (main, hub)
    assert any(pair == (hub, main) or pair == (tasks[1], hub) for pair in switches)


def test_sleep_zero_does_not_starve_timers_nor_descriptors():
    ready, write = os.pipe()
    os.write(write, b"x")
    seen = []

    def spins():
        while len(seen) < 2:
            green.sleep(0)

    def reads():
        wait_read(ready, 10)
        seen.append("read")

    def sleeps():
        green.sleep(0.001)
        seen.append("slept")

    green.joinall([green.spawn(spins), green.spawn(spins), green.spawn(reads), green.spawn(sleeps)], timeout=10)
    os.close(ready)
    os.close(write)
    assert sorted(seen) == ["read", "slept"]


def test_timers_fire_in_order_of_deadline_and_ties_in_order_of_call(virtual_clock):
    hub = green.get_hub()
    fired = []
    start = clock.now()
    for name, deadline in [("c", 3), ("a", 1), ("b1", 2), ("b2", 2), ("b3", 2)]:
        hub.call_at(start + deadline, fired.append, name)
    green.sleep(4)
    assert fired == ["a", "b1", "b2", "b3", "c"]


def test_an_hour_of_sleeping_passes_at_once_on_a_virtual_clock(virtual_clock):
    woken = []
    begin = clock.now()

    def task(delay):
        green.sleep(delay)
        woken.append((delay, clock.now() - begin))

    green.joinall([green.spawn(task, delay) for delay in (3600, 60, 1800)])
    assert woken == [(60, 60), (1800, 1800), (3600, 3600)]


def test_a_cancelled_timer_does_not_fire_and_does_not_stay(virtual_clock):
    hub = green.get_hub()
    fired = []
    far = clock.now() + 1e6
    timers = [hub.call_at(far, fired.append, number) for number in range(10_000)]
    for timer in timers:
        timer.cancel()
        timer.cancel()  # twice is once
    assert hub.timers_held <= 2000
    green.sleep(2e6)
    assert fired == []


def test_run_callback_runs_in_the_hub_once_and_can_be_stopped():
    hub = green.get_hub()
    seen = []
    hub.run_callback(lambda: seen.append(getcurrent()))
    stopped = hub.run_callback(seen.append, "stopped")
    stopped.stop()
    green.sleep(0)
    assert seen == [hub]
    assert not stopped.pending


def test_a_failing_callback_is_reported_and_the_hub_goes_on(errors):
    def fails():
        raise ValueError("callback")

    green.get_hub().run_callback(fails)
    green.sleep(0)
    assert [(context, str(error)) for context, error in errors] == [(fails, "callback")]


def test_a_callback_that_blocks_is_told_off(errors):
    green.get_hub().run_callback(green.sleep, 1)
    green.get_hub().run_callback(green.sleep, 0)
    green.sleep(0)
    assert [type(error) for _, error in errors] == [BlockingSwitchOutError] * 2


def test_idle_waits_until_nobody_else_can_run():
    order = []

    def busy():
        for _ in range(5):
            green.sleep(0)
        order.append("busy")

    def lazy():
        green.idle()
        order.append("idle")

    green.joinall([green.spawn(lazy), green.spawn(busy)])
    assert order == ["busy", "idle"]


def test_waiting_for_ever_with_nothing_left_raises_loop_exit_in_the_main_greenlet():
    with pytest.raises(LoopExit, match="would block forever"):
        Waiter(outside=False).wait()
    green.sleep(0)  # and the hub still works


def test_a_timer_that_keeps_nothing_alive_does_not_prevent_loop_exit():
    with pytest.raises(LoopExit):
        green.sleep(3600, ref=False)


def test_no_loop_exit_while_a_thread_may_wake():
    waiter = Waiter()
    threading.Timer(0.05, waiter.wake, ["thread"]).start()
    assert waiter.wait() == "thread"


def test_no_loop_exit_while_a_thread_may_set_an_event():
    event = Event()
    threading.Timer(0.05, event.set).start()
    assert event.wait()


def test_join_returns_when_nothing_is_left(virtual_clock):
    seen = []

    def task():
        green.sleep(5)
        seen.append("done")

    green.spawn(task)
    assert green.wait(timeout=1) is False
    assert seen == []
    assert green.wait() is True
    assert seen == ["done"]


def test_run_callback_threadsafe_wakes_a_hub_that_sleeps():
    hub = green.get_hub()
    waiter = Waiter()
    thread = threading.Thread(target=lambda: hub.run_callback_threadsafe(waiter.wake, threading.get_ident()))
    thread.start()
    assert waiter.wait(clock.now() + 10) == thread.ident
    thread.join()


def test_each_thread_has_a_hub_of_its_own():
    def inside():
        return green.get_hub(), green.spawn(lambda: getcurrent().parent).get()

    found = []
    thread = threading.Thread(target=lambda: found.append(inside()))
    thread.start()
    thread.join(10)
    hub, parent = found[0]
    assert hub is parent is not green.get_hub()


def test_a_raw_greenlet_may_block_and_its_failure_is_reported(errors):
    seen = []

    def raw():
        green.sleep(0)
        seen.append(getcurrent())
        raise KeyError("raw")

    runner = green.spawn_raw(raw)
    for _ in range(3):
        green.sleep(0)
    assert seen == [runner]
    assert type(runner) is greenlet
    assert [type(error) for _, error in errors] == [KeyError]


def test_descriptors_of_ended_threads_are_given_back():
    def inside():
        green.joinall([green.spawn(green.sleep, 0.001) for _ in range(3)])

    def once():
        thread = threading.Thread(target=inside)
        thread.start()
        thread.join(10)

    once()
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        once()
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) <= before


def test_hubs_of_ended_threads_are_collected():
    seen = []

    def inside():
        green.joinall([green.spawn(green.sleep, 0.001) for _ in range(3)])
        seen.append(weakref.ref(green.get_hub()))

    for _ in range(5):
        thread = threading.Thread(target=inside)
        thread.start()
        thread.join(10)
    gc.collect()
    assert [ref() for ref in seen] == [None] * 5


def test_a_wake_after_the_hub_is_gone_is_harmless():
    found = []

    def inside():
        waiter = Waiter()
        found.append((green.get_hub(), waiter, green.spawn(waiter.wait)))
        green.sleep(0)

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join(10)
    hub, waiter, _ = found[0]
    hub.run_callback_threadsafe(print)
    assert waiter.wake("too late")


def test_the_child_of_os_fork_has_no_hub_and_its_own_one_works():
    order = []
    parents = green.spawn(order.append, "parent's greenlet")
    child = os.fork()
    if not child:
        code = 1
        try:
            fresh = not hubs.started()
            done = green.joinall([green.spawn(green.sleep, 0.01) for _ in range(3)], timeout=10)
            code = 0 if fresh and len(done) == 3 and order == [] else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    parents.join()
    assert order == ["parent's greenlet"]


def test_green_fork_carries_the_greenlets_on_in_both():
    order = []
    runner = green.spawn(order.append, "ran")
    child = green.fork()
    if not child:
        code = 1
        try:
            runner.join(10)
            green.sleep(0.01)
            code = 0 if order == ["ran"] else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    runner.join()
    assert order == ["ran"]


def test_a_forked_childs_poller_is_not_the_parents():
    one, other = socketpair()
    reader = green.spawn(one.recv, 10)
    green.sleep(0)
    child = green.fork()
    if not child:
        code = 1
        try:
            reader.kill()  # narrows the child's interest; must not touch the parent's epoll
            green.sleep(0.01)
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    other.sendall(b"still here")
    assert reader.get(timeout=10) == b"still here"
    one.close()
    other.close()


def test_a_greenlet_that_forks_and_ends_in_the_child_hands_over(run_script):
    done = run_script(
        """
import os
from plait import green

def forks():
    if os.fork():
        os.wait()

green.joinall([green.spawn(forks)])
os.write(1, b"main goes on in %s\\n" % (b"parent" if os.getpid() == parent else b"child"))
""".replace("def forks", "parent = os.getpid()\n\ndef forks")
    )
    assert sorted(done.stdout.splitlines()) == ["main goes on in child", "main goes on in parent"], done.stderr


KEYBOARD_INTERRUPT = """
import os, signal, sys, threading, time
from plait import green
from plait.green.event import Event

def interrupt():
    time.sleep(0.3)
    os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=interrupt).start()
try:
    {wait}
except KeyboardInterrupt:
    print("interrupted")
    green.sleep(0)
    print("and goes on")
"""


@pytest.mark.parametrize(
    "wait",
    [
        "Event().wait()",
        "green.sleep(30)",
        "green.joinall([green.spawn(green.sleep, 30)])",
        "from plait.green.waiter import Waiter; Waiter().wait()",
        "from plait.green.waiter import Waiter; Waiter().wait(time.monotonic() + 30)",
    ],
)
def test_ctrl_c_reaches_the_main_greenlet_where_it_is_parked(run_script, wait):
    done = run_script(KEYBOARD_INTERRUPT.format(wait=wait))
    assert done.stdout.splitlines() == ["interrupted", "and goes on"], done.stderr


def test_ctrl_c_in_a_busy_greenlet_reaches_the_main_greenlet(run_script):
    done = run_script(
        """
import os, signal
from plait import green

def busy():
    os.kill(os.getpid(), signal.SIGINT)
    while True:
        pass

try:
    green.spawn(busy).join()
except KeyboardInterrupt:
    print("interrupted")
"""
    )
    assert done.stdout.splitlines() == ["interrupted"], done.stderr


def test_a_signal_handler_runs_while_all_are_parked_and_may_wake():
    waiter = Waiter()
    before = signal.signal(signal.SIGALRM, lambda *_: waiter.wake("alarm"))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        assert waiter.wait(clock.now() + 10) == "alarm"
    finally:
        signal.signal(signal.SIGALRM, before)


def test_system_exit_in_a_greenlet_ends_the_program_with_its_code(run_script):
    done = run_script("import sys\nfrom plait import green\ngreen.spawn(sys.exit, 3).join()\nprint('not reached')")
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "")


def test_interpreter_shutdown_with_parked_greenlets_is_quiet(run_script):
    done = run_script(
        """
from plait import green
from plait.green.event import Event

def waits():
    try:
        Event().wait()
    finally:
        pass

kept = [green.spawn(waits) for _ in range(10)]
green.sleep(0)
print("end")
"""
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")


def test_waits_sleeps_polls_and_runs_are_traced():
    trace.start()
    try:
        green.joinall([green.spawn(green.sleep, 0.01)])
    finally:
        events = trace.stop()
    kinds = {event.kind for event in events if event.layer == "green"}
    assert {"wait", "sleep", "poll", "run"} <= kinds
    run = next(event for event in events if event.kind == "run")
    sleep = next(event for event in events if event.kind == "sleep")
    assert run.begin_ns <= sleep.begin_ns < sleep.end_ns <= run.end_ns
    assert sleep.parent == run.id


def test_the_hub_has_a_repr_and_does_not_grow(virtual_clock):
    hub = green.get_hub()
    assert f"thread_ident={threading.get_ident():#x}" in repr(hub)
    for _ in range(1000):
        green.sleep(0.5)
    assert hub.timers_pending == 0
    assert sys.getrefcount(hub) < 1000


def test_loop_exit_comes_when_the_last_thread_that_might_have_woken_has_ended():
    thread = threading.Timer(0.05, int)
    thread.start()
    with pytest.raises(LoopExit):
        Event().wait()
    assert not thread.is_alive()


def test_a_destroyed_hub_gives_its_descriptors_back_and_the_next_one_is_new():
    def inside():
        old = green.get_hub()
        green.spawn(green.sleep, 0).join()
        before = len(os.listdir("/proc/self/fd"))
        old.destroy()
        found.append((old.dead, hubs.started(), before - len(os.listdir("/proc/self/fd"))))
        found.append(green.spawn(lambda: 5).get())
        found.append(green.get_hub() is not old)

    found = []
    thread = threading.Thread(target=inside)
    thread.start()
    thread.join(10)
    assert found == [(True, False, 2), 5, True]


def test_join_in_a_thread_does_not_wait_for_other_threads():
    found = []
    thread = threading.Thread(
        target=lambda: found.append((green.spawn(green.sleep, 0.01).name, green.get_hub().join()))
    )
    thread.start()
    thread.join(10)
    assert [done for _, done in found] == [True]


def test_the_next_hub_of_a_thread_gets_the_loop_of_one_that_was_destroyed_without_it():
    def faces():
        first = green.get_hub()
        first.destroy(destroy_loop=False)
        second = green.get_hub()
        same = second.loop is first.loop and second.loop.hub is second
        second.destroy(destroy_loop=True)
        third = green.get_hub()
        third.destroy(destroy_loop=True)
        return same, third.loop is second.loop, "destroyed" in repr(third)

    seen = []
    runner = threading.Thread(target=lambda: seen.append(faces()))
    runner.start()
    runner.join()
    assert seen == [(True, False, True)]
