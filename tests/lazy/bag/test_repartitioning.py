import pytest

from plait.lazy import bag as db
from plait.lazy.bag.repartitioning import memory_of


@pytest.mark.parametrize("before", [1, 2, 7, 11])
@pytest.mark.parametrize("after", [1, 2, 5, 12, 23])
def test_elements_keep_their_order(before, after):
    bag = db.range(100, npartitions=before)
    again = bag.repartition(npartitions=after)
    assert again.npartitions == after
    parts = again.map_partitions(lambda part: [list(part)]).compute(scheduler="sync")
    assert all(parts)
    assert sum(parts, []) == list(range(100))
    assert (again is bag) == (before == after)


def test_partitions_of_a_size_are_cut_and_merged():
    bag = db.concat([db.from_sequence(range(1000), npartitions=1), db.range(50, npartitions=50)])
    (large, *_) = bag.map_partitions(memory_of).compute(scheduler="sync")
    again = bag.repartition(partition_size=large // 3)
    sizes = again.map_partitions(memory_of).compute(scheduler="sync")
    assert max(sizes) <= large // 3 + 100
    assert 4 <= again.npartitions < 10
    assert again.compute(scheduler="sync") == [*range(1000), *range(50)]
    assert bag.repartition(partition_size="1 MiB").npartitions == 1


def test_exactly_one_of_both_is_given():
    bag = db.range(10, npartitions=2)
    with pytest.raises(ValueError, match="pass one of them"):
        bag.repartition()
    with pytest.raises(ValueError, match="pass one of them"):
        bag.repartition(npartitions=5, partition_size="5MiB")
