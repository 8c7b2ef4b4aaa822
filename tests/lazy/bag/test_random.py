from collections import Counter
from random import Random

import pytest

from plait.lazy import bag as db
from plait.lazy.bag import random


def in_this_thread(lazy):
    return lazy.compute(scheduler="sync")


@pytest.mark.parametrize("every", [None, 2])
def test_a_sample_takes_each_place_once(every):
    bag = db.range(40, npartitions=7)
    drawn = in_this_thread(random.sample(bag, 15, split_every=every))
    assert len(set(drawn)) == len(drawn) == 15
    assert sorted(in_this_thread(random.sample(bag, 40))) == list(range(40))
    assert in_this_thread(random.sample(bag, 0)) == []


def test_choices_may_take_places_again():
    drawn = in_this_thread(random.choices(db.range(3, npartitions=3), k=50))
    assert len(drawn) == 50
    assert set(drawn) == {0, 1, 2}


def test_a_seed_gives_the_same_again(scheduler):
    bag = db.range(100, npartitions=4)
    for draw in (random.sample, random.choices):
        one = draw(bag, k=5, random_state=7)
        assert one.compute(scheduler=scheduler) == in_this_thread(draw(bag, k=5, random_state=Random(7)))
        assert one.name == draw(bag, k=5, random_state=7).name
        assert draw(bag, k=5).name != draw(bag, k=5).name


@pytest.mark.parametrize("draw", [random.sample, random.choices])
def test_all_elements_are_as_likely_also_of_uneven_partitions(draw):
    bag = db.concat([db.range(1, npartitions=1), db.from_sequence(range(1, 10), npartitions=1)])
    counts = Counter()
    for seed in range(1000):
        counts.update(in_this_thread(draw(bag, k=3, random_state=seed)))
    assert sum(counts.values()) == 3000
    assert all(abs(counts[i] - 300) < 90 for i in range(10))  # five standard deviations; the seeds are fixed


def test_pairs_of_partitions_of_the_same_length_are_drawn_apart():
    bag = db.range(40, npartitions=2)
    picks = [in_this_thread(random.sample(bag, 10, random_state=seed)) for seed in range(20)]
    assert any({x % 20 for x in pick if x < 20} != {x % 20 for x in pick if x >= 20} for pick in picks)


def test_more_than_there_is_is_refused():
    with pytest.raises(ValueError, match="Sample larger than population: 4 of 3 elements"):
        in_this_thread(random.sample(db.range(3, npartitions=3), k=4))
    with pytest.raises(ValueError, match="k=-1 is no number of elements"):
        random.sample(db.range(3, npartitions=3), k=-1)
    with pytest.raises(ValueError, match="Sample larger than population: 1 of 0 elements"):
        in_this_thread(random.choices(db.from_sequence([]), k=2))
