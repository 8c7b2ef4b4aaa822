"""Fusing: chains of steps become one task a partition, when a graph is lowered.

A step is absorbed by its reader where that is the only one, a step too, and takes the partition as an argument (not a
list of partitions, which are to be made in parallel). The task then calls the steps from the outside in; what is
between them stays an iterator, unless the reader needs a list. What several read, or who computes wants, is made once.

Cost: some 3 us a node of graphs with bags, and 0.02 us a node of others while bags are in use.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

from plait.lazy import lowering
from plait.lazy._native.arena import Arena
from plait.lazy._native.nodes import leaf, make_as
from plait.lazy.bag.layers import Piece, Resource, Step
from plait.lazy.bag.streams import concrete

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
    """In arguments: the node of that number, which was absorbed."""

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
    def __init__(self, arena: Arena, resources: ExitStack) -> None:
        self._arena = arena
        self._resources = resources
        self._wanted = set(arena.outputs)
        self._nodes: list[Any] = []  # by number; None for those that are absorbed
        self._absorbed: dict[int, tuple[Pipeline, list[Any]]] = {}
        self._pipelines: dict[Any, Pipeline] = {}  # one for all partitions of a layer, so that it travels once
        self._direct: dict[int, frozenset[int]] = {}  # inputs of a step that are arguments, not within one

    def run(self) -> list[Any]:
        arena = self._arena
        for number, node in enumerate(arena.nodes):
            inputs = arena.inputs(number)
            if _is_step(node):
                self._nodes.append(self._step(number, node, inputs))
            elif type(node) is Piece and type(node._function) is Resource:
                self._nodes.append(self._opened(node))
            elif self._unchanged(inputs):
                self._nodes.append(node)
            else:
                args, kwargs = node._filled([self._nodes[each] for each in inputs])
                self._nodes.append(make_as(type(node), node._function, args, kwargs, None, node._nout, node.key))
        return [self._nodes[number] for number in arena.outputs]

    def _opened(self, node: Any) -> Any:
        value = node._function.open()
        self._resources.callback(value.close)
        return leaf(value, node.key)

    def _step(self, number: int, node: Any, inputs: tuple[int, ...]) -> Any:
        """A node for a step and what it absorbs; None where it is absorbed itself."""
        args, _ = node._filled([_Place(each) if each in self._absorbed else self._nodes[each] for each in inputs])
        inner: list[Pipeline | None] = []
        flat: list[Any] = []
        for arg, template in zip(args, node._args, strict=True):
            if type(arg) is _Place:
                pipeline, values = self._absorbed.pop(arg.number)
                inner.append(pipeline)
                flat.extend(values)
            else:
                inner.append(None)
                flat.append(_kept(arg) if arg is template else arg)
        pipeline = self._pipeline(node._function, tuple(inner))
        if self._is_absorbed(number, pipeline):
            self._absorbed[number] = pipeline, flat
            return None
        if any(inner):
            return make_as(Piece, pipeline, tuple(flat), None, None, None, node.key)
        if self._unchanged(inputs):
            return node
        return make_as(Piece, node._function, args, None, None, None, node.key)

    def _unchanged(self, inputs: tuple[int, ...]) -> bool:
        nodes = self._arena.nodes
        return all(self._nodes[each] is nodes[each] for each in inputs)

    def _pipeline(self, step: Step, inner: tuple[Pipeline | None, ...]) -> Pipeline:
        shape = (id(step), *map(id, inner))
        pipeline = self._pipelines.get(shape)
        if pipeline is None:
            pipeline = self._pipelines[shape] = Pipeline(step, inner)
        return pipeline

    def _is_absorbed(self, number: int, pipeline: Pipeline) -> bool:
        readers = self._arena.readers(number)
        if len(readers) != 1 or number in self._wanted or pipeline.depth >= DEEPEST:
            return False
        return number in self._arguments(readers[0])

    def _arguments(self, number: int) -> frozenset[int]:
        """The inputs that a step has as arguments of their own."""
        found = self._direct.get(number)
        if found is None:
            node = self._arena.nodes[number]
            places: list[Any] = []
            if _is_step(node):
                places = list(node._filled([_Place(each) for each in self._arena.inputs(number)])[0])
            found = self._direct[number] = frozenset(each.number for each in places if type(each) is _Place)
        return found


def _is_step(node: Any) -> bool:
    return type(node) is Piece and type(node._function) is Step


def _kept(value: Any) -> Any:
    return _Kept(value) if type(value) in (list, tuple, set, frozenset, dict) else value
