"""Sizes of cupy's arrays in a GPU's memory."""

from __future__ import annotations

import cupy

from plait.lazy.sizes import sizeof


@sizeof.register(cupy.ndarray)
def _size(x: cupy.ndarray) -> int:
    return int(x.nbytes)
