"""Tasks: values of plain graphs that say by their type what they are, not by being a tuple with a function first.

    Task(key, function, *args, **kwargs)   a call; among its arguments, not inside containers, the following count
    TaskRef(key)                           the value of another key
    Alias(key, target)                     a value of the graph that is another one's
    DataNode(key, value)                   a value, whatever it looks like
    List, Tuple, Set, Dict                 containers in which tasks and references count

They are immutable but for their key, know which keys they need, and can be called with a mapping of these. Libraries
exchange graphs of them; nothing of ours computes on them: `plain` makes native nodes of them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from functools import lru_cache
from itertools import chain
from typing import Any, ClassVar

from plait.parallel.naming import function_name

_NONE: frozenset[Any] = frozenset()
_SHOWN = 60  # characters of a task's arguments in its repr


class TaskRef:
    """In arguments: the value of a key."""

    __slots__ = ("key",)

    def __init__(self, key: Hashable) -> None:
        self.key = key

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.key!r})"

    def __hash__(self) -> int:
        return hash(("TaskRef", self.key))

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.key == self.key

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.key,)

    def substitute(self, subs: Mapping[Any, Any], key: Any = None) -> Any:
        """The reference with its key replaced; a task that replaces it is its own value."""
        new = subs.get(self.key, self.key)
        return new if isinstance(new, GraphNode | TaskRef) else TaskRef(new)


class GraphNode:
    """A value of a graph. See the module."""

    __slots__ = ("_dependencies", "_key")

    _key: Any
    _dependencies: frozenset[Any]

    @property
    def key(self) -> Any:
        return self._key

    @key.setter
    def key(self, key: Any) -> None:
        self._key = key

    @property
    def dependencies(self) -> frozenset[Any]:
        """The keys whose values a call needs."""
        return self._dependencies

    @property
    def data_producer(self) -> bool:
        """Whether this reads data in, so that it should not be repeated."""
        return False

    @property
    def block_fusion(self) -> bool:
        return False

    @property
    def is_coro(self) -> bool:
        return False

    def ref(self) -> Alias:
        """What stands for this in another's arguments."""
        return Alias(self._key)

    def copy(self) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no copy(); define it")

    def substitute(self, subs: Mapping[Any, Any], key: Any = None) -> Any:
        """The same with keys that it needs replaced, under the key `key`, or its own."""
        raise NotImplementedError(f"{type(self).__name__} has no substitute(); define it")

    def __call__(self, values: Mapping[Any, Any] = {}) -> Any:
        """The value, given those of the dependencies."""
        raise NotImplementedError(f"{type(self).__name__} cannot be called; define __call__")

    def _check(self, values: Mapping[Any, Any]) -> None:
        missing = [key for key in self._dependencies if key not in values]
        if missing:
            raise RuntimeError(
                f"{self._key!r} is missing the values of {', '.join(map(repr, missing))}; pass a mapping that has them"
            )

    def _parts(self) -> tuple[Any, ...]:
        """What makes this equal to another."""
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._parts() == self._parts()

    def __hash__(self) -> int:
        return hash((type(self), self._key))

    @staticmethod
    def fuse(*tasks: GraphNode, key: Any = None) -> GraphNode:
        """Tasks that need only each other, but for what comes from outside, as one; its value is that of the last.

        Raises ValueError where not exactly one is needed by no other.
        """
        if len(tasks) == 1:
            return tasks[0].substitute({}, key=key)  # type: ignore[no-any-return]
        inner = {task.key: task for task in tasks}
        needed = frozenset().union(*[task.dependencies for task in tasks])
        ends = [name for name in inner if name not in needed]
        if len(ends) != 1:
            raise ValueError(f"tasks {list(inner)!r} have multiple outputs, {ends!r}; fuse those that lead to one")
        outside = sorted(needed - inner.keys(), key=str)
        return Task(
            ends[0] if key is None else key, run_inner, inner, ends[0], tuple(outside), *[TaskRef(k) for k in outside]
        )


def run_inner(inner: Mapping[Any, GraphNode], end: Any, names: tuple[Any, ...], *values: Any) -> Any:
    """The value of one of some tasks, given those of the keys that they need besides each other."""
    known = dict(zip(names, values, strict=True))
    stack = [end]
    while stack:
        task = inner[stack[-1]]
        missing = [key for key in task.dependencies if key not in known]
        if missing:
            stack.extend(missing)
            continue
        known[stack.pop()] = task(known)
    return known[end]


