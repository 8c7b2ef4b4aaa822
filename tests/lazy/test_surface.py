"""What users see around computing: optimize, visualize, annotate, pools of their own, records among arguments."""

import threading
from collections import OrderedDict, namedtuple
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.pool import ThreadPool
from xml.etree import ElementTree

import pytest

from plait import lazy
from plait.lazy import Delayed, annotate, compute, config, delayed, get_annotations, optimize, persist, visualize
from plait.lazy.gets import get_processes, get_sync, get_threads, named
from plait.lazy.key_names import cloned, name_of, renamed
from plait.lazy.protocol import names_of

Pair = namedtuple("Pair", "left right")


@dataclass
class Point:
    x: int
    y: int = 0


@dataclass
class Made:
    x: int
    sum: int = field(init=False, default=0)


class Own:
    """A collection of a library's own, with any keys."""

    __dask_scheduler__ = staticmethod(get_sync)

    def __init__(self, graph, keys):
        self.graph, self.keys = graph, keys

    def __dask_graph__(self):
        return self.graph

    def __dask_keys__(self):
        return self.keys

    def __dask_tokenize__(self):
        return self.keys

    def __dask_postcompute__(self):
        return tuple, ()

    def __dask_postpersist__(self):
        return Own, (self.keys,)


def one():
    return delayed(1) + 0


# -- records -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "value"),
    [
        (lambda: Pair(one(), 2), Pair(1, 2)),
        (lambda: Point(one(), 2), Point(1, 2)),
        (lambda: OrderedDict(a=one(), b=2), OrderedDict(a=1, b=2)),
        (lambda: [Pair(left=[one()], right={"k": Point(one())})], [Pair([1], {"k": Point(1)})]),
        (lambda: iter([one(), 2]), [1, 2]),
    ],
    ids=["named tuple", "dataclass", "ordered dict", "nested", "iterator"],
)
def test_nodes_in_records_are_computed(made, value):
    assert compute(made())[0] == value
    assert delayed(lambda x: x)(made()).compute() == value


def test_records_without_nodes_are_passed_as_they_are():
    point = Point(1)
    assert delayed(lambda x: x)(point).compute() is point


def test_a_dataclass_that_its_fields_do_not_make_is_named():
    class Custom(Point):
        def __init__(self, z):
            self.x, self.y = z, 0

    with pytest.raises(ValueError, match="Made.*`init=False`"):
        delayed(abs)(Made(one()))
    with pytest.raises(TypeError, match="Custom.*custom __init__"):
        delayed(abs)(Custom(one()))


# -- keys ----------------------------------------------------------------------------------------------------------


def test_keys_say_what_a_node_is():
    assert delayed(1).key.startswith("int-")
    assert delayed(len)([1]).key.startswith("len-")
    assert delayed([one(), 2]).key.startswith("list-")


def test_pure_calls_may_be_the_default():
    add = delayed(max)
    assert add(1, 2).key != add(1, 2).key
    with config.set(delayed_pure=True):
        assert add(1, 2).key == add(1, 2).key
        assert add(1, 2, pure=False).key != add(1, 2, pure=False).key


def test_names_in_keys_are_found_replaced_and_cloned():
    assert name_of(("x-1", 0)) == name_of("x-1") == "x-1"
    assert renamed(("x-1", 0), {"x-1": "y"}) == ("y", 0)
    assert renamed("z", {"x-1": "y"}) == "z"
    assert cloned(("x-1", 0), 5) == cloned(("x-1", 0), 5) != cloned(("x-1", 0), 6)
    for function in (name_of, lambda key: renamed(key, {}), lambda key: cloned(key, 0)):
        with pytest.raises(TypeError, match="7 is no key"):
            function(7)
    assert names_of(Own({("a", 0): 1, "b": 2}, [[("a", 0)], "b"])) == {"a", "b"}


def test_a_node_of_a_plain_graph():
    node = Delayed("b", {"a": 1, "b": (max, "a", 5)})
    assert isinstance(node, Delayed)
    assert (node.key, node.compute()) == ("b", 5)
    with pytest.raises(ValueError, match="'c' is not in the graph"):
        Delayed("c", {"a": 1})


# -- schedulers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [ThreadPoolExecutor, ThreadPool, ProcessPoolExecutor])
@pytest.mark.parametrize("how", ["scheduler", "pool", "config"])
def test_a_pool_of_the_users_runs_the_graph(kind, how):
    values = [delayed(lambda x: x * x)(i) for i in range(6)]
    with kind(2) as pool:
        if how == "config":
            with config.set(pool=pool):
                assert compute(delayed(sum)(values)) == (55,)
        else:
            assert compute(delayed(sum)(values), **{how: pool}) == (55,)


