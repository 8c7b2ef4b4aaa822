"""checkpoint, wait_on, bind, clone: when collections run, and that values stay."""

import pytest

from plait.lazy import compute, delayed, get
from plait.lazy.bag import from_sequence
from plait.lazy.graphs.holding import bind, checkpoint, clone, wait_on
from plait.lazy.graphs.layered import HighLevelGraph
from plait.lazy.key_names import renamed


class Collection:
    """A collection of another library: its value is the tuple of its outputs."""

    def __init__(self, graph, keys):
        self.graph, self.keys = graph, keys

    def __dask_graph__(self):
        return self.graph

    def __dask_keys__(self):
        return self.keys

    def __dask_layers__(self):
        return tuple(dict.fromkeys(key[0] if isinstance(key, tuple) else key for key in self.keys))

    def __dask_postcompute__(self):
        return tuple, ()

    def __dask_postpersist__(self):
        return self.rebuilt, (self.keys,)

    @staticmethod
    def rebuilt(graph, keys, *, rename=None):
        return Collection(graph, [renamed(key, rename) for key in keys] if rename else keys)

    def value(self):
        return compute(self, scheduler="sync")[0]


class Recorder:
    """A function that notes what it was called with."""

    def __init__(self):
        self.calls = []

    def __call__(self, value):
        self.calls.append(value)
        return value

    def __dask_tokenize__(self):
        return id(self)


def pair(record, layered):
    graph = {"a": {("a", 0): (record, 1), ("a", 1): (record, 2)}, "b": {"b": (sum, [("a", 0), ("a", 1)])}}
    if layered:
        low = HighLevelGraph({"a": graph["a"]}, {"a": set()})
        return Collection(low, list(graph["a"])), Collection(HighLevelGraph(graph, {"a": set(), "b": {"a"}}), ["b"])
    return Collection(graph["a"], list(graph["a"])), Collection({**graph["a"], **graph["b"]}, ["b"])


both = pytest.mark.parametrize("layered", [False, True])


@both
def test_a_checkpoint_runs_all_and_gives_nothing(layered):
    record = Recorder()
    low, high = pair(record, layered)
    assert checkpoint(low, {"x": [high]}, delayed(record)(3)).compute(scheduler="sync") is None
    assert sorted(record.calls) == [1, 2, 3]


def test_a_checkpoint_of_nothing_is_there():
    assert checkpoint(1, [2]).compute() is None


@pytest.mark.parametrize(("split_every", "tasks"), [(2, 99), (3, 50), (8, 15), (None, 15), (8.5, 15), (False, 1)])
def test_a_checkpoint_waits_for_so_many_at_a_time(split_every, tasks):
    values = [delayed(i) for i in range(100)]
    assert len(checkpoint(*values, split_every=split_every).__dask_graph__()) == 200 + tasks


@pytest.mark.parametrize(("split_every", "error"), [(1, ValueError), (0, ValueError), ({0: 2}, TypeError)])
def test_a_checkpoint_that_would_never_end_is_refused(split_every, error):
    with pytest.raises(error, match="split_every"):
        checkpoint(delayed(1), split_every=split_every)


@both
def test_what_waits_has_its_value_when_all_are_computed(layered):
    record = Recorder()
    low, _ = pair(record, layered)
    other = delayed(record)("other")
    waiting, _ = wait_on(low, other)
    first = Collection(waiting.graph, [waiting.keys[0]])
    assert first.value() == (1,)
    assert sorted(map(str, record.calls)) == ["1", "2", "other"]


def test_values_in_containers_stay_where_they_are():
    out = wait_on(delayed(1), {"x": [delayed(2)]})
    assert compute(*out) == (1, {"x": [2]})


def test_bags_wait_too():
    assert wait_on(from_sequence([1, 2, 3], npartitions=2)).compute(scheduler="sync") == [1, 2, 3]


@both
def test_a_bound_copy_begins_when_its_parents_are_computed(layered):
    record = Recorder()
    _, high = pair(record, layered)
    bound = bind(high, delayed(record)("parent"), seed=1)
    assert bound.value() == (3,)
    assert record.calls[0] == "parent"
    assert not set(bound.graph) & set(high.graph)


@both
def test_what_is_omitted_is_read_as_it_is(layered):
    record = Recorder()
    low, high = pair(record, layered)
    bound = bind(high, delayed(record)("parent"), omit=low, seed=1)
    assert set(low.graph) <= set(bound.graph)
    assert bound.value() == (3,)
    assert "b" not in bound.graph


@both
def test_a_clone_shares_no_keys_and_is_the_same_for_the_same_seed(layered):
    _, high = pair(Recorder(), layered)
    one, same, other = clone(high, seed=1), clone(high, seed=1), clone(high, seed=2)
    assert dict(one.graph) == dict(same.graph)
    assert not set(one.graph) & set(high.graph) and not set(one.graph) & set(other.graph)
    assert one.value() == high.value() == (3,)


def test_delayed_values_are_cloned_and_come_back_as_such():
    inner = delayed(sum)([1, 2])
    outer = delayed(pow)(inner, 2)
    copy = clone(outer, omit=inner)
    assert type(copy) is type(outer) and copy.key != outer.key
    assert inner.key in copy.__dask_graph__()
    assert copy.compute() == get(copy.__dask_graph__(), copy.key) == 9
