# cython: language_level=3
"""Events, results, semaphores and locks: see `plait.green.event` and `plait.green.lock`.

What they share is `Linkable`: greenlets wait for them, and callbacks are linked to them. An announcement wakes who waited
at that moment, first come first served, and hands each linked callback, once, to the hub of the thread that linked it.

Every step here is one for other threads and for signal handlers, since none calls Python code between looking at an
object and changing it. Who waits enters the line first and looks at the object afterwards.
"""

from importlib import import_module

from cpython.weakref cimport PyWeakref_NewRef

from plait.green._native.core cimport NEVER, HubCore, Line, Waiter, current_hub, get_hub, getcurrent
from plait.green._native.timeouts cimport is_no_time, wait_within

from plait.green._native.timeouts import timed_out


cdef class Linkable:
    """What greenlets can wait for, and callbacks can be linked to."""

    def ready(self):
        """Whether waiting for it would return at once."""
        return self.is_ready()

    cdef bint is_ready(self) except -1:
        raise NotImplementedError(f"{type(self).__name__} does not say when it is ready")

    def rawlink(self, callback):
        """Call callback(self) once in the hub when it is ready; the callback must not block."""
        cdef HubCore hub
        if not callable(callback):
            raise TypeError(f"callback={callback!r} is not callable; pass a function of one argument, this object")
        hub = get_hub()
        link = (callback, hub)
        if self.links is None:
            self.links = []
        self.links.append(link)
        if self.is_ready():
            hub.run_callback(self._call_link, link)

    def unlink(self, callback):
        """Take back a link. Nothing where there is none, or where it was called."""
        for link in self.links or ():
            if link[0] == callback:
                self.drop_link(link)
                return

    cdef int drop_link(self, tuple link) except -1:
        """Take out this very link: callbacks that are equal have one each."""
        cdef Py_ssize_t i
        for i in range(len(self.links)):
            if self.links[i] is link:
                del self.links[i]
                return 1
        return 0

    def linkcount(self):
        """How many greenlets and callbacks would hear of it now."""
        return (0 if self.links is None else len(self.links)) + (0 if self.line is None else self.line.count)

    def waiters(self):
        """How many greenlets wait."""
        return 0 if self.line is None else self.line.count

    def _at_fork_reinit(self):
        """In a forked child, where nobody waits any more: what threading asks of what its threads hold."""
        self.line = None
        self.links = None

    cdef int announce(self) except -1:
        """Wake who waits at this moment, first come first served, and have the links called."""
        cdef Waiter waiter
        cdef Py_ssize_t i
        if self.line is not None:
            for i in range(self.line.count):
                waiter = self.line.pop()
                if waiter is None:
                    break
                self.waking += 1
                waiter.wake()
        if self.links:
            for link in self.links[:]:
                link[1].loop.run_callback_threadsafe(self._call_link, link)
        return 0

    def _call_link(self, tuple link):
        if not self.links or not self.drop_link(link):
            return
        try:
            link[0](self)
        except BaseException as error:
            get_hub().report((link[0], self), error)

    cdef bint await_announcement(self, object timeout) except -1:
        """Park until announced; False where `timeout` seconds passed first."""
        cdef Waiter waiter = Waiter.__new__(Waiter, False, self)
        cdef Line line
        get_hub()
        if self.line is None:
            self.line = Line()
        line = self.line  # _at_fork_reinit() takes it away
        line.push(waiter)
        try:
            return self.is_ready() or wait_within(waiter, timeout)
        finally:
            line.remove(waiter)


cdef class Event(Linkable):
    """A flag that greenlets wait for."""

    def __repr__(self):
        state = "set" if self.flag else "clear"
        return f"<{type(self).__name__} at {id(self):#x} {state} _links[{self.linkcount()}]>"

    cdef bint is_ready(self) except -1:
        return self.flag

    def is_set(self):
        """Whether the flag is up."""
        return self.flag

    def isSet(self):
        """As `is_set`: the name that threading had."""
        return self.flag

    def set(self):
        """Raise the flag and wake all who wait."""
        self.flag = True
        self.announce()

    cdef int let_others_go_on(self) except -1:
        cdef HubCore hub = current_hub()
        if hub is not None and not hub.in_callback():
            hub.yield_turn()
        return 0

    def clear(self):
        """Lower the flag: from now on wait() parks. Who was woken by set() before stays woken."""
        self.flag = False

    def __await__(self):
        """In a coroutine: wait until the flag is up, without blocking its loop."""
        return import_module("plait.green.aio.awaiting").until_ready(self)

    def wait(self, timeout=None):
        """Park until the flag is up. False where `timeout` seconds passed first."""
        if self.flag:
            if self.waking:  # those that were woken before go on before
                self.let_others_go_on()
            return True
        if is_no_time(timeout):
            return False
        return self.await_announcement(timeout)


