"""Groups and pools: greenlets that are waited for, killed and limited together.

A Group holds the greenlets that were added and have not ended. A Pool is a group of limited size: adding waits for a
place. `imap` and `imap_unordered` feed a function from an iterable in a greenlet of their own and give results as
they come.

A place in a pool is a unit of its semaphore, given back as the greenlet ends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from queue import Full
from typing import Any

from plait.green.event import Event
from plait.green.greenlets import Greenlet
from plait.green.joining import iwait, joinall, kill
from plait.green.lock import DummySemaphore, Semaphore
from plait.green.timeout import Timeout
from plait.green.waiter import Waiter
from plait.greenlet import GreenletExit, getcurrent

__all__ = ["Group", "GroupMappingMixin", "Pool", "PoolFull"]


class PoolFull(Full):
    """A pool had no place for one more greenlet."""


class GroupMappingMixin:
    """apply and map over a `spawn` that subclasses have."""

    def spawn(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError

    def _apply_immediately(self) -> bool:
        """Whether apply, called here, must run the function in place."""
        return False

    def _spawn_must_not_wait(self) -> bool:
        """Whether spawn would park, so that a call that promises not to wait needs a greenlet of its own."""
        return False

    def apply(self, func: Callable[..., Any], args: Any = None, kwds: Any = None) -> Any:
        """func(*args, **kwds) in a greenlet of the group; waits for it and returns its value."""
        if self._apply_immediately():
            return func(*(args or ()), **(kwds or {}))
        return self.spawn(func, *(args or ()), **(kwds or {})).get()

    def apply_cb(self, func: Callable[..., Any], args: Any = None, kwds: Any = None, callback: Any = None) -> Any:
        """As apply; callback(value) runs in a greenlet of its own."""
        value = self.apply(func, args, kwds)
        if callback is not None:
            Greenlet.spawn(callback, value)
        return value

    def apply_async(
        self, func: Callable[..., Any], args: Any = None, kwds: Any = None, callback: Any = None
    ) -> Greenlet:
        """As apply, but returns the greenlet at once, which may still wait for a place."""
        if self._spawn_must_not_wait():
            return Greenlet.spawn(self.apply_cb, func, args, kwds, callback)
        runner: Greenlet = self.spawn(func, *(args or ()), **(kwds or {}))
        if callback is not None:
            runner.link_value(lambda ended: callback(ended.value))
        return runner

    def map(self, func: Callable[..., Any], iterable: Iterable[Any]) -> list[Any]:
        """[func(item) for item in iterable], at the same time; raises the first failure."""
        return list(self.imap(func, iterable))

    def map_cb(self, func: Callable[..., Any], iterable: Iterable[Any], callback: Any = None) -> list[Any]:
        values = self.map(func, iterable)
        if callback is not None:
            callback(values)
        return values

    def map_async(self, func: Callable[..., Any], iterable: Iterable[Any], callback: Any = None) -> Greenlet:
        """As map, in a greenlet that is returned at once."""
        return Greenlet.spawn(self.map_cb, func, iterable, callback)

    def imap(self, func: Callable[..., Any], *iterables: Iterable[Any], maxsize: int | None = None) -> IMap:
        """An iterator of func(*items) in the order of the items, computed at the same time.

        maxsize: at most so many results are computed or computing that were not taken yet; None: no limit.
        """
        return IMap.spawn(func, zip(*iterables, strict=False), self.spawn, maxsize)

    def imap_unordered(
        self, func: Callable[..., Any], *iterables: Iterable[Any], maxsize: int | None = None
    ) -> IMapUnordered:
        """As imap, in the order in which the results come."""
        return IMapUnordered.spawn(func, zip(*iterables, strict=False), self.spawn, maxsize)


class IMapUnordered(Greenlet):
    """A greenlet that feeds a function, and the iterator of the results."""

    def __init__(
        self,
        func: Callable[..., Any],
        items: Iterable[tuple[Any, ...]],
        spawn: Callable[..., Any],
        maxsize: int | None = None,
    ) -> None:
        if maxsize is not None and maxsize < 1:
            raise ValueError(f"maxsize={maxsize!r} leaves room for no result; pass 1 or more, or None for no limit")
        super().__init__()
        self._func = func
        self._items = items
        self._spawn = spawn
        self._room = None if maxsize is None else Semaphore(maxsize)
        self.queue = self._new_store()  # results that have come and were not given out
        self._missing = 0  # results that were not given out yet
        self._fed = False  # no more items
        self._failure_given = False
        self._waiter: Waiter[Any] | None = None
        self.rawlink(self._feeding_ended)

    def _run(self) -> None:
        spawn, func, room = self._spawn, self._func, self._room
        for index, item in enumerate(self._items):
            if room is not None:
                room.acquire()
            self._missing += 1
            try:
                worker = spawn(func, *item)
            except BaseException:
                self._missing -= 1
                raise
            if isinstance(worker, Greenlet):  # others may be what `spawn` makes
                worker.when_ended(self._arrival(index))
            else:
                worker.rawlink(self._arrival(index))

    def _feeding_ended(self, _feeder: Greenlet) -> None:
        self._fed = True
        self._look()

    def _look(self) -> None:
        if self._waiter is not None:
            self._waiter.wake()

    # -- the order of results: IMap overrides this ---------------------------------------------------------------

    def _new_store(self) -> Any:
        return deque()

    def _arrival(self, index: int) -> Callable[[Any], None]:
        """What is called with the greenlet of an item when that has ended."""
        return self._arrived

    def _arrived(self, worker: Any) -> None:
        self.queue.append(worker)
        if self._waiter is not None:
            self._waiter.wake()

    def _take(self) -> Any:
        """The greenlet whose result is the next one, or None while that has not come."""
        return self.queue.popleft() if self.queue else None

    # -- the iterator --------------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        while True:
            worker = self._take()
            if worker is not None:
                self._missing -= 1
                if self._room is not None:
                    self._room.release()
                return worker.get()
            if self._fed and not self._missing:
                if self.exception is not None and not self._failure_given:
                    self._failure_given = True
                    raise self.exception
                raise StopIteration
            self._waiter = Waiter(outside=False, subject=self)
            try:
                self._waiter.wait()
            finally:
                self._waiter = None

    next = __next__


class IMap(IMapUnordered):
    """As its base, with the results in the order of the items."""

    _index = 0

    def _new_store(self) -> Any:
        return {}

    def _arrival(self, index: int) -> Callable[[Any], None]:
        return partial(self._arrived_at, index)

    def _arrived_at(self, index: int, worker: Any) -> None:
        self.queue[index] = worker
        self._look()

    def _take(self) -> Any:
        worker = self.queue.pop(self._index, None)
        self._index += worker is not None
        return worker


class Group(GroupMappingMixin):
    """Greenlets that have not ended."""

    greenlet_class = Greenlet

    def __init__(self, *args: Iterable[Any]) -> None:
        if len(args) > 1:
            raise TypeError(f"Group takes one iterable of greenlets, not {len(args)} arguments")
        self.greenlets: set[Any] = set()
        self.dying: set[Any] = set()
        self._empty_event = Event()
        self._empty_event.set()
        for runner in args[0] if args else ():
            self.add(runner)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {id(self):#x} {self.greenlets!r}>"

    def __len__(self) -> int:
        return len(self.greenlets)

    def __contains__(self, item: object) -> bool:
        return item in self.greenlets

    def __iter__(self) -> Iterator[Any]:
        return iter(self.greenlets)

    def add(self, greenlet: Any) -> None:
        """Take in a greenlet, until it ends."""
        if isinstance(greenlet, Greenlet):
            greenlet.when_ended(self._discard)
        elif hasattr(greenlet, "rawlink"):
            greenlet.rawlink(self._discard)
        self.greenlets.add(greenlet)
        self._empty_event.clear()

    def discard(self, greenlet: Any) -> None:
        """Let a greenlet go. Nothing where it is not one of the group."""
        self._discard(greenlet)
        if isinstance(greenlet, Greenlet):
            greenlet.not_when_ended(self._discard)
        elif hasattr(greenlet, "unlink"):
            greenlet.unlink(self._discard)

    def _discard(self, runner: Any) -> None:
        self.dying.discard(runner)
        if runner in self.greenlets:
            self.greenlets.remove(runner)
            self._left()
        if not self.greenlets:
            self._empty_event.set()

    def _left(self) -> None:
        """One greenlet less."""

    def start(self, greenlet: Any) -> None:
        """Take in a greenlet and start it."""
        self.add(greenlet)
        greenlet.start()

    def spawn(self, *args: Any, **kwargs: Any) -> Any:
        """A new greenlet of the group, started."""
        runner = self.greenlet_class(*args, **kwargs)
        self.start(runner)
        return runner

    def join(self, timeout: float | None = None, raise_error: bool = False) -> bool:
        """Wait until the group is empty; False where `timeout` seconds passed first. raise_error: raise a failure."""
        present = list(self.greenlets) if raise_error else []
        empty = self._empty_event.wait(timeout)
        for runner in present:
            if getattr(runner, "exception", None) is not None:
                raise runner.exception
        return empty

    def kill(self, exception: Any = GreenletExit, block: bool = True, timeout: float | None = None) -> None:
        """Kill all, also those that come in meanwhile; with `block` wait for their end, `timeout` seconds at most."""
        timer = Timeout.start_new(timeout)
        try:
            while self.greenlets:
                for runner in list(self.greenlets):
                    if runner not in self.dying:
                        self.dying.add(runner)
                        kill(runner, exception)
                if not block:
                    return
                joinall(list(self.greenlets))
                self._forget_ended()
        except Timeout as error:
            if error is not timer:
                raise
        finally:
            timer.cancel()

    def _forget_ended(self) -> None:
        for runner in [runner for runner in self.greenlets if runner.dead]:
            self.discard(runner)

    def killone(
        self, greenlet: Any, exception: Any = GreenletExit, block: bool = True, timeout: float | None = None
    ) -> None:
        """Kill one greenlet of the group. Nothing where it is none of it, or is being killed already."""
        if greenlet in self.greenlets and greenlet not in self.dying:
            self.dying.add(greenlet)
            kill(greenlet, exception)
            if block:
                list(iwait([greenlet], timeout))

    def full(self) -> bool:
        """Whether add() would wait; never, for a group."""
        return False

    def wait_available(self, timeout: float | None = None) -> int:
        """Wait until add() would not wait; at once, for a group."""
        return 1


class Pool(Group):
    """A group of at most `size` greenlets; None: without limit."""

    def __init__(self, size: int | None = None, greenlet_class: type[Greenlet] | None = None) -> None:
        if size is not None and size < 0:
            raise ValueError(f"size={size!r} is negative; pass the largest number of greenlets, or None for no limit")
        super().__init__()
        self.size = size
        if greenlet_class is not None:
            self.greenlet_class = greenlet_class
        self._semaphore = DummySemaphore() if size is None else Semaphore(size)

    def wait_available(self, timeout: float | None = None) -> int:
        """Wait for a free place, `timeout` seconds at most. Returns how many there are."""
        return self._semaphore.wait(timeout)

    def full(self) -> bool:
        """Whether add() would wait."""
        return self.free_count() <= 0

    def free_count(self) -> int:
        """How many more greenlets it has a place for; 1 where it has no limit."""
        return self._semaphore.counter if isinstance(self._semaphore, Semaphore) else 1

    def add(self, greenlet: Any, blocking: bool = True, timeout: float | None = None) -> None:
        """Take in a greenlet. Raises PoolFull where there is no place: at once, or after `timeout` seconds."""
        if not self._semaphore.acquire(blocking, timeout):
            raise PoolFull(f"all {self.size} places of the pool are taken")
        try:
            super().add(greenlet)
        except BaseException:
            self._semaphore.release()
            raise

    def start(self, greenlet: Any, blocking: bool = True, timeout: float | None = None) -> None:
        """Take in a greenlet, as add(), and start it."""
        self.add(greenlet, blocking, timeout)
        greenlet.start()

    def _left(self) -> None:
        self._semaphore.release()

    def _apply_immediately(self) -> bool:
        # A member that waited for a place of its own pool might wait for ever.
        return getcurrent() in self.greenlets

    def _spawn_must_not_wait(self) -> bool:
        return self.full()
