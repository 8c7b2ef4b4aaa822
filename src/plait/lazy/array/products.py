"""Products of arrays: dot, matmul, tensordot, einsum, outer.

Each multiplies blocks that belong together, and adds what those give along the axes that go away, a few at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from plait.lazy.array.applying import blockwise
from plait.lazy.array.collection import Array
from plait.lazy.array.creation import asanyarray, diagonal
from plait.lazy.array.reductions import SUM, reduced


def contracted(
    function: Any, out: Sequence[Any], over: Sequence[Any], *pairs: Any, dtype: Any, **keywords: Any
) -> Array:
    """function(blocks) with axes of one in the place of those that go away, added up along these."""
    labels = [*out, *over]
    partial = blockwise(
        function, labels, *pairs, adjust_chunks=dict.fromkeys(over, 1), dtype=dtype, concatenate=False, **keywords
    )
    if not over:
        return Array.of(partial)
    axes = tuple(range(len(out), len(labels)))
    return Array.of(reduced(partial, SUM, axes, False, None, dtype))


def tensordot(lhs: Any, rhs: Any, axes: Any = 2) -> Any:
    """As numpy's tensordot()."""
    left, right = asanyarray(lhs), asanyarray(rhs)
    if isinstance(axes, int):
        left_axes, right_axes = tuple(range(left.ndim - axes, left.ndim)), tuple(range(axes))
    else:
        left_axes, right_axes = [tuple(each) if isinstance(each, (list, tuple)) else (each,) for each in axes]
    left_axes, right_axes = tuple([i % left.ndim for i in left_axes]), tuple([i % right.ndim for i in right_axes])
    if len(left_axes) != len(right_axes) or any(
        left.shape[i] != right.shape[j] for i, j in zip(left_axes, right_axes, strict=False)
    ):
        raise ValueError(f"shape-mismatch for sum: axes {left_axes} of {left.shape}, {right_axes} of {right.shape}")
    names: list[Any] = [("left", i) for i in range(left.ndim)]
    other: list[Any] = [("right", i) for i in range(right.ndim)]
    for i, j in zip(left_axes, right_axes, strict=True):
        other[j] = names[i]
    over = [names[i] for i in left_axes]
    out = [label for label in [*names, *other] if label not in over]
    dtype = np.result_type(left.dtype, right.dtype)
    return contracted(_tensordot, out, over, left, names, right, other, dtype=dtype, axes=(left_axes, right_axes))


def _tensordot(a: Any, b: Any, axes: Any) -> Any:
    found = np.tensordot(a, b, axes=axes)
    return found.reshape((*found.shape, *[1] * len(axes[0])))


def dot(a: Any, b: Any) -> Any:
    """As numpy's dot()."""
    left, right = asanyarray(a), asanyarray(b)
    if left.ndim == 0 or right.ndim == 0:
        return left * right
    return tensordot(left, right, axes=((left.ndim - 1,), (max(right.ndim - 2, 0),)))


def vdot(a: Any, b: Any) -> Any:
    """As numpy's vdot()."""
    return dot(asanyarray(a).conj().ravel(), asanyarray(b).ravel())


def matmul(a: Any, b: Any) -> Any:
    """As numpy's matmul()."""
    left, right = asanyarray(a), asanyarray(b)
    if left.ndim == 0 or right.ndim == 0:
        raise ValueError("`matmul` does not support scalars.")
    one, other = left.ndim == 1, right.ndim == 1
    left, right = left[None, :] if one else left, right[:, None] if other else right
    ndim = max(left.ndim, right.ndim)
    left, right = left[(None,) * (ndim - left.ndim)], right[(None,) * (ndim - right.ndim)]
    if left.shape[-1] != right.shape[-2]:
        raise ValueError(
            f"matmul: {a.shape} and {b.shape} do not fit: {left.shape[-1]} columns, {right.shape[-2]} rows"
        )
    batch = list(range(ndim - 2))
    rows, columns, inner = "rows", "columns", "inner"
    dtype = np.result_type(left.dtype, right.dtype)
    found = contracted(
        _matmul,
        [*batch, rows, columns],
        [inner],
        left,
        [*batch, rows, inner],
        right,
        [*batch, inner, columns],
        dtype=dtype,
    )
    if one:
        found = found[..., 0, :]
    return found[..., 0] if other else found


