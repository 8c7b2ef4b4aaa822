"""array[index]: a mixin."""

from __future__ import annotations

from typing import Any

import numpy as np

from plait.lazy.array.assigning import assigned
from plait.lazy.array.expression import ArrayExpression
from plait.lazy.array.looking import looked_up
from plait.lazy.array.pointwise import vindexed
from plait.lazy.array.slicing import compressed, is_wide_mask, masked, normalized, sliced
from plait.lazy.array.sources import source_of


class Indexing:
    """A mixin of `Array`."""

    def __getitem__(self: Any, index: Any) -> Any:
        """Parts: slices, integers, new axes, masks, and arrays of integers along one axis."""
        if isinstance(index, str) or (
            isinstance(index, list) and index and all(isinstance(each, str) for each in index)
        ):
            return self._field(index)
        entries = index if isinstance(index, tuple) else (index,)
        return self.of(indexed(self.expr, tuple([getattr(each, "expr", each) for each in entries])))

    def __setitem__(self: Any, index: Any, value: Any) -> None:
        """Put elements at an index; this array is another expression from then on. See `assigning`."""
        entries = index if isinstance(index, tuple) else (index,)
        plain = tuple([getattr(each, "expr", each) for each in entries])
        self.expr = assigned(self.expr, plain, getattr(value, "expr", value))

    @property
    def vindex(self: Any) -> Vindex:
        """Elements by coordinates: array.vindex[rows, columns]. See `pointwise`."""
        return Vindex(self)

    def _field(self: Any, names: Any) -> Any:
        """Fields of structured elements."""
        dtype = self.dtype[names] if isinstance(names, str) else self.dtype[list(names)]
        shape = dtype.shape
        if not shape:
            return self.map_blocks(_field_of, names, dtype=dtype)
        axes = list(range(self.ndim, self.ndim + len(shape)))
        chunks = (*self.chunks, *[(size,) for size in shape])
        return self.map_blocks(_field_of, names, dtype=dtype.base, chunks=chunks, new_axis=axes)


class Vindex:
    """What `array.vindex` is."""

    def __init__(self, array: Any) -> None:
        self._array = array

    def __getitem__(self, index: Any) -> Any:
        entries = index if isinstance(index, tuple) else (index,)
        found = vindexed(self._array.expr, tuple([getattr(each, "expr", each) for each in entries]))
        return self._array if found is self._array.expr else self._array.of(found)


def _field_of(block: Any, names: Any) -> Any:
    return block[names]


def indexed(array: ArrayExpression, entries: tuple[Any, ...]) -> ArrayExpression:
    """array[entries]; entries may be lazy masks."""
    lazy = [each for each in entries if isinstance(each, ArrayExpression)]
    if not lazy:
        wide = [each for each in entries if is_wide_mask(each)]
        if wide:
            if len(entries) > 1 or wide[0].shape != array.shape:
                raise NotImplementedError("a mask of several axes is the only index, and has the array's shape")
            return masked(array, source_of(np.asarray(wide[0]), array.chunks))
        return sliced(array, entries)
    if len(lazy) > 1:
        raise NotImplementedError("Slicing an array by several lazy arrays is not supported; compute all but one")
    (mask,) = lazy
    if mask.dtype.kind not in "biu":
        raise IndexError(f"a lazy index has integers or booleans, not {mask.dtype}")
    if len(entries) == 1 and mask.ndim == array.ndim and mask.dtype == bool:
        return masked(array, mask)
    if mask.ndim != 1:
        raise NotImplementedError(f"a lazy index has one axis, a mask may have all {array.ndim}; this has {mask.ndim}")
    stand_in = tuple([slice(None) if each is mask else each for each in entries])
    full = normalized(stand_in, array.shape)
    place = next(i for i, each in enumerate(entries) if each is mask)
    before = sum(each is not None and each is not Ellipsis for each in entries[:place])
    if Ellipsis in entries[:place]:
        before = array.ndim - sum(each is not None for each in entries[place:])
    kept = [each for each in full if each is not None][:before]
    axis = sum(not isinstance(each, int) for each in kept)
    rest = sliced(array, tuple([each for each in full if each is not None]))
    found = compressed(rest, mask, axis) if mask.dtype == bool else looked_up(rest, mask, axis)
    return sliced(found, tuple([None if each is None else slice(None) for each in full if not isinstance(each, int)]))
