"""Cooperative `select` and `poll`: the kernel is asked without waiting; where it has nothing, the greenlet parks.

The answer is always the kernel's own poll(2), so closed descriptors, hang-ups and regular files are reported as the
standard library reports them, and no descriptor is too large. Between two looks the greenlet waits for the same
descriptors in the hub. A call with a timeout of 0 lets the other greenlets run once, so that a loop of such calls
starves nobody. Everything else is the standard library's.

Cost: one system call more than the wait itself, and O(descriptors) for each, as ever with these interfaces; `selectors`
has the one that scales.
"""

from __future__ import annotations

import errno
import os
import select as _stdlib
from collections.abc import Iterable, Sequence
from typing import Any

from plait._base import natives
from plait.green.hub import current
from plait.green.poller import READ, WRITE
from plait.green.timeout import deadline_after
from plait.green.waits import wait_any

__all__ = ["error", "poll", "select"]

#: What patching puts in place of the standard library's, and what has no cooperative counterpart.
__implements__ = ["poll", "select"]
__removes__ = ["epoll", "kqueue", "kevent", "devpoll"]

error = OSError

_POLLIN = _stdlib.POLLIN
_POLLPRI = _stdlib.POLLPRI
_POLLOUT = _stdlib.POLLOUT
_POLLNVAL = _stdlib.POLLNVAL
_FAILED = _stdlib.POLLERR | _stdlib.POLLHUP
_READABLE = _POLLIN | _FAILED
_WRITABLE = _POLLOUT | _stdlib.POLLERR


def __getattr__(name: str) -> Any:
    """Constants and classes that do not wait, from the standard library."""
    return getattr(_stdlib, name)


def select(
    rlist: Iterable[Any], wlist: Iterable[Any], xlist: Iterable[Any], timeout: float | None = None, /
) -> tuple[list[Any], list[Any], list[Any]]:
    """The objects of each list that are readable, writable, and in an exceptional state.

    They are descriptors or have fileno(). timeout: seconds; None waits for ever, 0 not at all.
    """
    if timeout is not None and not isinstance(timeout, (int, float)):
        raise TypeError(f"timeout={timeout!r} is not a number of seconds; pass one, or None to wait for ever")
    if timeout is not None and timeout < 0:
        raise ValueError("timeout must be non-negative")
    wanted = [[(_descriptor_of(item), item) for item in items] for items in (rlist, wlist, xlist)]
    masks: dict[int, int] = {}
    for items, mask in zip(wanted, (_POLLIN, _POLLOUT, _POLLPRI), strict=True):
        for fd, _ in items:
            masks[fd] = masks.get(fd, 0) | mask
    ready = dict(_wait_for_any(masks, timeout))
    if any(found & _POLLNVAL for found in ready.values()):
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    return tuple(
        [item for fd, item in items if ready.get(fd, 0) & mask]
        for items, mask in zip(wanted, (_READABLE, _WRITABLE, _POLLPRI), strict=True)
    )  # type: ignore[return-value]


class poll:
    """As `select.poll`, for any number of descriptors."""

    def __init__(self) -> None:
        self._masks: dict[int, int] = {}

    def register(self, fd: Any, eventmask: int = _POLLIN | _POLLPRI | _POLLOUT, /) -> None:
        """Look for the events at a descriptor, or at an object with fileno(), from now on."""
        self._masks[_descriptor_of(fd)] = _checked_mask(eventmask)

    def modify(self, fd: Any, eventmask: int, /) -> None:
        """Look for other events. Raises FileNotFoundError where it was not registered."""
        number = _descriptor_of(fd)
        if number not in self._masks:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        self._masks[number] = _checked_mask(eventmask)

    def unregister(self, fd: Any, /) -> None:
        """Look for no more events there. Raises KeyError where it was not registered."""
        del self._masks[_descriptor_of(fd)]

    def poll(self, timeout: float | None = None, /) -> list[tuple[int, int]]:
        """(descriptor, events) of those where something is. timeout: milliseconds; None or less than 0 for ever."""
        if timeout is not None and not isinstance(timeout, (int, float)):
            raise TypeError(f"timeout={timeout!r} is not a number of milliseconds; pass one, or None to wait for ever")
        return _wait_for_any(self._masks, None if timeout is None or timeout < 0 else timeout / 1000)


def _descriptor_of(item: Any) -> int:
    fd = item if isinstance(item, int) else _fileno_of(item)
    if fd < 0:
        raise ValueError(f"file descriptor cannot be a negative integer ({fd})")
    return fd


def _fileno_of(item: Any) -> int:
    if not hasattr(item, "fileno"):
        raise TypeError("argument must be an int, or have a fileno() method.")
    fd = item.fileno()
    if not isinstance(fd, int):
        raise TypeError("fileno() returned a non-integer")
    return fd


def _checked_mask(mask: int) -> int:
    if not 0 <= mask <= 0xFFFF:
        raise OverflowError(f"eventmask={mask!r} does not fit into 16 bits")
    return mask


def _wait_for_any(masks: dict[int, int], timeout: float | None) -> list[tuple[int, int]]:
    """What the kernel has of the masks, by descriptor, after at most `timeout` seconds."""
    poller = natives.poll()
    for fd, mask in masks.items():
        poller.register(fd, mask)
    found = poller.poll(0)
    if found or timeout == 0:
        _let_others_run()
        return found
    deadline = deadline_after(timeout)
    while not found and wait_any(_directions(masks), deadline):
        found = poller.poll(0)
    return found


def _let_others_run() -> None:
    hub = current()
    if hub is not None and not hub.in_callback():
        hub.yield_turn()


def _directions(masks: dict[int, int]) -> Sequence[tuple[int, int]]:
    wanted = []
    for fd, mask in masks.items():
        if mask & (_POLLIN | _POLLPRI) or not mask & _POLLOUT:
            wanted.append((fd, READ))
        if mask & _POLLOUT:
            wanted.append((fd, WRITE))
    return wanted
