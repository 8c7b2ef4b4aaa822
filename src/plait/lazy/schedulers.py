"""Schedulers: who runs the ready nodes of a graph. Each is a function (execution, workers) -> None.

    sync       the caller, in the graph's order
    threads    a crew of the pool's threads, compensated while nodes block, unless a number of workers was given
    processes  the pool's processes, in batches sized by measured time; results pass through the caller
    green      a greenlet a node, in the caller's thread, for nodes that wait on I/O cooperatively

A pool of the user's is one too, see `executors`.

All prefer small numbers (see `_native.arena`). After the first failure no node starts, and the error is raised in the
caller.
The caller waits through a Waiter, so from a greenlet every one but `sync` is cooperative; what is thrown into it
there ends the run in the same way. Inside a worker of the pool a graph gets what the budget has left, or runs in place.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextvars import copy_context
from itertools import takewhile
from operator import getitem
from types import FunctionType
from typing import TYPE_CHECKING, Any, TypeAlias

from plait.green import Greenlet, killall, spawn
from plait.green.waiter import Waiter
from plait.lazy import config, engines, executors
from plait.lazy._native.arena import Execution
from plait.lazy.plain import identity
from plait.parallel import nesting, pool
from plait.parallel.batching import AutoBatches
from plait.parallel.budget import worker_count
from plait.parallel.options import PLAIN
from plait.parallel.outcome import Batch, Task

if TYPE_CHECKING:
    from plait.parallel.backends.base import Runner

Scheduler: TypeAlias = Callable[[Execution, int | None], None]

GREENLETS_MAX = 1000
ALLOWED_FAILURES = 3  # workers that may die of a node, unless the option multiprocessing.allowed-failures has another


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
        _ThreadRun(execution, size, strict=workers is not None).wait()
    finally:
        budget.give_back(size)


class _Ready:
    """A run's ready nodes, as the items of a crew."""

    def __init__(self, execution: Execution) -> None:
        self._execution = execution

    def append(self, number: int) -> None:
        """Nodes become ready by themselves."""

    def popleft(self) -> int:
        return self._execution.take()

    def clear(self) -> None:
        self._execution.ended = True

    def __len__(self) -> int:
        return self._execution.ready


class _ThreadRun:
    def __init__(self, execution: Execution, size: int, strict: bool) -> None:
        self._execution = execution
        self._waiter: Waiter[None] = Waiter()
        self._context = copy_context()  # tasks see the caller's variables, but for those of a loop that it is in
        self._context.run(nesting.settings.set, None)
        self._crew = pool.threads().crew(self._run, size, strict, _Ready(execution))

    def wait(self) -> None:
        try:
            self._crew.recruit()
            self._waiter.wait()
        except BaseException:
            self._crew.cancel()
            raise

    def _run(self, number: int) -> None:
        execution = self._execution
        try:
            done = self._context.copy().run(execution.work, number, self._crew)
        except BaseException as error:
            if not execution.ended:
                self._crew.cancel()
                self._waiter.throw(error)
            return
        if done:
            self._waiter.wake()


def processes(execution: Execution, workers: int | None, initializer: Callable[[], object] | None = None) -> None:
    """Run the nodes on worker processes, each of which has called the initializer.

    The option `multiprocessing.context` says how they are started, from then on: see `pool.set_start_method`.
    """
    from plait.parallel.backends.process_runner import open_processes

    method = config.get("multiprocessing.context", None)
    if method is not None:
        pool.set_start_method(method)
    budget = nesting.budget()
    options = PLAIN._replace(fail_fast=False, initializer=None if initializer is None else (initializer, ()))
    run = open_processes(max(2, budget.cores) if workers is None else workers, options)
    if run is None:  # inside a worker, and none are left
        sync(execution, None)
        return
    finished = False
    try:
        _Dispatcher(execution, run).run()
        finished = True
    finally:
        if finished:
            run.close()
        else:
            run.cancel()


_Asked: TypeAlias = list[tuple[int, Task]]  # nodes, and what they call


