# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""The scheduler's native core: run queue, timers, waiters, and the hub's loop.

Owns: what is touched at every block and every switch. `hub.Hub` adds the policy (errors, fork, the end, what a deadlock
means), `waiter` documents the protocol of waiting, `loop` is the event-loop face.

The run queue is a ring of entries. An entry is `direct` where a greenlet that blocks may switch to its `target()` without
the hub (a turn, a waiter); else only the hub lets it `go()` (a callback, a greenlet that begins). A void entry (its target
has left, its callback was stopped) is dropped where it comes up: nothing is ever searched in the ring.

Timers are in a heap (`heap.pyx`): equal deadlines in the order of starting. Cancelling is O(1); cancelled timers leave when
they come up, or are swept out when they are more than half.

Under the GIL every function here is one step for other threads and for signal handlers, as long as it does not call
Python code: allocations may (the collector runs finalizers), so state is published before and looked at after them.
Rejected: priorities in the run queue (no user of the layer has any), a deque of Python objects (two calls a switch).
"""

from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.math cimport INFINITY
from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec
cimport cython

from _thread import TIMEOUT_MAX, allocate_lock, get_ident
from collections import deque

from plait._base import clock
from plait.green.exceptions import BlockingSwitchOutError, DeadlineExceeded, InvalidSwitchError
from plait.greenlet import GreenletExit

cdef extern from "pythread.h":
    unsigned long PyThread_get_thread_ident() noexcept

cdef extern from *:
    """
    static __thread PyObject *plait_hub; /* borrowed: whoever sets it keeps the hub alive */
    """
    PyObject *plait_hub

cdef object allocate_parker = allocate_lock  # captured before anybody patches it
cdef object empty_tuple = ()
cdef double MAX_BLOCK_S = TIMEOUT_MAX
cdef double NEVER = INFINITY
# Direct hand-offs between two looks at timers, descriptors and the inbox: a thousandth of a second of short switches.
cdef int HANDOFF_BUDGET = 100
# Calls that find their descriptor ready, in one turn.
cdef int IO_BUDGET = 200
# What the clock, which counts nanoseconds, cannot tell apart is due: else a virtual clock that was moved to a deadline
# may stand before it for ever.
cdef double RESOLUTION_S = 1e-9
# Cancelled timers stay in the heap until they come up; past this many, and half of the heap, they are swept out.
cdef Py_ssize_t SWEEP_MIN = 1000

cdef const GreenletLayer_API *layer = GreenletLayer_Import()
cdef const PlaitTrace_API *trace = PlaitTrace_Import()
cdef object GREEN = "green"
cdef object WAIT = "wait"
cdef object SLEEP = "sleep"
cdef object POLL = "poll"


# -- time --------------------------------------------------------------------------------------------------------

cdef object virtual_ns = None  # under a virtual clock, its function


def _clock_changed(source):
    global virtual_ns
    virtual_ns = source


clock.watch(_clock_changed)


cdef double now() except -1:
    """Monotonic seconds, as `plait._base.clock.now()`."""
    cdef timespec t
    if virtual_ns is not None:
        return virtual_ns() / 1e9
    clock_gettime(CLOCK_MONOTONIC, &t)
    return <double>t.tv_sec + <double>t.tv_nsec * 1e-9


cdef double deadline_of(object seconds) except? -1:
    """Monotonic seconds at which `seconds` from now have passed; NEVER for None."""
    return NEVER if seconds is None else now() + <double>seconds


# -- entries -----------------------------------------------------------------------------------------------------

cdef class Entry:
    """A place in the run queue."""

    @property
    def void(self):
        """Whether nothing will run when its turn comes."""
        return self.is_void()

    cdef bint is_void(self):
        return self.target() is None

    cdef greenlet target(self):
        """Of a direct entry: the greenlet that goes on, None where the entry is void. Has no side effects."""
        return None

    cdef int go(self, HubCore hub) except -1:
        """Have it run. Called by the hub, on the hub's stack."""
        cdef greenlet target = self.target()
        if target is not None:
            layer.resume(target, None)
        return 0

    cdef int expire(self, HubCore hub) except -1:
        """The timer that was started for this entry is due."""
        return hub.ready.push(self)


