"""joblib.pool: multiprocessing.Pool's methods over plait's executor of processes.

The workers are the pool's own, so `terminate` cancels what this object was given and ends no process. Reducers, which
say how a type is pickled on its way there and back, are followed for calls of this object alone.
"""

from __future__ import annotations

import io
import pickle
from collections import ChainMap
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import as_completed
from multiprocessing import TimeoutError as NotReadyError
from types import TracebackType
from typing import Any

from plait.compat.joblib_private.executor import arrays_policy
from plait.parallel.executor import Future, ProcessPoolExecutor
from plait.parallel.transport.packing import OFF, ArrayPolicy

Reducers = Mapping[type, Callable[[Any], Any]]


class AsyncResult:
    """What apply_async and its like return."""

    def __init__(self, future: Future, combined: Callable[[Any], Any] = lambda value: value) -> None:
        self._future = future
        self._combined = combined

    def get(self, timeout: float | None = None) -> Any:
        self.wait(timeout)
        if not self._future.done():
            raise NotReadyError(f"no result within timeout={timeout!r} s; pass a longer timeout, or None for no limit")
        return self._combined(self._future.result())

    def wait(self, timeout: float | None = None) -> None:
        try:
            self._future.exception(timeout)
        except TimeoutError:
            pass

    def ready(self) -> bool:
        return self._future.done()

    def successful(self) -> bool:
        if not self.ready():
            raise ValueError("the call has not ended; ask ready() first, or wait()")
        return self._future.exception() is None


class PicklingPool:
    """A pool of `processes` workers whose calls are pickled with reducers of the user's.

    forward_reducers, backward_reducers: type -> what its __reduce__ would return, for arguments and for results.
    """

    def __init__(
        self,
        processes: int | None = None,
        forward_reducers: Reducers | None = None,
        backward_reducers: Reducers | None = None,
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
        arrays: ArrayPolicy = OFF,
        **_: Any,
    ) -> None:
        self._forward_reducers = dict(forward_reducers or {})
        self._backward_reducers = dict(backward_reducers or {})
        self._executor = ProcessPoolExecutor(processes, initializer=initializer, initargs=initargs, arrays=arrays)

    def _submit(self, func: Callable[..., Any], args: Iterable[Any], kwds: Mapping[str, Any]) -> Future:
        if not self._forward_reducers and not self._backward_reducers:
            return self._executor.submit(func, *args, **kwds)
        call = _dumps((func, tuple(args), dict(kwds)), self._forward_reducers)
        return self._executor.submit(_call_pickled, call, self._backward_reducers)

    def _unpacked(self, value: Any) -> Any:
        return pickle.loads(value) if self._forward_reducers or self._backward_reducers else value

    def apply_async(
        self,
        func: Callable[..., Any],
        args: Iterable[Any] = (),
        kwds: Mapping[str, Any] | None = None,
        callback: Callable[[Any], object] | None = None,
        error_callback: Callable[[BaseException], object] | None = None,
    ) -> AsyncResult:
        future = self._submit(func, args, kwds or {})

        def tell(ended: Any) -> None:
            error = ended.exception()
            if error is None and callback is not None:
                callback(self._unpacked(ended.result()))
            elif error is not None and error_callback is not None:
                error_callback(error)

        future.add_done_callback(tell)
        return AsyncResult(future, self._unpacked)

    def apply(self, func: Callable[..., Any], args: Iterable[Any] = (), kwds: Mapping[str, Any] | None = None) -> Any:
        return self.apply_async(func, args, kwds).get()

    def map(self, func: Callable[..., Any], iterable: Iterable[Any], chunksize: int | None = None) -> list[Any]:
        return list(self.imap(func, iterable))

    def starmap(
        self, func: Callable[..., Any], iterable: Iterable[Iterable[Any]], chunksize: int | None = None
    ) -> list[Any]:
        return [self._unpacked(future.result()) for future in [self._submit(func, args, {}) for args in iterable]]

    def imap(self, func: Callable[..., Any], iterable: Iterable[Any], chunksize: int = 1) -> Iterator[Any]:
        given = [self._submit(func, (item,), {}) for item in iterable]
        return (self._unpacked(future.result()) for future in given)

    def imap_unordered(self, func: Callable[..., Any], iterable: Iterable[Any], chunksize: int = 1) -> Iterator[Any]:
        given = [self._submit(func, (item,), {}) for item in iterable]
        return (self._unpacked(future.result()) for future in as_completed(given))

    def close(self) -> None:
        self._executor.shutdown(wait=False)

    def terminate(self) -> None:
        self._executor.shutdown(wait=False, kill_workers=True)

    def join(self) -> None:
        self._executor.shutdown()

    def __enter__(self) -> PicklingPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.terminate()


class MemmappingPool(PicklingPool):
    """A PicklingPool with settings for large arrays, which lie in anonymous memory: temp_folder has no meaning."""

    def __init__(
        self,
        processes: int | None = None,
        temp_folder: Any = None,
        max_nbytes: float | str | None = 1e6,
        mmap_mode: str | None = "r",
        forward_reducers: Reducers | None = None,
        backward_reducers: Reducers | None = None,
        verbose: int = 0,
        prewarm: bool | str = False,
        **kwargs: Any,
    ) -> None:
        arrays = arrays_policy(max_nbytes, mmap_mode)
        super().__init__(processes, forward_reducers, backward_reducers, arrays=arrays, **kwargs)


def _dumps(value: Any, reducers: Reducers) -> bytes:
    from cloudpickle import CloudPickler

    table = ChainMap(dict(reducers), CloudPickler.dispatch_table)
    buffer = io.BytesIO()
    type("Pickler", (CloudPickler,), {"dispatch_table": table})(buffer).dump(value)
    return buffer.getvalue()


def _call_pickled(call: bytes, reducers: Reducers) -> bytes:
    function, args, kwargs = pickle.loads(call)
    return _dumps(function(*args, **kwargs), reducers)
