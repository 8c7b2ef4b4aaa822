"""What users ask of groups, as a list of functions of columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from plait.lazy.dataframe.groupby.aggregation import Aggregation

# Names of functions that partial results are made for; others go by a shuffle.
TREE = frozenset(
    "sum prod min max first last any all count size mean var std nunique list idxmin idxmax".split()  # noqa: SIM905
)
_BUILTINS: dict[Any, str] = {
    sum: "sum",
    min: "min",
    max: "max",
    any: "any",
    all: "all",
    list: "list",
    np.sum: "sum",
    np.mean: "mean",
    np.std: "std",
    np.var: "var",
    np.min: "min",
    np.max: "max",
    np.prod: "prod",
    np.median: "median",
}


class Wanted(NamedTuple):
    """One column of a result: a function, by name or an Aggregation, of one column. options: of the function."""

    column: Any
    function: Any
    options: tuple[tuple[str, Any], ...] = ()


def function_of(value: Any) -> Any:
    """The name of a function that is known, or an Aggregation. Raises ValueError for others."""
    if isinstance(value, (str, Aggregation)):
        return value
    if callable(value):
        try:
            return _BUILTINS[value]
        except (KeyError, TypeError):
            name = getattr(value, "__name__", repr(value))
            raise ValueError(f"unknown aggregate {name}; pass a name, or an Aggregation") from None
    raise ValueError(f"unknown aggregate {value!r}; pass a name, or an Aggregation")


def wanted(spec: Any, columns: Sequence[Any], named: dict[str, Any]) -> list[Wanted]:
    """The columns of a result in pandas' order. spec: a function, a list, or a dict by column of these. named: keywords
    of named aggregation.
    """
    if spec is None:
        return [Wanted(column, function_of(function)) for column, function in map(tuple, named.values())]
    if isinstance(spec, dict):
        found = []
        for column, functions in spec.items():
            each = functions if isinstance(functions, (list, tuple)) else [functions]
            found += [Wanted(column, function_of(one)) for one in each]
        return found
    if isinstance(spec, (list, tuple)):
        return [Wanted(column, function_of(one)) for column in columns for one in spec]
    return [Wanted(column, function_of(spec)) for column in columns]


def for_pandas(spec: Any) -> Any:
    """A spec that pandas takes, for the labels of the result: an Aggregation is a function of its name."""
    if isinstance(spec, dict):
        return {column: for_pandas(each) for column, each in spec.items()}
    if isinstance(spec, (list, tuple)):
        return [for_pandas(each) for each in spec]
    if isinstance(spec, Aggregation):
        return _named(spec.__name__)
    return list if spec == "list" else spec


def _named(name: str) -> Callable[[Any], Any]:
    def first(values: Any) -> Any:
        return values.iloc[0] if len(values) else None

    first.__name__ = name
    return first
