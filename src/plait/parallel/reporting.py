"""What a loop tells while it runs: lines of `verbose`, callbacks of libraries, the sizes of its batches.

Parallel makes a Reporter only for a loop that has somebody to tell; it is the loop's observer, in front of that of
`progress=`.
"""

from __future__ import annotations

import time
from typing import Any, Protocol

from plait.parallel import callbacks, verbose
from plait.parallel.batching import Sizes
from plait.parallel.progress import Observer


class Counting(Protocol):
    """What a loop counts."""

    @property
    def done(self) -> int: ...  # tasks that have ended
    @property
    def given(self) -> int: ...  # results handed to the consumer of a generator

    @property
    def sent(self) -> int: ...  # tasks
    @property
    def batches(self) -> int: ...  # sent
    @property
    def exhausted(self) -> bool: ...  # whether all tasks are sent


class Counts:
    """The counts of a loop that is over, or has not begun."""

    exhausted = False

    def __init__(self, loop: Counting | None = None) -> None:
        self.done = loop.done if loop else 0
        self.given = loop.given if loop else 0
        self.sent = loop.sent if loop else 0
        self.batches = loop.batches if loop else 0


class Reporter:
    """Tells of each batch that ends, as one thread."""

    def __init__(self, parallel: Any, user: Observer | None) -> None:
        """user: the observer of `progress=`."""
        self._parallel = parallel
        self._user = user
        self._done = 0
        self._began = time.time()
        self._callback = callbacks.BatchCompletionCallBack if callbacks.patched() else None

    def advance(self, done: int) -> None:
        if self._callback is not None:
            self._callback(self._began, done - self._done, self._parallel)(None)
        self._done = done
        if not self._parallel.has_ended():  # the last line follows when the call has
            self._parallel.print_progress()
        if self._user is not None:
            self._user.advance(done)

    def close(self) -> None:
        if self._user is not None:
            self._user.close()


class ToldSizes:
    """Sizes of batches that are printed when they change."""

    def __init__(self, sizes: Sizes, parallel: Any) -> None:
        self._sizes = sizes
        self._parallel = parallel

    @property
    def size(self) -> int:
        return self._sizes.size

    def learn(self, tasks: int, seconds: float) -> None:
        before = self._sizes.size
        self._sizes.learn(tasks, seconds)
        if self._sizes.size != before:
            word = "fast" if self._sizes.size > before else "slow"
            self._parallel._print(f"Batch computation too {word} ({seconds}s.) Setting batch_size={self._sizes.size}.")


def told(sizes: Sizes, parallel: Any) -> Sizes:
    return ToldSizes(sizes, parallel) if parallel.verbose >= verbose.EVERY_BATCH else sizes
