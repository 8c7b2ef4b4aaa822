# cython: language_level=3
"""Queues between greenlets, and between threads: see `plait.green.queue`."""

import heapq
import types
from collections import deque
from queue import Empty, Full

from plait.green._native.core cimport NEVER, Line, Waiter, deadline_of, get_hub
from plait.green._native.sync cimport Event
from plait.green._native.timeouts cimport is_no_time

from plait.green._native.timeouts import Timeout
from plait.green.exceptions import ShutDown

cdef object NOTHING = object()  # what a getter passes where a putter passes its item


cdef class SimpleQueue:
    """A first in, first out queue; the base of the others, which override how items are kept."""

    __class_getitem__ = classmethod(types.GenericAlias)

    def __cinit__(self, *args, **kwargs):
        self.getters = Line()
        self.putters = Line()

    def __init__(self, maxsize=None, items=()):
        """maxsize: how many items it holds before put() waits; None or less than 1 is without limit."""
        self.maxsize = None if maxsize is None or maxsize <= 0 else maxsize
        self.limit = -1 if self.maxsize is None else self.maxsize
        self._init(self.maxsize)
        for item in items:
            self._put(item)

    # -- how items are kept: what subclasses override --------------------------------------------------------

    cpdef _init(self, maxsize):
        self.queue = deque()

    cpdef _put(self, item):
        self.queue.append(item)

    cpdef object _get(self):
        return self.queue.popleft()

    cpdef object _peek(self):
        return self.queue[0]

    # -- what it is ------------------------------------------------------------------------------------------

    def __repr__(self):
        return f"<{type(self).__name__} at {id(self):#x}{self._details()}>"

    def __str__(self):
        return f"<{type(self).__name__}{self._details()}>"

    def _details(self):
        text = "" if self.maxsize is None else f" maxsize={self.maxsize!r}"
        text += f" queue={self.queue!r}" if self.queue else ""
        text += f" getters[{self.getters.count}]" if self.getters.count else ""
        text += f" putters[{self.putters.count}]" if self.putters.count else ""
        return text

    cpdef Py_ssize_t qsize(self) except -1:
        """How many items it holds."""
        return len(self.queue)

    def __len__(self):
        return self.qsize()

    def __bool__(self):
        return True  # an empty queue is a queue

    def empty(self):
        """Whether get() would wait."""
        return not self.qsize()

    def full(self):
        """Whether put() would wait."""
        return 0 <= self.limit <= self.qsize()

    def waiting(self):
        """How many wait to get, and to put."""
        return self.getters.count, self.putters.count

    def copy(self):
        """A queue of the same kind, limit and items."""
        return type(self)(self.maxsize, self.queue)

    # -- putting and getting ---------------------------------------------------------------------------------

    def put(self, item, block=True, timeout=None):
        """Add an item. Raises Full where there is no room: at once with block=False, else after `timeout` seconds."""
        if self.try_put(item):
            return
        if not block or is_no_time(timeout):
            raise Full
        self.wait_in(self.putters, item, None, False, timeout)

    def put_nowait(self, item):
        """As put(item, block=False)."""
        self.put(item, block=False)

    def get(self, block=True, timeout=None):
        """Take an item. Raises Empty where there is none: at once with block=False, else after `timeout` seconds."""
        cdef list found = []
        if not self.try_take(found, False):
            if not block or is_no_time(timeout):
                raise Empty
            self.wait_in(self.getters, NOTHING, found, False, timeout)
        return found[0]

    def get_nowait(self):
        """As get(block=False)."""
        return self.get(block=False)

    def peek(self, block=True, timeout=None):
        """What get() would take, left where it is."""
        cdef list found = []
        if not self.try_take(found, True):
            if not block or is_no_time(timeout):
                raise Empty
            self.wait_in(self.getters, NOTHING, found, True, timeout)
        return found[0]

    def peek_nowait(self):
        """As peek(block=False)."""
        return self.peek(block=False)

    def __iter__(self):
        return self

    def __next__(self):
        """get(), until the item StopIteration comes."""
        item = self.get()
        if item is StopIteration:
            raise StopIteration
        return item

    def shutdown(self, immediate=False):
        """Refuse puts from now on, and gets once it is empty, with ShutDown. immediate: drop what it holds."""
        self.is_shutdown = True
        if immediate:
            while self.qsize():
                self._get()
                self.dropped()
        _wake_all(self.getters)
        _wake_all(self.putters)

    # -- the steps -------------------------------------------------------------------------------------------

    cdef bint try_put(self, item) except -1:
        if self.is_shutdown:
            raise ShutDown
        if 0 <= self.limit <= self.qsize():
            return False
        self._put(item)
        self.added()
        _wake_first(self.getters)
        return True

    cdef bint try_take(self, list found, bint leave) except -1:
        if not self.qsize():
            if self.is_shutdown:
                raise ShutDown
            return False
        if leave:
            found.append(self._peek())
            _wake_first(self.getters)  # we took nothing
        else:
            found.append(self._get())
            _wake_first(self.putters)
        return True

    cdef bint attempt(self, object item, list found, bint leave) except -1:
        return self.try_take(found, leave) if item is NOTHING else self.try_put(item)

    cdef int wait_in(self, Line line, object item, list found, bint leave, object timeout) except -1:
        get_hub()
        if not isinstance(timeout, Timeout):
            return self.stand_in(line, item, found, leave, deadline_of(timeout))
        with_timer = Timeout.start_new(timeout)
        try:
            return self.stand_in(line, item, found, leave, NEVER)
        finally:
            with_timer.cancel()

    cdef int stand_in(self, Line line, object item, list found, bint leave, double deadline) except -1:
        """Wait in line for a wake-up and look again; the place is kept where somebody was faster."""
        cdef Waiter waiter = Waiter.__new__(Waiter, False, self)
        cdef bint woken = True
        line.push(waiter)
        try:
            while not self.attempt(item, found, leave):  # in line already: no wake-up is missed
                if not woken:
                    raise Empty if item is NOTHING else Full
                woken = waiter.wait_until(deadline)
                if woken:
                    waiter.take()
                    line.push_first(waiter)
        finally:
            if not line.remove(waiter) and waiter.outcome:
                _wake_first(line)  # a wake-up that we did not need is the next one's
        return 0

    cdef int added(self) except -1:
        """An item has come in."""
        return 0

    cdef int dropped(self) except -1:
        """An item left the queue without a get."""
        return 0


