from cpython.object cimport PyObject


cdef class Nested:
    cdef readonly object build
    cdef list members


cdef class Node:
    cdef object __weakref__
    cdef readonly object _function
    cdef readonly tuple _args
    cdef readonly dict _kwargs
    cdef readonly tuple _inputs
    cdef object given_key
    cdef readonly object _nout
    cdef readonly object _pure
    cdef readonly dict _annotations
    cdef readonly unsigned long long _id
    cdef char kind
    cdef bint nested
    # The arena that numbered this node last, and its number there: scratch of `arena.lower`, meaningless afterwards.
    cdef unsigned long long mark
    cdef int number

    cdef object call(self, PyObject **values)
    cdef tuple filled_args(self, PyObject **values)
    cdef dict filled_kwargs(self, PyObject **values)


cdef object fill(object template, PyObject **values, Py_ssize_t *taken)
