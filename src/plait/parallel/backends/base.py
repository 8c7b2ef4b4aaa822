"""What a loop needs of a backend: a runner for each of its calls.

A runner takes tasks by submit() and gives batches back through its `completions`. The caller settles each batch it
takes, and at last calls close(), or cancel() where it leaves early.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from plait.parallel.completions import Completions
from plait.parallel.outcome import Batch, Task


class Runner(Protocol):
    """Runs batches of one call."""

    @property
    def id(self) -> int: ...
    @property
    def limit(self) -> int: ...
    @property
    def completions(self) -> Completions[Batch]: ...
    def submit(self, first: int, tasks: list[Task], labels: Sequence[str] | None = None) -> Batch: ...
    def stop(self, batch: Batch) -> None: ...
    def cancel(self) -> None: ...
    def close(self) -> None: ...
