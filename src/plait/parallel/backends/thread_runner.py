"""The runner of one call on worker threads. Imported with the first: a program that runs no loop does without."""

from __future__ import annotations

from collections.abc import Sequence

from plait.parallel import interrupts, nesting, pool
from plait.parallel.backends.execute import run_here
from plait.parallel.completions import Completions
from plait.parallel.errors import PoolError
from plait.parallel.interrupts import Interruptible
from plait.parallel.nesting import Scope
from plait.parallel.outcome import Batch, Task, new_call


class Threads:
    """Some of the pool's threads, for one call."""

    def __init__(self, limit: int, scope: Scope) -> None:
        self.limit = limit
        self.completions: Completions[Batch] = Completions()
        self.id = new_call()
        self._scope = scope
        self._crew = pool.threads().crew(self._run, limit, strict=True, lost=self._lost)
        self._open = True

    def submit(self, first: int, tasks: Sequence[Task], labels: Sequence[str] | None = None) -> Batch:
        batch = Batch(first, tasks, labels)
        self._crew.put(batch)
        return batch

    def _run(self, batch: Batch) -> None:
        nesting.enter(self._scope)
        run_here(batch, self.id, interrupts.current() or Interruptible())
        if not batch.lost:
            self.completions.put(batch)

    def _lost(self, batch: Batch, thread: int) -> None:
        self.completions.put(
            batch.lose(PoolError(f"its thread (native id {thread}) is stuck outside Python; it was abandoned"))
        )

    def has_begun(self, batch: Batch) -> bool:
        return True

    def stop(self, batch: Batch) -> None:
        self._crew.stop(batch)

    def cancel(self) -> None:
        self._crew.cancel()
        self.close()

    def close(self) -> None:
        if self._open:
            self._open = False
            nesting.budget().give_back(self.limit)
