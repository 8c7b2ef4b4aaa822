"""from_delayed: lazy values, each a pandas object, as the partitions of a dataframe."""

from __future__ import annotations

from typing import Any

from plait.lazy._native.nodes import Node, make
from plait.lazy.dataframe.checking import check_meta
from plait.lazy.dataframe.expression import FromNodes, unknown
from plait.lazy.dataframe.frames import collection
from plait.lazy.dataframe.metas import make_meta
from plait.lazy.expressions.nodes import Nodes
from plait.lazy.expressions.wrapping import Wrapped
from plait.lazy.tokens import tokenize


def from_delayed(
    dfs: Any,
    meta: Any = None,
    divisions: Any = None,
    prefix: str = "from-delayed",
    verify_meta: bool = True,
) -> Any:
    """A dataframe or a series whose partitions are lazy values.

    meta: an empty pandas object; without it the first value is computed now. divisions: where partitions begin, and
    the last value of the index. prefix: how names of it begin. verify_meta: whether partitions are checked against the
    meta, when they are computed. Raises TypeError for what is not lazy, ValueError for divisions of another length.
    """
    values: list[Any] = [dfs] if isinstance(dfs, Node) else list(dfs)
    if not values:
        raise TypeError("Must supply at least one delayed object")
    for value in values:
        if not isinstance(value, Node):
            raise TypeError(f"Expected Delayed object, got {type(value).__name__}; wrap it by plait.lazy.delayed")
    like = make_meta(values[0].compute()) if meta is None else make_meta(meta)
    bounds = _bounds(divisions, len(values))
    name = f"{prefix}-{tokenize([value.key for value in values], like, bounds, verify_meta)}"
    check, shape = (_checked if verify_meta else _as_it_is), Wrapped(like)
    nodes = [
        make(check, (value, shape), None, None, None, (f"{name}-partition", place))
        for place, value in enumerate(values)
    ]
    return collection(FromNodes(Nodes(nodes), like, bounds, name=name))


def _bounds(divisions: Any, count: int) -> tuple[Any, ...]:
    if divisions is None:
        return unknown(count)
    if isinstance(divisions, str):
        raise NotImplementedError(f"divisions={divisions!r} not supported, please calculate the divisions yourself")
    bounds = tuple(divisions)
    if len(bounds) != count + 1:
        raise ValueError(f"divisions should be a tuple of len(dfs) + 1; got {len(bounds)} for {count} values")
    return bounds


def _checked(value: Any, like: Wrapped) -> Any:
    return check_meta(value, like.held, "from_delayed")


def _as_it_is(value: Any, like: Wrapped) -> Any:
    return value
