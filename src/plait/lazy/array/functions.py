"""map_blocks and blockwise, of any number of arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from plait.lazy.array import applying
from plait.lazy.array.collection import Array


def map_blocks(func: Callable[..., Any], *args: Any, **options: Any) -> Array:
    """func(blocks) for each block of the arrays among args. See plait.lazy.array.applying.map_blocks."""
    return Array.of(applying.map_blocks(func, *args, **options))


def blockwise(func: Callable[..., Any], out_ind: Any, *args: Any, **options: Any) -> Array:
    """func(blocks) by labels of axes. See plait.lazy.array.applying.blockwise."""
    return Array.of(applying.blockwise(func, out_ind, *args, **options))
