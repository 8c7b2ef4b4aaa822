"""The graph of a bag for others: its tasks in layers, as it was built; and as it would run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plait.lazy._native.arena import Arena
from plait.lazy.bag.fusing import fused
from plait.lazy.bag.layers import Layer, unsettled
from plait.lazy.containers import ensure_dict
from plait.lazy.graphs.layered import HighLevelGraph
from plait.lazy.plain import graph_of, nodes_of
from plait.lazy.protocol import flatten


def layered(layer: Layer) -> HighLevelGraph:
    """The tasks of a layer and of all that it is made of. Cost: linear, some 3 us a task."""
    tasks = graph_of(layer.nodes)
    layers: dict[Any, dict[Any, Any]] = {}
    needs: dict[Any, set[Any]] = {}
    done: set[Layer] = set()
    taken: set[Any] = set()
    for each in unsettled(layer, done.__contains__):
        done.add(each)
        if each.name not in layers:
            layers[each.name] = _own(each, tasks, taken)
            needs[each.name] = {other.name for other in each.inputs}
    return HighLevelGraph(layers, needs)


def optimized(graph: Mapping[Any, Any], keys: Any, fuse_keys: Any = None, **_: Any) -> dict[Any, Any]:
    """The graph as it would run: what some keys need, chains of steps fused. fuse_keys: more keys, to be kept."""
    wanted = [*flatten(keys), *(fuse_keys or ())]
    nodes = nodes_of(ensure_dict(graph), wanted)
    return graph_of(fused(Arena([nodes[key] for key in wanted]), None))


def _own(layer: Layer, tasks: dict[Any, Any], taken: set[Any]) -> dict[Any, Any]:
    """The tasks of a layer that no layer before it has."""
    own = {}
    waiting = list(reversed(layer.nodes))
    while waiting:
        node = waiting.pop()
        if node.key not in taken:
            taken.add(node.key)
            own[node.key] = tasks[node.key]
            waiting.extend(reversed(node._inputs))
    return own
