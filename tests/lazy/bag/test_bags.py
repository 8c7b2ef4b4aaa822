import gc
import math
import pickle
import weakref
from collections.abc import Iterator
from operator import add

import pytest

import plait.lazy
from plait.lazy import bag as db
from plait.lazy import delayed


def is_even(x):
    return x % 2 == 0


def add_to(total, x):
    total.add(x)
    return total


@pytest.fixture
def numbers():
    return db.range(20, npartitions=4)


def in_this_thread(lazy):
    return lazy.compute(scheduler="sync")


def test_elements_keep_their_order_on_every_scheduler(scheduler):
    chain = db.range(100, npartitions=7).map(add, 1).filter(is_even).map(str)
    assert chain.compute(scheduler=scheduler) == [str(i) for i in range(1, 101) if i % 2 == 0]


def test_map_takes_bags_items_delayed_values_and_constants(numbers):
    def together(a, b=0, c=0):
        return a, b, c

    total = numbers.sum()
    assert in_this_thread(numbers.map(together, numbers, c=total)) == [(i, i, 190) for i in range(20)]
    assert in_this_thread(numbers.map(together, b=numbers, c=delayed(7))) == [(i, i, 7) for i in range(20)]
    assert in_this_thread(db.map(together, 5, numbers)) == [(5, i, 0) for i in range(20)]


def test_map_of_bags_with_other_lengths_says_which(numbers):
    shorter = db.from_sequence(range(16), npartitions=4)
    with pytest.raises(ValueError, match="5, 4 elements"):
        in_this_thread(numbers.map(add, shorter))
    with pytest.raises(ValueError, match="bags of 2, 4 partitions do not go along"):
        numbers.map(add, db.range(20, npartitions=2))
    with pytest.raises(ValueError, match="no bag among the arguments"):
        db.map(add, 1, 2)


def test_starmap_pluck_flatten_remove_and_unzip():
    pairs = db.from_sequence([(1, 2), (3, 4)], npartitions=2)
    assert in_this_thread(pairs.starmap(add)) == [3, 7]
    assert in_this_thread(pairs.starmap(lambda a, b, c: a + b + c, c=pairs.count())) == [5, 9]
    assert in_this_thread(pairs.pluck(1)) == [2, 4]
    assert in_this_thread(pairs.pluck([1, 0])) == [(2, 1), (4, 3)]
    assert in_this_thread(pairs.pluck([1])) == [(2,), (4,)]
    assert in_this_thread(pairs.flatten().remove(is_even)) == [1, 3]
    assert [in_this_thread(each) for each in pairs.unzip(2)] == [[1, 3], [2, 4]]


def test_pluck_has_a_default_for_what_is_missing():
    words = db.from_sequence(["Hello", "", "World"])
    assert in_this_thread(words.pluck(0, None)) == ["H", None, "W"]
    assert in_this_thread(words.pluck([0, 9], "-")) == [("H", "-"), ("-", "-"), ("W", "-")]
    with pytest.raises(IndexError):
        in_this_thread(words.pluck(0))


def test_elements_that_are_iterators_become_lists():
    def both(x):
        yield x
        yield -x

    assert in_this_thread(db.from_sequence([1, 2], npartitions=1).map(both)) == [[1, -1], [2, -2]]


def test_equal_definitions_have_equal_names_and_others_have_not(numbers):
    def twice(x):
        return 2 * x

    assert numbers.map(twice).name == numbers.map(twice).name
    assert numbers.map(twice).name != numbers.map(add, 1).name
    assert numbers.filter(is_even).name != numbers.remove(is_even).name
    assert numbers.topk(2).name != numbers.topk(3).name
    assert db.from_sequence([1, "a"]).name == db.from_sequence([1, "a"]).name
    assert numbers.map(twice).__dask_keys__()[1] == (numbers.map(twice).name, 1)


def test_a_chain_may_be_of_any_length():
    chain = db.range(4, npartitions=2)
    for _ in range(3000):
        chain = chain.map(add, 1)
    assert in_this_thread(chain) == [3000, 3001, 3002, 3003]


def test_a_chain_is_one_task_a_partition_and_is_passed_through_element_by_element():
    seen = []

    def first(x):
        seen.append(("first", x))
        return x

    def second(x):
        seen.append(("second", x))
        return x

    in_this_thread(db.range(2, npartitions=1).map(first).map(second))
    assert seen == [("first", 0), ("second", 0), ("first", 1), ("second", 1)]


def test_what_two_read_is_made_once():
    calls = []

    def noted(x):
        calls.append(x)
        return x

    one, other = db.range(6, npartitions=2).map(noted), db.range(6, npartitions=2).map(noted)
    assert plait.lazy.compute(one.sum(), other.max(), one, scheduler="sync") == (15, 5, [0, 1, 2, 3, 4, 5])
    assert len(calls) == 6


