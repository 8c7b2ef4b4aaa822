"""Forking, waiting for children, raw reads and writes."""

import errno
import os
import signal
import subprocess
import sys
import threading

import pytest

from plait import green
from plait.green import childwatch
from plait.green import os as green_os
from plait.green.event import Event
from plait.green.hub import get_hub


@pytest.fixture
def pipe():
    ends = os.pipe()
    for end in ends:
        green_os.make_nonblocking(end)
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:
            pass


def child_that_ends_when_told(code=0):
    """(pid, tell): a child that exits with `code` once tell() was called."""
    told, tell = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(tell)
        os.read(told, 1)
        os._exit(code)
    os.close(told)
    return pid, lambda: os.close(tell)


def descriptors():
    return len(os.listdir("/proc/self/fd"))


# -- descriptors


def test_make_nonblocking_says_whether_that_is_new():
    ready, write = os.pipe()
    assert green_os.make_nonblocking(ready) is True
    assert green_os.make_nonblocking(ready) is None
    assert not os.get_blocking(ready)
    os.close(ready)
    os.close(write)


def test_a_reader_and_a_writer_of_a_pipe_take_turns(pipe):
    ready, write = pipe
    size = 1 << 20

    def produce():
        data = memoryview(bytes(size))
        while data:
            data = data[green_os.nb_write(write, data) :]
        green_os.close(write)

    producer = green.spawn(produce)
    got = 0
    while data := green_os.nb_read(ready, 1 << 16):
        got += len(data)
    assert got == size
    producer.get()


def test_closing_a_descriptor_ends_the_wait_for_it(pipe):
    ready, _ = pipe
    reader = green.spawn(green_os.nb_read, ready, 1)
    green.sleep(0)
    green_os.close(ready)
    reader.join()
    assert isinstance(reader.exception, OSError)
    assert reader.exception.errno == errno.EBADF
    with pytest.raises(OSError, match="Bad file"):
        green_os.close(ready)


def test_every_other_name_is_that_of_the_standard_library():
    assert green_os.getpid is os.getpid
    assert green_os.path is os.path
    assert "getpid" in dir(green_os)
    with pytest.raises(AttributeError):
        green_os.no_such_name  # noqa: B018


# -- waiting for children


@pytest.mark.parametrize("wait", [green_os.waitpid, lambda pid, options: green_os.wait4(pid, options)[:2]])
def test_waitpid_lets_others_run(wait):
    pid, tell = child_that_ends_when_told(7)
    waiting = green.spawn(wait, pid, 0)
    green.sleep(0)
    assert not waiting.ready()
    tell()
    assert waiting.get() == (pid, 7 << 8)
    with pytest.raises(ChildProcessError):
        green_os.waitpid(pid, 0)


@pytest.mark.parametrize("which", [-1, 0, "group"])
def test_any_child_can_be_waited_for(which):
    pid, tell = child_that_ends_when_told(3)
    waiting = green.spawn(green_os.waitpid, -os.getpgrp() if which == "group" else which, 0)
    green.sleep(0)
    tell()
    assert waiting.get() == (pid, 3 << 8)


def test_wait_and_wait3_wait_for_any_child():
    for wait in (green_os.wait, lambda: green_os.wait3(0)):
        pid, tell = child_that_ends_when_told(4)
        waiting = green.spawn(wait)
        green.sleep(0)
        tell()
        assert waiting.get()[:2] == (pid, 4 << 8)


def test_a_child_that_stops_and_continues_is_told_of():
    pid, tell = child_that_ends_when_told()
    waiting = green.spawn(green_os.waitpid, pid, os.WUNTRACED)
    green.sleep(0)
    os.kill(pid, signal.SIGSTOP)
    assert os.WIFSTOPPED(waiting.get()[1])
    waiting = green.spawn(green_os.waitpid, pid, os.WCONTINUED)
    green.sleep(0)
    os.kill(pid, signal.SIGCONT)
    assert os.WIFCONTINUED(waiting.get()[1])
    tell()
    assert green_os.waitpid(pid, 0) == (pid, 0)


def test_waiting_for_what_is_no_child_fails_at_once():
    for pid in (1, -2_000_000):
        with pytest.raises(ChildProcessError):
            green.spawn(green_os.waitpid, pid, 0).get()
    pid, tell = child_that_ends_when_told()
    assert green_os.waitpid(pid, os.WNOHANG) == (0, 0)
    tell()
    assert green_os.waitpid(pid, 0)[0] == pid


def test_a_killed_wait_takes_no_status_and_leaves_no_descriptor():
    pid, tell = child_that_ends_when_told(5)
    before = descriptors()
    waiting = green.spawn(green_os.waitpid, pid, 0)
    green.sleep(0)
    assert descriptors() == before + 1
    waiting.kill()
    assert descriptors() == before
    tell()
    assert green_os.waitpid(pid, 0) == (pid, 5 << 8)


def test_several_may_wait_for_a_child_and_one_gets_the_status():
    pid, tell = child_that_ends_when_told()
    waiting = [green.spawn(green_os.waitpid, pid, 0) for _ in range(3)]
    green.sleep(0)
    tell()
    green.joinall(waiting)
    assert sorted(type(one.exception).__name__ for one in waiting) == ["ChildProcessError"] * 2 + ["NoneType"]


