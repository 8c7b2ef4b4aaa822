"""A graph ready to run: nodes by dense numbers, successors in compressed rows, dependencies as counts.

Node numbers are a depth-first order from the outputs: inputs before their readers, each branch to its end before the
next begins. So 0, 1, 2, ... is an order to run them in, it is the same for the same program, and a scheduler that
prefers small numbers holds few results. Cost: linear in nodes and edges; no recursion.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from plait.lazy.nodes import Node
from plait.lazy.templates import fill
from plait.parallel.outcome import Task


class Graph:
    """What some output nodes need. Nodes with equal keys (pure calls, named ones) are one.

    nodes, inputs: by number; outputs: numbers, in the order asked for. targets[offsets[i]:offsets[i + 1]] are the
    readers of node i; missing[i] counts its distinct inputs.
    """

    def __init__(self, outputs: Sequence[Node]) -> None:
        self.nodes: list[Node] = []
        self.inputs: list[tuple[int, ...]] = []  # as the templates number them
        self._numbers: dict[int, int] = {}  # node id -> number
        self._keys: dict[Any, int] = {}  # of nodes that have one
        for node in outputs:
            self._add(node)
        self.outputs = [self._numbers[node._id] for node in outputs]
        self._connect()

    def __len__(self) -> int:
        return len(self.nodes)

    def _add(self, output: Node) -> None:
        numbers = self._numbers
        stack = [output]
        while stack:
            node = stack[-1]
            if node._id in numbers:
                stack.pop()
                continue
            missing = [each for each in node._inputs if each._id not in numbers]
            if missing:
                stack.extend(reversed(missing))
            else:
                stack.pop()
                self._number(node)

    def _number(self, node: Node) -> None:
        number = len(self.nodes)
        key = node._key
        if key is not None:
            number = self._keys.setdefault(key, number)
        self._numbers[node._id] = number
        if number == len(self.nodes):
            self.nodes.append(node)
            self.inputs.append(tuple(self._numbers[each._id] for each in node._inputs))

    def _connect(self) -> None:
        count = len(self.nodes)
        readers = array("l", bytes(8 * (count + 1)))
        self.missing = array("l", bytes(8 * count))
        distinct = [inputs if len(inputs) < 2 else tuple(dict.fromkeys(inputs)) for inputs in self.inputs]
        for number, inputs in enumerate(distinct):
            self.missing[number] = len(inputs)
            for each in inputs:
                readers[each + 1] += 1
        self.offsets = array("l", accumulate(readers))
        self.targets = array("l", bytes(8 * self.offsets[-1]))
        place = array("l", self.offsets)
        for number, inputs in enumerate(distinct):
            for each in inputs:
                self.targets[place[each]] = number
                place[each] += 1
        self.distinct = distinct

    def readers(self, number: int) -> Sequence[int]:
        return self.targets[self.offsets[number] : self.offsets[number + 1]]

    def call(self, number: int, results: Sequence[Any]) -> Task:
        """The node's function, arguments and keywords, given the results of its inputs."""
        node = self.nodes[number]
        if not node._inputs:
            return node._function, tuple(node._args), node._kwargs
        values = [results[i] for i in self.inputs[number]]
        args = tuple([fill(item, values) for item in node._args])
        return node._function, args, {name: fill(item, values) for name, item in node._kwargs.items()}

    def rows(self) -> list[tuple[Any, ...]]:
        """The nodes as plain values: (key, function, args, kwargs, inputs)."""
        return [
            (node.key, node._function, node._args, node._kwargs, inputs)
            for node, inputs in zip(self.nodes, self.inputs, strict=True)
        ]
