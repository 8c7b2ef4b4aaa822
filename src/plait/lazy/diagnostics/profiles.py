"""Records of a computation: when each task ran, and what was held when."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any, NamedTuple

from plait.lazy.callbacks import Callback


class TaskData(NamedTuple):
    """One task: when it ran (seconds of time.perf_counter), and the ident of the thread that told."""

    key: Any
    task: Any
    start_time: float
    end_time: float
    worker_id: Any


class CacheData(NamedTuple):
    """One result: how large it was by some measure, when it came and when it was let go."""

    key: Any
    task: Any
    metric: Any
    cache_time: float
    free_time: float


class _Recorder(Callback):
    """A callback that collects `results` over the computations within one `with`."""

    def __init__(self) -> None:
        super().__init__()
        self.results: list[Any] = []
        self.start_time = self.end_time = 0.0

    def __enter__(self) -> _Recorder:
        self.clear()
        self.start_time = perf_counter()
        super().__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        self.end_time = perf_counter()

    def clear(self) -> None:
        """Forget what was recorded."""
        self.results = []

    def visualize(self, **kwargs: Any) -> Any:
        """A figure of what was recorded: see `plait.lazy.diagnostics.figures.visualize`, for its parameters too."""
        from plait.lazy.diagnostics.figures import visualize

        return visualize(self, **kwargs)


class Profiler(_Recorder):
    """When each task began and ended: `results`, a list of TaskData, in the order of their ends."""

    def __init__(self) -> None:
        super().__init__()
        self._begun: dict[Any, float] = {}

    def _pretask(self, key: Any, _graph: Any, _state: Any) -> None:
        self._begun[key] = perf_counter()

    def _posttask(self, key: Any, _value: Any, graph: Any, _state: Any, worker: Any) -> None:
        now = perf_counter()
        self.results.append(TaskData(key, graph[key], self._begun.pop(key, now), now, worker))

    def _finish(self, _graph: Any, _state: Any, _failed: bool) -> None:
        self._begun.clear()

    def _plot(self, **options: Any) -> Any:
        from plait.lazy.diagnostics.figures import plot_tasks

        return plot_tasks(self.results, **options)


class CacheProfiler(_Recorder):
    """How long each result was held: `results`, a list of CacheData, in the order in which they were let go.

    metric: a function of a result, its size by some measure; every result counts 1 without it. metric_name: what it is
    called.
    """

    def __init__(self, metric: Callable[[Any], Any] | None = None, metric_name: str | None = None) -> None:
        super().__init__()
        self._metric = metric or _one
        self._metric_name = metric_name or str(getattr(metric, "__name__", "count"))
        self._held: dict[Any, tuple[Any, float]] = {}

    def _posttask(self, key: Any, value: Any, graph: Any, state: dict[str, Any], _worker: Any) -> None:
        self._held[key] = self._metric(value), perf_counter()
        for each in [each for each in self._held if each in state["released"]]:
            self._let_go(each, graph)

    def _finish(self, graph: Any, _state: Any, _failed: bool) -> None:
        for key in list(self._held):
            self._let_go(key, graph)

    def _plot(self, **options: Any) -> Any:
        from plait.lazy.diagnostics.figures import plot_cache

        return plot_cache(self.results, metric_name=self._metric_name, **options)

    def _let_go(self, key: Any, graph: Any) -> None:
        measure, came = self._held.pop(key)
        self.results.append(CacheData(key, graph[key], measure, came, perf_counter()))


def _one(_value: Any) -> int:
    return 1
