"""The order in which tasks of a plain graph would run, which is the arena's (see `_native.arena`); what that costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

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


class OrderInfo(NamedTuple):
    """What an order means for one key."""

    order: int  # its place
    age: int  # how many tasks run from it to the last that needs it
    num_data_when_run: int  # values held when it begins
    num_data_when_released: int  # values held when the last that needs it begins
    num_dependencies_freed: int  # values that nobody needs any more after it


def diagnostics(
    dsk: Graph, o: Mapping[Any, int] | None = None, dependencies: Mapping[Any, Iterable[Any]] | None = None
) -> tuple[dict[Any, OrderInfo], list[int]]:
    """What running tasks one by one in some order holds: by key, and how many values there are as each task begins.

    o: {key: place}, by default that of order(). A value is held until its last reader has run; one without readers is
    given away at once.
    """
    needs = {
        key: set(get_dependencies(dsk, task=dsk[key]) if dependencies is None else dependencies[key]) for key in dsk
    }
    places = order(dsk, dependencies) if o is None else o
    run = sorted(dsk, key=places.__getitem__)
    last_reader = {need: key for key in run for need in needs[key]}
    read_up: dict[Any, list[Any]] = {key: [] for key in run}
    for need, reader in last_reader.items():
        read_up[reader].append(need)
    held, pressure = 0, []
    for key in run:
        pressure.append(held)
        held += (key in last_reader) - len(read_up[key])
    at = {key: place for place, key in enumerate(run)}
    ends = {key: at[last_reader.get(key, key)] for key in run}
    told = {
        key: OrderInfo(places[key], ends[key] - at[key], pressure[at[key]], pressure[ends[key]], len(read_up[key]))
        for key in places
    }
    return told, pressure


def ndependencies(
    dependencies: Mapping[Any, Iterable[Any]], dependents: Mapping[Any, Iterable[Any]]
) -> tuple[dict[Any, int], dict[Any, int]]:
    """For each key how many keys it needs, and how many that are with all that these need, each way counted."""
    total: dict[Any, int] = {}
    for key in toposort(dict.fromkeys(dependencies), dependencies):
        total[key] = 1 + sum(total[each] for each in dependencies[key])
    return {key: len(set(each)) for key, each in dependencies.items()}, total
