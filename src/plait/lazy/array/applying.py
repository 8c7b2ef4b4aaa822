"""Functions of users on blocks: blockwise(), by labels of axes, and map_blocks(), block by block."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from numbers import Number
from typing import Any

import numpy as np

from plait.lazy.array.aligning import aligned
from plait.lazy.array.expression import ArrayExpression, Blockwise, Pattern, labels_of
from plait.lazy.array.gathering import concatenate_lookup
from plait.lazy.array.metas import empty_like, meta_of
from plait.lazy.array.sources import source_of
from plait.lazy.blocks import BlocksError, PerBlock
from plait.lazy.expressions.collection import expressions_of
from plait.lazy.functions import has_keyword
from plait.lazy.tokens import tokenize


class Joining:
    """Calls a function with lists of blocks, of axes that are gone over, made one block each."""

    def __init__(self, function: Callable[..., Any], axes: Sequence[tuple[int, ...]]) -> None:
        self._function = function
        self._axes = tuple(axes)  # of each operand, those that are gone over, outermost list first
        self.__name__ = getattr(function, "__name__", type(function).__name__)

    def __call__(self, *operands: Any, **keywords: Any) -> Any:
        values = [joined(value, axes) for value, axes in zip(operands, self._axes, strict=False)]
        return self._function(*values, *operands[len(self._axes) :], **keywords)

    def __dask_tokenize__(self) -> Any:
        return "Joining", self._function, self._axes


def joined(value: Any, axes: tuple[int, ...]) -> Any:
    """Nested lists of blocks as one block; axes: which axis each level runs along."""
    if not axes or not isinstance(value, list):
        return value
    parts = [joined(each, axes[1:]) for each in value]
    return parts[0] if len(parts) == 1 else concatenate_lookup(parts, axis=axes[0])


class Iterating(Joining):
    """As Joining, for functions that go through the lists themselves."""


def blockwise(
    function: Callable[..., Any],
    out: Any,
    *args: Any,
    name: str | None = None,
    token: str | None = None,
    dtype: Any = None,
    adjust_chunks: Any = None,
    new_axes: Mapping[Any, Any] | None = None,
    align_arrays: bool = True,
    concatenate: Any = None,
    meta: Any = None,
    **keywords: Any,
) -> Blockwise:
    """function(blocks) for each block. args: value, labels, value, labels, ...; labels None for no array.

    out: labels of the result. adjust_chunks: label -> size, sizes, or a function of a size, where the function changes
    them. new_axes: label -> size or sizes, of axes that no operand has. concatenate: blocks along axes that are not in
    `out` come as one; else as lists. Raises ValueError for labels that do not fit.
    """
    labels = tuple(out)
    if len(labels) != len(set(labels)):
        raise ValueError(
            "Repeated elements not allowed in output index: " + repr([x for x in labels if labels.count(x) > 1])
        )
    pairs: list[tuple[Any, Any]] = [_operand(args[i], args[i + 1]) for i in range(0, len(args), 2)]
    added = dict(new_axes or {})
    known = {label for _, pattern in pairs if pattern is not None for label in pattern}
    missing = set(labels) - known - set(added)
    if missing:
        raise ValueError(f"Unknown dimension {sorted(map(str, missing))}: no operand has it; pass new_axes=")
    if known & set(added):
        raise ValueError(f"new_axes {sorted(map(str, known & set(added)))} are axes of operands already")
    if align_arrays:
        sizes, pairs = aligned(pairs)
    else:
        sizes = _sizes_as_they_are(pairs)
    for label, size in added.items():
        sizes[label] = tuple(size) if isinstance(size, (tuple, list)) else (size,)
    over = [tuple([label for label in dict.fromkeys(pattern or ()) if label not in labels]) for _, pattern in pairs]
    if concatenate and any(over):
        axes = [
            tuple([_axis(pattern, label) for label in gone]) for (_, pattern), gone in zip(pairs, over, strict=True)
        ]
        function = Joining(function, axes)
    found = {label: sizes[label] for label in labels}
    for label, size in _adjusted(adjust_chunks, sizes).items():
        if label in found:
            found[label] = size
    like = None if meta is None else empty_like(meta, len(labels), dtype)
    if like is None:
        like = meta_of(function, _metas(pairs, over, concatenate), keywords, len(labels), dtype)
    name = (
        name
        if name is not None
        else None
        if token is None
        else f"{token}-{tokenize(function, labels, pairs, keywords)}"
    )
    counts = {label: len(sizes[label]) for label in sizes}
    return Blockwise(function, labels, tuple(pairs), keywords, found, like, counts, name=name)


def _operand(value: Any, pattern: Any) -> tuple[Any, Any]:
    value = expressions_of(value)
    if pattern is None:
        return value, None
    if not isinstance(value, (ArrayExpression, PerBlock)):
        value = source_of(np.asarray(value), -1)
    pattern = tuple(pattern)
    if isinstance(value, ArrayExpression) and len(pattern) != value.ndim:
        raise ValueError(f"Index string {pattern} does not match array dimension {value.ndim}")
    return value, pattern


def _axis(pattern: Pattern, label: Any) -> int:
    return pattern.index(label)


def _metas(pairs: list[tuple[Any, Any]], over: list[tuple[Any, ...]], concatenate: Any) -> list[tuple[Any, Any]]:
    """Operands for a call on metas: lists where blocks come as such, and values in the place of what is per block."""
    if concatenate or not any(over):
        return pairs
    return [
        ([getattr(value, "meta", value)], None) if gone else (value, pattern)
        for (value, pattern), gone in zip(pairs, over, strict=True)
    ]


def _sizes_as_they_are(pairs: list[tuple[Any, Any]]) -> dict[Any, tuple[Any, ...]]:
    """Block sizes by label, of the first operand that has most blocks."""
    found: dict[Any, tuple[Any, ...]] = {}
    for value, pattern in pairs:
        if not isinstance(value, ArrayExpression):
            continue
        for label, sizes in zip(pattern or (), value.chunks, strict=True):
            known = found.get(label)
            if known is None or (len(known) == 1 and (len(sizes) > 1 or known == (1,))):
                found[label] = sizes
            elif len(sizes) not in (1, len(known)):
                raise BlocksError(
                    f"axis {label!r} has {len(known)} blocks, and {len(sizes)} of another operand; rechunk"
                )
    return found


def _adjusted(adjust: Any, sizes: Mapping[Any, tuple[Any, ...]]) -> dict[Any, tuple[Any, ...]]:
    found = {}
    for label, change in (adjust or {}).items():
        if label not in sizes:
            continue
        if callable(change):
            found[label] = tuple([change(size) for size in sizes[label]])
        elif isinstance(change, Number):
            found[label] = (change,) * len(sizes[label])
        else:
            if len(change) != len(sizes[label]):
                raise ValueError(
                    f"Dimension {label} has {len(sizes[label])} blocks, adjust_chunks specified with "
                    f"{len(change)} blocks"
                )
            found[label] = tuple(change)
    return found


def map_blocks(
    function: Callable[..., Any],
    *args: Any,
    name: str | None = None,
    token: str | None = None,
    dtype: Any = None,
    chunks: Any = None,
    drop_axis: Any = None,
    new_axis: Any = None,
    enforce_ndim: bool = False,
    meta: Any = None,
    **keywords: Any,
) -> Blockwise:
    """function(blocks) for each block of the arrays among args, which are broadcast by their last axes.

    chunks: of the result, where the function changes them. drop_axis, new_axis: which it takes away or adds. A function
    with the keyword block_id gets the block's index, one with block_info more; see dask.array.map_blocks.
    """
    if not callable(function):
        raise TypeError(
            f"First argument must be callable function, not {type(function).__name__}\nUsage:   "
            f"da.map_blocks(function, x)"
        )
    dropped = _axes(drop_axis)
    added = _axes(new_axis)
    values = [expressions_of(each) for each in args]
    arrays = [each for each in values if isinstance(each, ArrayExpression)]
    ndim = max((each.ndim for each in arrays), default=0)
    labels = list(labels_of(ndim))
    labels = [
        label for axis, label in enumerate(labels) if axis not in {each % ndim if ndim else each for each in dropped}
    ]
    if new_axis is None and chunks is not None and not isinstance(chunks, str) and len(labels) < len(chunks):
        added = list(range(len(chunks) - len(labels)))
    fresh: dict[Any, Any] = {}
    for axis in sorted(added):
        label = ndim + len(fresh)
        labels.insert(axis, label)
        fresh[label] = 1
    adjust: dict[Any, Any] = {}
    if chunks is not None:
        if len(chunks) != len(labels):
            raise ValueError(f"Provided chunks have {len(chunks)} dims; expected {len(labels)} dims")
        for label, size in zip(labels, chunks, strict=True):
            (fresh if label in fresh else adjust)[label] = tuple(size) if isinstance(size, (list, tuple)) else size
    pairs: list[Any] = []
    for each in values:
        pairs += [each, labels_of(each.ndim) if isinstance(each, ArrayExpression) else None]
    if enforce_ndim:
        function = _Checked(function, len(labels))
    special = [word for word in ("block_id", "block_info") if has_keyword(function, word)]
    if meta is None and dtype is not None and not special:
        meta = meta_of(function, list(zip(pairs[::2], pairs[1::2], strict=True)), keywords, len(labels), dtype)
    meta_keywords = {**keywords, **_for_metas(special, len(labels))} if special else keywords
    options: dict[str, Any] = {"name": name, "token": token, "dtype": dtype, "meta": meta, "new_axes": fresh}
    made = blockwise(
        function,
        labels,
        *pairs,
        adjust_chunks=adjust,
        align_arrays=False,
        concatenate=True,
        **options,
        **meta_keywords,
    )
    return _with_places(made, special, keywords, name, token) if special else made


def _for_metas(special: list[str], ndim: int) -> dict[str, Any]:
    """What stands for a block's place when the function is called on metas."""
    places: dict[str, Any] = {"block_id": (0,) * ndim, "block_info": None}
    return {word: places[word] for word in special}


