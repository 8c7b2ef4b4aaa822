"""assert_eq: whether lazy and pandas objects have the same values, and whether lazy ones keep what they promise."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import pandas.testing as tm

from plait.lazy import blocks
from plait.lazy.computing import values_of
from plait.lazy.dataframe.frames import Frame, Index, Scalar, Tabular
from plait.lazy.expressions import layer_of

# Kinds of dtypes that a meta may give for one another: whether values are missing is seen in data only.
_ALIKE = ({"O", "S", "U", "a"}, {"i", "f", "u"})


def assert_eq(
    a: Any,
    b: Any,
    check_names: bool = True,
    check_dtype: bool = True,
    check_divisions: bool = True,
    check_index: bool = True,
    sort_results: bool = True,
    scheduler: Any = "sync",
    **options: Any,
) -> bool:
    """True; raises AssertionError where two frames, series, indexes or values differ, or one breaks what its meta and
    divisions say.

    Rows are sorted before they are compared, unless sort_results=False. options: as of pandas.testing.
    """
    if check_divisions:
        assert_divisions(a, scheduler=scheduler)
        assert_divisions(b, scheduler=scheduler)
    left, right = [_computed(each, check_names, check_dtype, scheduler) for each in (a, b)]
    if isinstance(left, (pd.DataFrame, pd.Series)) and sort_results:
        left, right = _sorted(left, check_index), _sorted(right, check_index)
    if not check_index:
        left, right = left.reset_index(drop=True), right.reset_index(drop=True)
    if isinstance(left, pd.DataFrame):
        tm.assert_frame_equal(left, right, check_names=check_names, check_dtype=check_dtype, **options)
    elif isinstance(left, pd.Series):
        tm.assert_series_equal(left, right, check_names=check_names, check_dtype=check_dtype, **options)
    elif isinstance(left, pd.Index):
        tm.assert_index_equal(left, right, exact=check_dtype, **options)
    elif not _same_value(left, right):
        raise AssertionError(f"{left!r} is not {right!r}")
    return True


def _same_value(left: Any, right: Any) -> bool:
    if isinstance(left, (list, tuple, np.ndarray)) or isinstance(right, np.ndarray):
        return bool(np.all(np.asarray(left) == np.asarray(right)))
    if left is right or left == right:
        return True
    if pd.isna(left) and pd.isna(right):
        return True
    return bool(np.allclose(left, right))


def _computed(value: Any, check_names: bool, check_dtype: bool, scheduler: Any) -> Any:
    """The value of a lazy object, checked against its meta; any other as it is."""
    if not hasattr(value, "__dask_graph__"):
        return value.to_pandas() if hasattr(value, "to_pandas") else value
    found = value.compute(scheduler=scheduler)
    if isinstance(value, Scalar) or not isinstance(value, Frame):
        return found
    meta = value._meta
    if type(found) is not type(meta) and not (isinstance(value, Index) and isinstance(found, pd.Index)):
        raise AssertionError(f"the meta is a {type(meta).__name__}, the value a {type(found).__name__}")
    if check_names:
        _check_names(meta, found)
    if check_dtype:
        _check_dtypes(meta, found)
    return found


def _check_names(meta: Any, found: Any) -> None:
    if isinstance(meta, pd.DataFrame):
        tm.assert_index_equal(meta.columns, found.columns, exact=False)
    elif meta.name != found.name and not (pd.isna(meta.name) and pd.isna(found.name)):
        raise AssertionError(f"the meta is called {meta.name!r}, the value {found.name!r}")
    if not isinstance(meta, pd.Index):
        _same_names(meta.index.names, found.index.names)


def _same_names(meta: Iterable[Any], found: Iterable[Any]) -> None:
    if list(meta) != list(found):
        raise AssertionError(f"the meta's index is called {list(meta)}, the value's {list(found)}")


def _check_dtypes(meta: Any, found: Any) -> None:
    if isinstance(meta, pd.MultiIndex):
        return
    if isinstance(meta, pd.DataFrame):
        pairs = list(zip(meta.dtypes, found.dtypes, strict=True))
    else:
        pairs = [(meta.dtype, found.dtype)]
    if not isinstance(meta, pd.Index) and not isinstance(meta.index, pd.MultiIndex):
        pairs.append((meta.index.dtype, found.index.dtype))
    for said, got in pairs:
        kinds = {getattr(said, "kind", "O"), getattr(got, "kind", "O")}
        if said != got and not any(kinds <= alike for alike in _ALIKE):
            raise AssertionError(f"the meta says {said}, the value is {got}")


def assert_eq_dtypes(a: Any, b: Any) -> None:
    """Raise AssertionError where two dataframes have not as many columns of each dtype."""
    tm.assert_series_equal(a.dtypes.value_counts(), b.dtypes.value_counts())


def assert_divisions(frame: Any, scheduler: Any = None) -> None:
    """Raise AssertionError where a partition has index values outside of its divisions."""
    if not isinstance(frame, Tabular) or not frame.known_divisions:
        return
    divisions = frame.divisions
    parts = values_of(blocks.parts(layer_of(frame.expr)), scheduler, None, {})
    for i, part in enumerate(parts):
        index = part if isinstance(part, pd.Index) else part.index
        if isinstance(index, pd.MultiIndex):
            index = index.get_level_values(0)
        if not len(index):
            continue
        last = i == len(parts) - 1
        low, high = index.min(), index.max()
        if low < divisions[i] or high > divisions[i + 1] or (not last and high == divisions[i + 1] != divisions[i]):
            raise AssertionError(
                f"partition {i} has index values {low!r} to {high!r}, its divisions are {divisions[i : i + 2]}"
            )


def _sorted(frame: Any, check_index: bool) -> Any:
    """By values, then by index: rows of equal frames come in the same order."""
    frame = frame.copy(deep=False)
    try:
        if isinstance(frame, pd.DataFrame):
            if set(frame.columns) & set(frame.index.names):  # pandas would not know which is meant
                frame.index.names = [f"-overlapped-index-name-{i}" for i in range(frame.index.nlevels)]
            frame = frame.sort_values(by=list(_unique(frame.columns)))
        else:
            frame = frame.sort_values()
    except (TypeError, IndexError, ValueError):
        pass  # values without an order
    try:
        return frame.sort_index() if check_index else frame
    except TypeError:
        return frame


def _unique(labels: Any) -> list[Any]:
    return [label for label in dict.fromkeys(labels) if (labels == label).sum() == 1]
