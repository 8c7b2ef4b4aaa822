"""Blocks: the parts of a graph that travel to a cluster, each as one task.

    caller   cut() makes blocks of an arena; each has its nodes' pickle, the blocks it reads and the nodes it gives
    worker   a Program makes nodes of the pickle again, runs them in this thread and gives their values

A block that gives one node's value gives it as it is, so that a cluster's future stands for that node; one that gives
several gives a list. In the pickle the nodes stand in order, inputs first, so that it is no deeper than their arguments
however long a chain is. What comes from outside - another block's value, a cluster's future among the arguments - is
an `_outside(slot, position)` call, which is answered while the worker unpickles.

An exception travels as a BlockFailed, which holds it as layer 3's processes send it: pickled if it can be, with its
traceback as text and the note that names the node. `failure_of` makes it what the caller raises.

Workers need plait, and cloudpickle, as they need what the functions use.
"""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from typing import Any, NamedTuple

import cloudpickle

import plait.lazy.handles  # noqa: F401  what nodes are made of
from plait._base.errors import PlaitError
from plait.adapters.partition import partition
from plait.lazy._native.arena import Arena, Execution
from plait.lazy._native.nodes import Node, leaf, make
from plait.lazy.blame import describe
from plait.parallel.errors import TransportError
from plait.parallel.naming import function_name
from plait.parallel.outcome import RAISED, Failure, pack_failure, rebuild
from plait.parallel.tracebacks import trim
from plait.parallel.transport.pickling import blame_call

# How many blocks there are for each thread of the cluster, where there are nodes enough.
BLOCKS_A_THREAD = 8


class Block(NamedTuple):
    """One task of a cluster: program(*values of what it reads)."""

    program: Program
    reads: list[Any]  # in the order of the arguments: positions of other blocks, or futures of the cluster
    gives: list[int]  # numbers of the nodes whose values others want

    def value(self, number: int, result: Any) -> Any:
        """A node's value, in what the program gave."""
        return result if len(self.gives) == 1 else result[self.gives.index(number)]


class Program:
    """Some nodes, pickled; calling it runs them. Raises BlockFailed."""

    def __init__(self, names: Sequence[str], payload: bytes) -> None:
        """names: of the nodes' functions, in order."""
        self.__name__ = names[-1]
        self._count = len(names)
        self._payload = payload

    def __call__(self, *values: Any) -> Any:
        _arriving.values = values
        try:
            _, outputs = pickle.loads(self._payload)
        finally:
            _arriving.values = ()
        execution = Execution(Arena(outputs))
        failed = None
        try:
            execution.run_all()
        except Exception as error:
            failed = _failed(error, self)
        if failed is not None:  # raised here, it has no context: that may be circular, which clusters cannot pickle
            raise failed
        results = execution.outputs()
        return results[0] if len(results) == 1 else results

    def __repr__(self) -> str:
        return (
            f"<{self._count} calls, the last of {self.__name__}>" if self._count > 1 else f"<call of {self.__name__}>"
        )


class BlockFailed(PlaitError, RuntimeError):
    """A block's node raised on a worker: `failure` holds what, `task` says which."""

    def __init__(self, task: str, failure: Failure) -> None:
        super().__init__(f"{task} raised {failure.type_name}: {failure.text}")
        self.task = task
        self.failure = failure

    def __reduce__(self) -> tuple[Any, ...]:
        return BlockFailed, (self.task, self.failure)


def failure_of(error: BaseException) -> BaseException:
    """What the caller is to raise for an exception of a cluster's task."""
    return rebuild(error.failure, error.task, RAISED) if isinstance(error, BlockFailed) else error


# -- the caller --------------------------------------------------------------------------------------------------


def cut(arena: Arena, threads: int, future: Any = None) -> list[Block]:
    """The blocks of a graph, each behind those that it reads.

    threads: how many the cluster has. future: the class of its futures, which may be among arguments. Raises
    TransportError where something cannot be pickled, naming the node and the part of its call.
    """
    members = partition(arena, BLOCKS_A_THREAD * threads)
    block_of = {number: i for i, numbers in enumerate(members) for number in numbers}
    wanted = set(arena.outputs)
    gives = [
        [each for each in numbers if each in wanted or any(block_of[r] != i for r in arena.readers(each))]
        for i, numbers in enumerate(members)
    ]
    return [_Packer(arena, block_of, gives, future).block(i, numbers, gives[i]) for i, numbers in enumerate(members)]


