"""Our layers of blocks (`plait.lazy.blocks`) as layered graphs, for libraries that read those.

Each layer becomes a layer of the same name, whose keys are known without making tasks. When they are asked for, the
layer is expanded alone, with references in the place of the blocks that it reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from itertools import product
from typing import Any

from plait.lazy._native.arena import Arena
from plait.lazy._native.nodes import Node, make_as
from plait.lazy.blocks.expanding import parts
from plait.lazy.blocks.layers import Block, Blockwise, Given, count_of, gather
from plait.lazy.blocks.layers import Layer as Blocks
from plait.lazy.graphs.layered import HighLevelGraph, Layer, MaterializedLayer
from plait.lazy.keys import identity
from plait.lazy.plain import graph_of


class View(Layer):
    """The tasks of one of our layers."""

    def __init__(self, layer: Blocks) -> None:
        super().__init__(layer._annotations)
        self._layer = layer
        self._made: dict[Any, Any] | None = None

    def is_materialized(self) -> bool:
        return self._made is not None

    def get_output_keys(self) -> Set[Any]:
        return {(self._layer.key, *index) for index in product(*map(range, self._layer.numblocks))}

    @property
    def _tasks(self) -> dict[Any, Any]:
        if self._made is None:
            self._made = _alone(self._layer)
        return self._made

    def __getitem__(self, key: Any) -> Any:
        return self._tasks[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._tasks)

    def __len__(self) -> int:
        return count_of(self._layer.numblocks) if type(self._layer) is Blockwise else len(self._tasks)

    def __contains__(self, key: object) -> bool:
        if self._made is None and not (isinstance(key, tuple) and key[:1] == (self._layer.key,)):
            return type(self._layer) is not Blockwise and key in self._tasks
        return key in (self.get_output_keys() if self._made is None else self._made)


def layered(outputs: list[Any]) -> HighLevelGraph:
    """What some nodes, layers among them, need, as a graph of layers. A node that is no layer is one of its own key."""
    arena = Arena(outputs)
    layers: dict[Any, Any] = {}
    needs: dict[Any, set[Any]] = {}
    for number, node in enumerate(arena.nodes):
        if type(node) is Block:  # its layer has it
            continue
        is_view = isinstance(node, Blocks) and type(node) is not Given
        layers[node.key] = View(node) if is_view else MaterializedLayer(_alone(node))
        needs[node.key] = {_layer_of(arena.nodes[each]).key for each in arena.inputs(number)}
    return HighLevelGraph(layers, needs)


def _layer_of(node: Any) -> Any:
    return node._inputs[0] if type(node) is Block else node


class _Reference(Node):
    """A node of another layer."""

    __slots__ = ()
    _kind = 0


def _alone(node: Any) -> dict[Any, Any]:
    """The tasks of a node or layer without those of what it reads."""
    args, kwargs = node._filled([_stand_in(each) for each in node._inputs])
    copy = make_as(type(node), node._function, args, kwargs, None, node._nout, node.key)
    if isinstance(node, Blocks):
        copy.numblocks = node.numblocks
    if isinstance(node, Blockwise):
        copy.out, copy.patterns, copy.names, copy.sizes = node.out, node.patterns, node.names, node.sizes
    nodes = parts(copy) if isinstance(copy, Blocks) else [copy]
    references = {each.key for each in Arena(nodes).nodes if type(each) is _Reference}
    return {key: task for key, task in graph_of(nodes).items() if key not in references}


def _stand_in(node: Any) -> Any:
    if not isinstance(node, Blocks):
        return _reference(node.key)
    keys = [(node.key, *index) for index in product(*map(range, node.numblocks))]
    if type(node) is Given:
        keys = [each.key for each in node._inputs]
    layer: Given = make_as(Given, gather, tuple(map(_reference, keys)), None, None, None, node.key)
    layer.numblocks = node.numblocks
    return layer


def _reference(key: Any) -> Any:
    return make_as(_Reference, identity, (None,), None, None, None, key)
