"""Functions that make arrays."""

from __future__ import annotations

from typing import Any

from plait.lazy.array.array import Array
from plait.lazy.array.sources import source_of


def from_array(x: Any, chunks: Any = "auto", name: str | None = None) -> Array:
    """An array of anything that has shape, dtype and slicing: numpy, h5py, zarr, memory maps.

    chunks: as of normalize_chunks. name: the array's name; without it a token of `x`.
    """
    return Array.of(source_of(x, chunks, name))
