"""The pool's worker processes."""

from __future__ import annotations

from collections.abc import Sequence

from plait.parallel import nesting, pool
from plait.parallel.outcome import Batch, CallRecord, Task
from plait.parallel.pool.process_pool import ProcessRun
from plait.trace import ring


class Processes:
    """The pool's processes. The run is taken from the pool here; only the budget is added."""

    def __init__(self, limit: int, fail_fast: bool = True) -> None:
        self.limit = limit
        record = CallRecord(cores=max(1, nesting.budget().cores // limit), tracing=ring.enabled)
        try:
            self._run: ProcessRun = pool.processes().open(limit, record, fail_fast)
        except BaseException:
            nesting.budget().give_back(limit)
            raise
        self.id = self._run.id
        self.completions = self._run.completions
        self._open = True

    def submit(self, first: int, tasks: list[Task], labels: Sequence[str] | None = None) -> Batch:
        return self._run.submit(first, tasks, labels)

    def stop(self, batch: Batch) -> None:
        self._run.stop(batch)

    def cancel(self) -> None:
        self._run.cancel()
        self._give_back()

    def close(self) -> None:
        self._run.close()
        self._give_back()

    def _give_back(self) -> None:
        if self._open:
            self._open = False
            nesting.budget().give_back(self.limit)
