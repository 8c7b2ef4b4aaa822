"""Names of dask.dataframe's inside that programs import: ours where there is one, and classes of expressions that have
none.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from plait.lazy import config
from plait.lazy.dataframe.expression import FrameExpression
from plait.lazy.graphs.walks import get_deps

NUMERIC_ONLY_NOT_IMPLEMENTED = ["mean", "std", "var"]


def pyarrow_strings_enabled() -> bool:
    """Whether texts are given another dtype than pandas gives them: they are not, unless that is asked for."""
    return bool(config.get("dataframe.convert-string", None))


def get_string_dtype() -> Any:
    """The dtype of texts that were read."""
    return pd.StringDtype("pyarrow") if pyarrow_strings_enabled() else pd.Series([""]).dtype


def to_pyarrow_string(frame: Any) -> Any:
    """Texts are of pandas' own dtype for them already."""
    return frame


def is_object_string_dtype(dtype: Any) -> bool:
    """Whether it is the dtype of texts as objects."""
    return bool(pd.api.types.is_string_dtype(dtype) and dtype == np.dtype(object))


def is_pyarrow_string_dtype(dtype: Any) -> bool:
    """Whether it is a dtype of texts in Arrow's memory."""
    return isinstance(dtype, pd.StringDtype) and dtype.storage == "pyarrow"


def is_object_string_index(index: Any) -> bool:
    """Whether an index holds texts as objects."""
    return isinstance(index, pd.Index) and is_object_string_dtype(index.dtype)


def is_object_string_series(series: Any) -> bool:
    """Whether a series, or its index, does."""
    return isinstance(series, pd.Series) and (
        is_object_string_dtype(series.dtype) or is_object_string_index(series.index)
    )


def is_object_string_dataframe(frame: Any) -> bool:
    """Whether a dataframe does somewhere."""
    return isinstance(frame, pd.DataFrame) and any(is_object_string_series(frame[label]) for label in frame.columns)


def is_scalar(value: Any) -> bool:
    """Whether a value is none of many."""
    return (
        bool(np.isscalar(value))
        or value is None
        or isinstance(value, (np.datetime64, np.timedelta64, pd.Timestamp, pd.Timedelta, pd.Period))
    )


def has_parallel_type(value: Any) -> bool:
    """Whether a pandas object has a lazy counterpart."""
    return isinstance(value, (pd.DataFrame, pd.Series, pd.Index))


def enabled() -> bool:
    """Dataframes are expressions."""
    return True


def has_known_categories(frame: Any) -> bool:
    """Whether the categories of a categorical are known."""
    from plait.lazy.dataframe.metas import UNKNOWN_CATEGORIES

    values = getattr(frame, "_meta", frame)
    if not isinstance(values.dtype, pd.CategoricalDtype):
        raise TypeError("Expected Series or CategoricalIndex")
    return UNKNOWN_CATEGORIES not in values.dtype.categories


def valid_divisions(divisions: Any) -> bool:
    """Whether values can be divisions: sorted, and but for the last one different."""
    if not isinstance(divisions, (tuple, list)) or any(pd.isna(each) for each in divisions if is_scalar(each)):
        return False
    try:
        return all(a < b for a, b in pairwise(divisions[:-1])) and divisions[-2] <= divisions[-1]
    except TypeError:
        return False


def grouper_dispatch(frame: Any) -> Any:
    """The class that describes groups by a level or a frequency, of a frame's library."""
    return pd.Grouper


def _coerce_loc_index(divisions: Any, value: Any) -> Any:
    """A value that can be compared with divisions: text becomes a time where these are times."""
    if divisions and isinstance(divisions[0], (pd.Timestamp, np.datetime64)):
        return pd.Timestamp(value) if isinstance(divisions[0], pd.Timestamp) else np.datetime64(value)
    return value


def total_mem_usage(frame: Any, index: bool = True, deep: bool = False) -> Any:
    """How many bytes a pandas object takes."""
    used = frame.memory_usage(index=index, deep=deep)
    return used.sum() if isinstance(used, pd.Series) else used


