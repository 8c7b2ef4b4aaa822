"""Functions of core axes, as numpy's generalized universal functions (NEP 20), on blocks: apply_gufunc() and its like.

A signature such as "(i,j),(j)->(i)" names the last axes of each operand and of each result, its core; the axes before
them are gone over, with broadcasting. A core axis is one block; axes that are gone over are divided as operands are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from plait.lazy import blocks
from plait.lazy.array.applying import blockwise
from plait.lazy.array.collection import Array
from plait.lazy.array.creation import asanyarray
from plait.lazy.array.expression import ArrayExpression, Chunks
from plait.lazy.array.metas import empty_like
from plait.lazy.blocks import Layer
from plait.lazy.functions import funcname

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_CORE = rf"\((?:{_NAME}(?:,{_NAME})*)?\)"
_SIGNATURE = re.compile(rf"^(?:{_CORE}(?:,{_CORE})*)?->{_CORE}(?:,{_CORE})*$")

Core = tuple[str, ...]


def parse_signature(signature: str) -> tuple[list[Core], Core | list[Core]]:
    """The core axes of operands, and of the result; a list of those if there are several results.

    Raises ValueError for what is no signature.
    """
    text = re.sub(r"\s+", "", signature)
    if not _SIGNATURE.match(text):
        raise ValueError(f"Not a valid gufunc signature: {signature}; write it as (i,j),(j)->(i)")
    left, right = [[_names(each) for each in re.findall(_CORE, side)] for side in text.split("->")]
    return left, right[0] if len(right) == 1 else right


def _names(core: str) -> Core:
    return tuple(core.strip("()").split(",")) if core != "()" else ()


def normalize_axes(
    axes: Any, axis: Any, keepdims: bool, inputs: list[Core], outputs: Core | list[Core]
) -> tuple[list[Any], list[Any]]:
    """Where the core axes of operands and of results are: a tuple of axes each. Raises ValueError where they do not
    fit.

    axes: a tuple, or a number, for each operand, and for each result that has core axes; axis: of all, where the only
    core axis is one and the same.
    """
    results = outputs if isinstance(outputs, list) else [outputs]
    if axes is not None and axis is not None:
        raise ValueError("Only one of `axis` or `axes` keyword arguments should be given")
    if axes is not None and not isinstance(axes, list):
        raise ValueError("`axes` has to be of type list")
    if keepdims and (any(results) or len(set(inputs)) > 1):
        raise ValueError("`keepdims` can only be used if all inputs have the same core axes, and results none")
    if axis is not None:
        return _of_one_axis(axis, keepdims, inputs, results)
    if axes is None:
        last = [tuple(range(-len(each), 0)) for each in inputs]
        kept = last[0] if keepdims and last else None
        return last, [kept if kept is not None else tuple(range(-len(each), 0)) for each in results]
    given = [each if isinstance(each, tuple) else (each,) for each in axes]
    if len(given) not in (len(inputs), len(inputs) + len(results)):
        raise ValueError("`axes` needs an entry for each input, and for each output that has core axes")
    if len(given) == len(inputs):
        if any(results):
            raise ValueError("Output `axes` have to be given for outputs with core axes")
        given += [given[0] if keepdims else ()] * len(results)
    cores = [*inputs, *[inputs[0] if keepdims else each for each in results]]
    for place, core in zip(given, cores, strict=True):
        if len(place) != len(core):
            raise ValueError(f"`axes` {place} has {len(place)} axes for the core {core}")
    return given[: len(inputs)], given[len(inputs) :]


def _of_one_axis(axis: Any, keepdims: bool, inputs: list[Core], results: list[Core]) -> tuple[list[Any], list[Any]]:
    if not isinstance(axis, (int, np.integer)):
        raise ValueError(f"`axis` has to be an integer, got {axis!r}")
    if any(len(each) != 1 for each in inputs) or len(set(inputs) | {each for each in results if each}) > 1:
        raise ValueError("`axis` can be used only if one core axis is shared by all")
    return [(axis,)] * len(inputs), [(axis,) if each or keepdims else () for each in results]


class _Result(ArrayExpression):
    """Element `number` of each block of `array`, whose blocks are tuples, with core axes of some sizes behind."""

    parameters = ("array", "number", "core", "like")
    label = "apply-gufunc"

    @cached_property
    def chunks(self) -> Chunks:
        return (*self.array.chunks, *[(size,) for size in self.core])

    @cached_property
    def meta(self) -> Any:
        return empty_like(self.like, self.array.ndim + len(self.core), getattr(self.like, "dtype", None))

    def layer(self, *inputs: Layer) -> Layer:
        loop = tuple(range(self.array.ndim))
        core = tuple([f"core{i}" for i in range(len(self.core))])
        sizes: dict[Any, int] = dict.fromkeys(core, 1)
        return blocks.blockwise(_Nth(self.number), (*loop, *core), (inputs[0], loop), name=self.name, sizes=sizes)


class _Nth:
    def __init__(self, number: int) -> None:
        self.number = number
        self.__name__ = f"result{number}"

    def __call__(self, values: Any) -> Any:
        found = values[self.number]
        return found if hasattr(found, "ndim") else np.asarray(found)

    def __dask_tokenize__(self) -> Any:
        return "nth", self.number


class _Tuple:
    """A function whose result is a tuple, of as many values as there are results."""

    def __init__(self, function: Callable[..., Any], count: int | None) -> None:
        self._function, self._count = function, count
        self.__name__ = funcname(function)

    def __call__(self, *args: Any, **keywords: Any) -> tuple[Any, ...]:
        found = self._function(*args, **keywords)
        if self._count is None:
            return (found,)
        if len(found) != self._count:
            raise ValueError(f"{self.__name__} gave {len(found)} results; its signature says {self._count}")
        return tuple(found)

    def __dask_tokenize__(self) -> Any:
        return "tuple", self._function, self._count


def apply_gufunc(
    func: Callable[..., Any],
    signature: str,
    *args: Any,
    axes: Any = None,
    axis: Any = None,
    keepdims: bool = False,
    output_dtypes: Any = None,
    output_sizes: dict[str, int] | None = None,
    vectorize: bool | None = None,
    allow_rechunk: bool = False,
    meta: Any = None,
    **kwargs: Any,
) -> Any:
    """func of blocks whose last axes are the signature's core axes: an array, or a tuple of them for several results.

    axes, axis, keepdims: as numpy's. output_dtypes, or meta: of each result; found by calling func on ones if neither
    is given. output_sizes: of core axes that no operand has. vectorize: func takes one core at a time; see
    np.vectorize. allow_rechunk: a core axis in several blocks is made one; else that raises ValueError. kwargs: for
    func.
    """
    if meta is not None and output_dtypes is not None:
        raise ValueError("Only one of `meta` and `output_dtypes` should be given")
    inputs, outputs = parse_signature(signature)
    count = len(outputs) if isinstance(outputs, list) else None
    results = outputs if isinstance(outputs, list) else [outputs]
    if len(args) != len(inputs):
        raise ValueError(f"signature {signature} has {len(inputs)} inputs; {len(args)} arguments were given")
    in_axes, out_axes = normalize_axes(axes, axis, keepdims, inputs, outputs)
    arrays = [asanyarray(each) for each in args]
    arrays = [_core_last(array, core, place) for array, core, place in zip(arrays, inputs, in_axes, strict=True)]
    if allow_rechunk:
        arrays = [_one_block(array, len(core)) for array, core in zip(arrays, inputs, strict=True)]
    labels = [_labels(array.ndim, core) for array, core in zip(arrays, inputs, strict=True)]
    sizes = _checked(arrays, labels, inputs, allow_rechunk) | (output_sizes or {})
    if vectorize:
        text = re.sub(r"\s+", "", signature)
        func = np.vectorize(func, signature=text, otypes=_otypes(output_dtypes, meta, count))
    metas = _metas(func, arrays, kwargs, count, output_dtypes, meta)
    loop = sorted({each for along in labels for each in along if isinstance(each, int)}, reverse=True)
    pairs = [each for array, along in zip(arrays, labels, strict=True) for each in (array.expr, along)]
    whole = blockwise(_Tuple(func, count), loop, *pairs, concatenate=True, meta=np.empty((0,) * len(loop)), **kwargs)
    found = []
    for number, (core, place, like) in enumerate(zip(results, out_axes, metas, strict=True)):
        missing = [each for each in core if each not in sizes]
        if missing:
            raise ValueError(f"the size of {missing} is not known; pass output_sizes={{{missing[0]!r}: N}}")
        result = Array.of(_Result(whole, number, tuple([sizes[each] for each in core]), like))
        found.append(_placed(result, core, place, keepdims))
    return found[0] if count is None else tuple(found)


def _core_last(array: Array, core: Core, axes: tuple[int, ...]) -> Array:
    if array.ndim < len(core):
        raise ValueError(f"an operand has {array.ndim} axes, and its core {core}")
    places = [each % array.ndim if array.ndim else each for each in axes]
    rest = [each for each in range(array.ndim) if each not in places]
    order = (*rest, *places)
    return array if order == tuple(range(array.ndim)) else array.transpose(order)


def _one_block(array: Array, core: int) -> Array:
    """With core axes in one block each; the longest of the others is divided the more, so blocks stay as large."""
    start = array.ndim - core
    merged = int(np.prod([len(sizes) for sizes in array.chunks[start:]]))
    if merged == 1:
        return array
    chunks: dict[int, Any] = dict.fromkeys(range(start, array.ndim), -1)
    if start:
        longest = max(range(start), key=lambda each: max(array.chunks[each]))
        size = max(array.chunks[longest])
        if size > 1:
            chunks[longest] = -(-size // merged)
    return array.rechunk(chunks)


def _labels(ndim: int, core: Core) -> tuple[Any, ...]:
    """Labels of an operand's axes: those that are gone over count from the last, as broadcasting does."""
    return (*range(ndim - len(core) - 1, -1, -1), *core)


