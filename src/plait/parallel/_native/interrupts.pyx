# cython: language_level=3
"""Calls that another thread may interrupt: see `plait.parallel.interrupts`.

Why this is native: CPython delivers an asynchronous exception between two bytecodes, so Python code cannot leave the
user's call and withdraw the exception in one step. Here nothing runs in between, since the GIL is held from the
return of the call until the exception is withdrawn.
"""

cimport cython
from cpython.object cimport PyObject

cdef extern from "pythread.h":
    unsigned long PyThread_get_thread_ident() noexcept

cdef extern from *:
    """
    static PyObject *pass_on(PyObject *value) { return value; }
    """
    object pass_on(PyObject *value)  # takes over the reference; NULL raises what is set
    PyObject *PyObject_Call(object function, object args, PyObject *kwargs)
    int PyThreadState_SetAsyncExc(unsigned long thread, PyObject *kind) noexcept


@cython.final
cdef class Interruptible:
    """The calls of one item in one thread."""

    cdef unsigned long thread
    cdef bint inside  # a user's function runs
    cdef bint sent  # the interpreter has the exception, or has delivered it
    cdef object wanted  # the exception's class, once somebody has interrupted
    cdef public object waiter  # where the call is parked, which no asynchronous exception reaches

    def __cinit__(self):
        self.thread = PyThread_get_thread_ident()

    @property
    def interrupted(self):
        """Whether somebody has interrupted it."""
        return self.wanted is not None

    def call(self, function, args, kwargs):
        """function(*args, **kwargs). Raises the exception here where somebody has interrupted before."""
        return self.guarded(function, args, kwargs)

    def run(self, list tasks, list results):
        """Append the result of each (function, args, kwargs); raises what the first that fails raises."""
        for function, args, kwargs in tasks:
            results.append(self.guarded(function, args, kwargs))

    cdef object guarded(self, function, args, kwargs):
        cdef PyObject *value
        cdef tuple arguments = args if type(args) is tuple else tuple(args)
        if self.wanted is not None:
            raise self.wanted()
        self.inside = True
        value = PyObject_Call(function, arguments, <PyObject *>kwargs if kwargs else NULL)
        self.inside = False
        if self.sent:
            self.sent = False
            PyThreadState_SetAsyncExc(self.thread, NULL)
        return pass_on(value)

    def interrupt(self, kind):
        """Have `kind` raised in the call that runs, or else at the next one. From another thread; once."""
        if self.wanted is not None:
            return
        self.wanted = kind
        waiter = self.waiter
        if waiter is not None and waiter.throw(kind()):
            return
        if self.inside:
            self.sent = True
            PyThreadState_SetAsyncExc(self.thread, <PyObject *>kind)
