"""Cached functions: called like the function, and answered from the cache where it has the call.

A call is known by its function's name as a path and the digest of its arguments. A hit costs the digest, one look
whether the entry is there, and reading it. A miss takes the entry's lock (see `locks`) and looks again, so of several
callers one computes. What is not as it was written, is out of date, or of another version of the function is computed
again.
"""

from __future__ import annotations

import functools
import inspect
import os
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from plait.parallel.hashing import hash as digest_of
from plait.parallel.logger import Logger, format_time
from plait.parallel.memory import codes
from plait.parallel.memory.functions import (
    Layout,
    filter_args,
    format_call,
    format_signature,
    get_func_name,
    has_layout,
)
from plait.parallel.memory.locks import AsyncLock, entry_lock
from plait.parallel.memory.registry import open_store
from plait.parallel.memory.results import MemorizedResult, NotMemorizedResult
from plait.parallel.memory.stores import FileSystemStoreBackend

_SLOW_S = 0.5  # for noting the arguments of a call

CallId = tuple[str, str]


def function_identifier(func: Callable[..., Any]) -> str:
    """The function's name as a path: its module, what it is nested in, its own name."""
    modules, name = get_func_name(func)
    return os.path.join(*modules, name)


class NotMemorizedFunc:
    """A function without a cache, with the interface of one that has it."""

    def __init__(self, func: Callable[..., Any]) -> None:
        self.func = func

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.func(*args, **kwargs)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        return self.func(*args, **kwargs), {}

    def call_and_shelve(self, *args: Any, **kwargs: Any) -> Any:
        return NotMemorizedResult(self.func(*args, **kwargs))

    def check_call_in_cache(self, *args: Any, **kwargs: Any) -> bool:
        return False

    def clear(self, warn: bool = True) -> None:
        """There is nothing to clear."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(func={self.func})"


class AsyncNotMemorizedFunc(NotMemorizedFunc):
    """As NotMemorizedFunc, of a coroutine function."""

    async def call(self, *args: Any, **kwargs: Any) -> Any:
        return await self.func(*args, **kwargs), {}

    async def call_and_shelve(self, *args: Any, **kwargs: Any) -> Any:
        return NotMemorizedResult(await self.func(*args, **kwargs))


class MemorizedFunc(Logger):
    """A function whose results are kept. Made by Memory.cache(); its parameters are described there."""

    def __init__(
        self,
        func: Callable[..., Any],
        location: Any,
        backend: str = "local",
        ignore: Sequence[str] | None = None,
        mmap_mode: str | None = None,
        compress: Any = False,
        verbose: int = 1,
        timestamp: float | None = None,
        cache_validation_callback: Callable[[dict[str, Any]], Any] | None = None,
    ) -> None:
        super().__init__()
        self.func = func
        self.func_id = function_identifier(func)
        self.ignore = [] if ignore is None else ignore
        self.mmap_mode = mmap_mode
        self.compress = compress
        self.cache_validation_callback = cache_validation_callback
        self.timestamp = time.time() if timestamp is None else timestamp
        self.store_backend = open_store(backend, location, verbose, {"compress": compress, "mmap_mode": mmap_mode})
        self._verbose = verbose
        self._code = codes.Code(func)
        self._layout: Layout | None = None
        if self.store_backend is not None:
            self.store_backend.store_cached_func_code([self.func_id])
        try:
            functools.update_wrapper(self, func)
        except Exception:  # ufuncs and the like have attributes of other kinds
            pass
        self.__doc__ = f"Memoized version of {_described(func)}"

    # -- calls ---------------------------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The function's value, from the cache or computed and kept."""
        return self._answer(args, kwargs, shelving=False)

    def call_and_shelve(self, *args: Any, **kwargs: Any) -> Any:
        """A reference to the function's value, which is computed and kept where it is not yet."""
        return self._answer(args, kwargs, shelving=True)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Compute and keep the value, whether there is one or not: (value, what was noted of the call)."""
        return self._compute(self._call_id(args, kwargs), args, kwargs, shelving=False)

    def check_call_in_cache(self, *args: Any, **kwargs: Any) -> bool:
        """Whether the value would come from the cache."""
        return self._is_valid(self._call_id(args, kwargs))

    def clear(self, warn: bool = True) -> None:
        """Remove all that is kept of this function."""
        if self._verbose > 0 and warn:
            self.warn(f"Clearing function cache identified by {self.func_id}")
        self.store_backend.clear_path([self.func_id])
        self._keep_code()

    def _answer(self, args: Sequence[Any], kwargs: Mapping[str, Any], shelving: bool) -> Any:
        call_id = self._call_id(args, kwargs)
        if self._verbose >= 20:
            self._tell_of_query(call_id, args, kwargs)
        found, value = self._find(call_id, shelving)
        if found:
            return value
        with self._lock(call_id):
            found, value = self._find_or_clear(call_id, args, kwargs, shelving)
            return value if found else self._compute(call_id, args, kwargs, shelving)[0]

    def _compute(
        self, call_id: CallId, args: Sequence[Any], kwargs: Mapping[str, Any], shelving: bool
    ) -> tuple[Any, dict[str, Any]]:
        self._before_call(args, kwargs)
        began = time.time()
        value = self.func(*args, **kwargs)
        return self._after_call(call_id, args, kwargs, shelving, value, began)

    # -- looking up ----------------------------------------------------------------------------------------------

    def _call_id(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> CallId:
        return self.func_id, self._get_args_id(*args, **kwargs)

    def _get_args_id(self, *args: Any, **kwargs: Any) -> str:
        """The digest that the call's arguments are known by."""
        laid_out = self._lay_out(args, kwargs)
        digest: str = digest_of(laid_out, coerce_mmap=self.mmap_mode is not None)
        return digest

    def _lay_out(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        func = self.func
        if not has_layout(func):
            return filter_args(func, self.ignore, args, kwargs)
        layout = self._layout
        if layout is None or not layout.fits(func):
            layout = self._layout = Layout(func)
        found = layout.lay_out(args, kwargs)
        return layout.without(found, self.ignore) if self.ignore else found

    def _find(self, call_id: CallId, shelving: bool) -> tuple[bool, Any]:
        """Whether the cache has the call, and its value, or a reference to it. Changes nothing."""
        # Asking for a value tells whether there is one; unless more than that must be known first, or is printed.
        ask = not shelving and self.cache_validation_callback is None and self._verbose <= 1
        if not (self._check_previous_func_code(stacklevel=5) if ask else self._is_valid(call_id)):
            return False, None
        if shelving:
            return True, self._reference(call_id, None)
        try:
            began = time.time()
            value = self._load(call_id, None)
        except Exception:  # gone meanwhile, or damaged: the second look tells
            return False, None
        if self._verbose > 4:
            self._print_duration(time.time() - began, "cache loaded ")
        return True, value

    def _find_or_clear(
        self, call_id: CallId, args: Sequence[Any], kwargs: Mapping[str, Any], shelving: bool
    ) -> tuple[bool, Any]:
        """As _find(), with the entry's lock: an entry that is no good is said to be, and computed again."""
        if not self.store_backend.contains_item(call_id) or not self._check_previous_func_code(stacklevel=5):
            return False, None
        if not self._is_accepted(call_id):
            self.store_backend.clear_item(call_id)
            return False, None
        if shelving:
            return True, self._reference(call_id, None)
        try:
            return True, self._load(call_id, None)
        except Exception:
            import traceback

            _, signature = format_signature(self.func, *args, **kwargs)
            self.warn(f"Exception while loading results for {signature}\n {traceback.format_exc()}")
            return False, None

    def _is_valid(self, call_id: CallId) -> bool:
        return (
            self._check_previous_func_code(stacklevel=5)
            and self.store_backend.contains_item(call_id)
            and self._is_accepted(call_id)
        )

    def _is_accepted(self, call_id: CallId) -> bool:
        accept = self.cache_validation_callback
        return accept is None or bool(accept(self.store_backend.get_metadata(call_id)))

    # -- the function's code -------------------------------------------------------------------------------------

    def _check_previous_func_code(self, stacklevel: int = 2) -> bool:
        """Whether the entries are of the function as it is now; where not, they are removed."""
        store = self.store_backend
        if codes.is_known(self.func, (store.location, self.func_id)):
            return True
        try:
            kept, kept_line = codes.extract_first_line(store.get_cached_func_code([self.func_id]))
        except OSError:
            self._keep_code()
            return False
        if kept == self._code.info[0]:
            return True
        codes.warn_of_collision(self.func, self._code, kept, kept_line, stacklevel + 1)
        if self._verbose > 10:
            self.warn(f"Function {get_func_name(self.func)[1]} (identified by {self.func_id}) has changed.")
        self.clear(warn=True)
        return False

    def _keep_code(self) -> None:
        codes.keep(self.func, self._code, self.store_backend, self.func_id)

    # -- computing -----------------------------------------------------------------------------------------------

    def _folder(self, call_id: CallId) -> str | None:
        """Where the entry lies, if that is a folder of this machine's."""
        store = self.store_backend
        return os.path.join(store.location, *call_id) if isinstance(store, FileSystemStoreBackend) else None

    def _lock(self, call_id: CallId) -> AbstractContextManager[None]:
        folder = self._folder(call_id)
        return nullcontext() if folder is None else entry_lock(folder)

    def _before_call(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        if self._verbose > 0:
            print(format_call(self.func, args, kwargs))

    def _after_call(
        self,
        call_id: CallId,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        shelving: bool,
        value: Any,
        began: float,
    ) -> tuple[Any, dict[str, Any]]:
        self.store_backend.dump_item(call_id, value, verbose=self._verbose)
        duration = time.time() - began
        if self._verbose > 0:
            self._print_duration(duration)
        noted = self._note(duration, call_id, args, kwargs)
        if shelving:
            return self._reference(call_id, noted), noted
        if self.mmap_mode is not None:  # what the first caller gets is mapped, as what later ones get
            value = self._load(call_id, noted)
        return value, noted

    def _note(self, duration: float, call_id: CallId, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Keep what there is to say of a call beside its value."""
        began = time.time()
        arguments = {name: repr(value) for name, value in self._lay_out(args, kwargs).items()}
        noted = {"duration": duration, "input_args": arguments, "time": began}
        self.store_backend.store_metadata(call_id, noted)
        took = time.time() - began
        if took > _SLOW_S:
            warnings.warn(
                f"Persisting input arguments took {took:.2f}s to run. If this happens often in your code, it can cause "
                "performance problems (results will be correct in all cases). The reason for this is probably some "
                "large input arguments for a wrapped function.",
                stacklevel=5,
            )
        return noted

    def _reference(self, call_id: CallId, noted: Mapping[str, Any] | None) -> MemorizedResult:
        return MemorizedResult(
            self.store_backend, call_id, metadata=noted, timestamp=self.timestamp, verbose=self._verbose - 1
        )

    def _load(self, call_id: CallId, noted: Mapping[str, Any] | None) -> Any:
        return self.store_backend.load_item(call_id, metadata=noted, timestamp=self.timestamp, verbose=self._verbose)

    # -- text ----------------------------------------------------------------------------------------------------

    def _tell_of_query(self, call_id: CallId, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        import logging

        logging.basicConfig(level=logging.INFO)
        _, signature = format_signature(self.func, *args, **kwargs)
        where = self.store_backend.get_cached_func_info([self.func_id])["location"]
        self.info(
            f"Querying {get_func_name(self.func)[1]} with signature\n{signature}.\n\n"
            f"(argument hash {call_id[1]})\n\nThe store location is {where}."
        )

    def _print_duration(self, seconds: float, context: str = "") -> None:
        text = f"{get_func_name(self.func)[1]} {context}- {format_time(seconds)}"
        print(f"{text:_>80}")

    def __repr__(self) -> str:
        return f"{type(self).__name__}(func={self.func}, location={self.store_backend.location})"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "timestamp": None, "_layout": None}


class AsyncMemorizedFunc(MemorizedFunc):
    """As MemorizedFunc, of a coroutine function: its calls are awaited."""

    async def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return await self._await_answer(args, kwargs, shelving=False)

    async def call_and_shelve(self, *args: Any, **kwargs: Any) -> Any:
        return await self._await_answer(args, kwargs, shelving=True)

    async def call(self, *args: Any, **kwargs: Any) -> Any:
        return await self._await(self._call_id(args, kwargs), args, kwargs, shelving=False)

    async def _await_answer(self, args: Sequence[Any], kwargs: Mapping[str, Any], shelving: bool) -> Any:
        call_id = self._call_id(args, kwargs)
        if self._verbose >= 20:
            self._tell_of_query(call_id, args, kwargs)
        found, value = self._find(call_id, shelving)
        if found:
            return value
        folder = self._folder(call_id)
        async with nullcontext() if folder is None else AsyncLock(folder):
            found, value = self._find_or_clear(call_id, args, kwargs, shelving)
            return value if found else (await self._await(call_id, args, kwargs, shelving))[0]

    async def _await(
        self, call_id: CallId, args: Sequence[Any], kwargs: Mapping[str, Any], shelving: bool
    ) -> tuple[Any, dict[str, Any]]:
        self._before_call(args, kwargs)
        began = time.time()
        value = await self.func(*args, **kwargs)
        return self._after_call(call_id, args, kwargs, shelving, value, began)


def _described(func: Callable[..., Any]) -> str:
    doc = getattr(func, "__doc__", None)
    if not inspect.isfunction(func):
        return str(doc)
    try:
        heading = f"{func.__name__}{inspect.signature(func)}"
    except (TypeError, ValueError):
        heading = func.__name__
    return f"{heading}\n\n{inspect.cleandoc(doc)}" if doc else heading
