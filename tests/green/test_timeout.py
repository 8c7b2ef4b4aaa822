"""Timeout: when it fires, where, with what, and when not."""

import pytest

from plait import green
from plait._base import clock
from plait.green import Timeout, with_timeout


def test_it_fires_where_its_greenlet_is_parked(virtual_clock):
    begin = clock.now()
    with pytest.raises(Timeout) as caught, Timeout(2) as timeout:
        green.sleep(10)
    assert caught.value is timeout
    assert clock.now() - begin == 2
    assert not timeout.pending


def test_it_does_not_fire_after_the_block(virtual_clock):
    with Timeout(2) as timeout:
        green.sleep(1)
        assert timeout.pending
    green.sleep(10)


def test_false_swallows_it_and_no_other(virtual_clock):
    with Timeout(1, False):
        green.sleep(10)
        pytest.fail("not reached")
    with pytest.raises(Timeout), Timeout(1, False):
        raise Timeout(1)
    with pytest.raises(ValueError), Timeout(1, False):
        raise ValueError


@pytest.mark.parametrize("exception", [KeyError, KeyError("k")])
def test_another_exception_may_be_raised(virtual_clock, exception):
    with pytest.raises(KeyError), Timeout(1, exception):
        green.sleep(10)


def test_none_never_fires(virtual_clock):
    with Timeout(None) as timeout:
        green.sleep(1e6)
        assert not timeout.pending


def test_the_inner_of_two_equal_ones_fires_second(virtual_clock):
    with pytest.raises(Timeout) as caught, Timeout(1) as outer, Timeout(1):
        green.sleep(10)
    assert caught.value is outer


def test_start_new_takes_a_timeout_too(virtual_clock):
    timeout = Timeout(5)
    assert Timeout.start_new(timeout) is timeout
    assert timeout.pending
    with pytest.raises(AssertionError, match="pending already"):
        timeout.start()
    timeout.cancel()
    timeout.cancel()
    other = Timeout.start_new(1)
    with pytest.raises(Timeout) as caught:
        green.sleep(2)
    assert caught.value is other


def test_it_does_not_hit_a_greenlet_that_has_ended(virtual_clock):
    green.spawn(lambda: Timeout(1).start()).join()
    green.sleep(5)


def test_a_completion_at_the_same_time_wins_where_it_came_first(virtual_clock):
    from plait.green.event import Event

    event = Event()
    green.get_hub().call_at(clock.now() + 1, event.set)
    with Timeout(1):
        with pytest.raises(Timeout):
            event.wait()  # both come in one turn: the timeout is thrown at once, the event's wake-up waits its turn
    assert event.is_set()


def test_how_it_prints():
    assert str(Timeout(3)) == "3 seconds"
    assert str(Timeout(1)) == "1 second"
    assert str(Timeout(None)) == ""
    assert str(Timeout(3, False)) == "3 seconds (silent)"
    assert str(Timeout(3, "why")) == "3 seconds: why"
    assert repr(Timeout(3)).endswith("seconds=3>")


def test_with_timeout(virtual_clock):
    assert with_timeout(1, green.sleep, 10, timeout_value="late") == "late"
    assert with_timeout(1, lambda: 5) == 5
    with pytest.raises(Timeout):
        with_timeout(1, green.sleep, 10)


def test_an_inner_functions_own_timeout_is_not_taken_for_ours(virtual_clock):
    def inner():
        raise Timeout(9)

    with pytest.raises(Timeout):
        with_timeout(1, inner, timeout_value="late")


def test_many_cancelled_timeouts_leave_no_timers(virtual_clock):
    hub = green.get_hub()
    for _ in range(10_000):
        with Timeout(1000):
            pass
    assert hub.timers_held < 5000


def ways_to_wait():
    from plait.green.event import AsyncResult, Event
    from plait.green.lock import RLock, Semaphore
    from plait.green.queue import Channel, Queue

    full = Queue(1, items=[1])
    held = RLock()
    green.spawn(held.acquire).join()
    parked = green.Greenlet(int)
    return {
        "AsyncResult.get": AsyncResult().get,
        "AsyncResult.wait": AsyncResult().wait,
        "Event.wait": Event().wait,
        "Semaphore.acquire": Semaphore(0).acquire,
        "Semaphore.wait": Semaphore(0).wait,
        "RLock.acquire": held.acquire,
        "Queue.get": Queue().get,
        "Queue.peek": Queue().peek,
        "Queue.put": lambda timeout: full.put(2, timeout=timeout),
        "Channel.get": Channel().get,
        "Channel.put": lambda timeout: Channel().put(2, timeout=timeout),
        "Greenlet.join": parked.join,
        "Greenlet.get": parked.get,
    }


@pytest.mark.parametrize("name", ways_to_wait())
def test_a_timeout_may_be_passed_as_the_time_to_wait_and_is_raised(virtual_clock, name):
    wait = ways_to_wait()[name]
    begin = clock.now()
    timeout = Timeout(2)
    with pytest.raises(Timeout) as caught:
        wait(timeout=timeout)
    assert caught.value is timeout
    assert clock.now() - begin == 2
    assert not timeout.pending
    with pytest.raises(KeyError):
        wait(timeout=Timeout(1, KeyError))