cdef int _wake_first(Line line) except -1:
    cdef Waiter waiter
    if line.count:
        waiter = line.pop()
        waiter.wake()
    return 0


cdef int _wake_all(Line line) except -1:
    cdef Py_ssize_t i
    for i in range(line.count):
        _wake_first(line)
    return 0


cdef class Queue(SimpleQueue):
    """A queue that also counts its tasks: each put is one, done when task_done() says so; join() waits for all."""

    def __cinit__(self, *args, **kwargs):
        self.all_done = Event()

    def __init__(self, maxsize=None, items=(), unfinished_tasks=None):
        SimpleQueue.__init__(self, maxsize, items)
        self.unfinished_tasks = self.qsize() if unfinished_tasks is None else unfinished_tasks
        if not self.unfinished_tasks:
            self.all_done.set()

    def _details(self):
        tasks = f" tasks={self.unfinished_tasks}" if self.unfinished_tasks else ""
        return SimpleQueue._details(self) + tasks

    def copy(self):
        """A queue of the same kind, limit, items and tasks."""
        return type(self)(self.maxsize, self.queue, self.unfinished_tasks)

    def task_done(self):
        """One item that was got is dealt with. Raises ValueError where there were not that many."""
        if self.unfinished_tasks <= 0:
            raise ValueError("task_done() called too many times")
        self.unfinished_tasks -= 1
        if not self.unfinished_tasks:
            self.all_done.set()

    def join(self, timeout=None):
        """Park until every item that was put is dealt with. False where `timeout` seconds passed first."""
        return self.all_done.wait(timeout)

    cdef int added(self) except -1:
        self.unfinished_tasks += 1
        self.all_done.flag = False
        return 0

    cdef int dropped(self) except -1:
        if self.unfinished_tasks:
            self.task_done()
        return 0


cdef class LifoQueue(Queue):
    """The item put last is got first."""

    cpdef _init(self, maxsize):
        self.queue = []

    cpdef object _get(self):
        return self.queue.pop()

    cpdef object _peek(self):
        return self.queue[-1]


cdef object heappush = heapq.heappush
cdef object heappop = heapq.heappop


cdef class PriorityQueue(Queue):
    """The smallest item is got first; (priority, data) pairs by custom."""

    def __init__(self, maxsize=None, items=(), unfinished_tasks=None):
        Queue.__init__(self, maxsize, items, unfinished_tasks)

    cpdef _init(self, maxsize):
        self.queue = []

    cpdef _put(self, item):
        heappush(self.queue, item)

    cpdef object _get(self):
        return heappop(self.queue)