@pytest.mark.parametrize("kind", [ThreadPoolExecutor, ThreadPool, ProcessPoolExecutor])
def test_an_error_in_a_pool_of_the_users_names_the_node(kind):
    with kind(2) as pool, pytest.raises(ValueError, match="invalid literal") as caught:
        compute(delayed(int)("x", dask_key_name="bad"), scheduler=pool)
    assert "in bad: int('x')" in caught.value.__notes__


def test_no_more_tasks_are_in_a_pool_than_it_has_workers():
    def ident(_):
        return threading.get_ident()

    with ThreadPoolExecutor(3) as pool:
        assert len(set(compute(*[delayed(ident)(i) for i in range(30)], scheduler=pool))) <= 3


def test_schedulers_as_functions():
    graph = {"x": 1, "y": (max, "x", 5)}
    for get in (get_sync, get_threads, get_processes):
        assert get(graph, ["y", "x"]) == (5, 1)
        assert compute(delayed(abs)(-1), scheduler=get) == (1,)
    assert named["threads"] is get_threads


def test_a_scheduler_may_be_added_by_name():
    named["mine"] = lambda graph, keys, **options: [123 for _ in keys]
    try:
        assert compute(one(), scheduler="mine") == (123,)
    finally:
        del named["mine"]
    with pytest.raises(ValueError, match="'mine' is not known"):
        compute(one(), scheduler="mine")


def test_the_old_word_for_a_scheduler_is_refused():
    with pytest.raises(TypeError, match="scheduler="):
        compute(one(), get=get_sync)


def test_a_collection_without_keys_is_computed():
    assert compute(Own({}, []), one()) == ((), 1)
    assert persist(Own({}, []))[0].keys == []


def test_pure_calls_of_equal_collections_share_a_key():
    graph = {"a": 1}
    keys = {delayed(len, pure=True)(Own(graph, ["a"])).key for _ in range(2)}
    assert len(keys) == 1


def test_tasks_on_threads_see_the_callers_variables():
    from contextvars import ContextVar

    variable = ContextVar("variable", default="none")
    assert compute(delayed(variable.get)()) == ("none",)
    variable.set("set")
    assert set(compute(*[delayed(variable.get)() for _ in range(8)], num_workers=2)) == {"set"}


# -- optimize, visualize, annotate ---------------------------------------------------------------------------------


def test_optimized_collections_have_the_same_values():
    node = one()
    again, nested, three = optimize(node, [node, {"k": Own({"a": 1, "unused": 2}, ["a"])}], 3)
    assert (again.compute(), three) == (1, 3)
    own = nested[1]["k"]
    assert set(own.__dask_graph__()) == {"a"}
    assert compute(own) == ((1,),)


def test_a_plain_picture_has_every_node(tmp_path):
    node = delayed(max)(one(), delayed(abs)(-2))
    text = visualize(node, filename=str(tmp_path / "graph"), engine="plain")
    root = ElementTree.fromstring((tmp_path / "graph.svg").read_text())
    titles = {each.text for each in root.iter("{http://www.w3.org/2000/svg}title")}
    assert titles == {str(key) for key in node.__dask_graph__()}
    assert "max" in str(getattr(text, "data", text))


def test_the_format_may_be_the_files_ending(tmp_path):
    one().visualize(filename=tmp_path / "graph.dot")
    assert (tmp_path / "graph.dot").read_text().startswith("digraph {")
    with pytest.raises(ValueError, match="format='gif'"):
        visualize(one(), format="gif")
    with pytest.raises(ValueError, match="engine='x'"):
        visualize(one(), engine="x")


def test_nodes_carry_the_annotations_of_their_block():
    with annotate(priority=1, workers=["a"]):
        outer = delayed(abs)(1)
        with annotate(priority=2):
            inner = delayed(abs)(1)
        assert get_annotations() == {"priority": 1, "workers": ["a"]}
    after = delayed(abs)(1)
    assert outer._annotations == {"priority": 1, "workers": ["a"]}
    assert inner._annotations == {"priority": 2, "workers": ["a"]}
    assert after._annotations is None
    assert get_annotations() == {}


def test_an_annotation_that_cannot_be_is_refused():
    with pytest.raises(TypeError, match="retries='two'"), annotate(retries="two"):
        pass
    assert lazy.get_annotations() == {}
