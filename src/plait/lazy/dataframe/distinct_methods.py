"""drop_duplicates and unique as methods: mixins of dataframes, and of series and indexes."""

from __future__ import annotations

from typing import Any

import pandas as pd

from plait.lazy.dataframe.distinct import DropDuplicates
from plait.lazy.dataframe.shuffling import checked_method


class DistinctRows:
    """drop_duplicates of dataframes."""

    def drop_duplicates(
        self: Any,
        subset: Any = None,
        split_every: Any = None,
        split_out: Any = True,
        shuffle_method: str | None = None,
        ignore_index: bool = False,
        keep: Any = "first",
    ) -> Any:
        """Each row once: the first, or the last. subset: a label, or labels, of what is compared.

        split_out: how many partitions; True for as many as there are. ignore_index: rows are numbered anew, in each
        partition. Raises KeyError for labels that there are not.
        """
        labels = () if subset is None else tuple(subset) if isinstance(subset, (list, tuple, pd.Index)) else (subset,)
        for label in labels:
            if label not in self.expr.meta.columns:
                raise KeyError(label)
        return self._new(_dropped(self.expr, labels, keep, ignore_index, split_out, split_every, shuffle_method))


class DistinctValues:
    """drop_duplicates and unique of series and indexes."""

    def drop_duplicates(
        self: Any,
        split_every: Any = None,
        split_out: Any = True,
        shuffle_method: str | None = None,
        ignore_index: bool = False,
        keep: Any = "first",
    ) -> Any:
        """Each value once: the first, or the last. Parameters as of DataFrame.drop_duplicates()."""
        return self._new(_dropped(self.expr, (), keep, ignore_index, split_out, split_every, shuffle_method))

    def unique(self: Any, split_every: Any = None, split_out: Any = True, shuffle_method: str | None = None) -> Any:
        """Each value once, numbered anew in each partition. Parameters as of DataFrame.drop_duplicates()."""
        fresh = isinstance(self.expr.meta, pd.Series)
        return self._new(_dropped(self.expr, (), "first", fresh, split_out, split_every, shuffle_method))


def _dropped(
    frame: Any, labels: tuple[Any, ...], keep: Any, fresh: bool, split_out: Any, split_every: Any, method: Any
) -> DropDuplicates:
    if keep is False:
        raise NotImplementedError("drop_duplicates with keep=False is not there; count rows with groupby().size()")
    if keep not in ("first", "last"):
        raise ValueError(f"keep must be 'first' or 'last', got {keep!r}")
    count = frame.npartitions if split_out is True else max(int(split_out or 1), 1)
    return DropDuplicates(frame, labels, keep, bool(fresh), count, split_every, checked_method(method))