cdef class AsyncResult(Linkable):
    """A value or an exception that will be there later; may itself be linked to a greenlet: g.link(result)."""

    def __repr__(self):
        parts = [f"<{type(self).__name__} at {id(self):#x}"]
        if self.settled and self.failure is None:
            parts.append(f"value={self.result_value!r}")
        if self.failure is not None:
            parts.append(f"exception={self.failure[1]!r}")
        return " ".join([*parts, f"_links[{self.linkcount()}]>"])

    cdef bint is_ready(self) except -1:
        return self.settled

    def __await__(self):
        """In a coroutine: its value, or its exception, without blocking its loop."""
        return import_module("plait.green.aio.awaiting").until_ready(self)

    def ready(self):
        """Whether there is a value or an exception."""
        return self.settled

    def done(self):
        """As `ready`, with the name that futures have."""
        return self.settled

    def successful(self):
        """Whether there is a value."""
        return self.settled and self.failure is None

    @property
    def value(self):
        """The value, None where there is none."""
        return self.result_value

    @property
    def exception(self):
        """The exception, None where there is none."""
        return None if self.failure is None else self.failure[1]

    @property
    def exc_info(self):
        """(type, exception, traceback), or empty."""
        return () if self.failure is None else self.failure

    def set(self, value=None):
        """Store the value and wake all who wait."""
        self.result_value = value
        self.failure = None
        self.settled = True
        self.announce()

    def set_exception(self, exception, exc_info=None):
        """Store the exception and wake all who wait. exc_info: a triple whose traceback get() raises with."""
        if isinstance(exception, type):
            exception = exception()
        traceback = exc_info[2] if exc_info else exception.__traceback__
        self.failure = (type(exception), exception, traceback)
        self.settled = True
        self.announce()

    def set_result(self, value):
        """As `set`, with the name that futures have."""
        self.set(value)

    def get(self, block=True, timeout=None):
        """The value; raises the exception, or Timeout where neither came within `timeout` seconds."""
        if not self.settled and block and not is_no_time(timeout):
            self.await_announcement(timeout)
        if not self.settled:
            raise timed_out(timeout if block else None)
        if self.failure is not None:
            raise self.failure[1].with_traceback(self.failure[2])
        return self.result_value

    def get_nowait(self):
        """As get(block=False)."""
        return self.get(block=False)

    def result(self, timeout=None):
        """As get(timeout=...), with the name that futures have."""
        return self.get(timeout=timeout)

    def wait(self, timeout=None):
        """Park until ready, `timeout` seconds at most. Returns the value; None for a failure or a timeout."""
        if not self.settled and not is_no_time(timeout):
            self.await_announcement(timeout)
        return self.result_value

    def cancel(self):
        """A future's; nothing here can be cancelled."""
        return False

    def cancelled(self):
        """Whether the exception is a CancelledError."""
        if self.exception is None:
            return False
        from concurrent.futures import CancelledError  # imports logging and more, for one class

        return isinstance(self.exception, CancelledError)

    def __call__(self, source):
        """As a link: take over the outcome of `source`."""
        if source.successful():
            self.set(source.value)
        else:
            self.set_exception(source.exception, getattr(source, "exc_info", None))


