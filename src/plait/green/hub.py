"""The hub: one scheduler greenlet a thread, with a run queue, timers, the poller and an inbox for other threads.

Owns: which greenlet of its thread runs next. A greenlet that blocks calls `switch_away()`, which switches straight to
the next runnable greenlet; only when there is none, when a callback is due, or when the budget of direct hand-offs is
spent, does it go through the hub greenlet. One turn of the hub is: inbox, due timers, run queue, poll.

The run queue holds entries: a `Callback`, run on the hub's own stack (it must not block), or anything with
`target() -> greenlet | None`, the greenlet to switch to, None when the entry is void. `target` has no side effects.
Only the hub switches to what is not `direct`: a greenlet that begins there counts its recursion from the hub's depth,
not from that of whoever happened to block. An entry is read, then deleted by `del ready[0]`, then switched to: the
interpreter delivers no signal between the last two, so Ctrl-C cannot lose an entry.

Only the hub's thread touches `ready`, the timers and the poller. Other threads append to `inbox` and then ring the
poller's bell; the hub silences the bell before it looks into the inbox.

Fork: `os.fork()` leaves the child without a hub (`started()` is False, `get_hub()` makes a new one); the parent's
greenlets never run there, except the one that forked. `reinit()` in the child adopts the parent's hub instead,
greenlets and all, with a poller of its own: that is gevent's meaning of `fork`, and `plait.green.fork` does it.

Costs: a hand-off is a deque operation and one switch; a timer is O(log n) to start, O(1) to cancel; an idle hub makes
no system call. Left to others: waiting (`waiter`), descriptors (`descriptors`), greenlets with results (`greenlets`).
"""

from __future__ import annotations

import _thread
import os
import sys
import time
import traceback
import weakref
from collections import deque
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from types import TracebackType
from typing import Any, NoReturn, Protocol

from plait._base import clock
from plait.green.descriptors import Descriptors
from plait.green.exceptions import BlockingSwitchOutError, LoopExit
from plait.green.facilities import Facilities
from plait.green.loop import Loop
from plait.green.poller import EpollPoller
from plait.greenlet import GreenletExit, getcurrent, greenlet
from plait.trace import ring

__all__ = [
    "Callback",
    "Hub",
    "Timer",
    "Turn",
    "current",
    "fork",
    "get_hub",
    "get_hub_class",
    "reinit",
    "set_default_hub_class",
    "started",
]

# Direct hand-offs between two looks at timers, descriptors and the inbox: a thousandth of a second of short switches.
HANDOFF_BUDGET = 100
# What the clock, which counts nanoseconds, cannot tell apart is due: else a virtual clock that was moved to a deadline
# may stand before it for ever.
RESOLUTION_S = 1e-9
# How often a hub that only another thread could wake looks whether there still is one.
THREAD_CHECK_S = 0.1
# Cancelled timers stay in the heap until they come up; past this many, and half of the heap, they are swept out.
SWEEP_MIN = 1000


class Entry(Protocol):
    @property
    def direct(self) -> bool: ...

    def target(self) -> greenlet | None: ...


class Callback:
    """A function that the hub calls once, on its own stack; `stop()` before that withdraws it."""

    __slots__ = ("args", "function")

    direct = False

    def __init__(self, function: Callable[..., object], args: tuple[Any, ...]) -> None:
        self.function: Callable[..., object] | None = function
        self.args = args

    @property
    def pending(self) -> bool:
        return self.function is not None

    def __bool__(self) -> bool:
        return self.function is not None

    def stop(self) -> None:
        self.function = None
        self.args = ()

    def __repr__(self) -> str:
        return f"<Callback at {id(self):#x}: {self.function!r}{self.args!r}>"


class Turn:
    """A running greenlet's place in the run queue. Void once the greenlet has left the wait that it stands for."""

    __slots__ = ("greenlet",)

    direct = True

    def __init__(self, runner: greenlet) -> None:
        self.greenlet: greenlet | None = runner

    def target(self) -> greenlet | None:
        return self.greenlet


class Timer:
    """A function that the hub calls at `deadline` (monotonic seconds) unless cancelled before.

    keeps_alive=False: the timer does not count as something that could wake a greenlet (see `LoopExit`).
    """

    __slots__ = ("args", "deadline", "function", "hub", "keeps_alive")

    def __init__(
        self, hub: Hub, deadline: float, function: Callable[..., object], args: tuple[Any, ...], keeps_alive: bool
    ) -> None:
        self.hub: Hub | None = hub  # as long as it is in the heap
        self.deadline = deadline
        self.function: Callable[..., object] | None = function
        self.args = args
        self.keeps_alive = keeps_alive

    @property
    def pending(self) -> bool:
        return self.function is not None

    def cancel(self) -> None:
        """Withdraw; nothing happens where it has fired or was cancelled. Hub's thread only."""
        if self.function is not None:
            self.function = None
            self.args = ()
            if self.hub is not None:
                self.hub._timer_cancelled(self)


