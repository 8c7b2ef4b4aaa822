"""Slices go through elementwise work, so that it is done for what is wanted alone.

(x + y)[index] becomes x[index] + y[index], unless somebody else reads the whole of x + y. An operand's axis of length
one, which is broadcast, stays whole. Blocks stay those of the slice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from plait.lazy.array.expression import ArrayExpression, Elementwise, labels_of
from plait.lazy.array.metas import empty_like
from plait.lazy.array.slicing import Slice
from plait.lazy.expressions.expression import Expression, mapped, walk


def slicing(roots: Sequence[Expression]) -> list[Expression]:
    """See the module."""
    everything = walk(roots)
    if not any(type(each) is Slice for each in everything):
        return list(roots)
    readers = Counter(other.name for each in everything for other in each.inputs)
    readers.update(root.name for root in roots)
    return mapped(roots, lambda each: _pushed(each, readers))


def _pushed(expression: Expression, readers: Counter[str]) -> Expression:
    if type(expression) is not Slice:
        return expression
    below = expression.array
    if type(below) is not Elementwise or readers[below.name] != 1 or not _plain(below):
        return expression
    index = dict(zip(below.out, expression.index, strict=True))
    kept = [label for label in below.out if isinstance(index[label], slice)]
    labels = dict(zip(kept, labels_of(len(kept)), strict=True))
    operands: list[tuple[Any, Any]] = []
    for value, pattern in below.arguments:
        if pattern is None:
            operands.append((value, None))
            continue
        part = Slice(
            value, tuple([_entry(index[label], size) for label, size in zip(pattern, value.shape, strict=True)])
        )
        readers[part.name] = 1
        operands.append((_pushed(part, readers), tuple([labels[label] for label in pattern if label in labels])))
    sizes = dict(zip(labels.values(), expression.chunks, strict=True))
    like = empty_like(below.meta, len(kept))
    return Elementwise(below.function, tuple(labels.values()), tuple(operands), below.keywords, sizes, like)


def _plain(below: Elementwise) -> bool:
    """Whether all operands are arrays, or values that are no arrays, and its axes are those of broadcasting."""
    return below.out == labels_of(below.ndim) and all(
        pattern is None or isinstance(value, ArrayExpression) for value, pattern in below.arguments
    )


def _entry(entry: Any, size: Any) -> Any:
    """What is taken of an operand's axis, where `entry` is taken of the result's."""
    if size == 1:
        return slice(None) if isinstance(entry, slice) else 0
    return entry
