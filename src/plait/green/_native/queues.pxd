from plait.green._native.core cimport Line, Waiter
from plait.green._native.sync cimport Event


cdef class SimpleQueue:
    cdef object __weakref__
    cdef readonly object maxsize
    cdef Py_ssize_t limit
    cdef public object queue
    cdef public bint is_shutdown
    cdef Line getters
    cdef Line putters

    cpdef _init(self, maxsize)
    cpdef _put(self, item)
    cpdef object _get(self)
    cpdef object _peek(self)
    cpdef Py_ssize_t qsize(self) except -1
    cdef bint try_put(self, item) except -1
    cdef bint try_take(self, list found, bint leave) except -1
    cdef int wait_in(self, Line line, object item, list found, bint leave, object timeout) except -1
    cdef int stand_in(self, Line line, object item, list found, bint leave, double deadline) except -1
    cdef bint attempt(self, object item, list found, bint leave) except -1
    cdef int added(self) except -1
    cdef int dropped(self) except -1


cdef class Queue(SimpleQueue):
    cdef public Py_ssize_t unfinished_tasks
    cdef Event all_done
