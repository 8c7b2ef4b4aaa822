"""select and poll: what the kernel has, and other greenlets run meanwhile."""

import os
import select as stdlib

import pytest

from plait import green
from plait.green import select, selectors
from plait.green.socket import socketpair


@pytest.fixture
def pair():
    one, other = socketpair()
    with one, other:
        yield one, other


def test_ready_objects_are_returned_at_once(pair):
    one, other = pair
    other.send(b"x")
    assert select.select([one, other], [one], [], 10) == ([one], [one], [])


def test_it_parks_until_something_is_ready(pair):
    one, other = pair
    green.spawn_later(0.001, other.send, b"x")
    assert select.select([one], [], []) == ([one], [], [])


def test_it_gives_up_after_its_timeout(pair, virtual_clock):
    assert select.select([pair[0]], [], [], 5) == ([], [], [])
    assert virtual_clock.now_ns() >= 5 * 10**9


def test_descriptors_by_number_beyond_the_limit_of_select_work(pair):
    one, other = pair
    high = os.dup2(one.fileno(), 3000)
    try:
        other.send(b"x")
        assert select.select([high], [], []) == ([high], [], [])
    finally:
        os.close(high)


def test_without_a_timeout_others_run_all_the_same(pair):
    ran = []
    runner = green.spawn(ran.append, 1)
    assert select.select([pair[0]], [], [], 0) == ([], [], [])
    assert ran == [1]
    runner.join()


@pytest.mark.parametrize("wrong", ["x", None, 1.5])
def test_what_is_no_descriptor_is_refused(wrong):
    with pytest.raises(TypeError):
        select.select([wrong], [], [], 0)


def test_negative_and_closed_descriptors_are_refused(pair):
    with pytest.raises(ValueError, match="negative"):
        select.select([-1], [], [], 0)
    fd = os.dup(pair[0].fileno())
    os.close(fd)
    with pytest.raises(OSError, match="Bad file descriptor"):
        select.select([fd], [], [], 0)
    with pytest.raises(ValueError, match="non-negative"):
        select.select([], [], [], -1)


def test_poll_reports_what_the_kernel_reports(pair):
    one, other = pair
    poller = select.poll()
    poller.register(one, stdlib.POLLIN)
    green.spawn_later(0.001, other.close)
    ((fd, events),) = poller.poll()
    assert fd == one.fileno()
    assert events & stdlib.POLLIN and events & stdlib.POLLHUP
    poller.modify(one, stdlib.POLLOUT)
    assert poller.poll(0)[0][1] & stdlib.POLLOUT
    poller.unregister(one)
    assert poller.poll(0) == []
    with pytest.raises(KeyError):
        poller.unregister(one)
    with pytest.raises(FileNotFoundError):
        poller.modify(one, stdlib.POLLIN)


def test_two_greenlets_may_poll_the_same_descriptor(pair):
    one, other = pair
    both = [green.spawn(select.select, [one], [], []) for _ in range(2)]
    green.sleep(0)
    other.send(b"x")
    assert [runner.get() for runner in both] == [([one], [], [])] * 2


def test_a_killed_select_leaves_nothing_behind(pair):
    runner = green.spawn(select.select, pair, pair[:0], [])
    green.sleep(0)
    assert green.get_hub().descriptors.waiting == 2
    runner.kill()
    assert green.get_hub().descriptors.waiting == 0


def test_a_selector_parks_and_tells_what_is_ready(pair):
    one, other = pair
    with selectors.DefaultSelector() as selector:
        key = selector.register(one, selectors.EVENT_READ, "data")
        assert selector.select(0) == []
        green.spawn_later(0.001, other.send, b"x")
        assert selector.select() == [(key, selectors.EVENT_READ)]
        selector.modify(one, selectors.EVENT_WRITE)
        assert selector.select(0)[0][1] == selectors.EVENT_WRITE


def test_a_selector_gives_up_after_its_timeout(pair, virtual_clock):
    with selectors.DefaultSelector() as selector:
        selector.register(pair[0], selectors.EVENT_READ)
        assert selector.select(5) == []


def test_a_closed_descriptor_whose_number_is_the_selectors_own_is_refused(pair):
    number = pair[0].detach()
    os.close(number)
    with selectors.DefaultSelector() as selector:
        assert selector.fileno() == number
        with pytest.raises(ValueError, match="Invalid file descriptor"):
            selector.register(number, selectors.EVENT_READ)
