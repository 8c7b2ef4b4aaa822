"""Expanding: layers become one node a block, when a graph is lowered or shown.

Layers arrive numbered, inputs first, as the nodes of an arena. From the last to the first it is found which blocks are
needed; then from the first to the last each layer gets a node for each of those, by index arithmetic over flat lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import product, repeat
from typing import Any

from plait.lazy import lowering
from plait.lazy._native.arena import Arena
from plait.lazy._native.nodes import Node, make_as
from plait.lazy.blocks.fusing import Group, Input, arguments, groups_of, numbers_in
from plait.lazy.blocks.layers import (
    Block,
    Blocks,
    Blockwise,
    Given,
    Index,
    Label,
    Layer,
    Made,
    Pattern,
    PerBlock,
    count_of,
    flat,
    gather,
)
from plait.lazy.resources import opened

Places = list[int] | None  # of blocks in the flat list, rising; None for all


class Part(Node):
    """The node of a block."""

    __slots__ = ()
    _kind = 0


def register() -> None:
    """Have graphs with layers expanded."""
    lowering.expand((Blockwise, Given, Made), fused, plain)


def fused(arena: Arena, resources: ExitStack) -> list[Any]:
    """The outputs of a graph with layers, in nodes of blocks; neighbouring layers are made one (see `fusing`)."""
    return _Expanding(arena, True, resources).run()


def plain(arena: Arena) -> list[Any]:
    """As fused(), with all layers that there are: each block has its key."""
    return _Expanding(arena, False, None).run()


def parts(layer: Layer) -> list[Any]:
    """The nodes of all blocks of a layer, with every layer below in blocks of its own."""
    arena = lowering.show([layer])
    return list(arena.nodes[arena.outputs[0]]._inputs)


class _Expanding:
    def __init__(self, arena: Arena, fuse: bool, resources: ExitStack | None) -> None:
        self._arena = arena
        self._resources = resources
        self._groups = groups_of(arena, fuse)
        self._needed: dict[int, set[int] | None] = {}  # of layers, None for all
        self._nodes: dict[int, Any] = {}  # of what is no layer, and of layers that are read as lists
        self._blocks: dict[int, list[Any]] = {}  # of layers; None in the place of what is not needed

    def run(self) -> list[Any]:
        arena = self._arena
        for number in arena.outputs:
            self._needed[number] = None
        for number in range(len(arena) - 1, -1, -1):
            self._ask(number, arena.nodes[number])
        for number, node in enumerate(arena.nodes):
            if isinstance(node, Layer):
                self._expand(number, node)
            elif type(node) is Block:
                (layer,) = arena.inputs(number)
                self._nodes[number] = self._blocks[layer][flat(node.index, arena.nodes[layer].numblocks)]
            else:
                self._nodes[number] = self._other(number, node)
        return [self._node(number) for number in arena.outputs]

    # Which blocks are needed.

    def _ask(self, number: int, node: Any) -> None:
        """Note what a node needs of the layers that it reads."""
        inputs = self._arena.inputs(number)
        if type(node) is Block:
            self._need(inputs[0], [flat(node.index, self._arena.nodes[inputs[0]].numblocks)])
        elif type(node) is Blockwise:
            if number in self._groups:
                self._ask_group(self._groups[number], self._places(number))
        else:
            for each in inputs:
                self._need(each, None)

    def _ask_group(self, group: Group, places: Places) -> None:
        for value, pattern in group.sources:
            if type(value) is Input and pattern is not None:
                if places is None:
                    self._need(value.number, None)
                else:
                    reading = _reading(group, pattern, self._arena.nodes[value.number])
                    self._need(value.number, reading.all_places(places))
            else:
                for each in numbers_in(value):
                    self._need(each, None)

    def _need(self, number: int, places: Iterable[int] | None) -> None:
        known = self._needed.setdefault(number, set())
        if places is None:
            self._needed[number] = None
        elif known is not None:
            known.update(places)

    def _places(self, number: int) -> Places:
        needed = self._needed[number]
        return None if needed is None else sorted(needed)

    # What becomes of each node.

    def _expand(self, number: int, layer: Any) -> None:
        if type(layer) is Given:
            self._blocks[number] = [self._node(each) for each in self._arena.inputs(number)]
        elif type(layer) is Made:
            args = [self._operand(each) for each in arguments(self._arena, number)]
            self._blocks[number] = list(layer._function(_keys(layer), *args))
        elif number in self._groups:
            self._blocks[number] = self._expand_group(self._groups[number], self._places(number))

    def _expand_group(self, group: Group, places: Places) -> list[Any]:
        columns = [self._column(group, value, pattern, places) for value, pattern in group.sources]
        count = count_of(group.root.numblocks)
        rows: Any = zip(*columns, strict=False) if columns else repeat(())
        function = group.function
        if places is None:
            keys = _keys(group.root)
            return [make_as(Part, function, row, None, None, None, key) for key, row in zip(keys, rows, strict=False)]
        nodes: list[Any] = [None] * count
        name = group.root.key
        for place, row in zip(places, rows, strict=False):
            key = (name, *_index(place, group.root.numblocks))
            nodes[place] = make_as(Part, function, row, None, None, None, key)
        return nodes

    def _column(self, group: Group, value: Any, pattern: Pattern | None, places: Places) -> Iterable[Any]:
        """What a source gives to each block."""
        if pattern is None:
            return repeat(self._filled(value))
        if type(value) is PerBlock:
            return [value.function(index) for index in _indices(group, pattern, places)]
        layer = self._arena.nodes[value.number]
        return _reading(group, pattern, layer).column(self._blocks[value.number], places)

    def _node(self, number: int) -> Any:
        """The node for another, which for a layer gives the list of its blocks' values."""
        node = self._nodes.get(number)
        if node is None:
            blocks = tuple(self._blocks[number])
            key = (self._arena.nodes[number].key, "blocks")
            node = self._nodes[number] = make_as(Part, gather, blocks, None, None, None, key)
        return node

    def _other(self, number: int, node: Any) -> Any:
        resource = opened(node, self._resources)
        if resource is not None:
            return resource
        inputs = [self._node(each) for each in self._arena.inputs(number)]
        # Of nodes with one key the arena keeps one, which may be another than the one that was read.
        if all(new is old for new, old in zip(inputs, node._inputs, strict=True)):
            return node
        args, kwargs = node._filled(inputs)
        return make_as(type(node), node._function, args, kwargs, None, node._nout, node.key)

    def _operand(self, value: Any) -> Any:
        """An argument of what makes nodes: `Blocks` for a layer."""
        if type(value) is Input and value.number in self._blocks:
            return Blocks(self._blocks[value.number], self._arena.nodes[value.number].numblocks)
        return self._filled(value)

    def _filled(self, value: Any) -> Any:
        """An argument with nodes where Inputs stand."""
        kind = type(value)
        if kind is Input:
            return self._node(value.number)
        if kind in (list, tuple, set, frozenset):
            return kind([self._filled(each) for each in value])
        if kind is dict:
            return {self._filled(name): self._filled(each) for name, each in value.items()}
        if kind is slice:
            return slice(*[self._filled(each) for each in (value.start, value.stop, value.step)])
        return value


