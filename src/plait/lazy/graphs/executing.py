"""A graph of task objects, or of tuples, computed where the caller is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from plait.lazy.computing import get
from plait.lazy.converting import convert_legacy_graph
from plait.lazy.plain import Graph
from plait.lazy.protocol import flatten
from plait.lazy.tasks import DataNode, GraphNode


def execute_graph(
    dsk: Graph | Iterable[GraphNode], cache: dict[Any, Any] | None = None, keys: Iterable[Any] | None = None
) -> dict[Any, Any]:
    """{key: value}, computed here, for `keys` or for all.

    dsk: a graph, or its task objects. cache: values that are there already; gets the new ones.
    """
    dsk = dsk if isinstance(dsk, Mapping) else {task.key: task for task in dsk}
    known = {} if cache is None else cache
    graph = {**convert_legacy_graph(dsk), **{key: DataNode(key, value) for key, value in known.items()}}
    wanted = list(graph if keys is None else flatten(list(keys)))
    known.update(zip(wanted, get(graph, wanted, scheduler="sync"), strict=True))
    return {key: known[key] for key in wanted}
