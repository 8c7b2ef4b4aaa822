"""Plans: expressions as nodes of graphs.

A Plan is a layer whose blocks are not known yet. When a graph is lowered, the expressions of all its plans are
rewritten together, so that what several collections of one compute() share is read and computed once; then each
becomes the layer of blocks that it is.

Cost: some 5 us an expression.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from plait.lazy import lowering
from plait.lazy._native.arena import Arena
from plait.lazy._native.nodes import make_as
from plait.lazy.blocks import Layer
from plait.lazy.blocks.layers import gather
from plait.lazy.expressions.expression import Expression, walk
from plait.lazy.expressions.rewriting import rewritten


class Plan(Layer):
    """A layer that is an expression still."""

    __slots__ = ("expression",)

    expression: Expression


def plan(expression: Expression) -> Plan:
    """A node for an expression; its value is the flat list of its blocks' values."""
    node: Plan = make_as(Plan, gather, (), None, None, None, expression.name)
    node.numblocks = expression.numblocks
    node.expression = expression
    return node


def layers_of(expressions: Sequence[Expression]) -> list[Layer]:
    """The layers of some expressions as they stand. Equal ones become one layer."""
    made: dict[str, Layer] = {}
    for each in walk(expressions):
        if each.name not in made:
            made[each.name] = each.layer(*[made[other.name] for other in each.inputs])
    return [made[each.name] for each in expressions]


def layer_of(expression: Expression) -> Layer:
    """The layer of an expression as it stands."""
    return layers_of([expression])[0]


def _lowered(arena: Arena, resources: ExitStack) -> list[Any]:
    return _replaced(arena, rewritten(_expressions(arena)))


def _shown(arena: Arena) -> list[Any]:
    return _replaced(arena, _expressions(arena))


def _expressions(arena: Arena) -> list[Expression]:
    return [node.expression for node in arena.nodes if type(node) is Plan]


def _replaced(arena: Arena, expressions: list[Expression]) -> list[Any]:
    """The outputs of a graph with the layers of some expressions where its plans stand."""
    layers = iter(layers_of(expressions))
    new: list[Any] = []
    for number, node in enumerate(arena.nodes):
        inputs = [new[each] for each in arena.inputs(number)]
        if type(node) is Plan:
            new.append(next(layers))
        elif all(each is old for each, old in zip(inputs, node._inputs, strict=True)):
            new.append(node)
        else:
            new.append(lowering.rebuilt(node, inputs))
    return [new[number] for number in arena.outputs]


lowering.plan(Plan, _lowered, _shown)
