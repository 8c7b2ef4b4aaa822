"""RelationalPlan: a part of a dataframe's expression that runs as one query of Polars' streaming engine."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import polars as pl

from plait.lazy import blocks
from plait.lazy._native.nodes import make
from plait.lazy.blocks import Layer
from plait.lazy.computing import values_of
from plait.lazy.dataframe.expression import FrameExpression
from plait.lazy.dataframe.joining import concatenated
from plait.lazy.dataframe.relational.relation import Relation
from plait.lazy.dataframe.relational.results import collected, finished
from plait.lazy.expressions.plans import layer_of
from plait.lazy.expressions.wrapping import Wrapped

SMALLEST = 65_536  # rows of a partition, so that small results are in one


class RelationalPlan(FrameExpression):
    """The expression `replaced`, which stands for itself: its name tells what is computed. query: the lazy frame,
    Wrapped; index: see `finished`.
    """

    parameters = ("replaced", "query", "index")
    label = "polars"

    @cached_property
    def name(self) -> str:
        return f"polars-{self.replaced.told}"

    @cached_property
    def inputs(self) -> tuple[Any, ...]:
        return ()

    @cached_property
    def meta(self) -> Any:
        return self.replaced.expression.meta

    @cached_property
    def divisions(self) -> tuple[Any, ...]:
        return self.replaced.expression.divisions

    def layer(self, *inputs: Layer) -> Layer:
        return blocks.made(
            _nodes, (), self.numblocks, self.name, self.query, Wrapped(self.replaced), Wrapped(self.meta), self.index
        )

    def describe(self) -> str:
        plan = self.query.held.explain(engine="streaming")
        return f"{super().describe()} by Polars:\n" + "\n".join(f"    | {line}" for line in plan.splitlines())


class Replaced:
    """The expression that a plan was made of, as an operand that is not an input."""

    __slots__ = ("expression", "told")

    def __init__(self, expression: FrameExpression) -> None:
        self.expression = expression
        self.told = expression.name

    def __dask_tokenize__(self) -> Any:
        return self.told

    def __repr__(self) -> str:
        return self.told


def planned(expression: FrameExpression, relation: Relation) -> RelationalPlan:
    """The plan of an expression, given its relation."""
    index = tuple([(name, column.dtype) for name, column in relation.index])
    return RelationalPlan(Replaced(expression), Wrapped(collected(relation)), index)


def _nodes(keys: Sequence[Any], query: Wrapped, replaced: Wrapped, meta: Wrapped, index: tuple[Any, ...]) -> list[Any]:
    table = make(_run, (query, replaced), None, None, None, (f"{keys[0][0]}-query",))
    count = len(keys)
    return [make(_part, (table, i, count, meta, index), None, None, None, key) for i, key in enumerate(keys)]


def _run(query: Wrapped, replaced: Wrapped) -> Any:
    """All rows of a query. What Polars cannot read runs on pandas: it widens, or says which file and column it is."""
    try:
        return _collected(query.held)
    except pl.exceptions.PolarsError:
        expression = replaced.held.expression
        return concatenated(values_of(blocks.parts(layer_of(expression)), None, None, {}), expression.meta)


def _collected(query: pl.LazyFrame) -> pl.DataFrame:
    """The result of a query, which runs to its end: as a task that was begun does when a computation is cancelled.

    Rejected: collect(background=True), whose queries can be cancelled, and take three times as long (Polars 2.1).
    """
    return query.collect(engine="streaming")


def _part(table: Any, i: int, count: int, meta: Wrapped, index: tuple[Any, ...]) -> Any:
    """Partition i of `count`."""
    if not isinstance(table, pl.DataFrame):
        return table if count == 1 else _rows(table, i, count)
    size = max(-(-table.height // count), SMALLEST)
    if i and i * size >= table.height:
        return meta.held
    return finished(table if count == 1 else table.slice(i * size, size), meta.held, index)


def _rows(frame: Any, i: int, count: int) -> Any:
    return frame[len(frame) * i // count : len(frame) * (i + 1) // count]
