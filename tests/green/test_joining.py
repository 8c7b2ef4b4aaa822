"""joinall, wait, iwait, killall."""

import pytest

from plait import green
from plait.green.event import Event
from plait.green.exceptions import LoopExit
from plait.green.lock import Semaphore
from plait.greenlet import GreenletExit


def sleeps(delay):
    green.sleep(delay)
    return delay


def fails(delay):
    green.sleep(delay)
    raise ValueError(delay)


def test_joinall_returns_in_the_order_of_ending(virtual_clock):
    runners = [green.spawn(sleeps, delay) for delay in (3, 1, 2)]
    assert [runner.value for runner in green.joinall(runners)] == [1, 2, 3]
    assert green.joinall([]) == []


def test_joinall_gives_what_has_ended_when_time_is_over(virtual_clock):
    runners = [green.spawn(sleeps, delay) for delay in (3, 1, 2)]
    assert green.joinall(runners, timeout=2.5) == [runners[1], runners[2]]
    assert runners[0].joiners == 0
    assert len(green.joinall(runners)) == 3


def test_joinall_is_content_with_count(virtual_clock):
    runners = [green.spawn(sleeps, delay) for delay in (3, 1, 2)]
    assert green.joinall(runners, count=1) == [runners[1]]
    green.joinall(runners)


def test_joinall_raises_the_first_failure_at_once_where_asked(virtual_clock, errors):
    runners = [green.spawn(sleeps, 5), green.spawn(fails, 1), green.spawn(fails, 2)]
    with pytest.raises(ValueError, match="1"):
        green.joinall(runners, raise_error=True)
    assert not runners[0].ready()
    assert green.joinall(runners) == [runners[1], runners[2], runners[0]]


def test_joining_one_greenlet_twice_counts_it_once(virtual_clock):
    runner = green.spawn(sleeps, 1)
    assert green.joinall([runner, runner]) == [runner]


def test_iwait_yields_as_they_come(virtual_clock):
    runners = [green.spawn(sleeps, delay) for delay in (3, 1, 2)]
    seen = [(runner.value, [other.ready() for other in runners]) for runner in green.iwait(runners)]
    assert seen == [(1, [False, True, False]), (2, [False, True, True]), (3, [True, True, True])]


def test_iwait_that_is_left_early_unlinks(virtual_clock):
    runners = [green.spawn(sleeps, delay) for delay in (3, 1)]
    for _ in green.iwait(runners):
        break
    assert not any(runner.has_links() for runner in runners)
    green.joinall(runners)


def test_wait_for_things_of_several_kinds(virtual_clock):
    event, semaphore = Event(), Semaphore(0)
    runner = green.spawn(sleeps, 2)
    green.spawn_later(1, event.set)
    green.spawn_later(3, semaphore.release)
    assert green.wait([runner, semaphore, event]) == [event, runner, semaphore]
    assert green.wait([event], timeout=0.1) == [event]


def test_wait_times_out(virtual_clock):
    event = Event()
    assert green.wait([event], timeout=1) == []
    assert event.linkcount() == 0


def test_joining_what_waits_for_ever_raises_loop_exit():
    runner = green.spawn(Event().wait)
    with pytest.raises(LoopExit):
        green.joinall([runner])
    runner.kill()


def test_killall_ends_all_in_whatever_state_they_are(virtual_clock):
    ran = []
    ended = green.spawn(sleeps, 0)
    ended.join()
    parked = green.spawn(sleeps, 10)
    green.sleep(0)
    scheduled = green.spawn(ran.append, 1)
    new = green.Greenlet(ran.append, 2)
    green.killall([ended, parked, scheduled, new])
    assert all(runner.dead for runner in (ended, parked, scheduled, new))
    assert isinstance(parked.value, GreenletExit)
    assert ran == []


def test_killall_raises_timeout_for_one_that_does_not_end(virtual_clock):
    def stubborn():
        try:
            green.sleep(10)
        finally:
            green.sleep(10)

    runner = green.spawn(stubborn)
    green.sleep(0)
    with pytest.raises(green.Timeout):
        green.killall([runner], timeout=1)
    runner.join()


def test_kill_of_a_raw_greenlet():
    seen = []

    def raw():
        try:
            green.sleep(10)
        except GreenletExit:
            seen.append("killed")

    runner = green.spawn_raw(raw)
    green.sleep(0)
    green.kill(runner)
    green.sleep(0)
    assert seen == ["killed"]
    assert runner.dead


def test_iwait_as_a_context_manager_takes_its_links_back(virtual_clock):
    runners = [green.spawn(sleeps, delay) for delay in (3, 1)]
    with green.iwait(runners) as ended:
        assert next(ended) is runners[1]
    assert not any(runner.has_links() for runner in runners)
    green.joinall(runners)
    assert list(green.iwait(runners, count=1)) == [runners[0]]
    assert list(green.iwait([])) == []
