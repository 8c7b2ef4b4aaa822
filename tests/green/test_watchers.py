"""Watchers of the event-loop face, kind by kind; timers, descriptors and threads are in test_loop."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from plait import green
from plait.green import os as green_os
from plait.green.event import Event
from plait.green.exceptions import ConcurrentObjectUseError
from plait.green.hub import get_hub
from plait.greenlet import getcurrent


@pytest.fixture
def loop():
    return get_hub().loop


@pytest.fixture(autouse=True)
def nothing_counted(loop):
    yield
    assert loop.activecnt == 0
    assert get_hub().outside_waits == 0


def test_what_is_called_can_be_changed_while_active(loop, virtual_clock):
    seen = []
    timer = loop.timer(1)
    assert (timer.callback, timer.args, timer.active) == (None, None, False)
    timer.start(seen.append, 1)
    assert (timer.args, timer.active) == ((1,), True)
    timer.args = (2,)
    for wrong in (5, [4]):
        with pytest.raises(TypeError, match="not a tuple"):
            timer.args = wrong
    with pytest.raises(TypeError, match="not callable"):
        timer.callback = 5
    with pytest.raises(ValueError, match="stop"):
        timer.priority = 1
    green.sleep(2)
    assert seen == [2]
    assert (timer.callback, timer.args, timer.active, timer.pending) == (None, None, False, False)
    timer.priority = 1
    assert timer.priority == 1
    timer.start(seen.append, 3)
    timer.callback = timer.args = None
    green.sleep(2)
    assert seen == [2]
    with pytest.raises(ValueError, match="repeat=-1"):
        loop.timer(1, -1)


def test_again_is_a_start_with_the_repeat(loop, virtual_clock):
    seen = []
    timer = loop.timer(5, repeat=1)
    timer.again(lambda: (seen.append(loop.now()), timer.stop()))
    assert timer.at == 1.0
    green.sleep(9)
    assert seen == [1.0]
    assert timer.at == 0.0
    timer.start(lambda: (seen.append(loop.now()), timer.stop()), update=True)
    green.sleep(9)
    assert seen == [1.0, 14.0]


def test_a_watcher_without_ref_keeps_nothing_alive(loop):
    def watch(ref):
        watcher = loop.timer(3600, ref=ref)
        watcher.start(lambda: None)
        return watcher

    watcher = watch(ref=False)
    assert green.wait(timeout=10) is True
    watcher.ref = True
    assert loop.activecnt == 1
    assert green.wait(timeout=0.01) is False
    watcher.ref = False
    assert green.wait(timeout=10) is True
    watcher.stop()
    watcher.ref = True
    assert loop.activecnt == 0


def test_loop_ref_keeps_the_hub_waiting(loop):
    loop.ref()
    assert green.wait(timeout=0.01) is False
    loop.unref()
    assert loop.run() is True


def test_io_tells_what_it_is_ready_for_and_stops_when_closed(loop):
    ready, write = os.pipe()
    seen, called = [], Event()
    watcher = loop.io(write, 2)
    watcher.fd = ready
    watcher.events = 1
    watcher.start(lambda *args: (seen.append(args), called.set(), watcher.stop()), "x", pass_events=True)
    with pytest.raises(ValueError, match="stop"):
        watcher.fd = write
    os.write(write, b"x")
    assert called.wait(10)
    assert seen == [(1, "x")]
    watcher.start(seen.append)
    assert loop.activecnt == 1
    green_os.close(ready)
    green.sleep(0.01)
    assert not watcher.active
    os.close(write)
    with pytest.raises(ValueError, match="fd=-1"):
        loop.io(-1, 1)
    with pytest.raises(OSError):
        watcher.start(seen.append)


def test_io_whose_callback_closes_the_descriptor_stops(loop):
    ready, write = os.pipe()
    os.write(write, b"x")
    closed = Event()
    watcher = loop.io(ready, 1)
    watcher.start(lambda: (os.close(ready), closed.set()))
    assert closed.wait(10)
    green.sleep(0)
    assert not watcher.active
    os.close(write)


# -- children


def test_a_child_watcher_gives_the_status_to_all_and_to_waitpid(loop):
    pid = os.fork()
    if not pid:
        os._exit(5)
    watchers = [loop.child(pid), loop.child(pid)]
    seen, both = [], Event()

    def ended(watcher):
        seen.append((watcher.rpid, watcher.rstatus, watcher.active, getcurrent() is get_hub()))
        if len(seen) == 2:
            both.set()

    for watcher in watchers:
        watcher.start(ended, watcher)
    assert both.wait(30)
    assert seen == [(pid, 5 << 8, False, True)] * 2
    assert green_os.waitpid(pid, 0) == (pid, 5 << 8)
    with pytest.raises(ValueError, match="pid=-5"):
        loop.child(-5)


def test_a_watcher_of_any_child_fires_for_each(loop):
    watcher = loop.child(0)
    seen, both = set(), Event()

    def ended():
        seen.add((watcher.rpid, watcher.rstatus))
        if len(seen) == 2:
            both.set()

    pids = []
    for code in (1, 2):
        pids.append(os.fork())
        if not pids[-1]:
            os._exit(code)
    watcher.start(ended)
    assert both.wait(30)
    watcher.stop()
    assert seen == {(pids[0], 1 << 8), (pids[1], 2 << 8)}
    assert {green_os.waitpid(-1, 0)[0] for _ in pids} == set(pids)


def test_a_stopped_child_watcher_takes_no_status_and_no_descriptor(loop):
    ready, write = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(write)
        os.read(ready, 1)
        os._exit(3)
    os.close(ready)
    before = len(os.listdir("/proc/self/fd"))
    watcher = loop.child(pid)
    watcher.start(pytest.fail)
    assert len(os.listdir("/proc/self/fd")) == before + 1
    watcher.stop()
    assert len(os.listdir("/proc/self/fd")) == before
    os.close(write)
    assert os.waitpid(pid, 0) == (pid, 3 << 8)


def test_a_child_that_was_waited_for_already_ends_the_watch(loop):
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)
    watcher = loop.child(pid)
    ended = Event()
    watcher.start(ended.set)
    assert ended.wait(30)
    assert (watcher.rpid, watcher.rstatus) == (pid, 0)


# -- signals


def test_a_signal_calls_all_its_watchers_in_the_hub_and_the_old_handler_comes_back(loop):
    before = signal.getsignal(signal.SIGUSR1)
    seen, both = [], Event()

    def arrived(name):
        seen.append((name, getcurrent() is get_hub()))
        if len(seen) == 2:
            both.set()

    first, second = loop.signal(signal.SIGUSR1), loop.signal(signal.SIGUSR1, ref=False)
    first.start(arrived, "first")
    second.start(arrived, "second")
    os.kill(os.getpid(), signal.SIGUSR1)
    assert both.wait(30)
    assert seen == [("first", True), ("second", True)]
    first.stop()
    assert signal.getsignal(signal.SIGUSR1) is not before
    second.stop()
    assert signal.getsignal(signal.SIGUSR1) is before
    with pytest.raises(ValueError, match="signalnum=1000"):
        loop.signal(1000)


def test_a_signal_is_delivered_while_the_hub_polls(loop):
    arrived = Event()
    watcher = loop.signal(signal.SIGUSR1)
    watcher.start(arrived.set)
    timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR1))
    timer.start()
    assert arrived.wait(60)
    timer.join()
    watcher.stop()


def test_a_handler_that_was_set_since_stays_when_the_watcher_stops(loop):
    watcher = loop.signal(signal.SIGUSR1)
    before = signal.getsignal(signal.SIGUSR1)
    watcher.start(pytest.fail)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    watcher.stop()
    assert signal.getsignal(signal.SIGUSR1) is signal.SIG_IGN
    signal.signal(signal.SIGUSR1, before)


# -- files


def test_stat_fires_when_a_file_changes_appears_or_goes(loop, virtual_clock, tmp_path):
    path = tmp_path / "watched"
    watcher = loop.stat(str(path), interval=-1)
    seen = []
    watcher.start(lambda: seen.append((watcher.prev and watcher.prev.st_size, watcher.attr and watcher.attr.st_size)))
    assert watcher.interval > 0
    green.sleep(1)
    path.write_bytes(b"x")
    green.sleep(1)
    path.write_bytes(b"xy")
    green.sleep(1)
    path.read_bytes()
    green.sleep(1)
    path.unlink()
    green.sleep(1)
    watcher.close()
    assert seen == [(None, 1), (1, 2), (2, None)]
    assert watcher.path == str(path)
    assert loop.stat(path).interval == 0.0


# -- the hub's turns


def test_prepare_and_check_enclose_each_poll(loop):
    seen = []
    prepare, check = loop.prepare(), loop.check()
    prepare.start(seen.append, "prepare")
    check.start(seen.append, "check")
    green.sleep(0.001)
    green.sleep(0.001)
    turns = loop.iteration
    assert turns >= 2
    assert seen == ["prepare", "check"] * turns
    prepare.stop()
    check.stop()
    del seen[:]
    green.sleep(0.001)
    assert seen == []
    assert loop.iteration == turns


def test_idle_fires_when_nothing_else_can_run_until_stopped(loop):
    seen = []
    idle = loop.idle()

    def fire():
        seen.append("idle")
        if seen.count("idle") == 3:
            idle.stop()

    def work():
        for _ in range(5):
            seen.append("work")
            green.sleep(0)

    idle.start(fire)
    green.spawn(work).join()
    assert seen == ["work"] * 5
    assert green.wait(timeout=30) is True
    assert seen == ["work"] * 5 + ["idle"] * 3


def test_fork_watchers_fire_in_the_child_alone(loop):
    seen = []
    watcher = loop.fork(ref=False)
    watcher.start(lambda: seen.append(os.getpid()))
    pid = green_os.fork()
    if not pid:
        green.sleep(0.001)
        os._exit(0 if seen == [os.getpid()] else 1)
    assert green_os.waitpid(pid, 0) == (pid, 0)
    assert seen == []
    watcher.stop()


def test_a_fed_watcher_fires_once_although_stopped(loop):
    seen = []
    loop.async_().feed(0, seen.append, 1)
    green.sleep(0)
    assert seen == [1]
    assert hasattr(loop, "async")


def test_what_the_loop_says_of_itself(loop):
    assert loop.default
    assert (loop.MAXPRI, loop.MINPRI, loop.backend) == (2, -2, "epoll")
    assert "epoll" in repr(loop)
    assert loop.fileno() == get_hub().poller.fileno()
    callback = loop.run_callback(lambda: None)
    assert callback
    assert loop.pendingcnt == 1
    green.sleep(0)
    assert not callback
    seen = []
    thread = threading.Thread(target=lambda: seen.append(get_hub().loop.default))
    thread.start()
    thread.join()
    assert seen == [False]
    loop.install_sigchld()
    loop.reset_sigchld()
    for watcher in (loop.io(0, 1), loop.child(1), loop.signal(1), loop.stat("x"), loop.idle()):
        assert "stopped" in repr(watcher)


def test_a_destroyed_loop_says_so():
    script = """
