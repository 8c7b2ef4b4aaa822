"""Watchers: callbacks for what happens, as event-loop libraries have them; `loop.Loop` makes them.

A watcher is stopped or active: `start(callback, *args)` makes it active, `stop()` and, where it can happen once only,
happening make it stopped. `close()` is `stop()`: nothing of the kernel outlives that. Callbacks run in the hub and must
not block; what they raise goes to the hub's `handle_error` with the watcher as context.

`ref`: whether a hub with nothing else left goes on waiting for it; may be changed at any time. `priority` is kept and
means nothing: what happened first is called first.

Each kind is a few calls of the hub's own interface, and costs that.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # what `signal` wraps in enumerations, which are slow to import
import os

from plait._base import clock
from plait.green.childwatch import Watch, remember, take
from plait.green.poller import READ, WRITE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Any, TypeVar

    from plait.green.hub import Callback, Timer
    from plait.green.loop import Loop

    W = TypeVar("W", bound="Watcher")

__all__ = [
    "AsyncWatcher",
    "CheckWatcher",
    "ChildWatcher",
    "ForkWatcher",
    "IdleWatcher",
    "IoWatcher",
    "PrepareWatcher",
    "SignalWatcher",
    "StatWatcher",
    "TimerWatcher",
    "Watcher",
]

#: In the arguments of an IoWatcher's callback, stands for what the descriptor is ready for.
EVENTS = type("EVENTS", (), {"__repr__": lambda self: "EVENTS"})()

# Captured before anybody patches them.
_signal_signal = _signal.signal
_waitpid = os.waitpid
_stat = os.stat

_STAT_DEFAULT_S = 5.0
_STAT_MIN_S = 0.1


class Watcher:
    """The state that all kinds share. active implies that callback is not None and that the hub counts it if `ref`."""

    def __init__(self, loop: Loop, ref: bool = True, priority: int | None = None) -> None:
        self.loop = loop
        self._hub = loop.hub
        self._ref = ref
        self._priority = priority
        self._active = False
        self._callback: Callable[..., object] | None = None
        self._args: tuple[Any, ...] | None = None
        self.waiter: Any = None  # of the greenlet that waits for it (see Hub.wait)

    def __repr__(self) -> str:
        state = f"callback={self._callback!r} args={self._args!r}" if self._callback else "stopped"
        pending = " pending" if self.pending else ""
        return f"<{type(self).__name__} at {id(self):#x}{self._detail()}{pending} {state} ref={self._ref}>"

    # -- what users see ------------------------------------------------------------------------------------------

    @property
    def active(self) -> bool:
        """Whether it was started, and neither stopped nor over."""
        return self._active

    @property
    def pending(self) -> bool:
        """Whether it has happened and the callback is yet to be called."""
        return False

    @property
    def ref(self) -> bool:
        return self._ref

    @ref.setter
    def ref(self, ref: bool) -> None:
        if self._active:
            self._hub.outside_waits += bool(ref) - self._ref
            self.loop.activecnt += bool(ref) - self._ref
        self._ref = bool(ref)

    @property
    def priority(self) -> int | None:
        return self._priority

    @priority.setter
    def priority(self, priority: int | None) -> None:
        self._refuse_while_active("priority")
        self._priority = priority

    @property
    def callback(self) -> Callable[..., object] | None:
        """What is called; None while stopped."""
        return self._callback

    @callback.setter
    def callback(self, callback: Callable[..., object] | None) -> None:
        if callback is not None and not callable(callback):
            raise TypeError(f"callback={callback!r} is not callable")
        self._callback = callback

    @property
    def args(self) -> tuple[Any, ...] | None:
        """What the callback is called with; None while stopped."""
        return self._args

    @args.setter
    def args(self, args: tuple[Any, ...] | None) -> None:
        if args is not None and not isinstance(args, tuple):
            raise TypeError(f"args={args!r} is not a tuple, nor None")
        self._args = args

    def start(self, callback: Callable[..., object], *args: Any) -> None:
        """Call callback(*args) in the hub when it happens. One that is active is started anew."""
        if not callable(callback):
            raise TypeError(f"callback={callback!r} is not callable")
        self.stop()
        self._callback = callback
        self._args = args
        self._begin()
        self._active = True
        self._hub.outside_waits += self._ref
        self.loop.activecnt += self._ref

    def stop(self) -> None:
        """Call no more. Nothing where it is stopped."""
        self._callback = None
        self._args = None
        if self._active:
            self._active = False
            self._hub.outside_waits -= self._ref
            self.loop.activecnt -= self._ref
            self._end()

    def close(self) -> None:
        """stop()."""
        self.stop()

    def feed(self, revents: int, callback: Callable[..., object], *args: Any) -> None:
        """Call callback(*args) in the hub soon, as if it had happened, whether active or not."""
        self._hub.run_callback(self._run, callback, args)

    def __enter__(self: W) -> W:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    # -- for the kinds -------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Arrange for _call to be called in the hub when it happens."""
        raise NotImplementedError

    def _end(self) -> None:
        """Undo _begin."""
        raise NotImplementedError

    def _detail(self) -> str:
        return ""

    def _call(self) -> None:
        if self._callback is not None:
            self._run(self._callback, self._args or ())

    def _finish(self) -> None:
        """It can happen no more: stop, then call."""
        callback, args = self._callback, self._args
        self.stop()
        if callback is not None:
            self._run(callback, args or ())

    def _run(self, callback: Callable[..., object], args: tuple[Any, ...]) -> None:
        try:
            callback(*args)
        except BaseException as error:
            self._hub.report(self, error)

    def _refuse_while_active(self, what: str) -> None:
        if self._active:
            raise ValueError(f"{what} cannot be changed while {self!r} is active; stop() it first")


