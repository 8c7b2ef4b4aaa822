"""What becomes of a batch: the record that a worker sends back, and what the caller makes of it.

A batch is a run of consecutive tasks of one call. Its tasks run in order and end with the first that fails: the reply
says how many succeeded, carries their results, and how the next one failed.
"""

from __future__ import annotations

import itertools
import pickle
import signal
import traceback
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

from plait.parallel.errors import RemoteTaskError, RemoteTraceback, TaskCancelled, TransportError, WorkerDied
from plait.parallel.naming import call_text
from plait.parallel.nesting import IN_PROCESS, Scope
from plait.parallel.transport import pickling
from plait.parallel.transport.exchange import Enclosure, Note
from plait.parallel.transport.framing import Message

_calls = itertools.count(1)
_batches = itertools.count(1)

Task: TypeAlias = tuple[Callable[..., Any], Sequence[Any], dict[str, Any]]

# How a batch ended.
DONE = "done"
RAISED = "raised"  # a task raised; detail: a Failure
UNREADABLE = "unreadable"  # the worker could not unpickle the tasks; detail: a Failure
UNSENDABLE = "unsendable"  # a result could not be pickled; detail: (path, reason)
CANCELLED = "cancelled"  # the caller asked for it


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


class Reply(NamedTuple):
    """A worker's account of one batch. The results' parts follow it in the message."""

    batch: int
    how: str
    detail: Any
    events: list[Any]  # of the trace
    note: Note | None  # which of the parts lie elsewhere
    words: Sequence[int]  # leases that have ended


def new_call() -> int:
    """A number for one use of the pool; the trace knows it by that."""
    return next(_calls)


class Batch:
    """Tasks first .. first+len(tasks)-1 of a call. Written by the thread that runs or dispatches it, then read."""

    __slots__ = (
        "began",
        "death",
        "enclosures",
        "error",
        "first",
        "id",
        "labels",
        "lost",
        "message",
        "reply",
        "results",
        "seconds",
        "shared_blame",
        "tasks",
    )

    def __init__(self, first: int, tasks: list[Task], labels: Sequence[str] | None = None) -> None:
        self.id = next(_batches)
        self.first = first
        self.tasks = tasks
        self.labels = labels  # what errors call the tasks; None for their numbers
        self.message: Message = []  # for a process: hashes of the functions, then the pickled tasks
        self.enclosures: Sequence[Enclosure] = ()  # parts of the message that lie elsewhere
        self.began = 0.0  # monotonic seconds; 0 until a worker has it
        self.seconds = 0.0  # how long it took
        self.results: list[Any] = []
        self.error: BaseException | None = None
        self.reply: tuple[Reply, Message] | None = None  # from a process, results still pickled
        self.death: WorkerDied | None = None
        self.shared_blame = False  # it failed as a whole, on its way
        self.lost = False  # it was given up: whoever runs it still does so for nobody

    @property
    def failed_at(self) -> int | None:
        """Position of the task that failed; None where it may be any of several. For a settled batch with an error.

        Where a worker died, fewer results than that may have come back: those between are lost.
        """
        if self.death is not None and self.death.index is not None:
            return self.death.index - self.first
        if self.shared_blame and len(self.tasks) > 1:
            return None
        return min(len(self.results), len(self.tasks) - 1)

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
        """Make `results` and `error` of what a worker process sent. In the caller's thread: it runs users' code."""
        if self.death is not None:
            self.error = self.death
        if self.reply is None:
            return
        reply, parts = self.reply
        how, detail = reply.how, reply.detail
        self.reply = None
        try:
            self.results = pickling.unpack_value(parts)
        except Exception as error:
            self.error = TransportError(f"{self.task_text(0)}: its result cannot be unpickled here: {error!r}")
            self.error.__cause__ = error
            self.shared_blame = True
            return
        self.shared_blame = how == UNREADABLE
        failed = min(len(self.results), len(self.tasks) - 1)
        if how in (RAISED, UNREADABLE):
            self.error = _rebuild(detail, self.task_text(failed), how)
        elif how == UNSENDABLE:
            path, reason = detail
            self.error = TransportError(f"{self.task_text(failed)}: {path} cannot be pickled: {reason}")
        elif how == CANCELLED:
            self.error = stopped(self, failed)


def stopped(batch: Batch, offset: int) -> TaskCancelled:
    """The error of a batch that stop() ended at its task `offset`."""
    return TaskCancelled(f"{batch.task_text(offset)} was stopped")


def note_task(error: BaseException, text: str) -> None:
    """Say in the exception which task raised it, once."""
    note = f"in {text}"
    if note not in getattr(error, "__notes__", ()):
        error.add_note(note)


def pack_failure(error: BaseException) -> Failure:
    """`error`, raised by a user's function: its traceback begins at that function."""
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    name = f"{type(error).__module__}.{type(error).__qualname__}"
    try:
        pickled: bytes | None = pickling.dumps(error)
        pickle.loads(pickled)  # type: ignore[arg-type]
    except Exception:
        pickled = None
    return Failure(pickled, name.removeprefix("builtins."), str(error), text)


def _rebuild(failure: Failure, task: str, how: str) -> BaseException:
    error: BaseException | None = None
    if how == UNREADABLE:
        error = TransportError(f"{task}: a worker could not unpickle it: {failure.type_name}: {failure.text}")
    elif failure.pickled is not None:
        try:
            error = pickle.loads(failure.pickled)
        except Exception:
            error = None
    if not isinstance(error, BaseException):
        error = RemoteTaskError(f"{task} raised {failure.type_name}: {failure.text}")
    elif how == RAISED:
        note_task(error, task)
    error.__cause__ = RemoteTraceback(failure.traceback)
    return error


def describe_death(pid: int, status: int | None) -> str:
    """How a process ended: its exit code, -N for signal N, None where nobody could collect it."""
    if status is None:
        return f"worker process {pid} ended"
    if status >= 0:
        return f"worker process {pid} left with exit status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    return f"worker process {pid} was killed by {name}"
