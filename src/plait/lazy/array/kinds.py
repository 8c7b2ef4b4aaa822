"""What reductions do: with one block, with several partial results, and with the last one.

A partial result is one array, or a tuple of arrays, whose reduced axes have length one; so those of one place all have
one shape, and are combined without being concatenated. A block that is empty along these axes gives None.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np

Axes = tuple[int, ...]


class Kind:
    """A reduction. `options` are keywords of all its steps. nests: partial results come as nested lists, a level an
    axis, to combine and to finish.
    """

    nests = False

    def chunk(self, block: Any, axis: Axes, **options: Any) -> Any:
        """The partial result of a block."""
        raise NotImplementedError

    def combine(self, parts: Sequence[Any], **options: Any) -> Any:
        """Partial results as one."""
        raise NotImplementedError

    def finish(self, part: Any, **options: Any) -> Any:
        """The result."""
        return part

    def fold(self, **options: Any) -> tuple[np.ufunc, Any] | None:
        """The universal function, and the dtype of its operands if not numpy's, that makes the partial result of a
        block by folding its elements; None where that is not all.
        """
        return None

    def folded(self, result: Any, size: int) -> Any:
        """The partial result that `chunk` gives, of a fold's result, and how many elements went into it."""
        return result

    def of(self, parts: Sequence[Any]) -> list[Any]:
        """Those that are of some elements. Raises ValueError where there are none."""
        kept = [part for part in parts if part is not None]
        if not kept:
            raise ValueError(
                f"zero-size array to reduction operation {type(self).__name__.lower()} which has no identity"
            )
        return kept

    def __dask_tokenize__(self) -> Any:
        return type(self).__qualname__, sorted(self.__dict__.items())


_OF_ONE = ("sum", "prod", "min", "max")  # which give one element back as it is


class Chunk:
    """kind.chunk(block, axis, **options), as a function of a block."""

    def __init__(self, kind: Kind, axis: Axes, options: dict[str, Any]) -> None:
        self.kind, self.axis, self.options = kind, axis, options
        self.__name__ = str(getattr(kind, "function", None) or type(kind).__name__.lower())

    def __call__(self, block: Any) -> Any:
        return self.kind.chunk(block, self.axis, **self.options)

    def __dask_tokenize__(self) -> Any:
        return "chunk", self.kind, self.axis, sorted(self.options.items())


class Folded(Kind):
    """sum, prod, min, max, any, all and their like: a function of a block, and a binary one of results."""

    def __init__(self, function: str, fold: str, has_identity: bool = True) -> None:
        self.function, self.fold_name, self.has_identity = function, fold, has_identity

    def chunk(self, block: Any, axis: Axes, dtype: Any = None, **_: Any) -> Any:
        if not self.has_identity and any(block.shape[each] == 0 for each in axis):
            return None
        if type(block) is not np.ndarray or self.function.startswith("nan"):
            keywords = {} if dtype is None else {"dtype": dtype}
            function: Callable[..., Any] = getattr(np, self.function)
            return function(block, axis=axis, keepdims=True, **keywords)
        if self._is_done(block, axis, dtype):
            return block
        return getattr(np, self.fold_name).reduce(block, axis=axis, dtype=dtype, keepdims=True)

    def _is_done(self, block: Any, axis: Axes, dtype: Any) -> bool:
        """Whether each result is one element as it is, as those of products of blocks are."""
        kinds = "?iu" if self.function in ("min", "max") else ""
        wide = block.dtype.kind in "fc" or block.dtype.kind in kinds or block.dtype.char in "lLqQ"
        same = dtype is None or block.dtype == dtype
        return same and wide and self.function in _OF_ONE and all(block.shape[each] == 1 for each in axis)

    def combine(self, parts: Sequence[Any], **_: Any) -> Any:
        kept = parts if self.has_identity else self.of(parts)
        if len(kept) > 1 and any(isinstance(each, np.ma.MaskedArray) for each in kept):
            return getattr(np.ma.stack(kept), self.function)(axis=0)  # what is masked is left out
        fold: Callable[[Any, Any], Any] = getattr(np, self.fold_name)
        return kept[0] if len(kept) == 1 else reduce(fold, kept)

    def fold(self, dtype: Any = None, **_: Any) -> tuple[np.ufunc, Any] | None:
        return None if self.function.startswith("nan") else (getattr(np, self.fold_name), dtype)


