"""What a backend is: the interface that others implement and register, and what plait's own have besides.

Two kinds of backends:

- One that a library registers has joblib's documented interface, ParallelBackendBase: submit(function, callback) runs a
  batch somewhere. `adapter` makes a Runner of it.
- Plait's own are NativeBackends: open() gives a Runner for one call. They have the rest of the interface as well, since
  libraries subclass them.

A Runner takes tasks by submit() and gives batches back through its `completions`. The caller settles each batch it
takes, and at last calls close(), or cancel() where it leaves early.
"""

from __future__ import annotations

import os
import threading
from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from plait.parallel import nesting
from plait.parallel.batching import Sizes, batches
from plait.parallel.budget import cpu_count, worker_count
from plait.parallel.nesting import Scope
from plait.parallel.options import CallOptions

if TYPE_CHECKING:
    from plait.parallel.completions import Completions
    from plait.parallel.outcome import Batch, Task

# What stands above this module, and fills them in: `registry` the first, `config` the second.
above: dict[str, Callable[..., Any]] = {}
AT_LEVEL = "at_level"  # a nesting level -> the backend for loops there
ACTIVE = "active"  # () -> the backend and number of workers that are in force


_RUNNING = ("submit", "apply_async", "retrieve_result", "retrieve_result_callback")  # what a backend runs a batch by


class Runner(Protocol):
    """Runs batches of one call."""

    @property
    def id(self) -> int: ...
    @property
    def limit(self) -> int: ...
    @property
    def completions(self) -> Completions[Batch]: ...
    def submit(self, first: int, tasks: Sequence[Task], labels: Sequence[str] | None = None) -> Batch: ...
    def has_begun(self, batch: Batch) -> bool: ...  # or does its worker, which `began` counts from, still start?
    def stop(self, batch: Batch) -> None: ...
    def cancel(self) -> None: ...
    def close(self) -> None: ...


class FallbackToBackend(Exception):
    """Raised by configure() of a backend in whose place `backend` should run this call."""

    def __init__(self, backend: ParallelBackendBase) -> None:
        super().__init__(backend)
        self.backend = backend


