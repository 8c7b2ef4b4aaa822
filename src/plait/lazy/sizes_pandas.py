"""Sizes of frames, series and indexes of pandas.

What references lead to is judged by samples, each object counted once, since read columns often repeat few values.
A frame counts columns of one name once: they come from picking a column several times.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from random import Random
from typing import Any

import pandas as pd

from plait.lazy.sizes import sizeof

_OVERHEAD = 1200  # of a frame's block, or a series
_INDEX_OVERHEAD = 400
_SAMPLES = 100
_REFERENCES = (object, pd.StringDtype("python"))


@sizeof.register(pd.DataFrame)
def _frame(x: pd.DataFrame) -> int:
    size = sizeof(x.index) + sizeof(x.columns)
    referring = []
    before = None
    for place in (~x.columns.duplicated()).nonzero()[0]:
        column = x._get_column_array(place)  # without a series around: a tenth
        if column.dtype != before:  # neighbours of one dtype share a block
            size += _OVERHEAD
        before = column.dtype
        size += column.nbytes
        if before in _REFERENCES:
            referring.append(column)
    return max(_OVERHEAD, int(size) + _referred(referring))


@sizeof.register(pd.Series)
def _series(x: pd.Series) -> int:
    return _OVERHEAD + sizeof(x.index) + _cells(x)


@sizeof.register(pd.Index)
def _index(x: pd.Index) -> int:
    return _INDEX_OVERHEAD + _cells(x)


@sizeof.register(pd.RangeIndex)
def _range_index(x: pd.RangeIndex) -> int:
    return _INDEX_OVERHEAD


@sizeof.register(pd.MultiIndex)
def _multi_index(x: pd.MultiIndex) -> int:
    return sum(map(sizeof, x.levels)) + sum(int(code.nbytes) for code in x.codes)


def _cells(x: Any) -> int:
    return int(x.array.nbytes) + (_referred([x.array]) if x.dtype in _REFERENCES else 0)


def _referred(arrays: Sequence[Any]) -> int:
    """What the objects take that some arrays of references lead to."""
    cells = sum(map(len, arrays))
    if not cells:
        return 0
    seen = {id(x): x for each in arrays for x in each.take(_places(len(each))).tolist()}
    taken = _SAMPLES * len(arrays)
    size = sum(map(sizeof, seen.values()))
    # Few repetitions among the samples: there are as many more objects as there are cells. Many: these are all.
    return size * cells // taken if len(seen) * 2 > taken else size


@lru_cache(256)
def _places(count: int) -> list[int]:
    """Which of so many cells are looked at, some perhaps twice. Not by the process's random numbers."""
    return Random(count).choices(range(count), k=_SAMPLES)
