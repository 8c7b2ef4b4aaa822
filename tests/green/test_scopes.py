"""Cancel scopes: who is ended, by what, and what goes on."""

import threading

import pytest

from plait import Parallel, delayed, green, lazy
from plait._base import clock
from plait.green import Cancelled, CancelScope, Timeout, current_deadline, fail_after, move_on_after
from plait.green.event import Event
from plait.green.lock import Semaphore


def test_a_deadline_ends_the_block_and_the_program_goes_on(virtual_clock):
    with move_on_after(5) as scope:
        green.sleep(100)
        pytest.fail("the block went on")
    assert clock.now() == 5
    assert scope.cancelled_caught and scope.cancel_called


def test_a_block_that_ends_in_time_is_left_alone(virtual_clock):
    with move_on_after(5) as scope:
        green.sleep(1)
    green.sleep(10)
    assert not scope.cancelled_caught and not scope.cancel_called
    assert green.get_hub().timers_waited_for == 0


def test_fail_after_raises_what_a_timeout_raises(virtual_clock):
    with pytest.raises(TimeoutError), fail_after(5):
        green.sleep(100)
    with fail_after(None):
        green.sleep(1)


def test_no_time_ends_at_the_first_wait(virtual_clock):
    reached = []
    with move_on_after(0):
        reached.append(1)
        green.sleep(1)
        reached.append(2)
    assert reached == [1]


@pytest.mark.parametrize(("outer", "inner", "ended_by"), [(5, 10, "outer"), (10, 5, "inner")])
def test_nested_deadlines_end_the_block_that_they_belong_to(virtual_clock, outer, inner, ended_by):
    after_inner = False
    with move_on_after(outer) as out:
        with move_on_after(inner) as within:
            green.sleep(100)
        after_inner = True
    assert (out.cancelled_caught, within.cancelled_caught) == (ended_by == "outer", ended_by == "inner")
    assert after_inner == (ended_by == "inner")
    assert clock.now() == 5


def test_a_shield_holds_an_outer_deadline_back_until_it_is_left(virtual_clock):
    order = []
    with move_on_after(5) as outer:
        with CancelScope(shield=True):
            green.sleep(10)
            order.append("cleaned up")
        green.sleep(1)
        order.append("never")
    assert outer.cancelled_caught
    assert (order, clock.now()) == (["cleaned up"], 10)


def test_cleanup_may_wait(virtual_clock):
    with move_on_after(5):
        try:
            green.sleep(100)
        finally:
            green.sleep(3)
    assert clock.now() == 8


def test_cancel_from_another_greenlet_and_from_a_thread():
    for call in (lambda cancel: green.spawn(cancel), lambda cancel: threading.Thread(target=cancel).start()):
        with CancelScope() as scope:
            call(scope.cancel)
            Event().wait(30)
            pytest.fail("the block went on")
        assert scope.cancelled_caught


def test_a_scope_may_be_cancelled_before_its_block_and_by_itself():
    scope = CancelScope()
    scope.cancel()
    with scope:
        green.sleep(30)
    assert scope.cancelled_caught
    with CancelScope() as scope:
        scope.cancel()
        scope.cancel()
        green.sleep(30)
    assert scope.cancelled_caught


def test_a_cancel_that_comes_late_ends_nothing():
    with CancelScope() as scope:
        scope.cancel()
    green.sleep(0.001)
    assert scope.cancel_called and not scope.cancelled_caught


def test_a_deadline_may_be_moved(virtual_clock):
    with move_on_after(5) as scope:
        scope.deadline = clock.now() + 50
        green.sleep(40)
        scope.deadline = clock.now() + 1
        green.sleep(40)
    assert clock.now() == 41


def test_current_deadline_is_the_nearest_up_to_a_shield(virtual_clock):
    assert current_deadline() == float("inf")
    with move_on_after(5):
        with move_on_after(10):
            assert current_deadline() == 5
            with CancelScope(shield=True):
                assert current_deadline() == float("inf")
        with CancelScope() as scope:
            scope.cancel()
            assert current_deadline() == float("-inf")


def test_a_timeout_and_a_kill_pass_through():
    with pytest.raises(Timeout), Timeout(0.001), CancelScope() as scope:
        green.sleep(30)
    assert not scope.cancelled_caught

    def task():
        with CancelScope():
            green.sleep(30)

    runner = green.spawn(task)
    green.sleep(0)
    runner.kill()
    assert isinstance(runner.value, green.GreenletExit)


def test_a_unit_that_was_handed_over_is_not_lost():
    semaphore = Semaphore(0)

    def task():
        with CancelScope() as scope:
            scopes.append(scope)
            semaphore.acquire()

    scopes = []
    runner = green.spawn(task)
    green.sleep(0)
    scopes[0].cancel()
    semaphore.release()  # to the task, which is cancelled before it runs
    runner.join()
    assert scopes[0].cancelled_caught and semaphore.counter == 1


def test_scopes_are_left_in_order_and_entered_once():
    with CancelScope() as scope, pytest.raises(RuntimeError, match="active already"):
        scope.__enter__()
    outer, inner = CancelScope(), CancelScope()
    outer.__enter__()
    inner.__enter__()
    with pytest.raises(RuntimeError, match="out of order"):
        outer.__exit__(None, None, None)
    inner.__exit__(None, None, None)
    outer.__exit__(None, None, None)


def test_what_is_cancelled_names_the_scope():
    with CancelScope() as scope:
        scope.cancel()
        with pytest.raises(Cancelled) as raised:
            green.sleep(30)
    assert raised.value.scope is scope


def test_a_parallel_loop_is_cancelled_with_its_scope():
    ended = Event()
    with move_on_after(0.2) as scope:
        Parallel(n_jobs=2, prefer="threads")(delayed(ended.wait)(30) for _ in range(4))
    ended.set()  # its threads would wait on, and give hope to every hub
    assert scope.cancelled_caught
    assert Parallel(n_jobs=2, prefer="threads")(delayed(abs)(-n) for n in range(4)) == [0, 1, 2, 3]


def test_a_graph_is_cancelled_with_its_scope():
    ended = Event()
    with move_on_after(0.2) as scope:
        lazy.compute(lazy.delayed(ended.wait)(30))
    ended.set()
    assert scope.cancelled_caught
    assert lazy.compute(lazy.delayed(abs)(-3)) == (3,)


def test_a_scope_that_was_left_is_not_entered_again(virtual_clock):
    scope = move_on_after(1)
    with scope:
        green.sleep(10)
    with pytest.raises(RuntimeError, match="left already"), scope:
        pytest.fail("its deadline would be ignored")
