"""Cache: what is kept is not computed again."""

import operator
import sys

import pytest

from plait.lazy import get
from plait.lazy.caching import Cache
from plait.lazy.callbacks import Callback

cachey = pytest.importorskip("cachey")


@pytest.mark.parametrize("scheduler", ["sync", "threads", "green"])
def test_a_kept_result_is_not_computed_again(scheduler):
    ran = []

    def record(x):
        ran.append(x)
        return x + 1

    cache = Cache(cachey.Cache(10_000))
    with cache:
        assert get({"x": (record, 1)}, "x", scheduler=scheduler) == 2
        assert get({"x": (record, 1), "y": (record, 2), "z": (operator.add, "x", "y")}, "z", scheduler=scheduler) == 5
    assert ran == [1, 2]
    assert cache.cache.data["z"] == 5
    assert not cache.starttimes
    assert not cache.durations
    assert not Callback.active


def test_a_result_costs_what_it_was_made_of():
    cache = Cache(10_000)
    with cache:
        get({"x": (list, (range, 100)), "y": (len, "x")}, "y", scheduler="sync")
    assert cache.cache.scorer.cost["x"] < cache.cache.scorer.cost["y"]


def test_bytes_and_other_arguments_make_a_cache():
    cache = Cache(10_000, limit=1)
    assert (cache.cache.available_bytes, cache.cache.limit) == (10_000, 1)


def test_without_cachey_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "cachey", None)
    with pytest.raises(ImportError, match=r"plait\[cache\]"):
        Cache(10_000)
