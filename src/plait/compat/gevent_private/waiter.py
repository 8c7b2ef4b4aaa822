"""gevent's Waiter, which is woken by `switch(value)`, over plait's."""

from typing import Any

from plait.green.waiter import Waiter as _Waiter
from plait.greenlet import getcurrent


class Waiter:
    """`get()` waits for `switch(value)` or `throw(exception)`; called as a link, it takes the source's outcome."""

    __slots__ = ("__weakref__", "_error", "_greenlet", "_value", "_waiter", "hub")

    def __init__(self, hub: Any = None) -> None:
        self.hub = hub
        self.clear()

    def clear(self) -> None:
        """Forget the outcome, to be used again."""
        self._waiter: _Waiter[Any] = _Waiter(outside=False)
        self._greenlet: Any = None
        self._value: Any = None
        self._error: tuple[Any, ...] | None = None

    def __str__(self) -> str:
        text = f"<Waiter greenlet={self._greenlet}"
        if self._error is not None:
            return f"{text} exc_info={self._error}>"
        return f"{text} value={self._value!r}>" if self._waiter.ready else f"{text}>"

    def ready(self) -> bool:
        return self._waiter.ready

    def successful(self) -> bool:
        return self._waiter.ready and self._error is None

    @property
    def value(self) -> Any:
        return self._value

    @property
    def exc_info(self) -> tuple[Any, ...] | None:
        return self._error

    def switch(self, value: Any = None) -> None:
        """Make get() return value."""
        if self._waiter.wake(value):
            self._value = value

    def switch_args(self, *args: Any) -> None:
        self.switch(args)

    def throw(self, *throw_args: Any) -> None:
        """Make get() raise; takes what raise takes."""
        kind, *rest = throw_args
        error = kind if isinstance(kind, BaseException) else _instance(kind, rest[0] if rest else None)
        if self._waiter.throw(error):
            self._error = throw_args

    def __call__(self, source: Any) -> None:
        if source.exception is None:
            self.switch(source.value)
        else:
            self.throw(source.exception)

    def get(self) -> Any:
        """The outcome, waited for."""
        self._greenlet = getcurrent()
        try:
            return self._waiter.wait()
        finally:
            self._greenlet = None


def _instance(kind: type[BaseException], value: Any) -> BaseException:
    if isinstance(value, BaseException):
        return value
    return kind() if value is None else kind(value)
