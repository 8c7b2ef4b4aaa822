"""Bag.to_dataframe: partitions as pandas frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from plait.lazy.bag import streams
from plait.lazy.bag.layers import Partitioned, Step, blockwise

if TYPE_CHECKING:
    from plait.lazy.bag.bags import Bag


def frames(bag: Bag, meta: Any, columns: Sequence[str] | None) -> list[Any]:
    """Delayed frames, one a partition. See Bag.to_dataframe."""
    schema = _schema(bag, meta, columns)
    names, dtypes = list(schema.columns), schema.dtypes.to_dict()
    step = Step(partial(frame, names, dtypes), "to_dataframe", lazily=False)
    told = (bag, names, [str(dtype) for dtype in dtypes.values()])
    return bag._of(blockwise("to_dataframe", told, step, bag.npartitions, (Partitioned(bag._layer),))).to_delayed()


def _schema(bag: Bag, meta: Any, columns: Sequence[str] | None) -> pd.DataFrame:
    """An empty frame with the columns and their types, or one of the first element."""
    if meta is None:
        first = bag.take(1, warn=False)
        if not first:
            raise ValueError("the first partition has no element to take the columns from; pass meta=")
        return pd.DataFrame(list(first), columns=columns)
    if columns is not None:
        raise ValueError("columns= and meta= both name the columns; pass one of them")
    if isinstance(meta, pd.DataFrame):
        return meta
    pairs = meta.items() if isinstance(meta, Mapping) else meta
    return pd.DataFrame({name: pd.Series([], dtype=dtype) for name, dtype in pairs})


def frame(names: Sequence[Any], dtypes: Mapping[Any, Any], part: Iterable[Any]) -> pd.DataFrame:
    """The elements of a partition as a frame of these columns and types."""
    return pd.DataFrame(list(streams.concrete(part, elements=True)), columns=list(names)).astype(dict(dtypes))
