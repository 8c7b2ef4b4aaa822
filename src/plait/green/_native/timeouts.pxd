from plait.green._native.core cimport Timer, Waiter

cdef class Timeout(BaseException):
    cdef public object seconds
    cdef public object exception
    cdef bint keeps_alive
    cdef Timer timer

    cpdef start(self)
    cpdef cancel(self)


cdef bint wait_within(Waiter waiter, object timeout) except -1
cpdef bint is_no_time(object timeout) except -1
