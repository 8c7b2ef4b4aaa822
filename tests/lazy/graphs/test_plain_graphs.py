"""Plain graphs: what values need, and fewer or other tasks that compute the same."""

import operator
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.lazy import config, get, tokenize
from plait.lazy.converting import convert_legacy_graph, parse_input, resolve_aliases
from plait.lazy.graphs.culling import cull, inline, inline_functions
from plait.lazy.graphs.executing import execute_graph
from plait.lazy.graphs.fusing import fuse, fuse_linear, fuse_linear_task_spec
from plait.lazy.graphs.names import iskey, validate_key
from plait.lazy.graphs.ordering import OrderInfo, diagnostics, ndependencies, order
from plait.lazy.graphs.rewriting import RewriteRule, RuleSet, subs
from plait.lazy.graphs.subgraphs import SubgraphCallable
from plait.lazy.graphs.walks import flatten, get_dependencies, get_deps, getcycle, isdag, toposort
from plait.lazy.plain import CycleError, GraphError
from plait.lazy.tasks import Alias, DataNode, Dict, GraphNode, List, Set, Task, TaskRef, Tuple


def inc(x):
    return x + 1


def many(*args, **kwargs):
    return (*args, *kwargs.items())


@st.composite
def graphs(draw):
    """A graph of calls and values whose keys need only earlier ones, and some of its keys."""
    count = draw(st.integers(1, 14))
    graph = {"k0": 1}
    for i in range(1, count):
        read = [f"k{j}" for j in draw(st.lists(st.integers(0, i - 1), max_size=3))]
        form = draw(st.sampled_from(["call", "list", "nested", "alias", "value"]))
        if form == "alias" and read:
            graph[f"k{i}"] = read[0]
        elif form == "list":
            graph[f"k{i}"] = [(many, *read), i]
        elif form == "nested":
            graph[f"k{i}"] = (many, (many, i, [read]), *read)
        elif form == "value":
            graph[f"k{i}"] = i
        else:
            graph[f"k{i}"] = (many, i, *read)
    return graph, draw(st.lists(st.sampled_from(list(graph)), min_size=1, max_size=3))


CHANGES = {
    "cull": lambda graph, keys: cull(graph, keys)[0],
    "inline": lambda graph, keys: inline(graph, keys),
    "inline_functions": lambda graph, keys: inline_functions(graph, keys, [many]),
    "fuse": lambda graph, keys: fuse(graph, keys)[0],
    "fuse wide": lambda graph, keys: fuse(graph, keys, ave_width=5, rename_keys=False)[0],
    "fuse_linear": lambda graph, keys: fuse_linear(graph, keys)[0],
    "tasks": lambda graph, keys: convert_legacy_graph(graph),
    "fused tasks": lambda graph, keys: fuse_linear_task_spec(convert_legacy_graph(graph), keys),
    "resolved": lambda graph, keys: resolve_aliases(
        convert_legacy_graph(graph), keys, get_deps(convert_legacy_graph(graph))[1]
    ),
}


@pytest.mark.parametrize("name", CHANGES)
@settings(max_examples=40, deadline=None)
@given(case=graphs())
def test_a_changed_graph_computes_the_same(name, case):
    graph, keys = case
    assert get(CHANGES[name](graph, keys), keys, scheduler="sync") == get(graph, keys, scheduler="sync")


@settings(max_examples=40, deadline=None)
@given(case=graphs())
def test_an_order_has_inputs_before_their_readers(case):
    graph, _ = case
    places = order(graph)
    assert sorted(places.values()) == list(range(len(graph)))
    assert all(places[each] < places[key] for key in graph for each in get_dependencies(graph, key))
    sorted_keys = toposort(graph)
    assert all(sorted_keys.index(e) < sorted_keys.index(key) for key in graph for e in get_dependencies(graph, key))


def test_what_an_order_holds():
    graph = {"a": (inc, 1), "b": (inc, "a"), "c": (inc, 2), "d": (operator.add, "b", "c")}
    info, pressure = diagnostics(graph, {"a": 0, "b": 1, "c": 2, "d": 3})
    assert pressure == [0, 1, 1, 2]
    assert info["a"] == OrderInfo(
        order=0, age=1, num_data_when_run=0, num_data_when_released=1, num_dependencies_freed=0
    )
    assert info["b"] == OrderInfo(1, 2, 1, 2, 1)
    assert info["d"] == OrderInfo(3, 0, 2, 2, 2)
    assert max(diagnostics(graph)[1]) == 2
    assert diagnostics({"x": (inc, 1), "y": (inc, 2)})[1] == [0, 0]


