"""dask.core, dask.order and dask._task_spec: small helpers of dask's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NoReturn

from plait.lazy.computing import get as _get
from plait.lazy.plain import Literal

get: Callable[..., Any] = partial(_get, scheduler="sync")


class literal(Literal):
    """A call that gives its data."""

    __slots__ = ()

    @property
    def data(self) -> Any:
        return self.value

    def __reduce__(self) -> tuple[Any, ...]:
        return literal, (self.value,)


def quote(x: Any) -> Any:
    """A value as a graph says it, where it would be read as something else."""
    return (literal(x),) if type(x) in (list, dict, tuple) and x else x


def reshapelist(shape: tuple[int, ...], seq: Any) -> list[Any]:
    """Members in nested lists of a shape."""
    members = list(seq)
    if len(shape) == 1:
        return members
    size = len(members) // shape[0] if shape[0] else 0
    return [reshapelist(shape[1:], members[i * size : (i + 1) * size]) for i in range(shape[0])]


def lists_to_tuples(res: Any, keys: Any) -> Any:
    """Values in the shape of keys, with tuples for lists."""
    if not isinstance(keys, list):
        return res
    return tuple([lists_to_tuples(value, key) for value, key in zip(res, keys, strict=True)])


def cull_tasks(dsk: Mapping[Any, Any], keys: Any) -> dict[Any, Any]:
    """What some keys of a graph of task objects need."""
    from plait.lazy.graphs.culling import cull

    kept = cull(dsk, keys)[0]
    return {key: dsk[key] for key in dsk if key in kept}


def _connecting_to_roots(dependencies: Any, dependents: Any) -> NoReturn:
    """Raises NotImplementedError: plait's order is not made of that."""
    raise NotImplementedError("plait orders graphs without sets of roots; ask dask.order.order for the order itself")
