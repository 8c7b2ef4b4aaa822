"""Results kept between computations, as far as they are worth their memory: `Cache`.

    with Cache(2e9):
        compute(...)

Which results stay is decided by the package `cachey`, by what they cost to make and what they take to hold. A task
whose key is in the cache is not run again, nor is what it alone needs.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any

from plait.lazy.callbacks import Callback
from plait.lazy.sizes import sizeof
from plait.lazy.tasks import DataNode

_OVERHEAD_S = 1e-6  # what a task of no cost is taken to cost


class Cache(Callback):
    """A callback that keeps results. cache: a cachey.Cache, or the bytes that one may take, with its other arguments.

    Raises ImportError where a cache is to be made, and cachey is not installed.
    """

    def __init__(self, cache: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        self.cache = _new_cache(cache, *args, **kwargs) if isinstance(cache, int | float) else cache
        self.starttimes: dict[Any, float] = {}
        self.durations: dict[Any, float] = {}  # of a result and all that it was made of

    def _start(self, graph: dict[Any, Any]) -> None:
        """Put the values that are here in the place of their tasks."""
        graph.update({key: DataNode(key, self.cache.data[key]) for key in graph if key in self.cache.data})

    def _pretask(self, key: Any, _graph: Any, _state: Any) -> None:
        self.starttimes[key] = perf_counter()

    def _posttask(self, key: Any, value: Any, _graph: Any, state: Any, _worker: Any) -> None:
        duration = perf_counter() - self.starttimes.pop(key)
        duration += max((self.durations.get(each, 0.0) for each in state["dependencies"][key]), default=0.0)
        self.durations[key] = duration
        size_bytes = sizeof(value)
        self.cache.put(key, value, cost=(duration + _OVERHEAD_S) / max(size_bytes, 1) / 1e9, nbytes=size_bytes)

    def _finish(self, _graph: Any, _state: Any, _failed: bool) -> None:
        self.starttimes.clear()
        self.durations.clear()


def _new_cache(*args: Any, **kwargs: Any) -> Any:
    try:
        import cachey
    except ImportError:
        raise ImportError('Cache of a number of bytes needs cachey; pip install "plait[cache]"') from None
    return cachey.Cache(*args, **kwargs)
