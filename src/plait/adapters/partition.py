"""Partition: the nodes of a graph in blocks, each to be one task of a cluster.

A cluster takes up to a millisecond for a task, a node often takes a microsecond; so nodes go together as long as there
are enough blocks for all workers. How long a node takes is not known: `width`, the number of blocks that should be able
to run at once, is a multiple of the workers' threads, so that a slow block is a small part of the whole. A graph with
fewer nodes than that stays as it is, but for its chains.

    1. in-trees   a node joins the blocks of those inputs that nothing else reads: a chain always, a fan-in where all
                  of it has no more than its share of the nodes
    2. levels     blocks of one level (the longest way from the start) are independent; where they are more than
                  `width`, neighbours go together
    3. chains     a block whose only reader has no other input joins that

No step can close a cycle: in 1 and 3 the only way out of a block is the joined edge, and in 2 edges lead to higher
levels.
The order is the arena's, depth first, so neighbours share inputs and readers. Cost: linear, some 3 us a node.

Rejected: ranges of consecutive nodes. Each ends within some branch, so each would wait for the one before.
"""

from __future__ import annotations

from graphlib import TopologicalSorter
from itertools import pairwise
from typing import TYPE_CHECKING

from plait.lazy.plain import identity

if TYPE_CHECKING:
    from plait.lazy._native.arena import Arena


def partition(arena: Arena, width: int) -> list[list[int]]:
    """The numbers of each block's nodes, in rising order; a block comes behind those that it reads."""
    joined = _Joined(arena)
    joined.join_trees(-(-len(arena) // width))
    joined.join_levels(width)
    return joined.join_chains()


class _Joined:
    """Which nodes have been joined. A block is named by its last node."""

    def __init__(self, arena: Arena) -> None:
        self._arena = arena
        self._kept = set(arena.outputs)
        self._parent = list(range(len(arena)))
        self._size = [1] * len(arena)

    def _block(self, number: int) -> int:
        parent = self._parent
        while parent[number] != number:
            parent[number] = number = parent[parent[number]]
        return number

    def _join(self, inner: int, outer: int) -> None:
        self._parent[inner] = outer
        self._size[outer] += self._size[inner]

    # -- 1. in-trees ---------------------------------------------------------------------------------------------

    def join_trees(self, share: int) -> None:
        for number in range(len(self._arena)):
            inputs = set(self._arena.inputs(number))
            own = [each for each in inputs if self._read_once(each)]
            values = [each for each in own if self._is_value(each)]
            rest = [each for each in own if not self._is_value(each)]
            whole = len(own) == len(inputs)
            chain = whole and len(rest) == 1
            if chain or (whole and 1 + sum(self._size[each] for each in own) <= share):
                values = own
            for each in values:
                self._join(each, number)

    def _read_once(self, number: int) -> bool:
        """Whether one node alone reads it. Then it is the last of its block."""
        return number not in self._kept and len(set(self._arena.readers(number))) == 1

    def _is_value(self, number: int) -> bool:
        node = self._arena.nodes[number]
        return node._function is identity and not node._inputs

    # -- 2. levels -----------------------------------------------------------------------------------------------

    def join_levels(self, width: int) -> None:
        for blocks in self._levels():
            if len(blocks) > width:
                self._join_neighbours(blocks, width)

    def _levels(self) -> list[list[int]]:
        arena, level = self._arena, [0] * len(self._arena)
        for number in range(len(arena)):  # a block has its level when its last node is reached
            own = self._block(number)
            for each in arena.inputs(number):
                block = self._block(each)
                if block != own:
                    level[own] = max(level[own], level[block] + 1)
        levels: list[list[int]] = [[] for _ in range(max(level, default=-1) + 1)]
        for number, parent in enumerate(self._parent):
            if number == parent:
                levels[level[number]].append(number)
        return levels

    def _join_neighbours(self, blocks: list[int], width: int) -> None:
        """Make `width` of some blocks, or fewer, of about equal numbers of nodes."""
        total = sum(self._size[block] for block in blocks)
        share, done = total / width, 0
        group: list[int] = []
        for block in blocks:
            group.append(block)
            done += self._size[block]
            ends = done >= share
            if ends or block == blocks[-1]:
                for inner, outer in pairwise(group):
                    self._join(inner, outer)
                group = []
                while share <= done:
                    share += total / width

    # -- 3. chains -----------------------------------------------------------------------------------------------

    def join_chains(self) -> list[list[int]]:
        """The members of all blocks, each block behind those that it reads."""
        inputs, readers = self._edges()
        for block in list(inputs):
            while (inner := _only(inputs.get(block))) is not None and len(readers[inner]) == 1:
                self._join(inner, block)
                inputs[block] = inputs.pop(inner)
                for each in inputs[block]:
                    readers[each] = readers[each] - {inner} | {block}
        members: dict[int, list[int]] = {block: [] for block in TopologicalSorter(inputs).static_order()}
        for number in range(len(self._arena)):
            members[self._block(number)].append(number)
        return list(members.values())

    def _edges(self) -> tuple[dict[int, set[int]], dict[int, set[int]]]:
        """What each block reads, and what reads it."""
        inputs: dict[int, set[int]] = {}
        readers: dict[int, set[int]] = {}
        for number in range(len(self._arena)):
            own = self._block(number)
            reads = inputs.setdefault(own, set())
            for each in self._arena.inputs(number):
                block = self._block(each)
                if block != own:
                    reads.add(block)
                    readers.setdefault(block, set()).add(own)
        return inputs, readers


def _only(blocks: set[int] | None) -> int | None:
    """The one member of a set; None where there is not just one."""
    return next(iter(blocks)) if blocks is not None and len(blocks) == 1 else None