def test_elements_are_let_go_of_as_soon_as_they_were_used():
    class Thing:
        pass

    alive = weakref.WeakSet()

    def make(_):
        assert not alive
        thing = Thing()
        alive.add(thing)
        return thing

    def drop(thing):
        return 1

    gc.disable()
    try:
        chain = db.range(3, npartitions=1).map(make).map(drop).map(make).map(drop)
        assert in_this_thread(chain.sum()) == 3
    finally:
        gc.enable()


def test_map_partitions_gives_lists_also_within_a_chain(numbers):
    assert in_this_thread(numbers.map(add, 1).map_partitions(len)) == [5, 5, 5, 5]
    assert in_this_thread(numbers.map_partitions(lambda part, more: [x + more for x in part], numbers.min())) == list(
        range(20)
    )
    both = numbers.map_partitions(lambda left, right: map(add, left, right), right=numbers)
    assert in_this_thread(both) == [2 * i for i in range(20)]
    assert numbers.map_partitions(len, token="counted").name.startswith("counted-")


def test_statistics(numbers):
    assert in_this_thread(numbers.sum()) == 190
    assert in_this_thread(numbers.count()) == 20
    assert in_this_thread(numbers.mean()) == 9.5
    assert in_this_thread(numbers.var()) == 33.25
    assert in_this_thread(numbers.var(ddof=1)) == 35
    assert float(numbers.std()) == math.sqrt(33.25)
    assert (in_this_thread(numbers.min()), in_this_thread(numbers.max())) == (0, 19)
    assert (in_this_thread(numbers.any()), in_this_thread(numbers.all())) == (True, False)


def test_the_variance_of_large_numbers_keeps_its_digits():
    values = [1e9 + i for i in (0.5, 1.5, 2.5, 3.5)]
    assert in_this_thread(db.from_sequence(values, npartitions=2).var()) == 1.25
    mixed = db.from_sequence([1, 2, 3.0, 4.0], npartitions=2)
    assert in_this_thread(mixed.var()) == 1.25


def test_partitions_without_elements_take_no_part(numbers):
    few = numbers.filter(lambda x: x == 7)
    assert (in_this_thread(few.max()), in_this_thread(few.min(split_every=2))) == (7, 7)
    assert in_this_thread(numbers.filter(None).filter(lambda x: False).sum()) == 0
    with pytest.raises(ValueError):
        in_this_thread(numbers.filter(lambda x: False).max())
    with pytest.raises(ValueError, match="mean of a bag without elements"):
        in_this_thread(numbers.filter(lambda x: False).mean())


def test_a_fold_begins_each_partition_with_its_own_initial_value(numbers):
    folded = numbers.fold(add_to, set.union, initial=set())
    assert in_this_thread(folded) == set(range(20))
    assert in_this_thread(folded) == set(range(20))
    assert in_this_thread(numbers.fold(add, initial=10)) == 190 + 4 * 10
    assert in_this_thread(numbers.filter(lambda x: False).fold(add, initial=10)) == 10
    assert in_this_thread(numbers.fold(add, split_every=2)) == 190


def test_foldby_frequencies_distinct_and_topk(numbers):
    by_parity = {True: 90, False: 100}
    for every in (None, False, 2, 3):
        assert dict(in_this_thread(numbers.foldby(is_even, add, split_every=every))) == by_parity
        assert dict(in_this_thread(numbers.foldby(is_even, add, 0, add, 0, split_every=every))) == by_parity
    digits = numbers.map(lambda x: x % 3)
    assert in_this_thread(digits.frequencies(sort=True)) == [(0, 7), (1, 7), (2, 6)]
    assert in_this_thread(digits.distinct()) == [0, 1, 2]
    assert in_this_thread(numbers.distinct(is_even)) == [0, 1]
    assert in_this_thread(numbers.topk(2)) == [19, 18]
    pairs = numbers.map(lambda x: (x, -x))
    assert in_this_thread(pairs.topk(1, key=1)) == [(0, 0)]
    assert in_this_thread(pairs.topk(1, key=lambda a, b: b)) == [(0, 0)]


def test_reduction_splits_as_it_is_told(numbers):
    assert in_this_thread(numbers.reduction(len, sum, split_every=2)) == 20
    assert len(numbers.sum(split_every=2).dask) > len(numbers.sum().dask)
    with pytest.raises(ValueError, match="split_every=1 puts nothing together"):
        numbers.sum(split_every=1)


