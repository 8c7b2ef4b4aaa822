"""The hub: one scheduler greenlet a thread, with a run queue, timers, the poller and an inbox for other threads.

Owns: the policy of scheduling: errors, fork, the end, what happens when nothing can wake anybody. The mechanism, which
every block and every switch goes through, is `_native/core.pyx`.

A greenlet that blocks calls `switch_away()`, which switches straight to the next runnable greenlet; only when there is
none, when a callback is due, or when the budget of direct hand-offs is spent, does it go through the hub greenlet. One
turn of the hub is: inbox, due timers, run queue, poll.

Only the hub lets begin what begins: a greenlet counts its recursion from the hub's depth, not from that of whoever
happened to block. Nothing runs between an entry's leaving the queue and its switch, so that Ctrl-C cannot lose one.

Only the hub's thread touches `ready`, the timers and the poller. Other threads append to `inbox` and then ring the
poller's bell; the hub silences the bell before it looks into the inbox.

Fork: `os.fork()` leaves the child without a hub (`started()` is False, `get_hub()` makes a new one); the parent's
greenlets never run there, except the one that forked. `reinit()` in the child adopts the parent's hub instead,
greenlets and all, with a poller of its own: that is gevent's meaning of `fork`, and `plait.green.fork` does it.

Costs: a hand-off is a ring operation and one switch; a timer is O(log n) to start, O(1) to cancel; an idle hub makes
no system call. Left to others: waiting (`waiter`), descriptors (`descriptors`), greenlets with results (`greenlets`).
"""

from __future__ import annotations

import _thread
import os
import sys
import time
import weakref

from plait._base import clock, natives
from plait.green import workers
from plait.green._native import core
from plait.green._native.core import Callback as Callback
from plait.green._native.core import HubCore, Turn, current
from plait.green._native.core import Timer as Timer
from plait.green.descriptors import Descriptors
from plait.green.exceptions import ConcurrentObjectUseError, LoopExit
from plait.green.facilities import Facilities
from plait.green.loop import Loop
from plait.green.poller import EpollPoller
from plait.greenlet import GreenletExit, getcurrent, greenlet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

    from plait.green.watchers import Watcher

__all__ = [
    "Callback",
    "Hub",
    "Timer",
    "Turn",
    "current",
    "fork",
    "get_hub",
    "get_hub_class",
    "hubs",
    "reinit",
    "set_default_hub_class",
    "started",
]

# How often a hub that only another thread could wake looks whether there still is one.
THREAD_CHECK_S = 0.1
# A thread is counted once it runs: so long one that was just started is waited for before a hub gives up.
THREAD_BIRTH_S = 0.005


