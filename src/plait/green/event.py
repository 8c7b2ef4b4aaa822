"""Event and AsyncResult: one thing happens, and everybody who waits for it goes on.

An Event is a flag that may be set and cleared any number of times. An AsyncResult is unset, then has a value or an
exception. Both may be used between threads. Waking n waiters costs n run-queue entries.
"""

from __future__ import annotations

from concurrent.futures import CancelledError
from types import TracebackType
from typing import Any

from plait.green.linkable import Linkable
from plait.green.timeout import Limit, is_no_time, timed_out

__all__ = ["AsyncResult", "Event"]


class Event(Linkable):
    """A flag that greenlets wait for."""

    __slots__ = ("_flag",)

    def __init__(self) -> None:
        super().__init__()
        self._flag = False

    def __repr__(self) -> str:
        state = "set" if self._flag else "clear"
        return f"<{type(self).__name__} at {id(self):#x} {state} _links[{self.linkcount()}]>"

    def is_set(self) -> bool:
        """Whether the flag is up."""
        return self._flag

    isSet = is_set  # noqa: N815  (the name that threading had)
    ready = is_set

    def set(self) -> None:
        """Raise the flag and wake all who wait."""
        self._flag = True
        self._announce()

    def clear(self) -> None:
        """Lower the flag: from now on wait() parks. Who was woken by set() before stays woken."""
        self._flag = False

    def wait(self, timeout: Limit = None) -> bool:
        """Park until the flag is up. False where `timeout` seconds passed first."""
        if self._flag:
            return True
        if is_no_time(timeout):
            return False
        return self._wait(timeout)


class AsyncResult(Linkable):
    """A value or an exception that will be there later; may itself be linked to a greenlet: g.link(result)."""

    __slots__ = ("_exc_info", "_set", "_value")

    def __init__(self) -> None:
        super().__init__()
        self._set = False
        self._value: Any = None
        self._exc_info: tuple[type[BaseException], BaseException, TracebackType | None] | None = None

    def __repr__(self) -> str:
        parts = [f"<{type(self).__name__} at {id(self):#x}"]
        if self._set and self._exc_info is None:
            parts.append(f"value={self._value!r}")
        if self._exc_info is not None:
            parts.append(f"exception={self._exc_info[1]!r}")
        return " ".join([*parts, f"_links[{self.linkcount()}]>"])

    def ready(self) -> bool:
        """Whether there is a value or an exception."""
        return self._set

    done = ready

    def successful(self) -> bool:
        """Whether there is a value."""
        return self._set and self._exc_info is None

    @property
    def value(self) -> Any:
        """The value, None where there is none."""
        return self._value

    @property
    def exception(self) -> BaseException | None:
        """The exception, None where there is none."""
        return None if self._exc_info is None else self._exc_info[1]

    @property
    def exc_info(self) -> tuple[Any, ...]:
        """(type, exception, traceback), or empty."""
        return self._exc_info or ()

    def set(self, value: Any = None) -> None:
        """Store the value and wake all who wait."""
        self._value = value
        self._exc_info = None
        self._set = True
        self._announce()

    def set_exception(self, exception: BaseException | type[BaseException], exc_info: Any = None) -> None:
        """Store the exception and wake all who wait. exc_info: a triple whose traceback get() raises with."""
        if isinstance(exception, type):
            exception = exception()
        traceback = exc_info[2] if exc_info else exception.__traceback__
        self._exc_info = (type(exception), exception, traceback)
        self._set = True
        self._announce()

    def set_result(self, value: Any) -> None:
        """As `set`, with the name that futures have."""
        self.set(value)

    def get(self, block: bool = True, timeout: Limit = None) -> Any:
        """The value; raises the exception, or Timeout where neither came within `timeout` seconds."""
        if not self._set and block and not is_no_time(timeout):
            self._wait(timeout)
        if not self._set:
            raise timed_out(timeout if block else None)
        if self._exc_info is not None:
            raise self._exc_info[1].with_traceback(self._exc_info[2])
        return self._value

    def get_nowait(self) -> Any:
        """As get(block=False)."""
        return self.get(block=False)

    def result(self, timeout: Limit = None) -> Any:
        """As get(timeout=...), with the name that futures have."""
        return self.get(timeout=timeout)

    def wait(self, timeout: Limit = None) -> Any:
        """Park until ready, `timeout` seconds at most. Returns the value; None for a failure or a timeout."""
        if not self._set and not is_no_time(timeout):
            self._wait(timeout)
        return self._value

    def cancel(self) -> bool:
        """A future's; nothing here can be cancelled."""
        return False

    def cancelled(self) -> bool:
        """Whether the exception is a CancelledError."""
        return isinstance(self.exception, CancelledError)

    def __call__(self, source: Any) -> None:
        """As a link: take over the outcome of `source`."""
        if source.successful():
            self.set(source.value)
        else:
            self.set_exception(source.exception, getattr(source, "exc_info", None))