def test_take_warns_where_it_finds_too_few(numbers):
    assert numbers.take(3) == (0, 1, 2)
    assert numbers.take(6, npartitions=-1) == (0, 1, 2, 3, 4, 5)
    with pytest.warns(UserWarning, match="asked for 6 elements, and found 5"):
        assert numbers.take(6) == (0, 1, 2, 3, 4)
    with pytest.raises(ValueError, match="npartitions=5 of a bag that has 4"):
        numbers.take(1, npartitions=5)
    assert isinstance(numbers.take(2, compute=False), db.Bag)


def test_take_computes_no_more_elements_than_it_gives():
    seen = []

    def noted(x):
        seen.append(x)
        return x

    assert in_this_thread(db.range(100, npartitions=1).map(noted).take(2, compute=False)) == [0, 1]
    assert seen == [0, 1]


def test_accumulate_goes_across_partitions_without_elements():
    parts = db.Bag({("p", 0): [], ("p", 1): [1, 2], ("p", 2): [], ("p", 3): [3]}, "p", 4)
    assert in_this_thread(parts.accumulate(add)) == [1, 3, 6]
    assert in_this_thread(parts.accumulate(add, -1)) == [-1, 0, 2, 5]


def test_join_and_product(numbers):
    other = [1, 2, 33]
    joined = [(o, i) for i in range(20) for o in other if o % 4 == i % 4]
    for right in (other, delayed(other), db.from_sequence(other, npartitions=1), db.from_sequence(other)):
        assert in_this_thread(numbers.join(right, lambda x: x % 4)) == joined
    letters = db.from_sequence("ab")
    assert set(in_this_thread(numbers.product(letters))) == {(i, c) for i in range(20) for c in "ab"}
    assert numbers.product(letters).npartitions == 8


def test_concat_zip_and_range():
    one, other = db.range(3, npartitions=1), db.from_sequence("abc", npartitions=1)
    assert in_this_thread(db.concat([one, other])) == [0, 1, 2, "a", "b", "c"]
    assert in_this_thread(db.zip(one, other)) == [(0, "a"), (1, "b"), (2, "c")]
    for count in (1, 7, 28):
        numbers = db.range(100, npartitions=count)
        assert (numbers.npartitions, in_this_thread(numbers)) == (count, list(range(100)))


def test_from_delayed_takes_iterators_and_gives_them_to_several():
    def records(n):
        return ({"n": [i]} for i in range(n))

    bag = db.from_delayed([delayed(records)(3) for _ in range(2)])
    counts = plait.lazy.compute(bag.count(), bag.pluck("n").flatten().count(), scheduler="sync")
    assert counts == (6, 6)


def test_random_sample_is_the_same_each_time_and_by_its_seed(numbers):
    sample = numbers.random_sample(0.5)
    assert in_this_thread(sample) == sample.compute(scheduler="threads")
    assert in_this_thread(numbers.random_sample(0.5, 42)) == in_this_thread(numbers.random_sample(0.5, 42))
    assert numbers.random_sample(0.5).name != sample.name
    with pytest.raises(ValueError, match="prob=1.5 is no probability"):
        numbers.random_sample(1.5)


def test_items_are_numbers_and_arguments(numbers):
    assert int(numbers.sum()) == 190
    assert in_this_thread(numbers.sum().apply(str)) == "190"
    assert delayed(add)(numbers.sum(), 1).compute() == 191
    assert db.Item.from_delayed(delayed(3)).compute() == 3
    assert numbers.sum().to_delayed().compute() == 190
    with pytest.raises(TypeError, match="is not lazy"):
        db.Item.from_delayed(3)


def test_bags_are_arguments_of_delayed_calls_and_are_persisted(numbers):
    assert delayed(sum)(numbers).compute() == 190
    kept = numbers.map(add, 1).persist(scheduler="sync")
    assert kept.name == numbers.map(add, 1).name
    assert len(kept.dask) == 4
    assert in_this_thread(kept) == list(range(1, 21))


def test_bags_and_items_are_pickled(numbers):
    copy, total = pickle.loads(pickle.dumps((numbers.map(add, 1), numbers.sum())))
    assert in_this_thread(copy) == list(range(1, 21))
    assert in_this_thread(total) == 190


def test_a_subclass_stays_one():
    class Records(db.Bag):
        def field(self, name):
            return self.map(lambda record: record[name])

    records = Records(*db.from_sequence([{"a": {"b": "c"}}])._args)
    assert in_this_thread(records.field("a").field("b")) == ["c"]
    assert isinstance(records.field("a"), Records)


def test_graphs_of_partitions_go_out_and_come_in(numbers):
    chain = numbers.map(add, 1)
    again = db.Bag(chain.dask, chain.name, chain.npartitions)
    assert in_this_thread(again) == list(range(1, 21))
    assert plait.lazy.get(chain.dask, chain.__dask_keys__()[1], scheduler="sync") == [6, 7, 8, 9, 10]


