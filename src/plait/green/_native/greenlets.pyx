# cython: language_level=3
"""Greenlets with results, and waiting for many of them: see `plait.green.greenlets` for the states."""

import sys
import weakref
from heapq import heappop, heappush
from importlib import import_module

from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF
from cpython.weakref cimport PyWeakref_NewRef

from plait.green._native.core cimport (
    NEVER, Entry, HubCore, PlaitTrace_ON, Waiter, deadline_of, empty_tuple, get_hub, getcurrent, greenlet, layer, now, trace,
)
from plait.green._native.timeouts cimport wait_within

from plait.green._native.timeouts import throw_into, timed_out
from plait.greenlet import GreenletExit

cdef extern from "Python.h":
    ctypedef struct PyCodeObject
    int PyCode_Addr2Line(PyCodeObject *code, int instruction)

cdef enum:
    NEW
    SCHEDULED
    RUNNING
    ENDED

cdef bint tracking = True
cdef int _REPR_LIMIT = 50
cdef list _spawn_callbacks = []
cdef list _free_idents = []
cdef int _ident_count = 0
cdef object GREEN = "green"
cdef object RUN = "run"


cdef class Begin(Entry):
    """A scheduled greenlet's place in the run queue, and what its stack calls. Void once `greenlet` is None."""

    cdef bint is_void(self):
        return self.greenlet is None

    cdef int go(self, HubCore hub) except -1:
        if self.greenlet is not None:
            layer.start(self.greenlet, self)
        return 0

    def __call__(self):
        cdef Greenlet runner = self.greenlet
        self.greenlet = None
        runner.run()


