"""Functions that join several dataframes."""

from __future__ import annotations

import warnings
from typing import Any

import pandas as pd

from plait.lazy.dataframe.concatenating import Concat, ConcatColumns, origins
from plait.lazy.dataframe.expression import FrameExpression
from plait.lazy.dataframe.frames import Tabular, collection
from plait.lazy.dataframe.merging_methods import check_kind, merge_of
from plait.lazy.dataframe.merging_nearest import MergeAsof, spans_of
from plait.lazy.dataframe.sources import in_memory


def merge(
    left: Any,
    right: Any,
    how: str = "inner",
    on: Any = None,
    left_on: Any = None,
    right_on: Any = None,
    left_index: bool = False,
    right_index: bool = False,
    suffixes: Any = ("_x", "_y"),
    indicator: Any = False,
    shuffle_method: str | None = None,
    npartitions: int | None = None,
    broadcast: bool | float | None = None,
) -> Any:
    """The rows of both with equal keys; see DataFrame.merge(). Of two pandas objects, what pandas gives."""
    check_kind(how)
    of_pandas = (how, on, left_on, right_on, left_index, right_index)
    if isinstance(left, pd.DataFrame) and isinstance(right, pd.DataFrame):
        return left.merge(right, *of_pandas, suffixes=suffixes, indicator=indicator)
    options = (suffixes, indicator, shuffle_method, npartitions, broadcast)
    return collection(merge_of(left, right, *of_pandas, *options))


def merge_asof(
    left: Any,
    right: Any,
    on: Any = None,
    left_on: Any = None,
    right_on: Any = None,
    left_index: bool = False,
    right_index: bool = False,
    by: Any = None,
    left_by: Any = None,
    right_by: Any = None,
    suffixes: Any = ("_x", "_y"),
    tolerance: Any = None,
    allow_exact_matches: bool = True,
    direction: str = "backward",
) -> Any:
    """Each row of the left side with the nearest one of the right side, as pandas.merge_asof().

    Both are sorted by the key: the column `on`, or left_on and right_on, or the index. The ends of partitions are
    looked at now where divisions do not say them.
    """
    if on is not None and (left_on is not None or right_on is not None):
        raise ValueError(
            "Can only pass argument 'on' OR 'left_on' and 'right_on', not a combination of both; leave one out"
        )
    if by is not None and (left_by is not None or right_by is not None):
        raise ValueError(
            "Can only pass argument 'by' OR 'left_by' and 'right_by', not a combination of both; leave one out"
        )
    keywords = {
        "on": on,
        "left_on": left_on,
        "right_on": right_on,
        "left_index": left_index,
        "right_index": right_index,
        "by": by,
        "left_by": left_by,
        "right_by": right_by,
        "suffixes": tuple(suffixes),
        "tolerance": tolerance,
        "allow_exact_matches": allow_exact_matches,
        "direction": direction,
    }
    if isinstance(left, pd.DataFrame) and isinstance(right, pd.DataFrame):
        return pd.merge_asof(left, right, **keywords)
    mine, theirs = _expression(left), _expression(right)
    spans = (
        spans_of(mine, None if left_index else on if on is not None else left_on),
        spans_of(theirs, None if right_index else on if on is not None else right_on),
    )
    return collection(MergeAsof(mine, theirs, spans, keywords))


def concat(
    dfs: Any,
    axis: Any = 0,
    join: str = "outer",
    ignore_unknown_divisions: bool = False,
    ignore_order: bool = False,
    interleave_partitions: bool = False,
    **keywords: Any,
) -> Any:
    """Frames below each other, or with axis=1 beside each other by their index.

    dfs: a list of dataframes and series, lazy or of pandas. join: "outer" for all columns, or rows; "inner" for common
    ones. Below each other: partitions follow each other, and divisions are known where they do; interleave_partitions:
    else rows of the same divisions come together. Beside each other: rows by known divisions; where they are unknown,
    partitions are taken to have the same index, with a warning unless ignore_unknown_divisions. ignore_order: ordered
    categoricals with other categories become unordered. keywords: pandas.concat()'s.
    """
    if not isinstance(dfs, list):
        raise TypeError(f"dfs must be a list of DataFrames/Series objects, got {type(dfs).__name__}")
    if not dfs:
        raise ValueError("No objects to concatenate; pass one frame, or more")
    if join not in ("inner", "outer"):
        raise ValueError(f"'join' must be 'inner' or 'outer', got {join!r}")
    frames = tuple([_expression(each) for each in dfs])
    by_columns = axis in (1, "columns")
    if len(frames) == 1:
        found = collection(frames[0])
        return found.to_frame() if by_columns and frames[0].ndim == 1 else found
    if by_columns:
        by_rows = _are_by_rows(frames, ignore_unknown_divisions)
        return collection(ConcatColumns(frames, join, by_rows, keywords))
    return collection(Concat(frames, join, interleave_partitions, ignore_order, keywords))


def _expression(value: Any) -> FrameExpression:
    if isinstance(value, Tabular):
        return value.expr
    if isinstance(value, (pd.DataFrame, pd.Series)):
        return in_memory(value, 1)
    raise TypeError(f"dfs must be a list of DataFrames/Series objects; got {type(value).__name__} for one")


def _are_by_rows(frames: tuple[FrameExpression, ...], ignore: bool) -> bool:
    """Whether partitions are put beside each other as they are. Raises ValueError where that cannot be."""
    counts = {each.npartitions for each in frames}
    known = [each.known_divisions for each in frames]
    if all(known):
        return False
    if len(counts) > 1 or any(known):
        raise ValueError(
            "Unable to concatenate DataFrame with unknown division specifying axis=1; call set_index first. Known: "
            f"{known}, partitions: {[each.npartitions for each in frames]}"
        )
    if not ignore and counts != {1} and any(origins(each) != origins(frames[0]) for each in frames):
        warnings.warn(
            "Concatenating dataframes with unknown divisions.\nWe're assuming that the indices of each dataframes are "
            "\n aligned. This assumption is not generally safe.",
            stacklevel=3,
        )
    return True
