"""`Parallel`: a loop whose calls run on the pool, with joblib's parameters."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Sized
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from weakref import ref

from plait._base import clock
from plait.parallel import batching, callbacks, config, nesting, progress
from plait.parallel import verbose as lines
from plait.parallel.backends import registry
from plait.parallel.backends.base import FallbackToBackend, NativeBackend, ParallelBackendBase, runs_tasks_itself
from plait.parallel.backends.processes import MultiprocessingBackend
from plait.parallel.budget import worker_count
from plait.parallel.config import DEFAULTS, Default, Settings
from plait.parallel.failures import FailurePolicy, Retries
from plait.parallel.logger import Logger
from plait.parallel.options import CallOptions, size_bytes
from plait.parallel.reporting import Counting, Counts, Reporter, told
from plait.parallel.tracebacks import trim

if TYPE_CHECKING:
    from plait.parallel.asynchronous import AsyncResults
    from plait.parallel.backends.base import Runner
    from plait.parallel.inplace import InPlaceLoop
    from plait.parallel.loop import Loop

_RETURN_AS = ("list", "generator", "generator_unordered")


class Parallel(Logger):
    """Parallel(n_jobs=4)(delayed(f)(x) for x in xs) is [f(x) for x in xs], run by workers.

    What is not given, or given as None, is taken from parallel_config where that has set it.

    n_jobs: workers; by default 1, which runs in place; -1 all cores, -2 all but one. The number is strict.
        For backend="green" it is how many greenlets wait at once, 1000 by default.
    backend: "processes" (also "loky"), "multiprocessing", "threading", "sequential", "green", the name of a registered
        one, a ParallelBackendBase, or a context of multiprocessing. prefer="threads" and require="sharedmem" choose
        threads where no backend is named.
    return_as: "list"; "generator", results in order as they come; "generator_unordered", as they end. Closing the
        generator, or dropping it, cancels the loop.
    timeout: seconds that one task may take; then TaskTimeout, a TimeoutError. Makes batches of one task.
    pre_dispatch: tasks sent before the first result: "all", a number, or an expression with n_jobs.
    batch_size: tasks sent at once, "auto" by measured time.
    max_nbytes: arrays from this size on, such as "1M", travel to processes in shared memory; None: none do. mmap_mode:
        how workers see them: "r" read-only, "c" copied on writing, None as copies. temp_folder: for files, if there
        have to be any.
    on_error: "raise" the first failure, or "return" exceptions in their results' places.
    retries: how often a task that failed is run again; Retries(count, on=...) says after which failures.
    progress: True for a bar, or a function that gets (done, total); total is None where the tasks have no length.
    verbose: more than 0 reports on stderr, more often the higher it is; from 50 on, on stdout.
    backend_kwargs: inner_max_num_threads (of BLAS and OpenMP in a worker process), initializer and initargs (called in
        each worker before its first task), forward_output (what tasks print, warn of and log goes to the caller's
        streams, filters and loggers; False: to the worker's own), idle_worker_timeout (seconds), and what a registered
        backend has.

    A task's exception is raised with its own type; a note names the task, the cause has the worker's traceback. The
    calling greenlet parks while it waits, and others go on; a Timeout or a kill there cancels the loop. The pool stays
    warm between calls; `with Parallel(...) as parallel` configures a registered backend once for all calls inside.
    One call at a time: a second one while a generator is unfinished raises RuntimeError.
    """

    def __init__(
        self,
        n_jobs: Any = DEFAULTS.n_jobs,
        backend: Any = DEFAULTS.backend,
        return_as: str = "list",
        verbose: Any = DEFAULTS.verbose,
        timeout: float | None = None,
        pre_dispatch: int | str = "2 * n_jobs",
        batch_size: int | str = "auto",
        temp_folder: Any = DEFAULTS.temp_folder,
        max_nbytes: Any = DEFAULTS.max_nbytes,
        mmap_mode: Any = DEFAULTS.mmap_mode,
        prefer: Any = DEFAULTS.prefer,
        require: Any = DEFAULTS.require,
        *,
        on_error: str = "raise",
        retries: int | Retries = 0,
        progress: bool | Callable[[int, int | None], object] = False,
        **backend_kwargs: Any,
    ) -> None:
        super().__init__()
        if return_as not in _RETURN_AS:
            raise ValueError(f"return_as={return_as!r} is not known; pass one of {', '.join(map(repr, _RETURN_AS))}")
        given = DEFAULTS.n_jobs if n_jobs is None else n_jobs
        own = Settings(DEFAULTS.backend, given, verbose, temp_folder, max_nbytes, mmap_mode, prefer, require)
        settings = _settle(own, backend, backend_kwargs)
        self._backend: ParallelBackendBase = settings.backend
        self.n_jobs = _whole(self._backend.default_n_jobs if settings.n_jobs is None else settings.n_jobs)
        if isinstance(self._backend, NativeBackend):
            worker_count(self.n_jobs)  # 0 is refused
        self.verbose = settings.verbose
        self.timeout = timeout
        self.pre_dispatch = pre_dispatch
        self.batch_size = batch_size
        self.return_as = return_as
        self.return_generator = return_as != "list"
        self.return_ordered = return_as != "generator_unordered"
        self.progress = progress
        self._policy = FailurePolicy(on_error, retries, timeout)
        self._backend_kwargs = _backend_kwargs(settings, backend_kwargs)
        if isinstance(self._backend, MultiprocessingBackend) or not isinstance(self._backend, NativeBackend):
            self._backend_kwargs.setdefault("context", _start_method())
        batching.batches(batch_size)
        _task_limit(pre_dispatch, None)
        if self.return_generator and not self._backend.supports_return_generator:
            name = type(self._backend).__name__
            raise ValueError(f"Backend {name} does not support return_as={return_as!r}; pass return_as='list'")
        self.n_tasks: int | None = None  # of the latest call, where its iterable has a length
        self._idle = [True]  # empty while a call runs: taken by pop(), which only one thread can
        self._managed_backend = False
        self._calling = False  # between the backend's start_call() and stop_call()
        self._aborting = False  # the latest call was ended before its time
        self._completed = False  # all of its tasks have ended
        self._loop: Counting = Counts()
        self._results: ref[Generator[Any]] | None = None  # the latest call's generator
        self._pre_dispatch_amount = 0
        self._start_time = 0.0

    # -- calls ---------------------------------------------------------------------------------------------------

    def __call__(self, iterable: Iterable[Any]) -> Any:
        """Run the tasks: delayed(f)(...) tuples or lazy nodes. A list, or an iterator by `return_as`."""
        self._begin(iterable)
        try:
            loop = self._open(iterable)
        except BaseException as error:
            self._end(aborted=True)
            trim(error)
            raise
        if not self.return_generator:
            return self._collect(loop)
        results = self._generate(loop)
        try:
            next(results)  # sends the first tasks
        except BaseException as error:
            trim(error)
            raise
        self._results = ref(results)
        return results

    def _begin(self, iterable: Iterable[Any]) -> None:
        try:
            self._idle.pop()
        except IndexError:
            raise RuntimeError(
                "This Parallel instance is already running ! Before submitting new tasks, you must wait for the "
                "completion of all the previous tasks, or clean all references to the output generator."
            ) from None
        self.n_tasks = len(iterable) if isinstance(iterable, Sized) else None
        self._loop = Counts()
        self._aborting = self._completed = False
        self._start_time = clock.now()

    def _collect(self, loop: Loop | InPlaceLoop) -> Any:
        try:
            if type(self._backend).retrieval_context is ParallelBackendBase.retrieval_context:
                results = loop.collect()
            else:
                with self._backend.retrieval_context():
                    results = loop.collect()
        except BaseException as error:
            self._end(aborted=True)
            trim(error)
            raise
        self._end()
        return results

    def _generate(self, loop: Loop | InPlaceLoop) -> Generator[Any]:
        try:
            results = loop.start()
            yield None  # from here on this generator knows how it ends
            with self._backend.retrieval_context():
                yield from results
        except GeneratorExit:
            results.close()  # it may not have been asked for a result yet
            self._end(aborted=True)
            if not loop.in_place and not sys.is_finalizing():
                self._warn_of_waste(loop)
            raise
        except BaseException as error:
            self._end(aborted=True)
            trim(error)
            raise
        self._end()

    def _end(self, aborted: bool = False) -> None:
        """The call is over, one way or the other."""
        self._loop = Counts(self._loop)
        self._aborting = aborted
        self._completed = not aborted
        try:
            if not aborted and self._reports():
                self.print_progress()
            if aborted and isinstance(self._backend, NativeBackend):  # a registered one was told by its runner
                self._backend.abort_everything(ensure_ready=self._managed_backend)
            self._end_use()
        finally:
            self._idle.append(True)

    def _end_use(self) -> None:
        if self._calling:
            self._calling = False
            self._backend.stop_call()
        if not self._managed_backend:
            self._backend.terminate()

    def _warn_of_waste(self, loop: Counting) -> None:
        """A generator was dropped: say which of its work was for nothing."""
        unused, running = loop.done - loop.given, loop.sent - loop.done
        said = []
        if unused:
            said.append(f"{unused} tasks have been successfully executed but not used.")
        if running or not loop.exhausted:
            said.append(f"{running} tasks which were still being processed by the workers have been cancelled.")
        if said:
            said.append("You could benefit from adjusting the input task iterator to limit unnecessary computation.")
            warnings.warn(" ".join(said), stacklevel=3)

    def aio(self, tasks: Iterable[Any]) -> AsyncResults:
        """The same for asyncio: `await` it for the list, or `async for` over it for the results as they come.

        They come in order, or as they end with return_as="generator_unordered". Cancelling the asyncio task cancels the
        loop. One worker is a worker here, so that the event loop goes on. Calls may run side by side.
        """
        from plait.parallel import asynchronous  # it takes asyncio with it

        def loop(ordered: bool) -> Loop | InPlaceLoop:
            backend = self._backend
            if not isinstance(backend, NativeBackend) or runs_tasks_itself(backend):
                raise TypeError(f"{type(backend).__name__} cannot be awaited; pass one of plait's own backends")
            backend.check_event_loop()
            self._start_time = clock.now()
            made = self._native_loop(tasks, backend, backend.effective_n_jobs(self.n_jobs), ordered)
            self._loop = made
            return made

        return asynchronous.AsyncResults(loop, self.return_ordered)

    # -- the loop and its backend ------------------------------------------------------------------------------------

    def _open(self, iterable: Iterable[Any]) -> Loop | InPlaceLoop:
        """The loop of this call, on a backend that is ready."""
        workers = self._effective_n_jobs() if self._managed_backend else self._initialize_backend()
        backend = self._backend
        if workers == 0:
            raise RuntimeError(f"{type(backend).__name__} has no active worker.")
        native = None if runs_tasks_itself(backend) else backend
        loop: Loop | InPlaceLoop
        if native.runs_in_place(workers) if isinstance(native, NativeBackend) else workers == 1:
            loop = self._in_place(iterable, None)
        else:
            self._print(f"Using backend {type(backend).__name__} with {workers} concurrent workers.")
            self._calling = True
            backend.start_call()
            if isinstance(native, NativeBackend):
                loop = self._native_loop(iterable, native, workers, self.return_ordered)
            else:
                from plait.parallel.backends import adapter

                run = adapter.runner(backend, self, workers, lambda: self._managed_backend)
                loop = self._on(run, iterable, self._registered_sizes(backend), self.return_ordered)
        self._loop = loop
        return loop

    def _native_loop(
        self, tasks: Iterable[Any], backend: NativeBackend, workers: int, ordered: bool
    ) -> Loop | InPlaceLoop:
        runner = backend.open(workers, self._options())
        if runner is None:  # the budget has no workers left for a nested loop, or the backend never has any
            nests = not backend.runs_in_place(workers)
            return self._in_place(tasks, backend.scope_of(nesting.scope().workers) if nests else None)
        sizes = backend.sizes(1 if self.timeout is not None else self.batch_size)
        return self._on(runner, tasks, told(sizes, self), ordered)

    def _on(self, runner: Runner, tasks: Iterable[Any], sizes: Any, ordered: bool) -> Loop:
        """The loop on a runner, which is given back where there can be no loop."""
        from plait.parallel.loop import Loop  # with the first loop comes all that runs it

        try:
            limit = _task_limit(self.pre_dispatch, runner.limit)
            self._pre_dispatch_amount = limit or 0
            return Loop(iter(tasks), runner, sizes, limit, self._policy, ordered, self._observer(tasks))
        except BaseException:
            runner.cancel()
            raise

    def _in_place(self, tasks: Iterable[Any], scope: nesting.Scope | None) -> InPlaceLoop:
        from plait.parallel.inplace import InPlaceLoop

        items = iter(tasks)
        if isinstance(self.batch_size, int) and self.batch_size > 1:
            items = _by_batches(items, self.batch_size)
        return InPlaceLoop(items, self._policy, self._observer(tasks), scope)

    def _registered_sizes(self, backend: ParallelBackendBase) -> Any:
        if self.batch_size != "auto":
            return batching.batches(self.batch_size)
        from plait.parallel.backends.adapter import BackendSizes

        return BackendSizes(backend)

    def _options(self) -> CallOptions:
        """For a backend of plait's own."""
        given = {**getattr(self._backend, "backend_kwargs", {}), **self._backend_kwargs}
        initializer = given.get("initializer")
        threads = given.get("inner_max_num_threads")
        return CallOptions(
            self._policy.fail_fast,
            given["max_nbytes"],
            given["mmap_mode"],
            given["temp_folder"],
            getattr(self._backend, "inner_max_num_threads", None) if threads is None else threads,
            None if initializer is None else (initializer, tuple(given.get("initargs", ()))),
            bool(given.get("forward_output", True)),
            given.get("idle_worker_timeout"),
        )

    def _initialize_backend(self) -> int:
        """Make the backend ready, or the one that it names in its place; the number of workers."""
        try:
            workers = self._backend.configure(n_jobs=self.n_jobs, parallel=self, **self._backend_kwargs)
        except FallbackToBackend as fallback:
            self._backend = fallback.backend
            return self._initialize_backend()
        if self.timeout is not None and not self._backend.supports_timeout:
            warnings.warn(
                f"The backend class {type(self._backend).__name__!r} does not support timeout. You have set "
                f"'timeout={self.timeout}' in Parallel but the 'timeout' parameter will not be used.",
                stacklevel=4,
            )
        return workers

    def _effective_n_jobs(self) -> int:
        return self._backend.effective_n_jobs(self.n_jobs)

    def __enter__(self) -> Self:
        self._managed_backend = True
        self._initialize_backend()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._managed_backend = False
        results: Any = None if self._results is None else self._results()
        if results is not None and results.gi_frame is not None:  # unfinished: its end is the end of the use
            results.close()
        else:
            self._end_use()

    # -- reports -----------------------------------------------------------------------------------------------------

    @property
    def n_dispatched_batches(self) -> int:
        """Batches sent so far in this call, or in the latest."""
        return self._loop.batches

    @property
    def n_dispatched_tasks(self) -> int:
        """Tasks sent so far."""
        return self._loop.sent

    @property
    def n_completed_tasks(self) -> int:
        """Tasks that have ended so far."""
        return self._loop.done

    def print_progress(self) -> None:
        """Called after each batch, and when all has ended: prints what `verbose` asks for."""
        if self.verbose:
            text = lines.final_line(self._state()) if self._completed else lines.line(self._state())
            if text is not None:
                self._print(text)

    def has_ended(self) -> bool:
        """Whether all tasks of the call have."""
        return self._completed or (self._loop.exhausted and self._loop.done == self._loop.sent)

    def _reports(self) -> bool:
        return bool(self.verbose) or type(self).print_progress is not Parallel.print_progress

    def _observer(self, tasks: Iterable[Any]) -> progress.Observer | None:
        user = progress.observer(self.progress, tasks)
        return Reporter(self, user) if self._reports() or callbacks.patched() else user

    def _state(self) -> lines.State:
        loop = self._loop
        return lines.State(
            self.verbose,
            self.n_tasks,
            self._pre_dispatch_amount,
            loop.batches,
            loop.sent,
            loop.done,
            loop.exhausted,
            clock.now() - self._start_time,
        )

    def _print(self, message: str) -> None:
        if self.verbose:
            stream = sys.stderr if self.verbose < lines.TO_STDOUT else sys.stdout
            stream.write(f"[{self}]: {message}\n")

    def __repr__(self) -> str:
        return f"{type(self).__name__}(n_jobs={self.n_jobs})"


def effective_n_jobs(n_jobs: int | None = -1) -> int:
    """How many workers `n_jobs` means on this machine, for the backend that is in force."""
    if n_jobs == 1:
        return 1
    backend, active = config.get_active_backend()
    return backend.effective_n_jobs(active if n_jobs is None else n_jobs)


def _settle(own: Settings, backend: Any, kwargs: dict[str, Any]) -> Settings:
    """The settings in force for a Parallel with these of its own. `kwargs` gets the context that `backend` may be."""
    active = own.or_else(config.choose_backend(own.or_else(config.around())))
    level = active.backend.nesting_level
    if backend is None or isinstance(backend, Default):
        return active.values()
    if isinstance(backend, ParallelBackendBase):
        if backend.nesting_level is None:
            backend.nesting_level = level
    elif hasattr(backend, "Pool") and hasattr(backend, "Lock"):
        kwargs["context"] = backend
        backend = registry.make("multiprocessing", nesting_level=level)
    else:
        backend = registry.make(backend, nesting_level=level)
    settings = active._replace(backend=backend).values()
    if settings.require == "sharedmem" and not getattr(backend, "supports_sharedmem", False):
        raise ValueError(
            f'Backend {type(backend).__name__} does not support shared memory, which require="sharedmem" asks for; '
            'pass backend="threading", or leave one of the two out'
        )
    return settings


def _backend_kwargs(settings: Settings, further: dict[str, Any]) -> dict[str, Any]:
    return {
        **further,
        "max_nbytes": size_bytes(settings.max_nbytes),
        "temp_folder": settings.temp_folder,
        "mmap_mode": settings.mmap_mode,
        "prefer": settings.prefer,
        "require": settings.require,
        "verbose": max(0, settings.verbose - 50),
    }


def _start_method() -> Any:
    """A context of multiprocessing, which registered backends expect among their keywords."""
    import multiprocessing  # they have it; plait's own backends need none

    return multiprocessing.get_context(os.environ.get("JOBLIB_START_METHOD", "").strip() or None)


def _whole(n_jobs: Any) -> int:
    """`n_jobs` as an integer: numbers are rounded towards zero, and text may hold an integer. Raises ValueError."""
    try:
        return int(n_jobs)
    except (TypeError, ValueError):
        raise ValueError(
            f"n_jobs={n_jobs!r} is not an integer; pass a positive count, or -1 for all cores "
            "(n_jobs could not be converted to int)"
        ) from None


def _by_batches(items: Iterator[Any], size: int) -> Iterator[Any]:
    """The items, taken from their iterator so many at a time."""
    while batch := list(islice(items, size)):
        yield from batch


def _arithmetic(text: str, n_jobs: int) -> int:
    """A number of tasks as text, "2 * n_jobs" without parser. Raises ValueError."""
    factor, _, rest = text.partition("*")
    if rest.strip() == "n_jobs" and factor.strip().isdecimal():
        return int(factor) * n_jobs
    from plait.parallel.arithmetic import evaluate

    return int(evaluate(text, {"n_jobs": n_jobs}))


def _task_limit(pre_dispatch: Any, workers: int | None) -> int | None:
    """How many tasks to send before the first result; None for all. Raises ValueError.

    workers: what n_jobs in the text means. None: it is not known yet, and text is only checked for what it is.
    """
    if pre_dispatch == "all" or pre_dispatch is None:
        return None
    text = isinstance(pre_dispatch, str)
    try:
        limit = _arithmetic(pre_dispatch, workers or 1) if text else int(pre_dispatch)
    except (ValueError, TypeError):
        limit = 0
    else:
        if text and workers is None:
            return None
    if limit < 1:
        raise ValueError(
            f"pre_dispatch={pre_dispatch!r} is not a positive number of tasks; pass one, "
            "'all', or arithmetic with n_jobs such as '2 * n_jobs'"
        )
    return limit
