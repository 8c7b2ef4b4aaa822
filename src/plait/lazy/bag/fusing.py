"""Fusing: chains of steps become one task a partition, when a graph is lowered.

A step is absorbed by its reader where that is the only one, a step too, and takes the partition as an argument (not a
list of partitions, which are to be made in parallel). The task then calls the steps from the outside in; what is
between them stays an iterator, unless the reader needs a list. What several read, or who computes wants, is made once.

Cost: some 3 us a node of graphs with bags, and 0.02 us a node of others while bags are in use.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

from plait.lazy import lowering
from plait.lazy._native.arena import Arena
from plait.lazy._native.nodes import Node, leaf, make_as
from plait.lazy.bag.layers import Piece, Resource, Step
from plait.lazy.bag.streams import concrete

_CONTAINERS = frozenset({list, tuple, set, frozenset, dict, slice})
DEEPEST = 64  # steps in one task: iterators within iterators use the C stack


class Pipeline:
    """Steps within steps as one function, of the arguments of all of them.

    inner: for each argument of `step` another Pipeline that makes it, or None where it is an argument of the whole.
    """

    __slots__ = ("__name__", "depth", "inner", "step")

    def __init__(self, step: Step, inner: tuple[Pipeline | None, ...]) -> None:
        self.step = step
        self.inner = inner
        within = [each for each in inner if each is not None]
        self.depth: int = 1 + max((each.depth for each in within), default=0)
        self.__name__: str = " | ".join([*(each.__name__ for each in within), step.__name__])

    def __reduce__(self) -> tuple[Any, ...]:
        return Pipeline, (self.step, self.inner)

    def __call__(self, *args: Any) -> Any:
        step = self.step
        return concrete(self._stream(iter(args)), step.elements)

    def _stream(self, args: Iterator[Any]) -> Any:
        step = self.step
        values = [_value(next(args)) if each is None else each._given(step, args) for each in self.inner]
        if len(values) == 1:
            return step.call(values.pop())  # nothing else holds on to the partition
        return step.call(*values)

    def _given(self, reader: Step, args: Iterator[Any]) -> Any:
        """What the reader gets of this: an iterator, or a list."""
        value = self._stream(args)
        return value if reader.lazily else concrete(value, self.step.elements)


class _Place(NamedTuple):
    """In arguments: the node of that number."""

    number: int


class _Kept:
    """A constant in the arguments of a pipeline, in which no nodes are looked for."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __reduce__(self) -> tuple[Any, ...]:
        return _Kept, (self.value,)

    def __repr__(self) -> str:
        return repr(self.value)


def _value(argument: Any) -> Any:
    return argument.value if type(argument) is _Kept else argument


def register() -> None:
    """Have graphs with bags fused."""
    lowering.rewrite(Piece, fused)


def fused(arena: Arena, resources: ExitStack) -> list[Any]:
    """The outputs of a graph, with chains of steps made one node each."""
    return _Fusing(arena, resources).run()


class _Fusing:
    """A pass over the nodes in order. A step is pending until a reader absorbs it, or needs it as a node."""

    def __init__(self, arena: Arena, resources: ExitStack) -> None:
        self._arena = arena
        self._resources = resources
        self._wanted = frozenset(arena.outputs)
        self._nodes: dict[int, Any] = {}
        self._pending: dict[int, tuple[Pipeline, list[Any]]] = {}  # a step's function and arguments
        self._pipelines: dict[Any, Pipeline] = {}  # one for all partitions of a layer, so that it travels once

    def run(self) -> list[Any]:
        for number, node in enumerate(self._arena.nodes):
            if type(node._function) is Step:
                self._pending[number] = self._step(number, node)
            else:
                self._nodes[number] = self._other(number, node)
        return [self._node(number) for number in self._arena.outputs]

    def _step(self, number: int, node: Any) -> tuple[Pipeline, list[Any]]:
        """The function and arguments of a step and what it absorbs."""
        inputs = self._arena.inputs(number)
        if len(node._args) == 1 and isinstance(node._args[0], Node) and self._is_absorbed(inputs[0]):
            within, values = self._pending.pop(inputs[0])
            return self._pipeline(node._function, (within,)), values
        inner: list[Pipeline | None] = []
        flat: list[Any] = []
        for template, arg, place in self._arguments(number, node):
            if place >= 0 and self._is_absorbed(place):
                pipeline, values = self._pending.pop(place)
                inner.append(pipeline)
                flat.extend(values)
                continue
            inner.append(None)
            if place >= 0:
                flat.append(self._node(place))
            else:
                flat.append(_Kept(arg) if arg is template and type(arg) in _CONTAINERS else arg)
        return self._pipeline(node._function, tuple(inner)), flat

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

    def _is_absorbed(self, number: int) -> bool:
        """Whether a node has no part but in its only reader, an argument of which it is."""
        pending = self._pending.get(number)
        return (
            pending is not None
            and len(self._arena.readers(number)) == 1
            and number not in self._wanted
            and pending[0].depth < DEEPEST
        )

    def _pipeline(self, step: Step, inner: tuple[Pipeline | None, ...]) -> Pipeline:
        shape = (id(step), *map(id, inner))
        pipeline = self._pipelines.get(shape)
        if pipeline is None:
            pipeline = self._pipelines[shape] = Pipeline(step, inner)
        return pipeline

    def _node(self, number: int) -> Any:
        """The node that takes a node's place: a pending step's is made now."""
        node = self._nodes.get(number)
        if node is None:
            pipeline, flat = self._pending.pop(number)
            node = self._arena.nodes[number]
            if any(pipeline.inner):
                node = make_as(Piece, pipeline, tuple(flat), None, None, None, node.key)
            elif not self._unchanged(number):
                node = make_as(Piece, pipeline.step, tuple(map(_value, flat)), None, None, None, node.key)
            self._nodes[number] = node
        return node

    def _other(self, number: int, node: Any) -> Any:
        """What takes the place of a node that is no step."""
        if type(node._function) is Resource:
            value = node._function.open()
            self._resources.callback(value.close)
            return leaf(value, node.key)
        if self._unchanged(number):
            return node
        args, kwargs = node._filled([self._node(each) for each in self._arena.inputs(number)])
        return make_as(type(node), node._function, args, kwargs, None, node._nout, node.key)

    def _unchanged(self, number: int) -> bool:
        nodes = self._arena.nodes
        return all(self._node(each) is nodes[each] for each in self._arena.inputs(number))
