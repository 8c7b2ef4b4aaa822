"""Schedulers as functions get(graph, keys, **options) on plain graphs: the form in which other libraries pass them.

`named` maps the names that `scheduler=` takes to them; a program may add functions of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plait.lazy import computing, schedulers
from plait.lazy.schedulers import Scheduler, named


class Get:
    """A scheduler of ours as a function. variable: where in this module it is, for pickle."""

    def __init__(self, name: str, scheduler: Scheduler, doc: str, variable: str | None = None) -> None:
        self.__name__ = self.__qualname__ = name
        self._variable = variable or name
        self.__doc__ = doc
        self.__plait_scheduler__ = scheduler

    def __call__(self, dsk: Mapping[Any, Any], keys: Any, num_workers: int | None = None, **options: Any) -> Any:
        return computing.get(dsk, keys, scheduler=self, num_workers=num_workers, **options)

    def __reduce__(self) -> str:
        return self._variable

    def __repr__(self) -> str:
        return f"<scheduler {self._variable}>"


get_sync = Get("get_sync", schedulers.sync, "Run the graph in this thread, one task after the other.")
get_threads = Get("get", schedulers.threads, "Run the graph on worker threads.", "get_threads")
get_processes = Get("get", schedulers.processes, "Run the graph on worker processes.", "get_processes")
get_green = Get("get_green", schedulers.green, "Run the graph in greenlets of this thread.")

for _get in (get_sync, get_threads, get_processes, get_green):
    named.update(dict.fromkeys(schedulers.names(_get.__plait_scheduler__), _get))
