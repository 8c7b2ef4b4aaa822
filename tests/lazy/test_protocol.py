"""Plain graphs in and out, and collections of other libraries among ours."""

import operator

import pytest

from plait.lazy import compute, delayed, get, is_dask_collection, persist, tokenize
from plait.lazy.gets import get_sync
from plait.lazy.plain import GraphError, apply, graph_of, nodes_of


def add(x, y=0, *, scale=1):
    return (x + y) * scale


class Tuple:
    """A collection as another library would write it: outputs of a plain graph."""

    def __init__(self, graph, keys):
        self.graph, self.keys = graph, keys

    def __dask_graph__(self):
        return self.graph

    def __dask_keys__(self):
        return self.keys

    def __dask_postcompute__(self):
        return tuple_of, ("end",)

    def __dask_postpersist__(self):
        return Tuple, (self.keys,)

    def __dask_tokenize__(self):
        return self.keys


def tuple_of(results, last):
    return (*results, last)


GRAPH = {"x": 1, ("y", 0): (add, "x", 10), ("y", 1): (sum, ["x", ("y", 0), (add, "x", "x")]), "z": ("y", 1)}


@pytest.mark.parametrize("scheduler", ["sync", "threads", "processes", "green"])
def test_keys_of_a_plain_graph(scheduler):
    assert get(GRAPH, "z", scheduler=scheduler) == 14
    assert get(GRAPH, [["x", ("y", 0)], "z"], scheduler=scheduler) == ((1, 11), 14)


def test_only_what_is_needed_runs():
    graph = {"a": (add, 1), "boom": (operator.truediv, 1, 0)}
    assert get(graph, "a") == 1


def test_dictionaries_and_values_of_a_plain_graph():
    graph = {"a": 1, "d": {"k": "a", "l": ["a", 5]}, "f": (len, "d"), "s": "not a key", "t": (1, 2)}
    assert get(graph, ["d", "f", "s", "t"]) == ({"k": 1, "l": [1, 5]}, 2, "not a key", (1, 2))


def test_a_missing_key_and_a_cycle_are_named():
    with pytest.raises(KeyError, match="'nowhere' is not a key"):
        get(GRAPH, "nowhere")
    with pytest.raises(GraphError, match="'a' -> 'b' -> 'a'"):
        get({"a": (add, "b"), "b": (add, "a")}, "a")


def test_a_long_plain_chain():
    graph = {("c", 0): 0, **{("c", i): (add, ("c", i - 1), "one") for i in range(1, 50_000)}, "one": 1}
    assert get(graph, ("c", 49_999), scheduler="sync") == 49_999


def test_a_value_that_looks_like_its_own_key():
    assert get({0: 0, 1: 0, "a": "a"}, [0, 1, "a"]) == (0, 0, "a")


def test_a_node_shows_its_graph():
    x = delayed(add)(1, 2, dask_key_name="x")
    y = delayed(add)(x, y=[3], scale={"s": x}, dask_key_name="y")
    assert is_dask_collection(y)
    graph = y.__dask_graph__()
    assert graph["x"] == (add, 1, 2)
    assert graph["y"] == (apply, add, ["x"], (dict, [["y", [3]], ["scale", (dict, [["s", "x"]])]]))
    assert y.__dask_keys__() == ["y"]


@pytest.mark.parametrize(
    "argument", [["x"], (1, "x"), {"k": ("x", 1)}, {"x"}, slice(0, "x"), (add, 1, 2), "x", ("x", [1]), {"k": [add]}]
)
def test_what_leaves_as_a_plain_graph_means_the_same(argument):
    """A text "x" is no reference, a tuple with a function no task: only where nodes stood are references."""
    x = delayed(int)(5, dask_key_name="x")
    node = delayed(list_of)(argument, [x, (x, {"a": x})], x)
    graph = graph_of([node])
    assert get(graph, node.key, scheduler="sync") == node.compute(scheduler="sync")
    assert node.compute(scheduler="sync")[0] == argument


def list_of(*values):
    return list(values)


def test_a_function_as_scheduler_gets_a_plain_graph():
    seen = []

    def mine(graph, keys, **options):
        seen.append((sorted(graph), keys, options))
        return get(graph, keys, scheduler="sync")

    x = delayed(add)(1, dask_key_name="x")
    assert compute(x, [x, 5], scheduler=mine, color="red") == (1, [1, 5])
    assert seen == [(["x"], ["x", "x"], {"color": "red"})]


def test_collections_of_others_are_computed():
    other = Tuple(GRAPH, ["x", "z"])
    assert is_dask_collection(other)
    ours = delayed(len)([other, other])
    assert compute(other, {"deep": [other]}, ours) == ((1, 14, "end"), {"deep": [(1, 14, "end")]}, 2)
    assert delayed(max)(delayed(operator.getitem)(other, slice(0, 2))).compute() == 14


@pytest.mark.parametrize("scheduler", ["sync", "threads", "processes", "green", get_sync])
def test_collections_of_others_run_on_all_schedulers(scheduler):
    other, ours = Tuple(GRAPH, ["x", ("y", 1)]), delayed(add)(2, dask_key_name="two")
    assert compute(other, [other, ours], scheduler=scheduler) == ((1, 14, "end"), [(1, 14, "end"), 2])
    kept, node = persist(other, delayed(len)(other), scheduler=scheduler)
    assert kept.graph == {"x": 1, ("y", 1): 14}
    assert compute(kept, node, scheduler=scheduler) == ((1, 14, "end"), 3)


def test_collections_of_others_are_persisted():
    other, node, plain = persist(Tuple(GRAPH, ["x", "z"]), delayed(add)(2, dask_key_name="two"), 3)
    assert other.graph == {"x": 1, "z": 14}
    assert (node.key, node.compute()) == ("two", 2)
    assert plain == 3


def test_what_has_no_graph_now_is_a_value():
    empty = Tuple(None, [])
    assert not is_dask_collection(empty)
    assert not is_dask_collection(Tuple)
    assert compute(empty) == (empty,)


def test_an_optimization_of_theirs_is_used():
    class Optimized(Tuple):
        def __dask_optimize__(self, graph, keys):
            return {**graph, "z": 100}

    assert compute(Optimized(GRAPH, ["z"])) == ((100, "end"),)


def test_nodes_rebuilt_from_results_keep_their_key():
    node = delayed(add)(1, dask_key_name="x")
    rebuild, further = node.__dask_postpersist__()
    assert rebuild({"x": 7}, *further).compute() == 7
    renamed = rebuild({"new": 8}, *further, rename={"x": "new"})
    assert (renamed.key, renamed.compute()) == ("new", 8)


def test_nodes_of_one_graph_share_what_they_need():
    nodes = nodes_of(GRAPH, ["z", ("y", 0)])
    assert set(nodes) == set(GRAPH)
    assert tokenize(nodes["z"]) == tokenize(nodes["z"])
