"""Queues between greenlets, and between threads.

`Queue` holds items first in, first out, `LifoQueue` last in, first out, `PriorityQueue` smallest first; `SimpleQueue`
is a Queue without limit and without tasks to be counted; a `Channel` holds nothing: put waits for its get.

A put wakes the getter that waits longest, a get the putter; whoever is woken looks again, so that an item is only
ever in the queue or in one getter's hands. A greenlet that was woken and is killed before it runs passes the wake-up
on. `_guard`, never held over a switch, makes each step one for threads.
"""

from __future__ import annotations

import _thread
import heapq
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from queue import Empty, Full
from typing import Any, Generic, TypeVar

from plait.green.event import Event
from plait.green.exceptions import DeadlineExceeded
from plait.green.hub import get_hub
from plait.green.timeout import Limit, Timeout, deadline_after, is_no_time, wait_within
from plait.green.waiter import Waiter
from plait.greenlet import getcurrent

if sys.version_info >= (3, 13):
    from queue import ShutDown
else:

    class ShutDown(Exception):
        """The queue was shut down."""


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


class SimpleQueue(Generic[T]):
    """A first in, first out queue; the base of the others, which override how items are kept."""

    def __init__(self, maxsize: int | None = None, items: Iterable[T] = ()) -> None:
        """maxsize: how many items it holds before put() waits; None or less than 1 is without limit."""
        self.maxsize = None if maxsize is None or maxsize <= 0 else maxsize
        self.queue: Any
        self._init(self.maxsize)
        for item in items:
            self._put(item)
        self.is_shutdown = False
        self._guard = _thread.RLock()
        self._getters: _Line = deque()
        self._putters: _Line = deque()

    # -- how items are kept: what subclasses override ------------------------------------------------------------

    def _init(self, maxsize: int | None) -> None:
        self.queue = deque()

    def _put(self, item: T) -> None:
        self.queue.append(item)

    def _get(self) -> T:
        item: T = self.queue.popleft()
        return item

    def _peek(self) -> T:
        item: T = self.queue[0]
        return item

    # -- what it is ----------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {id(self):#x}{self._details()}>"

    def __str__(self) -> str:
        return f"<{type(self).__name__}{self._details()}>"

    def _details(self) -> str:
        text = "" if self.maxsize is None else f" maxsize={self.maxsize!r}"
        text += f" queue={self.queue!r}" if self.queue else ""
        text += f" getters[{len(self._getters)}]" if self._getters else ""
        text += f" putters[{len(self._putters)}]" if self._putters else ""
        return text

    def qsize(self) -> int:
        """How many items it holds."""
        return len(self.queue)

    def __len__(self) -> int:
        return self.qsize()

    def __bool__(self) -> bool:
        return True  # an empty queue is a queue

    def empty(self) -> bool:
        """Whether get() would wait."""
        return not self.qsize()

    def full(self) -> bool:
        """Whether put() would wait."""
        return self.maxsize is not None and self.qsize() >= self.maxsize

    def copy(self) -> SimpleQueue[T]:
        """A queue of the same kind, limit and items."""
        return type(self)(self.maxsize, self.queue)

    # -- putting and getting -------------------------------------------------------------------------------------

    def put(self, item: T, block: bool = True, timeout: Limit = None) -> None:
        """Add an item. Raises Full where there is no room: at once with block=False, else after `timeout` seconds."""
        self._until(self._putters, lambda: self._try_put(item), block, timeout, Full)

    def put_nowait(self, item: T) -> None:
        """As put(item, block=False)."""
        self.put(item, block=False)

    def get(self, block: bool = True, timeout: Limit = None) -> T:
        """Take an item. Raises Empty where there is none: at once with block=False, else after `timeout` seconds."""
        found: list[T] = []
        self._until(self._getters, lambda: self._try_get(found), block, timeout, Empty)
        return found[0]

    def get_nowait(self) -> T:
        """As get(block=False)."""
        return self.get(block=False)

    def peek(self, block: bool = True, timeout: Limit = None) -> T:
        """What get() would take, left where it is."""
        found: list[T] = []
        self._until(self._getters, lambda: self._try_peek(found), block, timeout, Empty)
        return found[0]

    def peek_nowait(self) -> T:
        """As peek(block=False)."""
        return self.peek(block=False)

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        """get(), until the item StopIteration comes."""
        item = self.get()
        if item is StopIteration:
            raise StopIteration
        return item

    def shutdown(self, immediate: bool = False) -> None:
        """Refuse puts from now on, and gets once it is empty, with ShutDown. immediate: drop what it holds."""
        with self._guard:
            self.is_shutdown = True
            if immediate:
                while self.queue:
                    self._dropped(self._get())
            waiting = [*self._getters, *self._putters]
            self._getters.clear()
            self._putters.clear()
        for waiter in waiting:
            waiter.wake()

    # -- the steps, each under the guard ---------------------------------------------------------------------------

    def _try_put(self, item: T) -> bool:
        if self.is_shutdown:
            raise ShutDown
        if self.full():
            return False
        self._put(item)
        self._wake_first(self._getters)
        return True

    def _try_get(self, found: list[T]) -> bool:
        if not self.qsize():
            if self.is_shutdown:
                raise ShutDown
            return False
        found.append(self._get())
        self._wake_first(self._putters)
        return True

    def _try_peek(self, found: list[T]) -> bool:
        if not self.qsize():
            if self.is_shutdown:
                raise ShutDown
            return False
        found.append(self._peek())
        self._wake_first(self._getters)  # we took nothing
        return True

    def _dropped(self, item: T) -> None:
        """An item left the queue without a get."""

    def _wake_first(self, line: _Line) -> None:
        if line:
            line.popleft().wake()

    def _until(
        self,
        line: _Line,
        attempt: Callable[[], bool],
        block: bool,
        timeout: Limit,
        failure: type[Exception],
    ) -> None:
        """Stand in line until attempt() succeeds; raise `failure` when that takes too long."""
        with self._guard:
            if attempt():
                return
            if not block or is_no_time(timeout):
                raise failure
            get_hub()
            waiter: Waiter[Any] = Waiter(outside=False)
            line.append(waiter)
        if isinstance(timeout, Timeout):
            with Timeout.start_new(timeout):
                self._stand_in(line, waiter, attempt, None, failure)
        else:
            self._stand_in(line, waiter, attempt, deadline_after(timeout), failure)

    def _stand_in(
        self,
        line: _Line,
        waiter: Waiter[Any],
        attempt: Callable[[], bool],
        deadline: float | None,
        failure: type[Exception],
    ) -> None:
        late = False
        while True:
            try:
                waiter.wait(deadline)
            except DeadlineExceeded:
                late = True
            except BaseException:
                self._leave(line, waiter)
                raise
            with self._guard:
                if waiter in line:
                    line.remove(waiter)
                if attempt():
                    return
                if late:
                    raise failure
                line.appendleft(waiter)  # somebody was faster: keep the place

    def _leave(self, line: _Line, waiter: Waiter[Any]) -> None:
        with self._guard:
            if waiter in line:
                line.remove(waiter)
            else:
                self._wake_first(line)