cdef class Callback(Entry):
    """A function that the hub calls once, on its own stack; `stop()` before that withdraws it."""

    def __init__(self, function, tuple args=()):
        self.function = function
        self.args = args

    @property
    def pending(self):
        return self.function is not None

    def __bool__(self):
        return self.function is not None

    def stop(self):
        """Withdraw; nothing happens where it was called."""
        self.function = None
        self.args = empty_tuple

    def close(self):
        """As stop: what code written against another event loop calls."""
        self.stop()

    def __repr__(self):
        return f"<Callback at {id(self):#x}: {self.function!r}{self.args!r}>"

    cdef bint is_void(self):
        return self.function is None

    cdef int go(self, HubCore hub) except -1:
        cdef object function = self.function
        cdef tuple args = self.args
        cdef int budget = hub.budget
        if function is None:
            return 0
        self.function = None
        self.args = empty_tuple
        hub.budget = 0  # a greenlet that it switches to comes back to it when that blocks
        try:
            function(*args)
        except BaseException as error:
            hub.report(function, error)
        hub.budget = budget
        return 0


@cython.no_gc  # refers to a greenlet, and no greenlet to it
cdef class Turn(Entry):
    """A running greenlet's place in the run queue. Void once `greenlet` is None: it has left the wait."""

    def __cinit__(self):
        self.direct = True

    def __init__(self, greenlet runner):
        self.greenlet = runner

    cdef greenlet target(self):
        return self.greenlet


cdef class RunQueue:
    """A ring of entries, first in, first out."""

    def __cinit__(self):
        self.room = 64
        self.items = <PyObject **>PyMem_Malloc(self.room * sizeof(PyObject *))
        if self.items == NULL:
            raise MemoryError

    def __dealloc__(self):
        if self.items != NULL:
            while self.count:
                self.pop()
            PyMem_Free(self.items)

    def __len__(self):
        return self.count

    def __iter__(self):
        cdef Py_ssize_t i
        return iter([<object>self.items[(self.head + i) & (self.room - 1)] for i in range(self.count)])

    def append(self, Entry entry not None):
        self.push(entry)

    def clear(self):
        while self.count:
            self.pop()

    cdef int push(self, Entry entry) except -1:
        if self.count == self.room:
            self._grow()
        Py_INCREF(entry)
        self.items[(self.head + self.count) & (self.room - 1)] = <PyObject *>entry
        self.count += 1
        return 0

    cdef Entry pop(self):
        cdef PyObject *item = self.items[self.head]
        self.head = (self.head + 1) & (self.room - 1)
        self.count -= 1
        cdef Entry entry = <Entry>item
        Py_DECREF(entry)
        return entry

    cdef int bring(self, Py_ssize_t index) except -1:
        """Exchange the entry at `index` with the first one."""
        cdef Py_ssize_t place = (self.head + index) & (self.room - 1)
        if not 0 <= index < self.count:
            raise IndexError(f"index={index} is not below {self.count}, the number of runnable entries")
        self.items[self.head], self.items[place] = self.items[place], self.items[self.head]
        return 0

    def _grow(self):
        cdef Py_ssize_t i, room = self.room * 2
        cdef PyObject **items = <PyObject **>PyMem_Malloc(room * sizeof(PyObject *))
        if items == NULL:
            raise MemoryError
        for i in range(self.count):
            items[i] = self.items[(self.head + i) & (self.room - 1)]
        PyMem_Free(self.items)
        self.items = items
        self.room = room
        self.head = 0


# -- timers ------------------------------------------------------------------------------------------------------

@cython.freelist(256)
cdef class Timer:
    """A function that the hub calls at `deadline` (monotonic seconds) unless cancelled before. Made by `Hub.call_at`.

    keeps_alive: whether it counts as something that could wake a greenlet (see `LoopExit`).
    """

    @property
    def pending(self):
        return self.function is not None or self.entry is not None

    cpdef cancel(self):
        """Withdraw; nothing happens where it has fired or was cancelled. Hub's thread only."""
        cdef HubCore hub = self.hub
        if self.function is None and self.entry is None:
            return
        self.function = None
        self.args = empty_tuple
        self.entry = None
        if hub is not None:
            hub.timer_cancelled(self)


