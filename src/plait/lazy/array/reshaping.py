"""Other shapes of the same elements: reshape, transpose.

Axes that are merged or divided are found in groups of equal products. In a group the blocks must be rows of the flat
order: axes before some axis in blocks of one, those behind it whole; then a block is reshaped alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate, product
from typing import Any

import numpy as np

from plait.lazy import blocks
from plait.lazy._native.nodes import make
from plait.lazy.array.expression import ArrayExpression, Chunks
from plait.lazy.array.metas import empty_like
from plait.lazy.array.rechunking import rechunked
from plait.lazy.blocks import Blocks, Layer


class Reshape(ArrayExpression):
    """The blocks of `array`, each reshaped; as many, in the same order within each group of axes.

    groups: (numbers of axes before, numbers of axes after) each. sizes: the result's chunks.
    """

    parameters = ("array", "sizes", "groups")

    @cached_property
    def chunks(self) -> Chunks:
        return self.sizes

    @cached_property
    def meta(self) -> Any:
        return empty_like(self.array.meta, len(self.sizes))

    def layer(self, *inputs: Layer) -> Layer:
        return blocks.made(_reshaped, inputs, self.numblocks, self.name, self.groups, self.chunks)


def _reshaped(keys: Sequence[Any], array: Blocks, groups: Any, chunks: Chunks) -> list[Any]:
    counts = tuple(map(len, chunks))
    nodes = []
    for key, index in zip(keys, product(*map(range, counts)), strict=True):
        place = [0] * len(array.numblocks)
        for before, after in groups:
            flat = 0
            for axis in after:
                flat = flat * counts[axis] + index[axis]
            for axis in reversed(before):
                flat, place[axis] = divmod(flat, array.numblocks[axis])
        shape = tuple([sizes[i] for sizes, i in zip(chunks, index, strict=True)])
        nodes.append(make(_as_shape, (array[tuple(place)], shape), None, None, None, key))
    return nodes


def _as_shape(block: Any, shape: tuple[int, ...]) -> Any:
    return block.reshape(shape)


def reshaped(array: ArrayExpression, shape: Sequence[int], merges: bool = True) -> ArrayExpression:
    """An array of another shape; one length may be -1. Raises ValueError where the number of elements differs.

    merges: blocks may be joined along axes that become one, up to the size of the largest.
    """
    wanted = _full_shape(array, tuple(shape))
    if wanted == array.shape:
        return array
    if any(isinstance(length, float) and math.isnan(length) for length in array.shape):
        return _of_unknown(array, wanted)
    if 0 in array.shape:
        whole = rechunked(array, tuple([(length,) for length in array.shape]))
        return Reshape(
            whole, tuple([(length,) for length in wanted]), ((tuple(range(array.ndim)), tuple(range(len(wanted)))),)
        )
    groups = _groups(array.shape, wanted)
    before: list[tuple[int, ...]] = list(array.chunks)
    after: list[tuple[int, ...]] = [(1,)] * len(wanted)
    for ins, outs in groups:
        old, new = _group_chunks(
            [array.chunks[i] for i in ins], [array.shape[i] for i in ins], [wanted[i] for i in outs], merges
        )
        for i, sizes in zip(ins, old, strict=True):
            before[i] = sizes
        for i, sizes in zip(outs, new, strict=True):
            after[i] = sizes
    return Reshape(rechunked(array, tuple(before)), tuple(after), groups)


def _full_shape(array: ArrayExpression, shape: tuple[Any, ...]) -> tuple[Any, ...]:
    if sum(length == -1 for length in shape) > 1:
        raise ValueError("can only specify one unknown dimension")
    size: Any = math.prod(array.shape)
    if -1 in shape:
        if isinstance(size, float) and math.isnan(size):
            return tuple([size if length == -1 else length for length in shape])
        rest = -math.prod(shape)
        if rest == 0 or size % rest:
            raise ValueError(
                f"cannot reshape array of size {size} into shape {shape}; total size of new array must be unchanged"
            )
        shape = tuple([size // rest if length == -1 else int(length) for length in shape])
    if not math.isnan(size) and math.prod(shape) != size:
        raise ValueError(
            f"total size of new array must be unchanged: {array.shape} has {size} elements, {shape} {math.prod(shape)}"
        )
    return shape


def _of_unknown(array: ArrayExpression, shape: tuple[Any, ...]) -> ArrayExpression:
    """Axes of length one may come and go beside unknown ones; a single axis of blocks may be flattened."""
    old = [i for i, length in enumerate(array.shape) if length != 1]
    new = [i for i, length in enumerate(shape) if length != 1]
    if len(shape) == 1 and math.isnan(shape[0]) and all(len(sizes) == 1 for sizes in array.chunks[1:]):
        unknown = ((math.nan,) * len(array.chunks[0]),)
        return FlatUnknown(array, unknown)
    same = len(old) == len(new) and all(
        array.shape[i] == shape[j] or (math.isnan(array.shape[i]) and (shape[j] == -1 or math.isnan(shape[j])))
        for i, j in zip(old, new, strict=True)
    )
    if not same:
        raise ValueError(
            f"Array chunk size or shape is unknown. shape: {array.shape}\n\n Possible solution with "
            f"x.compute_chunk_sizes()"
        )
    raise ValueError("cannot reshape unknown axes; call compute_chunk_sizes() first")


class FlatUnknown(ArrayExpression):
    """Each block flat, of unknown size."""

    parameters = ("array", "sizes")

    @cached_property
    def chunks(self) -> Chunks:
        return self.sizes

    @cached_property
    def meta(self) -> Any:
        return empty_like(self.array.meta, 1)

    def layer(self, *inputs: Layer) -> Layer:
        return blocks.made(_flattened, inputs, self.numblocks, self.name)


def _flattened(keys: Sequence[Any], array: Blocks) -> list[Any]:
    return [make(np.ravel, (node,), None, None, None, key) for key, node in zip(keys, array.nodes, strict=True)]


def _groups(old: Sequence[int], new: Sequence[int]) -> tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]:
    """Axes before and after of equal products, the smallest such groups. Axes of one join the group behind them."""
    found: list[Any] = []
    i = j = 0
    while i < len(old) or j < len(new):
        ins, outs = [], []
        a = b = 1
        if i < len(old):
            ins.append(i)
            a *= old[i]
            i += 1
        if j < len(new):
            outs.append(j)
            b *= new[j]
            j += 1
        while a != b:
            if a < b:
                ins.append(i)
                a *= old[i]
                i += 1
            else:
                outs.append(j)
                b *= new[j]
                j += 1
        if not ins or not outs:  # axes of one at the end
            last_in, last_out = found.pop() if found else ((), ())
            ins, outs = [*last_in, *ins], [*last_out, *outs]
        found.append((tuple(ins), tuple(outs)))
    return tuple(found)


def _group_chunks(
    chunks: list[tuple[int, ...]], old: list[int], new: list[int], merges: bool
) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
    """Chunks of a group's axes before and after, such that blocks are reshaped alone."""
    if len(old) == len(new) == 1:
        return chunks, chunks
    if not new:
        return chunks, []
    if not old:
        return [], [(1,)] * len(new)
    if len([each for each in new if each != 1]) <= 1:
        return _merging(chunks, old, new, merges)
    if len([each for each in old if each != 1]) <= 1 and _largest(chunks) < math.prod(new[1:]):
        return _splitting(chunks, old, new)
    inner_old, inner_new = math.prod(old[1:]), math.prod(new[1:])
    unit = math.lcm(inner_old, inner_new) // inner_old
    rows = _on_multiples(chunks[0], unit)
    after = [tuple([size * inner_old // inner_new for size in rows]), *[(length,) for length in new[1:]]]
    return [rows, *[(length,) for length in old[1:]]], after


def _largest(chunks: list[tuple[int, ...]]) -> int:
    """Elements of a group's largest block."""
    return max(math.prod(max(sizes) for sizes in chunks), 1)


def _merging(chunks: list[tuple[int, ...]], old: list[int], new: list[int], merges: bool) -> tuple[Any, Any]:
    """All axes become one: those before some axis are cut to blocks of one, and those behind it are whole.

    That axis is cut so that no block is larger than the largest that there is; the last axis stays as it is, if merges
    is false.
    """
    largest = _largest(chunks)
    place = 0
    while place < len(old) - 1 and (math.prod(old[place + 1 :]) > largest or not merges):
        place += 1
    behind = math.prod(old[place + 1 :])
    before = [(1,) * length for length in old[:place]]
    count = math.prod(old[:place])
    rows = chunks[place]
    if merges and max(rows) * behind != largest:
        rows = _divided(old[place], largest / behind)
    flat = tuple([size * behind for _ in range(count) for size in rows])
    wide = next((i for i, length in enumerate(new) if length != 1), 0)
    after = [flat if i == wide else (1,) for i in range(len(new))]
    return [*before, rows, *[(length,) for length in old[place + 1 :]]], after


def _splitting(chunks: list[tuple[int, ...]], old: list[int], new: list[int]) -> tuple[Any, Any]:
    """One axis becomes several, whose inner ones are larger than blocks: the mirror image of merging."""
    largest = _largest(chunks)
    place = 0
    while place < len(new) - 1 and math.prod(new[place + 1 :]) > largest:
        place += 1
    behind = math.prod(new[place + 1 :])
    rows = _divided(new[place], largest / behind)
    flat = tuple([size * behind for _ in range(math.prod(new[:place])) for size in rows])
    wide = next(i for i, length in enumerate(old) if length != 1)
    before = [flat if i == wide else (1,) for i in range(len(old))]
    after = [*[(1,) * length for length in new[:place]], rows, *[(length,) for length in new[place + 1 :]]]
    return before, after


def _divided(length: int, width: float) -> tuple[int, ...]:
    """An axis in blocks of about equal size, about as wide as said."""
    count = min(max(math.ceil(length / max(width, 1)), 1), length)
    share, rest = divmod(length, count)
    return (share,) * (count - rest) + (share + 1,) * rest


def _on_multiples(sizes: tuple[int, ...], unit: int) -> tuple[int, ...]:
    """Blocks whose bounds are multiples of a unit, near those that there are."""
    total = sum(sizes)
    bounds = sorted({round(bound / unit) * unit for bound in accumulate(sizes)} | {total})
    kept = [bound for bound in bounds if 0 < bound <= total]
    return tuple([end - start for start, end in zip([0, *kept], kept, strict=False)])


def flattened(array: ArrayExpression) -> ArrayExpression:
    """An array of one axis."""
    if array.ndim == 1:
        return array
    return reshaped(array, (-1,))


class Transpose(ArrayExpression):
    """array.transpose(axes)."""

    parameters = ("array", "axes")

    @cached_property
    def chunks(self) -> Chunks:
        return tuple([self.array.chunks[axis] for axis in self.axes])

    @cached_property
    def meta(self) -> Any:
        return self.array.meta.transpose(self.axes) if self.array.meta.ndim == len(self.axes) else self.array.meta

    def layer(self, *inputs: Layer) -> Layer:
        return blocks.blockwise(np.transpose, self.axes, (inputs[0], range(self.ndim)), name=self.name, axes=self.axes)


def transposed(array: ArrayExpression, axes: Any = None) -> ArrayExpression:
    """With axes in another order; reversed if not said. Raises ValueError for axes that are no permutation."""
    ndim = array.ndim
    order = (
        tuple(range(ndim))[::-1]
        if axes is None
        else tuple([axis % ndim if -ndim <= axis < ndim else axis for axis in axes])
    )
    if sorted(order) != list(range(ndim)):
        raise ValueError(f"axes {axes} don't match array of {ndim} axes")
    return array if order == tuple(range(ndim)) else Transpose(array, order)
