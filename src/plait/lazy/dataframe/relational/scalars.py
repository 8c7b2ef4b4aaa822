"""Operations on each row alone: operators, methods, and the literals in them."""

from __future__ import annotations

import datetime
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from plait.lazy.dataframe.elementwise import AccessorMethod, AccessorProperty, Assign, Binary, Method, Projection, Unary
from plait.lazy.dataframe.relational.relation import Column, Relation, UnsupportedError, kind_of, labels, polars_type
from plait.lazy.dataframe.relational.translating import Translator, translates

_ARITHMETIC = {operator.add, operator.sub, operator.mul, operator.truediv}
_COMPARISONS = {operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge}
_LOGIC = {operator.and_: pl.Expr.and_, operator.or_: pl.Expr.or_}


def literal(value: Any) -> Column:
    """A constant. Raises UnsupportedError for values other than numbers, texts and times, and for missing ones."""
    if isinstance(value, np.generic):
        value = value.item() if not isinstance(value, np.datetime64) else pd.Timestamp(value)
    kind = type(value)
    if kind is float and not math.isnan(value):
        return Column(pl.lit(value), np.dtype("float64"))
    if kind in (int, bool):
        return Column(pl.lit(value), np.dtype(kind))
    if kind is str:
        return Column(pl.lit(value), pd.StringDtype(na_value=np.nan))
    if isinstance(value, datetime.datetime) and value.tzinfo is None and value is not pd.NaT:
        stamp = pd.Timestamp(value)
        return Column(
            pl.lit(stamp.to_datetime64().astype("M8[us]").item(), dtype=pl.Datetime("us")), np.dtype("M8[us]")
        )
    raise UnsupportedError(f"the constant {value!r} stays with pandas")


def common(*values: Any) -> Relation:
    """The first of some relations, which have the same rows. Raises UnsupportedError where they have not."""
    relations = [value for value in values if isinstance(value, Relation)]
    if any(each.rows is not relations[0].rows for each in relations):
        raise UnsupportedError("rows of two sources are aligned by their index")
    return relations[0]


def rowwise(expression: Any, function: Callable[..., Column], *operands: Any) -> Relation:
    """function(columns of the operands, dtype) for each column of the result."""
    base = common(*operands)
    meta = expression.meta
    if meta.ndim == 1:
        columns = {
            meta.name: function(
                *[each.only if isinstance(each, Relation) else literal(each) for each in operands], meta.dtype
            )
        }
        return Relation(base.rows, columns, base.index)
    found = {}
    for label in labels(meta.columns):
        values = [_column(each, label) for each in operands]
        found[label] = function(*values, meta[label].dtype)
    return Relation(base.rows, found, base.index)


def _column(operand: Any, label: str) -> Column:
    if not isinstance(operand, Relation):
        return literal(operand)
    if label not in operand.columns or len(operand.columns) < 1:
        raise UnsupportedError(f"column {label!r} is in one operand only")
    return operand.columns[label]


@translates(Binary)
def binary(expression: Binary, translator: Translator) -> Relation:
    """left OPERATOR right."""
    function = expression.function
    operands = translator.operand(expression.left), translator.operand(expression.right)
    if {each.ndim for each in expression.inputs} == {1, 2}:
        raise UnsupportedError("a dataframe and a series are aligned by labels")
    if function in _ARITHMETIC:
        return rowwise(expression, lambda left, right, dtype: _arithmetic(function, left, right, dtype), *operands)
    if function in _COMPARISONS:
        return rowwise(expression, lambda left, right, dtype: _comparison(function, left, right), *operands)
    if function in _LOGIC:
        return rowwise(expression, lambda left, right, dtype: _logic(function, left, right), *operands)
    raise UnsupportedError(f"{getattr(function, '__name__', function)} stays with pandas")


def _arithmetic(function: Callable[[Any, Any], Any], left: Column, right: Column, dtype: Any) -> Column:
    kinds = {kind_of(left.dtype), kind_of(right.dtype)}
    if not kinds <= {"int", "float", "bool"} or kinds == {"bool"}:
        raise UnsupportedError(f"arithmetic of {left.dtype} and {right.dtype} stays with pandas")
    kind, target = kind_of(dtype), polars_type(dtype)
    value = function(_as(left, target, dtype), _as(right, target, dtype))
    return Column(value, dtype, nan=kind == "float")


def _as(column: Column, target: Any, dtype: Any) -> pl.Expr:
    value = column.clean if column.where_missing is not None else column.value
    return value if column.dtype == dtype else value.cast(target)


