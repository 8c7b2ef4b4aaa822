"""`compute`: run what lazy nodes need, and put the values where the nodes stood."""

from __future__ import annotations

from typing import Any

from plait.lazy import schedulers
from plait.lazy._native.arena import Arena, Execution
from plait.lazy._native.nodes import Template
from plait.parallel.tracebacks import trim
from plait.trace import ring


def compute(
    *collections: Any, scheduler: str | None = None, num_workers: int | None = None, traverse: bool = True
) -> tuple[Any, ...]:
    """The values of some lazy nodes, in order, as a tuple; what is not lazy is returned as it is.

    Nodes inside lists, tuples, sets and dicts are computed too, unless traverse=False. What several nodes need runs
    once.

    scheduler: "threads" (the default), "processes", "sync" or "green", see `plait.lazy.schedulers`. num_workers: how
    many, strictly; without it one a core, and more while tasks block. Raises what the first failing task raised, with
    a note that names it; nothing starts after that.
    """
    run = schedulers.scheduler(scheduler)
    workers = schedulers.workers_asked(num_workers)
    template = Template(collections, traverse)
    if not template.nodes:
        return collections
    execution = Execution(Arena(template.nodes))
    with ring.span("lazy", "compute", execution.id, name=scheduler):
        try:
            run(execution, workers)
        except BaseException as error:
            trim(error)
            raise
    return template.fill(execution.outputs())
