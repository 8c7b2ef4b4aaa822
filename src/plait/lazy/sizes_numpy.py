"""Sizes of numpy's arrays: what their elements take, repeated ones once."""

from __future__ import annotations

from typing import Any

import numpy as np

from plait.lazy.sizes import sizeof


@sizeof.register(np.ndarray)
def _array(x: np.ndarray[Any, Any]) -> int:
    if 0 in x.strides:  # broadcast: an axis with one element in memory, however long
        x = x[tuple([slice(None if stride else 1) for stride in x.strides])]
    return int(x.nbytes)