def _checked(arrays: list[Array], labels: list[Any], inputs: list[Core], allow_rechunk: bool) -> dict[str, int]:
    """The sizes of core axes. Raises ValueError where operands do not fit together."""
    sizes: dict[Any, Any] = {}
    chunks: dict[Any, set[Any]] = {}
    for array, along in zip(arrays, labels, strict=True):
        for label, size, divided in zip(along, array.shape, array.chunks, strict=True):
            if size == 1 and isinstance(label, int):
                continue
            if sizes.setdefault(label, size) != size:
                raise ValueError(f"Dimension `{label!r}` with different lengths in arrays: {sizes[label]} and {size}")
            chunks.setdefault(label, set()).add(divided)
    core = {each for names in inputs for each in names}
    for label, kinds in chunks.items():
        if label in core and any(len(each) > 1 for each in kinds):
            raise ValueError(
                f"Core dimension `{label!r}` consists of multiple chunks. Rechunk it into one, or set "
                "`allow_rechunk=True`, which may need much memory"
            )
        if len(kinds) > 1 and not allow_rechunk:
            raise ValueError(
                f"Dimension `{label!r}` with different chunksize present; rechunk, or set allow_rechunk=True"
            )
    return {label: size for label, size in sizes.items() if label in core}


def _otypes(output_dtypes: Any, meta: Any, count: int | None) -> Any:
    if meta is not None:
        output_dtypes = [each.dtype for each in meta] if isinstance(meta, tuple) else meta.dtype
    if output_dtypes is None:
        return None
    return [np.dtype(each).char for each in _each(output_dtypes, count)]


