"""Operations that choose rows."""

from __future__ import annotations

from plait.lazy.dataframe.elementwise import Filter
from plait.lazy.dataframe.extremes import Largest
from plait.lazy.dataframe.relational.relation import Relation, UnsupportedError, kind_of
from plait.lazy.dataframe.relational.scalars import common
from plait.lazy.dataframe.relational.translating import Translator, translates


@translates(Largest)
def largest(expression: Largest, translator: Translator) -> Relation:
    """The rows with the greatest, or least, values of some columns; the first ones of equal."""
    base = translator.relation(expression.frame)
    options = expression.options
    if expression.frame.ndim != 2:
        raise UnsupportedError("the largest values of a series stay with pandas")
    by = [base.columns[label].clean for label in options["keywords"]["columns"]]
    first = options["method"] == "nlargest"
    frame = base.rows.frame.sort(by, descending=first, nulls_last=True, maintain_order=True).head(options["n"])
    return base.fresh(frame, base.columns, base.index)


@translates(Filter)
def filtered(expression: Filter, translator: Translator) -> Relation:
    """The rows where a predicate is true."""
    base, predicate = translator.relation(expression.frame), translator.relation(expression.predicate)
    common(base, predicate)
    if kind_of(predicate.only.dtype) != "bool":
        raise UnsupportedError(f"a predicate of {predicate.only.dtype} stays with pandas")
    return base.fresh(base.rows.frame.filter(predicate.only.truth), base.columns, base.index)
