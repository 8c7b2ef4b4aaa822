# cython: language_level=3
"""The locks of `_thread`, on greenlets: see `plait.green.threadlocks`.

Every step is one for other threads and for signal handlers, since none calls Python code between looking at a lock and
changing it. Who waits stands in line first and looks at the lock afterwards.
"""

cimport cython

from _thread import TIMEOUT_MAX as _TIMEOUT_MAX, _count as _count_threads

from plait.green._native.core cimport NEVER, HubCore, Line, Waiter, current_hub, deadline_of, get_hub, getcurrent


cdef extern from "pythread.h":
    unsigned long PyThread_get_thread_ident() noexcept


cdef double TIMEOUT_MAX = _TIMEOUT_MAX


@cython.final
cdef class LockType:
    """A lock that whoever likes may release."""

    cdef object __weakref__
    cdef bint held
    cdef Line line

    def __init__(self):
        """Takes no arguments."""

    def __repr__(self):
        return f"<{'locked' if self.held else 'unlocked'} plait.green.thread.lock object at {<size_t><void *>self:#x}>"

    def locked(self):
        """Whether acquire() would wait."""
        return self.held

    locked_lock = locked

    cpdef bint acquire(self, blocking=True, timeout=-1) except -1:
        """Hold the lock; False where it could not be had, at once or in `timeout` seconds. -1 waits for ever."""
        cdef double seconds = timeout
        check_timeout(blocking, seconds)
        if not self.held:
            self.held = True
            return True
        if not blocking or seconds == 0:
            let_others_run()
            return False
        return self.wait(seconds)

    def acquire_lock(self, blocking=True, timeout=-1):
        """As acquire()."""
        return self.acquire(blocking, timeout)

    cpdef release(self):
        """Give the lock to whoever waits longest. Raises RuntimeError where it is not held."""
        cdef Waiter heir
        if not self.held:
            raise RuntimeError("release unlocked lock")
        heir = None if self.line is None else self.line.pop()
        if heir is None:
            self.held = False
        else:
            heir.wake()

    def release_lock(self):
        """As release()."""
        self.release()

    def __enter__(self):
        return self.acquire()

    def __exit__(self, kind, value, tb):
        self.release()

    cdef bint wait(self, double seconds) except -1:
        cdef double deadline = NEVER if seconds < 0 else deadline_of(seconds)
        cdef Waiter waiter = Waiter.__new__(Waiter, False, self)
        cdef Line line
        expect_a_waker()
        if self.line is None:
            self.line = Line()
        if not self.held:  # what was made above may have let another thread run, and release
            self.held = True
            return True
        line = self.line  # a forked child gives the lock another one, which knows nothing of this waiter
        line.push(waiter)
        try:
            if not waiter.wait_until(deadline):
                if line.remove(waiter):
                    return False
                waiter.wait_until(NEVER)  # it is ours: the wake-up is on its way
        except BaseException:
            if not line.remove(waiter):
                self.release()
            raise
        return True

    def _at_fork_reinit(self):
        """Free, and nobody waits: what a forked child makes of its parent's locks."""
        self.held = False
        self.line = None


