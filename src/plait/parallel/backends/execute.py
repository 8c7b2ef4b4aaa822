"""Running a batch in the thread that one is in."""

from __future__ import annotations

from plait._base import clock
from plait.parallel.interrupts import Interruptible
from plait.parallel.naming import function_name, note_task
from plait.parallel.outcome import Batch
from plait.parallel.tracebacks import trim
from plait.trace import ring


def run_here(batch: Batch, call: int, guard: Interruptible) -> None:
    """Run the batch's tasks in this thread, up to the first that raises. Never raises."""
    batch.began = clock.now()
    try:
        if ring.enabled:
            _run_traced(batch, call, guard)
        else:
            guard.run(batch.tasks, batch.results)
    except BaseException as error:
        trim(error)
        note_task(error, batch.task_text(len(batch.results)))
        batch.error = error
    batch.seconds = clock.now() - batch.began


def _run_traced(batch: Batch, call: int, guard: Interruptible) -> None:
    for index, (function, args, kwargs) in enumerate(batch.tasks, batch.first):
        begin_ns = ring.now_ns()
        try:
            batch.results.append(guard.call(function, args, kwargs))
        finally:
            ring.emit("parallel", "task", index, call, begin_ns, ring.now_ns(), 0, function_name(function))
