"""One execution: of several callers that miss an entry, one computes it, and the others wait.

The lock is flock(2) on the entry's own folder, so nothing is left behind, and the kernel frees it with the process that
holds it, however that ends. Every attempt opens the folder anew, so threads and greenlets exclude each other as
processes do. Who waits looks again, at growing intervals of 1 to 20 ms, and parks in between: in a greenlet others go
on. A folder that was removed and made again meanwhile is another lock, which is noticed.

Where the file system has no such locks (some network ones), there are none: the entry may be computed more than once,
as by joblib, and is right all the same. A call within the computation of its own entry does not wait for itself.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from plait._base import clock
from plait.green.waiter import DeadlineExceeded, Waiter

_FIRST_S = 0.001
_LONGEST_S = 0.02

_held: ContextVar[frozenset[str]] = ContextVar("entries that this context computes", default=frozenset())


@contextmanager
def entry_lock(folder: str) -> Iterator[None]:
    """Hold the lock of an entry's folder, which is made where it is missing, and removed again on failure."""
    if folder in _held.get():
        yield
        return
    descriptor = _acquire(folder, _pause)
    token = _held.set(_held.get() | {folder})
    try:
        yield
    except BaseException:
        forget(folder)
        raise
    finally:
        _held.reset(token)
        release(descriptor)


def _acquire(folder: str, pause: Callable[[float], Any]) -> int | None:
    delay = _FIRST_S
    while True:
        taken, descriptor = attempt(folder)
        if taken:
            return descriptor
        pause(delay)
        delay = min(2 * delay, _LONGEST_S)


def attempt(folder: str) -> tuple[bool, int | None]:
    """Try once: whether the caller may go on, and the descriptor to release() then, None where there are no locks."""
    try:
        _have(folder)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:  # a read-only cache, or one that is being removed: the value can be computed without it
        return True, None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is_same(descriptor, folder):
            return True, descriptor
    except BlockingIOError:
        pass
    except OSError:
        os.close(descriptor)
        return True, None
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return False, None


def _have(folder: str) -> None:
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        pass
    except FileNotFoundError:
        os.makedirs(folder, 0o700, exist_ok=True)


def _is_same(descriptor: int, folder: str) -> bool:
    try:
        here, there = os.fstat(descriptor), os.stat(folder)
    except FileNotFoundError:
        return False
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)


def forget(folder: str) -> None:
    """The entry was not computed: remove its folder, unless something is in it."""
    try:
        os.rmdir(folder)
    except OSError:
        pass


def release(descriptor: int | None) -> None:
    """Let others have the lock."""
    if descriptor is None:
        return
    # Said, not left to close(): a child that was forked meanwhile has the same open file.
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)


def _pause(seconds: float) -> None:
    waiter: Waiter[None] = Waiter()
    try:
        waiter.wait(clock.now() + seconds)
    except DeadlineExceeded:
        pass


class AsyncLock:
    """entry_lock() for coroutines: `async with AsyncLock(folder)`."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._descriptor: int | None = None
        self._token: Any = None

    async def __aenter__(self) -> None:
        if self._folder in _held.get():
            return
        from asyncio import sleep

        delay = _FIRST_S
        while True:
            taken, self._descriptor = attempt(self._folder)
            if taken:
                break
            await sleep(delay)
            delay = min(2 * delay, _LONGEST_S)
        self._token = _held.set(_held.get() | {self._folder})

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._token is not None:
            if kind is not None:
                forget(self._folder)
            _held.reset(self._token)
            release(self._descriptor)
