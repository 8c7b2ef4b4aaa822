"""How many workers there may be: the machine's cores, a caller's `n_jobs`, and what nested calls get.

One Budget a process counts the workers that calls have borrowed. A call from outside the pool gets what it asks for:
a number that the user gave is strict. A call from inside a worker (a nested loop) gets what is left, and 0 tells it to
run in place. A worker process has a budget of its own: its share of the cores, of which the running task holds one.
"""

from __future__ import annotations

import operator
from typing import Any

from plait._base import natives
from plait.parallel.cores import cpu_count as cpu_count

GREENLETS = 1000  # at once, where the user gives no number


def worker_count(n_jobs: Any) -> int:
    """`n_jobs` as a number of workers: None is 1, -1 all cores, -2 all but one, and so on. Raises ValueError."""
    if n_jobs is None:
        return 1
    remedy = "pass a positive count, or -1 for all cores"
    try:
        wanted = operator.index(n_jobs)
    except TypeError:
        if not isinstance(n_jobs, float) or not n_jobs.is_integer():
            raise ValueError(f"n_jobs={n_jobs!r} is not an integer; {remedy}") from None
        wanted = int(n_jobs)
    if wanted == 0:
        raise ValueError(f"n_jobs=0 leaves nobody to run the tasks: n_jobs == 0 in Parallel has no meaning; {remedy}")
    return wanted if wanted > 0 else max(1, cpu_count() + 1 + wanted)


class Budget:
    """Workers lent out by this process. Any thread."""

    def __init__(self, cores: int | None = None, used: int = 0) -> None:
        self._cores = cores
        self._used = used
        self._lock = natives.RLock()  # a loop that is collected gives back, perhaps in the middle of this

    @property
    def cores(self) -> int:
        return cpu_count() if self._cores is None else self._cores

    @property
    def used(self) -> int:
        return self._used

    def borrow(self, wanted: int, nested: bool) -> int:
        """Workers granted: `wanted`, or for a nested call what is left of it, which may be 0. give_back() them."""
        cores = self.cores
        with self._lock:
            granted = min(wanted, max(0, cores - self._used)) if nested else wanted
            self._used += granted
        return granted

    def share(self, wanted: int, nested: bool) -> int:
        """As borrow(), for a call without a number of its own: calls that run already leave it less, but at least 1."""
        cores = self.cores
        with self._lock:
            left = max(0, cores - self._used)
            granted = min(wanted, left) if nested else max(1, min(wanted, left))
            self._used += granted
        return granted

    def give_back(self, granted: int) -> None:
        with self._lock:
            self._used -= granted
