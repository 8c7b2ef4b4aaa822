"""File objects that let other greenlets run while they wait.

`FileObjectPosix`, which `FileObject` is, parks the greenlet until the descriptor is ready (see `descriptorio`): for
pipes, terminals and sockets; regular files go through the hub's thread pool. `FileObjectThread` makes every call in the
pool, for file-like objects that no descriptor speaks for. `FileObjectBlock` blocks.

All take the arguments of open(). What they wrap is their `io`; whatever they have not themselves they ask it for. Once
closed they raise FileObjectClosed, an OSError (EBADF) and a ValueError.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar

from plait.green.exceptions import FileObjectClosed
from plait.green.hub import get_hub
from plait.green.lock import DummySemaphore, Semaphore
from plait.green.opening import GreenOpenDescriptor, OpenDescriptor
from plait.green.settings import config

__all__ = ["FileObject", "FileObjectBlock", "FileObjectClosed", "FileObjectPosix", "FileObjectThread"]

F = TypeVar("F", bound="FileObjectBase")


class FileObjectBase:
    """A file that is open until close(), and whose methods are those of `io`."""

    def __init__(self, opening: OpenDescriptor) -> None:
        self._opening = opening
        self.io: Any = opening.opened()

    def __getattr__(self, name: str) -> Any:
        if name == "io":  # not there: __init__ failed
            raise AttributeError(name)
        if self.io is None:
            if name == "name":
                raise AttributeError(f"{self!r} has no name")
            raise FileObjectClosed(f"{name} of {self!r}: the file was closed")
        return getattr(self.io, name)

    def __repr__(self) -> str:
        state = " closed" if self.closed else f" {self.io!r}"
        return f"<{type(self).__name__} at {id(self):#x}{state}>"

    @property
    def closed(self) -> bool:
        return self.io is None

    def close(self) -> None:
        """Write what is buffered, and close. Greenlets that wait in this file get EBADF."""
        file, self.io = self.io, None
        if file is None:
            return
        try:
            self.name = file.name
        except AttributeError:
            pass
        self._close(file)

    def _close(self, file: Any) -> None:
        raise NotImplementedError

    def __enter__(self: F) -> F:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, tb: TracebackType | None) -> None:
        self.close()

    def __iter__(self) -> Any:
        return iter(self.__getattr__("io") if self.io is None else self.io)

    def __next__(self) -> Any:
        line = self.readline()
        if not line:
            raise StopIteration
        return line


class FileObjectBlock(FileObjectBase):
    """A file object that blocks the thread."""

    def __init__(self, fobj: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(OpenDescriptor(fobj, *args, **kwargs))

    def _close(self, file: Any) -> None:
        _let_go(self._opening, file)


class FileObjectPosix(FileObjectBase):
    """A file object that parks the greenlet until its descriptor is ready. `fileio` is its raw layer."""

    _QUICK = ("read", "readline", "write", "flush")  # found without asking __getattr__, as long as it is open

    def __init__(self, fobj: Any, *args: Any, **kwargs: Any) -> None:
        opening = GreenOpenDescriptor(fobj, *args, **kwargs)
        super().__init__(opening)
        self.fileio: Any = opening.opened_raw()
        for name in self._QUICK:
            setattr(self, name, getattr(self.io, name))

    def _close(self, file: Any) -> None:
        for name in self._QUICK:
            self.__dict__.pop(name, None)
        try:
            file.close()
        finally:
            self.fileio = None


class FileObjectThread(FileObjectBase):
    """A file object that makes each call in a thread of a pool.

    lock: True for one call at a time, False for as many as there are, or a lock to take. threadpool: the hub's by
    default.
    """

    def __init__(self, fobj: Any, *args: Any, lock: Any = True, threadpool: Any = None, **kwargs: Any) -> None:
        if lock is True:
            lock = Semaphore()
        elif not lock:
            lock = DummySemaphore()
        if not hasattr(lock, "__enter__"):
            raise TypeError(f"lock={lock!r} is no lock; pass True, False, or a semaphore")
        self.lock = lock
        self.threadpool: Any = threadpool or get_hub().threadpool
        super().__init__(OpenDescriptor(fobj, *args, **kwargs))

    def __getattr__(self, name: str) -> Any:
        value = super().__getattr__(name)
        return self._in_pool(value) if callable(value) else value

    def _in_pool(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            with self.lock:
                if self.closed:  # while we waited for our turn
                    raise FileObjectClosed(f"{method!r}: the file was closed")
                return self.threadpool.apply(method, args, kwargs)

        return call

    def _close(self, file: Any) -> None:
        try:
            with self.lock:
                self.threadpool.apply(file.flush)
        finally:
            error = self.threadpool.apply(_error_of, (_let_go, self._opening, file))
            if error is not None:
                raise error


def _let_go(opening: OpenDescriptor, file: Any) -> None:
    """Close the file, or all layers but the object that it was made of, which its owner wants to keep."""
    if opening.closefd or opening.opened_raw() is not opening.fobj:
        file.close()
        return
    file.flush()
    if file is not opening.fobj:
        file.detach()


def _error_of(function: Callable[..., object], *args: Any) -> BaseException | None:
    """What the call raises: handed back, since what a pool's task raises is reported too."""
    try:
        function(*args)
    except BaseException as error:
        return error
    return None


FileObject: Any = config.file_object
