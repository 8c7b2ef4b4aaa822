"""Trees: many blocks made one by combining a few at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from plait.lazy._native.nodes import make


def tree(
    nodes: Sequence[Any],
    combine: Callable[[list[Any]], Any],
    aggregate: Callable[[list[Any]], Any],
    key: Any,
    split_every: int | None = 8,
) -> Any:
    """A node: aggregate(list) of what combine(list) makes of at most `split_every` at a time. None: all at once.

    key: of the node; those below get (name + "-combine-LEVEL", ...) of it. Their order is kept.
    """
    width = len(nodes) if not split_every else max(split_every, 2)
    name, *rest = key if isinstance(key, tuple) else (key,)
    level = 0
    while len(nodes) > width:
        starts = range(0, len(nodes), width)
        nodes = [
            make(
                combine, (list(nodes[start : start + width]),), None, None, None, (f"{name}-combine-{level}", *rest, i)
            )
            for i, start in enumerate(starts)
        ]
        level += 1
    return make(aggregate, (list(nodes),), None, None, None, key)
