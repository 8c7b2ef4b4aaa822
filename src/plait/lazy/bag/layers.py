"""Layers: how the partitions of a bag are made of those of others. One lazy node a partition.

A layer is symbolic until somebody asks: it has a label, what it is told apart by (`identity`), the layers that it
reads, and a function that makes its nodes. Its name, label-token, is made once, when it is asked for or run; equal
definitions have equal names, so they run once a computation. Its nodes are made once too, and have the keys (name, 0),
(name, 1), ..., or the name itself where the layer is a single value.

Each node calls a `Step`. A step that is read once, by another step, is absorbed by it when the graph is lowered (see
`fusing`): so a chain of layers is one task a partition, and elements pass through it one by one.

Cost: some 5 us a layer, and when it runs 0.5 us a partition and the token of its functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from typing import Any, TypeAlias

from plait.lazy._native.nodes import Node, Template, make_as
from plait.lazy.annotating import annotate_as, annotations_here
from plait.lazy.bag.streams import OPEN, Bound, concrete
from plait.lazy.handles import Delayed
from plait.lazy.tokens import tokenize
from plait.parallel.naming import function_name

_SCALARS = frozenset({int, float, complex, bool, str, bytes, type(None)})

Make: TypeAlias = Callable[[list[Any]], list[Any]]  # of the keys of the nodes that it makes


class Step:
    """What one node of a layer does with its partition; what comes as an iterator leaves a task as a list.

    elements: look at the elements too, which a function may give as iterators.
    lazily: the call may be given an iterator instead of a list, which it uses once.
    """

    __slots__ = ("__name__", "call", "elements", "lazily")

    def __init__(self, call: Callable[..., Any], name: str, elements: bool = False, lazily: bool = True) -> None:
        self.call = call
        self.__name__ = name
        self.elements = elements
        self.lazily = lazily

    def __call__(self, *args: Any) -> Any:
        return concrete(self.call(*args), self.elements)

    def __reduce__(self) -> tuple[Any, ...]:
        return Step, (self.call, self.__name__, self.elements, self.lazily)

    def __repr__(self) -> str:
        return f"Step({self.__name__})"


class Piece(Node):
    """A node of a layer: a partition, or a value that partitions are reduced to."""

    __slots__ = ()
    _kind = 0


class Layer:
    """Some nodes that are made together. See the module."""

    __slots__ = ("_annotations", "_make", "_name", "_nodes", "count", "identity", "inputs", "label", "single")

    def __init__(
        self,
        label: str,
        identity: Sequence[Any],
        inputs: Iterable[Layer],
        count: int,
        make: Make,
        single: bool = False,
        name: Any = None,
    ) -> None:
        self.label = label
        self.identity = identity
        self.inputs = tuple(inputs)
        self.count = count
        self.single = single
        self._make = make
        self._name: Any = name
        self._nodes: list[Any] | None = None
        self._annotations = annotations_here()

    @property
    def name(self) -> Any:
        for layer in unsettled(self, lambda layer: layer._name is not None):
            layer._name = f"{layer.label}-{tokenize(layer.label, *layer.identity)}"
        return self._name

    @property
    def keys(self) -> list[Any]:
        return [self.name] if self.single else [(self.name, i) for i in range(self.count)]

    @property
    def nodes(self) -> list[Any]:
        for layer in unsettled(self, lambda layer: layer._nodes is not None):
            keys = layer.keys
            with annotate_as(layer._annotations):
                layer._nodes = layer._make(keys)
        assert self._nodes is not None
        return self._nodes

    def __dask_tokenize__(self) -> Any:
        return self.name

    def __reduce__(self) -> tuple[Any, ...]:
        return given, (self.nodes, self.name, self.single)


def unsettled(layer: Layer, settled: Callable[[Layer], bool]) -> Iterator[Layer]:
    """The layer and those it is made of that are not settled yet, inputs first: chains may be of any length."""
    stack = [layer]
    while stack:
        last = stack[-1]
        if settled(last):
            stack.pop()
            continue
        waiting = [each for each in last.inputs if not settled(each)]
        if waiting:
            stack.extend(waiting)
        else:
            stack.pop()
            yield last


def given(nodes: list[Any], name: Any, single: bool = False) -> Layer:
    """A layer of nodes that there are already."""
    return Layer("", (), (), len(nodes), lambda _: nodes, single, name)


def source(label: str, identity: Sequence[Any], call: Callable[..., Any], rows: Sequence[tuple[Any, ...]]) -> Layer:
    """A layer that reads no other: one call a partition, of arguments that hold no nodes."""
    step = Step(call, label)

    def make(keys: list[Any]) -> list[Any]:
        return [piece(step, row, key, traverse=False) for row, key in zip(rows, keys, strict=True)]

    return Layer(label, identity, (), len(rows), make)


def blockwise(label: str, identity: Sequence[Any], step: Step, count: int, arguments: Sequence[Any]) -> Layer:
    """A layer whose i-th partition is a step of the i-th partitions of others, and of other values.

    arguments: of the step, in order; a `Partitioned` stands for its partitions, anything else for itself, where values
    that are lazy are computed first.
    """
    inputs = [layer for each in arguments if (layer := getattr(each, "_layer", None)) is not None]
    inputs.extend(each.layer for each in arguments if isinstance(each, Partitioned))
    moves = [_moves(each) for each in arguments]
    moving = [each for each, is_open in zip(arguments, moves, strict=True) if is_open]
    if len(moving) < len(arguments):
        fixed = [OPEN if is_open else each for each, is_open in zip(arguments, moves, strict=True)]
        step = Step(Bound(step.call, fixed), step.__name__, step.elements, step.lazily)

    def make(keys: list[Any]) -> list[Any]:
        if len(moving) == 1 and isinstance(moving[0], Partitioned):
            return [piece(step, (node,), key) for node, key in zip(moving[0].layer.nodes, keys, strict=True)]
        columns = [each.layer.nodes if isinstance(each, Partitioned) else repeat(each) for each in moving]
        return [piece(step, row, key) for row, key in zip(zip(*columns, strict=False), keys, strict=False)]

    return Layer(label, identity, inputs, count, make)


def _moves(argument: Any) -> bool:
    """Whether an argument is a node's own: a partition, or what holds something lazy."""
    kind = type(argument)
    if kind is Partitioned or kind in _SCALARS:
        return kind is Partitioned
    return hasattr(argument, "_layer") or bool(Template([argument]).nodes)


class Partitioned:
    """In the arguments of a blockwise layer: the i-th partition of another."""

    __slots__ = ("layer",)

    def __init__(self, layer: Layer) -> None:
        self.layer = layer


def piece(step: Callable[..., Any], args: tuple[Any, ...], key: Any, traverse: bool = True) -> Any:
    """A node that does a step."""
    return make_as(Piece, step, args, None, None, None, key, traverse)


def named(prefix: str, function: Any) -> str:
    """A label that shows the user's function."""
    return f"{prefix}-{function_name(function)}" if callable(function) else prefix


def as_delayed(node: Any) -> Delayed:
    """The same call, under the same key, as a delayed object."""
    if isinstance(node, Delayed):
        return node
    args, _ = node._filled(list(node._inputs))
    with annotate_as(node._annotations):
        lazy: Delayed = make_as(Delayed, node._function, args, None, None, None, node.key, bool(node._inputs))
    return lazy
