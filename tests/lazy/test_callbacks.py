"""Callbacks: what they are told, when, and of which computations."""

import operator

import pytest

from plait.lazy import compute, delayed, get
from plait.lazy.callbacks import Callback, add_callbacks

GRAPH = {"a": 1, "b": (operator.add, "a", 2), "c": (operator.mul, "b", "b"), "unused": (print, "never")}


@pytest.mark.parametrize("scheduler", ["sync", "threads", "processes", "green"])
def test_the_story_of_a_computation(scheduler):
    told = []
    functions = {
        "start": lambda graph: told.append(("start", sorted(graph))),
        "start_state": lambda _graph, state: told.append(("state", dict(state["cache"]), set(state["ready"]))),
        "pretask": lambda key, _graph, state: told.append(("pre", key, key in state["running"])),
        "posttask": lambda key, value, _graph, _state, _worker: told.append(("post", key, value)),
        "finish": lambda _graph, state, failed: told.append(("finish", sorted(state["finished"]), failed)),
    }
    with Callback(**functions):
        assert get(GRAPH, "c", scheduler=scheduler) == 9
    assert told == [
        ("start", ["a", "b", "c"]),
        ("state", {"a": 1}, set()),
        ("pre", "b", True),
        ("post", "b", 3),
        ("pre", "c", True),
        ("post", "c", 9),
        ("finish", ["b", "c"], False),
    ]
    assert not Callback.active


@pytest.mark.parametrize("scheduler", ["sync", "threads", "processes", "green"])
def test_the_end_is_told_however_it_comes(scheduler):
    told = []
    node = delayed(operator.truediv)(1, 0)
    with Callback(finish=lambda _graph, _state, failed: told.append(failed)), pytest.raises(ZeroDivisionError):
        node.compute(scheduler=scheduler)
    assert told == [True]


def test_values_that_nobody_needs_leave_the_state():
    held = []
    node = delayed(abs)(-1, dask_key_name="n0")
    for i in range(1, 5):
        node = delayed(abs)(node, dask_key_name=f"n{i}")
    with Callback(posttask=lambda _k, _v, _g, state, _w: held.append(sorted(state["cache"]))):
        compute(node, scheduler="sync")
    assert held == [["n0"], ["n1"], ["n2"], ["n3"], ["n4"]]


def test_computations_within_tasks_are_not_theirs():
    outer = []

    def nested():
        assert not Callback.active
        return delayed(abs)(-3).compute(scheduler="sync")

    with Callback(pretask=lambda key, *_: outer.append(key)):
        assert delayed(nested)(dask_key_name="outer").compute(scheduler="threads") == 3
    assert outer == ["outer"]


def test_registered_until_unregistered():
    keys = []

    class Keys(Callback):
        def _pretask(self, key, graph, state):
            keys.append(key)

    callback = Keys()
    callback.register()
    try:
        get({"x": (abs, -1)}, "x")
    finally:
        callback.unregister()
    get({"y": (abs, -1)}, "y")
    assert keys == ["x"]


def test_what_is_no_callback_is_refused():
    with pytest.raises(TypeError, match="5 is no Callback"):
        add_callbacks(5)


def test_an_error_of_a_callback_ends_the_computation():
    def refuse(key, graph, state):
        raise RuntimeError(f"not {key}")

    with Callback(pretask=refuse), pytest.raises(RuntimeError, match="not x"):
        get({"x": (abs, -1)}, "x", scheduler="threads")


@pytest.mark.parametrize("scheduler", ["sync", "threads", "processes", "green"])
def test_what_start_makes_of_the_graph_is_run(scheduler):
    ran = []
    callback = Callback(start=lambda graph: graph.update(b=10), posttask=lambda key, *_: ran.append(key))
    with callback:
        assert get(GRAPH, "c", scheduler=scheduler) == 100
    assert ran == ["c"]