cdef class Timers(DeadlineHeap):
    """The timers of one hub, cancelled ones until they come up or are swept out."""

    cdef bint is_cancelled(self, object item) except -1:
        return (<Timer>item).function is None and (<Timer>item).entry is None

    cdef int left(self, object item) except -1:
        (<Timer>item).hub = None
        return 0


# -- waiters -----------------------------------------------------------------------------------------------------

cdef inline void link_before(Link *link, Link *successor) noexcept:
    link.previous = successor.previous
    link.next = successor
    successor.previous.next = link
    successor.previous = link


cdef inline void unlink(Link *link) noexcept:
    link.previous.next = link.next
    link.next.previous = link.previous
    link.previous = link.next = NULL


cdef class Line:
    """Waiters that stand in line for one thing. Joining, leaving and serving the first are O(1).

    A waiter stands in one line at a time.
    """

    def __cinit__(self):
        self.ends.previous = self.ends.next = &self.ends

    def __dealloc__(self):
        while self.count:
            self.pop()

    def __len__(self):
        return self.count

    def __iter__(self):
        cdef list waiters = []
        cdef Link *link = self.ends.next
        while link != &self.ends:
            waiters.append(<object>link.owner)
            link = link.next
        return iter(waiters)

    cdef int push(self, Waiter waiter) except -1:
        self._join(waiter, &self.ends)
        return 0

    cdef int push_first(self, Waiter waiter) except -1:
        self._join(waiter, self.ends.next)
        return 0

    cdef int _join(self, Waiter waiter, Link *successor) except -1:
        if waiter.line is not None:
            raise RuntimeError(f"{waiter!r} stands in a line already; give each wait its own Waiter")
        Py_INCREF(waiter)
        waiter.line = self
        waiter.place.owner = <PyObject *>waiter
        link_before(&waiter.place, successor)
        self.count += 1
        return 0

    cdef Waiter pop(self):
        """The first, taken out; None where nobody stands here."""
        if not self.count:
            return None
        cdef Waiter waiter = <Waiter>self.ends.next.owner
        self.remove(waiter)
        return waiter

    cdef bint remove(self, Waiter waiter) except -1:
        """Take it out; False where it does not stand here."""
        if waiter.line is not self:
            return False
        unlink(&waiter.place)
        self.count -= 1
        waiter.line = None
        Py_DECREF(waiter)
        return True


cdef class ThreadParker:
    """Blocks an OS thread that has no hub, until its one resume()."""

    cdef object lock

    def __cinit__(self):
        self.lock = allocate_parker()
        self.lock.acquire()

    cdef int resume(self) except -1:
        self.lock.release()
        return 0

    cdef int block(self, double deadline) except -1:
        if deadline == NEVER:
            self.lock.acquire()
        elif virtual_ns is not None and clock.jump(deadline):
            self.lock.acquire(False)
        else:
            self.lock.acquire(True, min(max(0.0, deadline - now()), MAX_BLOCK_S))
        return 0


