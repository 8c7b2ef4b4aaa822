"""joblib.externals.loky: names of concurrent.futures, and a choice that plait does not need."""

from __future__ import annotations

from concurrent.futures import ALL_COMPLETED as ALL_COMPLETED
from concurrent.futures import FIRST_COMPLETED as FIRST_COMPLETED
from concurrent.futures import FIRST_EXCEPTION as FIRST_EXCEPTION
from concurrent.futures import CancelledError as CancelledError
from concurrent.futures import Executor as Executor
from concurrent.futures import Future as Future
from concurrent.futures import TimeoutError as TimeoutError
from concurrent.futures import as_completed as as_completed
from concurrent.futures import wait as wait
from importlib import import_module


def set_loky_pickler(loky_pickler: str | None = None) -> None:
    """Accept a module with a Pickler, and go on as before: plait sends by name what has one, and the rest by value."""
    name = loky_pickler or "cloudpickle"
    if not hasattr(import_module(name), "Pickler"):
        raise AttributeError(f"module {name!r} has no Pickler; pass 'cloudpickle' or 'pickle'", name="Pickler")
