"""Graphs of tuples to graphs of task objects (`plait.lazy.tasks`), and what is done with such graphs."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from plait.lazy.plain import Graph, is_hashable, is_task
from plait.lazy.tasks import Alias, DataNode, Dict, GraphNode, List, Set, Task, TaskRef, Tuple, needs

_CONTAINERS: dict[Any, Any] = {list: List, tuple: Tuple, set: Set}


def parse_input(obj: Any) -> Any:
    """An argument for a Task: containers that hold tasks or references, at any depth, become task objects too."""
    kind = type(obj)
    if kind in _CONTAINERS:
        members = [parse_input(each) for each in obj]
        return _CONTAINERS[kind](*members) if any(map(_is_said, members)) else obj
    if kind is dict:
        pairs = {name: parse_input(each) for name, each in obj.items()}
        return Dict(pairs) if any(map(_is_said, pairs.values())) else obj
    if isinstance(obj, tuple) and hasattr(obj, "_fields"):
        members = [parse_input(each) for each in obj]
        return Task(None, _named_tuple, kind, *members) if any(map(_is_said, members)) else obj
    return obj


def _is_said(value: Any) -> bool:
    return isinstance(value, GraphNode | TaskRef)


def _named_tuple(kind: Any, *members: Any) -> Any:
    return kind(*members)


def convert_legacy_task(key: Any, task: Any, all_keys: Container[Any]) -> Any:
    """A value of a graph of tuples as a task object under `key`; with key=None as an argument of one."""
    if isinstance(task, GraphNode):
        return task
    if isinstance(task, TaskRef):
        return task if key is None or key == task.key else Alias(key, task)
    if is_task(task):
        return Task(key, task[0], *[convert_legacy_task(None, each, all_keys) for each in task[1:]])
    if is_hashable(task) and task in all_keys and not (key is not None and task == key):
        return TaskRef(task) if key is None else Alias(key, task)
    if type(task) is list or type(task) is dict:
        made = _container(task, all_keys)
        if needs(made) or _is_said(made):
            return made if key is None else made.substitute({}, key=key)
    return task if key is None else DataNode(key, task)


def _container(value: Any, all_keys: Container[Any]) -> Any:
    """A list or dict as a task object where something in it is one."""
    members = list(value.values() if type(value) is dict else value)
    made = [convert_legacy_task(None, each, all_keys) for each in members]
    if not any(map(_is_said, made)):
        return value
    return Dict(dict(zip(value, made, strict=True))) if type(value) is dict else List(*made)


def convert_legacy_graph(dsk: Graph, all_keys: Container[Any] | None = None) -> dict[Any, GraphNode]:
    """The graph with task objects as values. all_keys: what counts as a key, if not only the graph's own. A reference
    to its own key, which says that the value is kept elsewhere, is left out."""
    known = dsk.keys() if all_keys is None else all_keys
    made = {key: convert_legacy_task(key, task, known) for key, task in dsk.items()}
    return {key: task for key, task in made.items() if not isinstance(task, TaskRef)}


def resolve_aliases(dsk: Mapping[Any, GraphNode], keys: Any, dependents: Mapping[Any, set[Any]]) -> dict[Any, Any]:
    """The graph without names that stand for another which nobody else needs: that one's task goes by the alias's
    key.
    """
    made = dict(dsk)
    kept = set(keys)
    for key in list(dsk):
        task = made.get(key)
        while isinstance(task, Alias) and _may_go(task.target.key, made, kept, dependents):
            task = made.pop(task.target.key).substitute({}, key=key)
            made[key] = task
    return made


def _may_go(target: Any, dsk: Mapping[Any, Any], kept: set[Any], dependents: Mapping[Any, set[Any]]) -> bool:
    return target in dsk and target not in kept and len(dependents[target]) == 1


class DependenciesMapping(Mapping[Any, frozenset[Any]]):
    """What each value of a graph of task objects needs, without a dictionary of it."""

    def __init__(self, dsk: Mapping[Any, GraphNode]) -> None:
        self._dsk = dsk

    def __getitem__(self, key: Any) -> frozenset[Any]:
        return needs(self._dsk[key])

    def __iter__(self) -> Any:
        return iter(self._dsk)

    def __len__(self) -> int:
        return len(self._dsk)
