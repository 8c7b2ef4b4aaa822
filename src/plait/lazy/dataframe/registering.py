"""Accessors of users: a class that is made of a dataframe, a series or an index, as an attribute of these."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from plait.lazy.dataframe.accessors import registered
from plait.lazy.dataframe.frames import DataFrame, Index, Series


def register_dataframe_accessor(name: str) -> Callable[[Any], Any]:
    """A decorator that makes a class an accessor of lazy dataframes, of that name."""
    return registered((DataFrame,), name)


def register_series_accessor(name: str) -> Callable[[Any], Any]:
    """A decorator that makes a class an accessor of lazy series, of that name."""
    return registered((Series,), name)


def register_index_accessor(name: str) -> Callable[[Any], Any]:
    """A decorator that makes a class an accessor of lazy indexes, of that name."""
    return registered((Index,), name)
