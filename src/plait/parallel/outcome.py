"""What becomes of a batch: the record that a worker sends back, and what the caller makes of it.

A batch is a run of consecutive tasks of one call. Its tasks run in order and end with the first that fails: the reply
says how many succeeded, carries their results, and how the next one failed.
"""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from plait.parallel.errors import (
    RemoteTaskError,
    RemoteTraceback,
    TaskCancelled,
    TransportError,
    WorkerDied,
    transport_error,
)
from plait.parallel.naming import call_text, note_task
from plait.parallel.nesting import IN_PROCESS, Scope
from plait.parallel.tracebacks import frames_of, traceback_of
from plait.parallel.transport import pickling
from plait.parallel.transport.framing import Message
from plait.parallel.transport.segments import Segment

if TYPE_CHECKING:
    from plait.parallel._native.switchboard import Arrival

_calls = itertools.count(1)
_batches = itertools.count(1)

Task: TypeAlias = tuple[Callable[..., Any], Sequence[Any], dict[str, Any]]

# How a batch ended.
DONE = 0
RAISED = 1  # a task raised; detail: a Failure
UNREADABLE = 2  # the worker could not unpickle the tasks; detail: a Failure
UNSENDABLE = 3  # a result could not be pickled; detail: (path, reason)
CANCELLED = 4  # the caller asked for it

# How a batch's calls are pickled.
CALLS = 0  # (function, arguments, keywords) each; the function may be its number in the call's table
ARGS = 1  # all of one function, without keywords: the arguments of each
UNARY = 2  # and one argument each


class CallRecord(NamedTuple):
    """What a worker must know of a call. Sent once a call and worker; hooks get it (see `pool.hooks`)."""

    cores: int = 1  # the worker's share of the machine
    threads: tuple[str, ...] = ()  # of BLAS and OpenMP in a task (see `pool.threadlimits`)
    tracing: bool = False  # collect events of the trace
    output: Any = None  # what to let through of what tasks say (see `pool.output`); None: lead it nowhere
    scope: Scope = IN_PROCESS  # what its tasks are inside of, for loops that they start
    setup: bytes = b""  # a hash of the initializer; workers that ran another one do not serve this call
    initializer: bytes = b""  # pickled: a function and its arguments, to be called once in a worker
    authkey: bytes | None = None  # of multiprocessing, for its managers' proxies among the arguments


class Failure(NamedTuple):
    """An exception on its way: its pickle, None where it has none that can be loaded, and all that is text."""

    pickled: bytes | None
    type_name: str
    text: str
    traceback: str
    frames: dict[str, Any] | None = None  # of the traceback, as tblib has them; None where that is not installed


class Word(NamedTuple):
    """What a worker says of its own accord while it runs a call's tasks: printed text, a log record, a warning.

    `kind` names the listener (see `listeners`) that the parent gives it to.
    """

    call: int
    task: int  # its index; -1 between tasks
    kind: str
    data: Any


# kind -> what hears such words in the parent, in the call's own thread.
listeners: dict[str, Callable[[Word], object]] = {}


def hear(payload: bytes) -> None:
    """A worker has said something to the call that this thread waits for."""
    word: Word = pickle.loads(payload)
    listener = listeners.get(word.kind)
    if listener is not None:
        listener(word)


def new_call() -> int:
    """A number for one use of the pool; the trace knows it by that."""
    return next(_calls)


