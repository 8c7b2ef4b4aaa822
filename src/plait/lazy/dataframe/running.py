"""Running totals, and gaps filled from rows before or after: each partition alone, then what its neighbours hand on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from plait.lazy import blocks
from plait.lazy._native.nodes import make
from plait.lazy.blocks import Blocks, Layer
from plait.lazy.dataframe.expression import FrameExpression
from plait.lazy.dataframe.metas import empty_of, meta_nonempty
from plait.lazy.keys import identity


class Running(FrameExpression):
    """frame.method(**keywords), where a partition goes on from what the one before ends with; backwards, the one after.

    method: cumsum, cumprod, cummin, cummax, ffill or bfill.
    """

    parameters = ("frame", "method", "keywords")

    @property
    def prefix(self) -> str:
        return str(self.method)

    @cached_property
    def meta(self) -> Any:
        return empty_of(getattr(meta_nonempty(self.frame.meta), self.method)(**self.keywords))

    @cached_property
    def divisions(self) -> tuple[Any, ...]:
        return tuple(self.frame.divisions)

    def layer(self, *inputs: Layer) -> Layer:
        return blocks.made(_made, inputs, self.numblocks, self.name, self.method, self.keywords)


_FOLDS: dict[str, Callable[[Any, Any], Any]] = {
    "cumsum": lambda carried, values: values + carried,
    "cumprod": lambda carried, values: values * carried,
    "cummin": lambda carried, values: _extreme(np.fmin, values, carried),
    "cummax": lambda carried, values: _extreme(np.fmax, values, carried),
}


def _extreme(function: Any, values: Any, carried: Any) -> Any:
    """The lesser or greater of values and one for each column; missing values stay."""
    if isinstance(values, pd.DataFrame):
        found = {label: function(values[label], carried[label]) for label in values.columns}
        return pd.DataFrame(found, index=values.index, columns=values.columns).where(values.notna())
    return function(values, carried).where(values.notna())


def _made(keys: Sequence[Any], frame: Blocks, method: str, keywords: dict[str, Any]) -> list[Any]:
    name = keys[0][0]
    order = list(range(len(keys)))
    if method == "bfill":
        order.reverse()
    made: dict[int, Any] = {}
    carried = None
    for place, i in enumerate(order):
        own = make(_own, (frame.nodes[i], method, keywords), None, None, None, (f"{name}-own", i))
        if carried is None:
            made[i] = make(identity, (own,), None, None, None, keys[i])
        else:
            made[i] = make(_continued, (method, carried, own, keywords), None, None, None, keys[i])
        if place < len(order) - 1:
            carried = make(_carried, (method, carried, own, keywords), None, None, None, (f"{name}-carried", i))
    return [made[i] for i in range(len(keys))]


def _own(part: Any, method: str, keywords: dict[str, Any]) -> Any:
    return getattr(part, method)(**keywords)


def _end(own: Any, method: str, keywords: dict[str, Any]) -> Any:
    """What a partition hands on: its last row, or first; missing values there are those of the row before."""
    if not len(own):
        return None
    if method == "bfill":
        return own.iloc[0]
    return own.ffill().iloc[-1] if keywords.get("skipna", True) else own.iloc[-1]


def _carried(method: str, carried: Any, own: Any, keywords: dict[str, Any]) -> Any:
    end = _end(own, method, keywords)
    if carried is None or end is None:
        return carried if end is None else end
    if method in ("ffill", "bfill"):
        return end.where(end.notna(), carried) if isinstance(end, pd.Series) else carried if pd.isna(end) else end
    skipna = keywords.get("skipna", True)
    pair = (
        pd.concat([carried, end], axis=1).T.infer_objects() if isinstance(end, pd.Series) else pd.Series([carried, end])
    )
    done = getattr(pair, method)(skipna=skipna)
    return (done.ffill() if skipna else done).iloc[-1]


def _continued(method: str, carried: Any, own: Any, keywords: dict[str, Any]) -> Any:
    if carried is None or not len(own):
        return own
    if method in ("ffill", "bfill"):
        return own.fillna(carried)
    if not keywords.get("skipna", True):
        return _FOLDS[method](carried, own)
    filled = (
        carried.fillna({"cumsum": 0, "cumprod": 1}.get(method, np.nan)) if isinstance(carried, pd.Series) else carried
    )
    if not isinstance(carried, pd.Series) and pd.isna(carried):
        return own
    return _FOLDS[method](filled, own)
