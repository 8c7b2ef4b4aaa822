"""TaskGroup: structured concurrency. The greenlets of a block have ended before the block has.

A group is new -> open -> aborting -> closed:

    state      spawn()            a child fails, or the block      the last child ends
    open       runs               -> aborting                      -
    aborting   killed at once     its failure is kept              -
    closed     RuntimeError       -                                -

Leaving the block waits for all children, also for those that they spawned. The first failure, of a child or of the
block, aborts the group: the other children are killed, and where the block itself still runs it is cancelled. All
failures are raised together, as an ExceptionGroup, or as a BaseExceptionGroup where one of them is no Exception, as a
Timeout that a child did not catch. What ends the block from outside (a kill, a Timeout, an outer scope)
kills the children, and is raised when they have ended, with their failures as its cause: nothing is lost.

A child that fails prints nothing: its failure is raised. Being killed is no failure.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any

from plait.green.exceptions import Cancelled
from plait.green.greenlets import Greenlet
from plait.green.scopes import CancelScope
from plait.green.waiter import Waiter
from plait.greenlet import GreenletExit

__all__ = ["TaskGroup"]

_NEW, _OPEN, _ABORTING, _CLOSED = range(4)


class _Child(Greenlet):
    """A greenlet whose failure its group raises. What ends programs goes to the main greenlet, as from any other."""

    def _report_failure(self, error: BaseException) -> None:
        if not _is_failure(error):
            super()._report_failure(error)


class TaskGroup:
    """Greenlets that end before the block does.

    with TaskGroup() as group:
        first = group.spawn(fetch, "one")
        group.spawn(fetch, "two")
    print(first.value)
    """

    def __init__(self) -> None:
        self._state = _NEW
        self._children: set[Greenlet] = set()
        self._failures: list[BaseException] = []
        self._scope = CancelScope()
        self._in_block = False
        self._waiter: Waiter[Any] | None = None  # of who leaves the block

    def __repr__(self) -> str:
        state = ("new", "open", "aborting", "closed")[self._state]
        return f"<{type(self).__name__} at {id(self):#x} {state} children={len(self._children)}>"

    @property
    def children(self) -> tuple[Greenlet, ...]:
        """Those that have not ended."""
        return tuple(self._children)

    def spawn(self, function: Any, *args: Any, **kwargs: Any) -> Greenlet:
        """A greenlet of function(*args, **kwargs) in the group. The block and all children may call this.

        Raises RuntimeError where the group's block was not entered, or has ended.
        """
        if self._state in (_NEW, _CLOSED):
            raise RuntimeError(f"{self!r} takes no children; spawn them between the beginning and the end of its block")
        child = _Child(function, *args, **kwargs)
        self._children.add(child)
        child.when_ended(self._ended)
        if self._state == _ABORTING:
            child.kill(block=False)
        else:
            child.start()
        return child

    def cancel(self) -> None:
        """Kill all children and end the block; nobody has failed. The block's end still waits for them."""
        if self._state == _OPEN:
            self._abort()

    def __enter__(self) -> TaskGroup:
        if self._state != _NEW:
            raise RuntimeError(f"{self!r} was used before; make a new group for each block")
        self._scope.__enter__()
        self._state = _OPEN
        self._in_block = True
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> bool:
        self._in_block = False
        interruption = self._judge(error)
        while self._children:
            interruption = self._wait() or interruption
        self._state = _CLOSED
        ours = isinstance(error, Cancelled) and error.scope is self._scope
        self._scope.__exit__(None, None, None)
        failures, self._failures = self._failures, []
        try:
            if interruption is not None:
                if failures:
                    raise interruption from _grouped(failures)
                if interruption is error:
                    return False
                raise interruption
            if failures:
                raise _grouped(failures)
            return ours
        finally:
            del interruption, failures, error  # the traceback refers to this frame

    # -- the steps -----------------------------------------------------------------------------------------------

    def _judge(self, error: BaseException | None) -> BaseException | None:
        """Note how the block has ended; returns what ended it from outside."""
        if error is None:
            return None
        self._abort()
        if isinstance(error, Cancelled) and error.scope is self._scope:
            return None
        if isinstance(error, Exception):
            self._failures.append(error)
            return None
        return error

    def _wait(self) -> BaseException | None:
        """Wait until no child is left, or until something else ends the wait, which is returned."""
        self._waiter = Waiter(outside=False, subject=self)
        try:
            if self._children:
                self._waiter.wait()
        except BaseException as error:
            return self._judge(error)
        finally:
            self._waiter = None
        return None

    def _ended(self, child: Greenlet) -> None:
        """A child has ended: called on its stack."""
        self._children.discard(child)
        if child.exception is not None and _is_failure(child.exception):
            self._failures.append(child.exception)
            self._abort()
        if not self._children and self._waiter is not None:
            self._waiter.wake()

    def _abort(self) -> None:
        if self._state != _OPEN:
            return
        self._state = _ABORTING
        for child in tuple(self._children):
            child.kill(block=False)
        if self._in_block:
            self._scope.cancel()


def _is_failure(error: BaseException) -> bool:
    """Whether the group raises it. A child's Timeout is one; what ends programs is not."""
    return not isinstance(error, (GreenletExit, KeyboardInterrupt, SystemExit))


def _grouped(failures: list[BaseException]) -> BaseExceptionGroup[BaseException]:
    return BaseExceptionGroup("greenlets of a TaskGroup failed", failures)
