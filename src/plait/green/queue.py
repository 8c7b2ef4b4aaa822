"""Queues between greenlets, and between threads.

`Queue` holds items first in, first out, `LifoQueue` last in, first out, `PriorityQueue` smallest first; `SimpleQueue`
is a Queue without limit and without tasks to be counted; a `Channel` holds nothing: put waits for its get.

A put wakes the getter that waits longest, a get the putter; whoever is woken looks again, so that an item is only
ever in the queue or in one getter's hands. A greenlet that was woken and is killed before it runs passes the wake-up
on. The queues are native (`_native/queues.pyx`), each step one under the GIL; a channel has a guard, never held over a
switch.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from queue import Empty, Full
from types import GenericAlias
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from plait._base import natives
from plait.green._native.queues import LifoQueue, PriorityQueue, Queue, SimpleQueue
from plait.green.exceptions import DeadlineExceeded, ShutDown
from plait.green.hub import get_hub
from plait.green.timeout import Limit, is_no_time, wait_within
from plait.green.waiter import Waiter
from plait.greenlet import getcurrent

__all__ = [
    "Channel",
    "Empty",
    "Full",
    "JoinableQueue",
    "LifoQueue",
    "PriorityQueue",
    "Queue",
    "ShutDown",
    "SimpleQueue",
]

T = TypeVar("T")
_Line = deque[Waiter[Any]]

JoinableQueue = Queue


class Channel(Generic[T]):
    """A meeting place: put() parks until get() takes the item, and get() until there is a put()."""

    if not TYPE_CHECKING:  # as of the other queues, Channel[int] is what list[int] is
        __class_getitem__ = classmethod(GenericAlias)

    def __init__(self, maxsize: int = 1) -> None:
        """maxsize: 1, for code that passes it to any queue."""
        if maxsize != 1:
            raise ValueError(f"maxsize={maxsize!r}: a channel holds nothing; leave maxsize out, or use Queue")
        self._guard = natives.RLock()
        self._getters: _Line = deque()
        self._putters: deque[tuple[Waiter[Any], T]] = deque()
        self._returned: deque[T] = deque()  # taken by a getter that was killed before it saw them

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {id(self):#x} getters[{len(self._getters)}] putters[{len(self._putters)}]>"

    @property
    def balance(self) -> int:
        """Putters that wait, less getters that wait."""
        return len(self._putters) + len(self._returned) - len(self._getters)

    def qsize(self) -> int:
        return 0

    def empty(self) -> bool:
        return True

    def full(self) -> bool:
        return True

    def put(self, item: T, block: bool = True, timeout: Limit = None) -> None:
        """Hand the item to a getter. Raises Full where none comes: at once, or in `timeout` seconds."""
        with self._guard:
            place = None
            if self._getters:
                self._getters.popleft().wake(item)
            elif not block or is_no_time(timeout):
                raise Full
            else:
                waiter: Waiter[Any] = Waiter(outside=False, subject=self)
                place = (waiter, item)
                self._putters.append(place)
        hub = get_hub()
        if place is None:
            if block and getcurrent() is not hub:
                hub.yield_turn()  # the getter goes on first
            return
        try:
            wait_within(waiter, timeout)
        except DeadlineExceeded:
            if self._withdraw(place):
                raise Full from None
        except BaseException:
            self._withdraw(place)
            raise

    def put_nowait(self, item: T) -> None:
        self.put(item, block=False)

    def get(self, block: bool = True, timeout: Limit = None) -> T:
        """Take an item from a putter. Raises Empty where none comes: at once, or in `timeout` seconds."""
        with self._guard:
            if self._returned:
                return self._returned.popleft()
            if self._putters:
                putter, item = self._putters.popleft()
                putter.wake()
                return item
            if not block or is_no_time(timeout):
                raise Empty
            get_hub()
            waiter: Waiter[T] = Waiter(outside=False, subject=self)
            self._getters.append(waiter)
        try:
            taken: T = wait_within(waiter, timeout)
            return taken
        except DeadlineExceeded:
            if not self._leave(waiter):
                return waiter.wait()
            raise Empty from None
        except BaseException:
            if not self._leave(waiter):
                self._give_back(waiter.wait())
            raise

    def get_nowait(self) -> T:
        return self.get(block=False)

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        item = self.get()
        if item is StopIteration:
            raise StopIteration
        return item

    def _leave(self, waiter: Waiter[T]) -> bool:
        with self._guard:
            if waiter in self._getters:
                self._getters.remove(waiter)
                return True
            return False

    def _withdraw(self, place: tuple[Waiter[Any], T]) -> bool:
        with self._guard:
            for index, other in enumerate(self._putters):
                if other is place:
                    del self._putters[index]
                    return True
            return False

    def _give_back(self, item: T) -> None:
        with self._guard:
            if self._getters:
                self._getters.popleft().wake(item)
            else:
                self._returned.appendleft(item)
