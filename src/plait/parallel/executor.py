"""The pool as executors of concurrent.futures: `ProcessPoolExecutor` and `ThreadPoolExecutor`.

Their futures are real ones of concurrent.futures, so `wait`, `as_completed` and asyncio's `run_in_executor` take them;
`result` and `exception` park the calling greenlet, and others go on. The workers are the pool's, warm and shared with
loops: an executor is a number of calls that may run at once, costs nothing while it has none, and ends no worker.

    a call: queued -> given to a worker (its future runs) -> ended
            queued -> cancelled

Where it differs from the standard library's: the death of a worker fails the future of the call that it ran, and the
executor goes on; the error is a BrokenProcessPool that names call and signal. Functions of `__main__` travel by value,
so no guard is needed. An `initializer` runs once in each worker that gets a call; other users of that worker see what
it did there.

Threads. submit() pickles in the caller's thread where a worker is free; otherwise the collector does, a thread of
the pool that is there as long as results come in. It also unpickles them, and runs the callbacks of futures.
"""

from __future__ import annotations

import atexit
import itertools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent import futures
from concurrent.futures import _base
from functools import partial
from typing import Any
from weakref import ref

from plait._base import clock, natives
from plait.green.timeout import deadline_after
from plait.green.waiter import DeadlineExceeded, Waiter
from plait.parallel import interrupts, nesting, pool
from plait.parallel.budget import cpu_count
from plait.parallel.errors import ExecutorBroken, PoolError
from plait.parallel.initializing import InitializerError, call_initialized
from plait.parallel.outcome import Batch, Task
from plait.parallel.pool import hooks
from plait.parallel.pool.process_pool import ProcessRun
from plait.parallel.transport.packing import OFF, ArrayPolicy

__all__ = ["Future", "ProcessPoolExecutor", "ThreadPoolExecutor"]

_busy: set[_PoolExecutor] = set()  # those with calls
_numbers = itertools.count()


