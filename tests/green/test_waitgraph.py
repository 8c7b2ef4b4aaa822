"""The wait graph: what is said of each kind of wait, cycles, and deadlocks that report it."""

import os
import signal
import threading

import pytest

from plait import green
from plait.green import LoopExit, TaskGroup, dump
from plait.green.event import AsyncResult, Event
from plait.green.lock import RLock, Semaphore
from plait.green.queue import Channel, Queue
from plait.green.select import select
from plait.green.socket import socketpair


def held_rlock():
    lock = RLock()
    green.spawn(lock.acquire).join()
    return lock


def receiving():
    one, other = socketpair()
    keep.append(other)
    return one.recv, (1,)


def joining():
    return green.spawn(green.sleep, 30).join, ()


def selecting():
    pair = socketpair()
    keep.append(pair)
    return select, (pair, [], [])


keep = []
KINDS = {
    "Event at": lambda: (Event().wait, ()),
    "AsyncResult at": lambda: (AsyncResult().get, ()),
    "Semaphore at": lambda: (Semaphore(0).acquire, ()),
    "RLock at": lambda: (held_rlock().acquire, ()),
    "Queue at": lambda: (Queue().get, ()),
    "Channel at": lambda: (Channel().get, ()),
    "time to pass, ": lambda: (green.sleep, (30,)),
    "to be readable": receiving,
    "descriptors ": selecting,
    "the end of <Greenlet": joining,
}


@pytest.fixture(autouse=True)
def nothing_kept():
    yield
    for greenlet in [wait.greenlet for wait in dump().waits]:
        if isinstance(greenlet, green.Greenlet):
            greenlet.kill()
    keep.clear()


@pytest.mark.parametrize("text", KINDS)
def test_it_says_what_each_greenlet_waits_for(text):
    function, arguments = KINDS[text]()

    def waits():
        function(*arguments)

    runner = green.spawn(waits)
    green.sleep(0)
    (wait,) = [wait for wait in dump().waits if wait.greenlet is runner]
    assert text in str(wait)
    assert wait.place.name == "waits"
    assert wait.place.line == "function(*arguments)"


def test_it_says_since_when(virtual_clock):
    green.sleep(1)  # a turn of the hub since time is virtual
    green.spawn(green.sleep, 100)
    green.sleep(7)
    (wait,) = dump().waits
    assert wait.seconds == pytest.approx(7, abs=0.1)


def test_the_longest_wait_comes_first_and_a_report_is_bounded():
    event = Event()
    for _ in range(60):
        green.spawn(event.wait)
    green.sleep(0)
    text = str(dump())
    assert text.startswith("60 greenlets wait\n")
    assert text.endswith("and 10 more")
    event.set()
    green.sleep(0)
    assert dump().waits == ()


def test_greenlets_that_join_each_other_are_a_cycle():
    runners = []
    runners.append(green.spawn(lambda: runners[1].join()))
    runners.append(green.spawn(lambda: runners[0].join()))
    green.sleep(0)
    graph = dump()
    assert [set(cycle) for cycle in graph.cycles] == [set(runners)]
    assert "these wait for each other: " in str(graph)


def test_owned_locks_and_groups_take_part_in_cycles():
    lock = RLock()

    def child():
        lock.acquire()

    def parent():
        lock.acquire()
        with TaskGroup() as group:
            children.append(group.spawn(child))

    children = []
    runner = green.spawn(parent)
    green.sleep(0.001)
    (cycle,) = dump().cycles
    assert set(cycle) == {runner, children[0]}


def test_a_chain_is_no_cycle():
    first = green.spawn(green.sleep, 30)
    second = green.spawn(first.join)
    green.spawn(lambda: green.joinall([first, second]))
    green.sleep(0)
    assert dump().cycles == ()


def test_a_deadlock_raises_with_the_report(run_script):
    done = run_script("""
from plait import green
from plait.green.lock import Semaphore

def stuck():
    Semaphore(0).acquire()

runner = green.spawn(stuck)
try:
    runner.join()
except green.LoopExit as error:
    text = str(error)
assert text.startswith("This operation would block forever"), text
assert "in stuck, " in text and "Semaphore at" in text, text
assert "waits for the end of <Greenlet" in text, text
print("reported")
""")
    assert (done.stdout, done.stderr) == ("reported\n", "")


def test_all_threads_are_seen():
    inside, leave = threading.Event(), Event()

    def work():
        green.spawn(leave.wait)
        green.sleep(0)
        inside.set()
        leave.wait()

    thread = threading.Thread(target=work)
    thread.start()
    inside.wait(10)
    seen = [wait for wait in dump(all_threads=True).waits if wait.subject is leave]
    own = [wait for wait in dump().waits if wait.subject is leave]
    leave.set()
    thread.join(10)
    assert (len(seen) >= 1, own) == (True, [])


def test_it_may_be_called_from_a_signal_handler():
    seen = []
    before = signal.signal(signal.SIGUSR1, lambda *_: seen.append(dump()))
    try:
        green.spawn_later(0.001, os.kill, os.getpid(), signal.SIGUSR1)
        green.sleep(0.05)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert len(seen) == 1


def test_a_thread_without_greenlets_has_none():
    found = []
    thread = threading.Thread(target=lambda: found.append(dump()))
    thread.start()
    thread.join(10)
    assert str(found[0]) == "0 greenlets wait"


def test_loop_exit_is_raised_where_the_main_greenlet_waits():
    with pytest.raises(LoopExit, match="waits for <Event"):
        Event().wait()


def test_a_greenlet_whose_arguments_cannot_be_shown_is_shown_all_the_same():
    class Shy:
        def __repr__(self):
            raise ValueError

    event = Event()
    green.spawn(lambda shy: event.wait(), Shy())
    green.sleep(0)
    assert "waits for <Event" in str(dump())
    event.set()


def test_a_lock_and_its_owner_that_show_each_other_are_shown():
    lock = RLock()

    def owns(lock):
        lock.acquire()
        green.sleep(30)

    owner = green.spawn(owns, lock)
    green.sleep(0)
    assert f"_owner=<Greenlet at {id(owner):#x}>" in repr(lock)
    assert "<RLock at" in repr(owner)