def _each(values: Any, count: int | None) -> list[Any]:
    return list(values) if isinstance(values, (tuple, list)) else [values] * (count or 1)


def _metas(
    func: Callable[..., Any], arrays: list[Array], kwargs: dict[str, Any], count: int | None, dtypes: Any, meta: Any
) -> list[Any]:
    """An empty array like each result."""
    if meta is not None:
        return [np.asarray(each)[:0] if np.isscalar(each) else each for each in _each(meta, count)]
    if dtypes is None:
        return [_empty(each) for each in _on_ones(func, arrays, kwargs, count)]
    kinds = [np.dtype(each) for each in _each(dtypes, count)]
    try:
        with np.errstate(all="ignore"):
            found = _Tuple(func, count)(*[each._meta for each in arrays], **kwargs)
    except Exception:
        found = tuple([np.empty(0)] * len(kinds))
    return [
        empty_like(each, None, kind)
        if hasattr(each, "dtype") and hasattr(each, "shape") and each.ndim
        else _empty(kind)
        for each, kind in zip(found, kinds, strict=True)
    ]


def _empty(like: Any) -> Any:
    return np.empty(0, dtype=getattr(like, "dtype", like if isinstance(like, np.dtype) else np.asarray(like).dtype))


def _on_ones(func: Callable[..., Any], arrays: list[Array], kwargs: dict[str, Any], count: int | None) -> Sequence[Any]:
    ones = [np.ones((1,) * each.ndim, dtype=each.dtype) for each in arrays]
    try:
        with np.errstate(all="ignore"):
            return _Tuple(func, count)(*ones, **kwargs)
    except Exception as error:
        raise ValueError(
            f"`dtype` inference failed in `apply_gufunc`.\n\nPlease specify the dtype explicitly using the "
            f"`output_dtypes` keyword: {funcname(func)} of arrays of ones raised {error!r}"
        ) from error