cdef class Greenlet(greenlet):
    """A function that runs concurrently with the other greenlets of its thread.

    Subclasses override `_run`. Calling the class makes a new greenlet; `start` (or the class method `spawn`) lets it
    run.
    """

    def __init__(self, run=None, *args, **kwargs):
        self.set_up(run, args, kwargs if kwargs else None)

    cdef int set_up(self, object function, tuple args, object keywords) except -1:
        cdef greenlet spawner = getcurrent()
        cdef HubCore hub = get_hub()
        if function is not None and not callable(function):
            raise TypeError(f"run={function!r} is not callable; pass a function and its arguments")
        self.hub = hub
        layer.set_parent(self, hub)
        self.function = function
        self.args = args
        self.keywords = keywords
        if not tracking:
            return 0
        self.spawner = PyWeakref_NewRef(spawner, None)
        self.places = note_places()
        if isinstance(spawner, Greenlet):
            self.tree_locals = (<Greenlet>spawner).spawn_tree_locals
        else:
            self.tree_locals = getattr(spawner, "spawn_tree_locals", None)  # a raw greenlet's
        return 0

    def __dealloc__(self):
        cdef int i
        if self.places != NULL:
            for i in range(self.places.count):
                Py_DECREF(<object>self.places.codes[i])
            PyMem_Free(self.places)

    # -- making them -----------------------------------------------------------------------------------------

    @classmethod
    def spawn(cls, *args, **kwargs):
        """A new greenlet of function(*args, **kwargs), scheduled to run after those that are runnable now."""
        runner = cls(*args, **kwargs)
        runner.start()
        return runner

    @classmethod
    def spawn_later(cls, seconds, *args, **kwargs):
        """As `spawn`, to begin after `seconds`."""
        if cls is Greenlet and not args:
            raise TypeError("spawn_later(seconds) lacks a function; pass spawn_later(seconds, function, *args)")
        runner = cls(*args, **kwargs)
        runner.start_later(seconds)
        return runner

    @classmethod
    def add_spawn_callback(cls, callback):
        """Call callback(greenlet) for each greenlet that is started from now on."""
        _spawn_callbacks.append(callback)

    @classmethod
    def remove_spawn_callback(cls, callback):
        """Take back what `add_spawn_callback` was given; nothing where it was not."""
        if callback in _spawn_callbacks:
            _spawn_callbacks.remove(callback)

    cpdef start(self):
        """Let it run, after those that are runnable now. Nothing where it was started before."""
        if self.state == NEW:
            self.begins()
            self.home().resume(self.begin)

    def start_later(self, seconds):
        """Let it run after `seconds`. Nothing where it was started before."""
        if self.state == NEW:
            self.begins()
            self.timer = self.home().start_timer(now() + <double>seconds, None, empty_tuple, self.begin, True)

    cdef int begins(self) except -1:
        self.state = SCHEDULED
        self.begin = Begin.__new__(Begin)
        self.begin.greenlet = self
        if _spawn_callbacks:
            for callback in _spawn_callbacks[:]:
                callback(self)
        return 0

    cdef HubCore home(self):
        if self.hub is None:  # a subclass that does not call __init__
            self.hub = get_hub()
            layer.set_parent(self, self.hub)
        return self.hub

    @property
    def _run(self):
        """What it calls. Subclasses override this as a method."""
        return _default_run if self.function is None else self.function

    @_run.setter
    def _run(self, function):
        self.function = function

    @property
    def kwargs(self):
        """The keyword arguments of its function."""
        return {} if self.keywords is None else self.keywords

    @kwargs.setter
    def kwargs(self, value):
        self.keywords = value

    # -- what it is ------------------------------------------------------------------------------------------

    @property
    def _hub(self):
        return self.home()

    @property
    def loop(self):
        """The event-loop face of its hub."""
        return self.home().loop

    @property
    def started(self):
        """Whether it was started and has not ended."""
        return self.state == SCHEDULED or self.state == RUNNING

    def __bool__(self):
        return self.state == SCHEDULED or self.state == RUNNING

    @property
    def dead(self):
        """Whether it has ended, or was killed before it began."""
        return self.state == ENDED

    def ready(self):
        """Whether it has ended: by returning, failing or being killed."""
        return self.state == ENDED

    def successful(self):
        """Whether it has ended without an exception; being killed is none."""
        return self.state == ENDED and self.failure is None

    @property
    def exception(self):
        """The exception that it failed with."""
        return None if self.failure is None else self.failure[1]

    @property
    def exc_info(self):
        """(type, exception, traceback) of its failure, else None."""
        return self.failure

    @property
    def spawning_greenlet(self):
        """A weak reference to the greenlet that made it; None where `track` is off."""
        return self.spawner

    @property
    def spawning_stack(self):
        """Where it was made: the innermost frames, as `traceback` reads them; None where `track` is off."""
        cdef object place = None
        cdef int i
        if self.places != NULL:
            for i in range(self.places.count - 1, -1, -1):
                place = Place(<object>self.places.codes[i], self.places.instructions[i], place)
        return place

    @property
    def spawn_tree_locals(self):
        """A dictionary that all greenlets share whose lines of spawners meet in one greenlet."""
        if self.tree_locals is None:
            self.tree_locals = {}
        return self.tree_locals

    @property
    def minimal_ident(self):
        """A small number, unique among the greenlets alive that were asked for theirs."""
        if self.ident is None:
            self.ident = _take_ident(self)
        return self.ident

    @property
    def name(self):
        """Greenlet-N by default; may be assigned."""
        return f"Greenlet-{self.minimal_ident}" if self.given_name is None else self.given_name

    @name.setter
    def name(self, value):
        self.given_name = value

    def __repr__(self):
        named = self.ident is not None or self.given_name is not None
        name = f' "{self.name}"' if named else ""
        return f"<{type(self).__name__}{name} at {id(self):#x}: {self._described()}>"

    def _described(self):
        """The call, as written. Kept from the first time on, because the end drops function and arguments."""
        if self.call_text is not None:
            return self.call_text
        text = _function_text(self)
        if self.args or self.keywords:
            words = [_shortened(value) for value in self.args or ()]
            words += [f"{key}={_shortened(value)}" for key, value in self.kwargs.items()]
            text += f"({', '.join(words)})"
        if self.function is not None:
            self.call_text = text
        return text

    # -- running ---------------------------------------------------------------------------------------------

    cpdef run(self):
        """What the greenlet's stack executes."""
        cdef long long begin_ns = 0
        cdef object value
        if self.state == ENDED:
            return
        self.state = RUNNING
        self.begin = None
        self.cancel_start()
        if PlaitTrace_ON(trace):
            begin_ns = trace.now_ns()
            self._described()
        try:
            function = self.function if self.function is not None else self._run
            if self.keywords is None:
                value = function(*self.args) if self.args is not None else function()
            else:
                value = function(*self.args, **self.keywords)
        except BaseException as error:
            self.failed(error, error.__traceback__)
        else:
            self.end(value, None)
        if begin_ns:
            trace.emit(<PyObject *>GREEN, <PyObject *>RUN, <Py_ssize_t><void *>self, 0, begin_ns, trace.now_ns(), 0,
                       NULL if self.call_text is None else <PyObject *>self.call_text)

    cdef int failed(self, BaseException error, object tb) except -1:
        if isinstance(error, GreenletExit):
            return self.end(error, None)
        self.end(None, (type(error), error, tb))
        self._report_failure(error)
        return 0

    def _report_failure(self, error):
        """Tell who is to hear of a failure: the hub. For subclasses whose failures somebody else raises."""
        self.home().report(self, error)

    cdef int end(self, object value, object failure) except -1:
        if failure is not None:
            self._described()
        self.value = value
        self.failure = failure
        self.state = ENDED
        self.function = None
        self.args = empty_tuple
        self.keywords = None
        if self.links:  # who joins finds them called
            self.home().run_callback_threadsafe(self._call_links)
        if self.begin is None:
            self.tell_joiners()
        elif self.joiner is not None:  # it never began: who killed it goes on first
            self.home().run_callback_threadsafe(self._tell_joiners)
        return 0

    cdef int tell_joiners(self) except -1:
        cdef object joiner, more
        joiner, self.joiner = self.joiner, None
        more, self.more_joiners = self.more_joiners, None
        if joiner is not None:
            _tell(joiner, self)
        if more is not None:
            for joiner in more:
                _tell(joiner, self)
        return 0

    def _tell_joiners(self):
        self.tell_joiners()

    cdef int cancel_start(self) except -1:
        timer, self.timer = self.timer, None
        if timer is not None:
            timer.cancel()
        return 0

    def throw(self, *args):
        """Raise an exception where it is parked, and switch to it. One that never began ends with that exception."""
        if self.state == NEW or self.state == SCHEDULED:
            self._end_unstarted(*args)
            return None
        if self.state == ENDED:
            return None
        return greenlet.throw(self, *args)

    def _end_unstarted(self, kind=GreenletExit, value=None, tb=None):
        self.end_unstarted(kind, value, tb)

    cdef int end_unstarted(self, object kind, object value, object tb) except -1:
        self.cancel_start()
        if self.begin is not None:
            self.begin.greenlet = None
        exception = kind
        if isinstance(kind, type):
            exception = value if isinstance(value, BaseException) else kind() if value is None else kind(value)
        if not isinstance(exception, BaseException):
            exception = TypeError(f"exception={exception!r} is none; pass an exception or its class")
        return self.failed(exception, tb)

    def kill(self, exception=GreenletExit, block=True, timeout=None):
        """Raise `exception` where the greenlet is parked; one that has not begun never does.

        block: wait until it has ended, `timeout` seconds at most. Nothing happens to one that has ended. From any
        thread.
        """
        if self.state == NEW or self.state == SCHEDULED:
            self.end_unstarted(exception, None, None)
        elif self.state == RUNNING:
            if block and self is getcurrent():
                greenlet.throw(self, exception)
            self.home().run_callback_threadsafe(throw_into, self, exception)
            if block:
                self.join(timeout)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, tb):
        """Wait for its end; where the block raises, it is killed with what the block raised."""
        try:
            if error is None:
                self.join()
        finally:
            self.kill(GreenletExit if error is None else error)

    # -- waiting for it --------------------------------------------------------------------------------------

    cdef int add_joiner(self, object joiner) except -1:
        if self.joiner is None:
            self.joiner = joiner
        elif self.more_joiners is None:
            self.more_joiners = [joiner]
        else:
            self.more_joiners.append(joiner)
        return 0

    cdef int drop_joiner(self, object joiner) except -1:
        if self.joiner is not None and self.joiner == joiner:
            self.joiner = None
        elif self.more_joiners is not None and joiner in self.more_joiners:
            self.more_joiners.remove(joiner)
        return 0

    @property
    def joiners(self):
        """How many wait for its end."""
        return (self.joiner is not None) + (0 if self.more_joiners is None else len(self.more_joiners))

    def join(self, timeout=None):
        """Wait until it has ended, `timeout` seconds at most. From any thread."""
        cdef Waiter waiter
        if self.state == ENDED:
            return
        waiter = Waiter.__new__(Waiter, False, self)
        self.add_joiner(waiter)
        try:
            if self.state != ENDED and wait_within(waiter, timeout):
                waiter.take()
        finally:
            self.drop_joiner(waiter)

    def get(self, block=True, timeout=None):
        """The value of its function; raises what that raised, and Timeout where it has not ended in time."""
        if self.state != ENDED and block:
            self.join(timeout)
        if self.state != ENDED:
            raise timed_out(timeout if block else None)
        if self.failure is not None:
            raise self.failure[1].with_traceback(self.failure[2])
        return self.value

    def when_ended(self, callback):
        """Call callback(self) on the greenlet's own stack when it ends, before its links; now, where it has.

        For the mechanics of groups and scopes: the callback must not block, and what it raises is reported.
        """
        if self.state == ENDED:
            callback(self)
        else:
            self.add_joiner(callback)

    def not_when_ended(self, callback):
        """Take back a `when_ended`. Nothing where there is none."""
        self.drop_joiner(callback)

    def __await__(self):
        """In a coroutine, as awaiting a task: see `plait.green.aio.awaiting`."""
        return import_module("plait.green.aio.awaiting").until_ended(self)

    def rawlink(self, callback):
        """Call callback(self) in the hub when it has ended; the callback must not block."""
        if not callable(callback):
            raise TypeError(f"callback={callback!r} is not callable; pass a function of one argument, the greenlet")
        if self.links is None:
            self.links = []
        self.links.append(callback)
        if self.state == ENDED and len(self.links) == 1:
            self.home().run_callback_threadsafe(self._call_links)

    def link(self, callback, SpawnedLink=None):
        """Call callback(self) in a greenlet of its own when it has ended."""
        self.rawlink(_SpawnedLink(callback))

    def link_value(self, callback):
        """As `link`, where it has succeeded."""
        self.rawlink(_SpawnedLink(callback, on_failure=False))

    def link_exception(self, callback):
        """As `link`, where it has failed."""
        self.rawlink(_SpawnedLink(callback, on_success=False))

    def unlink(self, callback):
        """Take back a link. Nothing where there is none."""
        for link in self.links or ():
            if link == callback or getattr(link, "callback", None) == callback:
                self.links.remove(link)
                return

    def unlink_all(self):
        """Take back all links."""
        self.links = None

    def has_links(self):
        return bool(self.links)

    def _call_links(self):
        while self.links:
            link = self.links.pop(0)
            try:
                link(self)
            except BaseException as error:
                get_hub().report((link, self), error)


