from plait.green._native.core cimport HubCore, Line, Waiter


cdef class Linkable:
    cdef object __weakref__
    cdef Line line
    cdef list links
    cdef Py_ssize_t waking  # waiters that an announcement woke and that have not gone on yet

    cdef bint is_ready(self) except -1
    cdef int announce(self) except -1
    cdef bint await_announcement(self, object timeout) except -1
    cdef int drop_link(self, tuple link) except -1


cdef class Event(Linkable):
    cdef bint flag

    cdef int let_others_go_on(self) except -1


cdef class AsyncResult(Linkable):
    cdef bint settled
    cdef object result_value
    cdef object failure


cdef class Semaphore(Linkable):
    cdef public Py_ssize_t counter
    cdef Line acquirers
    cdef object face  # a weak reference to the lock that this is a part of: what a wait says that it waits for

    cpdef bint acquire(self, blocking=*, timeout=*) except -1
    cpdef object release(self)
    cdef bint take(self, bint blocking, object timeout) except -1
    cdef int put_back(self) except -1


cdef class BoundedSemaphore(Semaphore):
    cdef readonly Py_ssize_t _initial_value


cdef class RLock:
    cdef object __weakref__
    cdef readonly Semaphore _block
    cdef readonly object _owner
    cdef readonly Py_ssize_t _count

    cpdef bint acquire(self, blocking=*, timeout=*) except -1
    cpdef release(self)
