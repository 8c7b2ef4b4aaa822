"""Aligning: operands of one operation get the same chunks along each label."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from plait.lazy.array.expression import ArrayExpression, Pattern
from plait.lazy.array.rechunking import rechunked
from plait.lazy.blocks import BlocksError

Operand = tuple[Any, Pattern | None]


def aligned(operands: Sequence[Operand]) -> tuple[dict[Any, tuple[Any, ...]], list[Operand]]:
    """Block sizes by label, and the operands with these. Where sizes differ, blocks are cut at the bounds of all.

    An axis of length one is broadcast. Raises ValueError where lengths differ, BlocksError where unknown chunks do.
    """
    arrays = [(value, pattern) for value, pattern in operands if isinstance(value, ArrayExpression)]
    sizes: dict[Any, tuple[Any, ...]] = {}
    for label in dict.fromkeys(label for _, pattern in arrays for label in pattern or ()):
        candidates = {
            value.chunks[axis]: value
            for value, pattern in arrays
            for axis, each in enumerate(pattern or ())
            if each == label and value.chunks[axis] != (1,)
        }
        sizes[label] = common(label, candidates) if candidates else (1,)
    return sizes, [(_fit(value, pattern, sizes), pattern) for value, pattern in operands]


def common(label: Any, candidates: dict[tuple[Any, ...], Any]) -> tuple[Any, ...]:
    """The block sizes that several have in common, cut at the bounds of all."""
    if len(candidates) == 1:
        return next(iter(candidates))
    if any(math.isnan(size) for sizes in candidates for size in sizes):
        counts = {len(sizes) for sizes in candidates}
        if len(counts) == 1:
            return next((each for each in candidates if not any(map(math.isnan, each))), next(iter(candidates)))
        raise BlocksError(
            f"axis {label!r}: chunks {list(candidates)} of unknown sizes do not match; call compute_chunk_sizes() first"
        )
    lengths = {sum(sizes) for sizes in candidates}
    if len(lengths) > 1:
        raise ValueError(
            f"Chunks do not add up to same value along axis {label!r}: {sorted(candidates)}; align lengths"
        )
    bounds = sorted({bound for sizes in candidates for bound in accumulate(sizes)} - {0})
    return tuple([end - start for start, end in zip([0, *bounds], bounds, strict=False)]) or (0,)


def _fit(value: Any, pattern: Pattern | None, sizes: dict[Any, tuple[Any, ...]]) -> Any:
    if not isinstance(value, ArrayExpression):
        return value
    wanted = tuple(
        [
            old if old == (1,) or _unknown(old) else sizes[label]
            for label, old in zip(pattern or (), value.chunks, strict=True)
        ]
    )
    return value if wanted == value.chunks else rechunked(value, wanted)


def _unknown(sizes: tuple[Any, ...]) -> bool:
    return any(math.isnan(size) for size in sizes)
