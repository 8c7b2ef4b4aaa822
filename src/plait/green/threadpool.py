"""Pools of OS threads, for calls that block and cannot be made cooperative.

A task goes greenlet -> queue -> worker thread -> hub: `spawn` returns an AsyncResult, which the hub sets when it hears
from the worker. A pool belongs to the thread, and the hub, that made it.

Threads are made when tasks ask for them, `maxsize` at most, and end when they were idle for `idle_task_timeout`
seconds. `maxsize` + 1 tasks may be under way, so that a worker finds the next one ready; `spawn` parks beyond that.
A worker is told to end by an item of the queue, behind the tasks that came before.

Threads are real ones, also where `threading` is patched, and run tasks in a `Worker` greenlet of their own. They may
use green functions: the thread then has a hub of its own.

What may end early:

- a greenlet that waits for a task: the task goes on, and nobody hears of its end;
- the process, by fork: the child has no such threads. There a pool begins anew, and who waits for a task of the
  parent's gets a TaskLostError;
- the interpreter: nobody waits for blocked workers;
- the hub, or the pool by `kill`: idle workers end at once, the others after their tasks.

The hub counts a task as something that will wake somebody, and an idle worker as nobody (see `workers`).

Cost: a task is one queue item, one inbox entry and the kernel's two wake-ups.
"""

from __future__ import annotations

import os
import sys
import traceback
import weakref
from _queue import Empty
from collections.abc import Callable
from types import TracebackType
from typing import Any

from plait.green import workers
from plait.green.event import AsyncResult
from plait.green.exceptions import InvalidThreadUseError, TaskLostError
from plait.green.hub import Hub, current, get_hub
from plait.green.lock import Semaphore
from plait.green.pauses import sleep
from plait.green.pool import GroupMappingMixin
from plait.green.waiter import Waiter
from plait.green.workers import SimpleQueue, get_ident
from plait.greenlet import getcurrent, greenlet

__all__ = ["ThreadPool", "ThreadPoolExecutor", "ThreadResult", "Worker", "worker_of"]  # noqa: F822  # see __getattr__

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]

# How long kill() waits for workers that are about to end; one in the middle of a task ends after it.
_GRACE_S = 0.5
# How often it looks whether they have.
_LOOK_S = 0.001

_by_ident: dict[int, Worker] = {}
_pools: weakref.WeakSet[ThreadPool] = weakref.WeakSet()


def worker_of(ident: int) -> Worker | None:
    """The worker that runs in that thread, if one does."""
    return _by_ident.get(ident)


class ThreadResult:
    """The way of one outcome from a worker to the hub.

    Made in the hub's thread. `set` or `handle_error`, in any thread, has the hub call `call_when_ready()` and then
    `receiver(self)`; a receiver is a link: it looks at `successful()`, `value` and `exception`. Until then the hub
    knows that somebody will wake it.
    """

    __slots__ = ("__weakref__", "_call_when_ready", "context", "exc_info", "hub", "receiver", "value")

    def __init__(
        self, receiver: Callable[[ThreadResult], object], hub: Hub, call_when_ready: Callable[[], object]
    ) -> None:
        self.receiver: Callable[[ThreadResult], object] | None = receiver
        self.hub: Hub | None = hub
        self.context: Any = None
        self.value: Any = None
        self.exc_info: ExcInfo | tuple[()] = ()
        self._call_when_ready = call_when_ready
        hub.outside_waits += 1

    @property
    def exception(self) -> BaseException | None:
        return self.exc_info[1] if self.exc_info else None

    def successful(self) -> bool:
        return not self.exc_info

    def set(self, value: Any) -> None:
        """It ended with this value."""
        self.value = value
        self._send()

    def handle_error(self, context: Any, exc_info: ExcInfo) -> None:
        """It failed; context: what the hub's report of the error names, None for no report."""
        self.context = context
        self.exc_info = exc_info
        self._send()

    def _send(self) -> None:
        hub = self.hub
        if hub is None:
            return
        if get_ident() == hub.thread_ident:  # no worker's: after those that are runnable now, as from another thread
            hub.run_callback(hub.run_callback, self._deliver)
        else:
            hub.run_callback_threadsafe(self._deliver)

    def _deliver(self) -> None:
        """In the hub. Whoever fails here, everybody else has heard."""
        hub, self.hub = self.hub, None
        if hub is None:
            return
        hub.outside_waits -= 1
        try:
            self._call_when_ready()
            if self.exc_info and self.context is not None:
                hub.handle_error(self.context, *self.exc_info)
        finally:
            receiver, self.receiver = self.receiver, _nobody
            try:
                if receiver is not None:
                    receiver(self)
            finally:
                self.context = self.value = None
                self._call_when_ready = _nothing
                if self.exc_info:
                    self.exc_info = (*self.exc_info[:2], None)  # the frames would keep the task's arguments


