"""make_people: without the package that makes them, and with it."""

import sys

import pytest

from plait.lazy.datasets import make_people


def test_without_mimesis_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "mimesis", None)
    with pytest.raises(ImportError, match="pip install mimesis"):
        make_people()


def test_the_same_seed_makes_the_same_people():
    pytest.importorskip("mimesis")
    people = make_people(npartitions=2, records_per_partition=3, seed=1).compute(scheduler="sync")
    again = make_people(npartitions=2, records_per_partition=3, seed=1).compute(scheduler="sync")
    assert len(people) == 6
    assert people == again