class _SpawnedLink:
    """A link that runs its callback in a new greenlet."""

    __slots__ = ("callback", "on_failure", "on_success")

    def __init__(self, callback, on_success=True, on_failure=True):
        if not callable(callback):
            raise TypeError(f"callback={callback!r} is not callable; pass a function of one argument, the greenlet")
        self.callback = callback
        self.on_success = on_success
        self.on_failure = on_failure

    def __call__(self, source):
        if self.on_success if source.successful() else self.on_failure:
            greenlet(self.callback, get_hub()).switch(source)  # begins at once, and may block


def spawn(*args, **kwargs):
    """A new greenlet of function(*args, **kwargs), scheduled to run after those that are runnable now."""
    cdef Greenlet runner = Greenlet.__new__(Greenlet)
    if args:
        runner.set_up(args[0], args[1:], kwargs if kwargs else None)
    else:
        runner.set_up(kwargs.pop("run", None), args, kwargs)
    runner.start()
    return runner


class _Raw:
    """What `spawn_raw` has the hub call."""

    __slots__ = ("args", "kwargs", "runner")

    def __init__(self, runner, args, kwargs):
        self.runner = runner
        self.args = args
        self.kwargs = kwargs

    def __call__(self):
        if not layer.started(self.runner):
            self.runner.switch(*self.args, **self.kwargs)


