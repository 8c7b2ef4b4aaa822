"""Where rows come from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from plait.lazy.dataframe.io.csv import ReadCSV
from plait.lazy.dataframe.io.parquet import ReadParquet
from plait.lazy.dataframe.relational.relation import (
    Column,
    Relation,
    Rows,
    UnsupportedError,
    kind_of,
    labels,
    polars_type,
)
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


@translates(ReadParquet)
def parquet(expression: ReadParquet, translator: Translator) -> Relation:
    """Files of a local file system, whole, by Polars' own reader."""
    dataset = expression.dataset
    if expression.filters or dataset.hive or dataset.dtype_backend or dataset.categories or expression.by_groups:
        raise UnsupportedError("row groups, filters and other options of a dataset stay with pandas")
    if "file" not in np.atleast_1d(dataset.fs.protocol).tolist():
        raise UnsupportedError("remote files stay with pandas")
    if len(expression.index) > 1:
        raise UnsupportedError("an index of several levels stays with pandas")
    frame = pl.scan_parquet(
        expression.paths, missing_columns="raise", extra_columns="ignore" if expression.lenient else "raise"
    )
    meta = expression.meta
    names = labels([meta.name] if isinstance(meta, pd.Series) else meta.columns)
    dtypes = [meta.dtype] if isinstance(meta, pd.Series) else list(meta.dtypes)
    columns = {name: Column(pl.col(name), dtype, _is_float(dtype)) for name, dtype in zip(names, dtypes, strict=True)}
    index = tuple([(meta.index.name, Column(pl.col(name), meta.index.dtype)) for name in expression.index])
    return Relation(Rows(frame), columns, index)


def _is_float(dtype: Any) -> bool:
    return getattr(dtype, "kind", "O") == "f"


# What pandas reads as missing.
_MISSING = [
    "",
    "#N/A",
    "#N/A N/A",
    "#NA",
    "-1.#IND",
    "-1.#QNAN",
    "-NaN",
    "-nan",
    "1.#IND",
    "1.#QNAN",
    "<NA>",
    "N/A",
    "NA",
    "NULL",
    "NaN",
    "None",
    "n/a",
    "nan",
    "null",
]


@translates(ReadCSV)
def text(expression: ReadCSV, translator: Translator) -> Relation:
    """Local CSV files read with pandas' defaults, by Polars' own reader."""
    files = [piece.block.file for piece in expression.pieces]
    if expression.parser != "read_csv" or expression.keywords or expression.path_column:
        raise UnsupportedError("options of read_csv stay with pandas")
    paths = list(dict.fromkeys(file.path for file in files))
    if any(file.compression for file in files) or not all(
        "file" in np.atleast_1d(file.fs.protocol).tolist() for file in files
    ):
        raise UnsupportedError("compressed and remote files stay with pandas")
    meta = expression.like.held
    names = labels(meta.columns)
    kinds = {name: polars_type(meta[name].dtype) for name in names}
    if any(kind_of(meta[name].dtype) in ("datetime", "bool") for name in names):
        raise UnsupportedError("times and booleans in text stay with pandas")
    frame = pl.scan_csv(paths, schema=kinds, null_values=_MISSING)
    wanted = expression.columns
    return Relation(
        Rows(frame), {name: Column(pl.col(name), meta[name].dtype, _is_float(meta[name].dtype)) for name in wanted}
    )
