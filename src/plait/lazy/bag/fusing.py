"""Fusing: chains of steps become one task a partition, when a graph is lowered.

A step is absorbed by its reader where that is the only one, a step too, and takes the partition as an argument (not a
list of partitions, which are to be made in parallel). The task then calls the steps from the outside in; what is
between them stays an iterator, unless the reader needs a list. What several read, or who computes wants, is made once.

Cost: some 1.5 us a node of graphs with bags, and 0.02 us a node of others while bags are in use.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any, NamedTuple

from plait.lazy import lowering
from plait.lazy._native.arena import Arena
from plait.lazy._native.nodes import Node, make_as
from plait.lazy.annotating import annotate_as
from plait.lazy.bag.layers import Piece, Step
from plait.lazy.bag.pipelines import Kept, Pipeline, unwrapped
from plait.lazy.resources import opened

_CONTAINERS = frozenset({list, tuple, set, frozenset, dict, slice})
DEEPEST = 64  # steps in one task: iterators within iterators use the C stack


class _Place(NamedTuple):
    """In arguments: the node of that number."""

    number: int


def register() -> None:
    """Have graphs with bags fused."""
    lowering.rewrite(Piece, fused)


def fused(arena: Arena, resources: ExitStack | None) -> list[Any]:
    """The outputs of a graph, with chains of steps made one node each.

    resources: of the run, which closes what it needs for itself; without one that is left to be opened.
    """
    return _Fusing(arena, resources).run()


class _Fusing:
    """A pass over the nodes in order. A step is pending until a reader absorbs it, or needs it as a node."""

    def __init__(self, arena: Arena, resources: ExitStack | None) -> None:
        self._arena = arena
        self._resources = resources
        self._read_once = arena.read_once()
        self._nodes: dict[int, Any] = {}
        self._pending: dict[int, tuple[Pipeline, list[Any]]] = {}  # a step's function and arguments
        self._pipelines: dict[Any, Pipeline] = {}  # by head and what is inside it

    def run(self) -> list[Any]:
        for number, node in enumerate(self._arena.nodes):
            function = node._function
            if type(function) is not Step:
                self._nodes[number] = self._other(number, node)
                continue
            args = node._args
            if len(args) == 1 and isinstance(args[0], Node):  # the most frequent case
                (place,) = self._arena.inputs(number)
                pending = self._absorbed(place, node)
                if pending is not None:
                    self._pending[number] = pending[0].then(function), pending[1]
                    continue
            self._pending[number] = self._step(number, node)
        return [self._node(number) for number in self._arena.outputs]

    def _absorbed(self, number: int, reader: Any) -> tuple[Pipeline, list[Any]] | None:
        """A pending step that has no part but in its only reader, an argument of which it is; pending no more."""
        pending = self._pending.get(number)
        if pending is None or not self._read_once[number] or pending[0].depth >= DEEPEST:
            return None
        if reader._annotations != self._arena.nodes[number]._annotations:  # it may be meant for another worker
            return None
        del self._pending[number]
        return pending

    def _step(self, number: int, node: Any) -> tuple[Pipeline, list[Any]]:
        """The function and arguments of a step and what it absorbs."""
        inner: list[Pipeline | None] = []
        flat: list[Any] = []
        for template, arg, place in self._arguments(number, node):
            pending = self._absorbed(place, node)
            if pending is not None:
                inner.append(pending[0])
                flat.extend(pending[1])
                continue
            inner.append(None)
            if place >= 0:
                flat.append(self._node(place))
            else:
                flat.append(Kept(arg) if arg is template and type(arg) in _CONTAINERS else arg)
        shape = (node._function, *inner)
        pipeline = self._pipelines.get(shape)
        if pipeline is None:
            pipeline = self._pipelines[shape] = Pipeline(node._function, tuple(inner))
        return pipeline, flat

    def _arguments(self, number: int, node: Any) -> Iterable[tuple[Any, Any, int]]:
        """Of each argument of a step what it was made of, itself, and the number of the node that it is, or -1."""
        templates = node._args
        inputs = self._arena.inputs(number)
        lazy = [isinstance(each, Node) for each in templates]
        if sum(lazy) == len(inputs):
            numbers = iter(inputs)
            return [
                (each, each, next(numbers) if is_node else -1) for each, is_node in zip(templates, lazy, strict=True)
            ]
        places, _ = node._filled([_Place(each) for each in inputs])
        direct = {each.number for each in places if type(each) is _Place}
        filled, _ = node._filled([None if each in direct else self._node(each) for each in inputs])
        return [
            (template, arg, place.number if type(place) is _Place else -1)
            for template, arg, place in zip(templates, filled, places, strict=True)
        ]

    def _node(self, number: int) -> Any:
        """The node that takes a node's place: a pending step's is made now."""
        node = self._nodes.get(number)
        if node is None:
            pipeline, flat = self._pending.pop(number)
            node = self._arena.nodes[number]
            if pipeline.depth > 1:
                node = _made(node, Piece, pipeline, tuple(flat), None)
            elif not self._unchanged(number):
                node = _made(node, Piece, pipeline.head, tuple(map(unwrapped, flat)), None)
            self._nodes[number] = node
        return node

    def _other(self, number: int, node: Any) -> Any:
        """What takes the place of a node that is no step."""
        resource = opened(node, self._resources)
        if resource is not None:
            return resource
        if self._unchanged(number):
            return node
        args, kwargs = node._filled([self._node(each) for each in self._arena.inputs(number)])
        return _made(node, type(node), node._function, args, kwargs)

    def _unchanged(self, number: int) -> bool:
        nodes = self._arena.nodes
        return all(self._node(each) is nodes[each] for each in self._arena.inputs(number))


def _made(node: Any, kind: type[Node], function: Any, args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> Any:
    """Another call in the place of a node."""
    with annotate_as(node._annotations):
        return make_as(kind, function, args, kwargs, None, node._nout, node.key)
