# cython: language_level=3
"""Timeout, and waits that take either seconds or a Timeout: see `plait.green.timeout`."""

from plait.green._native.core cimport HubCore, Timer, Waiter, deadline_of, empty_tuple, get_hub, getcurrent, layer, now

cdef object _NO_VALUE = object()


cdef class Timeout(BaseException):
    """Raise `exception` in the current greenlet after `seconds`.

    seconds: None never fires; zero or less fires at the next block.
    exception: None or True raises this Timeout; False raises it and the `with` block swallows it; a string raises it
    and is shown; an exception class or instance is raised instead of it.
    ref: whether a hub with nothing else left still waits for it.
    """

    def __init__(self, seconds=None, exception=None, bint ref=True, priority=-1):
        self.seconds = seconds
        self.exception = exception
        self.keeps_alive = ref

    @classmethod
    def start_new(cls, timeout=None, exception=None, ref=True):
        """A pending timeout: `timeout` itself, started unless it is, or a new one of that many seconds."""
        if isinstance(timeout, Timeout):
            if not timeout.pending:
                timeout.start()
            return timeout
        started = cls(timeout, exception, ref=ref)
        started.start()
        return started

    _start_new_or_dummy = start_new  # programs use this one, where None is no timeout: here it costs none either

    @property
    def pending(self):
        """Whether it will fire."""
        return self.timer is not None and self.timer.function is not None

    cpdef start(self):
        """Begin to count. Raises AssertionError where it is pending already."""
        cdef HubCore hub
        if self.timer is not None and self.timer.function is not None:
            raise AssertionError(f"{self!r} is pending already; cancel() it before starting it again")
        if self.seconds is None:
            return
        exception = self.exception
        if exception is None or isinstance(exception, (bool, str)):
            exception = self
        hub = get_hub()
        self.timer = hub.start_timer(
            now() + <double>self.seconds, throw_into, (getcurrent(), exception), None, self.keeps_alive
        )

    cpdef cancel(self):
        """Do not fire. A timeout that is not pending may be cancelled too."""
        cdef Timer timer = self.timer
        if timer is not None:
            self.timer = None
            timer.cancel()

    def close(self):
        """As `cancel`."""
        self.cancel()

    def __enter__(self):
        if self.timer is None or self.timer.function is None:
            self.start()
        return self

    def __exit__(self, kind, value, tb):
        self.cancel()
        return value is self and self.exception is False

    def __repr__(self):
        pending = " pending" if self.pending else ""
        exception = "" if self.exception is None else f" exception={self.exception!r}"
        return f"<{type(self).__name__} at {id(self):#x} seconds={self.seconds}{exception}{pending}>"

    def __str__(self):
        if self.seconds is None:
            return ""
        plural = "" if self.seconds == 1 else "s"
        if self.exception is None or self.exception is True:
            return f"{self.seconds} second{plural}"
        if self.exception is False:
            return f"{self.seconds} second{plural} (silent)"
        return f"{self.seconds} second{plural}: {self.exception}"


def with_timeout(seconds, function, *args, timeout_value=_NO_VALUE, **kwds):
    """function(*args, **kwds), ended by a Timeout after `seconds`; `timeout_value`, where given, is returned then."""
    timeout = Timeout.start_new(seconds)
    try:
        return function(*args, **kwds)
    except Timeout as error:
        if error is timeout and timeout_value is not _NO_VALUE:
            return timeout_value
        raise
    finally:
        timeout.cancel()


cdef bint wait_within(Waiter waiter, object timeout) except -1:
    """Wait for `timeout` seconds; a Timeout is started for as long and raises what it raises. Whether it was woken."""
    if timeout is None or not isinstance(timeout, Timeout):
        return waiter.wait_until(deadline_of(timeout))
    with_timer = Timeout.start_new(timeout)
    try:
        return waiter.wait_until(deadline_of(None))
    finally:
        with_timer.cancel()


cpdef bint is_no_time(object timeout) except -1:
    """Whether `timeout` asks not to wait at all."""
    return timeout is not None and not isinstance(timeout, Timeout) and timeout <= 0


def timed_out(timeout):
    """What to raise when a call that was given `timeout` waited in vain."""
    return timeout if isinstance(timeout, Timeout) else Timeout(timeout)


def throw_into(runner, exception):
    """Raise the exception where the greenlet is parked, unless it has ended. In the hub only."""
    if not runner.dead:
        runner.throw(exception)
