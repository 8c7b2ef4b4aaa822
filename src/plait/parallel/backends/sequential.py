"""The caller itself runs the tasks, one after the other."""

from __future__ import annotations

from collections.abc import Sequence

from plait.parallel.backends.execute import run_here
from plait.parallel.completions import Completions
from plait.parallel.interrupts import Interruptible
from plait.parallel.outcome import Batch, Task, new_call


class InPlace:
    """The caller runs each batch when it submits it."""

    limit = 1

    def __init__(self) -> None:
        self.completions: Completions[Batch] = Completions()
        self.id = new_call()

    def submit(self, first: int, tasks: list[Task], labels: Sequence[str] | None = None) -> Batch:
        batch = Batch(first, tasks, labels)
        run_here(batch, self.id, Interruptible())  # an interruption of the task around this one goes through it
        if isinstance(batch.error, KeyboardInterrupt | SystemExit | GeneratorExit):
            raise batch.error
        self.completions.put(batch)
        return batch

    def stop(self, batch: Batch) -> None:
        """It has ended."""

    def cancel(self) -> None:
        """Nothing is under way."""

    def close(self) -> None:
        """Nothing is held."""
