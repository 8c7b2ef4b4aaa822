"""The operators of dataframes, series and scalars, and the methods that they are short for: mixins."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from plait.lazy.dataframe.aligning import aligned
from plait.lazy.dataframe.elementwise import Binary, Method, Unary
from plait.lazy.dataframe.sources import in_memory
from plait.lazy.expressions.collection import Collection, expressions_of


def operand_of(value: Any) -> Any:
    """The expression of an operand; pandas objects become lazy ones, of one partition."""
    if isinstance(value, (pd.DataFrame, pd.Series)):
        return in_memory(value, 1, sort=value.index.is_monotonic_increasing)
    return expressions_of(value)


def _binary(function: Callable[[Any, Any], Any], swapped: bool = False) -> Any:
    def method(self: Any, other: Any) -> Any:
        if isinstance(other, Collection) and not hasattr(other, "divisions") and not hasattr(other, "_meta"):
            return NotImplemented
        pair = (other, self) if swapped else (self, other)
        left, right = aligned([operand_of(each) for each in pair])
        return self._new(Binary(function, left, right))

    return method


def _unary(function: Callable[[Any], Any]) -> Any:
    def method(self: Any) -> Any:
        return self._new(Unary(function, self.expr))

    return method


def _named(name: str) -> Any:
    def method(self: Any, other: Any, axis: Any = "columns", level: Any = None, fill_value: Any = None) -> Any:
        if level is not None:
            raise NotImplementedError("level must be None; lazy frames have no levels to align by")
        keywords: dict[str, Any] = {} if fill_value is None else {"fill_value": fill_value}
        if self.ndim == 2:
            _check_axis(name, other, axis)
            keywords["axis"] = axis
        frame, value = aligned([self.expr, operand_of(other)])
        return self._new(Method(frame, name, (value,), keywords))

    method.__name__ = name
    method.__doc__ = f"As pandas' {name}(), partition by partition."
    return method


def _check_axis(name: str, other: Any, axis: Any) -> None:
    if axis in (1, "columns") and getattr(other, "ndim", 0) == 1 and isinstance(other, Collection):
        raise ValueError(f"Unable to {name} dd.Series with axis=1: its labels are not known; pass axis='index'")


class Operators:
    """Arithmetic, comparisons and logic."""

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
    __divmod__ = _binary(divmod)
    __rdivmod__ = _binary(divmod, swapped=True)
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


class NamedOperators:
    """Their methods, with axis and fill_value."""

    add = _named("add")
    radd = _named("radd")
    sub = subtract = _named("sub")
    rsub = _named("rsub")
    mul = multiply = _named("mul")
    rmul = _named("rmul")
    div = divide = _named("div")
    rdiv = _named("rdiv")
    truediv = _named("truediv")
    rtruediv = _named("rtruediv")
    floordiv = _named("floordiv")
    rfloordiv = _named("rfloordiv")
    mod = _named("mod")
    rmod = _named("rmod")
    pow = _named("pow")
    rpow = _named("rpow")
    eq = _named("eq")
    ne = _named("ne")
    lt = _named("lt")
    le = _named("le")
    gt = _named("gt")
    ge = _named("ge")


class Ufuncs:
    """numpy's functions of arrays, block by block; its reductions where they have a name here."""

    __array_priority__ = 2000

    def __array_ufunc__(self: Any, ufunc: Any, method: str, *inputs: Any, **keywords: Any) -> Any:
        if method != "__call__" or ufunc.signature is not None or keywords.get("out") is not None:
            return NotImplemented
        operands = aligned([operand_of(each) for each in inputs])
        return self._new(Ufunc(ufunc, tuple(operands), keywords))

    def __array_wrap__(self: Any, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        return array

    def __array__(self: Any, dtype: Any = None, copy: Any = None) -> Any:
        values = np.asarray(self.compute())
        return values if dtype is None else values.astype(dtype)


class Ufunc(Method):
    """ufunc(*args, **keywords)."""

    parameters: ClassVar[tuple[str, ...]] = ("ufunc", "args", "keywords")
    defaults = {"keywords": {}}

    @property
    def prefix(self) -> str:
        return str(self.ufunc.__name__)

    @staticmethod
    def operation(ufunc: Any, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:  # type: ignore[override]
        return ufunc(*args, **keywords)
