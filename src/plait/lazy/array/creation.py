"""Functions that make arrays."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from numbers import Number
from typing import Any

import numpy as np

from plait.lazy import config
from plait.lazy._native.nodes import make
from plait.lazy.array.chunks import normalize_chunks
from plait.lazy.array.collection import Array
from plait.lazy.array.diagonals import Diagonal
from plait.lazy.array.elementwise import elementwise
from plait.lazy.array.expression import FromNodes
from plait.lazy.array.making import Made
from plait.lazy.array.metas import empty_like as empty_meta
from plait.lazy.array.sources import source_of
from plait.lazy.array.stacking import concatenate, stack
from plait.lazy.decorator import delayed
from plait.lazy.defaults import DEFAULTS
from plait.lazy.expressions.nodes import Nodes
from plait.lazy.keys import identity
from plait.lazy.tokens import tokenize
from plait.lazy.units import parse_bytes
from plait.parallel.cores import cpu_count

BLOCKS_PER_CORE = 2  # of arrays in memory that are divided by default
LEAST_BLOCK = 8 * 2**20  # bytes that such a block has at least


def from_array(
    x: Any,
    chunks: Any = "auto",
    name: Any = None,
    lock: Any = False,
    asarray: bool | None = None,
    fancy: bool = True,
    getitem: Any = None,
    meta: Any = None,
    inline_array: bool = False,
) -> Array:
    """An array of anything that has shape, dtype and slicing: numpy, h5py, zarr, memory maps.

    chunks: as of normalize_chunks. name: the array's name; None for a token of `x`, False for one of its own. lock:
    True or a lock that is held while a block is read. asarray: make numpy arrays of blocks; where it is None, of those
    that do not speak numpy's protocols. getitem: what reads a block: getitem(x, slices). meta: an empty array like the
    blocks.
    """
    if isinstance(x, Array):
        raise ValueError("Array is already a lazy array. Use 'asarray' or 'rechunk' instead.")
    if hasattr(x, "__dask_graph__") and hasattr(x, "to_dask_array"):
        return x.to_dask_array(lengths=True)
    if isinstance(x, (list, tuple, memoryview, np.generic)) or np.isscalar(x):
        x = np.array(x)
    if name is False:
        name = f"array-{tokenize(object())}-{id(x):x}"
    previous = getattr(x, "chunks", None)
    sizes = normalize_chunks(
        chunks,
        x.shape,
        limit=_limit_of(x) if chunks == "auto" else None,
        dtype=x.dtype,
        previous_chunks=previous if isinstance(previous, tuple) else None,
    )
    return Array.of(source_of(x, sizes, name or None, lock, asarray, getitem, meta))


def _limit_of(x: Any) -> int | None:
    """Bytes of a block of an array in memory such that each core has some; None: what is configured, if that is less,
    or if it is not what it is by default.
    """
    limit = config.get("array.chunk-size")
    if type(x) is not np.ndarray or limit != DEFAULTS["array"]["chunk-size"]:
        return None
    even = max(x.nbytes // (BLOCKS_PER_CORE * cpu_count()), LEAST_BLOCK)
    return even if even < parse_bytes(limit) else None


def from_delayed(
    value: Any, shape: Sequence[Any], dtype: Any = None, meta: Any = None, name: str | None = None
) -> Array:
    """An array of one block, of a lazy value."""
    lazily = value if hasattr(value, "__dask_graph__") else delayed(value)
    like = empty_meta(np.empty(0) if meta is None else meta, len(tuple(shape)), dtype)
    name = name or f"from-value-{tokenize(lazily, shape, dtype, meta)}"
    sizes = tuple([(length,) for length in shape])
    node = make(identity, (lazily,), None, None, None, (name, *[0] * len(sizes)))
    return Array.of(FromNodes(Nodes([node]), sizes, like, name=name))


def from_func(
    func: Callable[..., Any], shape: Any, dtype: Any = None, name: str | None = None, args: Any = (), kwargs: Any = None
) -> Array:
    """An array of one block, of what a function gives."""
    return from_delayed(delayed(func, pure=True)(*args, **(kwargs or {})), shape, dtype=dtype, name=name)


def asarray(
    a: Any,
    allow_unknown_chunksizes: bool = False,
    dtype: Any = None,
    order: Any = None,
    *,
    like: Any = None,
    **options: Any,
) -> Array:
    """A lazy array of anything: itself if it is one; lists of arrays are stacked."""
    return _lazily(a, np.asarray, dtype, order, like, allow_unknown_chunksizes, options)


def asanyarray(a: Any, dtype: Any = None, order: Any = None, *, like: Any = None, inline_array: bool = False) -> Array:
    """As asarray(), with subclasses of numpy's arrays as they are."""
    return _lazily(a, np.asanyarray, dtype, order, like, False, {})