def _comparison(function: Callable[[Any, Any], Any], left: Column, right: Column) -> Column:
    kinds = kind_of(left.dtype), kind_of(right.dtype)
    if kinds[0] != kinds[1] and not set(kinds) <= {"int", "float"}:
        raise UnsupportedError(f"comparing {left.dtype} with {right.dtype} stays with pandas")
    if set(kinds) == {"int"} and np.promote_types(left.dtype, right.dtype).kind == "f":
        raise UnsupportedError(f"comparing {left.dtype} with {right.dtype} stays with pandas")
    value = function(
        left.clean if kinds[0] == "bool" else left.value, right.clean if kinds[1] == "bool" else right.value
    )
    # Polars takes NaN for the greatest number, and equal to itself.
    if function in (operator.gt, operator.ge) and left.nan:
        value = value & left.value.is_not_nan()
    elif function in (operator.lt, operator.le) and right.nan:
        value = value & right.value.is_not_nan()
    elif function is operator.eq and left.nan and right.nan:
        value = value & left.value.is_not_nan()
    elif function is operator.ne and left.nan and right.nan:
        value = value | left.value.is_nan()
    return Column(value, np.dtype(bool), where_missing=function is operator.ne)


def _logic(function: Callable[[Any, Any], Any], left: Column, right: Column) -> Column:
    if {kind_of(left.dtype), kind_of(right.dtype)} != {"bool"}:
        raise UnsupportedError(f"logic of {left.dtype} and {right.dtype} stays with pandas")
    return Column(function(left.truth, right.truth), np.dtype(bool), where_missing=False)


@translates(Unary)
def unary(expression: Unary, translator: Translator) -> Relation:
    """OPERATOR frame."""
    function = expression.function

    def one(column: Column, dtype: Any) -> Column:
        kind = kind_of(column.dtype)
        if function is operator.invert and kind == "bool":
            return Column(~column.clean, dtype)
        if function is operator.neg and kind in ("int", "float"):
            return Column(-column.value, dtype, column.nan)
        if function is operator.abs and kind in ("int", "float"):
            return Column(column.value.abs(), dtype, column.nan)
        raise UnsupportedError(f"{getattr(function, '__name__', function)} of {column.dtype} stays with pandas")

    return rowwise(expression, one, translator.relation(expression.frame))


@translates(Projection)
def projection(expression: Projection, translator: Translator) -> Relation:
    """Some columns."""
    base = translator.relation(expression.frame)
    if expression.frame.ndim != 2:
        raise UnsupportedError("labels of a series stay with pandas")
    wanted = [expression.wanted] if expression.ndim == 1 else list(expression.wanted)
    if expression.ndim == 2:
        labels(wanted)
    return Relation(base.rows, {label: base.columns[label] for label in wanted}, base.index)


@translates(Assign)
def assign(expression: Assign, translator: Translator) -> Relation:
    """One column added."""
    base, value = translator.relation(expression.frame), translator.operand(expression.value)
    common(base, value)
    column = value.only if isinstance(value, Relation) else literal(value)
    labels(expression.meta.columns)
    dtype = expression.meta[expression.column].dtype
    if column.dtype != dtype:
        column = Column(column.clean.cast(polars_type(dtype)), dtype, column.nan)
    return Relation(base.rows, {**base.columns, expression.column: column}, base.index)


@translates(Method)
def method(expression: Method, translator: Translator) -> Relation:
    """A method of pandas, of those in the table below."""
    made = _METHODS.get(expression.method)
    if made is None:
        raise UnsupportedError(f"{expression.method}() stays with pandas")
    function = made(*expression.args, **expression.keywords)
    return rowwise(expression, function, translator.relation(expression.frame))


@translates(AccessorMethod)
def accessor_method(expression: AccessorMethod, translator: Translator) -> Relation:
    """A method of `str`, of those in the table below."""
    made = _TEXT_METHODS.get(expression.method) if expression.accessor == "str" else None
    if made is None:
        raise UnsupportedError(f"{expression.accessor}.{expression.method}() stays with pandas")
    function = made(*expression.args, **expression.keywords)
    return rowwise(expression, function, translator.relation(expression.frame))


