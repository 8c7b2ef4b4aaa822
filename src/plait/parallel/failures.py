"""What a loop does about a task that fails: end, keep the exception as its result, or run it again.

A failure is an exception of the task, the death of its worker (WorkerDied), its overrun (TaskTimeout), or that it
could not travel (TransportError). What is thrown into the caller (Ctrl-C, a kill, a Timeout) is none, and always ends
the loop; nor is an exception that is no Exception, such as SystemExit.

A task that runs again may have had effects before: tasks run at least once. When a worker dies, those tasks of its
batch that had ended, but whose results it had not sent, run again too. `batch_size=1` leaves none of these.
"""

from __future__ import annotations

from typing import Any

_ON_ERROR = ("raise", "return")


class Retries:
    """Retries(3, on=(OSError, WorkerDied)): run a task up to 3 more times if it fails in one of these ways.

    on: an exception class or a tuple of them; any Exception by default. Raises ValueError, TypeError.
    """

    __slots__ = ("count", "on")

    def __init__(self, count: int, on: Any = Exception) -> None:
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            raise ValueError(
                f"retries={count!r} is not a number of further runs; pass 0 or more, or Retries(count, on=)"
            )
        kinds = on if isinstance(on, tuple) else (on,)
        if not all(isinstance(kind, type) and issubclass(kind, Exception) for kind in kinds):
            raise TypeError(f"on={on!r} is no class of Exception, nor a tuple of such; pass on=(OSError, WorkerDied)")
        self.count = count
        self.on = kinds

    def __repr__(self) -> str:
        return f"Retries({self.count}, on=({', '.join(kind.__name__ for kind in self.on)},))"

    def allow(self, error: BaseException, runs: int) -> bool:
        """Whether a task that failed like this, in its `runs`-th run, runs again."""
        return runs <= self.count and isinstance(error, self.on)


class FailurePolicy:
    """on_error: "raise" or "return". retries: a count, or a Retries. timeout: seconds for one run of a task."""

    __slots__ = ("keeps", "retries", "timeout")

    def __init__(self, on_error: str = "raise", retries: Any = 0, timeout: float | None = None) -> None:
        if on_error not in _ON_ERROR:
            raise ValueError(f"on_error={on_error!r} is not known; pass 'raise' or 'return'")
        self.keeps = on_error == "return"
        self.retries = retries if isinstance(retries, Retries) else Retries(0 if retries is None else retries)
        self.timeout = timeout

    @property
    def fail_fast(self) -> bool:
        """Whether the first failure ends the loop, whatever it is."""
        return not self.keeps and not self.retries.count

    def ends_loop(self, error: BaseException, runs: int) -> bool:
        """Whether the failure of a task's `runs`-th run ends the loop."""
        return not isinstance(error, Exception) or not (self.keeps or self.retries.allow(error, runs))
