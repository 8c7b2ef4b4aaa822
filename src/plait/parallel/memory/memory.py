"""`Memory`: a place where results of functions are kept."""

from __future__ import annotations

import datetime
import functools
import inspect
import os
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from plait.parallel.logger import Logger
from plait.parallel.memory.codes import KNOWN
from plait.parallel.memory.memorized import (
    AsyncMemorizedFunc,
    AsyncNotMemorizedFunc,
    MemorizedFunc,
    NotMemorizedFunc,
)
from plait.parallel.memory.registry import open_store

_UNSET: Any = False  # as joblib's: no mmap_mode is the text False


class Memory(Logger):
    """Keeps results of functions in a folder, and answers equal calls from there.

        memory = Memory("cache", verbose=0)

        @memory.cache
        def simulate(seed):
            ...

    location: the folder; results lie in its subfolder "joblib". None: nothing is kept. backend: the kind of store, see
    register_store_backend; backend_options: its own. mmap_mode: "r", "r+", "w+" or "c": arrays are mapped from the
    cache. compress: as of plait.parallel.dump; what is compressed cannot be mapped. verbose: 0 is silent, 1 tells of
    calls, more than 10 of each entry.

    Reading a cache unpickles it: use folders that only trusted people can write. New folders are made for their
    owner alone. Equal calls that miss at once, from whatever process, thread or greenlet, compute once.
    """

    def __init__(
        self,
        location: Any = None,
        backend: str = "local",
        mmap_mode: str | None = None,
        compress: Any = False,
        verbose: int = 1,
        backend_options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self._verbose = verbose
        self.mmap_mode = mmap_mode
        self.timestamp: float | None = time.time()
        self.backend = backend
        self.compress = compress
        self.backend_options = {} if backend_options is None else backend_options
        if compress and mmap_mode is not None:
            warnings.warn("Compressed results cannot be memmapped", stacklevel=2)
        self.location = location
        place = os.path.join(location, "joblib") if isinstance(location, str) else location
        self.store_backend = open_store(
            backend, place, verbose, {"compress": compress, "mmap_mode": mmap_mode, **self.backend_options}
        )

    def cache(
        self,
        func: Callable[..., Any] | None = None,
        ignore: Sequence[str] | None = None,
        verbose: int | None = None,
        mmap_mode: str | None = _UNSET,
        cache_validation_callback: Callable[[dict[str, Any]], Any] | None = None,
    ) -> Any:
        """The function with its results kept; a decorator, with or without arguments.

        ignore: parameters that the result does not depend on. verbose, mmap_mode: as of this Memory where not given.
        cache_validation_callback: called with what was noted of an entry ("time", "duration", "input_args"); where it
        returns False the entry is computed again; see expires_after().
        """
        if cache_validation_callback is not None and not callable(cache_validation_callback):
            raise ValueError(f"cache_validation_callback needs to be callable. Got {cache_validation_callback}.")
        if func is None:
            return functools.partial(
                self.cache,
                ignore=ignore,
                verbose=verbose,
                mmap_mode=mmap_mode,
                cache_validation_callback=cache_validation_callback,
            )
        is_async = inspect.iscoroutinefunction(func)
        if self.store_backend is None:
            return AsyncNotMemorizedFunc(func) if is_async else NotMemorizedFunc(func)
        if isinstance(func, MemorizedFunc):
            func = func.func
            is_async = inspect.iscoroutinefunction(func)
        kind = AsyncMemorizedFunc if is_async else MemorizedFunc
        return kind(
            func,
            location=self.store_backend,
            backend=self.backend,
            ignore=ignore,
            mmap_mode=self.mmap_mode if mmap_mode is _UNSET else mmap_mode,
            compress=self.compress,
            verbose=self._verbose if verbose is None else verbose,
            timestamp=self.timestamp,
            cache_validation_callback=cache_validation_callback,
        )

    def clear(self, warn: bool = True) -> None:
        """Remove all results."""
        if warn:
            self.warn("Flushing completely the cache")
        if self.store_backend is not None:
            self.store_backend.clear()
            KNOWN.clear()  # no function has its source there any more

    def reduce_size(
        self,
        bytes_limit: int | str | None = None,
        items_limit: int | None = None,
        age_limit: datetime.timedelta | None = None,
    ) -> None:
        """Remove results, those first that were not read for the longest time, until the limits hold.

        bytes_limit: of all results, a number or text like "10G". items_limit: how many. age_limit: how long ago a
        result may have been read last.
        """
        if self.store_backend is None or (bytes_limit is None and items_limit is None and age_limit is None):
            return
        self.store_backend.enforce_store_limits(bytes_limit, items_limit, age_limit)

    def eval(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """func(*args, **kwargs), from the cache where it is there."""
        return func(*args, **kwargs) if self.store_backend is None else self.cache(func)(*args, **kwargs)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(location={getattr(self.store_backend, 'location', None)})"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "timestamp": None}  # equal memories are to have equal digests


def expires_after(
    days: float = 0,
    seconds: float = 0,
    microseconds: float = 0,
    milliseconds: float = 0,
    minutes: float = 0,
    hours: float = 0,
    weeks: float = 0,
) -> Callable[[Mapping[str, Any]], bool]:
    """A cache_validation_callback: results older than this are computed again, and those whose age is not known."""
    limit = datetime.timedelta(days, seconds, microseconds, milliseconds, minutes, hours, weeks).total_seconds()

    def is_young(noted: Mapping[str, Any]) -> bool:
        made = noted.get("time")
        return isinstance(made, int | float) and time.time() - made < limit

    return is_young
