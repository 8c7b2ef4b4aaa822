"""The order in which tasks of a plain graph would run: that of the arena, see `_native.arena`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from plait.lazy._native.arena import Arena
from plait.lazy._native.nodes import Node, make_as
from plait.lazy.graphs.walks import get_dependencies, reverse_dict, toposort
from plait.lazy.plain import Graph, identity


class _Key(Node):
    """A key, with those that it needs as inputs."""

    __slots__ = ()
    _kind = 0


def order(dsk: Graph, dependencies: Mapping[Any, Iterable[Any]] | None = None) -> dict[Any, int]:
    """{key: place}: inputs before their readers, each branch to its end before the next begins.

    dependencies: the keys that each value needs, where they are known already. Raises CycleError where keys need each
    other.
    """
    needs = dependencies
    if needs is None:
        needs = {key: get_dependencies(dsk, task=task, as_list=True)[::-1] for key, task in dsk.items()}
    nodes: dict[Any, Any] = {}
    for key in toposort(dsk, needs):
        inputs = tuple([nodes[each] for each in needs[key] if each in nodes])
        nodes[key] = make_as(_Key, identity, inputs, None, None, None, key)
    needed = reverse_dict({key: needs[key] for key in nodes})
    arena = Arena([node for key, node in nodes.items() if not needed[key]])
    return {node.key: place for place, node in enumerate(arena.nodes)}


def ndependencies(
    dependencies: Mapping[Any, Iterable[Any]], dependents: Mapping[Any, Iterable[Any]]
) -> tuple[dict[Any, int], dict[Any, int]]:
    """For each key how many keys it needs, and how many that are with all that these need, each way counted."""
    total: dict[Any, int] = {}
    for key in toposort(dict.fromkeys(dependencies), dependencies):
        total[key] = 1 + sum(total[each] for each in dependencies[key])
    return {key: len(set(each)) for key, each in dependencies.items()}, total
