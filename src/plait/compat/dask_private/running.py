"""Names of dask.local, dask.threaded and dask.multiprocessing that are more than the schedulers themselves."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, NoReturn

from plait.lazy import computing, config
from plait.lazy._native.arena import Arena, Execution
from plait.lazy.callbacks import Observer, graph_to_show
from plait.lazy.diagnostics import progress
from plait.lazy.plain import nodes_of
from plait.lazy.protocol import flatten
from plait.parallel.transport import pickling


class SynchronousExecutor(Executor):
    """Runs a call in submit(), in the caller's thread."""

    _max_workers = 1

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future


synchronous_executor = SynchronousExecutor()


class _Submitting(Executor):
    """An executor of which only submit() is known."""

    def __init__(self, submit: Callable[..., Future[Any]], workers: int) -> None:
        self._submit = submit
        self._max_workers = workers

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return self._submit(fn, *args, **kwargs)


def get_async(submit: Callable[..., Future[Any]], num_workers: int, dsk: Any, result: Any, **options: Any) -> Any:
    """The values of some keys of a graph, each task run by submit()."""
    return computing.get(dsk, result, scheduler=_Submitting(submit, num_workers))


def start_state_from_dask(dsk: Any, cache: Any = None, sortkey: Any = None, keys: Any = None) -> dict[str, Any]:
    """How a computation of a graph begins: what callbacks see as its state."""
    wanted = list(dsk) if keys is None else list(flatten(keys))
    nodes = nodes_of({**dsk, **(cache or {})}, wanted)
    arena = Arena([nodes[key] for key in wanted])
    return dict(Observer(Execution(arena), (), graph_to_show(arena), {}).state)


def finish_task(dsk: Any, key: Any, state: Any, *args: Any, **kwargs: Any) -> NoReturn:
    """Raises NotImplementedError: the state of plait's runs is not a dictionary that others may change."""
    raise NotImplementedError(
        f"{key!r} cannot be finished from outside; follow a computation with a Callback, or pass scheduler=get"
    )


def sortkey(item: Any) -> tuple[str, Any]:
    """To sort keys of several kinds by: by type, then by value."""
    return type(item).__name__, item


def get_context() -> Any:
    """The start method that the configuration names, as multiprocessing's context."""
    import multiprocessing

    return multiprocessing.get_context(config.get("multiprocessing.context", "spawn"))


def _dumps(value: Any, protocol: int = pickle.HIGHEST_PROTOCOL, buffer_callback: Any = None) -> bytes:
    return pickling.dumps(value, protocol, buffer_callback)


def _loads(data: bytes, buffers: Any = ()) -> Any:
    return pickle.loads(data, buffers=buffers)


def format_time(seconds: float) -> str:
    """As `plait.lazy.diagnostics.progress.format_time`; warns that dask.utils has another."""
    warnings.warn("format_time of progress bars is deprecated; see dask.utils.format_time", FutureWarning, stacklevel=2)
    return progress.format_time(seconds)


def BOKEH_VERSION() -> Any:  # noqa: N802
    """The version of bokeh."""
    from importlib.metadata import version

    from packaging.version import Version

    return Version(version("bokeh"))


def unquote(expr: Any) -> Any:
    """A value that a graph says by tasks of lists, tuples, sets and dicts."""
    if isinstance(expr, list):
        return [unquote(each) for each in expr]
    if isinstance(expr, tuple) and expr and expr[0] in (dict, list, set, tuple):
        return expr[0](*map(unquote, expr[1:]))
    return expr


class RemoteException(Exception):
    """An exception of a worker, with its traceback as text."""

    def __init__(self, exception: BaseException, traceback: str) -> None:
        self.exception = exception
        self.traceback = traceback

    def __str__(self) -> str:
        return f"{self.exception}\n\nTraceback\n---------\n{self.traceback}"

    def __getattr__(self, name: str) -> Any:
        return getattr(self.exception, name)


def remote_exception(exception: BaseException, traceback: str) -> BaseException:
    """An exception of the same class that says its traceback, too."""
    kind = _kinds.get(type(exception))
    if kind is None:
        try:
            kind = type(type(exception).__name__, (RemoteException, type(exception)), {})
        except TypeError:  # two layouts
            return exception
        _kinds[type(exception)] = kind
    made: BaseException = kind(exception, traceback)
    return made


_kinds: dict[type, Any] = {}
