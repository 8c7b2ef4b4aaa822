from cpython.object cimport PyObject


cdef struct Due:
    double deadline
    unsigned long long number
    PyObject *item


cdef class DeadlineHeap:
    cdef Due *items
    cdef Py_ssize_t count, room
    cdef unsigned long long number

    cdef int push(self, double deadline, object item) except -1
    cdef object pop(self)
    cdef Py_ssize_t drop_cancelled(self) except -1
    cdef Py_ssize_t sweep(self) except -1
    cdef bint is_cancelled(self, object item) except -1
    cdef int left(self, object item) except -1

    cdef inline double soonest(self):
        """The earliest deadline of a heap that is not empty."""
        return self.items[0].deadline
