"""The parent's side of the child: one a process, started with the first use, ended with this process.

A call is numbered, sent, and waited for through a Waiter, so other greenlets go on; a thread of the interpreter's own
reads the answers and wakes whoever waits. Whoever stops waiting forgets the answer: what must end there has a method
for it. Cost: 0.4 ms a call, and the child's start, mostly the library's import.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import pickle
import select
import signal
import socket
import sys
from collections import deque
from collections.abc import Callable, Generator, Mapping
from typing import Any, TypeAlias

from plait._base import natives
from plait._base.errors import PlaitError
from plait.adapters.child import wire
from plait.green.waiter import Waiter
from plait.greenlet import getcurrent
from plait.lazy.plain import identity
from plait.parallel.errors import RemoteTraceback
from plait.parallel.pool.servers import reap, start_interpreter
from plait.parallel.transport.framing import Receiver, Sender

# Whether a call returned, and what it gave or raised: parts of a message, or a ChildEnded.
Answer: TypeAlias = tuple[bool, Any]

_CLOSING_S = 10.0  # until a child that does not end is killed


class ChildEnded(PlaitError, ConnectionError):
    """The child process has ended before it answered; what it had, clients and their clusters, is gone."""


class Child:
    """A child process, and calls to it."""

    def __init__(self, reduce: wire.Reduce, environment: Mapping[str, str], begin: str) -> None:
        ours, theirs = socket.socketpair()
        try:
            code = f"{begin}; from plait.adapters.child.serve import main; main(3)"
            self.pid = start_interpreter(code, [theirs.fileno()], environment)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        self._pidfd = os.pidfd_open(self.pid)
        self._channel = ours
        self._sender = Sender(ours)
        self._sending = natives.allocate_lock()
        self._reduce = reduce
        self._waiting: dict[int, Callable[[Answer], object]] = {}  # number of a call -> what hears the answer
        self._unheard: deque[Answer] = deque()  # answers that nobody waits for; references in them are to be let go of
        self._calls = 0
        self._ended = False
        self.dropped: deque[tuple[int, int]] = deque()  # references that were let go of, and how often they had come
        natives.start_new_thread(self._read, ())

    @property
    def ended(self) -> bool:
        return self._ended

    def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """What function(*args, **kwargs) gives or raises in the child. Raises ChildEnded."""
        waiter: Waiter[Answer] = Waiter()
        how, who = _caller()
        while self._unheard:
            _open_quietly(self._unheard.popleft())
        number = self._send(how, who, (function, args, kwargs), waiter.wake)
        try:
            return _open(waiter.wait())
        finally:
            self._waiting.pop(number, None)

    def awaited(self, item: Any) -> Generator[Any, None, Any]:
        """What awaiting an object gives in the child, for an asyncio task here."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()

        def settle(outcome: Answer) -> None:
            if not answer.done():
                answer.set_result(outcome)

        def hear(outcome: Answer) -> None:
            loop.call_soon_threadsafe(settle, outcome)

        self._send(wire.AWAITED, id(asyncio.current_task()), (identity, (item,), {}), hear)
        return _open((yield from answer))

    def _send(self, how: int, who: int, call: tuple[Any, Any, Any], hear: Callable[[Answer], object]) -> int:
        parts = wire.dumps(call, self._reduce)
        with self._sending:
            self._calls += 1
            number = self._calls
            self._waiting[number] = hear
            drops = [self.dropped.popleft() for _ in range(len(self.dropped))]
            try:
                if self._ended:
                    raise BrokenPipeError
                self._sender.send([pickle.dumps((number, how, who, drops)), *parts])
            except OSError:
                self._waiting.pop(number, None)
                raise _ended(self.pid) from None
        return number

    def _read(self) -> None:
        receiver = Receiver(self._channel)
        try:
            while True:
                for head, *parts in receiver.receive():
                    number, good = pickle.loads(head)
                    self._waiting.pop(number, self._unheard.append)((good, parts))
        except (EOFError, OSError):
            self._ended = True
            for number in list(self._waiting):
                self._waiting.pop(number, self._unheard.append)((False, _ended(self.pid)))

    def close(self) -> None:
        """Have the child close what it has, and end; it is killed where that takes too long."""
        try:
            self._channel.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        poller = natives.poll()
        poller.register(self._pidfd, select.POLLIN)
        if not poller.poll(_CLOSING_S * 1000):
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            poller.poll()
        reap(self.pid)
        self.release()

    def release(self) -> None:
        """Close descriptors only, as a forked child must."""
        self._ended = True
        os.close(self._pidfd)
        self._channel.close()


def _open(answer: Answer) -> Any:
    """What a call gives, of its answer. Raises what it raised."""
    good, parts = answer
    if isinstance(parts, ChildEnded):
        raise parts
    value = wire.loads(parts)
    if good:
        return value
    error, text = value
    raise error from RemoteTraceback(text)


def _open_quietly(answer: Answer) -> None:
    if not isinstance(answer[1], ChildEnded):
        wire.loads(answer[1])


def _ended(pid: int) -> ChildEnded:
    return ChildEnded(f"process {pid}, which has the clients of distributed, has ended; open a new client")


def _caller() -> tuple[int, int]:
    """How the child is to make a call, and who asks: the asyncio task or the greenlet that runs."""
    asyncio_events = sys.modules.get("asyncio.events")
    if asyncio_events is not None and asyncio_events._get_running_loop() is not None:
        return wire.LOOP, id(asyncio.current_task())
    return wire.THREAD, id(getcurrent())


class Home:
    """This process's child, if any, and how to start it."""

    def __init__(self) -> None:
        self._child: Child | None = None
        self._starting = natives.allocate_lock()
        # Variables of a child in which no name is aliased, and what it runs first; set by who aliases names.
        self.environment: Callable[[], Mapping[str, str]] = lambda: os.environ
        self.begin = "pass"
        os.register_at_fork(after_in_child=self._forget)

    def started(self) -> Child | None:
        """The child, where there is one."""
        return None if self._child is None or self._child.ended else self._child

    def child(self, reduce: wire.Reduce) -> Child:
        with self._starting:
            if self._child is None or self._child.ended:
                if self._child is None:
                    atexit.register(self.close)
                else:
                    self._child.close()
                self._child = Child(reduce, self.environment(), self.begin)
            return self._child

    def close(self) -> None:
        if self._child is not None:
            child, self._child = self._child, None
            child.close()

    def _forget(self) -> None:
        self._starting = natives.allocate_lock()
        if self._child is not None:
            self._child.release()
            self._child = None


home = Home()