class _Dispatcher:
    """Keeps worker processes supplied with ready nodes. One thread or greenlet."""

    def __init__(self, execution: Execution, run: Runner) -> None:
        self._execution = execution
        self._run = run
        self._sizes = AutoBatches()
        self._sent: dict[int, _Asked] = {}  # by batch id
        self._again: deque[_Asked] = deque()  # to be sent once more
        self._deaths: dict[int, int] = {}  # of workers that ran a node
        self._deaths_allowed = config.get("multiprocessing.allowed-failures", ALLOWED_FAILURES)

    def run(self) -> None:
        execution = self._execution
        while execution.unfinished:
            while (self._again or execution.ready) and len(self._sent) < 2 * self._run.limit:
                self._send(self._again.popleft() if self._again else self._next())
            if not self._sent:
                continue
            batch = self._run.completions.take()
            asked = self._sent.pop(batch.id, [])
            if batch.error is None and batch.death is None:
                self._sizes.learn(len(asked), batch.seconds)
            batch.settle()
            if batch.error is not None:
                self._recover(batch, asked, batch.error)
            self._say_worker(batch.worker)
            for (number, _), value in zip(asked, batch.results, strict=False):
                execution.finish(number, value)
            self._say_worker(None)

    def _say_worker(self, pid: int | None) -> None:
        if self._execution.observer is not None:
            self._execution.observer.worker = pid

    def _recover(self, batch: Batch, asked: _Asked, error: BaseException) -> None:
        """Have what a worker's death left over run again, but not a node of which too many have died; else raise."""
        at = None if batch.death is None else batch.failed_at
        if at is None:
            raise error
        number = asked[at][0]
        deaths = self._deaths[number] = self._deaths.get(number, 0) + 1
        if deaths > self._deaths_allowed:
            if deaths > 1:
                error.add_note(f"it was run {deaths} times, and each time its worker died")
            raise error
        rest = [each for each in asked[len(batch.results) :] if each[0] != number]
        self._again += [[asked[at]], rest] if rest else [[asked[at]]]

    def _next(self) -> _Asked:
        """Nodes that are ready now and have to be sent."""
        execution = self._execution
        fair = -(-execution.ready // self._run.limit)
        taken = (execution.take() for _ in range(min(self._sizes.size, fair)))
        asked = [(number, execution.task(number)) for number in takewhile(lambda number: number >= 0, taken)]
        return [(number, task) for number, task in asked if not self._done_here(number, task)]

    def _send(self, asked: _Asked) -> None:
        if asked:
            nodes = self._execution.arena.nodes
            labels = [str(nodes[number].key) for number, _ in asked]
            batch = self._run.submit(asked[0][0], [task for _, task in asked], labels)
            self._sent[batch.id] = asked

    def _done_here(self, number: int, task: Task) -> bool:
        """Do what costs less than to send, such as to give an item of a value that is here; and what the run owns."""
        function, args, _ = task
        if function is identity or hasattr(function, "__plait_here__"):  # what the run itself owns
            self._execution.finish(number, function(*args))
            return True
        if function is not getitem or type(args[0]) not in (list, tuple, dict):
            return False
        try:
            value = args[0][args[1]]
        except (LookupError, TypeError):  # a worker says so, as of any task
            return False
        self._execution.finish(number, value)
        return True


def green(execution: Execution, workers: int | None) -> None:
    """Run the nodes in greenlets of this thread."""
    _GreenRun(execution, GREENLETS_MAX if workers is None else workers).wait()


class _GreenRun:
    def __init__(self, execution: Execution, limit: int) -> None:
        self._execution = execution
        self._limit = limit
        self._running: dict[int, Greenlet] = {}
        self._waiter: Waiter[None] = Waiter(outside=False)

    def wait(self) -> None:
        try:
            self._start()
            self._waiter.wait()
        finally:
            self._execution.ended = True
            running, self._running = self._running, {}
            killall(list(running.values()), block=False)

    def _start(self) -> None:
        execution = self._execution
        while execution.ready and len(self._running) < self._limit:
            number = execution.take()
            self._running[number] = spawn(self._run, number)

    def _run(self, number: int) -> None:
        execution = self._execution
        try:
            value = execution.call(number)
            if number not in self._running:
                return
            execution.finish(number, value)
        except BaseException as error:
            if self._running.pop(number, None) is not None:
                execution.ended = True
                self._waiter.throw(error)
            return
        del self._running[number]
        if not execution.unfinished:
            self._waiter.wake()
        self._start()


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
    if found is not None and executors.is_pool(found):
        return executors.runner(found)
    if not callable(found):
        raise ValueError(
            f"scheduler={asked!r} is not known; pass one of {', '.join(map(repr, {**_SCHEDULERS, **named}))}, "
            "'ray', a client of distributed, a function get(graph, keys), or an Executor"
        )
    return None


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
    return ours or isinstance(name, FunctionType) or executors.is_pool(name)


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