class Future(futures.Future[Any]):
    """The outcome of a call; waiting for it is cooperative."""

    def result(self, timeout: float | None = None) -> Any:
        """Wait for the value; raises what the call raised, CancelledError, and TimeoutError after `timeout` seconds."""
        self._park(timeout)
        return super().result(0)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait for the exception; None where there is a value. Raises CancelledError and TimeoutError itself."""
        self._park(timeout)
        return super().exception(0)

    def _park(self, timeout: float | None) -> None:
        if self.done():
            return
        waiter: Waiter[None] = Waiter(subject=self)
        self.add_done_callback(lambda _: waiter.wake())
        try:
            waiter.wait(deadline_after(timeout))
        except DeadlineExceeded:
            raise futures.TimeoutError from None


class _Call:
    __slots__ = ("args", "function", "future", "index", "kwargs")

    def __init__(self, index: int, function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> None:
        self.index = index
        self.future = Future()
        self.function = function
        self.args = args
        self.kwargs = kwargs


class _PoolExecutor(futures.Executor):
    """What both kinds share: which calls have not ended, and what that means for shutdown and the budget."""

    def __init__(
        self, workers: int, initializer: Callable[..., object] | None = None, initargs: tuple[Any, ...] = ()
    ) -> None:
        if initializer is not None and not callable(initializer):
            raise TypeError(f"initializer={initializer!r} cannot be called; pass a function, or None")
        self._max_workers = workers
        self._initializer = initializer
        self._initargs = initargs
        self._id = f"{os.getpid()}-{next(_numbers)}"
        self._lock = natives.allocate_lock()
        self._unfinished: set[_Call] = set()
        self._count = itertools.count()
        self._shut_down = False
        self._broken = ""  # why nothing more is run: what the initializer raised
        self._budget = nesting.budget()
        self._waiters: list[Waiter[None]] = []

    def __repr__(self) -> str:
        return f"{type(self).__name__}(max_workers={self._max_workers})"

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        """A future of fn(*args, **kwargs). Raises RuntimeError after shutdown()."""
        with self._lock:
            if self._broken:
                raise self._breakage(self._broken)
            if self._shut_down:
                raise RuntimeError("cannot schedule new futures after shutdown; make another executor")
            call = _Call(next(self._count), fn, args, kwargs)
            if not self._unfinished:
                self._budget = nesting.budget()
                self._budget.borrow(self._max_workers, nested=False)
                _busy.add(self)
            self._unfinished.add(call)
        self._dispatch(call)
        return call.future

    def map(
        self,
        fn: Callable[..., Any],
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int = 1,
        buffersize: int | None = None,
    ) -> Iterator[Any]:
        """An iterator of fn(*items), in order. Raises TimeoutError where a result is not there `timeout` s from now.

        chunksize: calls that travel together, to processes. buffersize: at most so many calls are ahead of the results
        taken; None submits all at once. Leaving the iterator cancels what has not begun.
        """
        if chunksize < 1:
            raise ValueError(f"chunksize={chunksize!r} leaves nothing to call; pass 1 or more")
        if buffersize is not None and (not isinstance(buffersize, int) or buffersize < 1):
            raise ValueError(f"buffersize={buffersize!r} lets nothing begin; pass 1 or more, or None for no limit")
        items = zip(*iterables, strict=False)
        if self._chunks and chunksize > 1:
            ahead = None if buffersize is None else max(1, buffersize // chunksize)
            chunks = iter(lambda: list(itertools.islice(items, chunksize)), [])
            parts = self._ordered(lambda chunk: self.submit(_call_each, fn, chunk), chunks, timeout, ahead)
            return itertools.chain.from_iterable(parts)
        return self._ordered(lambda args: self.submit(fn, *args), items, timeout, buffersize)

    def _ordered(
        self, submit: Callable[[Any], Future], items: Iterator[Any], timeout: float | None, ahead: int | None
    ) -> Iterator[Any]:
        deadline = deadline_after(timeout)
        given = deque(map(submit, itertools.islice(items, ahead)))

        def results() -> Iterator[Any]:
            try:
                while given:
                    if ahead is not None:
                        given.extend(map(submit, itertools.islice(items, 1)))
                    yield _taken(given.popleft(), deadline)  # in no variable, which would keep it meanwhile
            finally:
                for future in given:
                    future.cancel()

        return results()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False, kill_workers: bool = False) -> None:
        """Take no more calls. The workers stay with the pool.

        wait: until all calls have ended, cooperatively. cancel_futures: calls that have not begun never do.
        kill_workers: nor do those that run go on; their futures get a BrokenExecutor.
        """
        with self._lock:
            self._shut_down = True
            unfinished = list(self._unfinished)
        if cancel_futures or kill_workers:
            for call in unfinished:
                call.future.cancel()
        if kill_workers:
            self._kill()
        self._dispatch(None)
        if wait:
            self._join()

    def _join(self) -> None:
        waiter: Waiter[None] = Waiter(subject=self)
        with self._lock:
            if not self._unfinished:
                return
            self._waiters.append(waiter)
        try:
            waiter.wait()
        finally:
            with self._lock:
                self._waiters.remove(waiter)

    def _ended(self, call: _Call) -> None:
        """Its future is done."""
        with self._lock:
            self._unfinished.discard(call)
            if self._unfinished:
                return
            self._budget.give_back(self._max_workers)
            _busy.discard(self)
            for waiter in self._waiters:
                waiter.wake()

    def _fail(self, error: InitializerError) -> None:
        """The initializer failed: every call that has not ended fails, and so will all others."""
        _base.LOGGER.critical("%s", error, exc_info=error)
        reason = str(error)
        with self._lock:
            self._broken = reason
            unfinished = list(self._unfinished)
        for call in unfinished:
            if call.future.running() or call.future.set_running_or_notify_cancel():
                _settle(call.future, None, self._breakage(reason))
            self._ended(call)

    # -- what the kinds differ in --------------------------------------------------------------------------------

    _chunks = False  # whether calls are better sent several at a time

    def _dispatch(self, call: _Call | None) -> None:
        """Have it run when its turn comes; None: look after those that were cancelled."""
        raise NotImplementedError

    def _kill(self) -> None:
        """Interrupt what runs."""
        raise NotImplementedError

    def _breakage(self, text: str) -> BaseException:
        raise NotImplementedError


class ThreadPoolExecutor(_PoolExecutor):
    """Calls on the pool's threads, at most max_workers at once.

    max_workers: the cores and four more, up to 32, where None. thread_name_prefix is accepted: the threads are the
    pool's, and keep their names.
    """

    def __init__(
        self,
        max_workers: int | None = None,
        thread_name_prefix: str = "",
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
    ) -> None:
        workers = min(32, cpu_count() + 4) if max_workers is None else _positive(max_workers)
        super().__init__(workers, initializer, initargs)
        self._crew = pool.threads().crew(self._run, workers, strict=True)
        self._initialized: set[int] = set()

    def _dispatch(self, call: _Call | None) -> None:
        if call is not None:
            self._crew.put(call)

    def _run(self, call: _Call) -> None:
        """In a worker."""
        if call.future.set_running_or_notify_cancel():
            guard = interrupts.current()
            assert guard is not None
            try:
                self._initialize()
                value = guard.call(call.function, call.args, call.kwargs)
            except InitializerError as error:
                self._fail(error)
                return
            except BaseException as error:
                _settle(call.future, None, error)
                del error
            else:
                _settle(call.future, value, None)
                del value
        self._ended(call)

    def _initialize(self) -> None:
        me = natives.get_ident()
        if self._initializer is None or me in self._initialized:
            return
        try:
            self._initializer(*self._initargs)
        except BaseException as error:
            raise InitializerError(f"the initializer of {self!r} failed: {error!r}") from error
        self._initialized.add(me)

    def _kill(self) -> None:
        self._crew.interrupt()

    def _breakage(self, text: str) -> BaseException:
        from concurrent.futures.thread import BrokenThreadPool

        return BrokenThreadPool(text)


class ProcessPoolExecutor(_PoolExecutor):
    """Calls on the pool's processes, at most max_workers at once.

    max_workers: the cores, where None. mp_context and max_tasks_per_child are accepted: how processes begin is the
    pool's business, and they live as long as it. arrays: how large ones reach the calls; as copies by default.
    """

    _chunks = True
    _process_run: ProcessRun | None = None

    def __init__(
        self,
        max_workers: int | None = None,
        mp_context: object = None,
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
        *,
        max_tasks_per_child: int | None = None,
        arrays: ArrayPolicy = OFF,
    ) -> None:
        super().__init__(cpu_count() if max_workers is None else _positive(max_workers), initializer, initargs)
        self._arrays = arrays
        self._queue: deque[_Call] = deque()
        self._sent: dict[int, _Call] = {}  # by index
        self._sending = natives.RLock()  # a run packs for one thread at a time
        self._collecting = False

    def _dispatch(self, call: _Call | None) -> None:
        if call is not None:
            self._queue.append(call)
        while self._send_next():
            pass

    def _send_next(self) -> bool:
        """Give the next call to the pool, if there is one and its turn has come."""
        with self._sending:
            with self._lock:
                call = self._queue[0] if self._queue else None
                if call is None or (len(self._sent) > self._max_workers and not call.future.cancelled()):
                    return False
                self._queue.popleft()
            if not call.future.set_running_or_notify_cancel():
                self._ended(call)
                return True
            self._sent[call.index] = call
            try:
                self._send(call)
            except Exception as error:
                failure = error
            else:
                return True
        self._sent.pop(call.index, None)
        _settle(call.future, None, failure)
        self._ended(call)
        return True

    def _send(self, call: _Call) -> None:
        # The function goes as an argument: a run keeps functions, and this one may live long.
        if self._initializer is None:
            task: Task = (_call, (call.function, call.args, call.kwargs), {})
        else:
            start = (self._id, self._initializer, self._initargs)
            task = (call_initialized, (*start, call.function, call.args, call.kwargs), {})
        try:
            batch = self._run().submit(call.index, [task])
        except PoolError:  # the pool was shut down since the last call
            self._process_run = None
            batch = self._run().submit(call.index, [task])
        batch.tasks = [(call.function, call.args, call.kwargs)]  # what errors name

    def _run(self) -> ProcessRun:
        run = self._process_run
        if run is None:
            record = hooks.record(cpu_count() // self._max_workers)
            run = pool.processes().open(self._max_workers, record, fail_fast=False, arrays=self._arrays)
            run.completions.listener = partial(_wake_collector, ref(self))  # which an idle executor does not outlive
            self._process_run = run
        return run

    def collect_soon(self) -> None:
        """Something has come back."""
        with self._lock:
            starting, self._collecting = not self._collecting, True
        if starting:
            pool.threads().start(self._collect)

    def _collect(self) -> None:
        while True:
            run = self._process_run
            if run is not None:
                run.completions.hear()
            with self._lock:
                if run is None or not run.completions:
                    self._collecting = False
                    return
            self._take(run.completions.take())
            while self._send_next():
                pass

    def _take(self, batch: Batch) -> None:
        if not batch.tasks:  # the pool was shut down
            self._lose_all(str(batch.error))
            return
        call = self._sent.pop(batch.first, None)
        if call is None:
            return
        batch.settle()
        error = batch.error
        if isinstance(error, InitializerError):
            self._fail(error)
            return
        _settle(call.future, batch.results[0] if error is None else None, error)
        self._ended(call)

    def _lose_all(self, reason: str) -> None:
        self._process_run = None
        for index in list(self._sent):
            call = self._sent.pop(index, None)
            if call is not None:
                _settle(call.future, None, self._breakage(reason))
                self._ended(call)

    def _kill(self) -> None:
        run = self._process_run
        if run is not None:
            run.cancel()
            self._lose_all("the executor was shut down, and its calls were interrupted")

    def _breakage(self, text: str) -> BaseException:
        return ExecutorBroken(text)

    def __del__(self) -> None:
        if self._process_run is not None:
            self._process_run.close()


def _wake_collector(executor: ref[ProcessPoolExecutor]) -> None:
    """In the pool's own thread, which must not run users' code."""
    awake = executor()
    if awake is not None:
        awake.collect_soon()


def _call(function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
    return function(*args, **kwargs)


def _call_each(function: Callable[..., Any], chunk: list[tuple[Any, ...]]) -> list[Any]:
    return [function(*args) for args in chunk]


def _taken(future: Future, deadline: float | None) -> Any:
    try:
        return future.result(None if deadline is None else max(0.0, deadline - clock.now()))
    except BaseException:
        future.cancel()
        raise
    finally:
        del future  # the traceback of an exception would keep it


def _settle(future: Future, value: Any, error: BaseException | None) -> None:
    try:
        if error is None:
            future.set_result(value)
        else:
            future.set_exception(error)
    except _base.InvalidStateError:  # it was failed meanwhile: the executor was killed, or an initializer failed
        pass


def _positive(max_workers: int) -> int:
    if not isinstance(max_workers, int) or max_workers < 1:
        raise ValueError(f"max_workers must be greater than 0, and {max_workers!r} is not; or pass None")
    return max_workers


def _finish_calls() -> None:
    """At exit calls that were submitted end first, as with the standard library's executors."""
    for executor in list(_busy):
        executor.shutdown()


atexit.register(_finish_calls)  # runs before the pool's own, which was registered earlier