cdef class Waiter(Entry):
    """One place to wait at. One greenlet or thread waits at a time; it may be used again after each wait.

    outside: whether something that the hub does not know of (a thread, a callback from C) may wake it, so that a hub
    with nothing else left goes on waiting instead of raising LoopExit.
    subject: what is waited for, for the wait graph.
    """

    __class_getitem__ = classmethod(lambda cls, item: cls)

    def __cinit__(self, outside=True, subject=None):
        self.direct = True
        self.outside = outside
        self.subject = subject

    def __repr__(self):
        return f"<Waiter at {id(self):#x}: {self.state}>"

    @property
    def state(self):
        if self.outcome:
            return "ready"
        return "idle" if self.parker is None else "parked"

    @property
    def ready(self):
        """Whether an outcome is there that no wait() has taken."""
        return self.outcome != 0

    # -- the waking side, any thread -------------------------------------------------------------------------

    cpdef bint wake(self, value=None) except -1:
        """Make wait() return value. False: an outcome was there already, and this one is dropped."""
        return self.settle(1, value)

    cpdef bint throw(self, BaseException exception) except -1:
        """Make wait() raise exception. False: an outcome was there already, and this one is dropped."""
        return self.settle(2, exception)

    cdef bint settle(self, int outcome, object value) except -1:
        if self.outcome:
            return False
        self.outcome = outcome
        self.value = value
        cdef object parker = self.parker
        if parker is not None:
            if isinstance(parker, HubCore):
                (<HubCore>parker).resume(self)
            else:
                (<ThreadParker>parker).resume()
        return True

    # -- the waiting side ------------------------------------------------------------------------------------

    def wait(self, deadline=None):
        """Return what wake() gives, or raise what throw() gives.

        deadline: monotonic seconds, as of `plait._base.clock.now()`; None waits for ever. Raises DeadlineExceeded when
        nobody has woken the waiter by then, and RuntimeError where another greenlet is waiting on it.
        """
        if not self.wait_until(NEVER if deadline is None else <double>deadline):
            raise DeadlineExceeded("the deadline passed before anybody woke the waiter")
        return self.take()

    cdef bint wait_until(self, double deadline) except -1:
        """Wait; whether there is an outcome to take()."""
        cdef HubCore hub
        cdef long long begin_ns = 0
        if self.outcome:
            return True
        if self.parker is not None:
            raise RuntimeError(f"{self!r} has somebody waiting already; give each greenlet its own Waiter")
        if PlaitTrace_ON(trace):
            begin_ns = trace.now_ns()
        hub = current_hub()
        if hub is None:
            self._block(deadline)
        else:
            self.park(hub, deadline, True)
        if begin_ns:
            trace.emit(<PyObject *>GREEN, <PyObject *>WAIT, <Py_ssize_t><void *>self, <Py_ssize_t>layer.current(), begin_ns,
                       trace.now_ns(), 0, NULL)
        return self.outcome != 0

    cdef object take(self):
        """The outcome, which is gone then."""
        cdef object value = self.value
        cdef int outcome = self.outcome
        self.value = None
        self.outcome = 0
        if outcome == 2:
            raise value
        return value

    cdef int _block(self, double deadline) except -1:
        cdef ThreadParker parker = ThreadParker()
        self.parker = parker
        try:
            if not self.outcome:
                parker.block(deadline)
        finally:
            self.parker = None
        return 0

    cdef bint park(self, HubCore hub, double deadline, bint keeps_alive) except -1:
        """Park the current greenlet in its hub; whether there is an outcome."""
        cdef greenlet runner = getcurrent()
        cdef Timer timer = None
        cdef bint outside = self.outside
        if runner is hub:
            hub.refuse_to_block()
        self.expired = False
        self.runner = runner
        self.parker = hub
        self.since = hub.turned
        self.parked.owner = <PyObject *>self
        link_before(&self.parked, &hub.parked_ends)
        hub.outside_waits += outside
        try:
            if not self.outcome:
                if deadline != NEVER:
                    timer = hub.start_timer(deadline, None, empty_tuple, self, keeps_alive)
                hub.switch_away()
                if not self.outcome and not self.expired:
                    raise InvalidSwitchError(
                        f"Invalid switch into {runner!r}: it is parked; wake it through what it waits for"
                    )
        finally:
            hub.outside_waits -= outside
            unlink(&self.parked)
            self.parker = None
            self.runner = None
            if timer is not None:
                timer.cancel()
        return self.outcome != 0

    # -- for the hub -----------------------------------------------------------------------------------------

    cdef greenlet target(self):
        """The greenlet to switch to; None when it has left, or an earlier wait's entry is looked at."""
        if self.outcome or self.expired:
            return self.runner
        return None

    cdef int expire(self, HubCore hub) except -1:
        self.expired = True
        return hub.ready.push(self)


# -- descriptors -------------------------------------------------------------------------------------------------

cdef class Readiness:
    """What the hub asks of who knows which descriptors are waited for. waiting: how many waits there are."""

    cdef int poll(self, double timeout) except -1:
        """Wake who waits for what is ready, after at most `timeout` seconds."""
        raise NotImplementedError

    cdef int notify(self) except -1:
        """Make a poll that blocks now, or the next one, return. From any thread."""
        raise NotImplementedError


# -- the hub -----------------------------------------------------------------------------------------------------

cdef int forks = 0  # how many forks this process is away from where plait was imported


def generation():
    """How many forks this process is away from where plait was imported."""
    return forks


def forked():
    """In a forked child: hubs of before are of another generation."""
    global forks
    global plait_hub
    forks += 1
    plait_hub = NULL
    layer.keep(NULL)