class Batch:
    """Tasks first .. first+len(tasks)-1 of a call. Written by the thread that runs or dispatches it, then read."""

    __slots__ = (
        "began",
        "death",
        "error",
        "first",
        "id",
        "labels",
        "leases",
        "lost",
        "message",
        "note",
        "replies",
        "results",
        "seconds",
        "shared_blame",
        "spans",
        "tasks",
        "worker",
        "_failed",
    )

    def __init__(self, first: int, tasks: Sequence[Task], labels: Sequence[str] | None = None) -> None:
        self.id = next(_batches)
        self.first = first
        self.tasks = tasks
        self.labels = labels  # what errors call the tasks; None for their numbers
        self.message: tuple[int, int, Message] | None = None  # for processes: shape, number of the function, parts
        self.note: bytes | None = None  # which of the parts lie in segments
        self.leases: dict[int, Segment] | None = None  # and in which
        self.spans = 0  # workers that have a part of it
        self.began = 0.0  # monotonic seconds; 0 until a worker has it
        self.seconds = 0.0  # how long it took
        self.results: list[Any] = []
        self.error: BaseException | None = None
        # From processes, results still pickled: (position of the first, count, how, detail, whether singly, parts)
        self.replies: list[tuple[int, int, int, Any, int, Arrival]] = []
        self.worker: int | None = None  # pid of the process that answered last
        self.death: WorkerDied | None = None
        self.shared_blame = False  # it failed as a whole, on its way
        self.lost = False  # it was given up: whoever runs it still does so for nobody
        self._failed: int | None = None  # position of the task that failed, where that is not the first without result

    @property
    def failed_at(self) -> int | None:
        """Position of the task that failed; None where it may be any of several. For a settled batch with an error.

        Where a worker died, fewer results than that may have come back: those between are lost.
        """
        if self.death is not None and self.death.index is not None:
            return self.death.index - self.first
        if self.shared_blame and len(self.tasks) > 1:
            return None
        return min(len(self.results), len(self.tasks) - 1) if self._failed is None else self._failed

    def lose(self, error: BaseException) -> Batch:
        """Give it up: what comes back in its place, while a thread that is stuck may still write to this one."""
        self.lost = True
        substitute = Batch(self.first, self.tasks, self.labels)
        substitute.id = self.id
        substitute.error = error
        return substitute

    def task_text(self, offset: int) -> str:
        label = f"task {self.first + offset}" if self.labels is None else self.labels[offset]
        return f"{label}: {call_text(*self.tasks[offset])}"

    def settle(self) -> None:
        """Make `results` and `error` of what worker processes sent. In the caller's thread: it runs users' code.

        Where it was interrupted, a second call goes on.
        """
        if self.death is not None:
            self.error = self.death
        replies = self.replies
        if len(replies) > 1:
            replies.sort(key=_by_begin)
        for begin, count, how, detail, singly, arrival in replies:
            if count and begin + count <= len(self.results):  # before it was interrupted
                continue
            if begin != len(self.results):  # what lies between was lost, or did not end before the batch failed
                break
            if count:
                try:
                    parts = arrival.open()
                    self.results += _unpack_each(parts) if singly else pickling.unpack_value(parts)
                except Exception as error:
                    self._fail_unpacking(begin, count, error)
                    return
            if how != DONE:
                self._fail(begin + count, how, None if detail is None else pickle.loads(detail))
                return
        if replies and self.error is None:  # one of several workers failed, and not the first of them
            for begin, count, how, detail, _, _ in replies:
                if how != DONE:
                    self._fail(begin + count, how, None if detail is None else pickle.loads(detail))
        self.replies = []

    def _fail(self, offset: int, how: int, detail: Any) -> None:
        self._failed = min(offset, len(self.tasks) - 1)
        self.shared_blame = how == UNREADABLE
        task = self.task_text(self._failed)
        if how in (RAISED, UNREADABLE):
            self.error = rebuild(detail, task, how)
        elif how == UNSENDABLE:
            path, reason = detail
            self.error = TransportError(f"{task}: {path} cannot be pickled: {reason}")
        elif how == CANCELLED:
            self.error = stopped(self, self._failed)

    def _fail_unpacking(self, begin: int, count: int, error: Exception) -> None:
        self._failed = begin
        self.shared_blame = count > 1
        self.error = transport_error(f"{self.task_text(begin)}: its result cannot be unpickled here: {error!r}", error)
        self.error.__cause__ = error


def _by_begin(reply: tuple[Any, ...]) -> tuple[int, bool]:
    return reply[0], reply[2] != DONE or not reply[1]  # an empty end comes behind what begins there


def _unpack_each(parts: Message) -> list[Any]:
    """Results that were pickled singly: u32 for each the number of its parts, then the parts."""
    counts, at, results = memoryview(parts[0]).cast("I"), 1, []
    for count in counts:
        results.append(pickling.unpack_value(parts[at : at + count]))
        at += count
    return results


def stopped(batch: Batch, offset: int) -> TaskCancelled:
    """The error of a batch that stop() ended at its task `offset`."""
    return TaskCancelled(f"{batch.task_text(offset)} was stopped")


def pack_failure(error: BaseException) -> Failure:
    """`error`, raised by a user's function: its traceback begins at that function."""
    import traceback  # heavy, and seldom needed

    text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    name = f"{type(error).__module__}.{type(error).__qualname__}"
    try:
        pickled: bytes | None = pickling.dumps(error)
        pickle.loads(pickled)  # type: ignore[arg-type]
    except Exception:
        pickled = None
    return Failure(pickled, name.removeprefix("builtins."), str(error), text, frames_of(error))


def rebuild(failure: Failure, task: str, how: int) -> BaseException:
    """The exception that the caller raises; how: RAISED or UNREADABLE."""
    error: BaseException | None = None
    if how == UNREADABLE:
        text = f"{task}: a worker could not unpickle it: {failure.type_name}: {failure.text}"
        error = transport_error(text, _unpickled(failure))
    else:
        error = _unpickled(failure)
    if error is None:
        error = RemoteTaskError(f"{task} raised {failure.type_name}: {failure.text}")
    elif how == RAISED:
        note_task(error, task)
        error.__traceback__ = traceback_of(failure.frames)
    error.__cause__ = RemoteTraceback(failure.traceback)
    return error


def _unpickled(failure: Failure) -> BaseException | None:
    """The exception that a worker had, where it can be rebuilt."""
    try:
        error = None if failure.pickled is None else pickle.loads(failure.pickled)
    except Exception:
        return None
    return error if isinstance(error, BaseException) else None


def describe_death(pid: int, status: int | None) -> str:
    """How a process ended: its exit code, -N for signal N, None where nobody could collect it."""
    if status is None:
        return f"worker process {pid} ended"
    if status >= 0:
        return f"worker process {pid} left with exit status {status}"
    import signal  # seldom needed

    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    return f"worker process {pid} was killed by {name}"
