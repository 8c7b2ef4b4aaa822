"""merge and join as methods: a mixin; and what they ask of their arguments."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import pandas as pd

from plait.lazy.dataframe.elementwise import Method
from plait.lazy.dataframe.expression import FrameExpression
from plait.lazy.dataframe.merging import Merge
from plait.lazy.dataframe.operators import operand_of
from plait.lazy.dataframe.shuffling import checked_method
from plait.lazy.expressions import Collection

_KINDS = ("left", "right", "outer", "inner", "leftsemi")


def merge_of(
    left: Any,
    right: Any,
    how: str = "inner",
    on: Any = None,
    left_on: Any = None,
    right_on: Any = None,
    left_index: bool = False,
    right_index: bool = False,
    suffixes: Sequence[Any] = ("_x", "_y"),
    indicator: Any = False,
    shuffle_method: str | None = None,
    npartitions: int | None = None,
    broadcast: bool | float | None = None,
) -> Merge:
    """The expression that joins two frames, lazy or of pandas. Parameters as of DataFrame.merge()."""
    check_kind(how)
    if any(isinstance(each, Collection) for each in (on, left_on, right_on)):
        raise NotImplementedError("merging on lazy columns is not supported; assign them first, and pass their labels")
    if on is not None and (left_on is not None or right_on is not None):
        raise ValueError(f"on={on!r} goes for both sides; pass either it, or left_on and right_on")
    mine, theirs = _framed(operand_of(left)), _framed(operand_of(right))
    if on is None and left_on is None and right_on is None and not left_index and not right_index:
        on = [label for label in mine.columns if label in theirs.columns]
        left_index = right_index = not on
    if on is not None:
        left_on = right_on = on
    keys = _labels(left_on, mine), _labels(right_on, theirs)
    if how == "leftsemi":
        _check_semi(theirs, keys[1], right_index)
    warn_of_dtypes(mine.meta, theirs.meta, *keys)
    method = checked_method(shuffle_method)
    options = (how, *keys, left_index, right_index, tuple(suffixes), indicator, method, npartitions, broadcast)
    return Merge(mine, theirs, *options)


def check_kind(how: Any) -> None:
    """Raises ValueError for a kind of merge that there is not."""
    if how not in _KINDS:
        raise ValueError(f"dask.dataframe.merge does not support how={how!r}. Options are: {_KINDS}.")


def _framed(operand: Any) -> FrameExpression:
    """A dataframe's expression; of a series, that of the dataframe of it."""
    if not isinstance(operand, FrameExpression) or operand.ndim == 0:
        raise TypeError(f"{operand!r} is no dataframe; merge takes dataframes, of pandas or lazy ones")
    return Method(operand, "to_frame") if operand.ndim == 1 else operand


def _labels(given: Any, frame: FrameExpression) -> tuple[Any, ...]:
    """Labels, of which one may be given without a list."""
    if given is None:
        return ()
    if isinstance(given, tuple) and given in frame.meta.columns:
        return (given,)
    return tuple(given) if isinstance(given, (list, tuple)) else (given,)


def _check_semi(right: FrameExpression, keys: tuple[Any, ...], by_index: bool) -> None:
    if by_index:
        raise NotImplementedError("how='leftsemi' does not support right_index=True; call reset_index() first")
    if any(key not in right.columns for key in keys):
        raise NotImplementedError("how='leftsemi' does not support on columns from the index; call reset_index() first")


def warn_of_dtypes(left: Any, right: Any, left_on: Any, right_on: Any) -> None:
    """Warn of keys, columns of both sides, whose dtypes differ. left, right: metas."""
    mine, theirs = ([each] if not isinstance(each, (list, tuple)) else list(each) for each in (left_on, right_on))
    if not all(key in left.columns for key in mine) or not all(key in right.columns for key in theirs):
        return
    differing = [
        f"{(one, other)}: {left.dtypes[one]} and {right.dtypes[other]}"
        for one, other in zip(mine, theirs, strict=False)
        if not _alike(left.dtypes[one], right.dtypes[other])
    ]
    if differing:
        warnings.warn(
            "Merging dataframes with merge column data type mismatches: "
            f"{'; '.join(differing)}. Cast dtypes explicitly to avoid unexpected results.",
            stacklevel=4,
        )


def _alike(one: Any, other: Any) -> bool:
    both = isinstance(one, pd.CategoricalDtype) and isinstance(other, pd.CategoricalDtype)
    return both or bool(one == other)


class Merging:
    """merge and join of dataframes."""

    def merge(
        self: Any,
        right: Any,
        how: str = "inner",
        on: Any = None,
        left_on: Any = None,
        right_on: Any = None,
        left_index: bool = False,
        right_index: bool = False,
        suffixes: Sequence[Any] = ("_x", "_y"),
        indicator: Any = False,
        shuffle_method: str | None = None,
        npartitions: int | None = None,
        broadcast: bool | float | None = None,
    ) -> Any:
        """The rows of both with equal keys, as pandas' merge.

        right: a dataframe or a series, lazy or of pandas. how: left, right, outer, inner, or leftsemi: the rows of this
        one that have a match, once. on, left_on, right_on: labels of columns, or of the index; left_index, right_index;
        suffixes; indicator. Without any of these: the columns that both have, else the index. shuffle_method: "tasks"
        or "disk"; npartitions: how many partitions a shuffle makes; broadcast: whether the side with fewer partitions
        goes whole with each of the other, or a number: the readiness to do so, 0.5 if not said.
        """
        sides: Any = (left_on, right_on, left_index, right_index)
        options: Any = (suffixes, indicator, shuffle_method, npartitions, broadcast)
        return self._new(merge_of(self, right, how, on, *sides, *options))

    def join(
        self: Any,
        other: Any,
        on: Any = None,
        how: str = "left",
        lsuffix: str = "",
        rsuffix: str = "",
        shuffle_method: str | None = None,
        npartitions: int | None = None,
    ) -> Any:
        """The columns of another frame, or of several, by its index, and by this one's index or the columns `on`."""
        if isinstance(other, (list, tuple)):
            return self._joined(list(other), how, shuffle_method, npartitions)
        return self.merge(
            other,
            how=how,
            left_on=on,
            left_index=on is None,
            right_index=True,
            suffixes=(lsuffix, rsuffix),
            shuffle_method=shuffle_method,
            npartitions=npartitions,
        )

    def _joined(self: Any, others: list[Any], how: str, method: str | None, count: int | None) -> Any:
        if how not in ("left", "outer"):
            raise ValueError(f"merge_multi only supports left or outer joins; got how={how!r}")
        strange = [each for each in others if not isinstance(operand_of(each), FrameExpression)]
        if strange:
            raise ValueError(f"other must be DataFrame, or a list of such; got {strange[0]!r} among them")
        found = self
        for other in others:
            found = found.join(other, how=how, shuffle_method=method, npartitions=count)
        return found
