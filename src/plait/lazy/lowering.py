"""Lowering: from output nodes to the arena that runs, by way of what collections make of their own nodes.

A collection registers a rewriting for the class of its nodes. It is asked where such a node takes part, after equal
nodes have become one and the readers are known, and gives output nodes that compute the same. What a run needs for
itself, such as a directory, a rewriting registers with the given ExitStack, which is closed when the run is over,
however it ends.

Plans of expressions (`expressions`) come first, and become layers; then layers of blocks (`blocks`), which become
nodes. Both register what they become, for running and for being shown.

Cost: nothing where nothing is registered; else 0.02 us a node.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from typing import Any, TypeAlias

from plait.lazy._native.arena import Arena
from plait.lazy._native.nodes import Node, make_as

Rewriting: TypeAlias = Callable[[Arena, ExitStack], list[Any]]

Showing: TypeAlias = Callable[[Arena], list[Any]]

_plans: dict[type[Node], tuple[Rewriting, Showing]] = {}
_layers: dict[type[Node], tuple[Rewriting, Showing]] = {}
_rewritings: dict[type[Node], Rewriting] = {}


def rewrite(kind: type[Node], rewriting: Rewriting) -> None:
    """Have graphs with nodes of a class rewritten: rewriting(arena, resources of the run) -> output nodes."""
    _rewritings[kind] = rewriting


def plan(kind: type[Node], run: Rewriting, shown: Showing) -> None:
    """Have graphs with nodes of a class, which are plans, given layers in their place: to be run, and to be shown."""
    _plans[kind] = run, shown


def expand(kinds: Iterable[type[Node]], run: Rewriting, shown: Showing) -> None:
    """Have graphs with nodes of some classes, which stand for many, expanded: to be run, and to be shown."""
    for kind in kinds:
        _layers[kind] = run, shown


def show(outputs: list[Any]) -> Arena:
    """The arena of some nodes as others see it: expanded, and not rewritten."""
    arena = Arena(outputs)
    for stage in (_plans, _layers):
        while found := _kinds(arena, stage):  # layers may be made of nodes that hold further plans
            arena = Arena(stage[found[0]][1](arena))
    return arena


def _kinds(arena: Arena, registered: Mapping[type[Node], Any]) -> list[type[Node]]:
    """The classes among those registered that an arena has nodes of."""
    if not registered:
        return []
    kinds = set(map(type, arena.nodes))
    return [kind for kind in registered if kind in kinds]


def rebuilt(node: Any, inputs: list[Any]) -> Any:
    """A node on other inputs, with all else that it is."""
    args, kwargs = node._filled(inputs)
    new: Any = make_as(type(node), node._function, args, kwargs, None, node._nout, node.key)
    for kind in type(node).__mro__:
        for name in kind.__dict__.get("__slots__", ()):
            if hasattr(node, name):
                setattr(new, name, getattr(node, name))
    return new


def lower(outputs: list[Any], resources: ExitStack) -> Arena:
    """The arena of some nodes. resources: closed by the caller when the run is over."""
    arena = Arena(outputs)
    for stage in (_plans, _layers):
        while found := _kinds(arena, stage):
            arena = Arena(stage[found[0]][0](arena, resources))
    for kind in _kinds(arena, _rewritings):
        arena = Arena(_rewritings[kind](arena, resources))
    return arena
