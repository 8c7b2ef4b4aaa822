"""Bars and profiles of computations."""

import io
import operator
import time

import pytest

from plait.lazy import delayed, get
from plait.lazy.callbacks import Callback, add_callbacks
from plait.lazy.diagnostics import CacheProfiler, Profiler, ProgressBar, ResourceProfiler
from plait.lazy.diagnostics.progress import format_time

GRAPH = {"a": 1, "b": (operator.add, "a", 2), "c": (operator.mul, "b", "b")}


@pytest.mark.parametrize("scheduler", ["sync", "threads", "processes"])
def test_a_bar_ends_full(scheduler):
    out = io.StringIO()
    with ProgressBar(width=10, out=out) as bar:
        assert get(GRAPH, "c", scheduler=scheduler) == 9
    *_, last = out.getvalue().split("\r")
    assert last.startswith("[##########] | 100% Completed | ")
    assert last.endswith("s\n")
    assert bar.last_duration > 0


def test_a_bar_grows():
    out = io.StringIO()
    with ProgressBar(dt=0.01, out=out):
        delayed(sum)([delayed(time.sleep)(0.1), 0][1:] + [1]).compute()
        node = delayed(len)([delayed(time.sleep)(0.1) for _ in range(4)])
        node.compute(scheduler="sync")
    shares = [int(part.split("|")[1].split("%")[0]) for part in out.getvalue().split("\r")[1:]]
    assert 100 in shares
    assert any(0 < share < 100 for share in shares)
    assert shares[-1] == 100


def test_a_short_computation_is_not_shown():
    out = io.StringIO()
    with ProgressBar(minimum=10, out=out):
        get(GRAPH, "c")
    assert out.getvalue() == ""


def test_a_failed_computation_stops_its_bar():
    out = io.StringIO()
    with ProgressBar(width=4, out=out), pytest.raises(ZeroDivisionError):
        get({"x": (operator.truediv, 1, 0), "y": (abs, "x")}, "y")
    assert "0% Completed" in out.getvalue()
    assert "100%" not in out.getvalue()
    assert not Callback.active


def test_bars_do_not_hide_the_error_of_another_callback():
    bars = [ProgressBar(out=io.StringIO()) for _ in range(8)]  # in no order among callbacks
    with Callback(start=lambda _graph: operator.truediv(1, 0)), add_callbacks(*bars), pytest.raises(ZeroDivisionError):
        get(GRAPH, "c", scheduler="sync")


def test_durations():
    assert [format_time(t) for t in (1.4, 100.4, 10000.4)] == [" 1.4s", " 1min 40.4s", " 2hr 46min 40.4s"]


def test_a_profile_of_tasks():
    with Profiler() as profile:
        get(GRAPH, "c", scheduler="sync")
        get({"d": (abs, -1)}, "d", scheduler="sync")
    assert [each.key for each in profile.results] == ["b", "c", "d"]
    times = [time for each in profile.results for time in (each.start_time, each.end_time)]
    assert times == sorted(times)
    assert profile.start_time <= times[0]
    assert times[-1] <= profile.end_time
    profile.clear()
    assert profile.results == []


def test_a_profile_of_results():
    with CacheProfiler(metric=lambda value: value * 10, metric_name="tens") as profile:
        get(GRAPH, "c", scheduler="sync")
    assert [(each.key, each.metric) for each in profile.results] == [("b", 30), ("c", 90)]
    assert all(each.cache_time <= each.free_time for each in profile.results)


def test_a_profile_of_the_machine():
    with ResourceProfiler(dt=0.01) as profile:
        get({"x": (time.sleep, 0.05)}, "x")
    assert len(profile.results) > 1
    assert all(look.mem > 1 and look.cpu >= 0 for look in profile.results)
    assert not profile._is_running()


def test_a_registered_profile_looks_during_computations_alone():
    profile = ResourceProfiler(dt=0.01)
    profile.register()
    try:
        get({"x": (abs, -1)}, "x")
        assert not profile._is_running()
        assert profile.results
    finally:
        profile.unregister()
