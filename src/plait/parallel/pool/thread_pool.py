"""Worker threads: kept warm, lent to crews; a crew works off the items of one call.

    crew = pool.crew(run, size=cores, strict=False)
    crew.put(item)        # some thread calls run(item), which must not raise

A strict crew never has more than `size` threads. Another may be compensated: a thread that blocks in the kernel
frees its core, so while items wait, the watcher (see `blocked`) lets one more thread in for each that sleeps, up to
BOUND in all. A sleeper that ends its item is none any more; the surplus leaves at the end of an item. So a crew without
sleepers never exceeds its size, and tasks that compute outside the GIL never exceed the cores.

Items can be interrupted (see `interrupts`): stop() one at once, or cancel() all, where those that end within
PATIENCE_S by themselves are left in peace. A thread whose stopped item has not ended
GRACE_S later is stuck outside Python. It is abandoned: it counts no more, another takes its place, the crew's `lost` is
told, and what the item does in the end is nobody's business. The thread goes back to the pool if it ever gets there.

A crew's fields are guarded by its lock. Threads belong to the pool again when a crew has nothing for them; an idle one
ends after IDLE_S. They are made with the original `_thread`, so patching never makes greenlets of them, and end with
the process.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Protocol

from plait._base import clock, natives
from plait._base.natives import get_ident
from plait.green.workers import idle
from plait.parallel import interrupts, nesting
from plait.parallel.errors import TaskCancelled
from plait.parallel.interrupts import Interruptible
from plait.parallel.pool import blocked

BOUND = 64  # threads of one crew, compensation included
PATIENCE_S = 0.05  # from the end of a call to the interruption of what still runs
GRACE_S = 0.5  # from an interruption to the thread's being given up
IDLE_S = 10.0

_allocate_lock = natives.allocate_lock
_start_new_thread = natives.start_new_thread
_get_native_id = natives.get_native_id
_sleep = natives.sleep

Sleeper = tuple[int, int]  # native thread id, item


class Queue(Protocol):
    """What a crew keeps its items in: a deque, or something with an order of its own."""

    def append(self, item: Any, /) -> object: ...
    def popleft(self) -> Any: ...
    def clear(self) -> object: ...
    def __len__(self) -> int: ...


class _Thread:
    """A parked worker thread; `_wake` is released once there is a job, or the pool stops."""

    __slots__ = ("_job", "_pool", "_wake")

    def __init__(self, pool: ThreadPool, job: Callable[[], object]) -> None:
        self._pool = pool
        self._job: Callable[[], object] | None = job
        self._wake = _allocate_lock()
        self._wake.acquire()
        _start_new_thread(self._live, ())

    def give(self, job: Callable[[], object] | None) -> None:
        self._job = job
        self._wake.release()

    def _live(self) -> None:
        nesting.enter_thread()
        while self._job is not None:
            job, self._job = self._job, None
            try:
                job()
            except BaseException:  # a defect of ours: items' errors are their run's business
                import traceback

                traceback.print_exc()
            del job
            if not self._pool.park(self):
                return
            if not self._wait_for_a_job():
                if self._pool.unpark(self):
                    return
                self._wake.acquire()  # it was given a job, or told to end, while it gave up

    def _wait_for_a_job(self) -> bool:
        idle.add(get_ident())  # it wakes nobody: a hub that asks who might leaves it out
        try:
            return self._wake.acquire(True, IDLE_S)
        finally:
            idle.discard(get_ident())


class ThreadPool:
    """The worker threads of this process."""

    def __init__(self) -> None:
        self._idle: list[_Thread] = []
        self._stopped = False
        self._lock = _allocate_lock()
        self.watcher = blocked.Watcher(self.start)

    def crew(
        self,
        run: Callable[[Any], object],
        size: int,
        strict: bool,
        items: Queue | None = None,
        lost: Callable[[Any, int], object] | None = None,
    ) -> Crew:
        """Threads that call run(item), which must not raise. lost(item, native id): that thread was abandoned."""
        return Crew(self, run, size, strict, deque() if items is None else items, lost)

    def start(self, job: Callable[[], object]) -> None:
        """Have a thread call job(), the one that was idle last."""
        with self._lock:
            thread = self._idle.pop() if self._idle else None
        if thread is None:
            _Thread(self, job)
        else:
            thread.give(job)

    def park(self, thread: _Thread) -> bool:
        with self._lock:
            if not self._stopped:
                self._idle.append(thread)
            return not self._stopped

    def unpark(self, thread: _Thread) -> bool:
        """Whether the thread was idle still, and now belongs to nobody."""
        with self._lock:
            if thread in self._idle:
                self._idle.remove(thread)
                return True
            return False

    def stop(self) -> None:
        """Let idle threads end; the others end with their item, or with the process."""
        with self._lock:
            self._stopped = True
            idle, self._idle = self._idle, []
        for thread in idle:
            thread.give(None)


class Crew:
    """Threads that work off one call's items."""

    def __init__(
        self,
        pool: ThreadPool,
        run: Callable[[Any], object],
        size: int,
        strict: bool,
        items: Queue,
        lost: Callable[[Any, int], object] | None = None,
    ) -> None:
        self.size = size
        self.strict = strict
        self.members: dict[int, int] = {}  # native thread id -> number of its item, counted by itself
        self._pool = pool
        self._run = run
        self._items = items
        self.settled = False  # nobody is missing, and the watcher looks: recruit() has nothing to do
        self.sleepers: set[Sleeper] = set()
        self._lost = lost
        self._active = 0
        self._running: dict[int, tuple[Any, Interruptible]] = {}  # by native thread id
        self._doomed: list[tuple[float, int, Interruptible]] = []  # abandon the thread then, if still at that call
        self._lock = _allocate_lock()

    @property
    def waiting(self) -> bool:
        """Whether items wait that nobody works on."""
        return len(self._items) > 0

    @property
    def active(self) -> int:
        return self._active

    def put(self, item: Any) -> None:
        self.put_all((item,))

    def put_all(self, items: Iterable[Any]) -> None:
        with self._lock:
            for item in items:
                self._items.append(item)
        self.recruit()

    def cancel(self) -> None:
        """Items that wait are dropped; those that run are interrupted, and nobody waits for them."""
        with self._lock:
            self._items.clear()
        self.interrupt()

    def interrupt(self) -> None:
        """Interrupt all items that run, but not those that end within PATIENCE_S. Does not wait."""
        with self._lock:
            running = [(thread, call) for thread, (_, call) in self._running.items()]
        for _, call in running:
            call.refuse(TaskCancelled)
        if running:
            self._pool.start(partial(self._interrupt_late, running))

    def stop(self, item: Any) -> None:
        """Interrupt this item; abandon its thread where it has not ended GRACE_S later. Nothing if it is not run."""
        with self._lock:
            found = [(thread, call) for thread, (running, call) in self._running.items() if running is item]
            reaping = bool(self._doomed)
            self._doomed += [(clock.now() + GRACE_S, thread, call) for thread, call in found]
        for _, call in found:
            call.interrupt(TaskCancelled)
        if found and not reaping:
            self._pool.start(self._reap)

    def compensate(self, sleepers: set[Sleeper]) -> None:
        """These sleep in the kernel now. For the watcher."""
        with self._lock:
            self.sleepers = {(thread, item) for thread, item in sleepers if self.members.get(thread) == item}
            self.settled = False
        if sleepers:
            self.recruit()

    @property
    def _allowed(self) -> int:
        return min(self.size + len(self.sleepers), max(BOUND, self.size))

    def recruit(self) -> None:
        """Items have come: have as many threads as may be."""
        with self._lock:
            missing = min(self._allowed - self._active, len(self._items))
            self._active += max(0, missing)
            self.settled = self._active >= self._allowed
        for _ in range(missing):
            self._pool.start(self._work)
        if not self.strict and len(self._items):
            self._pool.watcher.watch(self)

    def _work(self) -> None:
        me = _get_native_id()
        begun = 0
        call: Interruptible | None = None
        while True:
            with self._lock:
                if call is not None and not self._ended(me, call):
                    break
                self.sleepers.discard((me, begun))
                if self._active > self._allowed or not len(self._items):
                    self._active -= 1
                    self.settled = False
                    self.members.pop(me, None)
                    break
                item = self._items.popleft()
                call = Interruptible()
                self._running[me] = item, call
                begun += 1
                self.members[me] = begun
            interrupts.enter(call)
            self._run(item)
            del item
        interrupts.enter(None)

    def _ended(self, me: int, call: Interruptible) -> bool:
        """Whether this thread, which has ended its call, is of the crew still."""
        if not self._still_at(me, call):
            return False
        del self._running[me]
        return True

    def _interrupt_late(self, calls: list[tuple[int, Interruptible]]) -> None:
        _sleep(PATIENCE_S)
        for thread, call in calls:
            if self._still_at(thread, call):
                call.interrupt(TaskCancelled)

    def _reap(self) -> None:
        """Abandon the threads whose time is up; ends when no more are doomed."""
        while True:
            with self._lock:
                self._doomed = [entry for entry in self._doomed if self._still_at(*entry[1:])]
                if not self._doomed:
                    return
                due = self._doomed[0][0]
            now = clock.now()
            if due > now:
                _sleep(due - now)
            else:
                self._abandon_first()

    def _still_at(self, thread: int, call: Interruptible) -> bool:
        running = self._running.get(thread)
        return running is not None and running[1] is call

    def _abandon_first(self) -> None:
        with self._lock:
            _, thread, call = self._doomed.pop(0)
            if not self._still_at(thread, call):
                return
            item, _ = self._running.pop(thread)
            self.sleepers.discard((thread, self.members.pop(thread, 0)))
            self._active -= 1
            self.settled = False
        if self._lost is not None:
            self._lost(item, thread)
        self.recruit()
