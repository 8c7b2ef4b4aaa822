"""Callbacks: what they are told, when, and of which computations."""

import operator
import os

import pytest

from plait.lazy import compute, config, delayed, get
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
        ("state", {"a": 1}, {"b"}),
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


def test_the_state_says_what_waits_for_what():
    graph = {"a": 1, "b": (abs, "a"), "c": (operator.add, "b", "a"), "d": (operator.add, "c", "b")}
    said = []

    def say(key, _graph, state):
        waiting = {each: set(others) for each, others in state["waiting"].items()}
        said.append(
            (key, list(state["ready"]), waiting, {each: set(who) for each, who in state["waiting_data"].items()})
        )

    with Callback(pretask=say):
        assert get(graph, "d", scheduler="sync") == 3
    assert said == [
        ("b", [], {"c": {"b"}, "d": {"b", "c"}}, {"a": {"b", "c"}, "b": {"c", "d"}, "c": {"d"}, "d": set()}),
        ("c", [], {"d": {"c"}}, {"a": {"c"}, "b": {"c", "d"}, "c": {"d"}, "d": set()}),
        ("d", [], {}, {"b": {"d"}, "c": {"d"}, "d": set()}),
    ]


def test_a_cache_has_values_and_shows_those_that_are_there():
    cache = {"b": (abs, -5)}  # a value, though it looks like a task
    seen = []

    def look(value):
        seen.append(set(cache))
        return value[0](value[1])

    graph = {"a": (look, "b"), "c": (operator.neg, "a")}
    with config.set(cache=cache):
        assert get(graph, "c", scheduler="sync") == -5
    assert seen == [{"b"}]
    assert cache == {"c": -5}
    assert get({"d": (abs, "c")}, "d", cache=cache) == 5


def test_workers_are_threads_or_processes():
    workers = {}
    for scheduler in ("threads", "processes"):
        with Callback(posttask=lambda _k, pid, _g, _s, worker, name=scheduler: workers.update({name: (worker, pid)})):
            delayed(os.getpid)().compute(scheduler=scheduler)
    assert workers["processes"][0] == workers["processes"][1] != os.getpid()
    assert workers["threads"][0] != workers["threads"][1] == os.getpid()


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