def _nothing() -> None:
    pass


def _nobody(_result: ThreadResult) -> None:
    pass


def _profile_of_threads() -> Any:
    threading = sys.modules.get("threading")
    return None if threading is None else threading.getprofile()


def _trace_of_threads() -> Any:
    threading = sys.modules.get("threading")
    return None if threading is None else threading.gettrace()


class _Task:
    """A call for a worker."""

    __slots__ = ("args", "function", "kwargs", "result")

    def __init__(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], result: ThreadResult
    ) -> None:
        self.function = function
        self.args = args
        self.kwargs = kwargs
        self.result = result


class Worker(greenlet):
    """What a pool's thread runs: takes tasks until it is told to end, or is idle for too long.

    `threading.setprofile` and `settrace` hold in it while it runs a task: `_before_run_task` sets the functions that
    are registered then, `_after_run_task` takes them out. Subclasses may add to these.
    """

    greenlet_tree_is_root = True
    thread_ident = 0

    def __init__(self, threadpool: ThreadPool) -> None:
        greenlet.__init__(self)
        self._pool = weakref.ref(threadpool)
        self._hub = threadpool.hub
        self._tasks = threadpool._tasks
        self._idle_s = threadpool.idle_task_timeout if threadpool.idle_task_timeout >= 0 else None
        self._stderr: Any = sys.stderr
        threadpool._workers.add(self)
        try:
            workers.start(self._begin, ())
        except BaseException:
            threadpool._workers.discard(self)
            raise

    def __repr__(self) -> str:
        hub = self._hub
        return (
            f"<ThreadPoolWorker at {id(self):#x} thread_ident={self.thread_ident:#x} "
            f"threadpool-hub=<{type(hub).__name__} at {id(hub):#x} thread_ident={hub.thread_ident:#x}>>"
        )

    def _begin(self) -> None:
        """In the new thread."""
        main: Any = getcurrent()
        main.greenlet_tree_is_ignored = True
        self.parent = main
        self.thread_ident = get_ident()
        _by_ident[self.thread_ident] = self
        try:
            self.switch()
        finally:
            _by_ident.pop(self.thread_ident, None)

    def run(self) -> None:
        told = False
        try:
            while True:
                task = self._next_task()
                if task is None:
                    told = True
                    return
                self._run_task(task)
                del task  # nothing of it is kept while this waits
        except Empty:
            pass
        except BaseException as error:
            self._complain(error)
        finally:
            self._leave(told)

    def _next_task(self) -> _Task | None:
        """Raises Empty after too long a wait."""
        hub = current()
        if hub is not None:
            hub.name = "ThreadPool Worker Hub"
            if hub.periodic_monitoring_thread is not None:
                hub.periodic_monitoring_thread.ignore_current_greenlet_blocking()
        ident = self.thread_ident
        workers.idle.add(ident)
        try:
            return self._tasks.get(timeout=self._idle_s)
        finally:
            workers.idle.discard(ident)

    def _run_task(self, task: _Task) -> None:
        """A failing hook is the caller's error, and ends the worker: another one starts clean."""
        function, args, kwargs, result = task.function, task.args, task.kwargs, task.result
        del task
        try:
            self._before_run_task(function, args, kwargs, result)
        except BaseException:
            result.handle_error((self, function), sys.exc_info())  # type: ignore[arg-type]
            raise
        try:
            result.set(function(*args, **kwargs))
        except BaseException:
            result.handle_error((self, function), sys.exc_info())  # type: ignore[arg-type]
        finally:
            self._after_run_task(function, args, kwargs, result)

    # What the two use is bound early: a worker may still run when the interpreter has cleared this module.

    def _before_run_task(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        result: ThreadResult,
        _sys: Any = sys,
        _get_thread_profile: Callable[[], Any] = _profile_of_threads,
        _get_thread_trace: Callable[[], Any] = _trace_of_threads,
    ) -> None:
        profile = _get_thread_profile()
        if profile is not None:
            _sys.setprofile(profile)
        trace = _get_thread_trace()
        if trace is not None:
            _sys.settrace(trace)

    def _after_run_task(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        result: ThreadResult,
        _sys: Any = sys,
    ) -> None:
        if _sys.getprofile() is not None:
            _sys.setprofile(None)
        if _sys.gettrace() is not None:
            _sys.settrace(None)

    def _complain(self, error: BaseException) -> None:
        stream = self._stderr
        if stream is not None and not sys.is_finalizing():
            print(f"A worker thread ends, since running a task failed outside of it: {error!r}", file=stream)
            traceback.print_exception(error, file=stream)

    def _leave(self, told: bool) -> None:
        hub = current()
        pool = self._pool()
        if pool is not None:
            pool._left(self, told)
        if hub is not None:
            hub.destroy(True)


