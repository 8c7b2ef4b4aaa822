"""Figures of what profilers recorded: `visualize`. They are drawn by the package bokeh, the extra `diagnostics`.

    tasks       a lane for each worker, a box for each task, coloured by its function
    resources   CPU and memory over time
    cache       how much of each function's results was held over time

Times are seconds since the profilers were entered. Figures of several profilers share that axis, one below the other.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any

from plait.parallel.naming import call_text, function_name

_TOOLS = "hover,save,reset,xwheel_zoom,xpan"
_SPAN_LEAST = 100  # of an axis of percents or megabytes, so that what stands still looks so


def visualize(
    profilers: Any,
    filename: str = "profile.html",
    show: bool = True,
    save: bool | None = None,
    mode: str | None = None,
    **kwargs: Any,
) -> Any:
    """A figure of what a profiler recorded, or one for several, in which figures are below each other.

    filename: the HTML file that it is written to, unless save=False (in a notebook, it is only with save=True). show:
    have it shown, in the notebook or by a browser. mode: where the file has its scripts from, see bokeh.io.output_file.
    kwargs: palette, label_size (characters of a label), and arguments of bokeh.plotting.figure. Raises ImportError.
    """
    bokeh = _bokeh()
    if "file_path" in kwargs:
        warnings.warn("the file_path keyword argument is deprecated; use filename", FutureWarning, stacklevel=2)
        filename = kwargs.pop("file_path")
    several = isinstance(profilers, Sequence)
    figures = _figures(list(profilers) if several else [profilers], kwargs)
    drawn = bokeh.layouts.gridplot([[each] for each in figures]) if several else figures[0]
    in_notebook = bokeh.io.state.curstate().notebook
    if save or (save is None and not in_notebook):
        bokeh.io.output_file(filename, mode=mode, title="profile")
        if not show:
            bokeh.io.save(drawn)
    if show:
        bokeh.io.show(drawn)
    return drawn


def _bokeh() -> Any:
    try:
        import bokeh
        import bokeh.io
        import bokeh.io.state
        import bokeh.layouts
        import bokeh.models
        import bokeh.palettes
        import bokeh.plotting
    except ImportError:
        raise ImportError('figures of profilers need bokeh; python -m pip install "plait[diagnostics]"') from None
    return bokeh


def _figures(profilers: list[Any], options: dict[str, Any]) -> list[Any]:
    """One a profiler, with one axis of time."""
    begin = min(each.start_time for each in profilers)
    end = max(each.end_time for each in profilers)
    figures: list[Any] = []
    for each in profilers:
        own = {"x_range": figures[0].x_range, "title": None} if figures else {"x_range": [0, max(end - begin, 0)]}
        figures.append(each._plot(begin=begin, **{**options, **own}))
    for figure in figures[:-1]:
        figure.xaxis.axis_label = None
    return figures


def _figure(options: dict[str, Any], **own: Any) -> Any:
    """An empty figure. options: the user's, which hold over those of our `own`."""
    merged = {"title": "Profile Results", "tools": _TOOLS, "toolbar_location": "above", "width": 800, "height": 300}
    figure = _bokeh().plotting.figure(**{**merged, **own, **options})
    figure.grid.grid_line_color = None
    figure.axis.axis_line_color = None
    figure.axis.major_tick_line_color = None
    figure.xaxis.axis_label = "Time (s)"
    return figure


def _hover(figure: Any, *rows: tuple[str, str]) -> None:
    """What a look at a point says."""
    for tool in figure.select(_bokeh().models.HoverTool):
        tool.tooltips = list(rows)
        tool.point_policy = "follow_mouse"


def plot_tasks(
    results: Sequence[Any], begin: float = 0.0, palette: str = "Viridis", label_size: int = 60, **kwargs: Any
) -> Any:
    """A lane for each worker. results: TaskData."""
    lanes = {worker: lane for lane, worker in enumerate(dict.fromkeys(each.worker_id for each in results))}
    figure = _figure(kwargs, y_range=[str(lane) for lane in lanes.values()] or ["0"])
    figure.yaxis.axis_label = "Worker ID"
    if results:
        names = [name_of(each.task) for each in results]
        figure.rect(
            x="x",
            y="y",
            height=1,
            width="width",
            color="color",
            line_color="gray",
            source=_bokeh().plotting.ColumnDataSource(
                {
                    "x": [(each.start_time + each.end_time) / 2 - begin for each in results],
                    "y": [str(lanes[each.worker_id]) for each in results],
                    "width": [each.end_time - each.start_time for each in results],
                    "color": get_colors(palette, names),
                    "function": names,
                    "task": [task_label(each.task, label_size) for each in results],
                    "key": [_cut(str(each.key), label_size) for each in results],
                }
            ),
        )
    _hover(figure, ("Key", "@key"), ("Task", "@task"), ("Function", "@function"))
    return figure


