"""Arrays in memory that worker processes map: what `share()` makes.

The array holds a mapping of the segment, and the mapping is the segment's only owner here: with the last view of the
array both are gone. Tasks that have it keep the memory until they let go.
"""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from plait.parallel._native.memory import Mapping
from plait.parallel.transport.segments import Segment, SegmentPool

_segments = SegmentPool(0)  # nothing is kept
_owned: weakref.WeakKeyDictionary[Mapping, Segment] = weakref.WeakKeyDictionary()


def share(array: Any) -> Any:
    """A copy of the array in shared memory; itself where it lies in such memory already. Raises TypeError, OSError."""
    if array.dtype.hasobject:
        raise TypeError(f"share() got an array of dtype {array.dtype}, which holds Python objects; pass one of numbers")
    if find(array) is not None:
        return array
    order: Any = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
    segment = _segments.take(max(1, array.nbytes))
    mapping: Any = segment.map()
    shared: Any = np.ndarray(array.shape, array.dtype, mapping, 0, None, order)
    np.copyto(shared, array)
    _owned[mapping] = segment
    return shared


def find(array: Any) -> tuple[Mapping, Segment, int] | None:
    """The mapping, the segment, and the offset in bytes of the array's first item; None for any other memory."""
    base = array
    while isinstance(base, np.ndarray):
        base = base.base
    segment = _owned.get(base) if isinstance(base, Mapping) else None
    if segment is None or segment.fd < 0:  # inherited by a fork: it travels as any other
        return None
    return base, segment, array.__array_interface__["data"][0] - base.address
