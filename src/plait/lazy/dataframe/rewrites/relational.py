"""Relational parts become queries of Polars.

A part is taken where its rows may be divided anew: it is what is computed, and its divisions are unknown, or it has one
partition. It is taken from the top, so that a query is as large as can be. What only reads pandas objects in memory,
row by row, stays: converting would cost more than it saves.
"""

from __future__ import annotations

from collections.abc import Sequence

from plait.lazy.dataframe.elementwise import Filter
from plait.lazy.dataframe.expression import FrameExpression, Partitionwise
from plait.lazy.dataframe.relational import Translator, UnsupportedError, planned
from plait.lazy.dataframe.sources import FromPandas
from plait.lazy.expressions.expression import Expression, walk


def relational(roots: Sequence[Expression]) -> list[Expression]:
    """See the module."""
    translator = Translator()
    wanted = {id(root) for root in roots}
    new: dict[int, Expression] = {}
    why: dict[int, str] = {}
    for each in reversed(walk(roots)):
        if id(each) in wanted:
            wanted.update(() if _take(each, roots, translator, new, why) else map(id, each.inputs))
    for each in walk(roots, lambda each: id(each) in new):
        if id(each) not in new:
            new[id(each)] = each.with_inputs([new.get(id(other), other) for other in each.inputs])
            new[id(each)].note = why.get(id(each), "")
    return [new[id(root)] for root in roots]


def _take(
    each: Expression,
    roots: Sequence[Expression],
    translator: Translator,
    new: dict[int, Expression],
    why: dict[int, str],
) -> bool:
    """Plan an expression, if that may be done and is worth it; else say why not."""
    if not isinstance(each, FrameExpression) or not each.inputs or not _pays(each):
        return False
    if not _divisible(each, roots):
        why[id(each)] = "its rows belong to the partitions that there are"
        return False
    try:
        new[id(each)] = planned(each, translator.relation(each))
    except UnsupportedError as error:
        why[id(each)] = str(error)
        return False
    return True


def _divisible(each: FrameExpression, roots: Sequence[Expression]) -> bool:
    return each.npartitions == 1 or (not each.known_divisions and any(each is root for root in roots))


def _pays(each: FrameExpression) -> bool:
    """Whether a part does more than what is as fast on pandas."""
    return any(not isinstance(one, (Partitionwise, FromPandas, Filter)) for one in walk([each]))