class _Checked:
    """Checks how many axes a function's result has."""

    def __init__(self, function: Callable[..., Any], ndim: int) -> None:
        self._function, self._ndim = function, ndim
        self.__wrapped__ = function
        self.__name__ = getattr(function, "__name__", "function")

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        found = self._function(*args, **keywords)
        if getattr(found, "ndim", self._ndim) != self._ndim:
            raise ValueError(
                f"Dimension mismatch: expected output of {self.__name__} to have dims = {self._ndim}.  "
                f"Got {found.ndim} instead."
            )
        return found


class _Placed:
    """Calls a function with what is known of the block, which comes first."""

    def __init__(self, function: Callable[..., Any], words: list[str]) -> None:
        self._function, self._words = function, words
        self.__name__ = getattr(function, "__name__", "function")

    def __call__(self, place: Any, *args: Any, **keywords: Any) -> Any:
        return self._function(*args, **keywords, **dict(zip(self._words, place, strict=True)))


def _with_places(
    made: Blockwise, special: list[str], keywords: dict[str, Any], name: str | None, token: str | None
) -> Blockwise:
    """The same layer, whose function gets where its block is."""
    function, out, arguments, _, sizes, like, counts = made.operands
    rest = {key: value for key, value in keywords.items() if key not in special}
    places = PerBlock(_Places(made, special))
    placed = _Placed(function, special)
    told = f"{token or made.prefix}-{tokenize(function, out, arguments, rest, sizes, special)}"
    return Blockwise(placed, out, ((places, out), *arguments), rest, sizes, like, counts, name=name or told)


