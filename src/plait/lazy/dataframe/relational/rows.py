"""Operations that choose rows."""

from __future__ import annotations

from plait.lazy.dataframe.elementwise import Filter
from plait.lazy.dataframe.relational.relation import Relation, UnsupportedError, kind_of
from plait.lazy.dataframe.relational.scalars import common
from plait.lazy.dataframe.relational.translating import Translator, translates


@translates(Filter)
def filtered(expression: Filter, translator: Translator) -> Relation:
    """The rows where a predicate is true."""
    base, predicate = translator.relation(expression.frame), translator.relation(expression.predicate)
    common(base, predicate)
    if kind_of(predicate.only.dtype) != "bool":
        raise UnsupportedError(f"a predicate of {predicate.only.dtype} stays with pandas")
    return base.fresh(base.rows.frame.filter(predicate.only.truth), base.columns, base.index)
