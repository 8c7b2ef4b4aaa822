"""The event-loop face of a hub: watchers, for libraries that were written against one.

`get_hub().loop` makes watchers of timers, descriptors and other threads' calls, and runs callbacks. A watcher is
stopped or
active: `start(callback, *args)` makes it active, `stop()` and, for one without repetition, firing make it stopped.
Callbacks run in the hub and must not block. Everything here is a few calls of the hub's own interface, and costs
that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from plait._base import clock
from plait.green.poller import READ, WRITE

if TYPE_CHECKING:
    from plait.green.hub import Callback, Hub, Timer

__all__ = ["Loop"]


class Loop:
    """What a hub offers as an event loop."""

    default = True

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {id(self):#x} of {self._hub!r}>"

    def run_callback(self, func: Callable[..., object], *args: Any) -> Callback:
        """Call func(*args) in the hub, after what is runnable now. The hub's thread only."""
        return self._hub.run_callback(func, *args)

    def run_callback_threadsafe(self, func: Callable[..., object], *args: Any) -> Callback:
        """As run_callback, from any thread."""
        return self._hub.run_callback_threadsafe(func, *args)

    def now(self) -> float:
        """Monotonic seconds."""
        return clock.now()

    def update_now(self) -> None:
        """Nothing: the time is never cached."""

    update = update_now

    def timer(self, after: float, repeat: float = 0.0, ref: bool = True, priority: Any = None) -> TimerWatcher:
        """Fires `after` seconds from its start, and every `repeat` seconds from then on where that is not 0."""
        return TimerWatcher(self._hub, after, repeat, ref)

    def io(self, fd: int, events: int, ref: bool = True, priority: Any = None) -> IoWatcher:
        """Fires as long as fd is ready for events: 1 for reading, 2 for writing, 3 for either."""
        return IoWatcher(self._hub, fd, events, ref)

    def async_(self, ref: bool = True, priority: Any = None) -> AsyncWatcher:
        """Fires when another thread calls its `send`."""
        return AsyncWatcher(self._hub, ref)


class _Watcher:
    """The state that all kinds share: a callback while active, None while stopped."""

    def __init__(self, hub: Hub, ref: bool) -> None:
        self._hub = hub
        self.ref = ref
        self.callback: Callable[..., object] | None = None
        self.args: tuple[Any, ...] = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {id(self):#x}{' active' if self.active else ''} callback={self.callback!r}>"

    @property
    def active(self) -> bool:
        return self.callback is not None

    @property
    def pending(self) -> bool:
        return False

    def start(self, callback: Callable[..., object], *args: Any) -> None:
        """Call callback(*args) in the hub when it happens. One that is active is started anew."""
        if not callable(callback):
            raise TypeError(f"callback={callback!r} is not callable")
        self.stop()
        self.callback = callback
        self.args = args
        self._begin()

    def stop(self) -> None:
        """Fire no more. Nothing where it is stopped."""
        if self.callback is not None:
            self.callback = None
            self.args = ()
            self._end()

    close = stop

    def __enter__(self) -> _Watcher:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _begin(self) -> None:
        raise NotImplementedError

    def _end(self) -> None:
        raise NotImplementedError

    def _call(self) -> None:
        if self.callback is not None:
            self._run(self.callback, self.args)

    def _run(self, callback: Callable[..., object], args: tuple[Any, ...]) -> None:
        try:
            callback(*args)
        except BaseException as error:
            self._hub.report(self, error)


class TimerWatcher(_Watcher):
    def __init__(self, hub: Hub, after: float, repeat: float, ref: bool) -> None:
        super().__init__(hub, ref)
        self._after = after
        self._repeat = repeat
        self._timer: Timer | None = None

    def again(self, callback: Callable[..., object], *args: Any) -> None:
        """Start over, with `repeat` seconds to the next time."""
        self._after = self._repeat or self._after
        self.start(callback, *args)

    def _begin(self) -> None:
        self._arm(self._after)

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, seconds: float) -> None:
        self._timer = self._hub.call_at(clock.now() + seconds, self._fire, keeps_alive=self.ref)

    def _fire(self) -> None:
        callback, args = self.callback, self.args
        if self._repeat:
            self._arm(self._repeat)
        else:
            self.stop()
        if callback is not None:
            self._run(callback, args)


class IoWatcher(_Watcher):
    """To the descriptors it is a waiter that waits again each time it was woken."""

    def __init__(self, hub: Hub, fd: int, events: int, ref: bool) -> None:
        if not events or events & ~(READ | WRITE):
            raise ValueError(f"events={events!r} is not 1 (read), 2 (write) or 3 (both)")
        super().__init__(hub, ref)
        self.fd = fd
        self.events = events
        self._watched = 0  # directions that the descriptors know this for
        self._fires: Callback | None = None

    @property
    def pending(self) -> bool:
        return self._fires is not None and self._fires.pending

    def wake(self) -> bool:
        """Called by the descriptors: fd is ready."""
        if not self.pending:
            self._fires = self._hub.run_callback(self._fire)
        return True

    def throw(self, exception: BaseException, /) -> bool:
        """Called by the descriptors: fd was closed."""
        self._hub.run_callback_threadsafe(self.stop)
        return True

    def _begin(self) -> None:
        for direction in (READ, WRITE):
            if self.events & direction:
                self._hub.descriptors.add(self.fd, direction, self)
                self._watched |= direction

    def _end(self) -> None:
        if self._fires is not None:
            self._fires.stop()
        for direction in (READ, WRITE):
            if self._watched & direction:
                self._watched &= ~direction
                self._hub.descriptors.remove(self.fd, direction, self, sticky=False)

    def _fire(self) -> None:
        self._call()
        if self.callback is not None:  # not stopped meanwhile
            self._end()
            self._begin()


class AsyncWatcher(_Watcher):
    def send(self) -> None:
        """Fire once, soon. From any thread."""
        self._hub.run_callback_threadsafe(self._call)

    send_ignoring_arg = send

    def _begin(self) -> None:
        self._hub.outside_waits += self.ref

    def _end(self) -> None:
        self._hub.outside_waits -= self.ref