def _text(function: Callable[..., pl.Expr]) -> Callable[..., Callable[[Column, Any], Column]]:
    """A predicate of texts and one constant text; false where a text is missing."""

    def made(pattern: Any) -> Callable[[Column, Any], Column]:
        if not isinstance(pattern, str):
            raise UnsupportedError(f"the pattern {pattern!r} stays with pandas")
        return lambda column, dtype: Column(function(column.value, pattern), dtype, where_missing=False)

    return made


def _contains(pat: Any, case: bool = True, flags: int = 0, na: Any = None, regex: bool = True) -> Any:
    if regex or not case or flags or na is not None or not isinstance(pat, str):
        raise UnsupportedError("str.contains() of a regular expression stays with pandas")
    return lambda column, dtype: Column(column.value.str.contains(pat, literal=True), dtype, where_missing=False)


_TEXT_METHODS: dict[str, Callable[..., Callable[[Column, Any], Column]]] = {
    "contains": _contains,
    "endswith": _text(lambda value, pattern: value.str.ends_with(pattern)),
    "startswith": _text(lambda value, pattern: value.str.starts_with(pattern)),
}
_PARTS_OF_TIME = ("year", "month", "day", "hour", "minute", "second")


@translates(AccessorProperty)
def accessor_property(expression: AccessorProperty, translator: Translator) -> Relation:
    """A part of times."""
    part = expression.attribute
    if expression.accessor != "dt" or part not in _PARTS_OF_TIME:
        raise UnsupportedError(f"{expression.accessor}.{part} stays with pandas")

    def one(column: Column, dtype: Any) -> Column:
        if kind_of(column.dtype) != "datetime":
            raise UnsupportedError(f"dt.{part} of {column.dtype} stays with pandas")
        return Column(getattr(column.value.dt, part)().cast(polars_type(dtype)), dtype)

    return rowwise(expression, one, translator.relation(expression.frame))


def _isna() -> Callable[[Column, Any], Column]:
    return lambda column, dtype: Column(column.clean.is_null(), dtype)


def _notna() -> Callable[[Column, Any], Column]:
    return lambda column, dtype: Column(column.clean.is_not_null(), dtype)


def _abs() -> Callable[[Column, Any], Column]:
    def one(column: Column, dtype: Any) -> Column:
        if kind_of(column.dtype) not in ("int", "float"):
            raise UnsupportedError(f"abs() of {column.dtype} stays with pandas")
        return Column(column.value.abs(), dtype, column.nan)

    return one


def _isin(values: Any) -> Callable[[Column, Any], Column]:
    values = list(values)
    found = [literal(value) for value in values]

    def one(column: Column, dtype: Any) -> Column:
        kind = kind_of(column.dtype)
        if any(kind_of(each.dtype) != kind for each in found):
            raise UnsupportedError(f"isin() of {column.dtype} among other kinds stays with pandas")
        value = column.clean.is_in(pl.Series(values, dtype=polars_type(column.dtype)).implode())
        return Column(value, dtype, where_missing=False)

    return one


def _fillna(value: Any = None) -> Callable[[Column, Any], Column]:
    if value is None or isinstance(value, dict):
        raise UnsupportedError("fillna() by columns stays with pandas")
    constant = literal(value)

    def one(column: Column, dtype: Any) -> Column:
        kinds = kind_of(column.dtype), kind_of(constant.dtype)
        if column.dtype != dtype or (kinds[0] != kinds[1] and kinds != ("float", "int")):
            raise UnsupportedError(f"fillna() of {column.dtype} by {value!r} stays with pandas")
        return Column(column.clean.fill_null(constant.value.cast(polars_type(dtype))), dtype)

    return one


def _astype(dtype: Any, copy: Any = None, errors: str = "raise") -> Callable[[Column, Any], Column]:
    def one(column: Column, dtype: Any) -> Column:
        kinds = kind_of(column.dtype), kind_of(dtype)
        wider = kinds[0] in ("int", "bool") and kinds[1] == "int" and np.can_cast(column.dtype, dtype)
        if column.dtype != dtype and not wider and (kinds[1] != "float" or kinds[0] not in ("int", "float", "bool")):
            raise UnsupportedError(f"astype() from {column.dtype} to {dtype} stays with pandas")
        return Column(_as(column, polars_type(dtype), dtype), dtype, column.nan)

    return one


_METHODS: dict[str, Callable[..., Callable[[Column, Any], Column]]] = {
    "abs": _abs,
    "astype": _astype,
    "fillna": _fillna,
    "isin": _isin,
    "isna": _isna,
    "isnull": _isna,
    "notna": _notna,
    "notnull": _notna,
}
