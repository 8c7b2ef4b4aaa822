"""TaskGroup: no child outlives the block, and no failure is lost."""

import pytest

from plait import green
from plait.green import TaskGroup, Timeout, move_on_after
from plait.greenlet import GreenletExit


def failing(error, after=0.0):
    green.sleep(after)
    raise error


def test_children_have_ended_when_the_block_has(virtual_clock):
    with TaskGroup() as group:
        first = group.spawn(green.sleep, 5)
        second = group.spawn(lambda: "value")
    assert first.dead and second.value == "value"


def test_an_empty_group_ends_at_once():
    with TaskGroup():
        pass


def test_the_first_failure_kills_the_others_and_is_raised(virtual_clock, errors):
    with pytest.raises(ExceptionGroup) as raised, TaskGroup() as group:
        other = group.spawn(green.sleep, 100)
        group.spawn(failing, ValueError("first"), 1)
    assert [str(error) for error in raised.value.exceptions] == ["first"]
    assert isinstance(other.value, GreenletExit)
    assert errors == []  # raised, not printed


def test_a_failure_ends_the_block(virtual_clock):
    with pytest.raises(ExceptionGroup), TaskGroup() as group:
        group.spawn(failing, ValueError("first"), 1)
        green.sleep(100)
        pytest.fail("the block went on")


def test_all_failures_are_raised_together(virtual_clock):
    def fails_in_cleanup():
        try:
            green.sleep(100)
        finally:
            raise KeyError("cleanup")

    with pytest.raises(ExceptionGroup) as raised, TaskGroup() as group:
        group.spawn(fails_in_cleanup)
        group.spawn(failing, ValueError("first"), 1)
        green.sleep(100)
    assert [type(error) for error in raised.value.exceptions] == [ValueError, KeyError]


def test_a_failing_block_kills_the_children():
    with pytest.raises(ExceptionGroup) as raised, TaskGroup() as group:
        child = group.spawn(green.sleep, 30)
        green.sleep(0)
        raise ValueError("block")
    assert [str(error) for error in raised.value.exceptions] == ["block"]
    assert isinstance(child.value, GreenletExit)


def test_children_may_spawn_into_the_group():
    seen = []

    def child(depth):
        seen.append(depth)
        if depth:
            group.spawn(child, depth - 1)

    with TaskGroup() as group:
        group.spawn(child, 3)
    assert seen == [3, 2, 1, 0]


def test_a_group_takes_children_only_in_its_block():
    group = TaskGroup()
    with pytest.raises(RuntimeError, match="between the beginning and the end"):
        group.spawn(abs, 1)
    with group:
        pass
    with pytest.raises(RuntimeError, match="between the beginning and the end"):
        group.spawn(abs, 1)
    with pytest.raises(RuntimeError, match="used before"):
        group.__enter__()


def test_what_is_spawned_into_a_group_that_aborts_never_runs():
    ran = []

    def spawns_late():
        try:
            green.sleep(30)
        finally:
            group.spawn(ran.append, 1)

    with pytest.raises(ExceptionGroup), TaskGroup() as group:
        group.spawn(spawns_late)
        group.spawn(failing, ValueError())
    assert ran == []


@pytest.mark.parametrize("where", ["block", "end"])
def test_a_timeout_kills_the_children_and_is_raised(virtual_clock, where):
    with pytest.raises(Timeout) as raised, Timeout(5) as timeout, TaskGroup() as group:
        child = group.spawn(green.sleep, 100)
        if where == "block":
            green.sleep(100)
    assert raised.value is timeout
    assert isinstance(child.value, GreenletExit)


def test_killing_the_parent_kills_the_children():
    children = []

    def parent():
        with TaskGroup() as group:
            children.extend(group.spawn(green.sleep, 30) for _ in range(3))

    runner = green.spawn(parent)
    green.sleep(0)
    green.sleep(0)
    runner.kill()
    assert isinstance(runner.value, GreenletExit)
    assert all(isinstance(child.value, GreenletExit) for child in children)


def test_failures_of_children_that_are_killed_are_the_cause_of_what_killed_them(virtual_clock):
    def fails_in_cleanup():
        try:
            green.sleep(100)
        finally:
            raise KeyError("cleanup")

    with pytest.raises(Timeout) as raised, Timeout(5), TaskGroup() as group:
        group.spawn(fails_in_cleanup)
    assert isinstance(raised.value.__cause__, ExceptionGroup)


def test_groups_nest_and_an_inner_failure_goes_through_the_outer_one():
    with pytest.raises(ExceptionGroup) as raised, TaskGroup() as outer:
        other = outer.spawn(green.sleep, 30)
        with TaskGroup() as inner:
            inner.spawn(failing, ValueError("inner"))
    assert isinstance(raised.value.exceptions[0], ExceptionGroup)
    assert isinstance(other.value, GreenletExit)


def test_a_scope_around_a_group_ends_all_of_it(virtual_clock):
    with move_on_after(5) as scope, TaskGroup() as group:
        child = group.spawn(green.sleep, 100)
    assert scope.cancelled_caught
    assert isinstance(child.value, GreenletExit)


def test_cancel_ends_children_and_block_and_nobody_has_failed():
    with TaskGroup() as group:
        child = group.spawn(green.sleep, 30)
        green.sleep(0)
        group.cancel()
        green.sleep(30)
        pytest.fail("the block went on")
    assert isinstance(child.value, GreenletExit)


def test_children_that_were_killed_have_not_failed():
    with TaskGroup() as group:
        child = group.spawn(green.sleep, 30)
        green.sleep(0)
        child.kill()
    assert child.successful()


def test_a_group_that_was_left_refers_to_nothing():
    import gc
    import weakref

    class Value:
        pass

    with TaskGroup() as group:
        value = Value()
        group.spawn(lambda item: None, value)
    seen = weakref.ref(value)
    del value
    gc.collect()
    assert seen() is None


def test_a_childs_own_timeout_is_a_failure_of_the_group(virtual_clock, errors):
    def late():
        with Timeout(1):
            green.sleep(10)

    with pytest.raises(BaseExceptionGroup) as raised, TaskGroup() as group:
        group.spawn(late)
        other = group.spawn(green.sleep, 100)
    assert [type(error) for error in raised.value.exceptions] == [Timeout]
    assert isinstance(other.value, GreenletExit)
    assert errors == []  # raised, not printed


def test_a_timeout_in_an_inner_group_of_a_child_fails_the_outer_one(virtual_clock):
    def late():
        with Timeout(1):
            green.sleep(10)

    def inner():
        with TaskGroup() as group:
            group.spawn(late)

    with pytest.raises(BaseExceptionGroup) as raised, TaskGroup() as group:
        group.spawn(inner)
    (nested,) = raised.value.exceptions
    assert isinstance(nested, BaseExceptionGroup)
    assert [type(error) for error in nested.exceptions] == [Timeout]
