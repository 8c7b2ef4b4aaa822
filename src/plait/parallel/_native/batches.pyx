# cython: language_level=3, boundscheck=False, wraparound=False
"""The tasks of a batch, held as what differs among them.

Most loops call one function, each time with one argument: then this is a list of arguments, and not three containers a
task, which the garbage collector would visit again and again while the batch is under way. Rejected: the tasks as they
come; in a loop of 100,000 of them, collections took a quarter of the caller's time.
"""

from cpython.object cimport PyCallable_Check

from plait._base.call import split

cdef enum:  # of `outcome`
    CALLS = 0
    ARGS = 1
    UNARY = 2


cdef class Tasks:
    """A sequence of (function, args, kwargs). Not changed once it is made."""

    cdef readonly int shape  # what `calls` has: CALLS, the tasks; ARGS, arguments of each; UNARY, its only argument
    cdef readonly object function  # of all tasks; None for CALLS
    cdef readonly list calls

    def __cinit__(self):
        self.shape = UNARY
        self.calls = []

    @staticmethod
    def of(tasks):
        """Those of a sequence; itself where it is one of these already."""
        return tasks if type(tasks) is Tasks else take(iter(tasks), len(tasks))

    def __len__(self):
        return len(self.calls)

    def __getitem__(self, at):
        cdef Tasks part
        if not isinstance(at, slice):
            return self.task(self.calls[at])
        part = Tasks.__new__(Tasks)
        part.shape, part.function, part.calls = self.shape, self.function, self.calls[at]
        return part

    def __iter__(self):
        for call in self.calls:
            yield self.task(call)

    cdef tuple task(self, call):
        if self.shape == CALLS:
            return call
        return self.function, (call,) if self.shape == UNARY else call, {}

    cdef int add(self, item) except -1:
        cdef object function, args, kwargs
        if (
            type(item) is tuple
            and len(<tuple>item) == 3
            and type((<tuple>item)[1]) is tuple
            and type((<tuple>item)[2]) is dict
            and PyCallable_Check((<tuple>item)[0])
        ):
            function, args, kwargs = <tuple>item
        else:
            function, args, kwargs = split(item)
        if self.shape != CALLS:
            if not self.calls:
                self.function = function
            if function is not self.function or kwargs or type(args) is not tuple:
                self.calls = list(self)
                self.shape, self.function = CALLS, None
            elif self.shape == UNARY and len(<tuple>args) != 1:
                self.calls = [(only,) for only in self.calls]
                self.shape = ARGS
        if self.shape == UNARY:
            self.calls.append((<tuple>args)[0])
        elif self.shape == ARGS:
            self.calls.append(args)
        else:
            self.calls.append((function, args, dict(kwargs) if kwargs else {}))
        return 0


def take(iterator, Py_ssize_t size):
    """The next `size` tasks of an iterator, or as many as it has. Raises TypeError where one is no task."""
    cdef Tasks tasks = Tasks.__new__(Tasks)
    if size > 0:
        for item in iterator:
            tasks.add(item)
            size -= 1
            if size == 0:
                break
    return tasks