cdef class Semaphore(Linkable):
    """A counter that acquire() takes from, parking while it is 0, and release() adds to."""

    def __cinit__(self, *args, **kwargs):
        self.counter = 1

    def __init__(self, value=1, hub=None):
        if value < 0:
            raise ValueError(f"value={value!r} is negative; a semaphore starts with zero or more")
        self.counter = value

    def __repr__(self):
        return f"<{type(self).__name__} at {id(self):#x} counter={self.counter} _links[{self.linkcount()}]>"

    cdef bint is_ready(self) except -1:
        return self.counter > 0

    @property
    def hub(self):
        """None: it belongs to no hub, and any thread may use it."""
        return None

    def linkcount(self):
        """How many greenlets and callbacks would hear of it now."""
        return Linkable.linkcount(self) + (0 if self.acquirers is None else self.acquirers.count)

    def locked(self):
        """Whether acquire() would park."""
        return self.counter <= 0

    cpdef bint acquire(self, blocking=True, timeout=None) except -1:
        """Take one. False where there is none: at once with blocking=False, else after `timeout` seconds."""
        if self.counter > 0:
            self.counter -= 1
            return True
        return self.take(blocking, timeout)

    cpdef object release(self):
        """Give one back: to who waits longest, else to the counter. Returns the counter."""
        self.put_back()
        return self.counter

    cdef bint take(self, bint blocking, object timeout) except -1:
        cdef Waiter waiter
        if not blocking or is_no_time(timeout):
            return False
        waiter = Waiter.__new__(Waiter, False, self if self.face is None else self.face)
        get_hub()
        if self.acquirers is None:
            self.acquirers = Line()
        if self.counter > 0:  # what was made above may have let another thread run, and release
            self.counter -= 1
            return True
        self.acquirers.push(waiter)
        try:
            if not wait_within(waiter, timeout):
                if self.acquirers.remove(waiter):
                    return False
                waiter.wait_until(NEVER)  # a unit is on its way to us already
        except BaseException:
            if not self.acquirers.remove(waiter):
                self.put_back()
            raise
        return True

    cdef int put_back(self) except -1:
        cdef Waiter heir = None if self.acquirers is None else self.acquirers.pop()
        if heir is not None:
            heir.wake()
            return 0
        self.counter += 1
        if self.links or (self.line is not None and self.line.count):
            self.announce()
        return 0

    def wait(self, timeout=None):
        """Park until the counter is positive, `timeout` seconds at most, taking nothing. Returns the counter."""
        if self.counter <= 0 and not is_no_time(timeout):
            self.await_announcement(timeout)
        return self.counter

    def __enter__(self):
        self.acquire()

    def __exit__(self, kind, value, tb):
        self.release()


cdef class BoundedSemaphore(Semaphore):
    """A semaphore that refuses to be released more often than it was acquired."""

    _OVER_RELEASE_ERROR = ValueError

    def __init__(self, value=1, hub=None):
        Semaphore.__init__(self, value, hub)
        self._initial_value = value

    cpdef object release(self):
        """As Semaphore.release; raises ValueError where the counter is at its initial value."""
        if self.counter >= self._initial_value:
            raise self._OVER_RELEASE_ERROR("Semaphore released too many times")
        self.put_back()
        return self.counter


cdef class RLock:
    """A lock that its owner, a greenlet, may acquire again; free after as many releases."""

    def __cinit__(self, *args, **kwargs):
        self._block = Semaphore(1)

    def __init__(self, hub=None):
        """hub: ignored."""

    def __repr__(self):
        owner = self._owner  # whose own repr shows its arguments, of which this may be one
        shown = None if owner is None else f"<{type(owner).__name__} at {id(owner):#x}>"
        state = f"_block={self._block} _count={self._count} _owner={shown}"
        return f"<{type(self).__name__} at {id(self):#x} {state})>"

    cpdef bint acquire(self, blocking=True, timeout=None) except -1:
        """Own the lock, once more. False where it could not be had: see Semaphore.acquire. -1 waits for ever."""
        cdef object me = getcurrent()
        if self._owner is me:
            self._count += 1
            return True
        if self._block.counter <= 0 and self._block.face is None:
            self._block.face = PyWeakref_NewRef(self, None)
        if not self._block.acquire(blocking, None if timeout == -1 else timeout):
            return False
        self._owner = me
        self._count = 1
        return True

    cpdef release(self):
        """Undo one acquire. Raises RuntimeError where another greenlet is the owner."""
        if self._owner is not getcurrent():
            raise RuntimeError(f"cannot release un-acquired lock; owner: {self._owner!r}, current: {getcurrent()!r}")
        self._count -= 1
        if not self._count:
            self._owner = None
            self._block.release()

    def locked(self):
        """Whether somebody owns it."""
        return self._count > 0

    def __enter__(self):
        return self.acquire()

    def __exit__(self, kind, value, tb):
        self.release()

    # What threading.Condition asks of a lock that it gives up while it waits.

    def _is_owned(self):
        return self._owner is getcurrent()

    def _release_save(self):
        saved = self._count, self._owner
        self._count, self._owner = 0, None
        self._block.release()
        return saved

    def _acquire_restore(self, saved):
        self._block.acquire()
        self._count, self._owner = saved
