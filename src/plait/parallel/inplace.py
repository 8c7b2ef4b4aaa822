"""A loop without workers: the caller runs each task when its result is wanted, and takes the next one after it.

As `loop`, with one task at a time: so nothing runs that nobody asked for, and there is no limit to a task's time.
Cost: some 1 us a task.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import Any

from plait._base.call import split
from plait.parallel import nesting
from plait.parallel.failures import FailurePolicy
from plait.parallel.naming import call_text, function_name, note_task
from plait.parallel.outcome import new_call
from plait.parallel.progress import Observer
from plait.parallel.tracebacks import trim
from plait.trace import ring


class InPlaceLoop:
    """The tasks of one call, in the caller's own greenlet or thread."""

    in_place = True

    def __init__(
        self,
        tasks: Iterator[Any],
        policy: FailurePolicy,
        observer: Observer | None = None,
        scope: nesting.Scope | None = None,
    ) -> None:
        """observer: is told of `done` after each task. scope: what the tasks are inside of, if not the caller's."""
        self.done = 0  # tasks that have ended
        self.exhausted = False
        self._tasks = tasks
        self._policy = policy
        self._observer = observer
        self._scope = scope
        self._id = new_call()
        self._begin_ns = ring.now_ns() if ring.enabled else 0

    @property
    def sent(self) -> int:
        """Nothing is under way between two tasks."""
        return self.done

    batches = given = sent

    def start(self) -> Generator[Any]:
        """The iterator of results; each task runs when its result is asked for."""
        return self._results()

    def collect(self) -> list[Any]:
        """All results. An error that ends the loop carries those before it, by index: `error.results`."""
        results: list[Any] = []
        try:
            results.extend(self._results())
        except BaseException as error:
            try:
                error.results = dict(enumerate(results))  # type: ignore[attr-defined]
            except Exception:  # the class has no room for it
                pass
            raise
        return results

    def _results(self) -> Generator[Any]:
        observer, run = self._observer, self._run_traced if ring.enabled else _run
        if self._scope is not None:
            run = self._inside(self._scope, run)
        try:
            for item in self._tasks:
                function, args, kwargs = split(item)
                try:
                    value = run(function, args, kwargs)
                except BaseException as error:
                    value = self._failed(error, run, function, args, kwargs)
                del item, args, kwargs  # while the next task is made, nothing of this one is kept
                self.done += 1
                if observer is not None:
                    observer.advance(self.done)
                yield value
                del value
            self.exhausted = True
        finally:
            if observer is not None:
                observer.close()
            if self._begin_ns:
                ring.emit("parallel", "loop", self._id, 0, self._begin_ns, ring.now_ns())

    def _failed(self, error: BaseException, run: Any, function: Any, args: Any, kwargs: Any) -> Any:
        """Run the task again as often as the policy has it; its result, or the error that is."""
        runs = 1
        while self._policy.retries.allow(error, runs):
            try:
                return run(function, args, kwargs)
            except BaseException as again:
                error = again
                runs += 1
        trim(error)
        note_task(error, f"task {self.done}: {call_text(function, args, kwargs)}")
        if runs > 1:
            error.add_note(f"it was run {runs} times")
        if self._policy.ends_loop(error, runs):
            raise error
        return error

    @staticmethod
    def _inside(scope: nesting.Scope, run: Callable[..., Any]) -> Callable[..., Any]:
        def run_inside(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
            with nesting.inside(scope):
                return run(function, args, kwargs)

        return run_inside

    def _run_traced(self, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        begin_ns = ring.now_ns()
        try:
            return function(*args, **(kwargs or {}))
        finally:
            ring.emit("parallel", "task", self.done, self._id, begin_ns, ring.now_ns(), 0, function_name(function))


def _run(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    return function(*args, **kwargs) if kwargs else function(*args)
