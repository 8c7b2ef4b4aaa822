"""How many tasks go to a worker at once: enough that sending costs little, few enough that all workers stay busy."""

from __future__ import annotations

from typing import Any, Protocol

LEAST_S = 0.05  # a batch shorter than this is mostly overhead
MOST_S = 0.5  # and one longer leaves others idle at the end
_GROWTH = 8
_MAX_TASKS = 1 << 14


class Sizes(Protocol):
    """A policy. Owned by the caller's thread."""

    @property
    def size(self) -> int: ...
    def learn(self, tasks: int, seconds: float) -> None: ...


class FixedBatches:
    """Always `size` tasks."""

    def __init__(self, size: int) -> None:
        self.size = size

    def learn(self, tasks: int, seconds: float) -> None:
        """Nothing to learn."""


class AutoBatches:
    """Starts with one task, and goes by how long batches take. Owned by the caller's thread."""

    def __init__(self) -> None:
        self.size = 1

    def learn(self, tasks: int, seconds: float) -> None:
        """A batch of so many tasks took so long, transport included."""
        if tasks < self.size:  # an older, smaller batch says little
            return
        per_task = max(seconds / tasks, 1e-7)
        if seconds < LEAST_S:
            self.size = min(self.size * _GROWTH, max(1, int(2 * LEAST_S / per_task)), _MAX_TASKS)
        elif seconds > MOST_S:
            self.size = max(1, min(self.size, int(MOST_S / per_task)))


def batches(batch_size: Any) -> FixedBatches | AutoBatches:
    """The policy for `batch_size`, "auto" or a positive integer. Raises ValueError."""
    if batch_size == "auto":
        return AutoBatches()
    if isinstance(batch_size, int) and not isinstance(batch_size, bool) and batch_size > 0:
        return FixedBatches(batch_size)
    raise ValueError(f"batch_size={batch_size!r} is neither 'auto' nor a positive integer; pass one of them")
