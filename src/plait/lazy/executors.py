"""A pool of the user's as a scheduler: a concurrent.futures.Executor, or a multiprocessing.pool.Pool or ThreadPool.

The graph stays here; its pool gets one call a node, as many at a time as it has workers. To a pool of processes a call
travels as bytes that were pickled here (by value where it must), and so does its result. A pool may give up a call
without a word (multiprocessing's loses those of a worker that died); an Executor tells, and its error is raised.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from plait.lazy import blame
from plait.lazy._native.arena import Execution
from plait.parallel.budget import cpu_count
from plait.parallel.completions import Completions
from plait.parallel.transport import pickling

_Outcome = tuple[int, Any, BaseException | None]  # node, value, error


def is_pool(candidate: Any) -> bool:
    """Whether it is one that this module can run on."""
    module = sys.modules.get("concurrent.futures._base")
    return (module is not None and isinstance(candidate, module.Executor)) or _is_multiprocessing(candidate)


def size(pool: Any) -> int:
    """The number of workers of a pool, as far as it says it; else one a core."""
    workers = getattr(pool, "_max_workers", None) or getattr(pool, "_processes", None)
    return workers if isinstance(workers, int) else cpu_count()


def runner(pool: Any) -> Callable[[Execution, int | None], None]:
    """The scheduler that runs nodes on this pool."""
    return partial(_run, pool)


def _run(pool: Any, execution: Execution, workers: int | None) -> None:
    limit = size(pool) if workers is None else workers
    submit = _submitter(pool)
    prepare, receive = (_pickled, pickle.loads) if _has_processes(pool) else (_plain, _same)
    done: Completions[_Outcome] = Completions()
    running = 0
    try:
        while execution.unfinished:
            while execution.ready and running < limit:
                number = execution.take()
                submit(prepare(execution.task(number)), number, done)
                running += 1
            number, value, error = done.take()
            running -= 1
            if error is not None:
                node = execution.arena.nodes[number]
                blame.note(error, node, node._args, node._kwargs or {})
                raise error
            execution.finish(number, receive(value))
    finally:
        execution.ended = True


def _submitter(pool: Any) -> Callable[[Callable[[], Any], int, Completions[_Outcome]], object]:
    if _is_multiprocessing(pool):
        return partial(_apply, pool)
    return partial(_submit, pool)


def _submit(executor: Any, call: Callable[[], Any], number: int, done: Completions[_Outcome]) -> None:
    def ended(future: Any) -> None:
        if future.cancelled():
            done.put((number, None, RuntimeError("the executor was shut down before it ran this task")))
            return
        error = future.exception()
        done.put((number, None if error else future.result(), error))

    executor.submit(call).add_done_callback(ended)


def _apply(pool: Any, call: Callable[[], Any], number: int, done: Completions[_Outcome]) -> None:
    pool.apply_async(
        call,
        callback=lambda value: done.put((number, value, None)),
        error_callback=lambda error: done.put((number, None, error)),
    )


def _plain(task: tuple[Any, ...]) -> Callable[[], Any]:
    function, args, kwargs = task
    return partial(function, *args, **kwargs)


def _same(value: Any) -> Any:
    return value


def _pickled(task: tuple[Any, ...]) -> Callable[[], bytes]:
    return partial(_call_pickled, pickling.dumps(task))


def _call_pickled(task: bytes) -> bytes:
    """In a process of the pool."""
    function, args, kwargs = pickle.loads(task)
    return pickling.dumps(function(*args, **kwargs))


def _is_multiprocessing(pool: Any) -> bool:
    module = sys.modules.get("multiprocessing.pool")
    return module is not None and isinstance(pool, module.Pool)


def _has_processes(pool: Any) -> bool:
    module = sys.modules.get("multiprocessing.pool")
    if module is not None and isinstance(pool, module.Pool):
        return not isinstance(pool, module.ThreadPool)
    module = sys.modules.get("concurrent.futures.process")
    return module is not None and isinstance(pool, module.ProcessPoolExecutor)