class TimerWatcher(Watcher):
    """Fires `after` seconds from its start, and every `repeat` seconds from then on where that is not 0."""

    def __init__(
        self, loop: Loop, after: float = 0.0, repeat: float = 0.0, ref: bool = True, priority: int | None = None
    ) -> None:
        if repeat < 0:
            raise ValueError(f"repeat={repeat!r} is negative; pass seconds, or 0 to fire once")
        super().__init__(loop, ref, priority)
        self._after = after
        self._repeat = repeat
        self._timer: Timer | None = None

    @property
    def at(self) -> float:
        """When it fires, in monotonic seconds; 0 while stopped."""
        return self._timer.deadline if self._timer is not None else 0.0

    def start(self, callback: Callable[..., object], *args: Any, update: bool | None = None) -> None:
        """As Watcher.start. update: for code that passes it; the time is never cached."""
        super().start(callback, *args)

    def again(self, callback: Callable[..., object], *args: Any, update: bool | None = None) -> None:
        """Start over, with `repeat` seconds to the next time."""
        after, self._after = self._after, self._repeat or self._after
        try:
            self.start(callback, *args)
        finally:
            self._after = after

    def _begin(self) -> None:
        self._arm(self._after)

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, seconds: float) -> None:
        self._timer = self._hub.call_at(clock.now() + seconds, self._fire, keeps_alive=False)  # counted by `ref`

    def _fire(self) -> None:
        self._timer = None
        if self._repeat:
            self._arm(self._repeat)
            self._call()
        else:
            self._finish()


class _Direction:
    """One direction of an IoWatcher, to the descriptors a waiter that waits again each time it was woken."""

    __slots__ = ("direction", "watcher")

    def __init__(self, watcher: IoWatcher, direction: int) -> None:
        self.watcher = watcher
        self.direction = direction

    def wake(self) -> bool:
        self.watcher._ready(self.direction)
        return True

    def throw(self, exception: BaseException, /) -> bool:
        self.watcher._closed(exception)
        return True


