"""Signals: handlers in greenlets, and those that interrupt."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from plait import green
from plait.green import os as green_os
from plait.green import signal as green_signal
from plait.green.event import Event
from plait.green.hub import get_hub
from plait.greenlet import getcurrent


@pytest.fixture(autouse=True)
def handlers_come_back():
    before = {number: signal.getsignal(number) for number in (signal.SIGUSR1, signal.SIGCHLD, signal.SIGINT)}
    yield
    after = {number: signal.getsignal(number) for number in before}
    for number, handler in before.items():
        signal.signal(number, handler)
    assert after == before


@pytest.fixture
def run_script():
    def run(script, **arguments):
        return subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False, **arguments
        )

    return run


def test_a_handler_runs_in_a_greenlet_and_may_block():
    seen, arrived = [], Event()

    def handle(*args, **kwargs):
        green.sleep(0.001)
        seen.append((args, kwargs, getcurrent() not in (main, get_hub())))
        arrived.set()

    main = getcurrent()
    handler = green.signal_handler(signal.SIGUSR1, handle, 1, a=2)
    for _ in range(2):
        os.kill(os.getpid(), signal.SIGUSR1)
        assert arrived.wait(30)
        arrived.clear()
    handler.cancel()
    handler.cancel()
    assert seen == [((1,), {"a": 2}, True)] * 2


def test_a_signal_is_handled_while_all_are_parked():
    arrived = Event()
    handler = green.signal_handler(signal.SIGUSR1, arrived.set)
    assert handler.ref is False
    handler.ref = True
    timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR1))
    timer.start()
    assert arrived.wait(60)
    timer.join()
    handler.ref = False
    handler.cancel()


def test_what_a_handler_raises_is_raised_in_the_main_greenlet(errors):
    class Expected(Exception):
        pass

    def handle():
        raise Expected

    handler = green.signal_handler(signal.SIGUSR1, handle)
    for _ in range(2):
        with pytest.raises(Expected):
            os.kill(os.getpid(), signal.SIGUSR1)
            green.sleep(30)
    handler.cancel()
    with pytest.raises(TypeError, match="handler=1"):
        green.signal_handler(signal.SIGUSR1, 1)


def test_handlers_of_one_signal_all_run():
    seen, both = [], Event()

    def handle(name):
        seen.append(name)
        if len(seen) == 2:
            both.set()

    handlers = [green.signal_handler(signal.SIGUSR1, handle, name) for name in ("one", "two")]
    os.kill(os.getpid(), signal.SIGUSR1)
    assert both.wait(30)
    assert sorted(seen) == ["one", "two"]
    for handler in handlers:
        handler.cancel()


# -- signal.signal


def test_a_sigchld_handler_runs_in_a_greenlet_and_may_wait_for_the_child():
    reaped = Event()
    seen = []

    def handle(signum, frame):
        green.sleep(0)
        seen.append((signum, frame, green_os.waitpid(-1, os.WNOHANG)))
        reaped.set()

    before = green_signal.signal(signal.SIGCHLD, handle)
    assert before is signal.SIG_DFL
    assert green_signal.getsignal(signal.SIGCHLD) is handle
    pid = green_os.fork()
    if not pid:
        os._exit(4)
    assert reaped.wait(30)
    assert seen == [(signal.SIGCHLD, None, (pid, 4 << 8))]
    assert green_signal.signal(signal.SIGCHLD, signal.SIG_DFL) is handle


def test_a_failing_sigchld_handler_is_reported_and_called_again(errors):
    called = Event()

    def handle(signum, frame):
        called.set()
        raise KeyError(signum)

    green_signal.signal(signal.SIGCHLD, handle)
    for _ in range(2):
        called.clear()
        pid = green_os.fork()
        if not pid:
            os._exit(0)
        assert called.wait(30)
        green_os.waitpid(pid, 0)
    green_signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    assert [type(error) for _, error in errors] == [KeyError, KeyError]


def test_other_signals_interrupt_as_ever():
    seen = []
    before = green_signal.signal(signal.SIGUSR1, lambda signum, frame: seen.append(getcurrent()))
    os.kill(os.getpid(), signal.SIGUSR1)
    assert seen == [getcurrent()]
    green_signal.signal(signal.SIGUSR1, before)
    with pytest.raises(TypeError):
        green_signal.signal(signal.SIGCHLD, 5)
    assert green_signal.SIGTERM is signal.SIGTERM
    assert "SIGTERM" in dir(green_signal)


def test_the_wakeup_descriptor_gets_the_signals_of_children():
    ready, write = os.pipe()
    for end in (ready, write):
        green_os.make_nonblocking(end)
    before = green_signal.signal(signal.SIGCHLD, lambda signum, frame: None)
    old = green_signal.set_wakeup_fd(write, warn_on_full_buffer=True)
    pid = green_os.fork()
    if not pid:
        os._exit(0)
    green_os.waitpid(pid, 0)
    assert green_os.nb_read(ready, 10) == bytes([signal.SIGCHLD])
    green_signal.set_wakeup_fd(old)
    green_signal.signal(signal.SIGCHLD, before)
    green.sleep(0)
    os.close(ready)
    os.close(write)


# -- faults


STORM = """
import signal
from plait import green
from plait.green.event import Event

