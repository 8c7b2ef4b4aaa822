"""Looking at a running program: greenlet trees, run info, and assertions about switching."""

import io
import time

import pytest

from plait import green
from plait.green import util
from plait.green.local import local
from plait.green.util import GreenletTree, assert_switches, format_run_info, print_run_info, wrap_errors
from plait.greenlet import gettrace, greenlet


class Values(local):
    def __init__(self, value):
        self.value = value


def test_wrapped_functions_return_their_errors_and_look_as_before():
    def divide(a, b):
        return a / b

    wrapped = wrap_errors((ZeroDivisionError, TypeError), divide)
    assert isinstance(wrapped(1, 0), ZeroDivisionError) and wrapped(4, 2) == 2
    assert (wrapped.__name__, str(wrapped), repr(wrapped)) == ("divide", str(divide), repr(divide))
    with pytest.raises(ValueError):
        wrap_errors(TypeError, int)("x")


def test_a_tree_has_spawned_greenlets_below_their_spawners():
    def outer():
        return green.spawn(inner), GreenletTree.current_tree()

    def inner():
        green.sleep(0)

    spawned = green.spawn(outer)
    spawned.name = "outer"
    child, tree = spawned.get()
    child.join()
    assert tree.is_current_tree and tree.root
    (above,) = [item for item in tree.child_trees if item.greenlet is spawned]
    assert [item.greenlet for item in above.child_trees] == [child]
    assert "Parent" not in str(tree) and "Parent" in tree.format()


def test_a_tree_shows_values_errors_and_locals(errors):
    kept = Values("main's own")
    failed, ended = green.spawn(lambda: 1 / 0), green.spawn(lambda: "result")
    green.joinall([failed, ended])
    text = GreenletTree.current_tree().format({"running_stacks": False})
    assert "finished with value 'result'" in text and "finished with exception ZeroDivisionError" in text
    assert "main's own" in text and kept.value


def test_looking_does_not_make_locals_for_the_greenlet_that_looks():
    kept = Values("main's own")
    text = green.spawn(lambda: GreenletTree.current_tree().format({"running_stacks": False})).get()
    assert text.count("main's own") == 1 and kept.value


def test_marked_greenlets_are_roots_or_left_out():
    def marked():
        inner = greenlet(GreenletTree.current_tree)
        inner.parent.greenlet_tree_is_ignored = True
        inner.greenlet_tree_is_root = True
        return inner.switch()

    tree = greenlet(marked).switch()
    assert [type(item.greenlet) for item in [tree, *tree.child_trees]] == [greenlet]


def test_run_info_tells_of_threads_and_greenlets():
    def named_function():
        green.sleep(10)

    waiting = green.spawn(named_function)
    green.sleep(0)
    out = io.StringIO()
    print_run_info(file=out)
    text = out.getvalue()
    waiting.kill()
    assert "* Threads" in text and "(CURRENT" in text and "* Greenlets" in text
    assert text.count("in named_function") == 1
    assert "elided" in "\n".join(format_run_info(thread_stacks=False))


def test_run_info_names_the_workers_of_pools():
    pool = green.get_hub().threadpool
    assert "<ThreadPoolWorker" in pool.apply(lambda: "\n".join(format_run_info()))
    pool.kill()


def test_a_block_without_a_switch_is_told():
    with pytest.raises(util.NoSwitchError, match="To any greenlet"), assert_switches():
        pass
    with assert_switches():
        green.sleep(0)


def test_a_switch_that_comes_too_late_is_told():
    with pytest.raises(util.NoSwitchError, match="max allowed 0.0010"), assert_switches(0.001):
        time.sleep(0.002)
        green.sleep(0)
    with assert_switches(10):
        pass


def test_waiting_in_the_hub_is_no_blocking():
    with assert_switches(0.005):
        green.sleep(0.02)


def test_switches_to_the_hub_alone_may_be_asked_for():
    with pytest.raises(util.NoSwitchError, match="To the hub"), assert_switches(10, hub_only=True):
        pass
    with assert_switches(10, hub_only=True):
        green.sleep(0.001)


def test_an_exception_of_the_block_is_not_hidden():
    with pytest.raises(LookupError), assert_switches():
        raise LookupError


def test_tracers_nest_and_leave_nothing():
    before = gettrace()
    with assert_switches() as outer:
        assert gettrace() is outer.tracer
        with assert_switches() as inner:
            assert inner.tracer.previous_trace_function is outer.tracer
            green.sleep(0)
        assert gettrace() is outer.tracer
    assert gettrace() is before
