"""The waiting primitive: every transition, from every side, with and without a hub."""

import _thread
import random
import threading

import pytest

from plait import green
from plait._base import clock
from plait.green.exceptions import BlockingSwitchOutError, DeadlineExceeded, InvalidSwitchError
from plait.green.hub import get_hub, started
from plait.green.waiter import Waiter
from plait.greenlet import GreenletExit


def in_thread(function):
    """function() in a new thread, which has no hub; its value, or its exception raised here."""
    outcome = []

    def run():
        try:
            outcome.append((function(), None))
        except BaseException as error:
            outcome.append((None, error))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(20)
    assert outcome, "the thread did not end"
    value, error = outcome[0]
    if error is not None:
        raise error
    return value


def with_hub(function):
    """function() in the main greenlet of a new thread that has a hub."""

    def run():
        get_hub()
        return function()

    return in_thread(run)


both = pytest.mark.parametrize("place", [in_thread, with_hub])


@both
def test_wake_before_wait_is_kept(place):
    def check():
        waiter = Waiter()
        assert waiter.state == "idle"
        assert waiter.wake(5)
        assert waiter.state == "ready"
        return waiter.wait(), waiter.state

    assert place(check) == (5, "idle")


@both
def test_throw_before_wait_is_raised_once(place):
    def check():
        waiter = Waiter()
        waiter.throw(KeyError("k"))
        with pytest.raises(KeyError):
            waiter.wait()
        return waiter.state

    assert place(check) == "idle"


@both
def test_the_first_outcome_counts(place):
    def check():
        waiter = Waiter()
        told = waiter.wake(1), waiter.wake(2), waiter.throw(KeyError())
        return told, waiter.wait()

    assert place(check) == ((True, False, False), 1)


@both
def test_a_deadline_in_the_past_raises_and_the_waiter_can_wait_again(place):
    def check():
        waiter = Waiter()
        with pytest.raises(DeadlineExceeded):
            waiter.wait(clock.now() - 1)
        with pytest.raises(TimeoutError):
            waiter.wait(clock.now() + 0.001)
        assert waiter.state == "idle"
        assert waiter.wake("late")
        return waiter.wait(clock.now() + 5)

    assert place(check) == "late"


@both
def test_an_outcome_beats_a_deadline_that_has_passed(place):
    def check():
        waiter = Waiter()
        waiter.wake(3)
        return waiter.wait(clock.now() - 1)

    assert place(check) == 3


@both
def test_woken_by_another_thread(place):
    def check():
        waiter = Waiter()
        threading.Timer(0.02, waiter.wake, ["hello"]).start()
        return waiter.wait()

    assert place(check) == "hello"


@both
def test_thrown_into_by_another_thread(place):
    def check():
        waiter = Waiter()
        threading.Timer(0.02, waiter.throw, [KeyError("k")]).start()
        with pytest.raises(KeyError):
            waiter.wait()

    place(check)


def test_waiting_starts_no_hub():
    def check():
        waiter = Waiter()
        waiter.wake()
        waiter.wait()
        with pytest.raises(DeadlineExceeded):
            waiter.wait(clock.now())
        return started()

    assert in_thread(check) is False


def test_other_greenlets_run_while_one_is_parked():
    def check():
        waiter = Waiter()
        seen = []

        def waits():
            seen.append("waits")
            seen.append(waiter.wait())

        def wakes():
            seen.append("wakes")
            waiter.wake("woken")
            seen.append("goes on")

        green.joinall([green.spawn(waits), green.spawn(wakes)])
        return seen

    assert with_hub(check) == ["waits", "wakes", "goes on", "woken"]


def test_two_cannot_wait_on_one():
    def check():
        waiter = Waiter()
        first = green.spawn(waiter.wait)
        green.sleep(0)
        with pytest.raises(RuntimeError, match="its own Waiter"):
            waiter.wait()
        waiter.wake(1)
        return first.get()

    assert with_hub(check) == 1