def _lazily(a: Any, convert: Any, dtype: Any, order: Any, like: Any, unknown: bool, options: dict[str, Any]) -> Array:
    if like is not None and not hasattr(like, "__array_function__"):
        raise TypeError(f"like= must be an array, got {type(like).__name__}")
    if isinstance(a, Array):
        return a if dtype is None or a.dtype == np.dtype(dtype) else a.astype(dtype)
    if hasattr(a, "to_dask_array"):
        found = a.to_dask_array()
        return found if dtype is None else found.astype(dtype)
    if type(a).__module__.split(".")[0] == "xarray" and hasattr(a, "data"):
        return _lazily(a.data, convert, dtype, order, like, unknown, options)
    if isinstance(a, (list, tuple)) and any(isinstance(each, Array) for each in _flat(a)):
        return stack(
            [_lazily(each, convert, dtype, order, like, unknown, options) for each in a],
            allow_unknown_chunksizes=unknown,
        )
    if not isinstance(getattr(a, "shape", None), (tuple, list)) or isinstance(a, np.generic):
        a = convert(a, dtype=dtype, order=order)
    chunks = options.pop("chunks", None) or (-1 if a.dtype.hasobject else getattr(a, "chunks", None) or "auto")
    found = from_array(a, chunks=chunks, **options)
    return found if dtype is None or found.dtype == np.dtype(dtype) else found.astype(dtype)


def _flat(values: Any) -> Any:
    for each in values:
        if isinstance(each, (list, tuple)):
            yield from _flat(each)
        else:
            yield each


# Filled arrays ------------------------------------------------------------------------------------------------


def _shape(shape: Any) -> tuple[Any, ...]:
    if isinstance(shape, np.ndarray):
        shape = shape.tolist()
    shape = (shape,) if isinstance(shape, Number) else tuple(shape)
    return tuple([length if isinstance(length, float) and math.isnan(length) else int(length) for length in shape])


def _filled(function: str) -> Callable[..., Array]:
    def fill(
        shape: Any,
        dtype: Any = None,
        chunks: Any = "auto",
        name: str | None = None,
        order: str = "C",
        meta: Any = None,
        like: Any = None,
        **_: Any,
    ) -> Array:
        kind = np.dtype(float if dtype is None else dtype)
        wanted = _shape(shape)
        sizes = normalize_chunks(_plain(chunks), wanted, dtype=kind)
        return Array.of(
            Made(
                _FILL[function],
                sizes,
                empty_meta(np.empty(0) if meta is None else meta, len(sizes), kind),
                (kind, order),
                name=name,
            )
        )

    fill.__name__ = function
    fill.__doc__ = f"As numpy's {function}(), in blocks. chunks: as of normalize_chunks."
    return fill


def _plain(chunks: Any) -> Any:
    return tuple(chunks.tolist()) if isinstance(chunks, np.ndarray) else chunks


def _ones(shape: Any, starts: Any, dtype: Any, order: str) -> Any:
    return np.ones(shape, dtype, order)


def _zeros(shape: Any, starts: Any, dtype: Any, order: str) -> Any:
    return np.zeros(shape, dtype, order)


def _empty(shape: Any, starts: Any, dtype: Any, order: str) -> Any:
    return np.empty(shape, dtype, order)


def _full(shape: Any, starts: Any, value: Any, dtype: Any, order: str) -> Any:
    return np.full(shape, value, dtype, order)


_FILL = {"ones": _ones, "zeros": _zeros, "empty": _empty}
ones, zeros, empty = map(_filled, _FILL)