def spawn_raw(function, *args, **kwargs):
    """A bare greenlet of function(*args, **kwargs), runnable now: no result, no links, nothing that waits for it."""
    if not callable(function):
        raise TypeError(f"function={function!r} is not callable")
    hub = get_hub()
    runner = greenlet(function, hub)
    spawner = getcurrent()
    locals_ = getattr(spawner, "spawn_tree_locals", None)
    runner.spawn_tree_locals = {} if locals_ is None else locals_
    runner.spawning_greenlet = PyWeakref_NewRef(spawner, None)
    hub.run_callback(_Raw(runner, args, kwargs))
    return runner


# -- waiting for many --------------------------------------------------------------------------------------------

cdef int _tell(object joiner, Greenlet ended) except -1:
    if isinstance(joiner, Waiter):
        (<Waiter>joiner).wake(ended)
    elif isinstance(joiner, Collector):
        (<Collector>joiner).add(ended)
    else:
        try:
            joiner(ended)
        except BaseException as error:
            ended.home().report(joiner, error)
    return 0


cdef class Collector:
    """Collects objects as they become ready, and wakes who waits when there are enough. A link, too."""

    def __cinit__(self, Py_ssize_t enough, subject=None):
        self.done = []
        self.enough = enough
        self.waiter = Waiter.__new__(Waiter, False, subject)

    def __call__(self, source):
        self.add(source)

    cdef int add(self, object source) except -1:
        self.done.append(source)
        if len(self.done) >= self.enough:
            self.waiter.wake()
        return 0

    def wait(self, deadline=None):
        """Park until there are enough; False where the deadline (monotonic seconds) came first."""
        if not self.waiter.wait_until(NEVER if deadline is None else <double>deadline):
            return False
        self.waiter.take()
        return True


