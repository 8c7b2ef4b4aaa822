"""The `time` module, whose `sleep` parks the greenlet. Every other name is the standard library's."""

from __future__ import annotations

import time as _stdlib
from typing import Any

from plait._base import clock, natives
from plait.green import pauses
from plait.green.hub import started

__all__ = ["sleep"]

#: What patching puts in place of the standard library's.
__implements__ = ["sleep"]


def __getattr__(name: str) -> Any:
    return getattr(_stdlib, name)


def sleep(seconds: float, /) -> None:
    """Park the greenlet for `seconds`; a thread without greenlets sleeps itself."""
    if not hasattr(seconds, "__float__") and not hasattr(seconds, "__index__"):
        raise TypeError(f"{type(seconds).__name__!r} object cannot be interpreted as an integer")
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    if started():
        pauses.sleep(float(seconds))
    elif not clock.jump(clock.now() + seconds):
        natives.sleep(seconds)