class Alias(GraphNode):
    """A key whose value is another's."""

    __slots__ = ("target",)

    def __init__(self, key: Any, target: Any = None) -> None:
        self._key = key.key if isinstance(key, TaskRef) else key
        target = self._key if target is None else target
        self.target = target if isinstance(target, TaskRef) else TaskRef(getattr(target, "target", TaskRef(target)).key)
        self._dependencies = frozenset((self.target.key,))

    def copy(self) -> Alias:
        return Alias(self._key, self.target)

    def substitute(self, subs: Mapping[Any, Any], key: Any = None) -> Any:
        new = subs.get(self.target.key, self.target.key)
        own = subs.get(self._key, self._key) if key is None else key
        return new if isinstance(new, GraphNode) else Alias(own, new)

    def __call__(self, values: Mapping[Any, Any] = {}) -> Any:
        self._check(values)
        return values[self.target.key]

    def _parts(self) -> tuple[Any, ...]:
        return self._key, self.target

    __hash__ = GraphNode.__hash__

    def __repr__(self) -> str:
        return f"Alias({self._key!r})" if self._key == self.target.key else f"Alias({self._key!r}->{self.target.key!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Alias, (self._key, self.target.key)

    def __dask_tokenize__(self) -> Any:
        return "Alias", self._key, self.target.key


class DataNode(GraphNode):
    """A key with a value."""

    __slots__ = ("typ", "value")

    def __init__(self, key: Any, value: Any) -> None:
        self._key = key
        self.value = value
        self.typ = type(value)
        self._dependencies = _NONE

    @property
    def data_producer(self) -> bool:
        return True

    def copy(self) -> DataNode:
        return DataNode(self._key, self.value)

    def substitute(self, subs: Mapping[Any, Any], key: Any = None) -> DataNode:
        return self if key is None or key == self._key else DataNode(key, self.value)

    def __call__(self, values: Mapping[Any, Any] = {}) -> Any:
        return self.value

    def _parts(self) -> tuple[Any, ...]:
        return self._key, self.value

    __hash__ = GraphNode.__hash__

    def __repr__(self) -> str:
        return f"DataNode({self.value!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return DataNode, (self._key, self.value)

    def __dask_tokenize__(self) -> Any:
        return "DataNode", self.value

    def __iter__(self) -> Iterator[Any]:
        return iter(self.value)


def is_node(value: Any) -> bool:
    """Whether a value of a graph says its keys itself; the classes of other libraries may, too."""
    kind: Any = type(value)
    return _is_node_class(kind)


@lru_cache(maxsize=1024)
def _is_node_class(kind: type) -> bool:
    return issubclass(kind, GraphNode) or (hasattr(kind, "is_coro") and hasattr(kind, "substitute"))


def needs(value: Any) -> frozenset[Any]:
    """The keys that an argument needs."""
    if isinstance(value, TaskRef):
        return frozenset((value.key,))
    return value.dependencies if isinstance(value, GraphNode) else _NONE


def given(value: Any, values: Mapping[Any, Any]) -> Any:
    """What an argument stands for."""
    if isinstance(value, TaskRef):
        return values[value.key]
    return value(values) if isinstance(value, GraphNode) else value


def _substituted(value: Any, subs: Mapping[Any, Any]) -> Any:
    return value.substitute(subs) if isinstance(value, GraphNode | TaskRef) else value


