"""The clock, real and virtual: what every deadline in plait is measured on.

Time is monotonic; it does not follow the wall clock's corrections. Whoever sleeps until a deadline first asks
`jump(deadline)`: under a virtual clock that moves time there and returns True, and nobody sleeps. So a test of an
hour's timeouts takes no time, and no test sleeps to wait. Cost: one call more than time.monotonic().

    with virtual() as clock:
        assert jump(now() + 3600)

The virtual clock belongs to the process: it is meant for tests and for runs that are replayed, on one thread.
"""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

_source: Callable[[], int] = time.monotonic_ns
_virtual: VirtualClock | None = None
_watchers: list[Callable[[Callable[[], int] | None], object]] = []


class VirtualClock:
    """A clock that stands still until it is told to move, and never moves back."""

    def __init__(self, start_ns: int = 0) -> None:
        self._now_ns = start_ns

    def now_ns(self) -> int:
        return self._now_ns

    def advance(self, seconds: float) -> None:
        """Move forward by `seconds`; raises ValueError where that is negative."""
        if seconds < 0:
            raise ValueError(f"seconds={seconds!r} would move the clock back; pass zero or more")
        self._now_ns += round(seconds * 1e9)

    def jump_to(self, deadline: float) -> None:
        """Move to `deadline` (monotonic seconds), and stay where that is in the past."""
        self._now_ns = max(self._now_ns, round(deadline * 1e9))


def now_ns() -> int:
    """Monotonic nanoseconds."""
    return _source()


def now() -> float:
    """Monotonic seconds."""
    return _source() / 1e9


def is_virtual() -> bool:
    """Whether a virtual clock is in force."""
    return _virtual is not None


def jump(deadline: float) -> bool:
    """Under a virtual clock move to `deadline` and return True; under the real one do nothing and return False."""
    if _virtual is None:
        return False
    _virtual.jump_to(deadline)
    return True


def watch(watcher: Callable[[Callable[[], int] | None], object]) -> None:
    """Tell native code, which reads the real time on its own, now and at each change.

    It gets the function that gives the virtual nanoseconds, or None while time is real.
    """
    _watchers.append(watcher)
    watcher(None if _virtual is None else _source)


def _set(source: Callable[[], int], clock: VirtualClock | None) -> None:
    global _source, _virtual
    _source, _virtual = source, clock
    for watcher in _watchers:
        watcher(None if clock is None else source)


class virtual:  # a context manager, used like a function
    """Inside the block time is virtual; clocks nest, and the outer one is back where it was at the end."""

    def __init__(self, start_ns: int = 0) -> None:
        self._start_ns = start_ns

    def __enter__(self) -> VirtualClock:
        self._outer = _source, _virtual
        clock = VirtualClock(self._start_ns)
        _set(clock.now_ns, clock)
        return clock

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        _set(*self._outer)
