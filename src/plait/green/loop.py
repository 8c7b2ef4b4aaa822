"""The event-loop face of a hub, for libraries that were written against one.

`get_hub().loop` makes watchers (see `watchers`) and runs callbacks. It owns no kernel object: the hub does, and a loop
that is `destroy`ed is its hub destroyed. Names that only described another library's insides have the nearest honest
meaning: `backend` is that of the poller, `ref()` and `unref()` add to what keeps the hub waiting, `iteration` counts
the turns that it can see.
"""

from __future__ import annotations

import os
import sys

from plait._base import clock, natives
from plait.green import watchers
from plait.green.watchers import Watcher

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from plait.green.hub import Callback, Hub

__all__ = ["Loop"]


def _main_thread() -> int | None:
    """The main thread's, before patching makes it a greenlet's. Where no threading is imported, this is the thread that
    it would take for the main one.
    """
    threading = sys.modules.get("threading")
    return natives.get_ident() if threading is None else threading.main_thread().ident


_main_thread_ident = _main_thread()


class Loop:
    """What a hub offers as an event loop."""

    MAXPRI = 2
    MINPRI = -2
    WatcherType = Watcher
    backend = "epoll"
    backend_int = 4
    origflags: tuple[str, ...] = ("epoll",)
    origflags_int = 4
    approx_timer_resolution = 0.00001
    depth = 1

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.activecnt = 0  # active watchers that keep the hub waiting
        self.iteration = 0  # turns since a prepare or check watcher was first started
        self.error_handler: Any = None  # instead of the hub's handle_error, where set
        # Appended to and taken from by the watchers.
        self.preparing: list[watchers.PrepareWatcher] = []
        self.checking: list[watchers.CheckWatcher] = []
        self.forking: list[watchers.ForkWatcher] = []

    def __repr__(self) -> str:
        default = " default" if self.default else ""
        state = f"backend={self.backend}{default} pending={self.pendingcnt} ref={self.activecnt}"
        return f"<{type(self).__name__} at {id(self):#x} {'destroyed' if self.ptr is None else state}>"

    # -- callbacks and time --------------------------------------------------------------------------------------

    def run_callback(self, func: Callable[..., object], *args: Any) -> Callback:
        """Call func(*args) in the hub, after what is runnable now. The hub's thread only."""
        return self.hub.run_callback(func, *args)

    def run_callback_threadsafe(self, func: Callable[..., object], *args: Any) -> Callback:
        """As run_callback, from any thread."""
        return self.hub.run_callback_threadsafe(func, *args)

    def now(self) -> float:
        """Monotonic seconds."""
        return clock.now()

    def update_now(self) -> None:
        """Nothing: the time is never cached."""

    update = update_now

    # -- watchers ------------------------------------------------------------------------------------------------

    def io(self, fd: int, events: int, ref: bool = True, priority: int | None = None) -> watchers.IoWatcher:
        """Fires as long as fd is ready for events: 1 for reading, 2 for writing, 3 for either."""
        return watchers.IoWatcher(self, fd, events, ref, priority)

    def timer(
        self, after: float, repeat: float = 0.0, ref: bool = True, priority: int | None = None
    ) -> watchers.TimerWatcher:
        """Fires `after` seconds from its start, and every `repeat` seconds from then on where that is not 0."""
        return watchers.TimerWatcher(self, after, repeat, ref, priority)

    def signal(self, signum: int, ref: bool = True, priority: int | None = None) -> watchers.SignalWatcher:
        """Fires when the process got the signal."""
        return watchers.SignalWatcher(self, signum, ref, priority)

    def child(self, pid: int, trace: int = 0, ref: bool = True) -> watchers.ChildWatcher:
        """Fires when the child has ended; pid 0 is any. trace: children that stop are never told of."""
        return watchers.ChildWatcher(self, pid, trace, ref)

    def stat(
        self,
        path: str | bytes | os.PathLike[Any],
        interval: float = 0.0,
        ref: bool = True,
        priority: int | None = None,
    ) -> watchers.StatWatcher:
        """Fires when os.stat(path) has changed, looking every `interval` seconds."""
        return watchers.StatWatcher(self, path, interval, ref, priority)

    def async_(self, ref: bool = True, priority: int | None = None) -> watchers.AsyncWatcher:
        """Fires when any thread calls its `send`."""
        return watchers.AsyncWatcher(self, ref, priority)

    def idle(self, ref: bool = True, priority: int | None = None) -> watchers.IdleWatcher:
        """Fires whenever nothing else is left to run."""
        return watchers.IdleWatcher(self, ref, priority)

    def prepare(self, ref: bool = True, priority: int | None = None) -> watchers.PrepareWatcher:
        """Fires before each poll."""
        return watchers.PrepareWatcher(self, ref, priority)

    def check(self, ref: bool = True, priority: int | None = None) -> watchers.CheckWatcher:
        """Fires after each poll."""
        return watchers.CheckWatcher(self, ref, priority)

    def fork(self, ref: bool = True, priority: int | None = None) -> watchers.ForkWatcher:
        """Fires in a forked child."""
        return watchers.ForkWatcher(self, ref, priority)

    # -- state ---------------------------------------------------------------------------------------------------

    @property
    def default(self) -> bool:
        """Whether it is the main thread's."""
        return self.ptr is not None and self.hub.thread_ident == _main_thread_ident

    @property
    def ptr(self) -> int | None:
        """Something that is the same for the same loop, and None for one that was destroyed."""
        return id(self) if self.fileno() is not None else None

    @property
    def pendingcnt(self) -> int:
        """How much is waiting to run."""
        return len(self.hub.ready) + len(self.hub.inbox)

    def fileno(self) -> int | None:
        """The poller's descriptor, readable when something is to be done; None for a loop that was destroyed."""
        try:
            fd = self.hub.poller.fileno()
        except ValueError:
            return None
        return None if fd < 0 else fd

    def ref(self) -> None:
        """Keep the hub waiting where nothing else does, until unref()."""
        self.hub.outside_waits += 1

    def unref(self) -> None:
        """Undo a ref()."""
        self.hub.outside_waits -= 1

    def verify(self) -> None:
        """Nothing."""

    # -- running -------------------------------------------------------------------------------------------------

    def run(self, nowait: bool = False, once: bool = False) -> bool:
        """Park the caller until nothing is left that could happen; with nowait or once, for one turn of the hub."""
        return self.hub.join(0 if nowait or once else None)

    def destroy(self) -> bool:
        """Destroy the hub. Returns whether there was something to destroy."""
        if self.ptr is None:
            return False
        self.hub.destroy(destroy_loop=True)
        return True

    def reinit(self) -> None:
        """In a forked child whose hub goes on: call the fork watchers."""
        for watcher in tuple(self.forking):
            self.hub.run_callback(watcher._call)

    def install_sigchld(self) -> None:
        """Nothing: children are watched without that signal."""

    def reset_sigchld(self) -> None:
        """Nothing: children are watched without that signal."""

    def closing_fd(self, fd: int) -> bool:
        """fd is about to be closed: who waits for it gets EBADF, watchers of it stop. False: close it now."""
        self.hub.descriptors.closing(fd)
        return False

    def handle_error(self, context: object, type: Any, value: Any, tb: Any) -> None:
        """Report an exception as one of the hub's callbacks would."""
        handler: Any = self.error_handler if self.error_handler is not None else self.hub
        getattr(handler, "handle_error", handler)(context, type, value, tb)

    # -- for the hub ---------------------------------------------------------------------------------------------

    def follow_turns(self) -> None:
        """Have the hub call before_poll and after_poll as long as there is a watcher that wants them."""
        self.hub.follower = self if self.preparing or self.checking else None

    def before_poll(self) -> None:
        self.iteration += 1
        for watcher in tuple(self.preparing):
            watcher._call()

    def after_poll(self) -> None:
        for watcher in tuple(self.checking):
            watcher._call()


setattr(Loop, "async", Loop.async_)  # a keyword since Python 3.7, reached by getattr


def _after_fork_in_child() -> None:
    global _main_thread_ident
    _main_thread_ident = natives.get_ident()  # the thread that forked is the main one


os.register_at_fork(after_in_child=_after_fork_in_child)
