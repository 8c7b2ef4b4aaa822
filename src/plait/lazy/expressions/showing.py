"""Expressions for others to look at: their graph in layers, and explain()."""

from __future__ import annotations

from typing import Any

from plait.lazy.blocks import parts
from plait.lazy.expressions.expression import Expression, walk
from plait.lazy.expressions.plans import layer_of
from plait.lazy.expressions.rewriting import rewritten
from plait.lazy.graphs.layered import HighLevelGraph
from plait.lazy.key_names import name_of
from plait.lazy.plain import graph_of, references


def layered(expression: Expression) -> HighLevelGraph:
    """The tasks of an expression and all below it, as it was built, a layer an expression. Cost: 5 us a task."""
    tasks = graph_of(parts(layer_of(expression)))
    names = {each.name for each in walk([expression])}
    layers: dict[Any, dict[Any, Any]] = {name: {} for name in names}
    owner: dict[Any, Any] = {}
    for key, task in tasks.items():
        name = key[0] if isinstance(key, tuple) else key
        if name not in names:
            name = name_of(key)
        owner[key] = name
        layers.setdefault(name, {})[key] = task
    needs: dict[Any, set[Any]] = {name: set() for name in layers}
    for key, task in tasks.items():
        needs[owner[key]].update(owner[each] for each in references(task, tasks))
    for name in layers:
        needs[name].discard(name)
    return HighLevelGraph(layers, needs)


def explained(expression: Expression, optimize: bool = True) -> str:
    """The plan as text, an expression a line, inputs indented below; one that stands twice is shown once."""
    root = rewritten([expression])[0] if optimize else expression
    lines: list[str] = []
    seen: set[int] = set()
    stack = [(root, 0)]
    while stack:
        each, depth = stack.pop()
        again = id(each) in seen and each.inputs
        lines.append(f"{'  ' * depth}{each.describe()}{' (as above)' if again else ''}")
        if not again:
            seen.add(id(each))
            stack.extend((other, depth + 1) for other in reversed(each.inputs))
    return "\n".join(lines)
