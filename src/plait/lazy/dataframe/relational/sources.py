"""Where rows come from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from plait.lazy.dataframe.relational.relation import Column, Relation, Rows, UnsupportedError, kind_of, labels
from plait.lazy.dataframe.relational.translating import Translator, translates
from plait.lazy.dataframe.sources import FromPandas


@translates(FromPandas)
def in_memory(expression: FromPandas, translator: Translator) -> Relation:
    """A pandas object: numbers and texts are read where they are, without a copy."""
    source = expression.source.held
    if isinstance(source, pd.Index) or isinstance(source.index, pd.MultiIndex):
        raise UnsupportedError("an index of several levels stays with pandas")
    frame = source.to_frame(name=source.name) if isinstance(source, pd.Series) else source
    names = [source.name] if isinstance(source, pd.Series) else labels(frame.columns)
    columns = {label: pl.col(f"c{i}") for i, label in enumerate(names)}
    parts = {f"c{i}": _series(frame.iloc[:, i]) for i in range(len(names))}
    parts["i"] = _series(frame.index.to_series())
    typed = {
        label: Column(value, frame.iloc[:, i].dtype, kind_of(frame.iloc[:, i].dtype) == "float")
        for i, (label, value) in enumerate(columns.items())
    }
    index = Column(pl.col("i"), frame.index.dtype, kind_of(frame.index.dtype) == "float")
    return Relation(Rows(pl.DataFrame(parts).lazy()), typed, ((frame.index.name, index),))


def _series(values: pd.Series) -> Any:
    if kind_of(values.dtype) == "str":
        held: Any = values.array
        return pl.from_arrow(held.__arrow_array__()) if hasattr(held, "__arrow_array__") else pl.Series(held)
    return pl.Series(np.ascontiguousarray(values.to_numpy()))
