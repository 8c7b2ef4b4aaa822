"""Worker processes: one set a process, warm between calls.

Who has which batch, and who reads what workers say, is the part of `switchboard`: native, from any thread. Here is the
policy, in the pool's own thread: starting workers, burying those that died, cancelling. It waits for the bell, the
workers' pidfds and, where nobody else reads them, their channels.

    worker: idle -> busy (batches were sent) -> idle (the last reply came)
                    busy -> cancelling (CANCEL_SIGNAL sent) -> idle (replied), or killed after GRACE_S
            any -> dead: pidfd or channel says so; the batch that ran fails with WorkerDied, those that it had not
                   begun go to others, and it is replaced when needed
            any -> leaving: it has grown too large (see `memory`), says so, and is let go when its last batch is back

A cancelled batch is marked in the worker's page before the signal is sent: a signal that comes late, when another task
runs, finds no mark and does nothing.

The pool grows to the largest number that a call asked for. Users' code (in pickling, unpickling) never runs in this
thread. The thread starts with the first call, after workers were forked from the caller where that is safe (see
`launch`); so a process that never loops over processes stays single-threaded.
"""

from __future__ import annotations

import pickle
import signal
from collections import deque
from collections.abc import Callable, Sequence
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from plait._base import clock, natives
from plait._base.natives import get_ident
from plait.green.workers import idle
from plait.parallel._native.batches import Tasks
from plait.parallel.budget import cpu_count
from plait.parallel.completions import Completions
from plait.parallel.errors import PoolError, TransportError, WorkerDied
from plait.parallel.outcome import (
    CALLS,
    Batch,
    CallRecord,
    Task,
    describe_death,
    new_call,
    stopped,
)
from plait.parallel.pool.idleness import IDLE_S, Idleness
from plait.parallel.pool.launch import Launcher, Process
from plait.parallel.pool.switchboard import Link, Run, Span, Switchboard
from plait.parallel.pool.worker import CANCEL_SIGNAL
from plait.parallel.transport import pickling
from plait.parallel.transport.exchange import close_all, draw_up
from plait.parallel.transport.packing import DEFAULT_POLICY, ArrayPolicy, Packer
from plait.parallel.transport.segments import SegmentPool
from plait.trace import ring

KEEP_BYTES = 1 << 28  # shared memory that is written again instead of freed
GRACE_S = 0.5  # from the cancelling signal to SIGKILL
_FUNCTIONS_MAX = 64  # of one call that workers are sent once; further ones travel with their tasks
_STOP_S = 2.0
_SHUT_DOWN = "the pool was shut down while the call ran; a new call makes new workers"

_allocate_lock = natives.allocate_lock
_start_new_thread = natives.start_new_thread


