"""The runner of one call on worker processes. Imported with the first: a program that runs no loop does without."""

from __future__ import annotations

from collections.abc import Sequence

from plait.parallel import nesting, pool
from plait.parallel.backends.base import borrow
from plait.parallel.nesting import Scope
from plait.parallel.options import PLAIN, CallOptions
from plait.parallel.outcome import Batch, Task
from plait.parallel.pool import hooks
from plait.parallel.pool.process_pool import ProcessRun
from plait.parallel.transport import pickling
from plait.parallel.transport.packing import PRIVATE_COPIES, ArrayPolicy


class Processes:
    """Some of the pool's processes, for one call. The run is taken from the pool here; only the budget is added."""

    def __init__(
        self,
        limit: int,
        options: CallOptions = PLAIN,
        scope: Scope = nesting.IN_PROCESS,
        arrays: ArrayPolicy = PRIVATE_COPIES,
    ) -> None:
        self.limit = limit
        if scope.backend is not None:
            scope = scope._replace(backend=pickling.dumps(scope.backend))
        record = hooks.record(nesting.budget().cores // limit, options, scope)
        if options.idle_worker_timeout is not None:
            pool.processes().idle_s = options.idle_worker_timeout
        try:
            self._run: ProcessRun = pool.processes().open(limit, record, options.fail_fast, arrays)
            self._run.outlives_workers = options.outlives_workers
        except BaseException:
            nesting.budget().give_back(limit)
            raise
        self.id = self._run.id
        self.completions = self._run.completions
        self._open = True

    def submit(self, first: int, tasks: Sequence[Task], labels: Sequence[str] | None = None) -> Batch:
        return self._run.submit(first, tasks, labels)

    def has_begun(self, batch: Batch) -> bool:
        return self._run.has_begun(batch)

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


def open_processes(workers: int, options: CallOptions = PLAIN) -> Processes | None:
    """So many of the pool's processes for one call; None where the caller had better run its tasks itself."""
    granted = borrow(workers)
    return Processes(granted, options) if granted else None
