"""Greenlets with results: what `spawn` returns.

A greenlet is new -> scheduled -> running -> ended:

    state      start()      its turn      kill(), throw()             its function ends
    new        scheduled    -             ended                       -
    scheduled  nothing      running       ended                       -
    running    nothing      -             raises where it is parked   ended
    ended      nothing      -             nothing                     -

An ended greenlet has a value, or an exception that the hub has printed. GreenletExit is a value: being killed is no
failure. SystemExit and KeyboardInterrupt go on to the main greenlet of the thread.

Two kinds of callables hear of the end: joiners (this package's waiters: called at once, on the greenlet's own stack;
they neither block nor raise) and links (the user's: called by the hub, in the order of linking; errors are printed).

Cost: a spawn is one object, one run-queue entry and one switch; one more switch brings its end back to the hub.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Mapping
from functools import partial
from heapq import heappop, heappush
from types import MappingProxyType, TracebackType
from typing import Any, TypeVar

from plait._base import clock
from plait.green.exceptions import DeadlineExceeded
from plait.green.hub import Hub, Timer, get_hub
from plait.green.loop import Loop
from plait.green.timeout import Limit, throw_into, timed_out, wait_within
from plait.green.waiter import Waiter
from plait.greenlet import GreenletExit, getcurrent, greenlet
from plait.trace import ring

__all__ = ["Greenlet", "spawn", "spawn_later", "spawn_raw"]

NEW, SCHEDULED, RUNNING, ENDED = range(4)

G = TypeVar("G", bound="Greenlet")
ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]
_REPR_LIMIT = 50


class Greenlet(greenlet):
    """A function that runs concurrently with the other greenlets of its thread.

    Subclasses override `_run`. Calling the class makes a new greenlet; `start` (or the class method `spawn`) lets it
    run.
    """

    direct = False  # see hub
    value: Any = None  #: What the function returned; None before that, and after a failure.
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = MappingProxyType({})

    def __init__(self, run: Callable[..., Any] | None = None, *args: Any, **kwargs: Any) -> None:
        greenlet.__init__(self, None, get_hub())
        if run is not None:
            if not callable(run):
                raise TypeError(f"run={run!r} is not callable; pass a function and its arguments")
            self._run = run  # type: ignore[method-assign]
        if args:
            self.args = args
        if kwargs:
            self.kwargs = kwargs
        self._state = NEW
        self._timer: Timer | None = None
        self._exc_info: ExcInfo | None = None
        self._joiners: list[Callable[[Greenlet], object]] = []
        self._links: list[Callable[[Greenlet], object]] | None = None
        self._ident: int | None = None

    # -- making them ---------------------------------------------------------------------------------------------

    @classmethod
    def spawn(cls: type[G], *args: Any, **kwargs: Any) -> G:
        """A new greenlet of function(*args, **kwargs), scheduled to run after those that are runnable now."""
        runner = cls(*args, **kwargs)
        runner.start()
        return runner

    @classmethod
    def spawn_later(cls: type[G], seconds: float, *args: Any, **kwargs: Any) -> G:
        """As `spawn`, to begin after `seconds`."""
        if cls is Greenlet and not args:
            raise TypeError("spawn_later(seconds) lacks a function; pass spawn_later(seconds, function, *args)")
        runner = cls(*args, **kwargs)
        runner.start_later(seconds)
        return runner

    @classmethod
    def add_spawn_callback(cls, callback: Callable[[Greenlet], object]) -> None:
        """Call callback(greenlet) for each greenlet that is started from now on."""
        _spawn_callbacks.append(callback)

    @classmethod
    def remove_spawn_callback(cls, callback: Callable[[Greenlet], object]) -> None:
        if callback in _spawn_callbacks:
            _spawn_callbacks.remove(callback)

    def start(self) -> None:
        """Let it run, after those that are runnable now. Nothing where it was started before."""
        if self._state == NEW:
            self._state = SCHEDULED
            self._hub.resume(self)
            _spawned(self)

    def start_later(self, seconds: float) -> None:
        """Let it run after `seconds`. Nothing where it was started before."""
        if self._state == NEW:
            self._state = SCHEDULED
            self._timer = self._hub.call_at(clock.now() + seconds, self._hub.resume, self)
            _spawned(self)

    def _run(self, *args: Any, **kwargs: Any) -> Any:
        """What a greenlet without a function does; subclasses override this."""

    # -- what it is ----------------------------------------------------------------------------------------------

    @property
    def _hub(self) -> Hub:
        hub = self.parent
        while not isinstance(hub, Hub):  # the user gave it another parent
            if hub is None:
                return get_hub()
            hub = hub.parent
        return hub

    @property
    def loop(self) -> Loop:
        """The event-loop face of its hub."""
        return self._hub.loop

    @property
    def started(self) -> bool:
        """Whether it was started and has not ended."""
        return self._state in (SCHEDULED, RUNNING)

    def __bool__(self) -> bool:
        return self.started

    @property
    def dead(self) -> bool:
        """Whether it has ended, or was killed before it began."""
        return self._state == ENDED

    def ready(self) -> bool:
        """Whether it has ended: by returning, failing or being killed."""
        return self._state == ENDED

    def successful(self) -> bool:
        """Whether it has ended without an exception; being killed is none."""
        return self._state == ENDED and self._exc_info is None

    @property
    def exception(self) -> BaseException | None:
        """The exception that it failed with."""
        return None if self._exc_info is None else self._exc_info[1]

    @property
    def exc_info(self) -> ExcInfo | None:
        """(type, exception, traceback) of its failure, else None."""
        return self._exc_info

    @property
    def minimal_ident(self) -> int:
        """A small number, unique among the greenlets alive that were asked for theirs."""
        if self._ident is None:
            self._ident = _take_ident(self)
        return self._ident

    @property
    def name(self) -> str:
        """Greenlet-N by default; may be assigned."""
        given: str | None = self.__dict__.get("_name")
        return f"Greenlet-{self.minimal_ident}" if given is None else given

    @name.setter
    def name(self, value: str) -> None:
        self.__dict__["_name"] = value

    def __repr__(self) -> str:
        named = self._ident is not None or "_name" in self.__dict__
        name = f' "{self.name}"' if named else ""
        return f"<{type(self).__name__}{name} at {id(self):#x}: {self._described()}>"

    def _described(self) -> str:
        """The call, as written. Kept from the first time on, because the end drops function and arguments."""
        known: str | None = self.__dict__.get("_call_text")
        if known is not None:
            return known
        text = _function_text(self)
        if self.args or self.kwargs:
            words = [_shortened(value) for value in self.args]
            words += [f"{key}={_shortened(value)}" for key, value in self.kwargs.items()]
            text += f"({', '.join(words)})"
        if "_run" in self.__dict__:
            self.__dict__["_call_text"] = text
        return text

    # -- running -------------------------------------------------------------------------------------------------

    def target(self) -> greenlet | None:
        """As a run-queue entry: itself, as long as it has not begun."""
        return self if self._state == SCHEDULED else None

    def run(self) -> None:
        """What the greenlet's stack executes. Called by the switch that starts it."""
        if self._state == ENDED:
            return
        self._state = RUNNING
        self._cancel_start()
        begin_ns = ring.now_ns() if ring.enabled else 0
        try:
            value = self._run(*self.args, **self.kwargs)
        except BaseException:
            self._failed(sys.exc_info())  # type: ignore[arg-type]
        else:
            self._end(value, None)
        if begin_ns:
            ring.emit("green", "run", id(self), 0, begin_ns, ring.now_ns(), 0, self.__dict__.get("_call_text"))

    def _failed(self, exc_info: ExcInfo) -> None:
        if isinstance(exc_info[1], GreenletExit):
            self._end(exc_info[1], None)
            return
        self._end(None, exc_info)
        self._hub.report(self, exc_info[1])

    def _end(self, value: Any, exc_info: ExcInfo | None) -> None:
        if exc_info is not None:
            self._described()
        self.value = value
        self._exc_info = exc_info
        self._state = ENDED
        self.__dict__.pop("_run", None)
        self.__dict__.pop("args", None)
        self.__dict__.pop("kwargs", None)
        if self._links:  # who joins finds them called
            self._hub.run_callback_threadsafe(self._call_links)
        joiners, self._joiners = self._joiners, []
        for joiner in joiners:
            joiner(self)

    def _cancel_start(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def throw(self, *args: Any) -> Any:
        """Raise an exception where it is parked, and switch to it. One that never began ends with that exception."""
        if self._state in (NEW, SCHEDULED):
            self._end_unstarted(*args)
            return None
        if self._state == ENDED:
            return None
        return greenlet.throw(self, *args)

    def _end_unstarted(self, kind: Any = GreenletExit, value: Any = None, tb: TracebackType | None = None) -> None:
        self._cancel_start()
        exception = kind
        if isinstance(kind, type):
            exception = value if isinstance(value, BaseException) else kind() if value is None else kind(value)
        self._failed((type(exception), exception, tb))

    def kill(
        self,
        exception: type[BaseException] | BaseException = GreenletExit,
        block: bool = True,
        timeout: float | None = None,
    ) -> None:
        """Raise `exception` where the greenlet is parked; one that has not begun never does.

        block: wait until it has ended, `timeout` seconds at most. Nothing happens to one that has ended. From any
        thread.
        """
        if self._state in (NEW, SCHEDULED):
            self._end_unstarted(exception)
        elif self._state == RUNNING:
            if self is getcurrent() and block:
                greenlet.throw(self, exception)
            self._hub.run_callback_threadsafe(throw_into, self, exception)
            if block:
                self.join(timeout)

    def __enter__(self) -> Greenlet:
        return self

    def __exit__(self, kind: object, error: BaseException | None, tb: TracebackType | None) -> None:
        """Wait for its end; where the block raises, it is killed with what the block raised."""
        try:
            if error is None:
                self.join()
        finally:
            self.kill(GreenletExit if error is None else error)

    # -- waiting for it ------------------------------------------------------------------------------------------

    def join(self, timeout: Limit = None) -> None:
        """Wait until it has ended, `timeout` seconds at most. From any thread."""
        if self._state == ENDED:
            return
        waiter: Waiter[Any] = Waiter(outside=False)
        self._joiners.append(waiter.wake)
        try:
            if self._state != ENDED:
                wait_within(waiter, timeout)
        except DeadlineExceeded:
            pass
        finally:
            if waiter.wake in self._joiners:
                self._joiners.remove(waiter.wake)

    def get(self, block: bool = True, timeout: Limit = None) -> Any:
        """The value of its function; raises what that raised, and Timeout where it has not ended in time."""
        if self._state != ENDED and block:
            self.join(timeout)
        if self._state != ENDED:
            raise timed_out(timeout if block else None)
        if self._exc_info is not None:
            raise self._exc_info[1].with_traceback(self._exc_info[2])
        return self.value

    def rawlink(self, callback: Callable[[Greenlet], object]) -> None:
        """Call callback(self) in the hub when it has ended; the callback must not block."""
        if not callable(callback):
            raise TypeError(f"callback={callback!r} is not callable; pass a function of one argument, the greenlet")
        if self._links is None:
            self._links = []
        self._links.append(callback)
        if self._state == ENDED and len(self._links) == 1:
            self._hub.run_callback_threadsafe(self._call_links)

    def link(self, callback: Callable[[Greenlet], object], SpawnedLink: Any = None) -> None:
        """Call callback(self) in a greenlet of its own when it has ended."""
        self.rawlink(_SpawnedLink(callback))

    def link_value(self, callback: Callable[[Greenlet], object]) -> None:
        """As `link`, where it has succeeded."""
        self.rawlink(_SpawnedLink(callback, on_failure=False))

    def link_exception(self, callback: Callable[[Greenlet], object]) -> None:
        """As `link`, where it has failed."""
        self.rawlink(_SpawnedLink(callback, on_success=False))

    def unlink(self, callback: Callable[[Greenlet], object]) -> None:
        """Take back a link. Nothing where there is none."""
        for link in self._links or ():
            if link == callback or getattr(link, "callback", None) == callback:
                assert self._links is not None
                self._links.remove(link)
                return

    def unlink_all(self) -> None:
        """Take back all links."""
        self._links = None

    def has_links(self) -> bool:
        return bool(self._links)

    def _call_links(self) -> None:
        while self._links:
            link = self._links.pop(0)
            try:
                link(self)
            except BaseException as error:
                get_hub().report((link, self), error)


class _SpawnedLink:
    """A link that runs its callback in a new greenlet."""

    __slots__ = ("callback", "on_failure", "on_success")

    def __init__(
        self, callback: Callable[[Greenlet], object], on_success: bool = True, on_failure: bool = True
    ) -> None:
        if not callable(callback):
            raise TypeError(f"callback={callback!r} is not callable; pass a function of one argument, the greenlet")
        self.callback = callback
        self.on_success = on_success
        self.on_failure = on_failure

    def __call__(self, source: Greenlet) -> None:
        if self.on_success if source.successful() else self.on_failure:
            greenlet(self.callback, get_hub()).switch(source)  # begins at once, and may block


spawn = Greenlet.spawn
spawn_later = Greenlet.spawn_later


def spawn_raw(function: Callable[..., Any], *args: Any, **kwargs: Any) -> greenlet:
    """A bare greenlet of function(*args, **kwargs), runnable now: no result, no links, nothing that waits for it."""
    if not callable(function):
        raise TypeError(f"function={function!r} is not callable")
    hub = get_hub()
    runner = greenlet(function, hub)
    hub.run_callback(partial(runner.switch, *args, **kwargs))
    return runner


# -- names and idents --------------------------------------------------------------------------------------------

_spawn_callbacks: list[Callable[[Greenlet], object]] = []
_free_idents: list[int] = []
_ident_count = 0


def _spawned(runner: Greenlet) -> None:
    for callback in _spawn_callbacks:
        callback(runner)


def _take_ident(owner: Greenlet) -> int:
    global _ident_count
    if _free_idents:
        ident = heappop(_free_idents)
    else:
        ident = _ident_count
        _ident_count += 1
    weakref.finalize(owner, heappush, _free_idents, ident).atexit = False
    return ident


def _function_text(runner: Greenlet) -> str:
    function = runner._run
    owner = getattr(function, "__self__", None)
    if (owner is None or owner is runner) and hasattr(function, "__name__"):
        return str(function.__name__)
    return repr(function)


def _shortened(value: object) -> str:
    return repr(value)[:_REPR_LIMIT]
