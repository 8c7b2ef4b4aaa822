"""Layers of blocks as libraries over dask make them: by names of other layers, and as a mapping of tasks.

A `Blockwise` has a task in which `blockwise_token(i)` stands for its i-th operand. Its keys are known without making
tasks; they are made when one is asked for, by the index arithmetic of `plait.lazy.blocks`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from itertools import product
from typing import Any

from plait.lazy._native.nodes import Node
from plait.lazy.blocks.expanding import Reading
from plait.lazy.blocks.layers import Index, count_of, flat
from plait.lazy.graphs.layered import Layer
from plait.lazy.graphs.walks import keys_in_tasks
from plait.lazy.tasks import DataNode, GraphNode, List, Task, TaskRef

PREFIX = "__dask_blockwise__"


def blockwise_token(i: int, prefix: str = PREFIX) -> str:
    """What stands for the i-th operand in the task of a Blockwise."""
    return f"{prefix}{i}"


class BlockwiseDep:
    """An operand that is known by index, without tasks of its own. numblocks: along each axis."""

    numblocks: tuple[int, ...]
    produces_tasks: bool = False

    def __getitem__(self, idx: Index) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no value of a block; define __getitem__(index)")

    def get(self, idx: Index, default: Any) -> Any:
        try:
            return self[idx]
        except KeyError:
            return default

    @property
    def produces_keys(self) -> bool:
        """Whether a value is a key, not a value."""
        return False


class BlockwiseDepDict(BlockwiseDep):
    """An operand whose values are in a dictionary, by index."""

    def __init__(
        self,
        mapping: Mapping[Any, Any],
        numblocks: tuple[int, ...] | None = None,
        produces_tasks: bool = False,
        produces_keys: bool = False,
    ) -> None:
        self.mapping = mapping
        self.produces_tasks = produces_tasks
        self.numblocks = numblocks or tuple(max(axis) + 1 for axis in zip(*mapping, strict=True))
        self._produces_keys = produces_keys

    @property
    def produces_keys(self) -> bool:
        return self._produces_keys

    def __getitem__(self, idx: Index) -> Any:
        return self.mapping[idx]

    def __len__(self) -> int:
        return len(self.mapping)

    def __dask_tokenize__(self) -> Any:
        return "BlockwiseDepDict", self.mapping, self.numblocks


class BlockIndex(BlockwiseDep):
    """An operand whose value is the block's index."""

    def __init__(self, numblocks: tuple[int, ...]) -> None:
        self.numblocks = numblocks

    def __getitem__(self, idx: Index) -> Index:
        return idx

    def __dask_tokenize__(self) -> Any:
        return "BlockIndex", self.numblocks


def blockwise(
    func: Callable[..., Any],
    output: str,
    output_indices: Iterable[Any],
    *arrind_pairs: Any,
    numblocks: Mapping[str, Sequence[int]],
    concatenate: Any = None,
    new_axes: Mapping[Any, Any] | None = None,
    dependencies: Sequence[Any] = (),
    **kwargs: Any,
) -> Blockwise:
    """A layer of func of blocks of other layers.

    output_indices: labels of its axes. arrind_pairs: an operand and its labels, in turn: the name of a layer, or a
    BlockwiseDep; a value with None. numblocks: name -> blocks along each axis. concatenate: what makes one array of
    nested lists of blocks, function(lists, axes), or True for numpy's; without it the function gets the lists.
    new_axes: sizes of labels that no operand has. kwargs: for each call; lazy values in args and kwargs must be in
    the graph.
    """
    if len(arrind_pairs) % 2:
        raise ValueError(f"{len(arrind_pairs)} operands and labels in turn; pass labels, or None, for each operand")
    pairs = list(zip(arrind_pairs[::2], arrind_pairs[1::2], strict=True))
    args = [TaskRef(blockwise_token(i)) for i in range(len(pairs))]
    named = {name: _reference(value) for name, value in kwargs.items()}
    indices = [(value, None if index is None else tuple(index)) for value, index in pairs]
    return Blockwise(
        output, output_indices, Task(output, func, *args, **named), indices, numblocks, concatenate, new_axes
    )


def _reference(value: Any) -> Any:
    return TaskRef(value.key) if isinstance(value, Node) else value


