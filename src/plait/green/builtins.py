"""The `builtins` module. Nothing of it blocks other greenlets: imports wait for each other by locks of `_thread`."""

from __future__ import annotations

import builtins as _stdlib
from builtins import __import__
from typing import Any

__all__ = ["__import__"]

#: What patching puts in place of the standard library's.
__implements__: list[str] = []


def __getattr__(name: str) -> Any:
    return getattr(_stdlib, name)
