"""`optimize`: collections whose graphs are as they would run."""

from __future__ import annotations

from typing import Any

from plait.lazy._native.nodes import Template
from plait.lazy.plain import graph_of
from plait.lazy.protocol import Foreign


def optimize(*collections: Any, traverse: bool = True, **options: Any) -> tuple[Any, ...]:
    """The same collections, with graphs from which what nobody needs is gone.

    Collections inside lists, tuples, sets and dicts are optimized too, unless traverse=False. compute() does the same
    as it runs a graph, and fuses besides, so this is for looking at it, or for handing it on.
    """
    template = Template(collections, traverse)
    return template.fill([_optimized(node) for node in template.nodes])


def _optimized(node: Any) -> Any:
    """A node of ours holds nothing that it does not need."""
    if not isinstance(node, Foreign):
        return node
    rebuild, further = node.collection.__dask_postpersist__()
    return rebuild(graph_of(list(node._inputs)), *further)
