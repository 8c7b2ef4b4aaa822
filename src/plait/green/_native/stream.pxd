"""The bytes of a connection: see stream.pyx."""

cdef class WatchCore:
    cdef public long tick
    cdef public bint stopping


cdef class StreamCore:
    cdef readonly object sock
    cdef WatchCore watch
    cdef public bint closed
    cdef public bint idle
    cdef public object patience
    cdef public long due
    cdef readonly object runner
    cdef bytes data
    cdef Py_ssize_t at

    cpdef bytes receive(self, long due)
    cpdef bytes quick_head(self, Py_ssize_t most)
    cpdef bytes taken(self)
    cpdef give_back(self, bytes data, Py_ssize_t at=*)
    cpdef long due_in(self, patience) except -1
    cpdef send(self, sock, data)
