"""The operators of dataframes and series."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from plait.lazy.dataframe.elementwise import Binary, Unary
from plait.lazy.expressions.collection import expressions_of


def _binary(function: Callable[[Any, Any], Any], swapped: bool = False) -> Any:
    def method(self: Any, other: Any) -> Any:
        left, right = (other, self) if swapped else (self, other)
        return self._new(Binary(function, expressions_of(left), expressions_of(right)))

    return method


class Operators:
    """A mixin of `Frame`."""

    __add__ = _binary(operator.add)
    __radd__ = _binary(operator.add, swapped=True)
    __mul__ = _binary(operator.mul)
    __gt__ = _binary(operator.gt)

    def __invert__(self: Any) -> Any:
        return self._new(Unary(operator.invert, self.expr))
