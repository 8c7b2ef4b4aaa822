"""The operators of arrays, and numpy's universal functions of them: elementwise, block by block: a mixin."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from plait.lazy.array.dispatching import generalized
from plait.lazy.array.elementwise import elementwise, is_operand
from plait.lazy.array.expression import ArrayExpression
from plait.lazy.array.parts import Part
from plait.lazy.expressions.collection import expressions_of


def _binary(function: Callable[[Any, Any], Any], swapped: bool = False) -> Any:
    def method(self: Any, other: Any) -> Any:
        if not is_operand(other, self.__array_priority__):
            return NotImplemented
        pair = (other, self) if swapped else (self, other)
        return self.of(elementwise(function, *map(expressions_of, pair)))

    return method


def _unary(function: Callable[[Any], Any]) -> Any:
    def method(self: Any) -> Any:
        return self.of(elementwise(function, self.expr))

    return method


class Operators:
    """A mixin of `Array`."""

    __array_priority__ = 11
    __hash__ = object.__hash__

    __abs__ = _unary(operator.abs)
    __neg__ = _unary(operator.neg)
    __pos__ = _unary(operator.pos)
    __invert__ = _unary(operator.invert)
    __add__ = _binary(operator.add)
    __radd__ = _binary(operator.add, swapped=True)
    __sub__ = _binary(operator.sub)
    __rsub__ = _binary(operator.sub, swapped=True)
    __mul__ = _binary(operator.mul)
    __rmul__ = _binary(operator.mul, swapped=True)
    __truediv__ = _binary(operator.truediv)
    __rtruediv__ = _binary(operator.truediv, swapped=True)
    __floordiv__ = _binary(operator.floordiv)
    __rfloordiv__ = _binary(operator.floordiv, swapped=True)
    __mod__ = _binary(operator.mod)
    __rmod__ = _binary(operator.mod, swapped=True)
    __pow__ = _binary(operator.pow)
    __rpow__ = _binary(operator.pow, swapped=True)
    __eq__ = _binary(operator.eq)
    __ne__ = _binary(operator.ne)
    __lt__ = _binary(operator.lt)
    __le__ = _binary(operator.le)
    __gt__ = _binary(operator.gt)
    __ge__ = _binary(operator.ge)
    __and__ = _binary(operator.and_)
    __rand__ = _binary(operator.and_, swapped=True)
    __or__ = _binary(operator.or_)
    __ror__ = _binary(operator.or_, swapped=True)
    __xor__ = _binary(operator.xor)
    __rxor__ = _binary(operator.xor, swapped=True)
    __lshift__ = _binary(operator.lshift)
    __rlshift__ = _binary(operator.lshift, swapped=True)
    __rshift__ = _binary(operator.rshift)
    __rrshift__ = _binary(operator.rshift, swapped=True)

    def __divmod__(self: Any, other: Any) -> Any:
        return several(self.of, np.divmod, (self.expr, expressions_of(other)), {})

    def __rdivmod__(self: Any, other: Any) -> Any:
        return several(self.of, np.divmod, (expressions_of(other), self.expr), {})

    def __array_ufunc__(self: Any, ufunc: Any, method: str, *inputs: Any, **keywords: Any) -> Any:
        out = keywords.pop("out", ())
        if any(not is_operand(each, self.__array_priority__) for each in (*inputs, *out)):
            return NotImplemented
        if method == "__call__" and ufunc.signature is not None:
            return generalized(ufunc, inputs, keywords)
        if method == "outer":
            return outer(self.of, ufunc, inputs, keywords)
        if method != "__call__":
            return NotImplemented
        found = called(self.of, ufunc, inputs, keywords)
        return written(found, out) if out else found


def called(of: Callable[[ArrayExpression], Any], ufunc: Any, inputs: Any, keywords: dict[str, Any]) -> Any:
    """ufunc(*inputs, **keywords), as an array, or a tuple of them. where= is an operand like others."""
    operands = [expressions_of(each) for each in inputs]
    if ufunc.nout > 1:
        return several(of, ufunc, operands, keywords)
    where = keywords.get("where", True)
    if where is True:
        return of(elementwise(ufunc, *operands, **keywords))
    rest = {name: value for name, value in keywords.items() if name != "where"}
    return of(elementwise(_Where(ufunc), *operands, expressions_of(where), **rest))


def outer(of: Callable[[ArrayExpression], Any], ufunc: Any, inputs: Any, keywords: dict[str, Any]) -> Any:
    """ufunc of each element of the first with each of the second."""
    left, right = [each if hasattr(each, "ndim") else np.asarray(each) for each in inputs]
    widened = left[(..., *[None] * right.ndim)]
    return called(of, ufunc, (widened, right), keywords)


class _Where:
    """ufunc(*operands, where=the last operand); where it is false there is zero."""

    def __init__(self, ufunc: Any) -> None:
        self._ufunc = ufunc
        self.__name__ = ufunc.__name__

    def __call__(self, *operands: Any, **keywords: Any) -> Any:
        *values, where = operands
        like = self._ufunc(*[np.asarray(each)[..., :0] if np.ndim(each) else each for each in values], **keywords)
        out = np.zeros(np.broadcast_shapes(*[np.shape(each) for each in operands]), dtype=like.dtype)
        return self._ufunc(*values, where=where, out=out, **keywords)

    def __dask_tokenize__(self) -> Any:
        return "where", self._ufunc


def several(of: Callable[[ArrayExpression], Any], function: Any, operands: Any, keywords: dict[str, Any]) -> Any:
    """The results of an elementwise function that gives several, as arrays."""
    metas = function(*[getattr(each, "meta", each) for each in operands], **keywords)
    whole = elementwise(function, *operands, result_dtype=object, **keywords)
    return tuple([of(Part(whole, i, meta)) for i, meta in enumerate(metas)])


def written(found: Any, out: Any) -> Any:
    """Put a result where out= says: that array is the result from now on. Raises ValueError where it does not fit."""
    (target,) = out if isinstance(out, tuple) else (out,)
    if target is None:
        return found
    if not hasattr(target, "expr"):
        raise NotImplementedError(f"out= must be a lazy array, got {type(target).__name__}; use .store()")
    if target.shape != found.shape:
        raise ValueError(
            f"Mismatched shapes between result and out parameter. out={target.shape}, result={found.shape}"
        )
    target.expr = found.expr
    return target