class Mean(Kind):
    """Sums over counts."""

    def __init__(self, skips_nan: bool = False) -> None:
        self.skips_nan = skips_nan

    def chunk(self, block: Any, axis: Axes, dtype: Any = None, weights: Any = None, **_: Any) -> Any:
        if type(block) is np.ndarray and not self.skips_nan:  # what np.sum calls after a while
            return np.add.reduce(block, axis=axis, dtype=dtype, keepdims=True), count_of(block, axis, False)
        total = np.nansum if self.skips_nan else np.sum
        return total(block, axis=axis, keepdims=True, dtype=dtype), count_of(block, axis, self.skips_nan)

    def combine(self, parts: Sequence[Any], **_: Any) -> Any:
        totals, counts = zip(*parts, strict=True)
        if any(isinstance(each, np.ma.MaskedArray) for each in totals):
            return np.ma.stack(totals).sum(axis=0), reduce(np.add, counts)
        return reduce(np.add, totals), reduce(np.add, counts)

    def finish(self, part: Any, dtype: Any = None, **_: Any) -> Any:
        total, count = part
        with np.errstate(divide="ignore", invalid="ignore"):
            found = total / count
        return found if dtype is None else found.astype(dtype, copy=False)

    def fold(self, dtype: Any = None, weights: Any = None, **_: Any) -> tuple[np.ufunc, Any] | None:
        return None if self.skips_nan else (np.add, dtype)

    def folded(self, result: Any, size: int) -> Any:
        return result, np.float64(size / result.size)


def count_of(block: Any, axis: Axes, skips_nan: bool) -> Any:
    """How many elements a block has along axes, in its shape with these reduced."""
    if skips_nan:
        return np.sum(~np.isnan(block), axis=axis, keepdims=True)
    if type(block) is not np.ndarray and isinstance(block, np.ma.MaskedArray):
        return np.asarray(
            np.ma.getdata(np.sum(np.ones_like(block, dtype=np.int64), axis=axis, keepdims=True).filled(0))
        )
    return np.float64(math.prod([block.shape[each] for each in axis]))


class Moment(Kind):
    """var, std, and central moments of any order.

    A partial result is the count, the mean, and sums of powers of differences from it, up to the order.
    Source: Pebay, Formulas for robust, one-pass parallel computation of covariances and arbitrary-order moments.
    """

    def __init__(self, order: int = 2, skips_nan: bool = False, root: bool = False) -> None:
        self.order, self.skips_nan, self.root = order, skips_nan, root

    @property
    def function(self) -> str:
        """What numpy calls it."""
        name = "moment" if self.order != 2 else "std" if self.root else "var"
        return f"nan{name}" if self.skips_nan else name

    def chunk(self, block: Any, axis: Axes, dtype: Any = None, **_: Any) -> Any:
        if any(block.shape[each] == 0 for each in axis):
            return None
        dtype = (
            dtype if dtype is not None else np.result_type(block.dtype, np.float64) if block.dtype.kind != "f" else None
        )
        count = count_of(block, axis, self.skips_nan)
        total = np.nansum if self.skips_nan else np.sum
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = total(block, axis=axis, keepdims=True, dtype=dtype) / count
            difference = block - mean
        if self.skips_nan:  # NaN of inf - inf are none of the block's, and count
            difference = np.where(np.isnan(block), 0, difference)
        squares = np.abs(difference) ** 2 if block.dtype.kind == "c" else None
        powers = [
            np.sum(squares if squares is not None and power == 2 else difference**power, axis=axis, keepdims=True)
            for power in range(2, self.order + 1)
        ]
        if isinstance(block, np.ma.MaskedArray):  # places without elements count nothing, and are masked at the end
            return count, np.ma.array(mean.filled(0)), *[np.ma.array(each.filled(0)) for each in powers]
        return count, mean, *powers

    def combine(self, parts: Sequence[Any], **_: Any) -> Any:
        return reduce(self._pair, self.of(parts))

    def _pair(self, one: Any, other: Any) -> Any:
        (n_a, mean_a, *a), (n_b, mean_b, *b) = one, other
        n = n_a + n_b
        if self.skips_nan:  # parts without any element have no mean
            mean_a, mean_b = np.where(n_a > 0, mean_a, 0), np.where(n_b > 0, mean_b, 0)
        whole = np.where(n > 0, n, 1) if self.skips_nan or isinstance(mean_a, np.ma.MaskedArray) else n
        with np.errstate(divide="ignore", invalid="ignore"):
            delta = mean_b - mean_a
            mean = (n_a * mean_a + n_b * mean_b) / whole
            found = []
            for power in range(2, self.order + 1):
                square = np.abs(delta) ** 2 if delta.dtype.kind == "c" else delta**power
                total = a[power - 2] + b[power - 2]
                total = total + square * (n_a * (-n_b / whole) ** power + n_b * (n_a / whole) ** power)
                for k in range(1, power - 1):
                    left, right = (-n_b / whole) ** k * a[power - k - 2], (n_a / whole) ** k * b[power - k - 2]
                    total = total + _choose(power, k) * delta**k * (left + right)
                found.append(total)
        return n, mean, *found

    def finish(self, part: Any, ddof: float = 0, dtype: Any = None, **_: Any) -> Any:
        count, _, *powers = part
        free = count - ddof
        with np.errstate(divide="ignore", invalid="ignore"):
            found = powers[-1] / np.where(free > 0, free, np.nan) if np.ndim(free) or free <= 0 else powers[-1] / free
            found = np.sqrt(found) if self.root else found
        if np.ma.isMaskedArray(powers[-1]):
            found = np.ma.array(found, mask=np.broadcast_to(np.asarray(count) == 0, np.shape(found)))
        return found if dtype is None else found.astype(dtype, copy=False)