class _Packer:
    """Pickles the nodes of one block."""

    def __init__(self, arena: Arena, block_of: Mapping[int, int], gives: list[list[int]], future: Any) -> None:
        self._arena = arena
        self._block_of = block_of
        self._gives = gives
        self._future = future
        self._reads: list[Any] = []
        self._slots: dict[Any, int] = {}  # what is read -> its place among the arguments

    def block(self, own: int, numbers: Sequence[int], gives: list[int]) -> Block:
        nodes = [self._arena.nodes[number] for number in numbers]
        outside: dict[int, _Outside] = {}  # of a node that another block gives, by id
        for number in numbers:
            for each in self._arena.inputs(number):
                block = self._block_of[each]
                if block != own:
                    given = self._gives[block]
                    position = None if len(given) == 1 else given.index(each)
                    outside[id(self._arena.nodes[each])] = _Outside(self._slot(block, block), position)
        outputs = [self._arena.nodes[number] for number in gives]
        rows = [(node, self._inputs(number, node)) for number, node in zip(numbers, nodes, strict=True)]
        payload = self._pickled(rows, outputs, outside)
        return Block(Program([function_name(node._function) for node in nodes], payload), self._reads, gives)

    def _inputs(self, number: int, node: Any) -> tuple[Any, ...]:
        """The inputs of a node, each as the one of all nodes with its key that is in the arena."""
        return tuple([self._arena.nodes[each] for each in self._arena.inputs(number)])

    def _slot(self, name: Any, read: Any) -> int:
        if name not in self._slots:
            self._slots[name] = len(self._reads)
            self._reads.append(read)
        return self._slots[name]

    def _pickled(self, rows: list[Any], outputs: list[Any], outside: dict[int, _Outside]) -> bytes:
        inputs = {id(node): of for node, of in rows}

        def reduce(value: Any) -> Any:
            if isinstance(value, Node):
                return outside[id(value)].__reduce__() if id(value) in outside else _row(value, inputs[id(value)])
            if self._future is not None and isinstance(value, self._future):
                return _outside, (self._slot(value, value), None)
            return NotImplemented

        try:
            return _pickle(([node for node, _ in rows], outputs), reduce)
        except Exception as error:
            raise _unsendable(rows, reduce, error) from error


class _Outside(NamedTuple):
    slot: int
    position: int | None

    def __reduce__(self) -> tuple[Any, ...]:
        return _outside_node, (self.slot, self.position)


def _row(node: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    args, kwargs = node._filled(list(inputs))
    return _node, (node._function, args, kwargs, node.key)


def _pickle(value: Any, reduce: Callable[[Any], Any]) -> bytes:
    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]
        def reducer_override(self, item: Any) -> Any:
            reduced = reduce(item)
            return super().reducer_override(item) if reduced is NotImplemented else reduced

    file = BytesIO()
    Pickler(file, protocol=5).dump(value)
    return file.getvalue()


def _unsendable(rows: list[Any], reduce: Callable[[Any], Any], error: Exception) -> TransportError:
    """Which node of a block cannot be pickled, and why."""
    for node, inputs in rows:
        args, kwargs = node._filled([None] * len(inputs))
        try:
            _pickle((node._function, args, kwargs), reduce)
        except Exception:
            path, reason = blame_call(node._function, args, kwargs)
            return TransportError(f"{describe(node, args, kwargs)}: {path} cannot be pickled: {reason}")
    return TransportError(f"a graph cannot be pickled: {error}")


# -- the worker --------------------------------------------------------------------------------------------------


class _Arriving(threading.local):
    values: Sequence[Any] = ()


_arriving = _Arriving()


def _node(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], key: Any) -> Any:
    return make(function, args, kwargs, None, None, key)


def _outside(slot: int, position: int | None) -> Any:
    """The value that the block gets from outside."""
    value = _arriving.values[slot]
    return value if position is None else value[position]


def _outside_node(slot: int, position: int | None) -> Any:
    return leaf(_outside(slot, position))


def _failed(error: Exception, program: Program) -> BlockFailed:
    trim(error)
    notes = [note for note in getattr(error, "__notes__", ()) if note.startswith("in ")]
    return BlockFailed(notes[-1].removeprefix("in ") if notes else repr(program), pack_failure(error))
