"""Where a call waits for its batches: any thread puts, the call's own greenlet or thread takes.

Batches of worker processes have a `source` (see `pool.switchboard`): a thread without a hub reads them from there
itself while it waits, which saves a hop between threads.

What workers say meanwhile is heard by the taker while it waits, or before the next item that it takes.

Who cannot park there (an asyncio task, an executor) sets `listener`, which is called after each put, in the thread that
puts: it must not block, raise, or run users' code.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from plait._base import clock
from plait.green import hub
from plait.green.waiter import Waiter
from plait.parallel import interrupts
from plait.parallel.outcome import hear
from plait.trace import ring

T = TypeVar("T")


class Source(Protocol):
    """Where batches come from that somebody has to read."""

    def serve(self, completions: Any, deadline: float | None) -> bool: ...
    def attend(self) -> None: ...
    def nudge_for(self, completions: Any) -> None: ...


class Completions(Generic[T]):
    """A queue with one taker, who waits through the one Waiter; putting never blocks."""

    __slots__ = ("items", "listener", "said", "source", "waiter")

    def __init__(self, outside: bool = True, source: Source | None = None) -> None:
        """outside: other threads put, so a hub that waits for nothing else waits for them."""
        self.items: deque[T] = deque()
        self.said: deque[bytes] = deque()  # pickled Words of workers
        self.waiter: Waiter[Any] = Waiter(outside)
        self.source = source
        self.listener: Callable[[], object] | None = None

    def __bool__(self) -> bool:
        return bool(self.items)

    def put(self, item: T) -> None:
        self.items.append(item)
        self.wake()

    def wake(self) -> None:
        """Have who waits look around."""
        self.waiter.wake()
        if self.source is not None:
            self.source.nudge_for(self)
        if self.listener is not None:
            self.listener()

    def hear(self) -> None:
        """Hear what workers said."""
        while self.said:
            hear(self.said.popleft())

    def wait(self, deadline: float | None = None) -> None:
        """Until there is an item. deadline: monotonic seconds. Raises DeadlineExceeded when there is none by then."""
        self.hear()
        if self.items:
            return
        task = interrupts.current()
        if self.source is not None and self._read(self.source, task is None, deadline):
            return
        if task is not None:  # a nested loop: what interrupts the task reaches it here
            task.waiter = self.waiter
        try:
            while not self.items:  # a wake-up for an item that was taken already may be left over
                self.waiter.wait(deadline)
                self.hear()
        finally:
            if task is not None:
                task.waiter = None

    def _read(self, source: Source, here: bool, deadline: float | None) -> bool:
        """Have the source's channels read while this call waits: here, where that is possible. Whether that is done."""
        if here and hub.current() is None and not clock.is_virtual():
            begin_ns = ring.now_ns() if ring.enabled else 0
            try:
                while source.serve(self, deadline):
                    self.hear()
                    if self.items:
                        return True
            finally:
                if begin_ns:
                    ring.emit("green", "wait", id(self.waiter), 0, begin_ns, ring.now_ns())
        source.attend()
        return False

    def first(self) -> T:
        """The next item, which stays until drop(): an interrupt meanwhile does not lose it. Waits as wait() does."""
        self.wait()
        return self.items[0]

    def drop(self) -> None:
        """What first() gave is dealt with."""
        self.items.popleft()

    def take(self, deadline: float | None = None) -> T:
        """The next item; waits for it as wait() does."""
        self.wait(deadline)
        return self.items.popleft()
