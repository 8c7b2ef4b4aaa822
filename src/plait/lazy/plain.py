"""Plain graphs: dictionaries {key: task}, in which other libraries give and take graphs.

A task is a tuple (function, argument, ...); an argument is another key, which stands for its value, a task, a list or
dictionary of such, or any other value, which stands for itself. A value that is no task is itself. This is dask's
oldest and most common form; graphs come in by it and leave by it, and nothing of ours computes on it.

Cost: linear, some 3 us a task each way.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from plait.lazy._native.arena import Arena
from plait.lazy._native.nodes import Node, leaf, make

Key: TypeAlias = Hashable
Graph: TypeAlias = Mapping[Any, Any]

_ABSENT: Any = object()


class GraphError(ValueError):
    """A plain graph cannot be computed."""


def is_task(value: Any) -> bool:
    """Whether a value of a plain graph is a call."""
    return type(value) is tuple and bool(value) and callable(value[0])


def identity(value: Any) -> Any:
    """What a node that has a value, or stands for another, calls."""
    return value


class Literal:
    """A call that gives its value: how a plain graph says a value that would be read as a task or a key."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __call__(self) -> Any:
        return self.value

    def __repr__(self) -> str:
        return f"literal<type={type(self.value).__name__}>"


# -- in ----------------------------------------------------------------------------------------------------------


def nodes_of(graph: Graph, keys: Iterable[Any]) -> dict[Any, Node]:
    """Nodes for some keys of a plain graph and all that they need, by key.

    Raises KeyError for a key that is not in the graph, GraphError where keys need each other.
    """
    return _Reader(graph).read(keys)


class _Reader:
    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._nodes: dict[Any, Any] = {}
        self._open: dict[Any, None] = {}  # keys whose needs are being read, in order

    def read(self, keys: Iterable[Any]) -> dict[Any, Node]:
        for key in keys:
            if key not in self._graph:
                raise KeyError(f"{key!r} is not a key of the graph")
            stack = [key]
            while stack:
                self._step(stack)
        return self._nodes

    def _step(self, stack: list[Any]) -> None:
        """Make a node of the last key, or put what it needs behind it."""
        key = stack[-1]
        if key in self._nodes:
            stack.pop()
            return
        value = self._graph[key]
        if _is_hashable(value) and value == key:  # a value that looks like its own key
            stack.pop()
            self._nodes[key] = leaf(value, key)
            return
        missing = [each for each in references(value, self._graph) if each not in self._nodes]
        if not missing:
            stack.pop()
            self._open.pop(key, None)
            self._nodes[key] = self._node(key, value)
            return
        self._open[key] = None
        for each in missing:
            if each in self._open:
                path = list(self._open)
                circle = " -> ".join(map(repr, [*path[path.index(each) :], each]))
                raise GraphError(f"the graph has a cycle: {circle}; a key cannot need itself")
        stack.extend(missing)

    def _node(self, key: Any, value: Any) -> Node:
        node: Node
        if is_task(value):
            node = make(value[0], tuple([self._argument(each) for each in value[1:]]), None, None, None, key)
        else:
            node = make(identity, (self._argument(value),), None, None, None, key)
        return node

    def _argument(self, value: Any) -> Any:
        kind = type(value)
        if kind is list:
            return [self._argument(each) for each in value]
        if kind is dict:
            return {name: self._argument(each) for name, each in value.items()}
        if is_task(value):
            return make(value[0], tuple([self._argument(each) for each in value[1:]]), None, None, None, None)
        return self._nodes.get(value, value) if _is_hashable(value) else value


def references(value: Any, graph: Graph) -> Iterator[Any]:
    """The keys of `graph` that a value of it needs, each occurrence."""
    stack = [value]
    while stack:
        item = stack.pop()
        kind = type(item)
        if kind is list:
            stack.extend(item)
        elif kind is dict:
            stack.extend(item.values())
        elif is_task(item):
            stack.extend(item[1:])
        elif _is_hashable(item) and item in graph:
            yield item


def _is_hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


# -- out ---------------------------------------------------------------------------------------------------------


def graph_of(outputs: Iterable[Node]) -> dict[Any, Any]:
    """What some nodes need as a plain graph, in an order in which it can be run."""
    arena = Arena(list(outputs))
    keys = [node.key for node in arena.nodes]
    known = frozenset(keys)
    graph = {}
    for number, node in enumerate(arena.nodes):
        args, kwargs = node._filled([_Reference(keys[each]) for each in arena.inputs(number)])
        graph[keys[number]] = _task(node._function, args, kwargs, known)
    return graph


class _Reference:
    """A place in arguments where a key stands."""

    __slots__ = ("key",)

    def __init__(self, key: Any) -> None:
        self.key = key

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Reference) and other.key == self.key


def _task(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], known: frozenset[Any]) -> Any:
    if function is identity and not kwargs:
        return _said(args[0], known)
    said = [_said(each, known) for each in args]
    if not kwargs:
        return (function, *said)
    return (apply, function, said, (dict, [[name, _said(value, known)] for name, value in kwargs.items()]))


def _said(value: Any, known: frozenset[Any]) -> Any:
    """A value of arguments as a plain graph says it."""
    kind = type(value)
    if kind is _Reference:
        return value.key
    if kind is list:
        return [_said(each, known) for each in value]
    if kind is dict and _holds(value.values()):
        return (dict, [[name, _said(each, known)] for name, each in value.items()])
    if kind in (tuple, set, frozenset) and _holds(value):
        return (kind, [_said(each, known) for each in value])
    if kind is slice and _holds((value.start, value.stop, value.step)):
        return (slice, *(_said(each, known) for each in (value.start, value.stop, value.step)))
    if is_task(value) or (_is_hashable(value) and value in known):
        return (Literal(value),)
    return value


def _holds(values: Iterable[Any]) -> bool:
    """Whether a reference is somewhere in some values."""
    return any(
        type(value) is _Reference
        or (type(value) in (list, tuple, set, frozenset) and _holds(value))
        or (type(value) is dict and _holds(value.values()))
        for value in values
    )


def apply(function: Callable[..., Any], args: Iterable[Any], kwargs: Mapping[str, Any] | None = None) -> Any:
    """function(*args, **kwargs): how a plain graph says a call with keywords."""
    return function(*args, **(kwargs or {}))
