"""Sizes of frames, series and indexes of pandas.

What references lead to is judged by samples, each object counted once, since read columns often repeat few values.
A frame counts columns of one name once: they come from picking a column several times.
"""

from __future__ import annotations

from collections.abc import Sequence
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
        column = x.iloc[:, place]
        if column.dtype != before:  # neighbours of one dtype share a block
            size += _OVERHEAD
        before = column.dtype
        size += column.memory_usage(index=False, deep=False)
        if before in _REFERENCES:
            referring.append(column.array)
    return max(_OVERHEAD, int(size) + _referred(referring))


@sizeof.register(pd.Series)
def _series(x: pd.Series) -> int:
    size = _OVERHEAD + sizeof(x.index) + x.memory_usage(index=False, deep=False)
    return int(size + (_referred([x.array]) if x.dtype in _REFERENCES else 0))


@sizeof.register(pd.Index)
def _index(x: pd.Index) -> int:
    size = _INDEX_OVERHEAD + x.memory_usage(deep=False)
    return int(size + (_referred([x.array]) if x.dtype in _REFERENCES else 0))


@sizeof.register(pd.MultiIndex)
def _multi_index(x: pd.MultiIndex) -> int:
    return sum(map(sizeof, x.levels)) + sum(int(code.nbytes) for code in x.codes)


def _referred(arrays: Sequence[Any]) -> int:
    """What the objects take that some arrays of references lead to."""
    cells = sum(map(len, arrays))
    if not cells:
        return 0
    random = Random(cells)  # not the process's: asking for a size changes nobody's numbers
    seen = {}
    for each in arrays:
        for place in random.choices(range(len(each)), k=_SAMPLES):
            seen[id(each[place])] = each[place]
    taken = _SAMPLES * len(arrays)
    size = sum(map(sizeof, seen.values()))
    # Few repetitions among the samples: there are as many more objects as there are cells. Many: these are all.
    return size * cells // taken if len(seen) * 2 > taken else size