def join_many(list items, timeout=None, count=None):
    """joinall for greenlets, without a wake-up for each: one collector hears of every end."""
    cdef Py_ssize_t enough = len(items) if count is None else min(count, len(items))
    cdef Collector collector = Collector(enough, items)
    cdef Greenlet item
    cdef list running = []
    for item in items:
        if item.state == ENDED:
            collector.done.append(item)
        else:
            item.add_joiner(collector)
            running.append(item)
    try:
        if len(collector.done) < enough:
            collector.waiter.wait_until(deadline_of(timeout))
    finally:
        for item in running:
            if item.state != ENDED:
                item.drop_joiner(collector)
    return collector.done if count is None else collector.done[:enough]


# -- who made them, and where ------------------------------------------------------------------------------------

def track(bint on):
    """Whether greenlets remember from now on who made them, and where."""
    global tracking
    tracking = on


cdef Places *note_places() except NULL:
    cdef int i
    cdef Places *places = <Places *>PyMem_Malloc(sizeof(Places))
    if places == NULL:
        raise MemoryError
    places.count = layer.places(places.codes, places.instructions, PLACES)
    for i in range(places.count):
        Py_INCREF(<object>places.codes[i])
    return places


cdef class Place:
    """A frame as it was, as far as `traceback` looks at frames. Costs nothing until it is asked for."""

    cdef readonly object f_code
    cdef readonly int f_lasti
    cdef readonly object f_back

    def __cinit__(self, code, int instruction, back):
        self.f_code = code
        self.f_lasti = instruction
        self.f_back = back

    @property
    def f_lineno(self):
        return PyCode_Addr2Line(<PyCodeObject *><PyObject *>self.f_code, self.f_lasti)

    @property
    def f_globals(self):
        return {}

    @property
    def f_locals(self):
        return {}


# -- names and idents --------------------------------------------------------------------------------------------

def _default_run(*args, **kwargs):
    """What a greenlet without a function does."""


_default_run.__name__ = "_run"


def _take_ident(owner):
    global _ident_count
    if _free_idents:
        ident = heappop(_free_idents)
    else:
        ident = _ident_count
        _ident_count += 1
    weakref.finalize(owner, heappush, _free_idents, ident).atexit = False
    return ident


def _function_text(runner):
    function = runner._run
    owner = getattr(function, "__self__", None)
    if (owner is None or owner is runner) and hasattr(function, "__name__"):
        return str(function.__name__)
    return repr(function)


def _shortened(value):
    return repr(value)[:_REPR_LIMIT]
