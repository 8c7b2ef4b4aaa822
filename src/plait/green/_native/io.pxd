from cpython.object cimport PyObject

from plait.green._native.core cimport HubCore, Readiness, Waiter

cdef enum:
    READ = 1
    WRITE = 2


cdef struct Found:
    int fd
    int ready


cdef class EpollPoller:
    cdef int epoll
    cdef int bell
    cdef bint rung
    cdef unsigned char *interests
    cdef int room

    cpdef int watch(self, int fd, int interest) except -1
    cpdef int forget(self, int fd) except -1
    cdef int look(self, double timeout_s, Found *found, int most) except -1
    cpdef int notify(self) except -1
    cpdef int close(self) except -1
    cdef int control(self, int operation, int fd, int interest) except -1
    cdef int grow(self, int fd) except -1
    cdef int silence(self) except -1


cdef class Direction:
    cdef readonly int fd
    cdef readonly int direction
    cdef object waiter
    cdef list others

    cdef int add(self, object waiter) except -1
    cdef int drop(self, object waiter) except -1
    cdef int wake(self) except -1
    cdef int fail(self, object error) except -1


cdef class Descriptor:
    cdef Direction readers
    cdef Direction writers
    cdef int interest

    cdef inline int wanted(self):
        return (READ if self.readers.waiter is not None else 0) | (WRITE if self.writers.waiter is not None else 0)


cdef class Descriptors(Readiness):
    cdef EpollPoller poller_
    cdef PyObject **entries
    cdef int room

    cdef Descriptor known(self, int fd)
    cdef Descriptor entry(self, int fd)
    cdef Direction enter(self, int fd, int direction, object waiter)
    cdef int leave(self, int fd, int direction, object waiter, bint sticky) except -1
    cdef int tell(self, int fd, int ready) except -1
    cdef int narrow(self, int fd, Descriptor entry) except -1
    cdef int drop(self, int fd) except -1
    cdef int grow(self, int fd) except -1


cdef bint park_for(HubCore hub, int fd, int direction, double deadline, bint sticky) except -1


cdef class Channel:
    cdef int fd
    cdef double patience
    cdef bint stream
    cdef public bint ref  # whether a hub with nothing else left waits for its waits
    cdef bint drained
    cdef HubCore hub

    cdef int wait(self, int direction, double deadline) except -1
    cdef bint park_unref(self, int direction, double deadline) except -1
    cdef inline double due(self) except -1
    cdef int pay(self) except -1
    cdef int failed(self, int flags) except -1
