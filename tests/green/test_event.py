"""Event and AsyncResult."""

import threading
from concurrent.futures import CancelledError

import pytest

from plait import green
from plait.green.event import AsyncResult, Event
from plait.green.hub import get_hub
from plait.greenlet import getcurrent


def test_set_wakes_all_who_wait_in_order():
    event, order = Event(), []

    def waits(name):
        assert event.wait()
        order.append(name)

    waiting = [green.spawn(waits, name) for name in "abc"]
    green.sleep(0)
    event.set()
    green.joinall(waiting)
    assert order == ["a", "b", "c"]
    assert event.is_set() and event.isSet() and event.ready()
    assert event.wait()


def test_who_was_woken_goes_on_although_the_flag_is_down_again():
    event = Event()
    runner = green.spawn(event.wait)
    green.sleep(0)
    event.set()
    event.clear()
    assert runner.get() is True
    assert not event.is_set()


def test_wait_gives_up(virtual_clock):
    event = Event()
    assert event.wait(timeout=1) is False
    assert event.wait(timeout=0) is False
    assert event.linkcount() == 0


def test_a_killed_waiter_leaves():
    event = Event()
    runner = green.spawn(event.wait)
    green.sleep(0)
    assert event.linkcount() == 1
    runner.kill()
    assert event.linkcount() == 0


def test_links_are_called_once_in_the_hub():
    event, seen = Event(), []
    event.rawlink(lambda source: seen.append((source, getcurrent())))
    event.set()
    event.clear()
    event.set()
    green.sleep(0)
    assert seen == [(event, get_hub())]
    event.rawlink(lambda source: seen.append("at once"))
    green.sleep(0)
    assert seen[1:] == ["at once"]


def test_an_unlinked_callback_is_not_called():
    event, seen = Event(), []
    event.rawlink(seen.append)
    event.unlink(seen.append)
    event.unlink(seen.append)
    event.rawlink(seen.append)
    event.set()
    event.unlink(seen.append)  # set, but not yet called
    green.sleep(0)
    assert seen == []
    with pytest.raises(TypeError, match="is not callable"):
        event.rawlink(5)


def test_threads_with_and_without_a_hub_wait_for_one_event():
    event, seen = Event(), []

    def plain():
        seen.append(event.wait(10))

    def many():
        seen.extend(runner.get() for runner in [green.spawn(event.wait, 10) for _ in range(10)])

    threads = [threading.Thread(target=function) for function in (plain, many) * 4]
    for thread in threads:
        thread.start()
    green.sleep(0.01)
    event.set()
    for thread in threads:
        thread.join(10)
    assert seen == [True] * 44


def test_a_ping_pong_between_two_threads_loses_nothing():
    ping, pong, rounds = Event(), Event(), 300

    def other():
        for _ in range(rounds):
            ping.wait()
            ping.clear()
            pong.set()

    thread = threading.Thread(target=other)
    thread.start()
    for _ in range(rounds):
        ping.set()
        assert pong.wait(10)
        pong.clear()
    thread.join(10)
    assert not thread.is_alive()


def test_a_result_is_waited_for(virtual_clock):
    result = AsyncResult()
    assert not result.ready()
    with pytest.raises(green.Timeout):
        result.get(timeout=1)
    with pytest.raises(green.Timeout):
        result.get_nowait()
    assert result.wait(timeout=1) is None
    green.spawn_later(1, result.set, 5)
    assert result.get() == 5
    assert (result.ready(), result.successful(), result.value, result.exception, result.exc_info) == (
        True,
        True,
        5,
        None,
        (),
    )
    assert result.result() == result.wait() == 5


def test_a_result_may_be_an_exception():
    result = AsyncResult()
    waiting = green.spawn(lambda: pytest.raises(KeyError, result.get))
    green.sleep(0)
    result.set_exception(KeyError("k"))
    assert isinstance(waiting.get().value, KeyError)
    assert (result.ready(), result.successful(), result.value) == (True, False, None)
    assert result.exc_info[0] is KeyError
    assert result.wait() is None


def test_a_cancelled_result_says_so():
    result = AsyncResult()
    assert result.cancel() is False
    assert not result.cancelled()
    result.set_exception(CancelledError())
    assert result.cancelled() and result.done()


def test_a_result_linked_to_a_greenlet_takes_over_its_outcome(errors):
    for function, check in ((lambda: 5, "value"), (lambda: 1 / 0, "exception")):
        result = AsyncResult()
        green.spawn(function).link(result)
        result.wait()
        assert getattr(result, check) is not None


def test_how_they_print():
    event, result = Event(), AsyncResult()
    assert " clear " in repr(event)
    event.set()
    assert " set " in repr(event)
    result.set("v")
    assert "value='v'" in repr(result)