from plait.green.hub import get_hub
loop = get_hub().loop
assert loop.ptr and loop.destroy() and not loop.destroy()
assert loop.ptr is None and not loop.default and "destroyed" in repr(loop)
assert get_hub().loop is not loop
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("", "")


def test_errors_go_to_the_handler_of_the_loop(loop, monkeypatch):
    seen = []
    monkeypatch.setattr(loop, "error_handler", lambda *args: seen.append(args))
    loop.handle_error("context", KeyError, KeyError(1), None)
    assert seen[0][:2] == ("context", KeyError)


# -- waiting for a watcher


def test_a_greenlet_may_wait_for_a_watcher(loop, virtual_clock):
    hub = get_hub()
    timer = loop.timer(5)
    waiting = green.spawn(hub.wait, timer)
    green.sleep(1)
    with pytest.raises(ConcurrentObjectUseError, match="active already"):
        hub.wait(timer)
    waiting.get()
    assert loop.now() == 5.0
    assert not timer.active
    waiting = green.spawn(hub.wait, timer)
    green.sleep(1)
    waiting.kill()
    assert not timer.active
    hub.cancel_wait(timer, KeyError)
    hub.cancel_wait(None, KeyError)
    waiting = green.spawn(hub.wait, timer)
    green.sleep(1)
    hub.cancel_wait(timer, KeyError("cancelled"), close_watcher=True)
    waiting.join()
    assert isinstance(waiting.exception, KeyError)
    assert not timer.active