def plot_resources(
    results: Sequence[Any], begin: float = 0.0, palette: str = "Viridis", label_size: int = 60, **kwargs: Any
) -> Any:
    """CPU and memory. results: ResourceData, or tuples of its three values."""
    models = _bokeh().models
    figure = _figure(kwargs, y_range=_range([cpu for _, _, cpu in results]))
    figure.extra_y_ranges = {"memory": models.Range1d(*_range([memory for _, memory, _ in results]))}
    figure.yaxis.axis_label = "% CPU"
    colors = get_colors(palette, ["cpu", "memory", ""])
    times = [time - begin for time, _, _ in results]
    if results:
        figure.line(times, [cpu for _, _, cpu in results], color=colors[0], line_width=4, legend_label="% CPU")
        figure.line(
            times,
            [memory for _, memory, _ in results],
            color=colors[1],
            line_width=4,
            y_range_name="memory",
            legend_label="Memory",
        )
    figure.add_layout(models.LinearAxis(y_range_name="memory", axis_label="Memory (MB)"), "right")
    return figure


def plot_cache(
    results: Sequence[Any],
    begin: float = 0.0,
    metric_name: str = "count",
    palette: str = "Viridis",
    label_size: int = 60,
    **kwargs: Any,
) -> Any:
    """What was held of each function's results. results: CacheData."""
    figure = _figure(kwargs)
    figure.yaxis.axis_label = f"Cache Size ({metric_name})"
    names = [name_of(each.task) for each in results]
    for name, color in dict(zip(names, get_colors(palette, names), strict=True)).items():
        times, sizes = _held([each for each, of in zip(results, names, strict=True) if of == name])
        label = _cut(name, label_size)
        figure.step([time - begin for time in times], sizes, mode="after", color=color, line_width=3, name=label)
    _hover(figure, ("Function", "$name"))
    return figure


def _held(results: Iterable[Any]) -> tuple[list[float], list[Any]]:
    """When what is held changed, and to how much."""
    changes = sorted(
        [(each.cache_time, each.metric) for each in results] + [(each.free_time, -each.metric) for each in results]
    )
    return [time for time, _ in changes], list(accumulate(change for _, change in changes))


def _range(values: Sequence[float]) -> tuple[float, float]:
    """An axis for some values, which is not too short."""
    low = min(values, default=0)
    return low, max(max(values, default=0), low + _SPAN_LEAST)


def name_of(task: Any) -> str:
    """The function of a task, by name."""
    if isinstance(task, tuple) and task and callable(task[0]):
        return function_name(task[0])
    return function_name(task.func) if hasattr(task, "func") else type(task).__name__


def task_label(task: Any, size: int) -> str:
    """A task as a call, in so many characters."""
    if isinstance(task, tuple) and task and callable(task[0]):
        return _cut(call_text(task[0], task[1:], {}), size)
    if hasattr(task, "func"):
        return _cut(call_text(task.func, task.args, task.kwargs), size)
    return _cut(repr(task), size)


def _cut(text: str, size: int) -> str:
    return text if len(text) <= size else f"{text[: size - 3]}..."


def get_colors(palette: str, names: Sequence[Any]) -> list[str]:
    """A colour of a palette of bokeh's for each name: equal ones for equal names, as far as there are enough.

    Raises KeyError for a palette that there is not.
    """
    sizes = _bokeh().palettes.all_palettes[palette]
    unique = list(dict.fromkeys(names))
    count = len(unique)
    colors = sizes[min((size for size in sizes if size >= count), default=max(sizes))]
    if count < len(colors):
        colors = [colors[place * len(colors) // count] for place in range(count)]
    chosen = {name: colors[place % len(colors)] for place, name in enumerate(unique)}
    return [chosen[name] for name in names]