class _Places:
    """What is known of each block, by its index: block_id and block_info."""

    def __init__(self, made: Blockwise, words: list[str]) -> None:
        self._words = words
        self._out = made.out
        self._result = made.chunks
        self._dtype = made.dtype
        self._arrays = [
            (place, pattern, value.chunks, value.dtype)
            for place, (value, pattern) in enumerate(made.arguments)
            if isinstance(value, ArrayExpression)
        ]
        self._starts = {id(chunks): [[0, *accumulate(sizes)] for sizes in chunks] for _, _, chunks, _ in self._arrays}
        self._starts[id(self._result)] = [[0, *accumulate(sizes)] for sizes in self._result]

    def __call__(self, index: tuple[int, ...]) -> list[Any]:
        return [index if word == "block_id" else self._info(index) for word in self._words]

    def _info(self, index: tuple[int, ...]) -> dict[Any, Any]:
        by_label = dict(zip(self._out, index, strict=True))
        info: dict[Any, Any] = {}
        for place, pattern, chunks, dtype in self._arrays:
            location = tuple(
                [
                    by_label.get(label, 0) if len(sizes) > 1 else 0
                    for label, sizes in zip(pattern or (), chunks, strict=True)
                ]
            )
            info[place] = {**self._of(chunks, location), "dtype": dtype}
        found = self._of(self._result, index)
        shape = tuple([sizes[i] for sizes, i in zip(self._result, index, strict=True)])
        info[None] = {**found, "chunk-shape": shape, "dtype": self._dtype}
        return info

    def _of(self, chunks: Any, location: tuple[int, ...]) -> dict[str, Any]:
        starts = self._starts[id(chunks)]
        return {
            "shape": tuple([sum(sizes) for sizes in chunks]),
            "num-chunks": tuple([len(sizes) for sizes in chunks]),
            "array-location": [(along[i], along[i + 1]) for along, i in zip(starts, location, strict=True)],
            "chunk-location": location,
        }


def _axes(axes: Any) -> list[Any]:
    if axes is None:
        return []
    return [axes] if isinstance(axes, Number) else list(axes)