@cython.final
cdef class RLock:
    """A lock that its owner, a greenlet, may acquire again; free after as many releases."""

    cdef object __weakref__
    cdef readonly LockType _block
    cdef readonly object _owner
    cdef readonly Py_ssize_t _count

    def __cinit__(self, *ignored, **also_ignored):
        self._block = LockType()

    def __repr__(self):
        cdef object owner = 0 if self._owner is None else get_ident(self._owner)
        return (
            f"<{'locked' if self._count else 'unlocked'} plait.green.thread.RLock object owner={owner} "
            f"count={self._count} at {<size_t><void *>self:#x}>"
        )

    def locked(self):
        return self._count > 0

    cpdef bint acquire(self, blocking=True, timeout=-1) except -1:
        """Own the lock, once more; False where it could not be had: see LockType.acquire."""
        cdef object me = current_greenlet()
        if self._owner is me:  # both None where the interpreter ends, and there is nobody to keep out
            self._count += 1
            return True
        if not self._block.acquire(blocking, timeout):
            return False
        self._owner = me
        self._count = 1
        return True

    cpdef release(self):
        """Undo one acquire. Raises RuntimeError where another greenlet is the owner."""
        if self._owner is not current_greenlet():
            raise RuntimeError("cannot release un-acquired lock")
        self._count -= 1
        if not self._count and self._owner is not None:
            self._owner = None
            self._block.release()

    def __enter__(self):
        return self.acquire()

    def __exit__(self, kind, value, tb):
        self.release()

    # What threading.Condition asks of a lock that it gives up while it waits.

    def _is_owned(self):
        return self._owner is current_greenlet()

    def _recursion_count(self):
        return self._count if self._owner is current_greenlet() else 0

    def _release_save(self):
        cdef object me = current_greenlet()
        cdef Py_ssize_t count = self._count
        if self._owner is not me:
            raise RuntimeError("cannot release un-acquired lock")
        self._count = 0
        self._owner = None
        self._block.release()
        return count, me

    def _acquire_restore(self, saved):
        self._block.acquire()
        self._count, self._owner = saved

    def _at_fork_reinit(self):
        self._block._at_fork_reinit()
        self._owner = None
        self._count = 0


@cython.final
cdef class EndLock:
    """What is held while a thread lives: released once, it lets everybody through who waits for it, for good."""

    cdef object __weakref__
    cdef bint held
    cdef Line line

    def __repr__(self):
        return f"<{'locked' if self.held else 'unlocked'} plait.green.thread.EndLock object at {<size_t><void *>self:#x}>"

    def locked(self):
        return self.held

    def acquire(self, blocking=True, timeout=-1):
        """Hold it where it is free, else wait until it is; False where it was not, at once or in `timeout` seconds."""
        cdef double seconds = timeout
        cdef Waiter waiter
        cdef Line line
        if not self.held:
            self.held = True
            return True
        if not blocking or seconds == 0:
            let_others_run()
            return not self.held
        waiter = Waiter.__new__(Waiter, False, self)
        expect_a_waker()
        if self.line is None:
            self.line = Line()
        line = self.line
        line.push(waiter)
        try:
            return not self.held or waiter.wait_until(NEVER if seconds < 0 else deadline_of(seconds))
        finally:
            line.remove(waiter)

    def release(self):
        """Wake everybody. Nothing where it is free: whoever waited calls this too."""
        cdef Waiter waiter
        if not self.held:
            return
        self.held = False
        while self.line is not None:
            waiter = self.line.pop()
            if waiter is None:
                break
            waiter.wake()

    def _at_fork_reinit(self):
        self.held = False
        self.line = None


def get_ident(runner=None):
    """The ident of a greenlet, by default of the one that asks; a thread's main greenlet has the thread's own."""
    cdef object current = current_greenlet()
    if current is None:
        return PyThread_get_thread_ident()
    if runner is None:
        runner = current
    if runner is current and runner.parent is None:
        return PyThread_get_thread_ident()
    return <size_t><void *>runner


cdef object current_greenlet():
    """None when the interpreter ends."""
    try:
        return getcurrent()
    except RuntimeError:
        return None


cdef int check_timeout(bint blocking, double seconds) except -1:
    if seconds == -1:
        return 0
    if not blocking:
        raise ValueError("can't specify a timeout for a non-blocking call")
    if seconds < 0:
        raise ValueError("timeout value must be a non-negative number")
    if seconds > TIMEOUT_MAX:
        raise OverflowError("timeout value is too large")
    return 0


cdef int let_others_run() except -1:
    """So that a loop of attempts ends."""
    cdef HubCore hub = current_hub()
    if hub is not None and current_greenlet() is not hub:
        hub.yield_turn()
    return 0


cdef int expect_a_waker() except -1:
    """Without greenlets and other threads nobody will release: let the hub say so instead of waiting for ever."""
    if current_hub() is None and not _count_threads():
        get_hub()
    return 0
