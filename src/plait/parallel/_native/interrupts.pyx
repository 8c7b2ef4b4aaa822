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
    cdef bint thrown  # it has been raised in the call that runs, or will be
    cdef bint sent  # the interpreter has the exception, or has delivered it
    cdef object wanted  # the exception's class, once no more calls may start
    cdef public object waiter  # where the call is parked, which no asynchronous exception reaches

    def __cinit__(self):
        self.thread = PyThread_get_thread_ident()

    cpdef enter(self):
        """A user's function begins, called by native code. Raises the exception where no more calls may start."""
        if self.wanted is not None:
            raise self.wanted()
        self.inside = True

    cpdef leave(self):
        """It has ended: what was not delivered to it is withdrawn."""
        self.inside = False
        if self.sent:
            self.sent = False
            PyThreadState_SetAsyncExc(self.thread, NULL)

    def call(self, function, args, kwargs):
        """function(*args, **kwargs). Raises the exception where no more calls may start."""
        return self.guarded(function, args, kwargs)

    def run(self, tasks, list results):
        """Append the result of each (function, args, kwargs); raises what the first that fails raises."""
        for function, args, kwargs in tasks:
            results.append(self.guarded(function, args, kwargs))

    cdef object guarded(self, function, args, kwargs):
        cdef PyObject *value
        cdef tuple arguments = args if type(args) is tuple else tuple(args)
        self.enter()
        value = PyObject_Call(function, arguments, <PyObject *>kwargs if kwargs else NULL)
        self.leave()
        return pass_on(value)

    def refuse(self, kind):
        """Have `kind` raised by the next call, and in the wait where this one is parked. From another thread."""
        if self.wanted is None:
            self.wanted = kind
            if self.waiter is not None and self.waiter.throw(kind()):
                self.thrown = True

    def interrupt(self, kind):
        """As refuse(), and have it raised in the call that runs, once."""
        self.refuse(kind)
        if self.inside and not self.thrown:
            self.thrown = self.sent = True
            PyThreadState_SetAsyncExc(self.thread, <PyObject *>kind)
