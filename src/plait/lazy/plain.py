"""Plain graphs: dictionaries {key: task}, in which other libraries give and take graphs.

A task is a tuple (function, argument, ...); an argument is another key, which stands for its value, a task, a list or
dictionary of such, or any other value, which stands for itself. A value that is no task is itself. Graphs come in by
this form and leave by it, and nothing of ours computes on it. They also come in with the objects of `tasks`.

Cost: linear, some 3 us a task each way.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Hashable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from plait.lazy._native.nodes import Node, leaf, make
from plait.lazy.keys import identity as identity
from plait.lazy.lowering import show
from plait.lazy.tasks import Alias, DataNode, Dict, NestedContainer, Task, TaskRef, is_node

Key: TypeAlias = Hashable
Graph: TypeAlias = Mapping[Any, Any]

_ABSENT: Any = object()


class GraphError(ValueError):
    """A plain graph cannot be computed."""


class CycleError(GraphError, RuntimeError):
    """Keys of a graph need each other."""


def is_task(value: Any) -> bool:
    """Whether a value of a plain graph is a call."""
    return type(value) is tuple and bool(value) and callable(value[0])


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

    Raises KeyError for a key that is not in the graph, CycleError where keys need each other.
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
        if is_hashable(value) and value == key and not is_node(value):  # a value that looks like its own key
            stack.pop()
            self._nodes[key] = leaf(value, key)
            return
        missing = [each for each in self._needs(key, value) if each not in self._nodes]
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
                raise CycleError(f"Cycle detected in the graph: {circle}; a key cannot need itself")
        stack.extend(missing)

    def _needs(self, key: Any, value: Any) -> Iterator[Any]:
        for each in references(value, self._graph):
            if each not in self._graph:
                raise GraphError(f"Missing dependency: {key!r} needs {each!r}, which is not a key of the graph; add it")
            yield each

    def _node(self, key: Any, value: Any) -> Node:
        node: Node
        if is_node(value):
            node = self._call_of(key, value)
        elif is_task(value):
            node = make(value[0], tuple([self._argument(each) for each in value[1:]]), None, None, None, key)
        else:
            node = make(identity, (self._argument(value),), None, None, None, key)
        return node

    def _call_of(self, key: Any, task: Any) -> Node:
        """A node for an object of `tasks`, or of another library's class like it."""
        node: Node
        if type(task) is DataNode:
            node = leaf(task.value, key)
        elif type(task) is Alias:
            node = make(identity, (self._nodes[task.target.key],), None, None, None, key)
        elif type(task) is Task:
            args = tuple([self._member(each) for each in task.args])
            kwargs = {name: self._member(each) for name, each in task.kwargs.items()}
            node = make(task.func, args, kwargs, None, None, key)
        elif isinstance(task, NestedContainer):
            node = make(identity, (self._container(task),), None, None, None, key)
        else:
            values = {each: self._nodes[each] for each in task.dependencies}
            node = make(called, (task, values), None, None, None, key)
        return node

    def _container(self, task: NestedContainer) -> Any:
        members = [self._member(each) for each in task.args]
        if isinstance(task, Dict):
            return dict(zip(members[::2], members[1::2], strict=True))
        return task.klass(members)

    def _member(self, value: Any) -> Any:
        """What an argument of such an object is for a node: other values than these objects stand for themselves."""
        kind = type(value)
        if kind is TaskRef:
            return self._nodes[value.key]
        if not is_node(value):
            return value
        if kind is Alias:
            return self._nodes[value.target.key]
        if kind is DataNode:
            return value.value
        return self._container(value) if isinstance(value, NestedContainer) else self._call_of(None, value)

    def _argument(self, value: Any) -> Any:
        kind = type(value)
        if kind is TaskRef or is_node(value):
            return self._member(value)
        if kind is list:
            return [self._argument(each) for each in value]
        if kind is dict:
            return {name: self._argument(each) for name, each in value.items()}
        if is_task(value):
            return make(value[0], tuple([self._argument(each) for each in value[1:]]), None, None, None, None)
        return self._nodes.get(value, value) if is_hashable(value) else value


def called(task: Callable[[Any], Any], values: Mapping[Any, Any]) -> Any:
    """The value of another library's task."""
    return task(values)


def references(value: Any, graph: Container[Any]) -> Iterator[Any]:
    """The keys that a value of a graph needs, each occurrence: what is said to be a key, and what is one of the
    graph.
    """
    stack = [value]
    while stack:
        item = stack.pop()
        kind = type(item)
        if kind is TaskRef:
            yield item.key
        elif is_node(item):
            yield from item.dependencies
        elif kind is list:
            stack.extend(item)
        elif kind is dict:
            stack.extend(item.values())
        elif is_task(item):
            stack.extend(item[1:])
        elif is_hashable(item) and item in graph:
            yield item


def is_hashable(value: Any) -> bool:
    """Whether a value can be a key of a dictionary."""
    try:
        hash(value)
    except TypeError:
        return False
    return True


# -- out ---------------------------------------------------------------------------------------------------------


def graph_of(outputs: Iterable[Node]) -> dict[Any, Any]:
    """What some nodes need as a plain graph, in an order in which it can be run."""
    arena = show(list(outputs))
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
    if is_task(value) or (is_hashable(value) and value in known):
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
