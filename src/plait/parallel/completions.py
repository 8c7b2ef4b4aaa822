"""Where a call waits for its batches: any thread puts, the call's own greenlet or thread takes.

Who cannot park there (an asyncio task, an executor) sets `listener`, which is called after each put, in the thread that
puts: it must not block, raise, or run users' code.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from plait.green.waiter import Waiter
from plait.parallel import interrupts

T = TypeVar("T")


class Completions(Generic[T]):
    """A queue with one taker, who waits through the one Waiter; putting never blocks."""

    __slots__ = ("_items", "_said", "_waiter", "listener")

    def __init__(self, outside: bool = True) -> None:
        """outside: other threads put, so a hub that waits for nothing else waits for them."""
        self._items: deque[T] = deque()
        self._said: deque[tuple[Callable[[Any], object], Any]] = deque()
        self._waiter: Waiter[Any] = Waiter(outside)
        self.listener: Callable[[], object] | None = None

    def __bool__(self) -> bool:
        return bool(self._items)

    def put(self, item: T) -> None:
        self._items.append(item)
        self._waiter.wake()
        if self.listener is not None:
            self.listener()

    def say(self, hear: Callable[[Any], object], word: Any) -> None:
        """Have the taker call hear(word) while it waits, or before the next item that it takes."""
        self._said.append((hear, word))
        self._waiter.wake()
        if self.listener is not None:
            self.listener()

    def hear(self) -> None:
        """Hear what was said."""
        while self._said:
            hear, word = self._said.popleft()
            hear(word)

    def wait(self, deadline: float | None = None) -> None:
        """Until there is an item. deadline: monotonic seconds. Raises DeadlineExceeded when there is none by then."""
        task = interrupts.current()
        if task is not None:  # a nested loop: what interrupts the task reaches it here
            task.waiter = self._waiter
        try:
            self.hear()
            while not self._items:  # a wake-up for an item that was taken already may be left over
                self._waiter.wait(deadline)
                self.hear()
        finally:
            if task is not None:
                task.waiter = None

    def take(self, deadline: float | None = None) -> T:
        """The next item; waits for it as wait() does."""
        self.wait(deadline)
        return self._items.popleft()