def full(
    shape: Any,
    fill_value: Any,
    dtype: Any = None,
    chunks: Any = "auto",
    name: str | None = None,
    order: str = "C",
    meta: Any = None,
    **_: Any,
) -> Array:
    """As numpy's full(), in blocks. Raises ValueError where the value is no scalar."""
    if np.ndim(fill_value) != 0:
        raise ValueError(f"fill_value must be scalar. Received {type(fill_value).__name__} instead.")
    kind = (
        np.dtype(dtype)
        if dtype is not None
        else np.asarray(fill_value).dtype
        if not hasattr(fill_value, "dtype")
        else fill_value.dtype
    )
    sizes = normalize_chunks(_plain(chunks), _shape(shape), dtype=kind)
    like = empty_meta(np.empty(0) if meta is None else meta, len(sizes), kind)
    if isinstance(fill_value, Array):
        return Array.of(
            elementwise(np.add, zeros(_shape(shape), dtype=kind, chunks=sizes).expr, fill_value.expr, name=name)
        )
    return Array.of(Made(_full, sizes, like, (fill_value, kind, order), name=name))


def _like(function: str) -> Callable[..., Array]:
    def fill(
        a: Any,
        *value: Any,
        dtype: Any = None,
        order: str = "C",
        chunks: Any = None,
        name: str | None = None,
        shape: Any = None,
        **options: Any,
    ) -> Array:
        array = asarray(a)
        wanted = array.shape if shape is None else _shape(shape)
        kind = array.dtype if dtype is None else dtype
        if chunks is None:
            chunks = array.chunks if shape is None or tuple(wanted) == array.shape else "auto"
        value = value or ((options["fill_value"],) if "fill_value" in options else ())
        unknown = any(isinstance(length, float) and math.isnan(length) for length in wanted)
        others = not isinstance(array._meta, np.ndarray)  # blocks of another library, which knows how to make them
        if shape is None and (unknown or (others and chunks == array.chunks)):
            return array.map_blocks(
                getattr(np, f"{function}_like"), *value, dtype=kind, meta=empty_meta(array._meta, array.ndim, kind)
            )
        maker: Callable[..., Array] = {"ones": ones, "zeros": zeros, "empty": empty, "full": full}[function]
        return maker(wanted, *value, dtype=kind, chunks=_plain(chunks), name=name, order=order, meta=array._meta)

    fill.__name__ = f"{function}_like"
    fill.__doc__ = f"As numpy's {function}_like(), in blocks: those of `a`, unless chunks says others."
    return fill


ones_like, zeros_like, empty_like, full_like = map(_like, ("ones", "zeros", "empty", "full"))


# Ranges -------------------------------------------------------------------------------------------------------


def arange(
    start: Any = 0,
    /,
    stop: Any = None,
    step: Any = 1,
    *,
    chunks: Any = "auto",
    like: Any = None,
    dtype: Any = None,
    name: str | None = None,
) -> Array:
    """As numpy's arange(), in blocks."""
    if stop is None:
        start, stop = 0 if not hasattr(start, "dtype") else type(start)(0), start
    if step is None:
        step = 1
    if step == 0:
        raise ZeroDivisionError("step= of arange() is 0")
    length = _range_length(_number(start), _number(stop), _number(step))
    kind = np.dtype(dtype) if dtype is not None else _range_dtype(start, stop, step)
    sizes = normalize_chunks(chunks, (length,), dtype=kind)
    like_meta = empty_meta(np.empty(0) if like is None else getattr(like, "_meta", like), 1, kind)
    return Array.of(Made(_arange, sizes, like_meta, (_number(start), _number(step), kind), name=name))