class Queue(SimpleQueue[T]):
    """A queue that also counts its tasks: each put is one, done when task_done() says so; join() waits for all."""

    def __init__(
        self, maxsize: int | None = None, items: Iterable[T] = (), unfinished_tasks: int | None = None
    ) -> None:
        super().__init__(maxsize, items)
        self.unfinished_tasks = len(self.queue) if unfinished_tasks is None else unfinished_tasks
        self._all_done = Event()
        if not self.unfinished_tasks:
            self._all_done.set()

    def _details(self) -> str:
        tasks = f" tasks={self.unfinished_tasks}" if self.unfinished_tasks else ""
        return super()._details() + tasks

    def copy(self) -> Queue[T]:
        return type(self)(self.maxsize, self.queue, self.unfinished_tasks)

    def task_done(self) -> None:
        """One item that was got is dealt with. Raises ValueError where there were not that many."""
        with self._guard:
            if self.unfinished_tasks <= 0:
                raise ValueError("task_done() called too many times")
            self.unfinished_tasks -= 1
            if self.unfinished_tasks:
                return
        self._all_done.set()

    def join(self, timeout: Limit = None) -> bool:
        """Park until every item that was put is dealt with. False where `timeout` seconds passed first."""
        return self._all_done.wait(timeout)

    def _try_put(self, item: T) -> bool:
        if not super()._try_put(item):
            return False
        self.unfinished_tasks += 1
        self._all_done.clear()
        return True

    def _dropped(self, item: T) -> None:
        if self.unfinished_tasks:
            self.task_done()


JoinableQueue = Queue


class LifoQueue(Queue[T]):
    """The item put last is got first."""

    def _init(self, maxsize: int | None) -> None:
        self.queue = []

    def _get(self) -> T:
        item: T = self.queue.pop()
        return item

    def _peek(self) -> T:
        item: T = self.queue[-1]
        return item


class PriorityQueue(Queue[T]):
    """The smallest item is got first; (priority, data) pairs by custom."""

    def _init(self, maxsize: int | None) -> None:
        self.queue = []

    def _put(self, item: T) -> None:
        heapq.heappush(self.queue, item)

    def _get(self) -> T:
        item: T = heapq.heappop(self.queue)
        return item


class Channel(Generic[T]):
    """A meeting place: put() parks until get() takes the item, and get() until there is a put()."""

    def __init__(self, maxsize: int = 1) -> None:
        """maxsize: 1, for code that passes it to any queue."""
        if maxsize != 1:
            raise ValueError(f"maxsize={maxsize!r}: a channel holds nothing; leave maxsize out, or use Queue")
        self._guard = _thread.RLock()
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
                waiter: Waiter[Any] = Waiter(outside=False)
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
            waiter: Waiter[T] = Waiter(outside=False)
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
