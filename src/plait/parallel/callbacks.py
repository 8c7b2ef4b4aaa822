"""What libraries hang themselves onto: the callback at the end of each batch, and the batch that a backend submits.

BatchCompletionCallBack is a slot. A program that wants to hear of finished batches puts a subclass of its own here
while its loops run, the common way to draw a progress bar; Parallel looks whenever a call begins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from plait._base.call import split
from plait.parallel import nesting
from plait.parallel.nesting import Scope


class BatchCompletionCallBack:
    """Called when a batch of `parallel` has ended, with whatever its backend has to say of it.

    dispatch_timestamp: seconds since the epoch when it was sent. batch_size: its number of tasks.
    """

    def __init__(self, dispatch_timestamp: float, batch_size: int, parallel: Any) -> None:
        self.dispatch_timestamp = dispatch_timestamp
        self.batch_size = batch_size
        self.parallel = parallel
        self.job: Any = None
        self.ended: Callable[..., object] | None = None  # who waits for the batch

    def register_job(self, job: Any) -> None:
        """What the backend's submit() returned."""
        self.job = job

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        if self.ended is not None:
            self.ended(*args, **kwargs)


_original = BatchCompletionCallBack


def patched() -> bool:
    """Whether somebody has put a class of their own into the slot."""
    return BatchCompletionCallBack is not _original


class BatchedCalls:
    """A batch of tasks as one function, which gives the list of their results. Loops inside are nested.

    backend_and_jobs: what get_nested_backend() of the backend gives.
    """

    def __init__(
        self,
        iterator_slice: Iterable[Any],
        backend_and_jobs: Any = (None, None),
        reducer_callback: Callable[[], object] | None = None,
        pickle_cache: dict[Any, Any] | None = None,
    ) -> None:
        self.items = [split(item) for item in iterator_slice]
        self._backend, self._n_jobs = (
            backend_and_jobs if isinstance(backend_and_jobs, tuple) else (backend_and_jobs, None)
        )
        self._before_pickling = reducer_callback

    def __call__(self) -> list[Any]:
        level = getattr(self._backend, "nesting_level", None) or 0
        with nesting.inside(Scope(level, "", self._backend, self._n_jobs)):
            return [function(*args, **(kwargs or {})) for function, args, kwargs in self.items]

    def __reduce__(self) -> tuple[Any, ...]:
        if self._before_pickling is not None:
            self._before_pickling()
        return BatchedCalls, (self.items, (self._backend, self._n_jobs))

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.items)