def test_an_order_ends_one_branch_before_it_begins_the_next():
    graph = {("a", i): i for i in range(3)} | {("b", i): (inc, ("a", i)) for i in range(3)}
    graph["end"] = (sum, [("b", i) for i in range(3)])
    places = order(graph)
    assert sorted(places, key=places.__getitem__) == [
        *(key for i in range(3) for key in [("a", i), ("b", i)]),
        "end",
    ]


def test_keys_are_counted_with_all_that_they_need():
    needs, readers = get_deps({"a": 1, "b": (inc, "a"), "c": (many, "a", "b")})
    assert ndependencies(needs, readers) == ({"a": 0, "b": 1, "c": 2}, {"a": 1, "b": 2, "c": 4})


def test_a_circle_is_found_and_shown():
    graph = {"a": (inc, "b"), "b": (inc, "c"), "c": (inc, "a"), "d": 1}
    assert getcycle(graph, "a")[0] == getcycle(graph, "a")[-1]
    assert not isdag(graph, "a") and isdag(graph, "d")
    with pytest.raises(CycleError, match="a -> b -> c -> a"):
        toposort(graph)


def test_dependencies_are_found_at_any_depth():
    graph = {"x": 1, "y": 2, "z": (many, (inc, [["x"]]), {"name": "y"}, "other")}
    assert get_dependencies(graph, "z") == {"x", "y"}
    with pytest.raises(ValueError, match="neither key nor task"):
        get_dependencies(graph)


def test_a_flat_list_has_what_is_in_lists_and_leaves_tuples():
    assert list(flatten([["a", ("b", 1)], [["c"]]])) == ["a", ("b", 1), "c"]


@pytest.mark.parametrize("key", ["x", 1, 1.5, b"x", ("x", 1), ("x", ("y", 2.0))])
def test_keys_are_of_builtin_types(key):
    assert iskey(key)
    validate_key(key)


@pytest.mark.parametrize(("key", "message"), [([1], "list"), (("x", None), "index=1"), (("x", ("y", {})), "index=1")])
def test_what_is_no_key_is_named(key, message):
    assert not iskey(key)
    with pytest.raises(TypeError, match=message):
        validate_key(key)


def test_a_key_is_replaced_at_any_depth_and_what_has_none_stays_the_same_object():
    assert subs((many, [1, ["x"]], "y"), "x", 2) == (many, [1, [2]], "y")
    data = object()
    assert subs(data, "x", 1) is data


def test_fused_tasks_have_names_of_their_parts_unless_keys_are_to_stay():
    graph = {"a": 1, "b": (inc, "a"), "c": (inc, "b")}
    assert fuse(graph)[0] == {"a-b-c": (inc, (inc, 1)), "c": "a-b-c"}
    assert fuse(graph, rename_keys=False)[0] == {"c": (inc, (inc, 1))}
    assert fuse(graph, ["b"], rename_keys=False)[0] == {"b": (inc, 1), "c": (inc, "b")}


def test_what_is_needed_twice_is_not_put_in_and_not_run_twice():
    graph = {"b": (many, 1), "c": (many, "b", "b")}
    assert fuse(graph)[0] == graph


def test_fusing_may_be_turned_off():
    graph = {"a": 1, "b": (inc, "a")}
    with config.set({"optimization.fuse.active": False}):
        assert fuse(graph)[0] == graph


def test_rules_rewrite_from_the_inside_out():
    rules = RuleSet(RewriteRule((operator.add, "a", "a"), (operator.mul, "a", 2), ("a",)))
    term = (operator.add, (operator.add, 1, 1), (operator.add, 1, 1))
    assert rules.rewrite(term) == (operator.mul, (operator.mul, 1, 2), 2)
    assert rules.rewrite((operator.add, 1, 2)) == (operator.add, 1, 2)
    with pytest.raises(TypeError, match="is no rule"):
        rules.add((inc, 1))


