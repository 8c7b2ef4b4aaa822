"""Names of dask.base that say in dask's way what `plait.lazy` does."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

from plait.lazy import computing, gets, schedulers
from plait.lazy._native.arena import Arena
from plait.lazy._native.nodes import Template, leaf
from plait.lazy.drawing import visualize
from plait.lazy.executors import is_pool
from plait.lazy.locks import SerializableLock
from plait.lazy.plain import graph_of, nodes_of
from plait.lazy.protocol import Foreign, outputs_of


class DaskMethodsMixin:
    """compute(), persist() and visualize() for a collection of a library's own."""

    __slots__ = ("__weakref__",)

    def compute(self, **kwargs: Any) -> Any:
        (value,) = computing.compute(self, traverse=False, **kwargs)
        return value

    def persist(self, **kwargs: Any) -> Any:
        (kept,) = computing.persist(self, traverse=False, **kwargs)
        return kept

    def visualize(self, filename: str = "mydask", format: str | None = None, **kwargs: Any) -> Any:
        return visualize(self, filename=filename, format=format, **kwargs)

    def __await__(self) -> Iterator[Any]:
        raise NotImplementedError("a collection can be awaited with an asynchronous Client alone")


def get_scheduler(get: Any = None, scheduler: Any = None, collections: Any = None, cls: Any = None) -> Any:
    """The function get(graph, keys) that a computation would run on; None where nobody says one."""
    if get is not None:
        raise TypeError("get= is no option any more; pass the function as scheduler=")
    engine = schedulers.engine(scheduler)
    if engine is not None:
        return engine.get
    asked = schedulers.configured(scheduler)
    if asked is None and cls is not None:
        asked = getattr(cls, "__dask_scheduler__", None)
    if asked is None and collections:
        wanted = {getattr(each, "__dask_scheduler__", None) for each in collections} - {None}
        if len(wanted) > 1:
            raise ValueError("collections with different default schedulers; say which with scheduler=")
        asked = wanted.pop() if wanted else None
    if isinstance(asked, str):
        if asked.lower() not in schedulers.named:
            raise ValueError(f"scheduler={asked!r} is not known; pass one of {', '.join(map(repr, schedulers.named))}")
        return schedulers.named[asked.lower()]
    return gets.Get("get", schedulers.scheduler(asked), "On a pool.") if is_pool(asked) else asked  # type: ignore[arg-type]


def get_scheduler_lock(collection: Any = None, scheduler: Any = None) -> Any:
    """A lock that those who compute a collection share: threads, processes, or the workers of a client."""
    engine = schedulers.engine(scheduler)
    if engine is not None:
        return import_module("distributed").Lock()
    chosen = get_scheduler(scheduler=scheduler, collections=None if collection is None else [collection])
    if chosen is gets.get_processes:
        from multiprocessing import Manager

        return Manager().Lock()
    return SerializableLock()


def unpack_collections(*args: Any, traverse: bool = True) -> tuple[list[Any], Callable[[list[Any]], tuple[Any, ...]]]:
    """The collections among some values, each once, and a function that puts other values in their places."""
    listed = [list(each) if traverse and isinstance(each, Iterator) else each for each in args]
    template = Template(listed, traverse)
    nodes = template.nodes
    found: dict[Any, int] = {}  # key -> position
    collections: list[Any] = []
    for node in nodes:
        if node.key not in found:
            found[node.key] = len(collections)
            collections.append(node.collection if isinstance(node, Foreign) else node)
    places = [found[node.key] for node in nodes]

    def repack(values: Any) -> tuple[Any, ...]:
        values = list(values)
        return template.fill([values[place] for place in places])

    return collections, repack


def compute_as_if_collection(
    cls: Any, dsk: Any, keys: Any, scheduler: Any = None, get: Any = None, **kwargs: Any
) -> Any:
    """The values of some keys of a graph, optimized and scheduled as those of a collection's class would be."""
    chosen = get_scheduler(get=get, scheduler=scheduler, cls=cls)
    optimize = getattr(cls, "__dask_optimize__", None)
    if optimize is not None:
        dsk = optimize(dsk, keys, **kwargs)
    return computing.get(dsk, keys, scheduler=chosen, **kwargs)


class GraphOfCollections:
    """The graph of some collections, as dask's expressions show it."""

    def __init__(self, collections: Any) -> None:
        self._nodes = outputs_of(Template(collections).nodes)

    def __dask_graph__(self) -> dict[Any, Any]:
        return graph_of(self._nodes)

    def __dask_keys__(self) -> list[Any]:
        return [node.key for node in self._nodes]

    def __dask_annotations__(self) -> dict[str, dict[Any, Any]]:
        """What is said of each key, by what is said."""
        said: dict[str, dict[Any, Any]] = {}
        for node in Arena(self._nodes).nodes:
            for name, value in (node._annotations or {}).items():
                said.setdefault(name, {})[node.key] = value
        return said

    def optimize(self, fuse: bool = False) -> GraphOfCollections:
        """Itself: nodes are fused when they run."""
        return self


def collections_to_expr(collections: Any, optimize_graph: bool = True) -> GraphOfCollections:
    """The graph of one collection, or of some."""
    return GraphOfCollections([*collections] if isinstance(collections, list | tuple) else [collections])


def dont_optimize(dsk: Any, keys: Any, **kwargs: Any) -> Any:
    """The graph as it is."""
    return dsk


def visualize_dsk(dsk: Any, filename: str | None = "mydask", format: str | None = None, **kwargs: Any) -> Any:
    """Draw a plain graph as it is. kwargs: as of `plait.lazy.visualize`."""
    return visualize(*nodes_of(dsk, dsk).values(), filename=filename, format=format, **kwargs)


def to_task_dask(expr: Any) -> tuple[Any, dict[Any, Any]]:
    """A value as a plain graph says it: a task of keys, and the graph that has these. Deprecated, for delayed()."""
    warnings.warn("to_task_dask is deprecated; use delayed(value), and its graph", UserWarning, stacklevel=2)
    node = leaf(expr, traverse=True)
    graph = graph_of([node])
    return graph.pop(node.key), graph