class Hub(Facilities, HubCore):
    """The scheduler of one thread. Made by `get_hub()`; runs when a greenlet of the thread first blocks."""

    #: What ends a greenlet without being reported.
    NOT_ERROR: tuple[type[BaseException], ...] = (GreenletExit, SystemExit)
    #: What is passed on to the main greenlet, wherever it was raised.
    SYSTEM_ERROR: tuple[type[BaseException], ...] = (KeyboardInterrupt, SystemExit, SystemError)

    def __init__(self, loop: object = None, default: object = None) -> None:
        """loop, default: for code that passes them; there is one kind of loop."""
        greenlet.__init__(self, None, _main_of_thread())
        self.loop = _loop_of(self)
        self.poller = EpollPoller()
        self.descriptors = Descriptors(self.poller)
        self._ending = False
        _hubs.add(self)

    def __repr__(self) -> str:
        state = f"epoll ready={len(self.ready)} timers={self.timers_pending}"
        return (
            f"<{type(self).__name__} {self.name!r} at {id(self):#x} {'destroyed' if self._ending else state} "
            f"thread_ident={self.thread_ident:#x}>"
        )

    def run(self) -> None:
        self.start_periodic_monitoring_thread()
        super().run()

    # -- waiting for the others ----------------------------------------------------------------------------------

    def join(self, timeout: float | None = None) -> bool:
        """Park until nothing but the caller is left; True then, False when `timeout` seconds passed first."""
        turn = Turn(getcurrent())
        self.joiners.append(turn)
        expired: list[bool] = []
        timer = None
        if timeout is not None:
            timer = self.call_at(clock.now() + timeout, self._join_expired, turn, expired, keeps_alive=False)
        try:
            self.switch_away()
        finally:
            turn.greenlet = None
            if turn in self.joiners:
                self.joiners.remove(turn)
            if timer is not None:
                timer.cancel()
        return not expired

    def wait(self, watcher: Watcher) -> None:
        """Park until the watcher fires. Raises ConcurrentObjectUseError where the watcher is in use."""
        if watcher.callback is not None:
            raise ConcurrentObjectUseError(f"{watcher!r} is active already; make a watcher for each that waits")
        waiter: core.Waiter[None] = core.Waiter(outside=False, subject=watcher)
        watcher.waiter = waiter
        try:
            watcher.start(waiter.wake)
            waiter.wait()
        finally:
            watcher.waiter = None
            watcher.stop()

    def cancel_wait(self, watcher: Watcher | None, error: Any, close_watcher: bool = False) -> None:
        """Raise `error`, an exception or a class, where somebody waits for the watcher."""
        if watcher is None:
            return
        if watcher.waiter is not None:
            watcher.waiter.throw(error() if isinstance(error, type) else error)
        if close_watcher:
            watcher.close()

    # -- what the loop asks --------------------------------------------------------------------------------------

    def report(self, context: object, value: BaseException) -> None:
        """Give an exception that nobody will see to handle_error; where that fails too, both are printed."""
        if self._ending:
            raise value
        try:
            self.handle_error(context, type(value), value, value.__traceback__)
        except self.SYSTEM_ERROR:
            raise
        except BaseException as error:
            Hub.handle_error(self, self, type(error), error, error.__traceback__)

    def _hopeless(self) -> float:
        """Nothing that the hub knows of will wake anybody: how long to wait all the same; -1 not to wait."""
        others = _other_threads()
        if not others and not self.joiners:
            natives.sleep(THREAD_BIRTH_S)
            others = _other_threads()
            if self.inbox:  # looked at last: a thread leaves something there before it ends
                return 0.0
        if self.joiners or not others:
            self._nothing_left()
            return -1.0
        return THREAD_CHECK_S  # one of them may wake us, or end and leave us without hope

    def _nothing_left(self) -> None:
        if self.joiners:
            self.ready.append(self.joiners.pop())
            return
        main = self._main()
        assert main is not None
        main.throw(LoopExit(f"This operation would block forever\n\tHub: {self!r}\n{self._report_of_waits()}"))

    def _report_of_waits(self) -> str:
        from importlib import import_module

        try:  # by name: the report is made of what is made of hubs, and is loaded when there is one to write
            return str(import_module("plait.green.waitgraph").of_hubs([self]))
        except Exception as error:  # the report is of less worth than what it is about
            return f"(no report of what is waited for: {error!r})"

    def _join_expired(self, turn: Turn, expired: list[bool]) -> None:
        expired.append(True)
        self.ready.append(turn)

    # -- errors --------------------------------------------------------------------------------------------------

    def handle_error(
        self,
        context: object,
        kind: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Report an exception that nobody else will see; pass one that ends programs on to the main greenlet.

        context: the greenlet or function that it came from, or None. Users replace this to log differently.
        """
        kind, value, tb = self._normalize_exception(kind, value, tb)
        if kind is None or value is None:
            return
        if not issubclass(kind, self.NOT_ERROR):
            try:
                self.print_exception(context, kind, value, tb)
            except Exception:  # a broken stderr must end neither the greenlet's end nor the hub
                pass
        if context is None or issubclass(kind, self.SYSTEM_ERROR):
            self.handle_system_error(kind, value, tb)

    def handle_system_error(
        self, kind: type[BaseException], value: BaseException, tb: TracebackType | None = None
    ) -> None:
        """Raise the exception in the main greenlet, at the point where that is parked."""
        main = self._main()
        if main is None or getcurrent() is main:
            raise value
        current = getcurrent()
        if current is not self:  # its own end is not to be lost: it goes on later
            self.ready.append(Turn(current))
        main.throw(kind, value, tb)

    def _main(self) -> greenlet | None:
        """Who is told of what nobody else handles. In a forked child that is who forked, as long as that lives."""
        main = self.parent
        while main is not None and (main.dead or isinstance(main, Hub)):
            main = main.parent
        return main

    def print_exception(
        self, context: object, kind: type[BaseException], value: BaseException, tb: TracebackType | None
    ) -> None:
        stream = self.exception_stream
        if stream is None:
            return
        if issubclass(kind, KeyboardInterrupt):  # the main greenlet, which gets it, will tell
            return
        import traceback  # heavy, and seldom needed

        traceback.print_exception(kind, value, tb, file=stream)
        if context is not None:
            stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            stream.write(f"{stamp} {self._describe(context)} failed with {kind.__name__}\n\n")

    def _describe(self, context: object) -> str:
        return context if isinstance(context, str) else self.format_context(context)

    # -- the end, and fork ---------------------------------------------------------------------------------------

    def close(self) -> None:
        """Give back the kernel's objects and all that it holds. The greenlets of this hub never run again."""
        self.descriptors.close()
        self.drop_all()

    def destroy(self, destroy_loop: bool | None = None) -> None:
        """End the hub: what is parked in it never runs again, and the thread's next get_hub() makes a new one.

        Called in the main greenlet of its thread. destroy_loop: False gives the face of its loop to the next hub of the
        thread, so that who holds it holds that one's; None does so in the main thread.
        """
        global _spare_loop
        if not self._ending and (self.loop.default if destroy_loop is None else not destroy_loop):
            _spare_loop = self.loop
        if current() is self:
            core.set_current_hub(None, None)
        self._ending = True
        self.close_facilities()
        self.close()
        if not self.dead:
            self.throw(GreenletExit)
        self.drop_all()

    def _end_with_thread(self) -> None:
        """End the hub, then who is parked in it, so that `finally` runs and their stacks hold nothing for ever."""
        self._ending = True
        self.close_facilities()
        if not self.dead:
            self.throw(GreenletExit)  # who blocks from now on comes back to here at once, and is left where it is
        for runner, _subject, _since in self.parked():
            runner.parent = getcurrent()
            try:
                runner.throw(GreenletExit)
            except BaseException as error:
                Hub.handle_error(self, runner, type(error), error, error.__traceback__)
        self.destroy()

    def _orphaned(self) -> None:
        """A forked child came back into the parent's hub: hand over to the child's own, or become it."""
        heir = current()
        if heir is None:
            self._adopt()
        else:
            heir.switch()

    def _adopt(self) -> None:
        self.poller = EpollPoller()
        self.thread_ident = natives.get_ident()
        self.generation = core.generation()
        self.descriptors.move_to(self.poller)
        _install(self)
        self.loop.reinit()

    def _abandon(self) -> None:
        """In a forked child: never touch the parent's epoll and eventfd again."""
        self.poller.close()
        self.budget = 0  # direct hand-offs end; the next to block comes through the hub, which sees the generation


class _Keeper:
    """Ends the hub of a thread that ends: its own greenlet's frame would keep it alive."""

    __slots__ = ("_hub",)

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def __del__(self) -> None:
        hub = self._hub
        if hub.generation == core.generation() and not sys.is_finalizing():
            if natives.get_ident() == hub.thread_ident:
                hub._end_with_thread()
            else:
                hub.close()


_hub_class = Hub
_hubs: weakref.WeakSet[Hub] = weakref.WeakSet()
_inherited: Hub | None = None  # in a forked child, the hub of the thread that forked


_spare_loop: Loop | None = None  # of a hub that was destroyed without it


def _loop_of(hub: Hub) -> Loop:
    global _spare_loop
    loop = _spare_loop
    if loop is None or loop.hub.thread_ident != hub.thread_ident:
        return Loop(hub)
    _spare_loop = None
    loop.hub = hub
    return loop


_forker: greenlet | None = None  # in a forked child, who forked
_forker_first: greenlet | None = None  # and the first greenlet of its thread


def hubs() -> list[Hub]:
    """The hubs of all threads of this process."""
    return [hub for hub in list(_hubs) if hub.generation == core.generation()]


def started() -> bool:
    """Whether this thread has a hub, so that waiting parks a greenlet instead of blocking the thread."""
    return current() is not None


def get_hub() -> Hub:
    """The hub of this thread, made now where there is none."""
    hub = current()
    if hub is None:
        hub = get_hub_class()()
        _install(hub)
    return hub  # type: ignore[no-any-return]  # every hub is a Hub


def get_hub_class() -> type[Hub]:
    """The class of the hubs that are made from now on."""
    return _hub_class


def set_default_hub_class(hub_class: type[Hub]) -> None:
    """Make hubs of a subclass of Hub from now on; those that exist stay."""
    global _hub_class
    _hub_class = hub_class


def reinit() -> None:
    """In a forked child: go on with the parent's greenlets, on a poller of the child's own. Else nothing."""
    global _inherited
    hub, _inherited = _inherited, None
    if hub is not None and current() is None:
        hub._adopt()


def fork() -> int:
    """os.fork(), after which the child goes on with all greenlets of this thread, as the parent does."""
    child = os.fork()
    if not child:
        reinit()
    return child


def _install(hub: Hub) -> None:
    core.set_current_hub(hub, _Keeper(hub))


def _other_threads() -> int:
    """How many other threads of Python there are: each might wake a greenlet of this one.

    `_thread._count()` leaves out the main thread: for that one it is the number of the others, and any other thread may
    count the main thread in place of itself. Threads that wait for work that we give them are left out.
    """
    return _thread._count() - workers.idle_threads()


def _main_of_thread() -> greenlet:
    """The greenlet that the program of this thread is: the first one, in a forked child the one that forked."""
    first = getcurrent()
    while first.parent is not None and not getattr(first, "greenlet_tree_is_root", False):
        first = first.parent
    return _forker if _forker is not None and _forker_first is first and not _forker.dead else first


def _after_fork_in_child() -> None:
    global _inherited, _forker, _forker_first
    _forker, _forker_first = None, _main_of_thread()
    _forker = getcurrent()
    _inherited = current()
    core.forked()
    for hub in list(_hubs):
        hub._abandon()


os.register_at_fork(after_in_child=_after_fork_in_child)
