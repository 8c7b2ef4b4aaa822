"""The `threading` module on greenlets: the standard library's, but for Event and for what it takes from `_thread`.

`threading` is written in Python over the locks, idents and starts of `_thread` (here `thread`). With those exchanged
its own classes are cooperative: Thread, Condition, Semaphore, Barrier and Timer stay the standard library's, objects
that were made before included.
"""

from __future__ import annotations

import threading as _stdlib
from typing import Any

from plait.green import event
from plait.green.local import local
from plait.green.thread import _make_thread_handle as _make_thread_handle
from plait.green.thread import _set_sentinel as _set_sentinel
from plait.green.thread import _ThreadHandle as _ThreadHandle
from plait.green.thread import get_ident
from plait.green.threadlocks import LockType as Lock
from plait.green.threadlocks import RLock

__all__ = ["Event", "Lock", "RLock", "get_ident", "local"]

_allocate_lock = _LockType = Lock
_CRLock = RLock

#: What patching puts in place of the standard library's; RLock is there a function that makes a _CRLock.
__implements__ = [
    name
    for name in (
        "Event",
        "Lock",
        "_CRLock",
        "_LockType",
        "_ThreadHandle",
        "_allocate_lock",
        "_make_thread_handle",
        "_set_sentinel",
        "_start_joinable_thread",
        "_start_new_thread",
        "_thread_shutdown",
        "get_ident",
        "local",
    )
    if hasattr(_stdlib, name)
]


def __getattr__(name: str) -> Any:
    return getattr(_stdlib, name)


class Event(event.Event):
    """A flag that threads and greenlets wait for."""

    __slots__ = ()

    def __repr__(self) -> str:
        kind = type(self)
        state = "set" if self.is_set() else "unset"
        return f"<{kind.__module__}.{kind.__qualname__} at {id(self):#x}: {state}>"

    def isSet(self) -> bool:  # noqa: N802  (the name that threading had)
        import warnings

        warnings.warn("isSet() is deprecated, use is_set() instead", DeprecationWarning, stacklevel=2)
        return self.is_set()
