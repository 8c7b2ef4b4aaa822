"""Layers: all blocks of a collection as one lazy node, whatever their number.

A layer has a name and a number of blocks along each axis. It is a node, its operands are its inputs, so layers form a
graph of their own, which is numbered, unified by name and walked like any other. When a graph is lowered, each layer
becomes its blocks (see `expanding`): nodes with the keys (name, i, j, ...). As the input of any other node, or as
what is computed, a layer is the flat list of its blocks' values, in the order of itertools.product; `nested` gives it
shape.

    blockwise(function, out, (operand, pattern), ...)   block [i, j] of function(operand blocks at their patterns)
    given(nodes, numblocks, name)                       blocks that are nodes already
    made(make, operands, numblocks, name)               blocks that a function makes nodes for, of those of others
    block(layer, index)                                 one block; only what it needs runs

A pattern names an operand's axes by labels. The same label means the same index; one that is not in `out` is gone
over: the function gets a list of blocks, nested where there are several such labels. An axis of one block is repeated.

Cost: some 3 us a layer, and 1 us a block when it is lowered.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from plait.lazy._native.nodes import Node, make_as

Label: TypeAlias = Hashable
Pattern: TypeAlias = tuple[Label, ...]
Index: TypeAlias = tuple[int, ...]


class BlocksError(ValueError):
    """Blocks do not fit together."""


class Layer(Node):
    """The blocks of a collection. numblocks: how many along each axis."""

    __slots__ = ("numblocks",)
    _kind = 0

    numblocks: tuple[int, ...]

    @property
    def name(self) -> Any:
        return self.key

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.key!r}, numblocks={self.numblocks})"

    __hash__ = Node.__hash__


class Blockwise(Layer):
    """function(operands) for each block. out: its axes' labels; patterns: of each operand, None for one that is a
    value.

    names: of the last operands, which are passed as keywords. sizes: label -> how many blocks.
    """

    __slots__ = ("names", "out", "patterns", "sizes")

    out: Pattern
    patterns: tuple[Pattern | None, ...]
    names: tuple[str, ...]
    sizes: dict[Label, int]


class Given(Layer):
    """Blocks that are nodes already: the layer's inputs, in order."""

    __slots__ = ()


class Made(Layer):
    """Blocks for which a function, the node's own, makes nodes."""

    __slots__ = ()


class Block(Node):
    """One block of a layer, its only input."""

    __slots__ = ("index",)
    _kind = 0

    index: Index


class PerBlock:
    """An operand that is known for each block: function(index) -> value, asked when the layer is lowered."""

    __slots__ = ("function",)

    def __init__(self, function: Callable[[Index], Any]) -> None:
        self.function = function

    def __dask_tokenize__(self) -> Any:
        return "PerBlock", self.function

    def __repr__(self) -> str:
        return f"PerBlock({self.function!r})"


class Blocks:
    """The blocks of an operand while a `made` layer is lowered: nodes by index."""

    __slots__ = ("nodes", "numblocks")

    def __init__(self, nodes: Sequence[Any], numblocks: tuple[int, ...]) -> None:
        self.nodes = nodes  # flat
        self.numblocks = numblocks

    def __getitem__(self, index: Index) -> Any:
        return self.nodes[flat(index, self.numblocks)]


def blockwise(
    function: Callable[..., Any],
    out: Iterable[Label],
    *operands: tuple[Any, Iterable[Label] | None],
    name: Any,
    sizes: Mapping[Label, int] | None = None,
    **keywords: Any,
) -> Blockwise:
    """A layer of one call a block. See the module.

    out: labels of the layer's axes. operands: (value, pattern) each: a Layer or a PerBlock with its labels, or any
    other value with None, which is passed on to each call; lazy values in it are computed first. sizes: blocks along
    labels that no operand has. keywords: for each call. Raises BlocksError where operands do not fit together.
    """
    labels = tuple(out)
    patterns = [None if pattern is None else tuple(pattern) for _, pattern in operands]
    values = [value for value, _ in operands]
    found = _sizes(values, patterns, dict(sizes or {}))
    for value, pattern in zip(values, patterns, strict=True):
        if isinstance(value, PerBlock) and not set(pattern or ()) <= set(labels):
            raise BlocksError(f"{name!r}: {value!r} goes by {pattern}, and the layer's axes are {labels}; use these")
    for label in labels:
        if label not in found:
            raise BlocksError(f"{name!r}: no operand has the axis {label!r}; pass sizes={{{label!r}: N}}")
    args = (*values, *keywords.values())
    layer: Blockwise = make_as(Blockwise, function, args, None, None, None, name)
    layer.out = labels
    layer.patterns = (*patterns, *[None] * len(keywords))
    layer.names = tuple(keywords)
    layer.sizes = found
    layer.numblocks = tuple([found[label] for label in labels])
    return layer


