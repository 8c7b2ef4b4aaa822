"""Objects of classes that nobody registered: by __dask_tokenize__, or by what pickle would make them from.

The parts are those of __reduce_ex__ (function, arguments, state, members), reduced one by one. Rejected: the bytes of a
pickle, as dask does, since they tell apart what is equal: whether two equal texts are one object, in which order a set
came, which number a local class was given.
"""

from __future__ import annotations

import copyreg
import sys
from typing import Any

from plait.lazy._native.tokens import visit
from plait.lazy.tokens.failing import unlike_any

_PROTOCOL = 5  # of pickle: the first that gives buffers apart
_kept: dict[int, object] = {}  # bare objects that had their id taken as token: it must not be given again


def form(value: Any) -> Any:
    """What an object is made of."""
    if type(value) is object:
        unlike_any(value, "it is equal to itself alone")
        _kept[id(value)] = value
        return "object", id(value)
    method = getattr(type(value), "__dask_tokenize__", None)
    if method is not None and not isinstance(value, type):
        return visit(value, type(value).__dask_tokenize__)
    return visit(value, parts)


def parts(value: Any) -> Any:
    """What pickle would make an object from."""
    try:
        reduce = copyreg.dispatch_table.get(type(value))
        reduced = value.__reduce_ex__(_PROTOCOL) if reduce is None else reduce(value)
    except Exception as error:
        return unlike_any(value, f"it cannot be pickled ({error})")
    if isinstance(reduced, str):
        return by_name(value, reduced)
    function, args, *further = reduced
    state, members, items = (*further, None, None, None)[:3]
    listed = None if members is None else list(members)
    return "object", function, args, state, listed, _pairs(value, items)


def _pairs(value: Any, items: Any) -> Any:
    """What a mapping holds; as a dict where the order of items is not part of it."""
    if items is None:
        return None
    from collections import OrderedDict

    return list(items) if isinstance(value, OrderedDict) else dict(items)


def by_name(value: Any, name: str) -> Any:
    """A global of a module, if it can be found there."""
    module = getattr(value, "__module__", None)
    if module is None:
        from pickle import whichmodule  # type: ignore[attr-defined]

        module = whichmodule(value, name)
    found = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return ("global", module, name) if found is value else unlike_any(value, f"{module}.{name} is another object")
