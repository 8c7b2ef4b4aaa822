from cpython.object cimport PyObject

from plait.green._native.core cimport Entry, HubCore, Timer, Waiter, greenlet


cdef class Begin(Entry):
    cdef Greenlet greenlet


cdef enum:
    PLACES = 10  # frames of the spawner that are remembered


cdef struct Places:
    int count
    int instructions[PLACES]
    PyObject *codes[PLACES]


cdef class Greenlet(greenlet):
    cdef int state
    cdef HubCore hub
    cdef object function
    cdef public tuple args
    cdef object keywords
    cdef public object value
    cdef object failure
    cdef Timer timer
    cdef Begin begin
    cdef object joiner
    cdef list more_joiners
    cdef list links
    cdef object ident
    cdef object given_name
    cdef object call_text
    cdef object spawner
    cdef Places *places
    cdef dict tree_locals

    cdef int set_up(self, object function, tuple args, object keywords) except -1
    cdef HubCore home(self)
    cdef int begins(self) except -1
    cpdef start(self)
    cpdef run(self)
    cdef int failed(self, BaseException error, object tb) except -1
    cdef int end(self, object value, object failure) except -1
    cdef int tell_joiners(self) except -1
    cdef int cancel_start(self) except -1
    cdef int end_unstarted(self, object kind, object value, object tb) except -1
    cdef int add_joiner(self, object joiner) except -1
    cdef int drop_joiner(self, object joiner) except -1


cdef class Collector:
    cdef readonly list done
    cdef Py_ssize_t enough
    cdef Waiter waiter

    cdef int add(self, object source) except -1