class Reading:
    """How the blocks of a layer read those of an operand: by strides over its flat list.

    out, shape: the layer's labels, and how many blocks it has along each; sizes: how many along all labels; pattern,
    numblocks: the operand's.
    """

    def __init__(
        self, out: Pattern, shape: Index, sizes: Mapping[Label, int], pattern: Pattern, numblocks: Index
    ) -> None:
        strides: dict[Any, int] = {}
        stride = 1
        for label, count in zip(reversed(pattern), reversed(numblocks), strict=True):
            if count > 1:  # the only block of an axis is repeated
                strides[label] = strides.get(label, 0) + stride
            stride *= count
        self._numblocks = shape
        self._strides = [strides.get(label, 0) for label in out]
        over = [label for label in dict.fromkeys(pattern) if label not in out]
        self._over = [(sizes[label], strides.get(label, 0)) for label in over]

    def column(self, blocks: Sequence[Any], places: Places) -> list[Any]:
        """The block, or nested lists of blocks, that each block of the group reads."""
        starts = self._starts(places)
        if not self._over:
            return [blocks[start] for start in starts]
        return [_gone_over(blocks, start, self._over) for start in starts]

    def all_places(self, places: list[int]) -> set[int]:
        """The places of all blocks that are read."""
        found = set(self._starts(places))
        for count, stride in self._over:
            found = {start + i * stride for start in found for i in range(count)}
        return found

    def _starts(self, places: Places) -> list[int]:
        if places is not None:
            return [
                sum(i * stride for i, stride in zip(_index(place, self._numblocks), self._strides, strict=True))
                for place in places
            ]
        starts = [0]
        for count, stride in zip(self._numblocks, self._strides, strict=True):
            steps = [i * stride for i in range(count)]
            starts = [start + step for start in starts for step in steps]
        return starts


def _reading(group: Group, pattern: Pattern, operand: Layer) -> Reading:
    return Reading(group.root.out, group.root.numblocks, group.sizes, pattern, operand.numblocks)


def _gone_over(blocks: Sequence[Any], start: int, over: list[tuple[int, int]]) -> Any:
    count, stride = over[0]
    if len(over) == 1:
        return [blocks[start + i * stride] for i in range(count)]
    return [_gone_over(blocks, start + i * stride, over[1:]) for i in range(count)]


def _indices(group: Group, pattern: Pattern, places: Places) -> Iterator[Index]:
    """The index along some labels of each block of a group."""
    root = group.root
    axes = [root.out.index(label) for label in pattern]
    every: Iterable[Index] = product(*map(range, root.numblocks))
    if places is not None:
        every = (_index(place, root.numblocks) for place in places)
    for index in every:
        yield tuple([index[axis] for axis in axes])


def _index(place: int, numblocks: tuple[int, ...]) -> Index:
    index = []
    for count in reversed(numblocks):
        place, i = divmod(place, count)
        index.append(i)
    return tuple(reversed(index))


def _keys(layer: Any) -> list[Any]:
    name = layer.key
    return [(name, *index) for index in product(*map(range, layer.numblocks))]