def test_an_error_names_the_steps_of_its_task(numbers):
    with pytest.raises(ZeroDivisionError) as caught:
        in_this_thread(numbers.map(lambda x: 1 / x).sum())
    (note,) = caught.value.__notes__
    assert "sum-part" in note
    assert "range | map(<lambda>) | sum-part" in note


def test_text_methods(numbers):
    names = db.from_sequence(["Alice Smith", "Bob Jones"], npartitions=1)
    assert in_this_thread(names.str.lower()) == ["alice smith", "bob jones"]
    assert in_this_thread(names.str.split(" ")) == [["Alice", "Smith"], ["Bob", "Jones"]]
    assert in_this_thread(names.str.match("*Smith")) == ["Alice Smith"]
    assert "split" in dir(names.str)
    with pytest.raises(AttributeError, match="text has no method 'nothing'"):
        names.str.nothing


def test_without_a_scheduler_bags_are_computed_in_processes(numbers):
    import os

    here = os.getpid()
    ids = numbers.map(lambda _: os.getpid())
    assert here not in ids.compute()
    assert here not in plait.lazy.compute(ids, ids.max())[0]
    assert plait.lazy.compute(ids.max(), delayed(os.getpid)()) == (here, here)  # not all are bags
    with plait.lazy.config.set(scheduler="sync"):
        assert set(ids.compute()) == {here}


def test_partitions_that_are_no_iterables_are_the_value(numbers):
    assert in_this_thread(numbers.map_partitions(len)) == [5, 5, 5, 5]
    assert not isinstance(in_this_thread(numbers.map_partitions(iter)), Iterator)


def test_delayed_partitions_keep_their_keys_and_are_fused(numbers):
    calls = []

    def noted(x):
        calls.append(x)
        return x

    chain = numbers.map(noted).map(add, 1)
    parts = chain.to_delayed()
    assert [part.key for part in parts] == chain.__dask_keys__()
    assert isinstance(parts[0], plait.lazy.Delayed)
    values = plait.lazy.compute(*parts, chain, scheduler="sync")
    assert sum(values[:4], []) == values[4] == list(range(1, 21))
    assert len(calls) == 20
    assert numbers.sum().to_delayed().key == numbers.sum().key


def test_the_graph_for_others_has_a_layer_for_each_step(numbers):
    total = numbers.map(add, 1).sum()
    source, chain, end = numbers.name, numbers.map(add, 1).name, total.key
    graph = total.dask
    assert graph.dependencies == {source: set(), chain: {source}, end: {chain}}
    assert set(graph.layers[chain]) == {(chain, i) for i in range(4)}
    assert end in graph.layers[end]
    assert numbers.__dask_layers__() == (source,)
    graph.validate()


def test_graphs_are_drawn(numbers, tmp_path):
    path = tmp_path / "graph.svg"
    numbers.map(add, 1).sum().visualize(filename=str(path))
    assert all(f">{label}<" in path.read_text() for label in ("range", "map(add)", "sum-part", "sum-aggregate"))


def test_annotations_are_those_of_where_a_step_was_written():
    from contextlib import ExitStack

    from plait.lazy import annotate
    from plait.lazy.lowering import lower

    numbers = db.range(4, npartitions=2)
    with annotate(resources={"GPU": 1}):
        marked = numbers.map(add, 1).map(add, 2)
    with annotate(priority=3):
        arena = lower(marked.map(add, 3)._layer.nodes, ExitStack())
    said = [(node._annotations, node._function.__name__) for node in arena.nodes[:3]]
    assert said[0] == (None, "range")
    assert said[1] == ({"resources": {"GPU": 1}}, "map(add) | map(add)")
    assert arena.nodes[2]._annotations == {"priority": 3}
    assert in_this_thread(marked) == [3, 4, 5, 6]


def test_the_graph_as_it_would_run_has_chains_fused(numbers):
    first = numbers.map(add, 1)
    last = first.map(add, 2)
    graph = last.__dask_optimize__(last.dask, last.__dask_keys__())
    assert set(graph) == set(last.__dask_keys__())
    assert plait.lazy.get(graph, last.__dask_keys__()[0], scheduler="sync") == [3, 4, 5, 6, 7]
    kept = last.__dask_optimize__(last.dask, last.__dask_keys__(), fuse_keys=first.__dask_keys__())
    assert set(kept) == {*last.__dask_keys__(), *first.__dask_keys__()}
    grouped = numbers.groupby(lambda x: x % 2)
    parts = plait.lazy.get(grouped.__dask_optimize__(grouped.dask, grouped.__dask_keys__()), grouped.__dask_keys__())
    assert sum(len(part) for part in parts) == 2
