"""Shuffles: rows with equal keys come into one partition.

Which one it is follows from the hash of the keys (see `placing`) and the number of partitions alone, so two frames that
are shuffled by their keys into equally many partitions can be merged partition by partition.
"""

from __future__ import annotations

from functools import cached_property, partial
from typing import Any

import pandas as pd

from plait.lazy.blocks import Layer
from plait.lazy.dataframe.exchanging import exchanged
from plait.lazy.dataframe.expression import FrameExpression, Together, unknown
from plait.lazy.dataframe.metas import empty_of
from plait.lazy.dataframe.placing import places

METHODS = ("tasks", "disk", "p2p", None)


class Shuffle(FrameExpression):
    """The rows of a frame by keys: labels of columns, or of the index; an aligned frame, series or index; or by the
    index.

    by: a tuple of labels, an expression, or None for the index. count: of the partitions. method, branch: see
    `exchanging`.
    """

    parameters = ("frame", "by", "count", "ignore_index", "method", "branch")
    defaults = {"ignore_index": False, "method": None, "branch": None}

    @cached_property
    def meta(self) -> Any:
        meta = self.frame.meta
        return empty_of(meta.reset_index(drop=True)) if self.ignore_index else meta

    @cached_property
    def divisions(self) -> tuple[Any, ...]:
        return unknown(self.count)

    @cached_property
    def together(self) -> Together:
        return {self.by: self.count} if isinstance(self.by, tuple) else {}

    def layer(self, *inputs: Layer) -> Layer:
        if isinstance(self.by, FrameExpression):
            by, placing = inputs[1], partial(_by_other, self.count)
        else:
            by, placing = None, partial(by_labels, self.by, self.count)
        return exchanged(
            inputs[0],
            placing,
            self.count,
            self.name,
            by=by,
            method=self.method,
            branch=self.branch,
            ignore_index=self.ignore_index,
        )


def _by_other(count: int, frame: Any, keys: Any) -> Any:
    return places(keys, count)


def by_labels(labels: tuple[Any, ...] | None, count: int, frame: Any) -> Any:
    """Where rows go, by columns of these labels; of a series or an index by its values."""
    return places(keys_of(frame, labels), count)


def keys_of(frame: Any, labels: tuple[Any, ...] | None) -> Any:
    """The keys of a pandas object: its index, or columns, of which some may be levels of the index."""
    if labels is None:
        return frame if isinstance(frame, pd.Index) else frame.index
    if not isinstance(frame, pd.DataFrame):
        return frame
    if all(label in frame.columns for label in labels):
        return frame[list(labels)]
    levels = {label: frame.index.get_level_values(label) for label in labels if label not in frame.columns}
    columns = [levels[label].array if label in levels else frame[label].array for label in labels]
    return pd.DataFrame(dict(enumerate(columns)))


def checked_method(method: Any) -> Any:
    """The name of a way to shuffle. Raises ValueError for one that there is not. "p2p" is what clusters call tasks."""
    if method not in METHODS:
        raise ValueError(f"shuffle_method={method!r} is none of {METHODS}; pass 'tasks' or 'disk'")
    return "tasks" if method == "p2p" else method
