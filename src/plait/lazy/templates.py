"""Templates: arguments with holes where lazy nodes stood, filled with the nodes' values when the call runs.

scan() looks into lists, tuples, sets, dicts and slices, at any depth, and copies only those that hold a node; all other
objects are passed on as they are. Cost of arguments without nodes or containers: one type check each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

_CONTAINERS = frozenset({list, tuple, set, frozenset, dict, slice})

IsNode: TypeAlias = Callable[[Any], bool]


class Hole:
    """The value of the call's input number `position`."""

    __slots__ = ("position",)

    def __init__(self, position: int) -> None:
        self.position = position


class Nested:
    """A container with holes somewhere inside; `build` makes it from its members."""

    __slots__ = ("build", "members")

    def __init__(self, build: Callable[[list[Any]], Any], members: list[Any]) -> None:
        self.build = build
        self.members = members


class Scanner:
    """Collects the nodes that some arguments hold. One Scanner a call, since the holes' numbers count through it."""

    __slots__ = ("_is_node", "_positions", "nodes")

    def __init__(self, is_node: IsNode) -> None:
        self.nodes: list[Any] = []
        self._positions: dict[int, int] = {}  # id of a node, which `nodes` keeps alive
        self._is_node = is_node

    def scan(self, item: Any) -> Any:
        """`item` itself, or a template of it."""
        if self._is_node(item):
            position = self._positions.setdefault(id(item), len(self.nodes))
            if position == len(self.nodes):
                self.nodes.append(item)
            return Hole(position)
        kind = type(item)
        return self._scan_container(item, kind) if kind in _CONTAINERS else item

    def _scan_container(self, item: Any, kind: type) -> Any:
        before = len(self.nodes)
        if kind is dict:
            parts = [*item.keys(), *item.values()]
        elif kind is slice:
            parts = [item.start, item.stop, item.step]
        else:
            parts = list(item)
        members = [self.scan(part) for part in parts]
        if len(self.nodes) == before and all(new is old for new, old in zip(members, parts, strict=True)):
            return item
        return Nested(_BUILDERS.get(kind, kind), members)


def fill(item: Any, values: Sequence[Any]) -> Any:
    """The argument that a template stands for."""
    kind = type(item)
    if kind is Hole:
        return values[item.position]
    if kind is Nested:
        return item.build([fill(member, values) for member in item.members])
    return item


def _build_dict(members: list[Any]) -> dict[Any, Any]:
    half = len(members) // 2
    return dict(zip(members[:half], members[half:], strict=True))


def _build_slice(members: list[Any]) -> slice:
    return slice(*members)


_BUILDERS: dict[type, Callable[[list[Any]], Any]] = {dict: _build_dict, slice: _build_slice}
