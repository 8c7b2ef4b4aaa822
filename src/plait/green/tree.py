"""GreenletTree: who spawned whom, as a tree for each thread.

The root is the thread's main greenlet (or one marked `greenlet_tree_is_root`); below a greenlet stand those that it
spawned. Who was spawned by nobody, or by one that is gone, stands below the root. A greenlet marked
`greenlet_tree_is_ignored` is left out.

Greenlets are found through the garbage collector; a forest costs time in proportion to all objects of the process.
"""

from __future__ import annotations

import gc
import pprint
import traceback
from collections.abc import Iterator
from types import FrameType
from typing import Any

from plait.greenlet import getcurrent, greenlet

__all__ = ["GreenletTree", "reachable_greenlets"]

_ALL_DETAILS: dict[str, Any] = {
    "running_stacks": True,
    "running_stack_limit": None,
    "spawning_stacks": True,
    "locals": True,
}
_VALUE_LIMIT = 30


def reachable_greenlets() -> list[Any]:
    """All greenlets that are alive, in no particular order."""
    # By their type: isinstance would ask every object for its class, and some, as greenlet-locals, act on that.
    return [
        item
        for item in gc.get_objects()
        if issubclass(type(item), greenlet) and not getattr(item, "greenlet_tree_is_ignored", False)
    ]


class GreenletTree:
    """One greenlet and those that it spawned. Attributes that it has not are the greenlet's."""

    is_current_tree = False  #: Whether it is the root of the current thread.

    def __init__(self, greenlet: Any) -> None:
        self.greenlet = greenlet
        self.child_trees: list[GreenletTree] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.greenlet, name)

    @property
    def root(self) -> bool:
        return self.greenlet.parent is None

    def add_child(self, tree: GreenletTree) -> None:
        if tree is not self:
            self.child_trees.append(tree)

    # -- making them ---------------------------------------------------------------------------------------------

    @classmethod
    def forest(cls) -> list[GreenletTree]:
        """A tree for each thread that runs greenlets."""
        return list(cls._plant().values())

    @classmethod
    def current_tree(cls) -> GreenletTree:
        """The tree of the current thread."""
        return next(tree for tree in cls._plant().values() if tree.is_current_tree)

    @classmethod
    def _plant(cls) -> dict[Any, GreenletTree]:
        trees: dict[Any, GreenletTree] = {}

        def tree_of(item: Any) -> GreenletTree:
            if item not in trees:
                trees[item] = cls(item)
            return trees[item]

        main = _root_of(getcurrent())
        roots = {main: tree_of(main)}
        roots[main].is_current_tree = True
        for item in reachable_greenlets():
            spawner = _spawner_of(item)
            above = _root_of(item) if spawner is None else spawner
            if above is _root_of(above):
                roots.setdefault(above, tree_of(above))
            tree_of(above).add_child(tree_of(item))
        return roots

    # -- showing them --------------------------------------------------------------------------------------------

    def __str__(self) -> str:
        return self.format(details=False)

    def format(self, details: Any = True) -> str:
        """The tree as text; see `format_lines`."""
        return "\n".join(self.format_lines(details))

    def format_lines(self, details: Any = True) -> list[str]:
        """The tree as lines.

        details: False shows the greenlets alone; a dict turns parts off: running_stacks, spawning_stacks, locals; its
        running_stack_limit is a number of frames.
        """
        show = {**_ALL_DETAILS, **details} if isinstance(details, dict) else _ALL_DETAILS if details else {}
        lines = [self._label()]
        if show:
            lines += [f" :    {line}" for line in self._details(show)]
        children = sorted(self.child_trees, key=_order)
        for child in children:
            head, *rest = child.format_lines(details)
            bar = " " if child is children[-1] else "|"
            lines.append(f" +--- {head}")
            lines += [f" {bar}    {line}" for line in rest]
        return lines

    def _label(self) -> str:
        item = self.greenlet
        label = repr(item)
        if item:
            return label
        if not _has_ended(item):
            return f"{label}; not running"
        if item.value is not None:
            return f"{label}; finished with value {repr(item.value)[:_VALUE_LIMIT]}"
        error = getattr(item, "exception", None)
        return f"{label}; finished" if error is None else f"{label}; finished with exception {error!r}"

    def _details(self, show: dict[str, Any]) -> Iterator[str]:
        item = self.greenlet
        yield f"Parent: {item.parent!r}"
        watcher = getattr(item, "gevent_monitoring_thread", None)
        if watcher is not None:
            yield f"Monitoring thread: {watcher()!r}"
        if item and show["running_stacks"]:
            yield from _stack_lines("Running:", item.gr_frame, show["running_stack_limit"])
        spawned_at = getattr(item, "spawning_stack", None)
        if spawned_at and show["spawning_stacks"]:
            yield from _stack_lines("Spawned at:", spawned_at, None)
        spawner = _spawner_of(item)
        tree_locals = getattr(item, "spawn_tree_locals", None)
        if tree_locals and tree_locals is not getattr(spawner, "spawn_tree_locals", None):
            yield "Spawn Tree Locals"
            yield from pprint.pformat(tree_locals).splitlines()
        if show["locals"]:
            yield from _local_lines(item)


def _stack_lines(title: str, frame: FrameType | None, limit: int | None) -> Iterator[str]:
    yield title
    if frame is not None:
        yield from "".join(traceback.format_stack(frame, limit)).splitlines()


def _local_lines(item: Any) -> Iterator[str]:
    from plait.green.local import all_local_dicts_for_greenlet

    found = [(owner, values) for owner, values in all_local_dicts_for_greenlet(item) if values]
    if found:
        yield "Greenlet Locals:"
    for (kind, ident), values in found:
        yield f"  Local {kind} at {ident:#x}"
        yield from (f"    {line}" for line in pprint.pformat(values).splitlines())


def _order(tree: GreenletTree) -> tuple[int, bool, int]:
    """Bare greenlets first, then in the order of spawning."""
    item = tree.greenlet
    return getattr(item, "minimal_ident", -1), _has_ended(item), id(item.parent)


def _has_ended(item: Any) -> bool:
    """Whether it is one with a result, which is there."""
    return hasattr(item, "successful") and item.ready()


def _spawner_of(item: Any) -> Any:
    """The greenlet that spawned it; None where that is unknown, or gone."""
    spawner = getattr(item, "spawning_greenlet", None)
    return None if spawner is None else spawner()


def _root_of(item: Any) -> Any:
    while item.parent is not None and not getattr(item, "greenlet_tree_is_root", False):
        item = item.parent
    return item
