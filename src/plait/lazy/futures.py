"""Futures of lazy calls on this machine: submit now, compute meanwhile, wait later. With the names of `distributed`.

    with Client("processes") as client:
        rows = client.map(load, paths)
        total = client.submit(sum, rows)            # futures among the arguments are waited for
        for row in as_completed(rows): ...
        print(total.result())

A Client is a number of workers of the pool and a loop (see `loops`) that serves all of its futures; it starts nothing
by itself. A future is one run of a graph: of a single call, or of what `compute` is given. Its calls begin once all
futures that they use are there; when one of these fails or is cancelled, so is it.

    pending -> finished | error | cancelled

cancel() stops within a task: nothing of the run starts any more, and what runs is interrupted as in `Parallel`. Waiting
parks the greenlet, as everywhere. Futures are those of concurrent.futures, so that its `wait`, and asyncio's
`wrap_future`, take them. Callbacks are called in the thread that ended the run.

Equal calls of pure functions share a future while somebody holds it, as in `distributed`; say pure=False for others.

Rejected: module functions `submit` and `map`, since a future must know its workers, and `map` would hide the builtin.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent import futures
from concurrent.futures import CancelledError, _base
from contextlib import ExitStack
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

from plait._base import natives
from plait.green.timeout import deadline_after
from plait.green.waiter import DeadlineExceeded
from plait.lazy import schedulers
from plait.lazy._native.arena import Arena, Execution
from plait.lazy._native.nodes import Node, Template, make
from plait.lazy.computing import limit_memory
from plait.lazy.loops import GreenLoop, Job, Loop, SyncLoop, ThreadLoop
from plait.lazy.lowering import lower
from plait.lazy.plain import Literal, graph_of
from plait.lazy.protocol import Foreign, outputs_of
from plait.parallel import nesting, pool
from plait.parallel.completions import Completions
from plait.parallel.executor import Future as PoolFuture
from plait.parallel.tracebacks import trim

__all__ = ["Client", "Future", "as_completed", "wait"]


class Future(PoolFuture):
    """The outcome of a run. key: what errors call it."""

    def __init__(self, key: Any, client: Client) -> None:
        super().__init__()
        self.key = key
        self._client = client
        self._job: Job | None = None

    @property
    def status(self) -> str:
        """ "pending", "finished", "error" or "cancelled"."""
        if not self.done():
            return "pending"
        return "cancelled" if self.cancelled() else "finished" if self._exception is None else "error"

    def cancel(self) -> bool:
        """Stop it within a task, unless it is done; whether it is cancelled now. What uses it is cancelled too."""
        if not super().cancel():
            return False
        if self._state == _base.CANCELLED:  # for waiters of concurrent.futures
            self.set_running_or_notify_cancel()
        job, self._job = self._job, None
        if job is not None:
            self._client._stop(job)
        return True

    def traceback(self, timeout: float | None = None) -> Any:
        """The traceback of its exception; None where there is a value. Waits as exception() does."""
        error = self.exception(timeout)
        return None if error is None else error.__traceback__

    def __repr__(self) -> str:
        return f"<Future: {self.status}, key: {self.key}>"

    def __await__(self) -> Generator[Any, None, Any]:
        from asyncio import wrap_future  # slow to load

        return wrap_future(self).__await__()

    # As a collection, so that calls and `compute` take futures as they take other lazy values.

    def __plait_node__(self) -> Node:
        node: Node = make(_Given(self), (), None, None, None, self.key)
        return node

    def __dask_graph__(self) -> dict[Any, Any]:
        return graph_of([self.__plait_node__()])

    def __dask_keys__(self) -> list[Any]:
        return [self.key]

    def __dask_postcompute__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return _only, ()

    def __dask_tokenize__(self) -> Any:
        return self.key

    def _settle(self, value: Any, error: BaseException | None) -> None:
        self._job = None
        try:
            if error is None:
                self.set_result(value)
            else:
                self.set_exception(error)
        except _base.InvalidStateError:  # it was cancelled meanwhile
            pass


class _Given:
    """Gives the value of a future. The caller of a run calls it, never a worker process."""

    __plait_here__ = True

    def __init__(self, future: Future) -> None:
        self.future = future

    def __call__(self) -> Any:
        return self.future.result()

    def __reduce__(self) -> tuple[Any, ...]:
        return Literal, (self.future.result(),)

    def __repr__(self) -> str:
        return repr(self.future)


def _only(values: Any) -> Any:
    return values[0]


class Client:
    """Runs what is submitted, on workers of this machine.

    scheduler: "threads" (the default, also of None), "processes", "green" (in the thread that submits) or "sync" (at
    once). num_workers: how many, strictly; without it one a core, and more threads while tasks block. memory_limit: as
    of `compute`, for each run. Raises ValueError for other schedulers.
    """

    def __init__(
        self, scheduler: str | None = None, num_workers: int | None = None, memory_limit: float | str | None = None
    ) -> None:
        self._run = schedulers.scheduler("threads" if scheduler is None else scheduler)
        if self._run not in (schedulers.threads, schedulers.processes, schedulers.green, schedulers.sync):
            raise ValueError(f"scheduler={scheduler!r} has no futures; pass 'threads', 'processes', 'green' or 'sync'")
        self.scheduler = schedulers.names(self._run)[0]
        self._workers = schedulers.workers_asked(num_workers)
        self._memory_limit = memory_limit
        self._lock = natives.RLock()
        self._open: set[Future] = set()
        self._shared: WeakValueDictionary[Any, Future] = WeakValueDictionary()
        self._closed = False
        self._loop: Loop | None = None

    # -- what users call -----------------------------------------------------------------------------------------

    def submit(self, func: Callable[..., Any], *args: Any, key: Any = None, pure: bool = True, **kwargs: Any) -> Future:
        """A future of func(*args, **kwargs). Futures and lazy values among the arguments, at any depth, are computed.

        key: its name. pure: equal calls, and equal keys, share a future. Raises RuntimeError once the client is closed.
        """
        node = make(func, args, kwargs, pure, None, key)
        return self._future(
            node.key, pure, lambda resources: Arena([node]) if _is_plain(node) else lower([node], resources)
        )

    def map(
        self, func: Callable[..., Any], *iterables: Iterable[Any], key: Any = None, pure: bool = True, **kwargs: Any
    ) -> list[Future]:
        """Futures of func(*items, **kwargs), as of submit(). key: a prefix of the names, or a list of one for each.

        Raises ValueError where there are more or fewer names than calls.
        """
        rows = list(zip(*iterables, strict=False))
        names = _names(key, len(rows))
        return [self.submit(func, *row, key=name, pure=pure, **kwargs) for row, name in zip(rows, names, strict=True)]

    def compute(self, collections: Any, sync: bool = False) -> Any:
        """A future of a lazy value, or a list of futures for a list of them. sync: wait, and give the values."""
        if isinstance(collections, list | tuple | set):
            started = [self.compute(each) for each in collections]
            return self.gather(started) if sync else started
        future = self._of_collection(collections)
        return future.result() if sync else future

    def gather(self, futures: Any, errors: str = "raise") -> Any:
        """The values of futures, in the lists, tuples, sets and dictionaries that they are in; waits for them.

        errors: "raise" the first, or "skip" those that failed, in what holds them. Raises what a future raised.
        """
        if errors not in ("raise", "skip"):
            raise ValueError(f"errors={errors!r} is not known; pass 'raise' or 'skip'")
        if isinstance(futures, Iterator):
            futures = list(futures)
        return _gathered(futures, errors == "skip")

    def cancel(self, futures: Any) -> None:
        """Cancel a future, or all in a list."""
        for future in [futures] if isinstance(futures, Future) else list(futures):
            future.cancel()

    def close(self) -> None:
        """Cancel what is not done, and take no more. The workers stay with the pool."""
        with self._lock:
            self._closed = True
            unfinished = list(self._open)
        for future in unfinished:
            future.cancel()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Client: {self.scheduler}, {len(self._open)} pending>"

    # -- runs ----------------------------------------------------------------------------------------------------

    def _of_collection(self, collection: Any) -> Future:
        template = Template((collection,), True)
        if not template.nodes:
            raise TypeError(f"{collection!r} is not lazy; pass a Delayed or another collection, or use submit()")
        (node,) = template.nodes
        finish = node.finished if isinstance(node, Foreign) else _only
        return self._future(node.key, False, lambda resources: lower(outputs_of([node]), resources), finish)

    def _future(
        self, key: Any, shared: bool, arena_of: Callable[[ExitStack], Arena], finish: Callable[[Any], Any] = _only
    ) -> Future:
        with self._lock:
            if self._closed:
                raise RuntimeError("this client is closed; make another one")
            known = self._shared.get(key) if shared else None
            if known is not None and not known.cancelled():
                return known
            future = Future(key, self)
            self._open.add(future)
            if shared:
                self._shared[key] = future
        future.add_done_callback(self._forget)
        resources = ExitStack()
        future.add_done_callback(lambda _: resources.close())
        try:
            arena = arena_of(resources)
        except BaseException:
            future.cancel()
            raise
        self._start_after(future, arena, resources, finish)
        return future

    def _forget(self, future: Any) -> None:
        with self._lock:
            self._open.discard(future)

    def _start_after(
        self, future: Future, arena: Arena, resources: ExitStack, finish: Callable[[list[Any]], Any]
    ) -> None:
        """Start a run when all futures that it uses are done."""
        used = {node._function.future for node in arena.nodes if type(node._function) is _Given}
        missing = itertools.count(len(used) - 1, -1)  # a step of it is atomic

        def arrived(other: Any) -> None:
            if other.cancelled():
                future.cancel()
            elif other.exception(0) is not None:
                future._settle(None, other.exception(0))
            if next(missing) == 0 and not future.done():
                self._start(future, arena, resources, finish)

        if not used:
            self._start(future, arena, resources, finish)
        for other in used:
            other.add_done_callback(arrived)

    def _start(self, future: Future, arena: Arena, resources: ExitStack, finish: Callable[[list[Any]], Any]) -> None:
        """Have it run. Raises nothing: it is called by whoever ended the last future that it uses."""
        execution = Execution(arena)

        def ended(error: BaseException | None) -> None:
            value = None
            if error is None:
                try:
                    value = finish(execution.outputs())
                except Exception as failure:
                    error = failure
            if error is not None:
                trim(error)
            future._settle(value, error)

        job = Job(execution, ended)
        future._job = job
        try:
            limit_memory(execution, self._memory_limit, resources)
            self._loop_of_this().start(job)
        except Exception as error:  # an option that is wrong, a pool that was shut down
            future._settle(None, error)
        if future.cancelled():  # before the loop had it
            self._stop(job)

    def _stop(self, job: Job) -> None:
        loop = self._loop
        if loop is not None:
            loop.stop(job)

    # -- the loop ------------------------------------------------------------------------------------------------

    def _loop_of_this(self) -> Loop:
        with self._lock:
            if self._loop is None:
                self._loop = self._new_loop()
            return self._loop

    def _new_loop(self) -> Loop:
        if self._run is schedulers.threads:
            size = nesting.budget().cores if self._workers is None else self._workers
            return ThreadLoop(size, strict=self._workers is not None)
        if self._run is schedulers.green:
            return GreenLoop(schedulers.GREENLETS_MAX if self._workers is None else self._workers)
        if self._run is schedulers.processes:
            return _ServedLoop(self._workers)
        return SyncLoop()


class _ServedLoop:
    """A loop of worker processes, served by a thread of the pool as long as there is work."""

    def __init__(self, workers: int | None) -> None:
        self._workers = workers
        self._lock = natives.RLock()
        self._loop: Any = None

    def start(self, job: Job) -> None:
        with self._lock:
            begin = self._loop is None
            if begin:
                self._loop = self._opened()
            loop = self._loop
            if loop is not None:
                loop.start(job)
        if loop is None:  # inside a worker, and none are left
            SyncLoop().start(job)
        elif begin:
            pool.threads().start(lambda: self._serve(loop))

    def stop(self, job: Job) -> None:
        with self._lock:
            if self._loop is None:
                job.execution.ended = True
            else:
                self._loop.stop(job)

    def cancel(self) -> None:
        with self._lock:
            if self._loop is not None:
                self._loop.cancel()

    def _opened(self) -> Any:
        from plait.lazy.dispatching import ProcessLoop

        allowed = schedulers.allowed_failures()
        runner = schedulers.open_workers(self._workers, fail_fast=False)
        return None if runner is None else ProcessLoop(runner, allowed)

    def _serve(self, loop: Any) -> None:
        """In a thread of the pool."""
        while True:
            try:
                loop.run()
            except BaseException as error:
                with self._lock:
                    self._loop = None
                loop.fail(error)
                return
            with self._lock:
                if not loop.has_jobs:
                    self._loop = None
                    loop.close()
                    return


def _is_plain(node: Node) -> bool:
    """Whether a node needs no lowering: what it needs are values and futures."""
    return all(type(each._function) is _Given for each in node._inputs)


def _names(key: Any, count: int) -> list[Any]:
    if not isinstance(key, list | tuple):
        return [None if key is None else f"{key}-{i}" for i in range(count)]
    if len(key) != count:
        raise ValueError(
            f"key= has {len(key)} names for {count} calls; pass one for each, or a text to begin them with"
        )
    return list(key)


def _gathered(item: Any, skip: bool) -> Any:
    if isinstance(item, Future):
        return item.result()
    if isinstance(item, dict):
        return {name: _gathered(value, skip) for name, value in item.items() if not (skip and _failed(value))}
    if isinstance(item, list | tuple | set | frozenset):
        members = [_gathered(each, skip) for each in item if not (skip and _failed(each))]
        return item._make(members) if hasattr(item, "_make") else type(item)(members)
    return item


def _failed(item: Any) -> bool:
    if not isinstance(item, Future):
        return False
    try:
        return item.exception() is not None
    except CancelledError:
        return True


class as_completed:
    """An iterator of futures in the order in which they are done; more may be added meanwhile.

    with_results: it gives (future, value) instead, and raises the error of one that failed. timeout: seconds from now,
    after which waiting raises TimeoutError.
    """

    def __init__(
        self, futures: Iterable[Future] = (), with_results: bool = False, timeout: float | None = None
    ) -> None:
        self._done: Completions[Any] = Completions()
        self._pending = 0
        self._with_results = with_results
        self._deadline = deadline_after(timeout)
        self.update(futures)

    def add(self, future: Future) -> None:
        """Wait for this one too."""
        self._pending += 1
        future.add_done_callback(self._done.put)

    def update(self, futures: Iterable[Future]) -> None:
        """Wait for these too."""
        for future in list(futures):
            self.add(future)

    def count(self) -> int:
        """How many are still to come."""
        return self._pending

    def is_empty(self) -> bool:
        return not self._pending

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if not self._pending:
            raise StopIteration
        try:
            future = self._done.take(self._deadline)
        except DeadlineExceeded:
            raise TimeoutError(f"{self._pending} futures are not done in time") from None
        self._pending -= 1
        return (future, future.result()) if self._with_results else future


_WHEN = (futures.ALL_COMPLETED, futures.FIRST_COMPLETED, futures.FIRST_EXCEPTION)


class DoneAndNotDone(NamedTuple):
    """What wait() gives: two sets of futures."""

    done: set[Future]
    not_done: set[Future]


def wait(fs: Iterable[Future], timeout: float | None = None, return_when: str = "ALL_COMPLETED") -> DoneAndNotDone:
    """Wait until all futures are done, or the first is, or the first has failed. Raises TimeoutError.

    return_when: "ALL_COMPLETED", "FIRST_COMPLETED" or "FIRST_EXCEPTION".
    """
    if return_when not in _WHEN:
        raise ValueError(f"return_when={return_when!r} is not known; pass one of {', '.join(map(repr, _WHEN))}")
    waited = list(fs)
    for future in as_completed(waited, timeout=timeout):
        if return_when == futures.FIRST_COMPLETED or (return_when == futures.FIRST_EXCEPTION and _failed(future)):
            break
    done = {future for future in waited if future.done()}
    return DoneAndNotDone(done, set(waited) - done)
