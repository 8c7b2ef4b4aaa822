"""The event loop: asyncio's own, waiting in the hub of its thread.

Transports, timers, signals, subprocesses, executors and debug mode are those of the standard library's selector loop,
whose selector is `_native.aio.Selector`: while the loop has nothing to do, its greenlet is parked and others run. The
loop may be run by any greenlet, several loops by several greenlets of one thread; what CPython keeps per thread is
carried by the greenlet (`carried`).

A call that blocks below a coroutine blocks that loop, as it would in any event loop, and no other greenlet.

From greenlets of the loop's thread its methods are plain calls: `call_soon`, `call_later`, `stop` and a future's
`set_result` wake a loop that is parked. Other threads use `call_soon_threadsafe`, which wakes without a system call
where the loop is busy.

Rejected: a loop written from scratch, whose transports would differ from asyncio's in details that libraries have come
to rely on; running each callback as an entry of the hub, which would mix the order of two loops' callbacks.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio import selector_events

from plait.green._native.aio import LoopCore, Selector
from plait.green._native.core import current
from plait.green.aio import children
from plait.green.aio.carried import Carried
from plait.green.greenlets import Greenlet
from plait.greenlet import GreenletExit, getcurrent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from plait.greenlet import greenlet

__all__ = ["EventLoop", "running_in"]

# The loops that run now, by the greenlet that runs each; the last one is the one that began last.
_running: dict[greenlet, EventLoop] = {}


def running_in(runner: greenlet) -> EventLoop | None:
    """The loop that this greenlet runs."""
    return _running.get(runner)


class _SocketTransport(selector_events._SelectorSocketTransport):  # type: ignore[name-defined, misc]
    """Reads at most as much at once as the allocator keeps at hand: more of it is mapped and unmapped for each read."""

    max_size = 65536


class EventLoop(LoopCore, asyncio.SelectorEventLoop):  # type: ignore[misc]  # LoopCore's methods are narrower
    """An asyncio event loop for the greenlet that runs it."""

    def __init__(self, background: bool = False) -> None:
        """background: a hub with nothing else left does not wait for it."""
        self._home: Any = None  # the hub that it runs in
        self._starter: Greenlet | None = None
        self._background = background
        self._waits_in = Selector(outside=not background)
        self.wait_in(self._waits_in)
        super().__init__(self._waits_in)  # type: ignore[arg-type]
        self._scheduled = self.timers

    @property
    def hub(self) -> Any:
        """The hub that it runs in; None while it does not run."""
        return self._home

    def run_forever(self) -> None:
        """Run until stop() is called. Other greenlets run while the loop has nothing to do."""
        self._check_closed()  # type: ignore[attr-defined]
        self._check_running()  # type: ignore[attr-defined]
        self._waits_in.bind()
        runner = getcurrent()
        hub = self._home = current()
        assert hub is not None
        hub.guest = Carried(self)
        _running[runner] = self
        try:
            super().run_forever()
        finally:
            del _running[runner]
            hub.guest = None
            self._home = None
            if not self.is_closed():
                self._waits_in.unbind()

    def start(self) -> None:
        """Run it in a greenlet of its own, of this thread, unless it runs."""
        if not self.is_running() and not self._starter:
            self._starter = Greenlet.spawn(self._run_in_background)

    def _run_in_background(self) -> None:
        while not self.is_closed():
            try:
                self.run_forever()
                return
            except GreenletExit:
                raise
            except BaseException as error:  # a task's KeyboardInterrupt, SystemExit: others still wait for the loop
                assert self._starter is not None
                self._starter._hub.report(self, error)

    def discard(self) -> None:
        """Its hub ends: take its greenlet off the stack, and close. Called in the thread's main greenlet."""
        runner = self._starter
        if runner and self.is_running():
            runner.parent = getcurrent()
            runner.throw(GreenletExit)
        if not self.is_running():
            self.close()

    def __del__(self) -> None:
        if not self._background:
            super().__del__()  # warns where it was not closed

    def stop(self) -> None:
        """Stop after the callbacks that are scheduled now. From any greenlet of the loop's thread."""
        super().stop()
        if self._waits_in.parked:
            self._waits_in.wake()

    # -- what the selector loop does otherwise -------------------------------------------------------------------

    if sys.version_info < (3, 12):

        async def _make_subprocess_transport(self, *arguments: Any, **keywords: Any) -> Any:
            if children.program_has_a_watcher():
                return await super()._make_subprocess_transport(*arguments, **keywords)  # type: ignore[misc]
            return await children.start(self, *arguments, **keywords)

    def _make_socket_transport(
        self, sock: Any, protocol: Any, waiter: Any = None, *, extra: Any = None, server: Any = None
    ) -> asyncio.Transport:
        return _SocketTransport(self, sock, protocol, waiter, extra, server)

    def _make_self_pipe(self) -> None:
        super()._make_self_pipe()  # type: ignore[misc]
        self._waits_in.leave_uncounted(self._ssock.fileno())  # type: ignore[attr-defined]

    def _write_to_self(self) -> None:
        """Wake, from any thread. The pipe to itself is for signals alone."""
        self._waits_in.wake()

    def _traced(self, kind: Any, *arguments: Any) -> Any:
        """A handle, in debug mode: it notes where it was made, without this line."""
        handle = kind(*arguments)
        if handle._source_traceback:
            del handle._source_traceback[-1]
        return handle

    def _check_thread(self) -> None:
        """Refuse a call from another thread, in debug mode. Any greenlet of the loop's thread may call."""
        if self._home is not None and current() is not self._home:
            raise RuntimeError("Non-thread-safe operation invoked on an event loop other than the current one")