class ThreadPool(GroupMappingMixin):
    """Worker threads of one hub; `len` is how many tasks are under way.

    maxsize: threads at most. idle_task_timeout: seconds after which an idle one ends; negative: never.
    """

    _WorkerGreenlet: type[Worker] = Worker

    def __init__(self, maxsize: int, hub: Hub | None = None, idle_task_timeout: float = -1) -> None:
        self.hub = get_hub() if hub is None else hub
        self.idle_task_timeout = idle_task_timeout
        self._maxsize = 0
        self._owed = 0  # places that were taken away while tasks held them
        self._joiners: list[Waiter[Any]] = []
        self._begin_anew()
        self.maxsize = maxsize
        _pools.add(self)

    def _begin_anew(self) -> None:
        self._workers: set[Worker] = set()
        self._leaving = 0  # workers that were told to end
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._under_way: set[ThreadResult] = set()
        self._places = Semaphore(1 + self._maxsize)

    def __del__(self) -> None:
        for _ in getattr(self, "_workers", ()):
            self._tasks.put(None)

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} at {id(self):#x} tasks={len(self)} size={self.size} maxsize={self._maxsize} "
            f"hub=<{type(self.hub).__name__} at {id(self.hub):#x} thread_ident={self.hub.thread_ident:#x}>>"
        )

    def __len__(self) -> int:
        return len(self._under_way)

    # -- its size ------------------------------------------------------------------------------------------------

    @property
    def maxsize(self) -> int:
        """Threads at most. Less than there are ends some, after their tasks; none leaves tasks waiting."""
        return self._maxsize

    @maxsize.setter
    def maxsize(self, value: int) -> None:
        if not isinstance(value, int):
            raise TypeError(f"maxsize={value!r} is no whole number of threads")
        if value < 0:
            raise ValueError(f"maxsize={value!r} is negative; pass the largest number of threads, 0 to pause")
        more, self._maxsize = value - self._maxsize, value
        self._owed -= more
        while self._owed < 0:
            self._owed += 1
            self._places.release()
        while self._owed and self._places.acquire(blocking=False):
            self._owed -= 1
        self.adjust()

    @property
    def size(self) -> int:
        """Threads that run and were not told to end. Setting it starts threads, or tells some to end."""
        return max(0, self._staying())

    @size.setter
    def size(self, value: int) -> None:
        if not 0 <= value <= self._maxsize:
            raise ValueError(f"size={value!r} is not between 0 and maxsize={self._maxsize}; set maxsize first")
        while self._staying() < value:
            self._WorkerGreenlet(self)
        self._shrink_to(value)

    def _staying(self) -> int:
        # Below 0 where one that was told to end was idle for too long at that moment: the next to start takes its word.
        return len(self._workers) - self._leaving

    def _shrink_to(self, value: int) -> None:
        while self._staying() > value:
            self._leaving += 1
            self._tasks.put(None)

    def adjust(self) -> None:
        """Start threads that tasks wait for, end those above maxsize. Done wherever either changes."""
        self._shrink_to(self._maxsize)
        while self._staying() < self._maxsize and len(self._under_way) > len(self._workers):
            self._WorkerGreenlet(self)

    def _left(self, worker: Worker, told: bool) -> None:
        """In the worker's thread, which ends."""
        if worker in self._workers and not self.hub.dead:
            self.hub.run_callback_threadsafe(self._forget, worker, told)

    def _forget(self, worker: Worker, told: bool) -> None:
        if worker in self._workers:
            self._workers.remove(worker)
            self._leaving -= told
            self.adjust()

    # -- tasks ---------------------------------------------------------------------------------------------------

    def spawn(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> AsyncResult:
        """Run func(*args, **kwargs) in a thread; parks while `maxsize` + 1 tasks are under way.

        Returns an AsyncResult. In the pool's own thread only, else raises InvalidThreadUseError.
        """
        if get_ident() != self.hub.thread_ident:
            raise InvalidThreadUseError(
                f"{self!r} was used from thread {get_ident():#x}; use that thread's own pool, get_hub().threadpool"
            )
        places = self._places
        places.acquire()
        outcome = AsyncResult()
        result = ThreadResult(outcome, self.hub, _nothing)
        under_way = self._under_way
        result._call_when_ready = lambda: self._ended(result, under_way)
        under_way.add(result)
        self._tasks.put(_Task(func, args, kwargs, result))
        self.adjust()
        return outcome

    def _ended(self, result: ThreadResult, under_way: set[ThreadResult]) -> None:
        under_way.discard(result)
        if under_way is not self._under_way:  # a fork came between
            return
        if not under_way:
            self._wake_joiners()
        if self._owed:
            self._owed -= 1
        else:
            self._places.release()

    def _apply_immediately(self) -> bool:
        # A task that calls apply() would wait, in a worker, for the hub of another thread.
        return get_ident() != self.hub.thread_ident

    def _spawn_must_not_wait(self) -> bool:
        return True  # so apply_async goes through a greenlet, and its callback runs in one

    def join(self) -> None:
        """Wait until no task is under way."""
        while self._under_way:
            waiter: Waiter[Any] = Waiter(outside=False)
            self._joiners.append(waiter)
            try:
                waiter.wait()
            finally:
                self._joiners.remove(waiter)

    def _wake_joiners(self) -> None:
        for waiter in self._joiners:
            waiter.wake()

    def kill(self, block: bool = True) -> None:
        """End the threads: idle ones now, the others after their tasks. The pool may be used again.

        block: wait a moment for them, cooperatively.
        """
        self._shrink_to(0)
        if not block or get_ident() != self.hub.thread_ident or getcurrent() is self.hub:
            return
        waited = 0.0
        while self._leaving and waited < _GRACE_S:
            sleep(_LOOK_S)
            waited += _LOOK_S

    # -- fork ----------------------------------------------------------------------------------------------------

    def _after_fork(self) -> None:
        """In the child: none of the threads is here."""
        lost = list(self._under_way)
        self._begin_anew()
        self._owed = 0
        self._wake_joiners()
        for result in lost:
            error = TaskLostError("the task ran in a thread, and fork copies none; call it again in the child")
            result.handle_error(None, (TaskLostError, error, None))


def _after_fork_in_child() -> None:
    _by_ident.clear()
    for pool in list(_pools):
        pool._after_fork()


os.register_at_fork(after_in_child=_after_fork_in_child)


def __getattr__(name: str) -> Any:
    if name != "ThreadPoolExecutor":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # it takes as long as the rest of the layer

    return import_module("plait.green.executor").ThreadPoolExecutor
