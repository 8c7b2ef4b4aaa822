"""Which neighbouring layers become one: the one rewrite of graphs of layers.

A blockwise layer is made within its readers where these are one layer, or several that have become one, each block of
which needs one block of it, the same one for all, and no other block needs that. So nothing is computed twice, and
nothing that ran in parallel runs in turn. Layers are looked at from the last to the first, when what became of all
readers is known: chains, diamonds and trees of elementwise work are found in one pass, linear in operands.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from plait.lazy._native.arena import Arena
from plait.lazy.blocks.layers import Blockwise, Label, Pattern
from plait.lazy.blocks.programs import Program, Step, merged


class Input(NamedTuple):
    """In a layer's arguments: the node of that number."""

    number: int


class Source(NamedTuple):
    """Where an input of a group comes from: a node of the arena, or a value; pattern: None for one that all blocks
    get.
    """

    value: Any
    pattern: Pattern | None


class Group(NamedTuple):
    """Layers that have become one, in the place of the last. sizes: blocks along each label; function: of the
    sources.
    """

    root: Any
    sizes: dict[Label, int]
    sources: list[Source]
    function: Any


def groups_of(arena: Arena, fuse: bool) -> dict[int, Group]:
    """The groups of an arena's blockwise layers by the number of their last layer. fuse=False: each layer is one."""
    found = _Grouping(arena, fuse)
    return {root: _Compiling(arena, members, found.labels).run() for root, members in found.members.items()}


def arguments(arena: Arena, number: int) -> tuple[Any, ...]:
    """The arguments of a node with an Input where a node stands."""
    args: tuple[Any, ...] = arena.nodes[number]._filled([Input(each) for each in arena.inputs(number)])[0]
    return args


class _Grouping:
    def __init__(self, arena: Arena, fuse: bool) -> None:
        self._arena = arena
        self._fuse = fuse
        self._wanted = set(arena.outputs)
        self._root: dict[int, int] = {}  # layer -> the last one of its group
        self._uses: dict[int, list[Pattern]] = {}  # layer -> its patterns, in labels of its readers' group
        self.labels: dict[int, dict[Label, Label]] = {}  # layer -> its labels to those of its group
        self.members: dict[int, list[int]] = {}  # last layer -> all of its group, ascending
        for number in range(len(arena) - 1, -1, -1):
            if type(arena.nodes[number]) is Blockwise:
                self._place(number)

    def _place(self, number: int) -> None:
        layer = self._arena.nodes[number]
        root = self._reader(number)
        if root is None:
            root = number
            labels = {label: label for label in layer.sizes}
        else:
            labels = {label: (number, label) for label in layer.sizes}
            labels.update(zip(layer.out, self._uses[number][0], strict=True))
        self._root[number] = root
        self.labels[number] = labels
        self.members.setdefault(root, []).insert(0, number)
        for argument, pattern in zip(arguments(self._arena, number), layer.patterns, strict=True):
            if pattern is not None and type(argument) is Input:
                self._uses.setdefault(argument.number, []).append(tuple([labels[label] for label in pattern]))

    def _reader(self, number: int) -> int | None:
        """The group that a layer can be made within, by its last layer."""
        readers = self._arena.readers(number)
        uses = self._uses.get(number, [])
        if not self._fuse or number in self._wanted or not readers or len(uses) != len(readers) or len(set(uses)) > 1:
            return None
        roots = {self._root.get(each) for each in readers}
        root = roots.pop()
        return root if root is not None and not roots and self._covers(number, root, uses[0]) else None

    def _covers(self, number: int, root: int, use: Pattern) -> bool:
        """Whether a group's blocks and a layer's belong to each other one by one."""
        layer, last = self._arena.nodes[number], self._arena.nodes[root]
        if len(set(use)) != len(use) or not set(use) <= set(last.out):
            return False
        counts = dict(zip(use, layer.numblocks, strict=True))
        return all(counts.get(label, 1) == count for label, count in zip(last.out, last.numblocks, strict=True))


class _Compiling:
    """Makes one function of the members of a group."""

    def __init__(self, arena: Arena, members: list[int], labels: dict[int, dict[Label, Label]]) -> None:
        self._arena = arena
        self._members = members
        self._labels = labels
        self._sizes: dict[Label, int] = {}
        self._sources: dict[Any, int] = {}  # what tells a source apart -> its register
        self._found: list[Source] = []
        self._constants: list[Any] = []
        self._plain: list[tuple[Any, list[Any], tuple[str, ...]]] = []  # function, operands, names of each step

    def run(self) -> Group:
        for number in self._members:
            layer = self._arena.nodes[number]
            labels = self._labels[number]
            for label, count in layer.sizes.items():
                self._sizes[labels[label]] = max(count, self._sizes.get(labels[label], 1))
            operands = zip(arguments(self._arena, number), layer.patterns, strict=True)
            self._plain.append(
                (layer._function, [self._operand(value, pattern, labels) for value, pattern in operands], layer.names)
            )
        return Group(self._arena.nodes[self._members[-1]], self._sizes, self._found, self._function())

    def _operand(self, value: Any, pattern: Pattern | None, labels: dict[Label, Label]) -> Any:
        """("step" | "source" | "constant", its number)."""
        if pattern is None:
            if any(True for _ in numbers_in(value)):
                return self._source(value, None)
            self._constants.append(value)
            return "constant", len(self._constants) - 1
        if type(value) is Input and value.number in self._members:
            return "step", self._members.index(value.number)
        return self._source(value, tuple([labels[label] for label in pattern]))

    def _source(self, value: Any, pattern: Pattern | None) -> Any:
        shared = value if type(value) is Input else id(value)
        place = self._sources.setdefault((shared, pattern), len(self._found))
        if place == len(self._found):
            self._found.append(Source(value, pattern))
        return "source", place

    def _function(self) -> Any:
        before = {"source": 0, "constant": len(self._found), "step": len(self._found) + len(self._constants)}
        steps = [
            Step(function, tuple([before[kind] + place for kind, place in operands]), names)
            for function, operands, names in self._plain
        ]
        first = steps[0]
        if len(steps) == 1 and not first.names and first.reads == tuple(range(len(self._found))):
            return first.function
        return merged(Program(len(self._found), self._constants, steps))


def numbers_in(value: Any) -> Iterator[int]:
    """The numbers of the nodes that stand in a value."""
    kind = type(value)
    if kind is Input:
        yield value.number
    elif kind in (list, tuple, set, frozenset):
        for each in value:
            yield from numbers_in(each)
    elif kind is dict:
        yield from numbers_in([*value, *value.values()])
    elif kind is slice:
        yield from numbers_in([value.start, value.stop, value.step])
