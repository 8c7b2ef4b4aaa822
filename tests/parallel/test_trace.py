"""The trace of loops: one event a loop and one a task, from threads and from worker processes alike."""

import operator

import pytest

from plait import trace
from plait.parallel import Parallel, delayed


@pytest.mark.parametrize("backend", ["processes", "threading", "sequential"])
def test_loops_and_tasks_are_recorded(backend):
    trace.start()
    try:
        Parallel(n_jobs=2, backend=backend)(delayed(operator.neg)(i) for i in range(6))
    finally:
        events = trace.stop()
    (loop,) = [event for event in events if (event.layer, event.kind) == ("parallel", "loop")]
    tasks = [event for event in events if (event.layer, event.kind) == ("parallel", "task")]
    assert sorted(event.id for event in tasks) == list(range(6))
    assert {event.parent for event in tasks} == {loop.id}
    assert {event.name for event in tasks} == {"neg"}
    assert all(loop.begin_ns <= event.begin_ns <= event.end_ns <= loop.end_ns for event in tasks)
