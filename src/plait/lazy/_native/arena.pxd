from cpython.object cimport PyObject
from libc.stdint cimport int32_t

from plait.lazy._native.nodes cimport Node


cdef class Arena:
    cdef readonly list nodes
    cdef readonly Py_ssize_t count
    # inputs of node i, each occurrence: input[first_input[i]:first_input[i + 1]]; its readers likewise
    cdef int32_t *first_input
    cdef int32_t *input
    cdef int32_t *first_reader
    cdef int32_t *reader
    cdef int32_t *wanted  # numbers of the outputs
    cdef Py_ssize_t outputs_count

    cdef int lower(self, list outputs) except -1
    cdef int unify(self) except -1
    cdef int connect(self) except -1


cdef class Execution:
    cdef readonly Arena arena
    cdef readonly unsigned long long id
    cdef readonly Py_ssize_t unfinished
    cdef public bint ended
    cdef public object observer  # told of each node that begins and ends; None
    cdef public object memory  # keeps results below a limit, see `plait.lazy.memory`; None
    cdef readonly list results  # of nodes that are done, until their last reader is
    cdef int32_t *missing
    cdef int32_t *readers
    cdef int32_t *heap
    cdef Py_ssize_t ready_count
    cdef bint tracing

    cpdef Py_ssize_t finish(self, Py_ssize_t number, value) except -1
    cpdef tuple task(self, Py_ssize_t number)
    cdef int begin(self, Py_ssize_t number) except -1
    cdef PyObject **gather(self, Py_ssize_t number, PyObject **place, Py_ssize_t room) except NULL
    cdef object run(self, Py_ssize_t number, object guard=*)
    cdef object guarded(self, Node node, PyObject **values, object guard)
    cdef Py_ssize_t settle(self, Py_ssize_t number, object value) except -1
    cdef int32_t next(self) except -2
    cdef void push(self, int32_t number) noexcept
    cdef int32_t pop(self) noexcept
