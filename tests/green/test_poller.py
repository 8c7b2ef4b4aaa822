"""The poller's contract, and who waits for which descriptor."""

import errno
import os
import socket
import threading

import pytest

from plait import green
from plait.green.descriptors import Descriptors
from plait.green.poller import READ, WRITE, EpollPoller
from plait.green.socket import wait_read, wait_readwrite, wait_write


@pytest.fixture
def poller():
    poller = EpollPoller()
    yield poller
    poller.close()


@pytest.fixture
def pair():
    one, other = socket.socketpair()
    one.setblocking(False)
    yield one, other
    one.close()
    other.close()


class Noted:
    """Stands for a waiter and notes what it is told."""

    def __init__(self):
        self.told = []

    def wake(self):
        self.told.append("woken")
        return True

    def throw(self, exception):
        self.told.append(exception.errno)
        return True


def test_readiness_of_either_direction(poller, pair):
    one, other = pair
    poller.watch(one.fileno(), READ)
    assert poller.wait(0) == []
    other.send(b"x")
    assert poller.wait(1) == [(one.fileno(), READ)]
    poller.watch(one.fileno(), READ | WRITE)
    assert poller.wait(1) == [(one.fileno(), READ | WRITE)]
    poller.watch(one.fileno(), 0)
    assert poller.wait(0) == []


def test_a_hang_up_is_both(poller, pair):
    one, other = pair
    poller.watch(one.fileno(), WRITE)
    other.close()
    assert poller.wait(1) == [(one.fileno(), READ | WRITE)]


def test_a_notice_ends_the_wait_once(poller):
    timer = threading.Timer(0.02, poller.notify)
    timer.start()
    assert poller.wait(10) == []
    timer.join()
    poller.notify()
    poller.notify()
    assert poller.wait(10) == []
    assert poller.wait(0) == []


def test_a_regular_file_is_refused(poller, tmp_path):
    with open(tmp_path / "file", "w") as file:
        with pytest.raises(PermissionError):
            poller.watch(file.fileno(), READ)
        poller.forget(file.fileno())


def test_closing_gives_both_descriptors_back():
    before = len(os.listdir("/proc/self/fd"))
    poller = EpollPoller()
    poller.close()
    poller.close()
    poller.notify()
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_number_reused_behind_our_back_is_watched_again(poller):
    ready, write = os.pipe()
    poller.watch(ready, READ)
    os.close(ready)
    os.close(write)
    again, write = os.pipe()
    assert again == ready
    poller.watch(again, READ | WRITE)  # the old registration went with the old pipe
    os.write(write, b"x")
    assert [fd for fd, _ in poller.wait(1)] == [again]
    os.close(again)
    os.close(write)


def test_all_waiters_of_a_direction_are_woken(poller, pair):
    one, other = pair
    waits, first, second, writer = Descriptors(poller), Noted(), Noted(), Noted()
    waits.add(one.fileno(), READ, first)
    waits.add(one.fileno(), READ, second)
    assert waits.waiting == 2
    other.send(b"x")
    waits.wake(poller.wait(1))
    assert (first.told, second.told) == (["woken"], ["woken"])
    for waiter in (first, second):
        waits.remove(one.fileno(), READ, waiter, sticky=True)
    assert waits.waiting == 0
    waits.add(one.fileno(), WRITE, writer)
    waits.remove(one.fileno(), WRITE, writer, sticky=False)
    assert waits.waiting == 0


def test_sticky_interest_stays_until_something_is_ready_that_nobody_wants(poller, pair):
    one, other = pair
    waits, waiter = Descriptors(poller), Noted()
    waits.add(one.fileno(), READ, waiter)
    waits.remove(one.fileno(), READ, waiter, sticky=True)
    other.send(b"x")
    found = poller.wait(1)
    assert found == [(one.fileno(), READ)]
    waits.wake(found)
    assert poller.wait(0) == []
    assert (waiter.told, waits.known_descriptors()) == ([], [])


def test_a_close_tells_the_waiters(poller, pair):
    one, _ = pair
    waits, reader, writer = Descriptors(poller), Noted(), Noted()
    waits.add(one.fileno(), READ, reader)
    waits.add(one.fileno(), WRITE, writer)
    waits.closing(one.fileno())
    waits.closing(one.fileno())
    assert (reader.told, writer.told) == ([errno.EBADF], [errno.EBADF])
    waits.remove(one.fileno(), READ, reader, sticky=True)
    waits.remove(one.fileno(), WRITE, writer, sticky=False)
    assert waits.waiting == 0


def test_an_event_for_a_descriptor_that_nobody_knows_is_dropped(poller, pair):
    one, other = pair
    waits = Descriptors(poller)
    poller.watch(one.fileno(), READ)
    other.send(b"x")
    waits.wake(poller.wait(1))
    assert poller.wait(0) == []


def test_wait_read_and_wait_write_of_a_pipe():
    ready, write = os.pipe()
    try:
        with pytest.raises(TimeoutError, match="timed out"):
            wait_read(ready, timeout=0.001)
        with pytest.raises(KeyError):
            wait_read(ready, timeout=0.001, timeout_exc=KeyError)
        wait_write(write, timeout=10)
        wait_readwrite(write, timeout=10)
        readers = [green.spawn(wait_read, ready, 10) for _ in range(5)]
        green.sleep(0)
        os.write(write, b"x")
        green.joinall(readers, raise_error=True)
        with pytest.raises(TimeoutError):
            os.read(ready, 1) and wait_readwrite(ready, timeout=0.001)
    finally:
        os.close(ready)
        os.close(write)


def test_waiting_for_a_regular_file_returns_at_once(tmp_path):
    with open(tmp_path / "file", "w") as file:
        wait_write(file.fileno(), timeout=10)


def test_waiting_for_no_descriptor_is_an_error():
    with pytest.raises((OSError, ValueError)):
        wait_read(-1)
    with pytest.raises(OSError):
        wait_read(100_000)