def _sizes(values: list[Any], patterns: list[Pattern | None], sizes: dict[Label, int]) -> dict[Label, int]:
    """How many blocks there are along each label."""
    for value, pattern in zip(values, patterns, strict=True):
        if pattern is None or isinstance(value, PerBlock):
            continue
        if not isinstance(value, Layer):
            raise BlocksError(
                f"{value!r} has the pattern {pattern}, and no blocks; pass a layer, or None as its pattern"
            )
        if len(pattern) != len(value.numblocks):
            raise BlocksError(f"{value!r} has {len(value.numblocks)} axes, and its pattern {pattern} {len(pattern)}")
        for label, count in zip(pattern, value.numblocks, strict=True):
            known = sizes.setdefault(label, count)
            if known == 1:
                sizes[label] = count
            elif count not in (1, known):
                raise BlocksError(f"axis {label!r} of {value!r} has {count} blocks, and of others {known}; rechunk one")
    return sizes


def given(nodes: Sequence[Any], numblocks: Iterable[int], name: Any) -> Given:
    """A layer of nodes that there are already, in the order of itertools.product."""
    shape = tuple(numblocks)
    if len(nodes) != count_of(shape):
        raise BlocksError(f"{name!r}: {len(nodes)} nodes for {shape} blocks; pass {count_of(shape)}")
    layer: Given = make_as(Given, gather, tuple(nodes), None, None, None, name)
    layer.numblocks = shape
    return layer


def made(
    make: Callable[..., Sequence[Any]], operands: Sequence[Layer], numblocks: Iterable[int], name: Any, *values: Any
) -> Made:
    """A layer whose nodes are made by make(keys, *blocks of the operands, *values) when it is lowered.

    keys: of the nodes, which it must give them. Each operand arrives as `Blocks`. For what is not blockwise:
    reductions, slices, other chunks.
    """
    layer: Made = make_as(Made, make, (*operands, *values), None, None, None, name)
    layer.numblocks = tuple(numblocks)
    return layer


def block(layer: Layer, index: Iterable[int]) -> Block:
    """A node for one block. Raises IndexError."""
    place = tuple(index)
    if len(place) != len(layer.numblocks) or any(not 0 <= i < n for i, n in zip(place, layer.numblocks, strict=False)):
        raise IndexError(f"{place} is no block of {layer!r}")
    node: Block = make_as(Block, gather, (layer,), None, None, None, (layer.key, *place))
    node.index = place
    return node


def gather(*values: Any) -> list[Any]:
    """The value of a layer: those of its blocks."""
    return list(values)


def count_of(numblocks: Iterable[int]) -> int:
    """How many blocks there are."""
    count = 1
    for each in numblocks:
        count *= each
    return count


def flat(index: Index, numblocks: tuple[int, ...]) -> int:
    """The place of a block in the flat list of all."""
    place = 0
    for i, count in zip(index, numblocks, strict=True):
        place = place * count + i
    return place


def nested(values: Sequence[Any], numblocks: tuple[int, ...]) -> Any:
    """A flat list of blocks' values as nested lists, one level an axis."""
    if not numblocks:
        return values[0]
    if len(numblocks) == 1:
        return list(values)
    size = count_of(numblocks[1:])
    return [nested(values[i * size : (i + 1) * size], numblocks[1:]) for i in range(numblocks[0])]
