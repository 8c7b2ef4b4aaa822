"""joblib._multiprocessing_helpers: `mp` is multiprocessing, or None where it does not work or is switched off."""

from __future__ import annotations

import os
from importlib import import_module
from types import ModuleType


def _multiprocessing() -> ModuleType | None:
    setting = os.environ.get("JOBLIB_MULTIPROCESSING", "1")
    try:
        wanted = int(setting)
    except ValueError:
        raise ValueError(f"JOBLIB_MULTIPROCESSING={setting!r} is not a number; set 0 for off, or 1") from None
    if not wanted:
        return None
    try:
        import_module("_multiprocessing")  # absent where the system has no semaphores
        import multiprocessing
    except ImportError:
        return None
    return multiprocessing


mp = _multiprocessing()
if mp is not None:
    from multiprocessing.context import assert_spawning as assert_spawning
