"""dask.base.collections_to_expr: what collections are made of, as one object with a graph."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from plait.lazy.graphs.converting import convert_legacy_graph
from plait.lazy.graphs.culling import cull
from plait.lazy.graphs.layered import HighLevelGraph
from plait.lazy.graphs.walks import flatten
from plait.lazy.protocol import is_dask_collection


class GraphExpression:
    """The graph of some collections, and the keys of their outputs."""

    def __init__(self, graph: HighLevelGraph, keys: list[Any]) -> None:
        self._graph = graph
        self._keys = keys

    def optimize(self, fuse: bool = False) -> GraphExpression:
        """What the outputs need. Nothing is fused: that happens when a graph is lowered."""
        kept = cull(self._graph.to_dict(), list(flatten(self._keys)))[0]
        return GraphExpression(HighLevelGraph({"culled": kept}, {"culled": set()}), self._keys)

    def __dask_graph__(self) -> dict[Any, Any]:
        return convert_legacy_graph(self._graph.to_dict())

    def __dask_keys__(self) -> list[Any]:
        return self._keys


def collections_to_expr(collections: Any, optimize_graph: bool = True) -> GraphExpression:
    """One object for a collection, or several."""
    every: Iterable[Any] = [collections] if is_dask_collection(collections) else collections
    graphs, keys = [], []
    for each in every:
        keys.append(each.__dask_keys__())
        graph = each.__dask_graph__()
        improve = getattr(each, "__dask_optimize__", None) if optimize_graph else None
        graphs.append(graph if improve is None else improve(graph, keys[-1]))
    return GraphExpression(HighLevelGraph.merge(*graphs), keys)
