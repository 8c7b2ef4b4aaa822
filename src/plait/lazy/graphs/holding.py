"""When collections run, apart from what they read: checkpoint, wait_on, bind, clone.

All of them work on what a collection shows by the protocol (see `plait.lazy.protocol`), so on those of any library.
What comes back is of the same kind, with keys of its own.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple

from plait.lazy._native.nodes import Template, make
from plait.lazy.graphs.layered import HighLevelGraph, MaterializedLayer, as_layered
from plait.lazy.graphs.waiting import checked, first
from plait.lazy.key_names import cloned, key_split
from plait.lazy.protocol import Foreign, flatten
from plait.lazy.tokens import tokenize

_SPLIT = 8


def checkpoint(*collections: Any, split_every: float | bool | None = None) -> Any:
    """A Delayed that gives None once some collections, also inside containers, are computed; their values are not kept.

    split_every: how many are waited for by one task, 8 by default; False for all by one. Raises ValueError, TypeError.
    """
    most = _most(split_every)
    nodes = Template(collections).nodes
    waiting = deque(make(checked, (each,), None, None, None, None) for node in nodes for each in _outputs(node))
    while len(waiting) > 1:
        group = tuple([waiting.popleft() for _ in range(int(min(most, len(waiting))))])
        waiting.append(make(checked, group, None, None, None, None))
    return waiting[0] if waiting else make(checked, (), None, None, None, None)


def _outputs(node: Any) -> tuple[Any, ...]:
    return tuple(node._inputs) if isinstance(node, Foreign) else (node,)


def _most(split_every: Any) -> float:
    if split_every is None:
        return _SPLIT
    if split_every is False:
        return float("inf")
    if not isinstance(split_every, int | float):
        raise TypeError(f"split_every={split_every!r} is no number; pass one from 2 on, False, or None")
    if split_every < 2:
        raise ValueError(f"split_every={split_every!r} would never end; pass a number from 2 on, False, or None")
    return int(split_every)


def wait_on(*collections: Any, split_every: float | bool | None = None) -> Any:
    """The collections, each of which has its value only when all of them are computed. One alone comes back alone."""
    blocker = checkpoint(*collections, split_every=split_every)
    return _each(collections, lambda collection: _waiting(collection, blocker))


def _waiting(collection: Any, blocker: Any) -> Any:
    renamed = {name: f"wait_on-{key_split(name)}-{tokenize(name, blocker.key)}" for name in _names(collection)}
    layers: dict[Any, dict[Any, Any]] = {name: {} for name in renamed.values()}
    for key in flatten(collection.__dask_keys__()):
        new = _in_renamed(key, renamed)
        layers[_name(new)][new] = (first, key, blocker.key)
    own = collection.__dask_graph__()
    further = {key: task for key, task in blocker.__dask_graph__().items() if key not in own}
    below = HighLevelGraph.from_collections(blocker.key, further, [collection])
    read = below.dependencies[blocker.key] | {blocker.key}
    graph = HighLevelGraph({**below.layers, **layers}, {**below.dependencies, **dict.fromkeys(layers, read)})
    return _rebuilt(collection, graph, renamed)


def bind(
    children: Any,
    parents: Any,
    *,
    omit: Any = None,
    seed: Hashable = None,
    assume_layers: bool = True,
    split_every: float | bool | None = None,
) -> Any:
    """Copies of collections, of which nothing begins before other collections are computed.

    children, parents, omit: collections, also inside containers. omit: what the children read and is not copied, so it
    does not wait. seed: copies with the same one have the same keys. assume_layers: copy layers of graphs without
    looking at what is in them, where collections have layers.
    """
    blocker = None if parents is None else checkpoint(parents, split_every=split_every)
    omitted = [_collection(node) for node in Template((omit,)).nodes]
    seed = os.urandom(16) if seed is None else seed
    return _each((children,), lambda child: _Copying(child, blocker, omitted, seed, assume_layers).run())


def clone(*collections: Any, omit: Any = None, seed: Hashable = None, assume_layers: bool = True) -> Any:
    """Copies of collections that share no keys with them. Parameters as of bind(). One alone comes back alone."""
    copied = bind(collections, None, omit=omit, seed=seed, assume_layers=assume_layers)
    return copied[0] if len(collections) == 1 else copied


class _Omitted(NamedTuple):
    layers: set[Any]
    keys: set[Any]


class _Copying:
    """A copy of one collection."""

    def __init__(self, child: Any, blocker: Any, omitted: list[Any], seed: Any, assume_layers: bool) -> None:
        self._child = child
        self._blocker = blocker
        self._seed = seed
        graph = child.__dask_graph__()
        whole = not (assume_layers and isinstance(graph, HighLevelGraph))
        name = next(iter(_names(child)))
        self._graph = as_layered(dict(graph), name) if whole else graph
        self._omitted = self._left_out(omitted, whole)

    def _left_out(self, omitted: list[Any], whole: bool) -> _Omitted:
        layers: set[Any] = set()
        keys: set[Any] = set()
        for each in omitted:
            graph = each.__dask_graph__()
            if not whole and isinstance(graph, HighLevelGraph):
                layers.update(graph.layers)
                keys.update(graph.get_all_external_keys())
            else:
                keys.update(graph)
        return _Omitted(layers, keys)

    def run(self) -> Any:
        graph, omitted = self._graph, self._omitted
        copied = set(graph) - omitted.keys
        block = None if self._blocker is None else self._blocker.key
        layers: dict[Any, Any] = {}
        needs: dict[Any, Any] = {}
        for name, layer in graph.layers.items():
            if name in omitted.layers:
                layers[name], needs[name] = layer, graph.dependencies[name]
                continue
            new = self._renamed(name)
            layers[new], waits = layer.clone(copied, self._seed, block, omitted.keys)
            needs[new] = {self._renamed(each) for each in graph.dependencies[name]} | ({block} if waits else set())
        if self._blocker is not None:
            there = {key for layer in layers.values() for key in layer}
            tasks = self._blocker.__dask_graph__().items()
            layers[block] = MaterializedLayer({key: task for key, task in tasks if key not in there})
            needs[block] = set()
        outputs = {_name(key) for key in flatten(self._child.__dask_keys__()) if key in copied}
        return _rebuilt(
            self._child, HighLevelGraph(layers, needs), {name: cloned(name, self._seed) for name in outputs}
        )

    def _renamed(self, name: Any) -> Any:
        return name if name in self._omitted.layers else cloned(str(name), self._seed)


def _each(collections: tuple[Any, ...], change: Any) -> Any:
    """Arguments with each collection in them changed; one argument alone comes back alone."""
    template = Template(collections)
    changed = template.fill([change(_collection(node)) for node in template.nodes])
    return changed[0] if len(changed) == 1 else changed


def _collection(node: Any) -> Any:
    return node.collection if isinstance(node, Foreign) else node


def _rebuilt(collection: Any, graph: HighLevelGraph, renamed: Mapping[Any, Any]) -> Any:
    rebuild, further = collection.__dask_postpersist__()
    return rebuild(graph, *further, rename=renamed)


def _name(key: Any) -> Any:
    return key[0] if isinstance(key, tuple) and key else key


def _names(collection: Any) -> list[Any]:
    """What a collection's keys are called, in order."""
    return list(dict.fromkeys(_name(key) for key in flatten(collection.__dask_keys__())))


def _in_renamed(key: Any, renamed: Mapping[Any, Any]) -> Any:
    return (renamed[key[0]], *key[1:]) if isinstance(key, tuple) and key else renamed[key]