def _choose(n: int, k: int) -> int:
    found = 1
    for i in range(k):
        found = found * (n - i) // (i + 1)
    return found


class Arg(Kind):
    """argmin, argmax, nanargmin, nanargmax: values and where they are, as places of the whole array.

    The operand is a block, and where it begins: along the axis, or along all and the array's shape.
    """

    def __init__(self, function: str) -> None:
        self.function = function

    def chunk(self, block: Any, axis: Axes, place: Any = None, **_: Any) -> Any:
        if any(block.shape[each] == 0 for each in axis):
            return None
        function = getattr(np, self.function)
        starts, shape = place
        flat = len(axis) == block.ndim and block.ndim != 1
        values = self._filled(block)
        if flat:
            local = function(values)
            index = np.unravel_index(local, block.shape)
            found = np.ravel_multi_index(tuple([i + start for i, start in zip(index, starts, strict=True)]), shape)
            return values[index].reshape((1,) * block.ndim), np.asarray(found).reshape((1,) * block.ndim)
        (along,) = axis
        where = np.expand_dims(np.asarray(function(values, axis=along)), along)
        best = np.take_along_axis(np.asarray(values), where, along)
        return best, where + starts[along]

    def _filled(self, block: Any) -> Any:
        """What is compared: masked elements never win; NaN never does where it is to be left out."""
        if isinstance(block, np.ma.MaskedArray):
            fill = np.ma.minimum_fill_value(block) if "min" in self.function else np.ma.maximum_fill_value(block)
            return np.asarray(block.filled(fill))
        return block

    def combine(self, parts: Sequence[Any], **_: Any) -> Any:
        return reduce(self._better, self.of(parts))

    def _better(self, one: Any, other: Any) -> Any:
        (a, at_a), (b, at_b) = one, other
        with np.errstate(invalid="ignore"):
            wins = (b < a) if "min" in self.function else (b > a)
        same = a == b
        if a.dtype.kind in "fc":  # NaN is the greatest and the least, unless it is left out
            nan_a, nan_b = np.isnan(a), np.isnan(b)
            skips = "nan" in self.function
            wins = np.where(nan_a | nan_b, (nan_a & ~nan_b) if skips else (nan_b & ~nan_a), wins)
            same = same | (nan_a & nan_b)
        wins = np.where(same, at_b < at_a, wins)
        return np.where(wins, b, a), np.where(wins, at_b, at_a)

    def finish(self, part: Any, **_: Any) -> Any:
        return part[1]


class Top(Kind):
    """The k greatest elements along an axis, or the -k least, sorted; or their places."""

    def __init__(self, k: int, places: bool = False) -> None:
        self.k, self.places = k, places

    def chunk(self, block: Any, axis: Axes, place: Any = None, **_: Any) -> Any:
        (along,) = axis
        if not self.places:
            return self._best(block, along)
        starts, _ = place
        index = (
            np.arange(block.shape[along]).reshape([-1 if i == along else 1 for i in range(block.ndim)]) + starts[along]
        )
        return self._best(block, along, np.broadcast_to(index, block.shape))

    def _best(self, block: Any, axis: int, index: Any = None) -> Any:
        k = self.k
        if abs(k) < block.shape[axis]:
            order = np.argpartition(block, -k if k > 0 else -k - 1, axis=axis)
            cut = [slice(None)] * block.ndim
            cut[axis] = slice(-k, None) if k > 0 else slice(-k)
            order = order[tuple(cut)]
            block = np.take_along_axis(block, order, axis)
            index = None if index is None else np.take_along_axis(index, order, axis)
        return block if index is None else (block, index)

    def combine(self, parts: Sequence[Any], axis: Axes = (), **_: Any) -> Any:
        (along,) = axis
        if not self.places:
            return self._best(np.concatenate(parts, axis=along), along)
        values, index = [np.concatenate(each, axis=along) for each in zip(*parts, strict=True)]
        return self._best(values, along, index)

    def finish(self, part: Any, axis: Axes = (), **_: Any) -> Any:
        (along,) = axis
        values = part[0] if self.places else part
        order = np.argsort(values, axis=along)
        if self.k > 0:
            order = np.flip(order, axis=along)
        return np.take_along_axis(part[1] if self.places else values, order, along)
