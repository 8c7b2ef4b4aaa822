"""The trace of graphs: one event a computation and one a node."""

import operator

from plait import trace
from plait.lazy import compute, delayed


def test_nodes_are_recorded(scheduler):
    trace.start()
    try:
        compute(*[delayed(operator.neg)(i) for i in range(6)], scheduler=scheduler)
    finally:
        events = trace.stop()
    (whole,) = [event for event in events if (event.layer, event.kind) == ("lazy", "compute")]
    nodes = [event for event in events if event.name == "neg"]
    assert whole.name == scheduler
    assert len(nodes) == 6
    assert all(whole.begin_ns <= event.begin_ns <= event.end_ns <= whole.end_ns for event in nodes)