def test_waiting_works_where_the_kernel_has_no_pidfd(monkeypatch):
    def refused(pid, flags=0):
        raise OSError(errno.ENOSYS, "no pidfd")

    monkeypatch.setattr(childwatch, "_pidfd_open", refused)
    pid, tell = child_that_ends_when_told(6)
    waiting = green.spawn(green_os.waitpid, pid, 0)
    green.sleep(0)
    tell()
    assert waiting.get() == (pid, 6 << 8)


def test_waiting_needs_neither_the_main_thread_nor_a_hub():
    seen = []

    def work():
        pid, tell = child_that_ends_when_told(1)
        tell()
        seen.append(green_os.waitpid(pid, 0)[1])
        green.spawn(lambda: None).join()  # now there is a hub
        pid, tell = child_that_ends_when_told(2)
        waiting = green.spawn(green_os.waitpid, pid, 0)
        green.sleep(0)
        tell()
        seen.append(waiting.get()[1])

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(30)
    assert seen == [1 << 8, 2 << 8]


def test_no_handler_is_set_for_sigchld():
    before = signal.getsignal(signal.SIGCHLD)
    pid = green_os.fork_and_watch(lambda watcher: None)
    if not pid:
        os._exit(0)
    green_os.waitpid(pid, 0)
    assert signal.getsignal(signal.SIGCHLD) is before


# -- forking


def test_fork_and_watch_calls_back_and_waitpid_still_gets_the_status():
    ended = Event()
    seen = []
    pid = green_os.fork_and_watch(lambda watcher: (seen.append((watcher.pid, watcher.rstatus)), ended.set()), ref=True)
    if not pid:
        os._exit(9)
    assert ended.wait(30)
    assert seen == [(pid, 9 << 8)]
    assert green_os.waitpid(-1, 0) == (pid, 9 << 8)
    with pytest.raises(ChildProcessError):
        green_os.waitpid(pid, 0)


def test_a_status_that_nobody_asks_for_is_dropped_after_a_minute(virtual_clock):
    childwatch.remember(1_000_001, 5)
    virtual_clock.advance(59)
    assert childwatch.recall(1_000_001) == 5
    virtual_clock.advance(2)
    childwatch.remember(1_000_002, 6)
    assert childwatch.recall(1_000_001) is None
    assert childwatch.recall_any() == (1_000_002, 6)
    assert childwatch.recall_any() is None


def test_forkpty_gives_a_terminal():
    pid, terminal = green_os.forkpty()
    if not pid:
        os.write(1, b"hello")
        os._exit(0 if os.isatty(0) else 1)
    assert green_os.waitpid(pid, 0) == (pid, 0)
    assert os.read(terminal, 100) == b"hello"
    os.close(terminal)


FORKS = """
import os, sys
from plait import green
from plait.green import os as green_os

def ticker():
    for _ in range(3):
        green.sleep(0.01)
    ticked.append(os.getpid())

ticked = []
def main():
    pid = {fork}()
    other.join()
    if not pid:
        os._exit(0 if ticked == [os.getpid()] else 1)
    status = green_os.waitpid(pid, 0)[1]
    print(ticked == [os.getpid()], status)

other = green.spawn(ticker)
green.spawn(main).get()
"""


@pytest.mark.parametrize("fork", ["green.fork", "green_os.fork", "green_os.fork_and_watch", "green_os.fork_gevent"])
def test_after_a_fork_in_a_greenlet_timers_and_greenlets_go_on_in_both(fork):
    script = FORKS.format(fork=fork)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("True 0\n", "")


def test_what_the_child_of_a_fork_does_to_its_poller_is_not_done_to_its_parents():
    script = """
import os
from plait import green
from plait.green import os as green_os

ready, write = os.pipe()
green_os.make_nonblocking(ready)
waiting = green.spawn(green_os.nb_read, ready, 10)
green.sleep(0)
pid = green_os.fork()
if not pid:
    waiting.kill()
    green_os.close(ready)
    os._exit(0)
print(green_os.waitpid(pid, 0)[1], flush=True)
os.write(write, b"parent")
print(waiting.get())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("0\nb'parent'\n", "")


def test_a_child_that_is_waited_for_in_the_parent_is_not_in_the_child():
    """The greenlet that waits goes on in the child too, and is told there that this is not its child."""
    pid, tell = child_that_ends_when_told()
    waiting = green.spawn(green_os.waitpid, pid, 0)
    green.sleep(0)
    second = green_os.fork()
    if not second:
        code = 1
        try:
            tell()
            waiting.join(30)
            code = 0 if isinstance(waiting.exception, ChildProcessError) else 2
        finally:
            os._exit(code)
    tell()
    assert green_os.waitpid(second, 0) == (second, 0)
    assert waiting.get() == (pid, 0)


def test_the_hub_has_no_descriptor_left_after_many_children():
    get_hub()
    green.sleep(0)
    before = descriptors()
    for _ in range(20):
        pid, tell = child_that_ends_when_told()
        waiting = green.spawn(green_os.waitpid, pid, 0)
        green.sleep(0)
        tell()
        waiting.get()
    assert descriptors() == before