class IoWatcher(Watcher):
    """Fires as long as `fd` is ready for `events`: READ, WRITE, or both.

    With start(..., pass_events=True) the callback gets what it is ready for before its own arguments.
    """

    def __init__(self, loop: Loop, fd: int, events: int, ref: bool = True, priority: int | None = None) -> None:
        super().__init__(loop, ref, priority)
        self.fd = fd
        self.events = events
        self._watched: list[_Direction] = []
        self._found = 0
        self._fires: Callback | None = None

    @property
    def fd(self) -> int:
        return self._fd

    @fd.setter
    def fd(self, fd: int) -> None:
        self._refuse_while_active("fd")
        if fd < 0:
            raise ValueError(f"fd={fd!r} is negative; pass an open descriptor")
        self._fd = fd

    @property
    def events(self) -> int:
        return self._events

    @events.setter
    def events(self, events: int) -> None:
        self._refuse_while_active("events")
        if not events or events & ~(READ | WRITE):
            raise ValueError(f"events={events!r} is not 1 (read), 2 (write) or 3 (both)")
        self._events = events

    @property
    def pending(self) -> bool:
        return self._fires is not None and self._fires.pending

    def start(self, callback: Callable[..., object], *args: Any, pass_events: bool = False) -> None:
        super().start(callback, *((EVENTS, *args) if pass_events else args))

    def _begin(self) -> None:
        descriptors = self._hub.descriptors
        for direction in (READ, WRITE):
            if self._events & direction:
                one = _Direction(self, direction)
                try:
                    descriptors.add(self._fd, direction, one)
                except BaseException:
                    self._end()
                    raise
                descriptors.waiting -= 1  # counted by `ref`
                self._watched.append(one)

    def _end(self) -> None:
        descriptors = self._hub.descriptors
        if self._fires is not None:
            self._fires.stop()
        self._found = 0
        while self._watched:
            one = self._watched.pop()
            descriptors.waiting += 1
            descriptors.remove(self._fd, one.direction, one, sticky=False)

    def _ready(self, direction: int) -> None:
        self._found |= direction
        if not self.pending:
            self._fires = self._hub.run_callback(self._fire)

    def _closed(self, error: BaseException) -> None:
        if self.waiter is None:
            self._hub.run_callback_threadsafe(self.stop)
        else:
            self.waiter.throw(error)

    def _fire(self) -> None:
        found, callback, args = self._found, self._callback, self._args
        if callback is None or not found:
            return
        self._end()  # before the callback, which may close the descriptor
        self._run(callback, tuple(found if arg is EVENTS else arg for arg in args or ()))
        if self._active and not self._watched:  # neither stopped nor started anew
            try:
                self._begin()
            except OSError:  # the callback closed the descriptor, and left the watcher
                self.stop()

    def _detail(self) -> str:
        return f" fd={self._fd} events={self._events}"


class AsyncWatcher(Watcher):
    """Fires when any thread has called `send`."""

    def send(self) -> None:
        """Fire once, soon. From any thread."""
        self._hub.run_callback_threadsafe(self._call)

    def send_ignoring_arg(self, _ignored: object) -> None:
        """send(), for whoever calls with an argument."""
        self.send()

    def _begin(self) -> None:
        """Nothing: `send` looks whether there is a callback."""

    def _end(self) -> None:
        """Nothing."""


