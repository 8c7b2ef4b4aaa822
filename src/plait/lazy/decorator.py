"""`delayed`: makes a function or a value lazy."""

from __future__ import annotations

from functools import partial
from typing import Any

from plait.lazy import engines
from plait.lazy._native.nodes import leaf
from plait.lazy.handles import Delayed

_MISSING: Any = object()


def delayed(
    obj: Any = _MISSING, name: Any = None, pure: bool | None = None, nout: int | None = None, traverse: bool = True
) -> Any:
    """Make a function lazy, or wrap a value; as a decorator with or without arguments.

    Calling the result makes a node instead of calling the function. Lazy nodes among the arguments, also inside lists,
    tuples, sets, dicts and slices, are computed first; `plait.compute` runs the graph, and `plait.Parallel` takes nodes
    without lazy inputs.

    name: key of the value; that of a cluster's future is its own. pure: equal calls share a key, and run once a
    computation. nout: how many results the calls have, so that they can be unpacked. traverse: look for nodes inside
    the value; False takes it as it is.
    """
    if obj is _MISSING:
        return partial(delayed, name=name, pure=pure, nout=nout, traverse=traverse)
    if isinstance(obj, Delayed):
        return obj
    if name is None and engines.is_future(obj):
        name = obj.key
    return leaf(obj, name, pure, nout, traverse)
