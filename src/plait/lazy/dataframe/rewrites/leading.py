"""The first or last rows of what is sorted are found without sorting the rest.

It is more than cheaper: as many rows come as were asked for, also where the first partition has fewer.
"""

from __future__ import annotations

from collections.abc import Sequence

from plait.lazy.dataframe.heads import Head, Tail
from plait.lazy.dataframe.leading import FirstRows, LastRows
from plait.lazy.dataframe.sorting import SetIndex, SetIndexHere, SortValues
from plait.lazy.expressions.expression import Expression, mapped


def leading(roots: Sequence[Expression]) -> list[Expression]:
    """See the module."""
    return mapped(roots, _rewritten)


def _rewritten(expression: Expression) -> Expression:
    if type(expression) not in (Head, Tail) or expression.n < 0:
        return expression
    kind = FirstRows if type(expression) is Head else LastRows
    below = expression.frame
    if type(below) is SortValues and below.function is None and not below.keywords and not below.ignore_index:
        return kind(below.frame, below.by, below.ascending, below.na_position, expression.n)
    if type(below) is SetIndex and not isinstance(below.other, Expression):
        rows = kind(below.frame, (below.other,), (True,), "last", expression.n)
        return SetIndexHere(rows, below.other, below.drop, below.append)
    return expression