class ChildWatcher(Watcher):
    """Fires when the child `pid`, any child for 0, has ended; then `rpid` and `rstatus` (as of waitpid) are set.

    It takes the status, and has it remembered for `waitpid` (see `childwatch`).
    """

    def __init__(self, loop: Loop, pid: int, trace: int = 0, ref: bool = True) -> None:
        if pid < 0:
            raise ValueError(f"pid={pid!r} is negative; pass a child's pid, or 0 for any child")
        super().__init__(loop, ref)
        self._pid = pid
        self._watch: Watch | None = None
        self.rpid: int | None = None
        self.rstatus = 0

    @property
    def pid(self) -> int:
        return self._pid

    def _begin(self) -> None:
        self._watch = Watch(self._hub, self._pid, self._ended, keeps_alive=False)

    def _end(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def _ended(self) -> None:
        self._watch = None
        if self._pid:
            try:
                self.rpid, self.rstatus = take(self._pid)
                remember(self.rpid, self.rstatus)
            except ChildProcessError:  # another took the status, or it never was ours
                self.rpid = self._pid
            self._finish()
            return
        try:
            pid, status = _waitpid(-1, os.WNOHANG)
        except ChildProcessError:  # there are no children left to watch
            self.stop()
            return
        self._begin()
        if pid:
            self.rpid, self.rstatus = pid, status
            remember(pid, status)
            self._call()

    def _detail(self) -> str:
        return f" pid={self._pid} rstatus={self.rstatus}"


_listeners: dict[int, list[SignalWatcher]] = {}  # signal number -> who is active
_replaced: dict[int, Any] = {}  # signal number -> the handler that was there before the first of them


def _deliver(signum: int, frame: FrameType | None) -> None:
    """The handler of all watched signals. Runs in the main thread, between two bytecodes."""
    for watcher in tuple(_listeners.get(signum, ())):
        watcher._arrived()


class SignalWatcher(Watcher):
    """Fires when the process got the signal; several arrivals before the callback runs are one.

    It replaces the handler that the signal has, and puts it back when the last watcher of that signal stops. To be
    started in the main thread, as signal.signal demands.
    """

    def __init__(self, loop: Loop, signalnum: int, ref: bool = True, priority: int | None = None) -> None:
        if not 1 <= signalnum < _signal.NSIG:
            raise ValueError(f"signalnum={signalnum!r} is not a signal; they go from 1 to {_signal.NSIG - 1}")
        super().__init__(loop, ref, priority)
        self.signalnum = signalnum
        self._fires: Callback | None = None

    @property
    def pending(self) -> bool:
        return self._fires is not None and self._fires.pending

    def _begin(self) -> None:
        listeners = _listeners.setdefault(self.signalnum, [])
        if not listeners:
            _replaced[self.signalnum] = _signal_signal(self.signalnum, _deliver)
        listeners.append(self)

    def _end(self) -> None:
        if self._fires is not None:
            self._fires.stop()
        listeners = _listeners[self.signalnum]
        listeners.remove(self)
        if not listeners:
            before = _replaced.pop(self.signalnum)
            # A handler that somebody has set since is theirs; one that was not set from Python cannot be put back.
            if before is not None and _signal.getsignal(self.signalnum) is _deliver:
                _signal_signal(self.signalnum, before)

    def _arrived(self) -> None:
        if not self.pending:
            self._fires = self._hub.run_callback_threadsafe(self._call)

    def _detail(self) -> str:
        return f" signalnum={self.signalnum}"


class StatWatcher(Watcher):
    """Fires when what os.stat says of `path` has changed, which is looked at every `interval` seconds.

    interval: 0 for the default of 5; never less than 0.1, and that where it is negative. `attr` is the stat result of
    now, `prev` that of before; None where there is no such file. The look is made in the hub, and blocks it as long as
    the file system takes.
    """

    def __init__(
        self,
        loop: Loop,
        path: str | bytes | os.PathLike[Any],
        interval: float = 0.0,
        ref: bool = True,
        priority: int | None = None,
    ) -> None:
        super().__init__(loop, ref, priority)
        self.path = path
        self.interval = interval
        self.attr: os.stat_result | None = None
        self.prev: os.stat_result | None = None
        self._timer: Timer | None = None

    def _begin(self) -> None:
        self.interval = max(self.interval, _STAT_MIN_S) if self.interval else _STAT_DEFAULT_S
        self.attr = self.prev = self._look()
        self._arm()

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        self._timer = self._hub.call_at(clock.now() + self.interval, self._fire, keeps_alive=False)

    def _fire(self) -> None:
        self._arm()
        now = self._look()
        if _telling(now) != _telling(self.attr):
            self.prev, self.attr = self.attr, now
            self._call()

    def _look(self) -> os.stat_result | None:
        try:
            return _stat(self.path)
        except OSError:
            return None

    def _detail(self) -> str:
        return f" path={self.path!r} interval={self.interval}"


def _telling(stat: os.stat_result | None) -> tuple[int, ...] | None:
    """What counts as a change: all but the time of reading."""
    if stat is None:
        return None
    return (*stat[:7], stat.st_mtime_ns, stat.st_ctime_ns)


class _LoopWatcher(Watcher):
    """A kind that fires with the hub's turns: it is one of a list that the loop goes through."""

    def _list(self) -> list[Any]:
        raise NotImplementedError

    def _begin(self) -> None:
        self._list().append(self)
        self.loop.follow_turns()

    def _end(self) -> None:
        self._list().remove(self)
        self.loop.follow_turns()


class PrepareWatcher(_LoopWatcher):
    """Fires each time before the hub asks the kernel what has happened."""

    def _list(self) -> list[Any]:
        return self.loop.preparing


class CheckWatcher(_LoopWatcher):
    """Fires each time after the hub has asked the kernel what has happened."""

    def _list(self) -> list[Any]:
        return self.loop.checking


class ForkWatcher(_LoopWatcher):
    """Fires in a forked child that goes on with the hub (see `os.fork`), soon after the fork."""

    def _list(self) -> list[Any]:
        return self.loop.forking


class IdleWatcher(Watcher):
    """Fires each time nothing else is left to run, again and again: the hub does not sleep while one is active."""

    def __init__(self, loop: Loop, ref: bool = True, priority: int | None = None) -> None:
        super().__init__(loop, ref, priority)
        self._fires: Callback | None = None

    def _begin(self) -> None:
        self._fires = self._hub.run_callback_when_idle(self._fire)

    def _end(self) -> None:
        if self._fires is not None:
            self._fires.stop()
            self._fires = None

    def _fire(self) -> None:
        if self._active:
            self._begin()
            self._call()
