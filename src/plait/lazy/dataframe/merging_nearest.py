"""merge_asof: each row of the left side with the nearest one of the right side, by a sorted key.

Each left partition is merged with those right partitions that overlap its keys; and with one row before these, and one
after, for each group of `by`: the last of all partitions before, the first of all after. These rows are carried along
the right partitions, so no partition is read for another's sake. Which overlap follows from the spans of keys, which
divisions say, or which are looked for when the expression is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, partial
from typing import Any

import pandas as pd

from plait.lazy import blocks
from plait.lazy._native.nodes import make as node
from plait.lazy.blocks import Blocks, Layer
from plait.lazy.dataframe.elementwise import IndexOf
from plait.lazy.dataframe.expression import FrameExpression, unknown
from plait.lazy.dataframe.joining import concatenated
from plait.lazy.dataframe.metas import empty_of, meta_nonempty
from plait.lazy.dataframe.sorting import summaries_of
from plait.lazy.expressions.wrapping import Wrapped


class MergeAsof(FrameExpression):
    """See the module. spans: of both sides, of each partition the least and the greatest key; None of an empty one.
    keywords: pandas.merge_asof()'s.
    """

    parameters = ("left", "right", "spans", "keywords")
    label = "merge_asof"

    @cached_property
    def meta(self) -> Any:
        left, right = meta_nonempty(self.left.meta), meta_nonempty(self.right.meta)
        return empty_of(pd.merge_asof(left, right, **self.keywords))

    @cached_property
    def divisions(self) -> tuple[Any, ...]:
        kept = self.keywords["right_index"]
        return tuple(self.left.divisions) if kept else unknown(self.left.npartitions)

    def layer(self, *inputs: Layer) -> Layer:
        values = (self.spans, self.keywords, Wrapped(self.right.meta))
        return blocks.made(_merged, inputs, self.numblocks, self.name, *values)


def spans_of(frame: FrameExpression, key: Any) -> tuple[Any, ...]:
    """The least and the greatest key of each partition: by divisions, or else looked for now. key: a column, or None
    for the index.
    """
    if key is None and frame.known_divisions:
        return tuple(zip(frame.divisions[:-1], frame.divisions[1:], strict=True))
    found = summaries_of(IndexOf(frame) if key is None else frame, key, 1)
    return tuple([None if each.low is None else (each.low, each.high) for each in found])


def _merged(keys: Sequence[Any], left: Blocks, right: Blocks, spans: Any, keywords: Any, meta: Wrapped) -> list[Any]:
    name = keys[0][0]
    direction, groups = keywords["direction"], _groups(keywords)
    before = _carried(right.nodes, partial(_last, groups), f"{name}-before") if direction != "forward" else []
    after = []
    if direction != "backward":
        after = _carried(right.nodes[::-1], partial(_first, groups), f"{name}-after")[::-1]
    made = []
    for key, part, span in zip(keys, left.nodes, spans[0], strict=True):
        first, stop = _overlap(span, spans[1])
        pieces = [*before[max(first - 1, 0) : first], *right.nodes[first:stop], *after[stop : stop + 1]]
        made.append(node(_merge_with, (part, pieces, Wrapped(keywords), meta), None, None, None, key))
    return made


def _groups(keywords: dict[str, Any]) -> list[Any]:
    by = keywords["by"] if keywords["right_by"] is None else keywords["right_by"]
    if by is None:
        return []
    return list(by) if isinstance(by, (list, tuple)) else [by]


def _overlap(span: Any, others: Sequence[Any]) -> tuple[int, int]:
    """From and to which of the others may share keys with a span; where there is none, the place between."""
    if span is None:
        return 0, 0
    low, high = span
    first = next((place for place, other in enumerate(others) if other is not None and other[1] >= low), len(others))
    stop = next((place for place, other in enumerate(others) if other is not None and other[0] > high), len(others))
    return first, max(first, stop)


def _carried(nodes: Sequence[Any], pick: Any, label: str) -> list[Any]:
    """For each partition the rows that stand for it and all before."""
    found: list[Any] = []
    for place, each in enumerate(nodes):
        found.append(node(pick, ([*found[-1:], each],), None, None, None, (label, place)))
    return found


def _last(groups: list[Any], parts: list[Any]) -> Any:
    """The last row of each group; parts: in order."""
    whole = concatenated(parts)
    return whole.drop_duplicates(groups, keep="last") if groups else whole.iloc[-1:]


def _first(groups: list[Any], parts: list[Any]) -> Any:
    """The first row of each group; parts: the one that is first comes last."""
    whole = concatenated(parts[::-1])
    return whole.drop_duplicates(groups, keep="first") if groups else whole.iloc[:1]


def _merge_with(left: Any, parts: list[Any], keywords: Wrapped, meta: Wrapped) -> Any:
    return pd.merge_asof(left, concatenated(parts) if parts else meta.held, **keywords.held)