class Hub(Facilities, greenlet):
    """The scheduler of one thread. Made by `get_hub()`; runs when a greenlet of the thread first blocks."""

    #: What ends a greenlet without being reported.
    NOT_ERROR: tuple[type[BaseException], ...] = (GreenletExit, SystemExit)
    #: What is passed on to the main greenlet, wherever it was raised.
    SYSTEM_ERROR: tuple[type[BaseException], ...] = (KeyboardInterrupt, SystemExit, SystemError)

    def __init__(self, loop: object = None, default: object = None) -> None:
        """loop, default: for code that passes them; there is one kind of loop."""
        main = getcurrent()
        while main.parent is not None:
            main = main.parent
        greenlet.__init__(self, None, main)
        self.thread_ident = _thread.get_ident()
        self.generation = _generation
        self.loop = Loop(self)
        self.ready: deque[Any] = deque()
        self.inbox: deque[Any] = deque()  # appended to by any thread
        self.polling = False  # the kernel is asked, and what a signal handler makes runnable must end that
        self.budget = 0  # 0 until the hub runs: the first to block goes through it
        self.outside_waits = 0  # parked waiters that another thread may wake
        self.poller = EpollPoller()
        self.descriptors = Descriptors(self.poller)
        self._timers: list[tuple[float, int, Timer]] = []
        self._timer_count = 0  # ties between equal deadlines: first come, first served
        self._timers_cancelled = 0  # in the heap
        self._timers_awaited = 0  # in the heap, pending and keeping alive
        self.follower: Loop | None = None  # told before and after each poll, where somebody wants to know
        self._idle: deque[Any] = deque()
        self._joiners: list[Turn] = []
        self._ending = False
        _hubs.add(self)

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} {self.name!r} at {id(self):#x} epoll ready={len(self.ready)} "
            f"timers={len(self._timers) - self._timers_cancelled} thread_ident={self.thread_ident:#x}>"
        )

    # -- for the greenlets of this thread ------------------------------------------------------------------------

    def switch_away(self) -> Any:
        """Leave the current greenlet to the next runnable one. Returns when something switches back."""
        ready = self.ready
        while ready and self.budget > 0:
            entry = ready[0]
            if not entry.direct:
                break
            target = entry.target()
            if target is None:
                del ready[0]
                continue
            self.budget -= 1
            del ready[0]
            return target.switch()
        if getcurrent() is self:
            self.refuse_to_block()
        return self.switch()

    def yield_turn(self) -> None:
        """Let every other runnable greenlet run once."""
        runner = getcurrent()
        if runner is self:
            self.refuse_to_block()
        turn = Turn(runner)
        alone = not self.ready
        self.ready.append(turn)
        try:
            if alone:  # let the hub look at timers and descriptors, since nobody else would
                self.switch()
            else:
                self.switch_away()
        finally:
            turn.greenlet = None

    def yield_until_idle(self) -> None:
        """Park until the hub would otherwise wait for the kernel."""
        turn = Turn(getcurrent())
        self._idle.append(turn)
        try:
            self.switch_away()
        finally:
            turn.greenlet = None

    def refuse_to_block(self) -> NoReturn:
        raise BlockingSwitchOutError("a callback in the hub must not block; spawn a greenlet that does")

    def run_callback(self, function: Callable[..., object], *args: Any) -> Callback:
        """Call function(*args) in the hub, after what is in the run queue now. Hub's thread only."""
        callback = Callback(function, args)
        self._enqueue(callback)
        return callback

    def run_callback_when_idle(self, function: Callable[..., object], *args: Any) -> Callback:
        """Call function(*args) in the hub when it would otherwise wait for the kernel. Hub's thread only."""
        callback = Callback(function, args)
        self._idle.append(callback)
        return callback

    def call_at(self, deadline: float, function: Callable[..., object], *args: Any, keeps_alive: bool = True) -> Timer:
        """Call function(*args) in the hub at `deadline`, monotonic seconds; equal deadlines in order of call."""
        timer = Timer(self, deadline, function, args, keeps_alive)
        self._timer_count += 1
        self._timers_awaited += keeps_alive
        heappush(self._timers, (deadline, self._timer_count, timer))
        if self.polling:
            self.poller.notify()
        return timer

    def join(self, timeout: float | None = None) -> bool:
        """Park until nothing but the caller is left; True then, False when `timeout` seconds passed first."""
        turn = Turn(getcurrent())
        self._joiners.append(turn)
        expired: list[bool] = []
        timer = None
        if timeout is not None:
            timer = self.call_at(clock.now() + timeout, self._join_expired, turn, expired, keeps_alive=False)
        try:
            self.switch_away()
        finally:
            turn.greenlet = None
            if turn in self._joiners:
                self._joiners.remove(turn)
            if timer is not None:
                timer.cancel()
        return not expired

    # -- for any thread ------------------------------------------------------------------------------------------

    def resume(self, entry: Entry) -> None:
        """Put an entry into the run queue, or from another thread into the inbox."""
        if _thread.get_ident() == self.thread_ident:
            self._enqueue(entry)
        else:
            self.inbox.append(entry)
            self.poller.notify()

    def run_callback_threadsafe(self, function: Callable[..., object], *args: Any) -> Callback:
        """As `run_callback`, from any thread."""
        callback = Callback(function, args)
        self.resume(callback)  # type: ignore[arg-type]
        return callback

    def _enqueue(self, entry: Any) -> None:
        self.ready.append(entry)
        if self.polling:  # a signal handler, in this thread
            self.poller.notify()

    # -- the loop ------------------------------------------------------------------------------------------------

    def run(self) -> None:
        while True:
            try:
                while self.generation == _generation:
                    self._turn()
                self._orphaned()
            except GreenletExit:
                self.close()
                return
            except BaseException as error:
                self.report(None, error)

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

    def _turn(self) -> None:
        self.budget = 0
        # 1. what other threads left
        if self.inbox:
            self._take_inbox()
        # 2. what is due
        if self._timers:
            self._fire_timers()
        # 3. the run queue, for a while; greenlets hand off to each other out of the same budget
        self.budget = HANDOFF_BUDGET
        ready = self.ready
        while ready and self.budget > 0:
            self.budget -= 1
            entry = ready[0]
            if entry.__class__ is Callback:
                del ready[0]
                self._call(entry)
                continue
            target = entry.target()
            del ready[0]
            if target is not None:
                self._switch_to(target)
        # 4. the kernel
        if self.generation != _generation:
            return
        if ready or self.inbox:
            self._poll(0)
        elif self._idle:
            self._poll(0)
            if not ready and not self.inbox:
                ready.append(self._idle.popleft())
        else:
            self._wait()

    def _wait(self) -> None:
        self._drop_cancelled_timers()
        timeout = None
        if not self._can_be_woken():
            if self._joiners or not _other_threads():
                self._nothing_left()
                return
            timeout = THREAD_CHECK_S  # one of them may wake us, or end and leave us without hope
        if self._timers:
            deadline = self._timers[0][0]
            until = 0.0 if clock.jump(deadline) else max(0.0, deadline - clock.now())
            timeout = until if timeout is None else min(timeout, until)
        begin_ns = ring.now_ns() if ring.enabled else 0
        self._poll(timeout)
        if begin_ns:
            ring.emit("green", "poll", id(self), 0, begin_ns, ring.now_ns())

    def _poll(self, timeout: float | None) -> None:
        if self.follower is not None:
            self.follower.before_poll()
        self.polling = True  # before looking into the run queue: a signal handler appends first, then looks at this
        try:
            found = self.poller.wait(0 if self.ready or self.inbox else timeout)
        finally:
            self.polling = False
        if found:
            self.descriptors.wake(found)
        if self.follower is not None:
            self.follower.after_poll()

    def _can_be_woken(self) -> bool:
        """Whether something is known that will make a greenlet runnable."""
        return bool(self._timers_awaited or self.descriptors.waiting or self.outside_waits or self.inbox)

    def _nothing_left(self) -> None:
        if self._joiners:
            self.ready.append(self._joiners.pop())
            return
        assert self.parent is not None
        self.parent.throw(LoopExit(f"This operation would block forever\n\tHub: {self!r}"))

    def _take_inbox(self) -> None:
        inbox = self.inbox
        for _ in range(len(inbox)):  # bounded: other threads may append faster than this takes
            self.ready.append(inbox[0])
            del inbox[0]

    def _call(self, callback: Callback) -> None:
        function, args = callback.function, callback.args
        if function is None:
            return
        callback.stop()
        budget, self.budget = self.budget, 0  # a greenlet that it switches to comes back to it when that blocks
        try:
            function(*args)
        except BaseException as error:
            self.report(function, error)
        self.budget = budget

    def _switch_to(self, target: greenlet) -> None:
        try:
            target.switch()
        except BaseException as error:  # of a raw greenlet that ended just now; or Ctrl-C on the way
            self.report(self, error)

    # -- timers --------------------------------------------------------------------------------------------------

    def _fire_timers(self) -> None:
        # All that is due leaves the heap first: a function may switch to a greenlet that runs for long.
        timers = self._timers
        now = clock.now() + RESOLUTION_S
        due = []
        while timers and timers[0][0] <= now:
            timer = heappop(timers)[2]
            if timer.function is None:
                self._timers_cancelled -= 1
            else:
                timer.hub = None
                self._timers_awaited -= timer.keeps_alive
                due.append(timer)
        for timer in due:
            function, args = timer.function, timer.args
            if function is None:  # cancelled by one before it
                continue
            timer.function = None
            timer.args = ()
            try:
                function(*args)
            except BaseException as error:
                self.report(function, error)

    def _drop_cancelled_timers(self) -> None:
        timers = self._timers
        while timers and timers[0][2].function is None:
            heappop(timers)
            self._timers_cancelled -= 1

    def _timer_cancelled(self, timer: Timer) -> None:
        self._timers_cancelled += 1
        self._timers_awaited -= timer.keeps_alive
        if self._timers_cancelled > SWEEP_MIN and self._timers_cancelled * 2 > len(self._timers):
            self._timers[:] = [item for item in self._timers if item[2].function is not None]
            heapify(self._timers)
            self._timers_cancelled = 0

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
        main = self.parent
        if main is None or getcurrent() is main:
            raise value
        current = getcurrent()
        if current is not self:  # its own end is not to be lost: it goes on later
            self.ready.append(Turn(current))
        main.throw(kind, value, tb)

    def print_exception(
        self, context: object, kind: type[BaseException], value: BaseException, tb: TracebackType | None
    ) -> None:
        stream = self.exception_stream
        if stream is None:
            return
        if issubclass(kind, KeyboardInterrupt):  # the main greenlet, which gets it, will tell
            return
        traceback.print_exception(kind, value, tb, file=stream)
        if context is not None:
            stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            stream.write(f"{stamp} {self._describe(context)} failed with {kind.__name__}\n\n")

    def _describe(self, context: object) -> str:
        return context if isinstance(context, str) else self.format_context(context)

    # -- the end, and fork ---------------------------------------------------------------------------------------

    def close(self) -> None:
        """Give the kernel's objects back. The greenlets of this hub never run again."""
        self.poller.close()

    def destroy(self, destroy_loop: bool | None = None) -> None:
        """End the hub: what is parked in it never runs again, and the thread's next get_hub() makes a new one.

        Called in the main greenlet of its thread. destroy_loop: for code that passes it; the loop always goes too.
        """
        if _per_thread.hub is self:
            _per_thread.hub = _per_thread.keeper = None
        self._ending = True
        self.close_facilities()
        self.close()
        if not self.dead:
            self.throw(GreenletExit)

    def _orphaned(self) -> None:
        """A forked child came back into the parent's hub: hand over to the child's own, or become it."""
        heir = current()
        if heir is None:
            self._adopt()
        else:
            heir.switch()

    def _adopt(self) -> None:
        self.poller = EpollPoller()
        self.thread_ident = _thread.get_ident()
        self.generation = _generation
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
        if hub.generation == _generation and not sys.is_finalizing():
            hub.close()
            if _thread.get_ident() == hub.thread_ident:
                hub.destroy()