class Task(GraphNode):
    """A call."""

    __slots__ = ("_data_producer", "args", "func", "kwargs")

    func: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def __init__(
        self, key: Any, func: Callable[..., Any], /, *args: Any, _data_producer: bool = False, **kwargs: Any
    ) -> None:
        self._key = key
        self.func = func
        self.args = args
        self.kwargs = kwargs
        self._data_producer = _data_producer
        self._dependencies = _NONE.union(*map(needs, args), *map(needs, kwargs.values()))

    @property
    def data_producer(self) -> bool:
        return self._data_producer

    @property
    def is_coro(self) -> bool:
        """Whether the value is yet to be awaited."""
        from inspect import iscoroutinefunction  # slow to load

        return iscoroutinefunction(self.func)

    def copy(self) -> Any:
        return self._renewed(self._key, self.args, self.kwargs)

    def _renewed(self, key: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The same call of other arguments; a subclass keeps what else it has."""
        kind = type(self)
        made = kind.__new__(kind)
        own = [getattr(each, "__slots__", ()) for each in kind.__mro__[: kind.__mro__.index(Task)]]
        for name in [*chain.from_iterable(own), *getattr(self, "__dict__", ())]:
            if hasattr(self, name):
                setattr(made, name, getattr(self, name))
        Task.__init__(made, key, self.func, *args, _data_producer=self._data_producer, **kwargs)
        return made

    def substitute(self, subs: Mapping[Any, Any], key: Any = None) -> Any:
        if any(subs.get(each, each) != each for each in self._dependencies):
            args = tuple([_substituted(each, subs) for each in self.args])
            kwargs = {name: _substituted(each, subs) for name, each in self.kwargs.items()}
            return self._renewed(self._key if key is None else key, args, kwargs)
        return self if key is None or key == self._key else self._renewed(key, self.args, self.kwargs)

    def __call__(self, values: Mapping[Any, Any] = {}) -> Any:
        self._check(values)
        kwargs = {name: given(each, values) for name, each in self.kwargs.items()}
        return self.func(*[given(each, values) for each in self.args], **kwargs)

    def _parts(self) -> tuple[Any, ...]:
        return self._key, self.func, self.args, self.kwargs

    __hash__ = GraphNode.__hash__

    def __repr__(self) -> str:
        shown = ", ".join([*map(repr, self.args), *(f"{name}={each!r}" for name, each in self.kwargs.items())])
        name = function_name(self.func)
        return f"<{type(self).__name__} {self._key!r} {name}({shown if len(shown) <= _SHOWN else '...'})>"

    def __reduce__(self) -> tuple[Any, ...]:
        if self.kwargs or self._data_producer:
            return _task, (self._key, self.func, self.args, self.kwargs, self._data_producer)
        return Task, (self._key, self.func, *self.args)

    def __dask_tokenize__(self) -> Any:
        return "Task", self.func, self.args, self.kwargs


def _task(key: Any, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], data_producer: bool) -> Task:
    return Task(key, func, *args, _data_producer=data_producer, **kwargs)


class NestedContainer(Task):
    """A container of tasks, references and other values."""

    __slots__ = ()

    klass: ClassVar[Any]

    def __init__(self, /, *members: Any) -> None:
        if len(members) == 1 and type(members[0]) is self.klass:
            members = tuple(members[0])
        super().__init__(None, self.klass, *members)

    def _renewed(self, key: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        made = type(self).__new__(type(self))
        Task.__init__(made, key, self.klass, *args)
        return made

    def __call__(self, values: Mapping[Any, Any] = {}) -> Any:
        self._check(values)
        return self.klass([given(each, values) for each in self.args])

    def __iter__(self) -> Iterator[Any]:
        return iter(self.args)

    def __len__(self) -> int:
        return len(self.args)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.args))})"

    __hash__ = GraphNode.__hash__

    def __reduce__(self) -> tuple[Any, ...]:
        return _container, (type(self), self.args, self._key)

    def __dask_tokenize__(self) -> Any:
        return type(self).__name__, self.args


def _container(kind: type[NestedContainer], members: tuple[Any, ...], key: Any) -> NestedContainer:
    made = kind.__new__(kind)
    Task.__init__(made, key, kind.klass, *members)
    return made


class List(NestedContainer):
    """A list."""

    __slots__ = ()
    klass = list


class Tuple(NestedContainer):
    """A tuple."""

    __slots__ = ()
    klass = tuple


class Set(NestedContainer):
    """A set."""

    __slots__ = ()
    klass = set


class Dict(NestedContainer):
    """A dict; its members are keys and values in turn."""

    __slots__ = ()
    klass = dict

    def __init__(self, /, *members: Any, **named: Any) -> None:
        pairs = dict(*members, **named) if not members or isinstance(members[0], Mapping) else _pairs(members)
        Task.__init__(self, None, dict, *[each for pair in pairs.items() for each in pair])

    def __call__(self, values: Mapping[Any, Any] = {}) -> Any:
        self._check(values)
        flat = [given(each, values) for each in self.args]
        return dict(zip(flat[::2], flat[1::2], strict=True))

    def __getitem__(self, key: Any) -> Any:
        return dict(zip(self.args[::2], self.args[1::2], strict=True))[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.args[::2])

    def __len__(self) -> int:
        return len(self.args) // 2

    def _parts(self) -> tuple[Any, ...]:
        return self._key, dict(self.items())

    __hash__ = GraphNode.__hash__

    def __dask_tokenize__(self) -> Any:
        return "Dict", dict(self.items())

    def keys(self) -> list[Any]:
        return list(self)

    def values(self) -> list[Any]:
        return list(self.args[1::2])

    def items(self) -> list[tuple[Any, Any]]:
        return list(zip(self.keys(), self.values(), strict=True))

    def __repr__(self) -> str:
        return f"Dict({', '.join(f'{name!r}: {value!r}' for name, value in self.items())})"


def _pairs(members: tuple[Any, ...]) -> dict[Any, Any]:
    if len(members) == 1:
        return dict(members[0])
    if all(isinstance(each, tuple | list) and len(each) == 2 for each in members):
        return dict(members)
    if len(members) % 2:
        raise ValueError(f"{len(members)} members are no keys and values in turn; pass a mapping, or an even number")
    return dict(zip(members[::2], members[1::2], strict=True))