def assert_max_deps(frame: Any, count: int, eq: bool = True) -> None:
    """Raises AssertionError where some task of a lazy object reads others than `count` tasks, or more if not eq."""
    found = max(map(len, get_deps(dict(frame.dask))[0].values()))
    if found > count or (eq and found != count):
        raise AssertionError(f"a task reads {found} others, not {count}")


class Absent(FrameExpression):
    """A class of dask's expressions that has no counterpart: nothing is an instance of it."""


def absent(name: str) -> type[Absent]:
    """Such a class, by its name."""
    return type(name, (Absent,), {})


BroadcastJoin = absent("BroadcastJoin")
DiskShuffle = absent("DiskShuffle")
P2PShuffle = absent("P2PShuffle")
TaskShuffle = absent("TaskShuffle")
FusedParquetIO = absent("FusedParquetIO")
_aggregate_statistics_to_file = absent("_aggregate_statistics_to_file")
_combine_stats = absent("_combine_stats")
_extract_stats = absent("_extract_stats")
GetCategories = absent("GetCategories")
GroupByUDFBlockwise = absent("GroupByUDFBlockwise")
Lengths = absent("Lengths")
Literal = absent("Literal")
OpAlignPartitions = absent("OpAlignPartitions")
BaseSetIndexSortValues = absent("BaseSetIndexSortValues")
maybe_buffered_partd = absent("maybe_buffered_partd")
divisions_lru: dict[Any, Any] = {}


def are_co_aligned(*expressions: Any) -> bool:
    """Whether expressions have the same divisions."""
    frames = [getattr(each, "expr", each) for each in expressions]
    return all(each.divisions == frames[0].divisions for each in frames)


def rewrite_filters(predicate: Any) -> Any:
    """A predicate stays as it was written."""
    return predicate


FromArray = absent("FromArray")
FromMap = absent("FromMap")


def get_engine(engine: str) -> str:
    """The name of what reads parquet: pyarrow. Raises ValueError for others."""
    if engine not in ("auto", "pyarrow", "arrow"):
        raise ValueError(f"engine={engine!r} is not supported; parquet is read by pyarrow")
    return "pyarrow"


def _infer_block_size() -> int:
    """How many bytes of text a partition has where nothing is said."""
    return 64_000_000


def auto_blocksize(total_memory: int, cpu_count: int) -> int:
    """Likewise, by the memory of a machine."""
    return min(int(total_memory // cpu_count / 10), 64_000_000)


def sorted_division_locations(seq: Any, npartitions: int | None = None, chunksize: int | None = None) -> Any:
    """Divisions of a sorted sequence, and where they are."""
    from plait.lazy.dataframe.sources import sorted_starts

    if (npartitions is None) == (chunksize is None):
        raise ValueError("Exactly one of npartitions and chunksize must be specified.")
    starts, bounds = sorted_starts(pd.Index(seq), npartitions, chunksize)
    return bounds, starts


def _no_counterpart(name: str) -> Any:
    def function(*args: Any, **options: Any) -> Any:
        raise NotImplementedError(f"dask's private {name}() has no counterpart in plait")

    return function


block_mask, pandas_read_text, text_blocks_to_pandas, _meta_from_array = map(
    _no_counterpart, ("block_mask", "pandas_read_text", "text_blocks_to_pandas", "_meta_from_array")
)


def boundary_slice(df: Any, start: Any, stop: Any, right_boundary: bool = True, left_boundary: bool = True) -> Any:
    """Rows with index values from start to stop, in a frame that need not be sorted."""
    if not len(df.index):
        return df
    keep = pd.Series(True, index=range(len(df.index))).to_numpy()
    if start is not None:
        keep &= (df.index >= start) if left_boundary else (df.index > start)
    if stop is not None:
        keep &= (df.index <= stop) if right_boundary else (df.index < stop)
    return df[keep]