class _PerThread(_thread._local):
    hub: Hub | None = None
    keeper: _Keeper | None = None


_generation = 0  # how many forks this process is away from where plait was imported
_per_thread = _PerThread()
_hub_class = Hub
_hubs: weakref.WeakSet[Hub] = weakref.WeakSet()
_inherited: Hub | None = None  # in a forked child, the hub of the thread that forked


def current() -> Hub | None:
    """The hub of this thread, or None where none was started."""
    return _per_thread.hub


def started() -> bool:
    """Whether this thread has a hub, so that waiting parks a greenlet instead of blocking the thread."""
    return _per_thread.hub is not None


def get_hub() -> Hub:
    """The hub of this thread, made now where there is none."""
    hub = _per_thread.hub
    if hub is None:
        hub = get_hub_class()()
        _install(hub)
    return hub


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
    if hub is not None and _per_thread.hub is None:
        hub._adopt()


def fork() -> int:
    """os.fork(), after which the child goes on with all greenlets of this thread, as the parent does."""
    child = os.fork()
    if not child:
        reinit()
    return child


def _install(hub: Hub) -> None:
    _per_thread.hub = hub
    _per_thread.keeper = _Keeper(hub)


def _other_threads() -> int:
    """How many other threads of Python there are: each might wake a greenlet of this one.

    `_thread._count()` leaves out the main thread: for that one it is the number of the others, and any other thread may
    count the main thread in place of itself.
    """
    return _thread._count()


def _after_fork_in_child() -> None:
    global _generation, _inherited, _per_thread
    _inherited = _per_thread.hub
    _generation += 1
    for hub in list(_hubs):
        hub._abandon()
    _per_thread = _PerThread()


os.register_at_fork(after_in_child=_after_fork_in_child)
