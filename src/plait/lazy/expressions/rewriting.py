"""The rewrites of expressions, in the order in which they run.

A rewrite is a function (roots) -> roots of equal value, one a file, in `rewrites` of the family that it is for. It sees
all expressions of one computation at once, so it knows who else reads what it looks at. A root keeps its number of
blocks.

Later rewrites rely on earlier ones, which is why this is one list.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TypeAlias

from plait.lazy.expressions.expression import Expression, walk

Rewrite: TypeAlias = Callable[[Sequence[Expression]], Sequence[Expression]]

# (family, place of the function). Modules are imported when such expressions are computed.
ORDER: tuple[tuple[str, str], ...] = (
    ("array", "plait.lazy.array.rewrites.slicing:slicing"),
    # Before others see sorts: what is left of them needs no shuffle.
    ("dataframe", "plait.lazy.dataframe.rewrites.leading:leading"),
    ("dataframe", "plait.lazy.dataframe.rewrites.projection:projection"),
    # Last: it makes queries of whatever the others have left.
    ("dataframe", "plait.lazy.dataframe.rewrites.relational:relational"),
)


def rewritten(roots: Sequence[Expression]) -> list[Expression]:
    """Expressions of the same values that are cheaper to compute."""
    families = {each.family for each in walk(roots)}
    for family, place in ORDER:
        if family in families:
            module, _, name = place.partition(":")
            rewrite: Rewrite = getattr(import_module(module), name)
            roots = rewrite(roots)
    return list(roots)
