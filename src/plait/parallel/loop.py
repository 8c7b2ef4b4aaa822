"""One loop: keeps the workers supplied, and hands results on.

The caller's own greenlet or thread does all of it whenever it wants a result: it takes finished batches, pulls the next
tasks out of the user's iterator, sends them, and waits. So the iterator runs where the user is, errors arise there,
and a consumer that is slow holds the loop back instead of piling up results.

    begin()             sends `pre_dispatch` tasks
    while supply():     a batch is under way
        wait            for one, until deadline() at most: start() and collect() park; the asyncio bridge awaits
        advance()       takes one that came: gives the results that are due, and sends tasks in its place
    leave(error)        however it ends: closes or cancels the runner

A batch that fails at its k-th task comes back with the results before; `failures` says what becomes of the task, and
the tasks behind it are sent again in pieces that double, so that many failures in one batch cost little more than as
many batches. Whatever ends the loop early carries the results that nobody was given yet: `error.results`, by index.

Costs: a batch, not a task, is the unit of all this; a task costs a tuple and an item of a list.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from itertools import islice
from typing import Any

from plait._base import clock
from plait.green.waiter import DeadlineExceeded
from plait.parallel._native.batches import take
from plait.parallel.backends.base import Runner
from plait.parallel.batching import Sizes
from plait.parallel.completions import Completions
from plait.parallel.errors import PoolError, TaskTimeout, TransportError, task_timeout
from plait.parallel.failures import FailurePolicy
from plait.parallel.outcome import Batch, Task
from plait.parallel.progress import Observer
from plait.trace import ring

_STARTING_S = 0.05  # how often to look whether a worker that starts has begun its task


class Loop:
    """The tasks of one call on one runner. Used by one greenlet or thread at a time."""

    in_place = False

    def __init__(
        self,
        tasks: Iterator[Any],
        runner: Runner,
        sizes: Sizes,
        pre_dispatch: int | None,
        policy: FailurePolicy,
        ordered: bool,
        observer: Observer | None = None,
    ) -> None:
        """pre_dispatch: tasks sent before the first result; None for all. observer: is told of `done`."""
        self.done = 0  # tasks that have ended
        self.given = 0  # results that the consumer of a generator has got
        self.batches = 0  # sent
        self._tasks = tasks
        self._runner = runner
        self._sizes = sizes
        self._pre_dispatch = pre_dispatch
        self._policy = policy
        self._ordered = ordered
        self._observer = observer
        self._next_index = 0  # of the next task that the iterator gives
        self._exhausted = False
        self._under_way: dict[int, Batch] = {}  # by first index: sent, not yet back
        self._parts: dict[int, list[Any]] = {}  # results that nobody was given yet, by the first one's index
        self._due = 0  # index of the next result in order
        self._runs: dict[int, int] = {}  # of tasks that failed: how often each has run
        self._overrun: dict[int, TaskTimeout] = {}  # by batch: was told to stop
        self._starting: set[int] = set()  # batches whose workers, when looked at, were still starting
        self._begin_ns = ring.now_ns() if ring.enabled else 0
        self._left = False

    @property
    def sent(self) -> int:
        """Tasks that the iterator has given."""
        return self._next_index

    @property
    def exhausted(self) -> bool:
        """Whether it has no more."""
        return self._exhausted

    # -- in a greenlet or thread ---------------------------------------------------------------------------------

    def start(self) -> Generator[Any]:
        """Send the first tasks; the iterator of results. Closing it, or dropping it, cancels the loop."""
        results = self._results()
        next(results)  # runs to its first yield, so that its `finally` holds from now on
        return results

    def collect(self) -> list[Any]:
        """All results, in order."""
        try:
            self.begin()
            while self.supply():
                self._wait()
                self._take()
            self.leave(None)
        except BaseException as error:
            self.leave(error)
            raise
        parts = self._parts
        if len(parts) == 1:
            return parts.popitem()[1]
        results: list[Any] = []
        for first in sorted(parts):
            results += parts.pop(first)
        return results

    def _results(self) -> Generator[Any]:
        try:
            self.begin()
            yield None
            while self.supply():
                self._wait()
                for part in self.advance():
                    part.reverse()
                    while part:  # let go of each as it is handed over
                        yield part.pop()
                        self.given += 1
            for part in self.due():
                self.given += len(part)
                yield from part
            self.leave(None)
        except BaseException as error:
            self.leave(error)
            raise

    def _wait(self) -> None:
        completions = self._runner.completions
        while not completions:
            try:
                completions.wait(self.deadline())
            except DeadlineExceeded:
                self.stop_overdue()

    @property
    def completions(self) -> Completions[Batch]:
        """Where its batches arrive."""
        return self._runner.completions

    # -- the steps -----------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Send the first tasks."""
        limit = self._pre_dispatch
        while not self._exhausted and (limit is None or self._next_index < limit):
            size = self._sizes.size
            self._send_next(size if limit is None else min(size, limit - self._next_index))

    def supply(self) -> bool:
        """See to it that a batch is under way; False where all tasks have ended, and due() gives what is left."""
        while not self._under_way and not self._exhausted:
            self._send_next(self._sizes.size)
        return bool(self._under_way)

    def deadline(self) -> float | None:
        """When stop_overdue() has something to do, in monotonic seconds; None for never."""
        timeout = self._policy.timeout
        if timeout is None:
            return None
        soonest = clock.now() + timeout  # one that has not begun cannot be overdue earlier
        for batch in self._first_in_line():
            if batch.id in self._starting:
                soonest = min(soonest, clock.now() + _STARTING_S)
            elif batch.began and batch.id not in self._overrun:
                soonest = min(soonest, batch.began + timeout)
        return soonest

    def stop_overdue(self) -> None:
        """Stop tasks that run for longer than their time. Raises TaskTimeout where that ends the loop."""
        timeout = self._policy.timeout
        if timeout is None:
            return
        now = clock.now()
        for batch in self._first_in_line():
            if not batch.began or batch.id in self._overrun or now < batch.began + timeout:
                continue
            if not self._runner.has_begun(batch):
                self._starting.add(batch.id)
            elif batch.id in self._starting:
                self._starting.discard(batch.id)
                batch.began = now
            else:
                self._stop(batch, timeout)

    def _stop(self, batch: Batch, timeout: float) -> None:
        error = task_timeout(
            f"{batch.task_text(0)} has not ended within timeout={timeout:g} s; "
            "pass a longer timeout, or None for no limit",
            batch.first,
            batch.tasks[0],
        )
        if self._policy.ends_loop(error, self._runs.get(batch.first, 0) + 1):
            raise error
        self._overrun[batch.id] = error
        self._runner.stop(batch)

    def advance(self) -> list[list[Any]]:
        """Take a batch that came, and send more; the results that are due now, as lists."""
        self._take()
        return self.due()

    def due(self) -> list[list[Any]]:
        """The results that are due, as lists, which are the caller's from now on."""
        parts = self._parts
        if not self._ordered:
            self._parts = {}
            return list(parts.values())
        ready = []
        while self._due in parts:
            part = parts.pop(self._due)
            self._due += len(part)
            ready.append(part)
        return ready

    def leave(self, error: BaseException | None) -> None:
        """The loop has ended: with its last result, or by this error, which is given the results that are left."""
        if self._left:
            return
        self._left = True
        if self._observer is not None:
            self._observer.close()
        if error is None:
            self._runner.close()
        else:
            self._runner.cancel()
            if not isinstance(error, GeneratorExit):
                self._attach_results(error)
        if self._begin_ns:
            ring.emit("parallel", "loop", self._runner.id, 0, self._begin_ns, ring.now_ns())

    # -- sending -------------------------------------------------------------------------------------------------

    def _send_next(self, size: int) -> None:
        """Send the next `size` tasks of the iterator, or as many as it has."""
        tasks = take(self._tasks, size)
        if len(tasks) < size:
            self._exhausted = True
        if tasks:
            first = self._next_index
            self._next_index += len(tasks)
            self._send(first, tasks)

    def _send(self, first: int, tasks: Sequence[Task]) -> None:
        try:
            self._under_way[first] = self._runner.submit(first, tasks)
            self.batches += 1
        except TransportError as error:
            if self._policy.fail_fast:
                raise
            if len(tasks) == 1:
                self._failed(first, tasks[0], error)
            else:  # find the one that is to blame
                for offset, task in enumerate(tasks):
                    self._send(first + offset, [task])

    def _send_again(self, first: int, tasks: Sequence[Task]) -> None:
        """Send tasks that a failure left over, in pieces that double: each of them may fail, too."""
        size = 1
        while tasks:
            self._send(first, tasks[:size])
            first += size
            tasks = tasks[size:]
            size *= 2

    def _first_in_line(self) -> list[Batch]:
        """The batches that may have begun: workers take them in the order they were sent."""
        return list(islice(self._under_way.values(), 2 * self._runner.limit + len(self._overrun)))

    # -- receiving -----------------------------------------------------------------------------------------------

    def _take(self) -> None:
        """Take in one batch that has come back. Where that is interrupted, leave() finds it again."""
        completions = self._runner.completions
        batch = completions.first()
        if not batch.tasks:  # the word that the pool was shut down
            raise batch.error or AssertionError("a batch without tasks came back, and no error with it")
        del self._under_way[batch.first]
        if batch.error is None and batch.death is None:
            self._sizes.learn(len(batch.tasks), batch.seconds)
            if not self._exhausted:
                self._send_next(self._sizes.size)
        batch.settle()
        overrun = self._overrun.pop(batch.id, None) if self._overrun else None
        if overrun is not None:
            if isinstance(batch.error, PoolError):  # it would not be stopped, and cost a worker
                overrun.add_note(str(batch.error))
            self._failed(batch.first, batch.tasks[0], overrun)
        elif batch.error is not None:
            self._take_failed(batch, batch.error)
        else:
            self._record(batch.first, batch.results)
        completions.drop()
        batch.results = []

    def _take_failed(self, batch: Batch, error: BaseException) -> None:
        """One of its tasks failed: keep what came before, and send again what did not get its turn."""
        first, tasks, at = batch.first, batch.tasks, batch.failed_at
        blamed = at or 0
        if self._policy.ends_loop(error, self._runs.get(first + blamed, 0) + 1):
            self._keep(first, batch.results)
            self._failed(first + blamed, tasks[blamed], error)
        if at is None:  # they travelled together, and nobody knows which one is to blame
            for offset, task in enumerate(tasks):
                self._send(first + offset, [task])
            return
        if len(batch.results) == at:
            self._keep(first, batch.results)
        else:  # lost with the worker
            self._send_again(first, tasks[:at])
        self._failed(first + at, tasks[at], error)
        self._send_again(first + at + 1, tasks[at + 1 :])

    def _keep(self, first: int, results: list[Any]) -> None:
        if results:
            self._record(first, results)

    def _failed(self, index: int, task: Task, error: BaseException) -> None:
        """Run the task again, take the error for its result, or raise it."""
        runs = self._runs[index] = self._runs.get(index, 0) + 1
        if self._policy.retries.allow(error, runs):
            self._send(index, [task])
            return
        if runs > 1:
            error.add_note(f"it was run {runs} times")
        if self._policy.ends_loop(error, runs):
            raise error
        self._record(index, [error])

    def _record(self, first: int, results: list[Any]) -> None:
        self._parts[first] = results
        self.done += len(results)
        if self._observer is not None:
            self._observer.advance(self.done)

    def _attach_results(self, error: BaseException) -> None:
        """Give the error what has ended and was given to nobody."""
        completions = self._runner.completions
        completions.hear()
        while completions:
            batch = completions.take()
            try:
                batch.settle()
            except Exception:  # it has failed, and one error is told already
                continue
            if batch.results:
                self._parts[batch.first] = batch.results
        results = {first + at: value for first, part in self._parts.items() for at, value in enumerate(part)}
        try:
            error.results = results  # type: ignore[attr-defined]
        except Exception:  # the class has no room for it
            pass
