"""Schedulers: who runs the ready nodes of a graph. Each is a function (execution, workers) -> None.

    sync       the caller, in the graph's order
    threads    a crew of the pool's threads, compensated while nodes block, unless a number of workers was given
    processes  the pool's processes, in batches sized by measured time; results pass through the caller
    green      a greenlet a node, in the caller's thread, for nodes that wait on I/O cooperatively

What they run nodes by is in `loops` and `dispatching`. A pool of the user's is one too, see `executors`.

All prefer small numbers (see `_native.arena`). After the first failure no node starts, and the error is raised in the
caller.
The caller waits through a Waiter, so from a greenlet every one but `sync` is cooperative; what is thrown into it
there ends the run in the same way. Inside a worker of the pool a graph gets what the budget has left, or runs in place.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FunctionType
from typing import TYPE_CHECKING, Any, TypeAlias

from plait.green.waiter import Waiter
from plait.lazy import config, engines
from plait.lazy._native.arena import Execution
from plait.lazy.loops import GreenLoop, Job, Loop, ThreadLoop
from plait.parallel import interrupts, nesting, pool
from plait.parallel.budget import worker_count
from plait.parallel.options import PLAIN

if TYPE_CHECKING:
    from plait.parallel.backends.base import Runner

Scheduler: TypeAlias = Callable[[Execution, int | None], None]

GREENLETS_MAX = 1000


def sync(execution: Execution, workers: int | None) -> None:
    """Run all nodes in this thread."""
    execution.run_all()


def threads(execution: Execution, workers: int | None) -> None:
    """Run the nodes on worker threads."""
    budget = nesting.budget()
    inside = nesting.nested()
    size = budget.share(budget.cores, inside) if workers is None else budget.borrow(workers, inside)
    if not size:
        sync(execution, None)
        return
    try:
        _wait_for(execution, ThreadLoop(size, strict=workers is not None), Waiter())
    finally:
        budget.give_back(size)


def green(execution: Execution, workers: int | None) -> None:
    """Run the nodes in greenlets of this thread."""
    _wait_for(execution, GreenLoop(GREENLETS_MAX if workers is None else workers), Waiter(outside=False))


def _wait_for(execution: Execution, loop: Loop, waiter: Waiter[None]) -> None:
    """Have a loop run an execution. Raises its error, and what is thrown in meanwhile, which ends it."""

    def ended(error: BaseException | None) -> None:
        if error is None:
            waiter.wake()
        else:
            waiter.throw(error)

    task = interrupts.current()
    if task is not None:  # nested: what interrupts the task reaches it here
        task.waiter = waiter
    try:
        loop.start(Job(execution, ended))
        waiter.wait()
    except BaseException:
        loop.cancel()
        raise
    finally:
        if task is not None:
            task.waiter = None


def processes(execution: Execution, workers: int | None, initializer: Callable[[], object] | None = None) -> None:
    """Run the nodes on worker processes, each of which has called the initializer."""
    from plait.lazy.dispatching import ProcessLoop

    allowed = allowed_failures()
    runner = open_workers(workers, initializer)
    if runner is None:  # inside a worker, and none are left
        sync(execution, None)
        return
    errors: list[BaseException | None] = []
    loop = ProcessLoop(runner, allowed)
    try:
        loop.start(Job(execution, errors.append))
        loop.run()
    except BaseException:
        loop.cancel()
        raise
    loop.close()
    if errors[0] is not None:
        raise errors[0]


def open_workers(
    workers: int | None, initializer: Callable[[], object] | None = None, fail_fast: bool = True
) -> Runner | None:
    """Worker processes for nodes; None inside a worker where none are left. fail_fast: a failure ends all jobs.

    The option `multiprocessing.context` says how they are started, from then on: see `pool.set_start_method`.
    """
    from plait.parallel.backends.process_runner import open_processes

    method = config.get("multiprocessing.context", None)
    if method is not None:
        pool.set_start_method(method)
    options = PLAIN._replace(outlives_workers=True, fail_fast=fail_fast)
    if initializer is not None:
        options = options._replace(initializer=(initializer, ()))
    return open_processes(max(2, nesting.budget().cores) if workers is None else workers, options)


def allowed_failures() -> int:
    """How many workers may die of a node before it is taken for the cause."""
    allowed = config.get("multiprocessing.allowed-failures", 3)
    if not isinstance(allowed, int) or allowed < 0:
        raise ValueError(f"multiprocessing.allowed-failures={allowed!r} is no number of deaths; pass 0 or more")
    return allowed


_SCHEDULERS: dict[str, Scheduler] = {
    "threads": threads,
    "threading": threads,
    "processes": processes,
    "multiprocessing": processes,
    "sync": sync,
    "synchronous": sync,
    "single-threaded": sync,
    "green": green,
}
named: dict[str, Any] = {}  # name -> function get(graph, keys): ours (see `gets`), and those that programs add


def engine(name: Any) -> engines.Engine | None:
    """The engine that was asked for, by the call or by the configuration, else the one that is open; mostly None."""
    name = configured(name)
    return engines.default() if name is None else engines.engine(name)


def names(scheduler: Scheduler) -> list[str]:
    """What a scheduler of ours is called."""
    return [name for name, each in _SCHEDULERS.items() if each is scheduler]


def scheduler(asked: Any) -> Scheduler | None:
    """What `asked` says: a name, a function, a pool of the user's; None: what is configured, or threads.

    Gives None for a function get(graph, keys) that is the user's. Raises ValueError for a name that there is not.
    """
    asked = configured(asked) or "threads"
    found = named.get(asked.lower(), _SCHEDULERS.get(asked.lower())) if isinstance(asked, str) else asked
    found = getattr(found, "__plait_scheduler__", found)
    if found in _SCHEDULERS.values():
        return found
    if _is_pool(found):
        from plait.lazy.executors import runner

        return runner(found)
    if not callable(found):
        raise ValueError(
            f"scheduler={asked!r} is not known; pass one of {', '.join(map(repr, {**_SCHEDULERS, **named}))}, "
            "'ray', a client of distributed, a function get(graph, keys), or an Executor"
        )
    return None


def _is_pool(candidate: Any) -> bool:
    """Whether it is a pool of the user's. Who has one has imported its module."""
    if candidate is None or sys.modules.keys().isdisjoint(("concurrent.futures._base", "multiprocessing.pool")):
        return False
    from plait.lazy.executors import is_pool

    return is_pool(candidate)


def function(asked: Any) -> Any:
    """The function get(graph, keys) of the user's that `asked` says, where scheduler() gave None."""
    asked = configured(asked)
    return named[asked.lower()] if isinstance(asked, str) else asked


def configured(asked: Any) -> Any:
    """`asked`, or else what the configuration has: a scheduler, or a pool."""
    if asked is None:
        asked = config.get("scheduler", None)
    return config.get("pool", None) if asked is None else asked


def is_local(name: Any) -> bool:
    """Whether the workers of a scheduler are on this machine: those of plait, and of a plain function."""
    if isinstance(name, str):
        return name.lower() in _SCHEDULERS
    ours = name is None or hasattr(name, "__plait_scheduler__")
    return ours or isinstance(name, FunctionType) or _is_pool(name)


def workers_asked(num_workers: Any) -> int | None:
    """A strict number of workers, or None where neither the call nor the configuration has one. Raises ValueError."""
    if num_workers is None:
        num_workers = config.get("num_workers", None)
    if num_workers is None:
        return None
    try:
        return worker_count(num_workers)
    except ValueError as error:
        raise ValueError(str(error).replace("n_jobs=", "num_workers=", 1)) from None
