"""Figures of what profilers recorded."""

import operator
import sys

import pytest

from plait.lazy import compute, delayed
from plait.lazy.diagnostics import CacheProfiler, Profiler, ResourceProfiler
from plait.lazy.diagnostics.figures import get_colors, visualize

pytest.importorskip("bokeh")


def graph():
    return delayed(operator.add)(delayed(abs)(-1), delayed(abs)(-2))


def record(profiler):
    with profiler:
        compute(graph(), scheduler="threads")
    return profiler


def data(figure):
    return [renderer.data_source.data for renderer in figure.renderers]


def test_tasks_have_a_box_each():
    profiler = record(Profiler())
    figure = profiler.visualize(show=False, save=False)
    (boxes,) = data(figure)
    assert sorted(boxes["function"]) == ["abs", "abs", "add"]
    assert sorted(boxes["task"]) == ["abs(-1)", "abs(-2)", boxes["task"][-1]]
    assert all(0 <= left <= figure.x_range.end for left in boxes["x"])
    assert boxes["width"] == [each.end_time - each.start_time for each in profiler.results]
    same, other = boxes["color"][:2], boxes["color"][2]
    assert same[0] == same[1] != other


def test_what_is_held_grows_and_ends_at_nothing():
    figure = record(CacheProfiler(metric=lambda _: 5, metric_name="bytes")).visualize(show=False, save=False)
    assert figure.yaxis[0].axis_label == "Cache Size (bytes)"
    by_name = {renderer.name: renderer.data_source.data["y"] for renderer in figure.renderers}
    assert by_name == {"abs": [5, 10, 5, 0], "add": [5, 0]}


def test_resources_have_two_axes():
    figure = record(ResourceProfiler(dt=0.01)).visualize(show=False, save=False)
    assert [renderer.y_range_name for renderer in figure.renderers] == ["default", "memory"]


def test_figures_of_several_share_the_time():
    profilers = [record(Profiler()), record(CacheProfiler())]
    grid = visualize(profilers, show=False, save=False, title="both")
    first, second = (each[0] for each in grid.children)
    assert first.x_range is second.x_range
    assert first.x_range.end == profilers[1].end_time - profilers[0].start_time
    assert (first.title.text, second.title) == ("both", None)


@pytest.mark.parametrize("profiler", [Profiler, CacheProfiler, ResourceProfiler])
def test_nothing_recorded_is_an_empty_figure(profiler):
    assert data(profiler().visualize(show=False, save=False)) == []


def test_the_file(tmp_path):
    record(Profiler()).visualize(filename=str(tmp_path / "profile.html"), show=False)
    assert "abs(-2)" in (tmp_path / "profile.html").read_text()


@pytest.mark.parametrize(("palette", "count", "distinct"), [("Blues", 5, 5), ("Blues", 11, 11), ("Viridis", 300, 254)])
def test_colours_are_as_different_as_there_are(palette, count, distinct):
    assert len(set(get_colors(palette, range(count)))) == distinct


def test_without_bokeh_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "bokeh", None)
    with pytest.raises(ImportError, match=r"plait\[diagnostics\]"):
        Profiler().visualize()
