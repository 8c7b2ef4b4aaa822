"""joblib.backports: names for what the standard library and numpy have under theirs."""

from __future__ import annotations

from os import replace as concurrency_safe_rename
from typing import Any

__all__ = ["concurrency_safe_rename", "make_memmap"]


def make_memmap(
    filename: Any,
    dtype: Any = "uint8",
    mode: Any = "r+",
    offset: int = 0,
    shape: Any = None,
    order: Any = "C",
    unlink_on_gc_collect: bool = False,
) -> Any:
    """numpy.memmap. unlink_on_gc_collect: accepted and without meaning, since no memory here has a name to unlink."""
    import numpy

    return numpy.memmap(filename, dtype=dtype, mode=mode, offset=offset, shape=shape, order=order)