def _number(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def _range_length(start: Any, stop: Any, step: Any) -> int:
    span = stop - start
    if isinstance(span, int) and isinstance(step, int):
        return max(-(-span // step), 0)
    return max(math.ceil(span / step), 0)


def _range_dtype(start: Any, stop: Any, step: Any) -> Any:
    return (
        np.arange(type(start)(0), type(stop)(0), type(step)(1)).dtype
        if not _is_wide(start, stop)
        else np.arange(start, stop, stop - start or 1).dtype
    )


def _is_wide(*values: Any) -> bool:
    return any(isinstance(value, int) and abs(value) > 2**62 for value in values)


def _arange(shape: Any, starts: Any, start: Any, step: Any, dtype: Any) -> Any:
    (count,), (first,) = shape, starts
    if isinstance(start, int) and isinstance(step, int):
        if dtype.kind in "iu":
            begin = start + first * step
            return (
                np.arange(count, dtype=dtype) * np.array(step).astype(dtype) + np.array(begin).astype(dtype)
            ).astype(dtype)
        return np.arange(start + first * step, start + (first + count) * step, step).astype(dtype)[:count]
    return (start + np.arange(first, first + count) * step).astype(dtype)


def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    chunks: Any = "auto",
    dtype: Any = None,
) -> Any:
    """As numpy's linspace(), in blocks."""
    num = int(num)
    kind = np.dtype(dtype) if dtype is not None else np.linspace(0, 1, 1).dtype
    sizes = normalize_chunks(chunks, (num,), dtype=kind)
    space = num - 1 if endpoint else num
    step = float(stop - start) / (space or 1)
    found = Array.of(Made(_linspace, sizes, np.empty(0, dtype=kind), (start, step, kind)))
    return (found, step) if retstep else found


def _linspace(shape: Any, starts: Any, start: Any, step: Any, dtype: Any) -> Any:
    return (start + np.arange(starts[0], starts[0] + shape[0]) * step).astype(dtype)


def eye(N: int, chunks: Any = "auto", M: int | None = None, k: int = 0, dtype: Any = float) -> Array:
    """As numpy's eye(), in square blocks."""
    columns = N if M is None else M
    if not isinstance(chunks, (int, str)):
        raise ValueError("chunks must be an int or string")
    kind = np.dtype(float if dtype is None else dtype)
    sizes = normalize_chunks(chunks, (N, columns), dtype=kind)
    return Array.of(Made(_eye, sizes, np.empty((0, 0), dtype=kind), (k, kind)))


def _eye(shape: Any, starts: Any, k: int, dtype: Any) -> Any:
    return np.eye(*shape, k=k + starts[0] - starts[1], dtype=dtype)


def tri(
    N: int, M: int | None = None, k: int = 0, dtype: Any = float, chunks: Any = "auto", *, like: Any = None
) -> Array:
    """As numpy's tri(), in blocks."""
    columns = N if M is None else M
    kind = np.dtype(dtype)
    sizes = normalize_chunks(chunks, (N, columns), dtype=kind)
    return Array.of(
        Made(_tri, sizes, empty_meta(np.empty(0) if like is None else getattr(like, "_meta", like), 2, kind), (k, kind))
    )


def _tri(shape: Any, starts: Any, k: int, dtype: Any) -> Any:
    return np.tri(*shape, k=k + starts[0] - starts[1], dtype=dtype)


def indices(dimensions: Sequence[int], dtype: Any = int, chunks: Any = "auto") -> Array:
    """As numpy's indices(), in blocks."""
    shape = tuple(dimensions)
    sizes = normalize_chunks(chunks, shape, dtype=np.dtype(dtype))
    if len(sizes) != len(shape):
        raise ValueError("Need same number of chunks as dimensions.")
    if not shape:
        return empty((0,), dtype=dtype, chunks=(0,))
    found = [
        Array.of(Made(_index, sizes, np.empty((0,) * len(shape), dtype=dtype), (axis, np.dtype(dtype))))
        for axis in range(len(shape))
    ]
    return stack(found)


def _index(shape: Any, starts: Any, axis: int, dtype: Any) -> Any:
    along = np.arange(starts[axis], starts[axis] + shape[axis], dtype=dtype)
    return np.broadcast_to(along.reshape([-1 if i == axis else 1 for i in range(len(shape))]), shape)


def fromfunction(
    func: Callable[..., Any], chunks: Any = "auto", shape: Any = None, dtype: Any = None, **kwargs: Any
) -> Array:
    """As numpy's fromfunction(), in blocks."""
    kind = np.dtype(float if dtype is None else dtype)
    sizes = normalize_chunks(chunks, _shape(shape), dtype=kind)
    found = func(*[np.empty((1,) * len(sizes), dtype=kind)] * len(sizes), **kwargs)
    return Array.of(Made(_from_function, sizes, empty_meta(np.asarray(found), len(sizes)), (func, kind, kwargs)))


def _from_function(shape: Any, starts: Any, func: Any, dtype: Any, kwargs: Any) -> Any:
    grid = np.meshgrid(
        *[np.arange(a, a + n, dtype=dtype) for a, n in zip(starts, shape, strict=True)], indexing="ij", sparse=False
    )
    return np.broadcast_to(func(*grid, **kwargs), shape)


def meshgrid(*xi: Any, sparse: bool = False, indexing: str = "xy", **kwargs: Any) -> list[Array]:
    """As numpy's meshgrid(), lazily."""
    if kwargs:
        raise TypeError(f"unsupported keyword argument(s) {sorted(kwargs)}")
    if indexing not in ("ij", "xy"):
        raise ValueError("`indexing` must be `'ij'` or `'xy'`")
    arrays = [asarray(each).ravel() for each in xi]
    if indexing == "xy" and len(arrays) > 1:
        arrays[0], arrays[1] = arrays[1], arrays[0]
    found = []
    for i, each in enumerate(arrays):
        wide = each[tuple([slice(None) if j == i else None for j in range(len(arrays))])]
        if not sparse:
            for j, other in enumerate(arrays):
                if j != i:
                    wide = _repeated_along(wide, j, other)
        found.append(wide)
    if indexing == "xy" and len(found) > 1:
        found = [each.swapaxes(0, 1) for each in (found[1], found[0], *found[2:])]
    return found


def _repeated_along(array: Any, axis: int, other: Any) -> Any:
    shape = tuple([other.shape[0] if i == axis else length for i, length in enumerate(array.shape)])
    chunks = tuple([other.chunks[0] if i == axis else sizes for i, sizes in enumerate(array.chunks)])
    return Array.of(elementwise(_first, array.expr, zeros(shape, chunks=chunks, dtype=bool).expr))


def _first(a: Any, b: Any) -> Any:
    return np.broadcast_to(a, np.broadcast_shapes(np.shape(a), np.shape(b)))


def diag(v: Any, k: int = 0) -> Array:
    """As numpy's diag(), in blocks."""
    if not isinstance(v, Array):
        if not isinstance(v, np.ndarray):
            raise TypeError(f"v must be a dask array or numpy array, got {type(v)}")
        v = from_array(v)
    if v.ndim == 2:
        return diagonal(v, k)
    if v.ndim != 1:
        raise ValueError("Array must be 1d or 2d only")
    sizes = v.chunks[0]
    rows = (*((-k,) if k < 0 else ()), *sizes, *((k,) if k > 0 else ()))
    columns = (*((k,) if k > 0 else ()), *sizes, *((-k,) if k < 0 else ()))
    return Array.of(Diagonal(v.expr, (rows, columns), (int(k < 0), int(k > 0))))


def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """As numpy's diagonal(), in blocks."""
    a = asarray(a)
    if a.ndim < 2:
        raise ValueError("diag requires an array of at least two dimensions")
    for axis in (axis1, axis2):
        if not -a.ndim <= axis < a.ndim:
            raise np.exceptions.AxisError(axis, a.ndim)
    axis1, axis2 = axis1 % a.ndim, axis2 % a.ndim
    if axis1 == axis2:
        raise ValueError("axis1 and axis2 cannot be the same")
    rest = [axis for axis in range(a.ndim) if axis not in (axis1, axis2)]
    moved = a.transpose([*rest, axis1, axis2])
    rows, columns = moved.shape[-2:]
    start_row, start_column = max(-offset, 0), max(offset, 0)
    length = max(min(rows - start_row, columns - start_column), 0)
    cut = moved[..., start_row : start_row + length, start_column : start_column + length]
    aligned = cut.rechunk({cut.ndim - 1: cut.chunks[-2]}) if length else cut
    if not length:
        return zeros((*moved.shape[:-2], 0), dtype=a.dtype, chunks=(*moved.chunks[:-2], (0,)))
    parts = []
    bounds = np.cumsum([0, *aligned.chunks[-1]])
    for low, high in pairwise(bounds):
        block = aligned[..., int(low) : int(high), int(low) : int(high)]
        parts.append(block.map_blocks(_diagonal_of, drop_axis=block.ndim - 1, dtype=a.dtype))
    return concatenate(parts, axis=-1)


def _diagonal_of(block: Any) -> Any:
    return np.diagonal(block, axis1=-2, axis2=-1)


def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Any:
    """As numpy's trace(), in blocks."""
    return diagonal(a, offset, axis1, axis2).sum(axis=-1, dtype=dtype)
