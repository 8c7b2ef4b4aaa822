"""The loop of worker processes: sends ready nodes in batches, and takes in what comes back. One thread or greenlet.

    loop = ProcessLoop(runner, allowed_failures)
    loop.start(job)       any thread
    loop.run()            until all jobs have ended

Batches are of one job each, sized by measured time. What is cheaper to do than to send is done here.

When a worker dies, the results that its batch had not sent are lost, and their nodes run again: at least once. The node
that was running runs alone then. After so many deaths beyond the first (`multiprocessing.allowed-failures`, 3), it is
taken for their cause and ends its job, named in the error. Rejected: to count deaths of the whole batch, which blames
nodes that had not begun.

Cost: 1.5 us a node here, and what the pool takes for its batch.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from operator import getitem
from typing import TYPE_CHECKING, Any

from plait.lazy.loops import Job
from plait.lazy.plain import identity
from plait.parallel.batching import AutoBatches
from plait.parallel.errors import WorkerDied
from plait.parallel.outcome import Batch, Task

if TYPE_CHECKING:
    from plait.parallel.backends.base import Runner


class _State:
    """What a loop knows of a job beside its execution."""

    __slots__ = ("again", "deaths", "sizes")

    def __init__(self) -> None:
        self.sizes = AutoBatches()
        self.again: deque[list[int]] = deque()  # nodes to be sent again, in these batches
        self.deaths: dict[int, int] = {}  # node -> workers that died of it


class ProcessLoop:
    """Keeps worker processes supplied with the ready nodes of jobs."""

    def __init__(self, runner: Runner, allowed_failures: int) -> None:
        self._runner = runner
        self._allowed = allowed_failures
        self._told: deque[Job] = deque()  # jobs that were started or stopped, for run()
        self._jobs: dict[Job, _State] = {}  # those that have not ended
        self._ready: dict[Job, None] = {}  # those that may have nodes to send
        self._sent: dict[int, tuple[Job, list[int]]] = {}  # batch id -> its nodes

    def start(self, job: Job) -> None:
        self._tell(job)

    def stop(self, job: Job) -> None:
        job.execution.ended = True
        for batch in list(job.items):
            self._runner.stop(batch)
        self._tell(job)

    def cancel(self) -> None:
        for job in [*self._told, *self._jobs]:
            job.execution.ended = True
        self._runner.cancel()

    def fail(self, error: BaseException) -> None:
        """None of the jobs can go on."""
        for job in [*self._told, *self._jobs]:
            job.end(error)
        self._runner.cancel()

    @property
    def has_jobs(self) -> bool:
        """Whether there is something for run() to do."""
        return bool(self._jobs or self._told)

    def run(self) -> None:
        """Serve jobs until all have ended. Raises what is thrown in while it waits; jobs' errors are theirs."""
        while True:
            while self._told:
                job = self._told.popleft()
                if job.execution.ended:
                    self._forget(job)
                else:
                    self._jobs[job] = _State()
                    self._ready[job] = None
            self._send_all()
            if not self.has_jobs:
                return
            if self._sent:
                self._take()

    def close(self) -> None:
        """run() has returned, and nobody starts jobs any more."""
        if self._sent:  # of jobs that failed, or were stopped
            self._runner.cancel()
        else:
            self._runner.close()

    def _tell(self, job: Job) -> None:
        self._told.append(job)
        self._runner.completions.put(None)  # type: ignore[arg-type]

    def _forget(self, job: Job) -> None:
        self._jobs.pop(job, None)
        self._ready.pop(job, None)

    def _end(self, job: Job, error: BaseException | None) -> None:
        self._forget(job)
        job.end(error)
        for batch in list(job.items):  # the others have nobody to run for
            self._runner.stop(batch)

    # -- sending -------------------------------------------------------------------------------------------------

    def _send_all(self) -> None:
        while self._ready and len(self._sent) < 2 * self._runner.limit:
            job = next(iter(self._ready))
            if job.execution.ended or not (self._jobs[job].again or job.execution.ready):
                del self._ready[job]
                continue
            try:
                self._send(job)
            except Exception as error:
                self._end(job, error)

    def _send(self, job: Job) -> None:
        execution, again = job.execution, self._jobs[job].again
        numbers = again.popleft() if again else execution.take_many(self._fair(job))
        tasks: list[Task] = []
        sent: list[int] = []
        plain: Any = getitem  # a function whose calls are sent without a further look
        for number, task in zip(numbers, execution.tasks(numbers), strict=True):
            if task[0] is plain is not getitem or not self._done_here(job, number, task):
                plain = task[0]
                tasks.append(task)
                sent.append(number)
        if not sent:
            if not execution.unfinished:
                self._end(job, None)
            return
        nodes = execution.arena.nodes
        batch = self._runner.submit(sent[0], tasks, _Labels(nodes, sent))
        job.items.add(batch)
        self._sent[batch.id] = job, sent
        if execution.ended:  # it was stopped by another thread, which does not know of this batch
            self._runner.stop(batch)

    def _fair(self, job: Job) -> int:
        return min(self._jobs[job].sizes.size, -(-job.execution.ready // self._runner.limit))

    def _done_here(self, job: Job, number: int, task: Task) -> bool:
        """Do what costs less than to send, such as to give an item of a value that is here; and what the run owns."""
        function, args, _ = task
        if function is identity or hasattr(function, "__plait_here__"):  # what the run itself owns
            job.execution.finish(number, function(*args))
            return True
        if function is not getitem or type(args[0]) not in (list, tuple, dict):
            return False
        try:
            value = args[0][args[1]]
        except (LookupError, TypeError):  # a worker says so, as of any task
            return False
        job.execution.finish(number, value)
        return True

    # -- receiving -----------------------------------------------------------------------------------------------

    def _take(self) -> None:
        batch: Batch | None = self._runner.completions.take()
        if batch is None:  # somebody wants run() to look around
            return
        if batch.id not in self._sent:
            if batch.error is not None:  # the word that the pool was shut down
                raise batch.error
            return
        job, numbers = self._sent.pop(batch.id)
        job.items.discard(batch)
        execution = job.execution
        if execution.ended:
            return
        try:
            self._settle(job, batch, numbers)
        except Exception as error:
            self._end(job, error)
            return
        if execution.unfinished:
            self._ready[job] = None
        else:
            self._end(job, None)

    def _settle(self, job: Job, batch: Batch, numbers: list[int]) -> None:
        """Take in the results of a batch. Raises the error that ends its job."""
        if batch.error is None and batch.death is None:
            self._jobs[job].sizes.learn(len(numbers), batch.seconds)
        batch.settle()
        results = batch.results
        if isinstance(batch.error, WorkerDied):
            self._send_again(job, batch, numbers)
        elif batch.error is not None:
            raise batch.error
        execution = job.execution
        if execution.observer is not None:
            execution.observer.worker = batch.worker
        execution.finish_all(numbers, results)
        if execution.observer is not None:
            execution.observer.worker = None

    def _send_again(self, job: Job, batch: Batch, numbers: list[int]) -> None:
        """A worker died: the node that it ran runs alone, what was lost with it once more. Raises the last time."""
        state = self._jobs[job]
        lost = numbers[len(batch.results) :]
        at = batch.failed_at
        blamed = lost[0] if at is None or numbers[at] not in lost else numbers[at]
        deaths = state.deaths[blamed] = state.deaths.get(blamed, 0) + 1
        if deaths > self._allowed:
            assert batch.error is not None
            if deaths > 1:
                batch.error.add_note(f"it was run {deaths} times, and each time its worker died")
            raise batch.error
        others = [number for number in lost if number != blamed]
        state.again.extend([[blamed], others] if others else [[blamed]])


class _Labels(Sequence[str]):
    """What errors call the tasks of a batch: keys, made when somebody asks."""

    __slots__ = ("_nodes", "_numbers")

    def __init__(self, nodes: list[Any], numbers: list[int]) -> None:
        self._nodes = nodes
        self._numbers = numbers

    def __getitem__(self, offset: Any) -> Any:
        return str(self._nodes[self._numbers[offset]].key)

    def __len__(self) -> int:
        return len(self._numbers)
