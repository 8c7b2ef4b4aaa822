"""Files are read with the columns that somebody needs.

What is needed of a frame follows from those who read it: of a projection its columns, of a filter or an assignment what
is needed of itself; of anything else all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from plait.lazy.dataframe.elementwise import Assign, Filter, Projection
from plait.lazy.dataframe.io.csv import ReadCSV
from plait.lazy.dataframe.io.parquet import ReadParquet
from plait.lazy.expressions.expression import Expression, mapped, walk

Columns = set[Any] | None  # None: all


def projection(roots: Sequence[Expression]) -> list[Expression]:
    """See the module."""
    everything = walk(roots)
    if not any(type(each) in (ReadCSV, ReadParquet) for each in everything):
        return list(roots)
    needed: dict[str, Columns] = {root.name: None for root in roots}
    for each in reversed(everything):
        for other, columns in _asked(each, needed.get(each.name)):
            known = needed.get(other.name, set())
            needed[other.name] = None if columns is None or known is None else known | columns
    return mapped(roots, lambda each: _narrowed(each, needed.get(each.name)))


def _asked(expression: Expression, needed: Columns) -> list[tuple[Expression, Columns]]:
    """What an expression needs of each of its inputs, if so much is needed of itself."""
    kind = type(expression)
    if kind is Projection:
        wanted = expression.wanted
        plain = isinstance(wanted, list) or pd.api.types.is_scalar(wanted) or isinstance(wanted, tuple)
        columns = set(wanted if isinstance(wanted, list) else [wanted]) if plain else None
        return [(expression.frame, columns)]
    first: list[Columns] = [None]
    if kind is Filter:
        first = [needed]
    elif kind is Assign and needed is not None:
        first = [needed - {expression.column}]
    return list(zip(expression.inputs, [*first, *[None] * len(expression.inputs)], strict=False))


def _narrowed(expression: Expression, needed: Columns) -> Expression:
    if type(expression) not in (ReadCSV, ReadParquet) or expression.series or needed is None:
        return expression
    columns = [label for label in expression.columns if label in needed]
    if not columns or len(columns) == len(expression.columns) or len(set(expression.columns)) < len(expression.columns):
        return expression
    place = expression.parameters.index("columns")
    operands = [*expression.operands[:place], columns, *expression.operands[place + 1 :]]
    return type(expression)(*operands)