# Hooks with nothing to do are no abstract methods: a backend implements those that it needs.
class ParallelBackendBase(metaclass=ABCMeta):
    """The interface of a backend, as libraries implement it.

    configure() is called before a call, or on entering `with Parallel(...)`, and gives the number of workers;
    terminate() when the call, or the block, has ended. Between them start_call(), then submit() for each batch, then
    stop_call(). A call that ends early ends with abort_everything().

    supports_retrieve_callback: retrieve_result_callback(what submit's callback was called with) gives the batch's
        results, or raises. Without it retrieve_result(what submit returned) does, in the caller's thread.
    """

    default_n_jobs = 1
    supports_inner_max_num_threads = False
    supports_retrieve_callback = False
    uses_threads = False
    supports_sharedmem = False
    nesting_level: int | None = None
    parallel: Any = None

    # What BLAS, OpenMP and the like read their number of threads from.
    MAX_NUM_THREADS_VARS = (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "BLIS_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
        "NUMBA_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
    )
    TBB_ENABLE_IPC_VAR = "ENABLE_IPC"

    def __init__(
        self, nesting_level: int | None = None, inner_max_num_threads: int | None = None, **backend_kwargs: Any
    ) -> None:
        super().__init__()
        self.nesting_level = nesting_level
        self.inner_max_num_threads = inner_max_num_threads
        self.backend_kwargs = backend_kwargs

    @property
    def supports_return_generator(self) -> bool:
        return self.supports_retrieve_callback

    @property
    def supports_timeout(self) -> bool:
        return self.supports_retrieve_callback

    @abstractmethod
    def effective_n_jobs(self, n_jobs: int | None) -> int:
        """How many workers `n_jobs` means here."""

    def configure(
        self,
        n_jobs: int = 1,
        parallel: Any = None,
        prefer: str | None = None,
        require: str | None = None,
        **backend_kwargs: Any,
    ) -> int:
        """Prepare for calls of `parallel`. The number of workers; may raise FallbackToBackend."""
        self.parallel = parallel
        return self.effective_n_jobs(n_jobs)

    def start_call(self) -> None:  # noqa: B027
        """A call begins."""

    def stop_call(self) -> None:  # noqa: B027
        """A call has ended."""

    def terminate(self) -> None:  # noqa: B027
        """No call follows for now."""

    def abort_everything(self, ensure_ready: bool = True) -> None:  # noqa: B027
        """Stop what runs. ensure_ready: another call follows without a configure()."""

    def submit(self, func: Callable[[], Any], callback: Callable[..., Any] | None = None) -> Any:
        """Have func() run somewhere, and callback(outcome) be called when it has ended. A future of some kind."""
        import warnings

        warnings.warn(
            f"{type(self).__name__} implements `apply_async`, which is deprecated: implement `submit` instead",
            DeprecationWarning,
            stacklevel=2,
        )
        return self.apply_async(func, callback)

    def apply_async(self, func: Callable[[], Any], callback: Callable[..., Any] | None = None) -> Any:
        """The older name of submit()."""
        raise NotImplementedError(f"{type(self).__name__} has no way to run tasks; implement `submit`")

    def retrieve_result_callback(self, out: Any) -> Any:  # noqa: B027
        """The results of a batch, of what its callback was called with. Raises what the batch raised."""

    def retrieve_result(self, out: Any, timeout: float | None = None) -> Any:
        """The results of a batch, of what submit() returned for it; waits for them. Raises what the batch raised."""
        return out.get(timeout=timeout) if self.supports_timeout else out.get()

    def compute_batch_size(self) -> int:
        """How many tasks the next batch has, for batch_size="auto"."""
        return 1

    def batch_completed(self, batch_size: int, duration: float) -> None:  # noqa: B027
        """A batch of so many tasks has taken so many seconds, from its submission on."""

    def get_nested_backend(self) -> tuple[Any, int | None]:
        """Backend and number of workers for loops that tasks start: threads at the first level, then none."""
        return above[AT_LEVEL]((self.nesting_level or 0) + 1), None

    @contextmanager
    def retrieval_context(self) -> Iterator[None]:
        """Around the part of a call that waits for results."""
        yield

    def _prepare_worker_env(self, n_jobs: int) -> dict[str, str]:
        """Variables for worker processes: the share of the cores that libraries' threads may use."""
        share = max(1, cpu_count() // n_jobs)
        given = self.inner_max_num_threads
        env = {name: str(os.environ.get(name, share) if given is None else given) for name in self.MAX_NUM_THREADS_VARS}
        if self.TBB_ENABLE_IPC_VAR not in os.environ:
            env[self.TBB_ENABLE_IPC_VAR] = "1"
        return env

    @staticmethod
    def in_main_thread() -> bool:
        return threading.current_thread() is threading.main_thread()


class NativeBackend(ParallelBackendBase):
    """One of plait's own."""

    supports_retrieve_callback = True

    def effective_n_jobs(self, n_jobs: int | None) -> int:
        return worker_count(n_jobs)

    def runs_in_place(self, workers: int) -> bool:
        """Whether the caller itself runs the tasks of a call with so many workers."""
        return workers == 1

    def open(self, workers: int, options: CallOptions) -> Runner | None:
        """A runner for one call. None where it gets no workers, and the caller itself runs the tasks."""
        raise NotImplementedError

    def check_event_loop(self) -> None:
        """Raises RuntimeError where the running event loop of asyncio cannot wait for a call."""

    def sizes(self, batch_size: Any) -> Sizes:
        """How many tasks go into a batch."""
        return batches(batch_size)

    def scope_of(self, workers: str) -> Scope:
        """What tasks that such workers run are inside of."""
        level = (self.nesting_level or 0) + 1
        if type(self).get_nested_backend is ParallelBackendBase.get_nested_backend:
            return Scope(level, workers)
        nested = self.get_nested_backend()  # a subclass has its own mind
        backend, n_jobs = nested if isinstance(nested, tuple) else (nested, None)
        return Scope(level, workers, backend, n_jobs)


def borrow(workers: int) -> int:
    """Workers from the one budget, to be given back; 0 where a nested loop had better run in place."""
    budget, inside = nesting.budget(), nesting.nested()
    granted = budget.borrow(workers, inside)
    if inside and granted < 2:  # one helper would do what the caller can do itself
        budget.give_back(granted)
        return 0
    return granted


def runs_tasks_itself(backend: ParallelBackendBase) -> bool:
    """Whether the backend has a way of its own to run a batch. Plait's, and most of their subclasses, have not."""
    for cls in type(backend).__mro__:
        if cls.__module__.startswith("plait.") and issubclass(cls, NativeBackend):
            return False
        if any(name in cls.__dict__ for name in _RUNNING):
            return True
    return True