def _placed(array: Array, core: Core, axes: tuple[int, ...], keepdims: bool) -> Array:
    """With core axes where they are wanted."""
    if keepdims and not core:
        ndim = array.ndim + len(axes)
        for each in sorted(axis % ndim for axis in axes):
            index: list[Any] = [slice(None)] * array.ndim
            index.insert(each, None)
            array = array[tuple(index)]
        return array
    if tuple(axes) == tuple(range(-len(core), 0)):
        return array
    rest = list(range(array.ndim - len(core)))
    order: list[int | None] = [None] * array.ndim
    for number, axis in enumerate(axes):
        order[axis] = len(rest) + number
    free = iter(rest)
    return array.transpose(tuple([next(free) if each is None else each for each in order]))


class gufunc:
    """A function that goes over all but its core axes: apply_gufunc() with all but the operands given."""

    def __init__(
        self,
        pyfunc: Callable[..., Any],
        *,
        signature: str | None = None,
        vectorize: bool = False,
        axes: Any = None,
        axis: Any = None,
        keepdims: bool = False,
        output_sizes: dict[str, int] | None = None,
        output_dtypes: Any = None,
        allow_rechunk: bool = False,
        meta: Any = None,
    ) -> None:
        if signature is None:
            raise ValueError("a gufunc needs signature=, such as '(i)->()'")
        self.pyfunc = pyfunc
        self.signature = signature
        self.vectorize = vectorize
        self.axes = axes
        self.axis = axis
        self.keepdims = keepdims
        self.output_sizes = output_sizes
        self.output_dtypes = output_dtypes
        self.allow_rechunk = allow_rechunk
        self.meta = meta
        self.__name__ = funcname(pyfunc)
        self.__doc__ = f"{self.__name__}{signature}, lazily.\n\n{getattr(pyfunc, '__doc__', '') or ''}"

    def __call__(self, *args: Any, allow_rechunk: bool = False, **kwargs: Any) -> Any:
        return apply_gufunc(
            self.pyfunc,
            self.signature,
            *args,
            vectorize=self.vectorize,
            axes=self.axes,
            axis=self.axis,
            keepdims=self.keepdims,
            output_sizes=self.output_sizes,
            output_dtypes=self.output_dtypes,
            allow_rechunk=self.allow_rechunk or allow_rechunk,
            meta=self.meta,
            **kwargs,
        )


def as_gufunc(signature: str | None = None, **options: Any) -> Callable[[Callable[..., Any]], gufunc]:
    """A decorator that makes a `gufunc` of a function; options: as of `gufunc`."""

    def decorated(pyfunc: Callable[..., Any]) -> gufunc:
        return gufunc(pyfunc, signature=signature, **options)

    return decorated
