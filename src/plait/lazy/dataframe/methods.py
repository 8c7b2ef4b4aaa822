"""Methods of pandas that run partition by partition, as they are there: a mixin, made from a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from plait.lazy.dataframe.aligning import aligned
from plait.lazy.dataframe.elementwise import Method, RowsMethod
from plait.lazy.dataframe.operators import operand_of

# Each looks at one row alone.
EACH_ROW = (
    "abs add_prefix add_suffix astype between clip combine convert_dtypes eval fillna infer_objects isin isna isnull"
    " mask notna notnull replace round to_timestamp where tz_localize tz_convert"
)
# Rows are left out, or repeated.
SOME_ROWS = "dropna explode"


def lazily(name: str, kind: type[Method] = Method) -> Callable[..., Any]:
    """The method of pandas of that name, partition by partition; lazy arguments are aligned."""

    def method(self: Any, *args: Any, **keywords: Any) -> Any:
        return self._new(call(self.expr, name, args, keywords, kind))

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"As pandas' {name}(), partition by partition."
    return method


def call(frame: Any, name: str, args: tuple[Any, ...], keywords: dict[str, Any], kind: type[Method] = Method) -> Method:
    """The expression frame.name(*args, **keywords)."""
    values = [operand_of(each) for each in args]
    named = {key: operand_of(value) for key, value in keywords.items()}
    fitted = aligned([frame, *values, *named.values()])
    frame, values = fitted[0], fitted[1 : len(values) + 1]
    return kind(frame, name, tuple(values), dict(zip(named, fitted[len(values) + 1 :], strict=True)))


class Methods:
    """The methods of the tables above."""


for _name in EACH_ROW.split():
    setattr(Methods, _name, lazily(_name))
for _name in SOME_ROWS.split():
    setattr(Methods, _name, lazily(_name, RowsMethod))