class ProcessRun(Run):
    """One call's use of the worker processes. Batches come back through `completions`, in the order they end."""

    _pool: ProcessPool
    _packer: Packer
    _numbers: dict[int, tuple[Any, int]]
    _digests: dict[bytes, int]

    def submit(self, first: int, tasks: Sequence[Task], labels: Sequence[str] | None = None) -> Batch:
        """Have the tasks run, in order, on a worker. Raises TransportError, naming the task, if they cannot be sent.

        Pickles and sends in the caller's thread, so what the tasks hold may change once this has returned.
        """
        batch = Batch(first, tasks, labels)
        failure: Exception | None = None
        try:
            self._pack(batch)
        except Exception as error:
            failure = error
        if failure is not None:
            self._blame(batch)
            if isinstance(failure, OSError):
                raise TransportError(
                    f"{batch.task_text(0)}: its arguments cannot be sent to a worker process: {failure.strerror}; "
                    "pass less at once, or run it on threads"
                ) from failure
            raise failure
        if not self._pool.switchboard.submit(self, batch, len(tasks)):
            raise PoolError(_SHUT_DOWN)
        return batch

    def has_begun(self, batch: Batch) -> bool:
        """Whether a worker has begun it, or has ended it already; False while its worker still starts."""
        return self._pool.switchboard.has_begun(batch)

    def stop(self, batch: Batch) -> None:
        """Cancel one batch, as cancel() does. It comes back with an error, unless it ends by itself first."""
        self._pool.post(self._pool.stop_batch, self, batch)

    def cancel(self) -> None:
        """What has not started never starts; what runs is interrupted, or after GRACE_S killed. Does not wait."""
        self._packer.clear()
        if not self.closed:
            self._pool.switchboard.retire(self)
            self._pool.post(self._pool.cancel, self)

    def close(self) -> None:
        """All batches have come back."""
        self._packer.clear()
        if not self.closed:
            self._pool.switchboard.retire(self)

    def _pack(self, batch: Batch) -> None:
        """Pickle the batch's calls. All is copied, since it may be sent later, or again."""
        tasks = Tasks.of(batch.tasks)
        shape, calls = tasks.shape, tasks.calls
        number = -1 if tasks.function is None else self._number(tasks.function)
        if not isinstance(number, int):  # it travels with each task
            shape, number, calls = CALLS, -1, list(tasks)
        elif shape == CALLS:
            calls = [(self._number(function), args, kwargs) for function, args, kwargs in calls]
        parcel = self._packer.pack(calls)
        batch.message = shape, number, parcel.parts
        if parcel.enclosures:
            note, batch.leases = draw_up(parcel.enclosures)
            batch.note = pickle.dumps(note, protocol=5)

    def _number(self, function: Callable[..., Any]) -> Any:
        """The function's number in the call's table; itself where it travels with each batch."""
        known = self._numbers.get(id(function))
        if known is not None:
            return known[1]
        if len(self._numbers) >= _FUNCTIONS_MAX or not _is_constant(function):
            return function
        blob = pickling.dumps(function)
        digest = pickling.content_hash(blob)
        number = self._digests.setdefault(digest, len(self.functions))
        if number == len(self.functions):
            self.functions.append((digest, blob))
        self._numbers[id(function)] = function, number
        return number

    def _blame(self, batch: Batch) -> None:
        for offset, (function, args, kwargs) in enumerate(batch.tasks):
            if pickling.failure((function, args, kwargs)) is not None:
                path, reason = pickling.blame_call(function, args, kwargs)
                raise TransportError(
                    f"{batch.task_text(offset)}: {path} cannot be pickled, nor the task to send to a worker process: "
                    f"{type(reason).__name__}: {reason}; pass something that can, or run it on threads"
                ) from reason


def _is_constant(function: Callable[..., Any]) -> bool:
    """Whether the function is the same however often it is pickled: nothing that holds state of its own."""
    if isinstance(function, BuiltinFunctionType):
        return isinstance(function.__self__, ModuleType)
    return isinstance(function, FunctionType | type)