def _matmul(a: Any, b: Any) -> Any:
    return np.matmul(a, b)[..., None]


def outer(a: Any, b: Any) -> Any:
    """As numpy's outer()."""
    left, right = asanyarray(a).ravel(), asanyarray(b).ravel()
    return left[:, None] * right[None, :]


def einsum(*operands: Any, dtype: Any = None, optimize: Any = False, split_every: Any = None, **keywords: Any) -> Any:
    """As numpy's einsum(). Raises ValueError for subscripts that do not fit."""
    ins, out, arrays = _subscripts(operands)
    lazily = [asanyarray(each) for each in arrays]
    dtype = np.result_type(*[each.dtype for each in lazily]) if dtype is None else np.dtype(dtype)
    over = list(dict.fromkeys(label for labels in ins for label in labels if label not in out))
    pairs: list[Any] = []
    texts = []
    for array, labels in [_without_repeats(*pair) for pair in zip(lazily, ins, strict=True)]:
        pairs += [array, list(labels)]
        texts.append("".join(labels))
    subscripts = f"{','.join(texts)}->{''.join(out)}"
    return contracted(
        _einsum,
        list(out),
        over,
        *pairs,
        dtype=dtype,
        subscripts=subscripts,
        extra=len(over),
        kind=dtype,
        optimize=optimize,
        **keywords,
    )


def _without_repeats(array: Any, labels: str) -> tuple[Any, str]:
    """A label that stands twice means a diagonal."""

    while len(set(labels)) < len(labels):
        double = next(label for label in labels if labels.count(label) > 1)
        first = labels.index(double)
        second = labels.index(double, first + 1)
        array = diagonal(array, axis1=first, axis2=second)
        labels = "".join([label for i, label in enumerate(labels) if i not in (first, second)]) + double
    return array, labels


def _einsum(*blocks: Any, subscripts: str, extra: int, kind: Any, optimize: Any, **keywords: Any) -> Any:
    found = np.einsum(subscripts, *blocks, dtype=kind, optimize=optimize, **keywords)
    return np.asarray(found).reshape((*np.shape(found), *[1] * extra))


def _subscripts(operands: Sequence[Any]) -> tuple[list[str], str, list[Any]]:
    """Labels of each operand, of the result, and the operands. An ellipsis is spelt out."""
    if isinstance(operands[0], str):
        text, arrays = operands[0].replace(" ", ""), list(operands[1:])
    else:
        text, arrays = _from_lists(operands)
    ins, arrow, out = text.partition("->")
    parts = ins.split(",")
    if len(parts) != len(arrays):
        raise ValueError(f"{len(parts)} subscripts for {len(arrays)} operands: {text}")
    arrays = [asanyarray(each) for each in arrays]
    free = [chr(code) for code in range(ord("A"), ord("z") + 1) if chr(code).isalpha() and chr(code) not in text]
    widest = max(
        [array.ndim - len(part) + 3 for part, array in zip(parts, arrays, strict=True) if "..." in part], default=0
    )
    dots = "".join(free[:widest])
    spelt = []
    for part, array in zip(parts, arrays, strict=True):
        count = array.ndim - len(part) + 3
        spelt.append(part.replace("...", dots[len(dots) - count :]) if "..." in part else part)
    if any(len(part) != array.ndim for part, array in zip(spelt, arrays, strict=True)):
        raise ValueError(f"subscripts {text} do not match the operands' axes {[array.ndim for array in arrays]}")
    if arrow:
        out = out.replace("...", dots)
    else:
        every = "".join(spelt)
        out = dots + "".join(sorted([label for label in set(every) - set(dots) if every.count(label) == 1]))
    return spelt, out, arrays


def _from_lists(operands: Sequence[Any]) -> tuple[str, list[Any]]:
    """einsum(array, [0, 1], array, [1, 2], [0, 2]) as text."""
    arrays = list(operands[0 : len(operands) // 2 * 2 : 2])
    lists = list(operands[1::2])
    out = operands[-1] if len(operands) % 2 else None

    def text(labels: Any) -> str:
        return "".join(["..." if label is Ellipsis else chr(ord("a") + label) for label in labels])

    joined = reduce(lambda one, other: f"{one},{other}", map(text, lists))
    return joined if out is None else f"{joined}->{text(out)}", arrays