def test_a_graph_is_a_function():
    call = SubgraphCallable({"b": (operator.add, "x", "y"), "c": (inc, "b")}, "c", ("x", "y"))
    assert call(1, 2) == 4
    assert pickle.loads(pickle.dumps(call)) == call
    with pytest.raises(ValueError, match="1 arguments for 2 keys"):
        call(1)


# Task objects.


def test_task_objects_come_in_and_arguments_stay_what_they_are():
    graph = {
        "a": DataNode("a", ("x", 1)),
        "b": Task("b", many, TaskRef("a"), "a", k=TaskRef("a")),
        "c": Alias("c", "b"),
        "d": Task("d", many, List(TaskRef("a"), Task(None, inc, 1)), Dict(k=TaskRef("a")), Tuple(1, TaskRef("a"))),
        "e": (many, "a", TaskRef("a")),
    }
    a = ("x", 1)
    assert get(graph, ["a", "b", "c", "d", "e"]) == (
        a,
        (a, "a", ("k", a)),
        (a, "a", ("k", a)),
        ([a, 2], {"k": a}, (1, a)),
        (a, a),
    )


def test_a_reference_to_what_there_is_not_is_named():
    with pytest.raises(GraphError, match="'b' needs 'a'"):
        get({"b": Task("b", inc, TaskRef("a"))}, "b")


def test_task_objects_of_another_library_come_in():
    class Theirs:
        dependencies = frozenset(("a",))
        is_coro = False

        def substitute(self, subs, key=None):
            return self

        def __call__(self, values):
            return values["a"] + 1

    assert get({"a": 1, "b": Theirs()}, "b") == 2


def test_a_task_can_be_called_with_the_values_that_it_needs():
    task = Task("b", many, TaskRef("a"), Task(None, inc, TaskRef("c")))
    assert task.dependencies == {"a", "c"}
    assert task({"a": 1, "c": 2}) == (1, 3)
    with pytest.raises(RuntimeError, match="missing the values of 'c'"):
        task({"a": 1})


@pytest.mark.parametrize(
    "task",
    [
        Task("a", many, 1, TaskRef("b"), k=2),
        Alias("a", "b"),
        DataNode("a", [1]),
        List(TaskRef("b"), 1),
        Dict({"k": TaskRef("b")}),
        Set(1, 2),
    ],
)
def test_task_objects_can_be_sent_and_are_equal_by_what_they_say(task):
    copy = pickle.loads(pickle.dumps(task))
    assert copy == task and copy.dependencies == task.dependencies
    assert task.substitute({"b": "c"}).dependencies == ({"c"} if task.dependencies else set())


class Marked(Task):
    __slots__ = ("mark",)

    def __init__(self, *args, mark, **kwargs):
        self.mark = mark
        super().__init__(*args, **kwargs)


def test_a_task_of_a_subclass_keeps_what_it_has():
    task = Marked("a", inc, TaskRef("x"), mark="m").substitute({"x": "y"})
    assert (type(task), task.mark, task.dependencies, task({"y": 1})) == (Marked, "m", {"y"}, 2)
    assert task.substitute({"y": "y"}) is task


def test_dicts_of_tasks_are_equal_in_any_order():
    one = Dict(a=Task("p", inc, 1), b=2)
    other = Dict(b=2, a=Task("p", inc, 1))
    assert one == other and hash(one) == hash(other) and tokenize(one) == tokenize(other)
    assert one != Dict(a=2, b=Task("p", inc, 1))


def test_fused_task_objects_need_what_comes_from_outside():
    fused = GraphNode.fuse(Task("a", inc, TaskRef("x")), Task("b", inc, TaskRef("a")))
    assert (fused.key, fused.dependencies, fused({"x": 1})) == ("b", {"x"}, 3)
    with pytest.raises(ValueError, match="multiple outputs, .'a', 'b'"):
        GraphNode.fuse(Task("a", inc, 1), Task("b", inc, 1))


def test_containers_with_references_become_task_objects_and_others_stay():
    plain = [1, {"a": (2,)}]
    assert parse_input(plain) is plain
    said = parse_input([1, {"a": (TaskRef("x"),)}])
    assert said({"x": 5}) == [1, {"a": (5,)}]


def test_a_graph_is_executed_into_a_cache():
    cache = {"a": 1}
    assert execute_graph({"a": 0, "b": (inc, "a")}, cache, ["b"]) == {"b": 2}
    assert cache == {"a": 1, "b": 2}