def test_a_killed_wait_leaves_the_waiter_idle():
    def check():
        waiter = Waiter()
        runner = green.spawn(waiter.wait)
        green.sleep(0)
        assert waiter.state == "parked"
        runner.kill()
        return isinstance(runner.value, GreenletExit), waiter.state

    assert with_hub(check) == (True, "idle")


def test_a_kill_behind_a_wake_finds_the_outcome_taken():
    def check():
        waiter = Waiter()
        runner = green.spawn(waiter.wait)
        green.sleep(0)
        assert waiter.wake("value")
        runner.kill()
        return runner.value, waiter.state

    assert with_hub(check) == ("value", "idle")


def test_a_wake_behind_a_kill_stays_ready():
    def check():
        waiter = Waiter()
        runner = green.spawn(waiter.wait)
        green.sleep(0)
        runner.kill(block=False)
        assert waiter.wake("value")
        runner.join()
        return isinstance(runner.value, GreenletExit), waiter.state

    assert with_hub(check) == (True, "ready")


def test_a_foreign_switch_into_a_parked_greenlet_is_named():
    def check():
        waiter = Waiter()
        runner = green.spawn(waiter.wait)
        green.sleep(0)
        hub = get_hub()
        hub.print_exception = lambda *info: None
        hub.run_callback(runner.switch)
        green.sleep(0)
        assert runner.ready()
        return runner.exception, waiter.state

    error, state = with_hub(check)
    assert isinstance(error, InvalidSwitchError)
    assert state == "idle"


def test_a_callback_in_the_hub_must_not_wait():
    def check():
        hub = get_hub()
        errors = []
        hub.handle_error = lambda context, kind, value, tb: errors.append(kind)
        hub.run_callback(Waiter().wait)
        green.sleep(0)
        return errors

    assert with_hub(check) == [BlockingSwitchOutError]


def test_equal_deadlines_expire_in_order():
    def check():
        order = []
        deadline = clock.now() + 0.01

        def waits(number):
            try:
                Waiter().wait(deadline)
            except DeadlineExceeded:
                order.append(number)

        green.joinall([green.spawn(waits, number) for number in range(50)])
        return order

    assert with_hub(check) == list(range(50))


@both
def test_16_threads_race_and_exactly_the_outcomes_that_won_are_taken(place):
    rounds = 60

    def check():
        waiters = [Waiter() for _ in range(rounds)]
        wins = []

        def wakes(number):
            chance = random.Random(number)
            for index, waiter in enumerate(waiters):
                if chance.random() < 0.2:
                    threading.Event().wait(0.0001)
                if waiter.wake((index, number)):
                    wins.append((index, number))

        threads = [threading.Thread(target=wakes, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        got = [waiter.wait() for waiter in waiters]
        for thread in threads:
            thread.join()
        assert [index for index, _ in got] == list(range(rounds))
        got += [waiter.wait() for waiter in waiters if waiter.ready]  # one more wins where it came after the wait
        return sorted(got), sorted(wins)

    got, wins = place(check)
    assert got == wins


def test_no_wake_is_lost_between_16_threads_and_200_greenlets():
    def check():
        waiters = [Waiter() for _ in range(200)]
        runners = [green.spawn(waiter.wait) for waiter in waiters]

        def wakes(number):
            for index in range(number, len(waiters), 16):
                waiters[index].wake(index)

        for number in range(16):
            _thread.start_new_thread(wakes, (number,))
        return [runner.get(timeout=20) for runner in runners]

    assert with_hub(check) == list(range(200))


@both
def test_a_deadline_races_a_wake_and_nothing_is_lost(place):
    def check():
        early = late = 0
        for _ in range(150):
            waiter = Waiter()
            _thread.start_new_thread(waiter.wake, (1,))
            try:
                early += waiter.wait(clock.now() + 0.00005)
            except DeadlineExceeded:
                late += waiter.wait(clock.now() + 10)
        return early + late

    assert place(check) == 150
