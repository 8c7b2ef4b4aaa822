"""Percentiles: along an axis as numpy's; of a whole array of one axis approximately, from those of its blocks.

Of each block the wanted percentiles and a hundred between are kept, with a weight: how many elements each stands for.
Their weighted distribution is read off at the wanted levels, so nothing is gathered and sizes may be unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from plait.lazy import blocks
from plait.lazy._native.nodes import make
from plait.lazy.array.creation import asanyarray
from plait.lazy.array.expression import ArrayExpression, Chunks
from plait.lazy.array.metas import empty_like
from plait.lazy.array.statistics import nanquantile, quantile
from plait.lazy.blocks import Blocks, Layer


class Percentiles(ArrayExpression):
    """Approximate percentiles of an array of one axis. levels: an array of percents, with an axis or without."""

    parameters = ("array", "levels", "method", "result")
    label = "percentile"

    @cached_property
    def chunks(self) -> Chunks:
        return tuple([(length,) for length in self.levels.shape])

    @cached_property
    def meta(self) -> Any:
        return empty_like(self.array.meta, self.levels.ndim, self.result)

    def layer(self, *inputs: Layer) -> Layer:
        return blocks.made(_merging, inputs, self.numblocks, self.name, self.levels, self.method, self.result)


def nanpercentile(a: Any, q: Any, axis: Any = None, **options: Any) -> Any:
    """As numpy's nanpercentile()."""
    return nanquantile(a, np.asarray(q) / 100, axis=axis, **options)


def percentile(
    a: Any, q: Any, method: str = "linear", internal_method: str = "default", axis: Any = None, **options: Any
) -> Any:
    """As numpy's percentile() along an axis. Without one, of an array of one axis: approximately, by merging those of
    blocks.

    method: "linear", "lower", "higher", "midpoint" or "nearest". Raises NotImplementedError for more axes.
    """
    array = asanyarray(a)
    wanted = np.asarray(q, dtype=float)
    if axis is not None:
        return quantile(array, wanted / 100, axis=axis, method=method, **options)
    if array.ndim != 1:
        raise NotImplementedError("Percentiles only implemented for 1-d arrays; pass axis=")
    if internal_method not in ("default", "dask", "tdigest"):
        raise ValueError(f"internal_method={internal_method!r} is none of 'default', 'dask', 'tdigest'")
    result = np.dtype(float) if array.dtype.kind in "iub" and method in ("linear", "midpoint") else array.dtype
    return array.of(Percentiles(array.expr, wanted, method, result))


def _merging(keys: Sequence[Any], array: Blocks, levels: Any, method: str, result: Any) -> list[Any]:
    name, *_ = keys[0]
    parts = [
        make(_percentiles_of, (node, np.atleast_1d(levels)), None, None, None, (f"{name}-block", i))
        for i, node in enumerate(array.nodes)
    ]
    return [make(_at_levels, (levels, method, result, *parts), None, None, None, keys[0])]


def _at_levels(levels: Any, method: str, result: Any, *parts: Any) -> Any:
    return _merged_percentiles(parts, np.atleast_1d(levels), method, result).reshape(levels.shape)[()]


def _percentiles_of(block: Any, levels: Any) -> Any:
    """(values at the levels and at some between, how many elements there are)."""
    if not len(block):
        return None
    grid = np.unique(np.concatenate([levels, np.linspace(0, 100, 101)]))
    kind = "nearest" if block.dtype.kind not in "fc" else "linear"
    ordered = np.sort(block)
    if kind == "linear":
        return np.percentile(ordered, grid), grid, len(block)
    return ordered[np.rint(grid / 100 * (len(block) - 1)).astype(int)], grid, len(block)


def _merged_percentiles(parts: Any, levels: Any, method: str, dtype: Any) -> Any:
    found = [part for part in parts if part is not None]
    if not found:
        return np.full(levels.shape, np.nan)
    values = np.concatenate([part[0] for part in found])
    weights = np.concatenate([np.gradient(grid) * count for _, grid, count in found])
    order = np.argsort(values, kind="stable")
    values, weights = values[order], weights[order]
    reached = np.cumsum(weights) - weights / 2
    reached = (reached - reached[0]) / max(reached[-1] - reached[0], 1e-300)
    if method == "linear" and values.dtype.kind in "iuf":
        return np.interp(levels / 100, reached, values).astype(dtype)
    low = np.clip(np.searchsorted(reached, levels / 100, side="right") - 1, 0, len(values) - 1)
    high = np.clip(np.searchsorted(reached, levels / 100, side="left"), 0, len(values) - 1)
    if method == "midpoint":
        return (0.5 * (values[low] + values[high])).astype(dtype)
    nearer = np.where(np.abs(reached[low] - levels / 100) <= np.abs(reached[high] - levels / 100), low, high)
    return values[{"lower": low, "higher": high}.get(method, nearer)]
