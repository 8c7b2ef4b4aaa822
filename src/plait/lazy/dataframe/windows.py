"""Windows of rows: shift, diff, rolling, running totals, gaps filled: a mixin."""

from __future__ import annotations

from typing import Any

import pandas as pd

from plait.lazy.dataframe.elementwise import Method
from plait.lazy.dataframe.overlapping import overlapped
from plait.lazy.dataframe.running import Running


class Rolling:
    """frame.rolling(window): each method is that of pandas, on partitions with the rows before them."""

    def __init__(self, frame: Any, window: Any, options: dict[str, Any]) -> None:
        self._frame, self._window = frame, window
        self._options = {name: value for name, value in options.items() if value is not None}
        self._meta = frame._meta.rolling(window, **self._options)  # raises what pandas raises

    def _called(self, method: str, args: tuple[Any, ...], keywords: dict[str, Any], column: Any = None) -> Any:
        frame = self._frame
        window, center = self._window, self._options.get("center", False)
        if isinstance(window, int):
            after = max(window - 1, 0) // 2 if center else 0
            before = max(window - 1 - after, 0)
        else:
            before, after = pd.Timedelta(window), 0
        options = {"window": window, **self._options}
        return frame._new(overlapped(_rolled, frame, before, after, options, method, args, keywords, column))

    def __getitem__(self, column: Any) -> RollingColumn:
        return RollingColumn(self, column)

    def __getattr__(self, method: str) -> Any:
        if method.startswith("_") or not hasattr(self._meta, method):
            raise AttributeError(f"'Rolling' object has no attribute {method!r}")

        def call(*args: Any, **keywords: Any) -> Any:
            return self._called(method, args, keywords)

        return call


class RollingColumn:
    """frame.rolling(window)[column]."""

    def __init__(self, rolling: Rolling, column: Any) -> None:
        self._rolling, self._column = rolling, column

    def __getattr__(self, method: str) -> Any:
        if method.startswith("_"):
            raise AttributeError(method)

        def call(*args: Any, **keywords: Any) -> Any:
            return self._rolling._called(method, args, keywords, self._column)

        return call


def _rolled(
    part: Any, options: dict[str, Any], method: str, args: tuple[Any, ...], keywords: dict[str, Any], column: Any
) -> Any:
    rows = part.rolling(**options)
    return getattr(rows if column is None else rows[column], method)(*args, **keywords)


class Windows:
    """A mixin of dataframes and series."""

    def rolling(
        self: Any, window: Any, min_periods: Any = None, center: bool = False, win_type: Any = None, **_: Any
    ) -> Rolling:
        """Windows of so many rows, or of a period of a sorted index of times. Raises ValueError for others."""
        if isinstance(window, int) and window < 0:
            raise ValueError("window must be >= 0")
        if not isinstance(window, int) and not isinstance(window, (str, pd.Timedelta, pd.offsets.BaseOffset)):
            raise ValueError(f"window must be an integer, or a timedelta such as '2s', got {window!r}")
        if min_periods is not None and not isinstance(min_periods, int):
            raise ValueError(f"min_periods must be an integer, got {min_periods!r}")
        if isinstance(min_periods, int) and min_periods < 0:
            raise ValueError("min_periods must be >= 0")
        return Rolling(self, window, {"min_periods": min_periods, "center": center, "win_type": win_type})

    def shift(self: Any, periods: int = 1, freq: Any = None, axis: Any = 0) -> Any:
        """Values of the row so many before; with freq the index moves instead."""
        if not isinstance(periods, int):
            raise TypeError("periods must be an integer")
        if self.ndim == 2 and self._is_across(axis):
            return self.map_partitions(_shifted, periods, freq, 1)
        if freq is not None:
            meta = self._meta.shift(periods, freq=freq)
            return self.map_partitions(
                _shifted, periods, freq, 0, meta=meta, clear_divisions=True, enforce_metadata=False
            )
        before, after = (periods, 0) if periods > 0 else (0, -periods)
        return self._new(overlapped(_shifted, self, before, after, periods, None, 0))

    def diff(self: Any, periods: int = 1, axis: Any = 0) -> Any:
        """Differences from the row so many before."""
        if not isinstance(periods, int):
            raise TypeError("periods must be an integer")
        if self.ndim == 2 and self._is_across(axis):
            return self._new(Method(self.expr, "diff", (), {"periods": periods, "axis": 1}))
        before, after = (periods, 0) if periods > 0 else (0, -periods)
        return self._new(overlapped(_difference, self, before, after, periods))

    def ffill(self: Any, axis: Any = 0, limit: Any = None) -> Any:
        """Missing values from the last row that has one; at most `limit` rows before."""
        return self._gaps("ffill", axis, limit)

    def bfill(self: Any, axis: Any = 0, limit: Any = None) -> Any:
        """Missing values from the next row that has one."""
        return self._gaps("bfill", axis, limit)

    def _gaps(self: Any, method: str, axis: Any, limit: Any) -> Any:
        if self._is_across(axis):
            return self._new(Method(self.expr, method, (), {"axis": 1, "limit": limit}))
        if limit is not None:
            before, after = (limit, 0) if method == "ffill" else (0, limit)
            return self._new(overlapped(_filled, self, before, after, method, limit))
        return self._new(Running(self.expr, method, {}))

    def _running(self: Any, method: str, axis: Any, skipna: bool) -> Any:
        if self._is_across(axis):
            return self._new(Method(self.expr, method, (), {"axis": 1, "skipna": skipna}))
        return self._new(Running(self.expr, method, {"skipna": skipna}))

    def cumsum(self, axis: Any = 0, skipna: bool = True, **_: Any) -> Any:
        """Running sums."""
        return self._running("cumsum", axis, skipna)

    def cumprod(self, axis: Any = 0, skipna: bool = True, **_: Any) -> Any:
        """Running products."""
        return self._running("cumprod", axis, skipna)

    def cummin(self, axis: Any = 0, skipna: bool = True, **_: Any) -> Any:
        """Running minima."""
        return self._running("cummin", axis, skipna)

    def cummax(self, axis: Any = 0, skipna: bool = True, **_: Any) -> Any:
        """Running maxima."""
        return self._running("cummax", axis, skipna)


def _shifted(part: Any, periods: int, freq: Any, axis: int) -> Any:
    return part.shift(periods, freq=freq) if axis == 0 else part.shift(periods, freq=freq, axis=1)


def _difference(part: Any, periods: int) -> Any:
    return part.diff(periods)


def _filled(part: Any, method: str, limit: int) -> Any:
    return getattr(part, method)(limit=limit)
