"""Arithmetic given as text, such as pre_dispatch="2 * n_jobs": numbers and the operators + - * / // % **, nothing else.

Text, literals and results are bounded, so that no text takes long or much memory to work out.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping

_LONGEST_TEXT = 30  # characters
_LARGEST = 10**6  # a literal or a result, in magnitude
_BINARY: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}


def evaluate(text: str, names: Mapping[str, float] | None = None) -> float:
    """What the arithmetic in `text` comes to, its names replaced by their numbers. Raises ValueError."""
    if len(text) > _LONGEST_TEXT:
        raise ValueError(
            f"Expression {text[:_LONGEST_TEXT]!r}... is too long. Max length is {_LONGEST_TEXT}, got {len(text)}."
        )
    try:
        return _value(ast.parse(text, mode="eval").body, names or {})
    except (TypeError, SyntaxError, ArithmeticError) as error:
        raise ValueError(
            f"{text!r} is not a valid or supported arithmetic expression; write one with numbers and + - * / // % **"
        ) from error


def _value(node: ast.expr, names: Mapping[str, float]) -> float:
    match node:
        case ast.Constant(value=bool()):
            raise TypeError("a truth value is not a number")
        case ast.Constant(value=int() | float() as number):
            return _bounded(number)
        case ast.Name(id=name) if name in names:
            return names[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, names)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return _bounded(_BINARY[type(op)](_value(left, names), _value(right, names)))
    raise TypeError(f"{ast.unparse(node)} is not arithmetic")


def _bounded(number: float) -> float:
    if isinstance(number, complex):  # a root of a negative number
        raise TypeError(f"{number} is not a real number")
    if abs(number) > _LARGEST:
        raise ValueError(f"Numeric literal {number} is too large, max is {_LARGEST}.")
    return number