class ProcessPool:
    """The worker processes of this process."""

    def __init__(self, start_method: str | None = None) -> None:
        """start_method: how workers are started (see `launch`); None: by the environment."""
        self.segments = SegmentPool(KEEP_BYTES)
        self._launcher = Launcher(start_method)
        try:
            self.switchboard = Switchboard(_hear, cpu_count())
        except OSError:  # no descriptors are left
            self._launcher.close()
            raise
        self._pidfds: dict[int, Link] = {}
        self._doomed: list[tuple[float, Link, Span]] = []  # kill then, if still at that span
        self.idle_s = IDLE_S  # after which an idle worker is let go
        self._idleness = Idleness()
        self._inbox: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._lock = natives.RLock()  # no command is posted once it is closed
        self._closed = False
        self._start_lock = _allocate_lock()
        self._started = False
        self._stopping = False
        self._stopped = _allocate_lock()
        self._stopped.acquire()

    # -- any thread ----------------------------------------------------------------------------------------------

    def open(
        self, limit: int, record: CallRecord, fail_fast: bool = True, arrays: ArrayPolicy = DEFAULT_POLICY
    ) -> ProcessRun:
        """A run on at most `limit` workers, each of which is told the record.

        fail_fast: the first error ends the run; else a failure or a worker's death ends its batch only.
        arrays: how large ones reach the tasks.
        """
        told = pickle.dumps((record, fail_fast), protocol=5)
        run = ProcessRun(new_call(), limit, told, record.setup, fail_fast, Completions(source=self.switchboard))
        run._pool, run._numbers, run._digests = self, {}, {}
        run._packer = Packer(self.segments, arrays._replace(label=f"{arrays.label}-{run.id}"))
        if not self._started:
            self._start(limit)
        self.switchboard.admit(run)
        return run

    def _start(self, limit: int) -> None:
        """Fork workers, where that is safe, and start the thread. Raises PoolError; nothing is left then."""
        with self._start_lock:
            if self._started:
                return
            if self._launcher.can_fork():
                for process in self._launcher.fork_some(limit):
                    self._adopt(process)
            try:
                _start_new_thread(self._serve, ())
            except RuntimeError as error:
                self._end_workers()
                raise PoolError(f"no thread could be started for the pool: {error}; allow it more threads") from error
            self._started = True

    def post(self, command: Callable[..., object], *args: Any) -> bool:
        """Have the pool's thread call command(*args); False where the pool has been shut down."""
        with self._lock:
            if self._closed:
                return False
            self._inbox.append((command, args))
            self.switchboard.ring()
            return True

    def pids(self) -> list[int]:
        """The worker processes that there are."""
        return sorted(link.process.pid for link in list(self.switchboard.links))

    def stop(self) -> None:
        """End all workers and the thread. Idle ones leave by themselves, busy ones are killed."""
        if self._stopping:
            return
        if self._started:
            self.post(self._stop)
            if not self._stopped.acquire(timeout=_STOP_S):
                self.release()
        else:
            self._stopping = True
            self._close()

    def release(self) -> None:
        """In a forked child: close all descriptors and touch nothing else."""
        self._stopping = True
        for link in list(self.switchboard.links):
            link.process.release()
        self._launcher.release()
        self._closed = True
        self.switchboard.close()

    # -- the pool's thread ---------------------------------------------------------------------------------------

    def cancel(self, run: ProcessRun) -> None:
        for link, span in self.switchboard.cancel_spans(run):
            self._interrupt(link, span)

    def stop_batch(self, run: ProcessRun, batch: Batch) -> None:
        if self.switchboard.withdraw(run, batch):
            batch.error = stopped(batch, 0)
            self.switchboard.deliver(run, batch)
            return
        for link, span in self.switchboard.cancel_spans(run, batch):
            self._interrupt(link, span)

    def _interrupt(self, link: Link, span: Span) -> None:
        self._doomed.append((clock.now() + GRACE_S, link, span))
        link.process.signal(CANCEL_SIGNAL)

    def _serve(self) -> None:
        while not self._stopping:
            try:
                self._turn()
            except Exception:  # a defect: say so and go on, since callers wait for us
                import traceback

                traceback.print_exc()
        self._close()
        self._stopped.release()

    def _turn(self) -> None:
        switchboard = self.switchboard
        # 1. what callers posted
        while self._inbox:
            command, args = self._inbox.popleft()
            command(*args)
            if self._stopping:
                return
        # 2. runs that an error has ended, workers that have left
        for run in switchboard.take_failed():
            for link, span in switchboard.cancel_spans(run):
                self._interrupt(link, span)
        for link in list(switchboard.broken):
            self._bury(link)
        # 3. what nobody could send, and workers that are missing
        switchboard.assign_all()
        self._grow()
        # 4. cancelled tasks that did not end in time
        timeout = self._kill_overdue()
        # 5. nothing to do
        timeout = self._let_go_idle(timeout)
        # 6. the kernel
        for fd in self._wait(-1 if timeout is None else timeout):
            ended = self._pidfds.get(fd)
            if ended is not None:
                self._bury(ended)

    def _wait(self, timeout: float) -> list[int]:
        idle.add(get_ident())  # whom it wakes says so itself: a hub that asks who else might leaves it out
        try:
            return self.switchboard.poll(timeout)
        finally:
            idle.discard(get_ident())

    def _grow(self) -> None:
        switchboard = self.switchboard
        while switchboard.wants and len(switchboard.links) < switchboard.size:
            try:
                self._adopt(self._launcher.serve())
            except (OSError, PoolError) as error:
                if not switchboard.links:  # nobody is left who could run it
                    self._refuse_all(error)
                return
            switchboard.assign_all()

    def _refuse_all(self, error: Exception) -> None:
        for run in list(self.switchboard.runs):
            for batch in self.switchboard.take_pending(run):
                batch.error = PoolError(f"{batch.task_text(0)}: no worker process could be started: {error}")
                self.switchboard.deliver(run, batch)

    def _adopt(self, process: Process) -> None:
        process.channel.setblocking(False)
        self.switchboard.watch(process.pidfd)
        self._pidfds[process.pidfd] = self.switchboard.adopt(process)

    def _bury(self, link: Link) -> None:
        """A worker has ended, left its channel, which is the same to us, or is to leave."""
        process = link.process
        self._pidfds.pop(process.pidfd, None)
        self.switchboard.unwatch(process.pidfd)
        spans = self.switchboard.remove(link, read_rest=True)
        index = process.progress.read()
        link.exports.abandon()
        close_all(link.descriptors)
        if link.leaving:
            process.channel.close()
        status = process.collect()
        for position, span in enumerate(spans):
            if span.begun == span.begin and (position or index < 0):
                self.switchboard.send_again(span)
            else:
                self._report_death(process, status, span, index)

    def _report_death(self, process: Process, status: int | None, span: Span, index: int) -> None:
        batch: Batch = span.batch
        offset = index - batch.first
        if not span.begin <= offset < span.end:  # it died between two tasks
            offset = max(span.begin, span.begun - 1)
        batch.death = WorkerDied(
            f"{describe_death(process.pid, status)} while it ran {batch.task_text(offset)}, "
            f"with at most {process.peak_bytes / 2**20:.0f} MiB of memory; the pool goes on with another worker",
            batch.first + offset,
            batch.tasks[offset],
        )
        self.switchboard.deliver(span.run, batch)

    def _kill_overdue(self) -> float | None:
        """Kill cancelled workers past their grace; seconds until the next is due, None where there is none."""
        now = clock.now()
        waiting = []
        for due, link, span in self._doomed:
            if link.front is not span:
                continue
            if due <= now:
                link.process.signal(signal.SIGKILL)
            else:
                waiting.append((due, link, span))
        self._doomed = waiting
        return min(due for due, _, _ in waiting) - now if waiting else None

    def _let_go_idle(self, timeout: float | None) -> float | None:
        """Let workers go that were idle for long, and the fork server with the last; seconds until the next is due."""
        switchboard = self.switchboard
        overdue, due = self._idleness.look(switchboard.links, clock.now(), self.idle_s)
        for link in overdue:
            switchboard.dismiss(link)
        if not switchboard.runs:
            if switchboard.links:
                self._launcher.prepare()
            else:
                self._launcher.close_servers()
        return due if timeout is None else timeout if due is None else min(timeout, due)

    def _stop(self) -> None:
        self._stopping = True

    def _end_workers(self) -> None:
        """Idle ones leave by themselves, busy ones are killed."""
        links = list(self.switchboard.links)
        for link in links:
            if link.busy:
                link.process.signal(signal.SIGKILL)
            self.switchboard.remove(link, read_rest=False)
            link.process.channel.close()
        for link in links:
            link.process.collect()
            link.exports.abandon()
            close_all(link.descriptors)
        self._pidfds.clear()

    def _close(self) -> None:
        self._end_workers()
        self.segments.trim()
        with self._lock:
            self._closed = True
        self._inbox.clear()
        for run in list(self.switchboard.runs):
            self.switchboard.retire(run)
            run.completions.put(_stopped_batch())
        self._launcher.close()
        self.release()


def _hear(link: Link, kind: str, payload: Any) -> None:
    """A worker has ended leases, or sent events of the trace."""
    if kind == "words":
        while link.words:  # told before it is forgotten: an exception of a signal's handler may come in between
            link.exports.release(link.words[:1])
            del link.words[0]
        return
    ring.absorb(pickle.loads(payload))


def _stopped_batch() -> Batch:
    batch = Batch(0, [])
    batch.error = PoolError(_SHUT_DOWN)
    return batch