signals = 0
def count(signum, frame):
    global signals
    signals += 1

signal.signal(signal.SIGALRM, count)
signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
{body}
signal.setitimer(signal.ITIMER_REAL, 0)
assert signals > 50, signals
print("whole")
"""

SWITCHES = """
def ping(mine, other):
    for _ in range(rounds):
        mine.wait()
        mine.clear()
        other.set()

rounds = 0
while signals <= 100:
    rounds = 2000
    one, two = Event(), Event()
    pair = [green.spawn(ping, one, two), green.spawn(ping, two, one)]
    one.set()
    green.joinall(pair, raise_error=True)
"""

POLLS = """
import os
from plait.green import os as green_os
ready, write = os.pipe()
for end in (ready, write):
    green_os.make_nonblocking(end)

def read():
    got = 0
    while data := green_os.nb_read(ready, 7):
        got += len(data)
    return got

reader = green.spawn(read)
sent = 0
while signals <= 100:
    sent += green_os.nb_write(write, b"x" * 10)
    green.sleep(0.001)
os.close(write)
assert reader.get() == sent, (reader.value, sent)
"""

CHILDREN = """
from plait.green import subprocess
while signals <= 100:
    done = subprocess.run(["sh", "-c", "cat; exit 5"], input=b"x" * 100000, stdout=subprocess.PIPE, timeout=60)
    assert (done.returncode, len(done.stdout)) == (5, 100000)
"""

TIMERS = """
def sleep(seconds):
    green.sleep(seconds)
    return seconds

while signals <= 100:
    sleepers = [green.spawn(sleep, n / 1000) for n in range(20)]
    assert green.joinall(sleepers) == sleepers
"""


@pytest.mark.parametrize("body", [SWITCHES, POLLS, CHILDREN, TIMERS], ids=["switches", "polls", "children", "timers"])
def test_a_storm_of_signals_interrupts_nothing(run_script, body):
    done = run_script(STORM.format(body=body))
    assert (done.stdout, done.stderr) == ("whole\n", "")


def test_signals_during_switches_lose_no_greenlet_and_no_wake_up(run_script):
    """The handler wakes and spawns wherever it strikes, in itself too, where the machine is slow."""
    script = """
import signal
from itertools import count
from plait import green
from plait.green.event import Event
from plait.green.queue import Queue

queue, spawned, numbers = Queue(), [], count(1)

def strike(signum, frame):
    number = next(numbers)
    queue.put(number)
    spawned.append(green.spawn(int, number))

signal.signal(signal.SIGALRM, strike)
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
busy = [green.spawn(lambda: [green.sleep(0) for _ in range(3000)]) for _ in range(5)]
got = [queue.get(timeout=30) for _ in range(100)]
signal.setitimer(signal.ITIMER_REAL, 0)
green.joinall(busy + spawned, raise_error=True)
assert len(set(got)) == 100, got
assert sorted(one.value for one in spawned) == list(range(1, next(numbers)))
print("whole")
"""
    done = run_script(script)
    assert (done.stdout, done.stderr) == ("whole\n", "")


def test_ctrl_c_in_the_scheduler_ends_the_wait_of_the_main_greenlet_and_loses_nothing(run_script):
    script = """
import os, signal, threading
from plait import green

def ticker():
    for _ in range(50):
        green.sleep(0.01)
    return "ticked"

other = green.spawn(ticker)
caught = 0
timer = threading.Thread(target=lambda: [event.wait(0.02) or os.kill(os.getpid(), signal.SIGINT) for _ in range(5)])
event = threading.Event()
timer.start()
while caught < 5:
    try:
        green.sleep(30)
    except KeyboardInterrupt:
        caught += 1
timer.join()
print(caught, other.get())
"""
    done = run_script(script)
    assert (done.stdout, done.stderr) == ("5 ticked\n", "")


def test_ctrl_c_that_nobody_catches_ends_the_program_with_blocked_greenlets(run_script):
    script = """
import os, signal
from plait import green
from plait.green.event import Event

def blocked():
    try:
        Event().wait()
    finally:
        print("finally")

green.spawn(blocked)
green.spawn_later(0.01, os.kill, os.getpid(), signal.SIGINT)
Event().wait()
"""
    done = run_script(script)
    assert done.returncode == -signal.SIGINT
    assert done.stderr.strip().splitlines()[-1] == "KeyboardInterrupt"
