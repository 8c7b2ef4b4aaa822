"""`Parallel`: a loop whose calls run on the pool, with joblib's parameters."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any

from plait._base import clock
from plait.parallel import backends, batching, progress
from plait.parallel.arithmetic import evaluate
from plait.parallel.budget import GREENLETS, worker_count
from plait.parallel.failures import FailurePolicy, Retries
from plait.parallel.inplace import InPlaceLoop
from plait.parallel.loop import Loop
from plait.parallel.tracebacks import trim

if TYPE_CHECKING:
    from plait.parallel.asynchronous import AsyncResults

_RETURN_AS = ("list", "generator", "generator_unordered")


class Parallel:
    """Parallel(n_jobs=4)(delayed(f)(x) for x in xs) is [f(x) for x in xs], run by workers.

    n_jobs: workers; None is 1, which runs in place; -1 all cores, -2 all but one. The number is strict.
        For backend="green" it is how many greenlets wait at once, 1000 by default.
    backend: "processes" (also "loky"), "threading" or "sequential". prefer="threads" and require="sharedmem" choose
        threads where no backend is named.
    return_as: "list"; "generator", results in order as they come; "generator_unordered", as they end. Closing the
        generator cancels the loop.
    timeout: seconds that one task may take; then TaskTimeout, a TimeoutError. Makes batches of one task.
    pre_dispatch: tasks sent before the first result: "all", a number, or an expression with n_jobs.
    batch_size: tasks sent at once, "auto" by measured time.
    on_error: "raise" the first failure, or "return" exceptions in their results' places.
    retries: how often a task that failed is run again; Retries(count, on=...) says after which failures.
    progress: True for a bar, or a function that gets (done, total); total is None where the tasks have no length.
    verbose: more than 0 reports on stderr at the end.

    A task's exception is raised with its own type; a note names the task, the cause has the worker's traceback. The
    calling greenlet parks while it waits, and others go on; a Timeout or a kill there cancels the loop. The pool stays
    warm between calls, so `with Parallel(...) as parallel` is the same as calling it twice.
    """

    def __init__(
        self,
        n_jobs: int | None = None,
        backend: str | None = None,
        return_as: str = "list",
        verbose: int = 0,
        timeout: float | None = None,
        pre_dispatch: int | str = "2 * n_jobs",
        batch_size: int | str = "auto",
        *,
        prefer: str | None = None,
        require: str | None = None,
        on_error: str = "raise",
        retries: int | Retries = 0,
        progress: bool | Callable[[int, int | None], object] = False,
    ) -> None:
        if return_as not in _RETURN_AS:
            raise ValueError(f"return_as={return_as!r} is not known; pass one of {', '.join(map(repr, _RETURN_AS))}")
        if prefer not in (None, "threads", "processes"):
            raise ValueError(f"prefer={prefer!r} is not known; pass 'threads', 'processes' or None")
        if require not in (None, "sharedmem"):
            raise ValueError(f"require={require!r} is not known; pass 'sharedmem' or None")
        self.n_jobs = n_jobs
        self.backend = _choose_backend(backend, prefer, require)
        self.return_as = return_as
        self.verbose = verbose
        self.timeout = timeout
        self.pre_dispatch = pre_dispatch
        self.batch_size = batch_size
        self.progress = progress
        self._policy = FailurePolicy(on_error, retries, timeout)
        self._workers = _greenlet_count(n_jobs) if self.backend == backends.GREEN else worker_count(n_jobs)
        self._limit = _task_limit(pre_dispatch, self._workers)
        batching.batches(batch_size)

    def __call__(self, tasks: Iterable[Any]) -> Any:
        """Run the tasks: delayed(f)(...) tuples or lazy nodes. A list, or an iterator by `return_as`."""
        begin = clock.now()
        backend = self.backend if self._workers > 1 or self.backend == backends.GREEN else backends.SEQUENTIAL
        loop = self._loop(tasks, backend, self.return_as != "generator_unordered")
        try:
            if self.return_as != "list":
                results = loop.start()
                return self._reporting(results, loop, begin) if self.verbose > 0 else results
            collected = loop.collect()
        except BaseException as error:
            trim(error)
            raise
        self._report(loop, begin)
        return collected

    def aio(self, tasks: Iterable[Any]) -> AsyncResults:
        """The same for asyncio: `await` it for the list, or `async for` over it for the results as they come.

        They come in order, or as they end with return_as="generator_unordered". Cancelling the asyncio task cancels the
        loop. One worker is a worker here, so that the event loop goes on.
        """
        from plait.parallel import asynchronous  # it takes asyncio with it

        def loop(ordered: bool) -> Loop | InPlaceLoop:
            if self.backend == backends.GREEN:
                asynchronous.check_event_loop()
            return self._loop(tasks, self.backend, ordered)

        return asynchronous.AsyncResults(loop, self.return_as != "generator_unordered")

    def _loop(self, tasks: Iterable[Any], backend: str, ordered: bool) -> Loop | InPlaceLoop:
        items = iter(tasks)
        runner = backends.runner(backend, self._workers, self._policy.fail_fast)
        try:
            observer = progress.observer(self.progress, tasks)
        except BaseException:
            runner.close()
            raise
        if isinstance(runner, backends.InPlace):
            return InPlaceLoop(items, self._policy, observer)
        one_by_one = self.timeout is not None or self.backend == backends.GREEN
        sizes = batching.FixedBatches(1) if one_by_one else batching.batches(self.batch_size)
        return Loop(items, runner, sizes, self._limit, self._policy, ordered, observer)

    def __enter__(self) -> Parallel:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """The pool is shared: nothing to end."""

    def __repr__(self) -> str:
        return f"Parallel(n_jobs={self.n_jobs}, backend={self.backend!r})"

    def _reporting(self, results: Iterator[Any], loop: Loop | InPlaceLoop, begin: float) -> Iterator[Any]:
        yield from results
        self._report(loop, begin)

    def _report(self, loop: Loop | InPlaceLoop, begin: float) -> None:
        if self.verbose > 0:
            print(f"[{self!r}]: {loop.done} tasks in {clock.now() - begin:.1f} s", file=sys.stderr)


def effective_n_jobs(n_jobs: int | None = -1) -> int:
    """How many workers `n_jobs` means on this machine."""
    return worker_count(n_jobs)


def _greenlet_count(n_jobs: Any) -> int:
    """Greenlets cost no core: a positive number is meant as it stands, everything else as the default."""
    if n_jobs is None or (isinstance(n_jobs, int) and n_jobs < 0):
        return GREENLETS
    return worker_count(n_jobs)


def _choose_backend(backend: str | None, prefer: str | None, require: str | None) -> str:
    if backend is None:
        return backends.THREADING if require == "sharedmem" or prefer == "threads" else backends.PROCESSES
    name = backends.backend_name(backend)
    if require == "sharedmem" and name == backends.PROCESSES:
        raise ValueError(
            f'backend={backend!r} does not share memory, which require="sharedmem" asks for; '
            'pass backend="threading", or leave one of the two out'
        )
    return name


def _task_limit(pre_dispatch: Any, n_jobs: int) -> int | None:
    """How many tasks to send before the first result; None for all. Raises ValueError."""
    if pre_dispatch == "all" or pre_dispatch is None:
        return None
    try:
        limit = int(evaluate(pre_dispatch, {"n_jobs": n_jobs}) if isinstance(pre_dispatch, str) else pre_dispatch)
    except (ValueError, TypeError):
        limit = 0
    if limit < 1:
        raise ValueError(
            f"pre_dispatch={pre_dispatch!r} is not a positive number of tasks; pass one, "
            "'all', or arithmetic with n_jobs such as '2 * n_jobs'"
        )
    return limit
