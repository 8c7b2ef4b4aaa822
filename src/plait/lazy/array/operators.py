"""The operators of arrays: elementwise, block by block."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from plait.lazy.array.elementwise import elementwise, is_operand
from plait.lazy.expressions.collection import expressions_of


def _binary(function: Callable[[Any, Any], Any], swapped: bool = False) -> Any:
    def method(self: Any, other: Any) -> Any:
        if not is_operand(other):
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

    __abs__ = _unary(operator.abs)
    __add__ = _binary(operator.add)
    __radd__ = _binary(operator.add, swapped=True)
    __mul__ = _binary(operator.mul)
    __rmul__ = _binary(operator.mul, swapped=True)
    __sub__ = _binary(operator.sub)
    __rsub__ = _binary(operator.sub, swapped=True)
