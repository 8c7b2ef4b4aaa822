"""Backends by name, and a runner of one of them."""

from __future__ import annotations

from typing import Any

from plait.parallel import nesting
from plait.parallel.backends.base import Runner
from plait.parallel.backends.processes import Processes
from plait.parallel.backends.sequential import InPlace
from plait.parallel.backends.threads import Threads

PROCESSES = "processes"
THREADING = "threading"
SEQUENTIAL = "sequential"
GREEN = "green"
_NAMES = {"loky": PROCESSES, PROCESSES: PROCESSES, THREADING: THREADING, SEQUENTIAL: SEQUENTIAL, GREEN: GREEN}


def backend_name(backend: Any) -> str:
    """The backend's own name. Raises ValueError for one that there is not."""
    name = _NAMES.get(backend) if isinstance(backend, str) else None
    if name is None:
        raise ValueError(f"backend={backend!r} is not known; pass one of {', '.join(map(repr, _NAMES))}")
    return name


def runner(backend: str, workers: int, fail_fast: bool = True) -> Runner:
    """A runner with so many workers; inside a worker, with what the budget has left, or in place.

    fail_fast: the first failure ends the call, so a runner need not go on after it.
    """
    if backend == SEQUENTIAL:
        return InPlace()
    if backend == GREEN:
        from plait.parallel.backends.green import Greenlets  # it takes the hub with it

        return Greenlets(workers)
    budget, inside = nesting.budget(), nesting.nested()
    granted = budget.borrow(workers, inside)
    if inside and granted < 2:  # one helper would do what the caller can do itself
        budget.give_back(granted)
        return InPlace()
    if backend == THREADING:
        return Threads(granted)
    return Processes(granted, fail_fast)
