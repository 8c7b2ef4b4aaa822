"""What the values of plain graphs need, and in which order they can be run. Linear in values and keys."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from plait.lazy.plain import CycleError, Graph, is_task, references

T = TypeVar("T")

_ABSENT: Any = object()


def keys_in_tasks(keys: Collection[Any], tasks: Iterable[Any], as_list: bool = False) -> Any:
    """The keys that some values need: a set, or each time one is needed."""
    found = (key for task in tasks for key in references(task, keys) if key in keys)
    return list(found) if as_list else set(found)


def get_dependencies(dsk: Graph, key: Any = None, task: Any = _ABSENT, as_list: bool = False) -> Any:
    """The keys that a value needs, given by its key or itself: a set, or a list with one for each time."""
    if key is not None:
        task = dsk[key]
    elif task is _ABSENT:
        raise ValueError("get_dependencies() was given neither key nor task; pass one")
    return keys_in_tasks(dsk, [task], as_list)


def references_to(key: Any, value: Any) -> int:
    """How many times a value needs a key."""
    return sum(1 for _ in references(value, (key,)))


def get_deps(dsk: Graph) -> tuple[dict[Any, set[Any]], dict[Any, set[Any]]]:
    """For each key the keys that it needs, and those that need it."""
    needs = {key: get_dependencies(dsk, task=task) for key, task in dsk.items()}
    return needs, reverse_dict(needs)


def reverse_dict(d: Mapping[T, Iterable[T]]) -> dict[T, set[T]]:
    """{member: the keys that have it}, with an empty set for keys that are no member."""
    turned: dict[T, set[T]] = {key: set() for key in d}
    for key, members in d.items():
        for each in members:
            turned.setdefault(each, set()).add(key)
    return turned


def toposort(dsk: Graph, dependencies: Mapping[Any, Iterable[Any]] | None = None) -> list[Any]:
    """The keys, each after those that it needs. Raises CycleError where keys need each other."""
    order, circle = _walk(dsk, dsk, dependencies)
    if circle:
        raise CycleError(f"Cycle detected in the graph: {' -> '.join(map(str, circle))}; a key cannot need itself")
    return order


def getcycle(d: Graph, keys: Any) -> list[Any]:
    """A circle among what some keys need, from a key to itself; empty where there is none."""
    return _walk(d, keys if isinstance(keys, list) else [keys], None)[1]


def isdag(d: Graph, keys: Any) -> bool:
    """Whether what some keys need has no circle."""
    return not getcycle(d, keys)


def _walk(
    dsk: Graph, keys: Iterable[Any], dependencies: Mapping[Any, Iterable[Any]] | None
) -> tuple[list[Any], list[Any]]:
    """(keys and what they need, in order; a circle that was met)."""
    done: dict[Any, None] = {}
    for start in keys:
        if start in done:
            continue
        path: dict[Any, Iterator[Any]] = {
            start: _needed(dsk, start, dependencies)
        }  # open keys, and what is left of each
        while path:
            key = next(reversed(path))
            for each in path[key]:
                if each in path:
                    between = list(path)
                    return list(done), [*between[between.index(each) :], each]
                if each not in done and each in dsk:
                    path[each] = _needed(dsk, each, dependencies)
                    break
            else:
                del path[key]
                done[key] = None
    return list(done), []


def _needed(dsk: Graph, key: Any, dependencies: Mapping[Any, Iterable[Any]] | None) -> Iterator[Any]:
    return iter(dependencies[key]) if dependencies is not None else references(dsk[key], dsk)


def preorder_traversal(task: Any) -> Iterator[Any]:
    """The functions and arguments of a task from left to right; a list begins with the type."""
    if is_task(task):
        for each in task:
            yield from preorder_traversal(each)
    elif isinstance(task, list):
        yield list
        for each in task:
            yield from preorder_traversal(each)
    else:
        yield task


def functions_of(task: Any) -> set[Callable[..., Any]]:
    """The functions that a task calls."""
    found = set()
    stack = [task]
    while stack:
        item = stack.pop()
        if isinstance(item, list):
            stack.extend(item)
        elif is_task(item):
            found.add(unwrap_partial(item[0]))
            stack.extend(item[1:])
    return found


def unwrap_partial(func: Any) -> Any:
    """The function that a partial is of."""
    while hasattr(func, "func"):
        func = func.func
    return func


def flatten(seq: Any, container: Any = list) -> Iterator[Any]:
    """The keys in a sequence and in those inside it that are of the type, or types, `container`; a text is one key."""
    if isinstance(seq, str):
        yield seq
        return
    for each in seq:
        if isinstance(each, container):
            yield from flatten(each, container)
        else:
            yield each
