"""From Polars' results to pandas objects of a meta's type."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from plait.lazy.dataframe.metas import is_frame_like
from plait.lazy.dataframe.relational.relation import Relation


def collected(relation: Relation) -> pl.LazyFrame:
    """The lazy frame of a relation's index and columns, i0, i1, ..., c0, c1, ...: `finished` gives them their names."""
    chosen = [column.clean.alias(f"i{i}") for i, (_, column) in enumerate(relation.index)]
    chosen += [column.clean.alias(f"c{i}") for i, column in enumerate(relation.columns.values())]
    return relation.rows.frame.select(chosen)


def finished(table: pl.DataFrame, meta: Any, index: tuple[tuple[Any, Any], ...]) -> Any:
    """A pandas object like `meta` of some rows. index: (name, dtype) of each of its index's columns; none for the
    numbers of the rows.
    """
    if not is_frame_like(meta):
        found = table.item() if table.height else None
        return np.asarray(np.nan if found is None else found, dtype=None if found is None else np.asarray(meta).dtype)[
            ()
        ]
    frame = table.to_arrow().to_pandas()
    rows = pd.RangeIndex(len(frame))
    if index:
        levels = [_typed(frame.pop(f"i{i}"), dtype) for i, (_, dtype) in enumerate(index)]
        names = [name for name, _ in index]
        rows = (
            pd.Index(levels[0].array, name=names[0])
            if len(levels) == 1
            else pd.MultiIndex.from_arrays(levels, names=names)
        )
    if isinstance(meta, pd.Series):
        found = _typed(frame["c0"], meta.dtype)
        return pd.Series(found.array, index=rows, name=meta.name)
    dtypes = list(meta.dtypes)
    parts = {i: _typed(frame[f"c{i}"], dtype).array for i, dtype in enumerate(dtypes)}
    made = pd.DataFrame(parts, index=rows)
    made.columns = meta.columns
    return made


def _typed(values: pd.Series, dtype: Any) -> pd.Series:
    """Values of the dtype that is expected; numbers among which some are missing stay floats."""
    if values.dtype == dtype or (getattr(dtype, "kind", "") in "iub" and values.hasnans):
        return values
    return values.astype(dtype)