class Blockwise(Layer):
    """A layer of one task a block. See blockwise(), and the module.

    output_blocks: indices of the blocks that there are, if not all.
    """

    def __init__(
        self,
        output: str,
        output_indices: Iterable[Any],
        task: GraphNode,
        indices: Iterable[tuple[Any, Any]],
        numblocks: Mapping[str, Sequence[int]],
        concatenate: Any = None,
        new_axes: Mapping[Any, Any] | None = None,
        output_blocks: Set[Index] | None = None,
        dims: Mapping[Any, int] | None = None,
        annotations: Mapping[str, Any] | None = None,
        collection_annotations: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(annotations, collection_annotations)
        self.output = output
        self.output_indices = tuple(output_indices)
        self.task = task
        self.indices = tuple((name, None if index is None else tuple(index)) for name, index in indices)
        self.numblocks = dict(numblocks)
        self.concatenate = concatenate
        self.new_axes = dict(new_axes or {})
        self.output_blocks = output_blocks
        self._dims = None if dims is None else dict(dims)
        self._made: dict[Any, Any] | None = None

    @property
    def dims(self) -> dict[Any, int]:
        """How many blocks there are along each label."""
        if self._dims is None:
            found: dict[Any, int] = {}
            for operand, index in self.indices:
                for label, count in zip(index or (), self._shape(operand) if index else (), strict=True):
                    found[label] = max(count, found.get(label, 1))
            for label, size in self.new_axes.items():
                found[label] = len(size) if isinstance(size, tuple | list) else 1
            self._dims = found
        return self._dims

    def _shape(self, operand: Any) -> tuple[int, ...]:
        return tuple(operand.numblocks if isinstance(operand, BlockwiseDep) else self.numblocks[operand])

    @property
    def _blocks(self) -> list[Index]:
        if self.output_blocks is not None:
            return sorted(self.output_blocks)
        return list(product(*(range(self.dims[label]) for label in self.output_indices)))

    def get_output_keys(self) -> Set[Any]:
        return {(self.output, *index) for index in self._blocks}

    def is_materialized(self) -> bool:
        return self._made is not None

    def __len__(self) -> int:
        if self.output_blocks is not None:
            return len(self.output_blocks)
        return count_of(self.dims[label] for label in self.output_indices)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._dict)

    def __getitem__(self, key: Any) -> Any:
        return self._dict[key]

    def __contains__(self, key: object) -> bool:
        if self._made is not None:
            return key in self._made
        if not isinstance(key, tuple) or len(key) != 1 + len(self.output_indices) or key[0] != self.output:
            return False
        if self.output_blocks is not None:
            return key[1:] in self.output_blocks
        counts = [self.dims[label] for label in self.output_indices]
        return all(isinstance(i, int) and 0 <= i < n for i, n in zip(key[1:], counts, strict=True))

    @property
    def _dict(self) -> dict[Any, Any]:
        if self._made is None:
            blocks = self._blocks
            columns = [self._column(operand, index, blocks) for operand, index in self.indices]
            tokens = [blockwise_token(i) for i in range(len(columns))]
            made = {}
            for place, block in enumerate(blocks):
                given = {token: column[place] for token, column in zip(tokens, columns, strict=True)}
                made[self.output, *block] = self._task((self.output, *block), given)
            self._made = made
        return self._made

    def _task(self, key: Any, given: Mapping[str, Any]) -> Any:
        """The task of a block: references for the tokens of layers, values for those of values."""
        task: Any = self.task
        if type(task) is not Task:
            return task.substitute({token: _value(each) for token, each in given.items()}, key=key)
        args = [_put(each, given) for each in task.args]
        return Task(key, task.func, *args, **{name: _put(each, given) for name, each in task.kwargs.items()})

    def _column(self, operand: Any, pattern: tuple[Any, ...] | None, blocks: list[Index]) -> list[Any]:
        """What stands for an operand in the task of each block."""
        if pattern is None:
            return [_reference(operand)] * len(blocks)
        shape = self._shape(operand)
        out = tuple(self.dims[label] for label in self.output_indices)
        every: list[Any] = []
        for index in product(*map(range, shape)):
            if not isinstance(operand, BlockwiseDep):
                every.append(TaskRef((operand, *index)))
            else:
                value = operand.get(index, None)
                every.append(TaskRef(value) if operand.produces_keys else value)
        reading = Reading(self.output_indices, out, self.dims, pattern, shape)
        places = None if self.output_blocks is None else [flat(index, out) for index in blocks]
        return [self._joined(each, pattern) for each in reading.column(every, places)]

    def _joined(self, value: Any, pattern: tuple[Any, ...]) -> Any:
        """Nested lists of references, as the task gets them."""
        if not isinstance(value, list):
            return value
        over = [axis for axis, label in enumerate(pattern) if label not in self.output_indices]
        if not self.concatenate:
            return _said(value)
        join = _concatenate if self.concatenate is True else self.concatenate
        return Task(None, join, _said(value), over)

    def get_dependencies(self, key: Any, all_hlg_keys: Collection[Any]) -> set[Any]:
        found: set[Any] = keys_in_tasks(all_hlg_keys, [self[key]])
        return found

    def cull(self, keys: Set[Any], all_hlg_keys: Collection[Any]) -> tuple[Layer, dict[Any, set[Any]]]:
        """The layer of some blocks alone, which has made no tasks, and what each of them needs."""
        blocks = {key[1:] for key in keys if key in self}
        looked_at = self._of(blocks)
        needs = {key: looked_at.get_dependencies(key, all_hlg_keys) for key in looked_at}
        return self._of(blocks), needs

    def _of(self, blocks: Set[Index]) -> Blockwise:
        return Blockwise(
            self.output,
            self.output_indices,
            self.task,
            self.indices,
            self.numblocks,
            self.concatenate,
            self.new_axes,
            blocks,
            self.dims,
            self.annotations,
            self.collection_annotations,
        )

    def __repr__(self) -> str:
        return f"Blockwise<{self.indices} -> {self.output}>"


def _said(value: Any) -> Any:
    return List(*map(_said, value)) if isinstance(value, list) else value


def _put(value: Any, given: Mapping[str, Any]) -> Any:
    if isinstance(value, TaskRef):
        return given.get(str(value.key), value)
    if isinstance(value, GraphNode):
        return value.substitute({token: _value(each) for token, each in given.items()})
    return value


def _value(value: Any) -> Any:
    return value if isinstance(value, GraphNode | TaskRef) else DataNode(None, value)


def _concatenate(blocks: Any, axes: Sequence[int]) -> Any:
    from plait.lazy.graphs.joining_numpy import concatenated

    return concatenated(blocks, axes)
