"""shuffle as a method: a mixin; and what it asks of its arguments."""

from __future__ import annotations

from typing import Any

import pandas as pd

from plait.lazy.dataframe.expression import FrameExpression
from plait.lazy.dataframe.shuffling import Shuffle, checked_method
from plait.lazy.expressions import Collection


class Shuffling:
    """shuffle of dataframes and series."""

    @property
    def unique_partition_mapping_columns_from_shuffle(self: Any) -> set[tuple[Any, ...]]:
        """By which columns rows with equal values are known to be in one partition."""
        return set(self.expr.together)

    def shuffle(
        self: Any,
        on: Any = None,
        ignore_index: bool = False,
        npartitions: int | None = None,
        shuffle_method: str | None = None,
        on_index: bool = False,
        force: bool = True,
        max_branch: int | None = None,
        **options: Any,
    ) -> Any:
        """Rows with equal keys in one partition.

        on: labels of columns or of the index, or an aligned frame with the keys. on_index: by the index. npartitions:
        how many; as many as there are if not said. shuffle_method: "tasks", in memory, or "disk". max_branch: a
        partition is cut into so many pieces at most, in as many steps as it takes.
        """
        if on is None and not on_index:
            raise TypeError("Must shuffle on either columns, or the index; pass on=, or on_index=True")
        if on is not None and on_index:
            raise TypeError("Cannot shuffle on both `on` and `on_index`; pass one")
        by = None if on_index else keys_for(self.expr, on)
        count = npartitions or self.npartitions
        return self._new(Shuffle(self.expr, by, count, bool(ignore_index), checked_method(shuffle_method), max_branch))


def keys_for(frame: FrameExpression, on: Any) -> Any:
    """Labels, or an expression with as many partitions. Raises KeyError for labels that there are not."""
    if isinstance(on, Collection):
        keys = on.expr
        if keys.npartitions != frame.npartitions:
            raise TypeError(
                f"index must be aligned with the DataFrame to use as shuffle index: it has {keys.npartitions} "
                f"partitions, and the frame {frame.npartitions}"
            )
        return keys
    labels = tuple(on) if isinstance(on, (list, pd.Series, pd.Index)) else (on,)
    names = [*frame.columns, *frame.meta.index.names]
    absent = [label for label in labels if label not in names]
    if absent:
        raise KeyError(f"Cannot shuffle on {absent}: there are no such columns")
    return labels