def set_current_hub(HubCore hub, keeper):
    """Make hub this thread's, None for none. keeper: what holds the hub; dropped when the thread ends, or by the next call."""
    global plait_hub
    plait_hub = NULL if hub is None else <PyObject *>hub
    layer.keep(NULL if keeper is None else <PyObject *>keeper)


cdef HubCore current_hub():
    return None if plait_hub == NULL else <HubCore>plait_hub


cdef HubCore get_hub():
    return make_hub() if plait_hub == NULL else <HubCore>plait_hub


cdef HubCore make_hub():
    from plait.green import hub
    return hub.get_hub()


def current():
    """The hub of this thread, or None where none was started."""
    return current_hub()


cdef class HubCore(greenlet):
    """The mechanism of a hub: see `hub.Hub`, which is the only subclass."""

    def __cinit__(self, *args, **kwargs):
        self.ready = RunQueue()
        self.inbox = deque()  # appended to by any thread
        self.joiners = []
        self.idle = RunQueue()
        self.timers = Timers()
        self.thread_ident = get_ident()
        self.generation = forks
        self.parked_ends.previous = self.parked_ends.next = &self.parked_ends

    def parked(self):
        """(greenlet, subject, since) of everybody who waits here: since is the monotonic second of the hub's turn."""
        cdef list found = []
        cdef Link *link = self.parked_ends.next
        cdef Waiter waiter
        while link != &self.parked_ends:
            waiter = <Waiter>link.owner
            found.append((waiter.runner, waiter.subject, waiter.since))
            link = link.next
        return found

    # -- for the hub's thread --------------------------------------------------------------------------------

    cdef Entry first(self):
        """Take the entry whose turn it is out of the run queue, which has one."""
        if self.choose is not None and self.ready.count > 1:
            self.ready.bring(self.choose(self.ready.count))
        return self.ready.pop()

    cpdef object switch_away(self):
        """Leave the current greenlet to the next runnable one. Returns when something switches back."""
        cdef RunQueue ready = self.ready
        cdef Entry entry
        cdef greenlet target
        if self.guest is not None:
            return self.switch_guest_away()
        while ready.count and self.budget > 0:
            if self.choose is not None and ready.count > 1:
                ready.bring(self.choose(ready.count))
            if not (<Entry>ready.items[ready.head]).direct:
                break
            entry = ready.pop()
            target = entry.target()
            if target is None:
                continue
            self.budget -= 1
            self.switches += 1
            entry = None
            return layer.resume(target, None)
        if getcurrent() is self:
            self.refuse_to_block()
        return layer.resume(self, None)

    def switch_guest_away(self):
        """As `switch_away`, for a greenlet that has set `guest`: leave() before it, enter(what that returned) after it."""
        cdef object guest = self.guest
        cdef object state
        if getcurrent() is self:
            self.refuse_to_block()
        state = guest.leave()
        self.guest = None
        try:
            return self.switch_away()
        finally:
            self.guest = guest
            guest.enter(state)

    def switch(self, *args, **kwargs):
        """For code that switches to its hub by itself; what it is resumed with."""
        cdef object guest = self.guest
        cdef object state
        if guest is None:
            return greenlet.switch(self, *args, **kwargs)
        state = guest.leave()
        self.guest = None
        try:
            return greenlet.switch(self, *args, **kwargs)
        finally:
            self.guest = guest
            guest.enter(state)

    cpdef object yield_turn(self):
        """Let every other runnable greenlet run once."""
        cdef greenlet runner = getcurrent()
        cdef bint alone = not self.ready.count
        if runner is self:
            self.refuse_to_block()
        cdef Turn turn = Turn.__new__(Turn)
        turn.greenlet = runner
        self.ready.push(turn)
        try:
            if alone:  # let the hub look at timers and descriptors, since nobody else would
                if self.guest is not None:
                    self.budget = 0
                    self.switch_away()
                else:
                    layer.resume(self, None)
            else:
                self.switch_away()
        finally:
            turn.greenlet = None

    def yield_until_idle(self):
        """Park until the hub would otherwise wait for the kernel."""
        cdef Turn turn = Turn(getcurrent())
        self.idle.push(turn)
        try:
            self.switch_away()
        finally:
            turn.greenlet = None

    def in_callback(self):
        """Whether the caller runs on the hub's own stack, where it must not block."""
        return getcurrent() is self

    def refuse_to_block(self):
        raise BlockingSwitchOutError("a callback in the hub must not block; spawn a greenlet that does")

    def run_callback(self, function, *args):
        """Call function(*args) in the hub, after what is in the run queue now. Hub's thread only."""
        cdef Callback callback = Callback(function, args)
        self.enqueue(callback)
        return callback

    def run_callback_when_idle(self, function, *args):
        """Call function(*args) in the hub when it would otherwise wait for the kernel. Hub's thread only."""
        cdef Callback callback = Callback(function, args)
        self.idle.push(callback)
        return callback

    def call_at(self, double deadline, function, *args, bint keeps_alive=True):
        """Call function(*args) in the hub at `deadline`, monotonic seconds; equal deadlines in order of call."""
        return self.start_timer(deadline, function, args, None, keeps_alive)

    # -- for any thread --------------------------------------------------------------------------------------

    cpdef object resume(self, Entry entry):
        """Put an entry into the run queue, or from another thread into the inbox."""
        if PyThread_get_thread_ident() == self.thread_ident:
            self.enqueue(entry)
        else:
            self.inbox.append(entry)
            self.descriptors.notify()

    def run_callback_threadsafe(self, function, *args):
        """As `run_callback`, from any thread."""
        cdef Callback callback = Callback(function, args)
        self.resume(callback)
        return callback

    cdef int enqueue(self, Entry entry) except -1:
        self.ready.push(entry)
        if self.polling:  # a signal handler, in this thread
            self.descriptors.notify()
        return 0

    # -- the loop --------------------------------------------------------------------------------------------

    def run(self):
        """What the hub's stack executes."""
        while True:
            try:
                while self.generation == forks:
                    self.turn()
                self._orphaned()
            except GreenletExit:
                self.close()
                return
            except BaseException as error:
                self.report(None, error)

    cdef int turn(self) except -1:
        cdef RunQueue ready = self.ready
        self.budget = 0
        self.io_left = IO_BUDGET
        self.turned = now()
        # 1. what other threads left
        if self.inbox:
            self.take_inbox()
        # 2. what is due
        if self.timers.count:
            self.fire_timers()
        # 3. the run queue, for a while; greenlets hand off to each other out of the same budget
        self.budget = HANDOFF_BUDGET
        self.run_ready()
        # 4. the kernel
        if self.generation != forks:
            return 0
        if ready.count or self.inbox:
            return self.poll(0)
        if self.idle.count:
            self.poll(0)
            if not ready.count and not self.inbox:
                ready.push(self.idle.pop())
            return 0
        return self.wait()

    cdef int run_ready(self) except -1:
        cdef Entry entry
        while self.ready.count and self.budget > 0:
            self.budget -= 1
            self.switches += 1
            entry = self.first()
            try:
                entry.go(self)
            except BaseException as error:  # of a raw greenlet that ended just now; or Ctrl-C on the way
                self.report(self, error)
            entry = None
        return 0

    cdef int take_inbox(self) except -1:
        cdef object inbox = self.inbox
        for _ in range(len(inbox)):  # bounded: other threads may append faster than this takes
            self.ready.push(inbox.popleft())
        return 0

    cdef int wait(self) except -1:
        cdef double timeout, until
        cdef long long begin_ns = 0
        self.timers_cancelled -= self.timers.drop_cancelled()
        timeout = NEVER
        if not (self.timers_awaited or self.outside_waits or self.descriptors.waiting or self.inbox):
            timeout = self._hopeless()
            if timeout < 0:
                return 0
        if self.timers.count:
            if virtual_ns is not None:  # what is in the kernel already comes before any jump in time
                self.poll(0)
                if self.ready.count or self.inbox:
                    return 0
            until = self._until(self.timers.soonest())
            timeout = until if until < timeout else timeout
        if PlaitTrace_ON(trace):
            begin_ns = trace.now_ns()
        self.poll(timeout)
        if begin_ns:
            trace.emit(<PyObject *>GREEN, <PyObject *>POLL, <Py_ssize_t><void *>self, 0, begin_ns, trace.now_ns(), 0, NULL)
        return 0

    cdef double _until(self, double deadline) except -1:
        """Seconds to wait for a deadline."""
        if virtual_ns is not None and clock.jump(deadline):
            return 0
        return max(0.0, deadline - now())

    cdef int poll(self, double timeout) except -1:
        if self.follower is not None:
            self.follower.before_poll()
        self.polling = True  # before looking into the run queue: a signal handler appends first, then looks at this
        try:
            if self.ready.count or self.inbox:
                timeout = 0
            self.descriptors.poll(timeout)
        finally:
            self.polling = False
        if self.follower is not None:
            self.follower.after_poll()
        return 0

    # -- timers ----------------------------------------------------------------------------------------------

    cdef Timer start_timer(self, double deadline, object function, tuple args, Entry entry, bint keeps_alive):
        cdef Timer timer = Timer.__new__(Timer)
        timer.hub = self
        timer.deadline = deadline
        timer.function = function
        timer.args = args
        timer.entry = entry
        timer.keeps_alive = keeps_alive
        self.timers_awaited += keeps_alive
        self.timers.push(deadline, timer)
        if self.polling:
            self.descriptors.notify()
        return timer

    cdef int fire_timers(self) except -1:
        # All that is due leaves the heap first: a function may switch to a greenlet that runs for long.
        cdef double due_at = self.turned + RESOLUTION_S
        cdef Timer timer
        cdef Entry entry
        cdef list due
        if self.timers.soonest() > due_at:
            return 0
        due = []
        while self.timers.count and self.timers.soonest() <= due_at:
            timer = self.timers.pop()
            if timer.function is None and timer.entry is None:
                self.timers_cancelled -= 1
            else:
                self.timers_awaited -= timer.keeps_alive
                due.append(timer)
        for timer in due:
            entry = timer.entry
            if entry is not None:
                timer.entry = None
                entry.expire(self)
            elif timer.function is not None:  # not cancelled by one before it
                self._call_timer(timer)
        return 0

    cdef int _call_timer(self, Timer timer) except -1:
        cdef object function = timer.function
        cdef tuple args = timer.args
        timer.function = None
        timer.args = empty_tuple
        try:
            function(*args)
        except BaseException as error:
            self.report(function, error)
        return 0

    cdef int timer_cancelled(self, Timer timer) except -1:
        self.timers_cancelled += 1
        self.timers_awaited -= timer.keeps_alive
        if self.timers_cancelled > SWEEP_MIN and self.timers_cancelled * 2 > self.timers.count:
            self.timers.sweep()
            self.timers_cancelled = 0
        return 0

    def drop_all(self):
        """Hold nothing any more: what is in C's arrays the garbage collector does not see. For a hub that has ended."""
        self.ready.clear()
        self.idle.clear()
        self.inbox.clear()
        self.timers.clear()
        self.timers_cancelled = self.timers_awaited = 0

    @property
    def timers_pending(self):
        """How many timers run."""
        return self.timers.count - self.timers_cancelled

    @property
    def timers_waited_for(self):
        """How many timers run that count as something that could wake a greenlet."""
        return self.timers_awaited

    @property
    def timers_held(self):
        """How many timers are in the heap, cancelled ones included."""
        return self.timers.count


# -- pauses ------------------------------------------------------------------------------------------------------

cpdef sleep(seconds=0, bint ref=True):
    """Park the current greenlet for `seconds`; 0 lets the other runnable greenlets run once.

    ref=False: a hub with nothing else left does not wait for it.
    """
    cdef HubCore hub = get_hub()
    cdef double duration = seconds
    cdef Waiter waiter
    cdef double deadline
    cdef long long begin_ns = 0
    if duration <= 0:
        hub.yield_turn()
        return
    if PlaitTrace_ON(trace):
        begin_ns = trace.now_ns()
    waiter = Waiter.__new__(Waiter, False)
    deadline = now() + duration
    waiter.subject = deadline
    waiter.park(hub, deadline, ref)
    if begin_ns:
        trace.emit(<PyObject *>GREEN, <PyObject *>SLEEP, <Py_ssize_t><void *>waiter, <Py_ssize_t>layer.current(), begin_ns,
                   trace.now_ns(), 0, NULL)


def idle(priority=0):
    """Park the current greenlet until no other is runnable. priority: ignored."""
    get_hub().yield_until_idle()
