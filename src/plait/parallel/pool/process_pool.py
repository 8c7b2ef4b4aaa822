"""Worker processes: one set a process, warm between calls, driven by one thread.

Protocol. The pool's thread owns every Worker, Run.pending and Run.busy, and nobody else touches them; other threads
post commands to its inbox and ring its bell. It waits in epoll for the bell, the workers' channels and their pidfds.

    worker: idle -> busy (a batch was sent) -> idle (its reply came)
                    busy -> cancelling (CANCEL_SIGNAL sent) -> idle (replied), or killed after GRACE_S
            any -> dead: channel or pidfd says so; its batch fails with WorkerDied, and it is replaced when needed

A worker has one batch at a time: whoever is idle takes the next, so that nothing waits behind a long task.
The pool grows to the largest number that a call asked for. Users' code (in pickling, unpickling) never
runs in this thread.

The thread starts with the first call, after workers were forked from the caller where that is safe (see `launch`);
so a process that never loops over processes stays single-threaded.
"""

from __future__ import annotations

import os
import pickle
import select
import signal
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from plait._base import clock, natives
from plait._base.natives import get_ident
from plait.green.workers import idle
from plait.parallel.completions import Completions
from plait.parallel.errors import PoolError, TransportError, WorkerDied
from plait.parallel.outcome import (
    DONE,
    Batch,
    CallRecord,
    Reply,
    Task,
    Word,
    describe_death,
    listeners,
    new_call,
    stopped,
)
from plait.parallel.pool.launch import Launcher, Process
from plait.parallel.pool.worker import CANCEL_SIGNAL
from plait.parallel.transport import pickling
from plait.parallel.transport.exchange import Exports, Imports, Note, close_all
from plait.parallel.transport.framing import Message, Receiver, Sender
from plait.parallel.transport.packing import DEFAULT_POLICY, ArrayPolicy, Packer
from plait.parallel.transport.segments import SegmentPool
from plait.trace import ring

GRACE_S = 0.5  # from the cancelling signal to SIGKILL
_KNOWN_MAX = 256  # functions that a worker keeps pickled
_STOP_S = 2.0
KEEP_BYTES = 1 << 28  # shared memory that is written again instead of freed
_SHUT_DOWN = "the pool was shut down while the call ran; a new call makes new workers"

_allocate_lock = natives.allocate_lock
_start_new_thread = natives.start_new_thread
_epoll = natives.epoll


class _Worker:
    """The pool's record of one worker process."""

    __slots__ = ("batch", "call", "exports", "imports", "known", "process", "receiver", "run", "sender", "setup")

    def __init__(self, process: Process) -> None:
        process.channel.setblocking(False)
        self.process = process
        self.receiver = Receiver(process.channel)
        self.sender = Sender(process.channel)
        self.exports = Exports()
        self.imports = Imports()
        self.known: set[bytes] = set()  # hashes of the functions that it has
        self.call = 0  # the run whose record it has
        self.setup = b""  # the initializer that has run there
        self.batch: Batch | None = None
        self.run: ProcessRun | None = None


class ProcessRun:
    """One call's use of the worker processes. Batches come back through `completions`, in the order they end."""

    def __init__(self, pool: ProcessPool, limit: int, record: CallRecord, fail_fast: bool, arrays: ArrayPolicy) -> None:
        self.id = new_call()
        self.limit = limit
        self.record = record
        self.fail_fast = fail_fast  # the first error ends the run; else only its batch
        self.completions: Completions[Batch] = Completions()
        self.pending: deque[Batch] = deque()
        self.busy: set[_Worker] = set()
        self.closed = False
        self.blobs: dict[bytes, bytes] = {}
        self._pool = pool
        self._packer = Packer(pool.segments, arrays._replace(label=f"{arrays.label}-{self.id}"))
        self._hashes: dict[int, tuple[Any, bytes]] = {}  # id -> the function, kept alive, and its hash

    def submit(self, first: int, tasks: list[Task], labels: Sequence[str] | None = None) -> Batch:
        """Have the tasks run, in order, on one worker. Raises TransportError, naming the task, if they cannot be sent.

        Pickles in the caller's thread, so what the tasks hold may change once this has returned.
        """
        batch = Batch(first, tasks, labels)
        positions: dict[bytes, int] = {}
        failure: Exception | None = None
        try:
            calls = [
                (positions.setdefault(self._hash_of(function), len(positions)), args, kwargs)
                for function, args, kwargs in tasks
            ]
            parcel = self._packer.pack(calls)
        except Exception as error:
            failure = error
        if failure is not None:
            self._blame(batch)
            if isinstance(failure, OSError):
                raise TransportError(
                    f"{batch.task_text(0)}: its arguments cannot be sent to a worker process: {failure.strerror}; "
                    'pass less at once, or use backend="threading"'
                ) from failure
            raise failure
        batch.message = [b"".join(positions), *parcel.parts]
        batch.enclosures = parcel.enclosures
        if not self._pool.post(self._enqueue, batch):
            raise PoolError(_SHUT_DOWN)
        return batch

    def stop(self, batch: Batch) -> None:
        """Cancel one batch, as cancel() does. It comes back with an error, unless it ends by itself first."""
        self._pool.post(self._pool.stop_batch, self, batch)

    def cancel(self) -> None:
        """What has not started never starts; what runs is interrupted, or after GRACE_S killed. Does not wait."""
        self._packer.clear()
        if not self.closed:
            self.closed = True
            self._pool.post(self._pool.cancel, self)

    def close(self) -> None:
        """All batches have come back."""
        self._packer.clear()
        if not self.closed:
            self.closed = True
            self._pool.post(self._pool.forget, self)

    def _enqueue(self, batch: Batch) -> None:
        if not self.closed:
            self.pending.append(batch)

    def _hash_of(self, function: Callable[..., Any]) -> bytes:
        known = self._hashes.get(id(function))
        if known is None:
            blob = pickling.dumps(function)
            digest = pickling.content_hash(blob)
            self.blobs[digest] = blob
            known = self._hashes[id(function)] = function, digest
        return known[1]

    def _blame(self, batch: Batch) -> None:
        for offset, (function, args, kwargs) in enumerate(batch.tasks):
            if pickling.failure((function, args, kwargs)) is not None:
                path, reason = pickling.blame_call(function, args, kwargs)
                raise TransportError(
                    f"{batch.task_text(offset)}: {path} cannot be pickled, nor the task to send to a worker process: "
                    f'{type(reason).__name__}: {reason}; pass something that can, or use backend="threading"'
                ) from reason


class ProcessPool:
    """The worker processes of this process."""

    def __init__(self) -> None:
        self.segments = SegmentPool(KEEP_BYTES)
        self._launcher = Launcher()
        self._workers: dict[int, _Worker] = {}  # by descriptor: channel and pidfd both
        self._idle: list[_Worker] = []
        self._runs: deque[ProcessRun] = deque()
        self._size = 0  # workers wanted
        self._doomed: list[tuple[float, _Worker, Batch]] = []  # kill then, if still at that batch
        self._inbox: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._epoll = _epoll()
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll.register(self._bell, select.EPOLLIN)
        self._bell_lock = natives.RLock()  # no bell is rung once it is closed
        self._closed = False  # no more commands
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
        run = ProcessRun(self, limit, record, fail_fast, arrays)
        with self._start_lock:
            if not self._started:
                if self._launcher.can_fork():
                    for _ in range(limit):
                        self._adopt(self._launcher.fork())
                self._started = True
                _start_new_thread(self._serve, ())
        self.post(self._admit, run)
        return run

    def post(self, command: Callable[..., object], *args: Any) -> bool:
        """Have the pool's thread call command(*args); False where the pool has been shut down."""
        with self._bell_lock:
            if self._closed:
                return False
            self._inbox.append((command, args))
            os.eventfd_write(self._bell, 1)
            return True

    def pids(self) -> list[int]:
        """The worker processes that there are."""
        return sorted({worker.process.pid for worker in list(self._workers.values())})

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
        for worker in list(self._workers.values()):
            worker.process.release()
        self._workers.clear()
        self._launcher.release()
        self._epoll.close()
        self._closed = True
        if self._bell >= 0:
            os.close(self._bell)
            self._bell = -1

    # -- the pool's thread ---------------------------------------------------------------------------------------

    def cancel(self, run: ProcessRun) -> None:
        for batch in run.pending:
            batch.message, batch.enclosures = [], ()  # whoever holds the batch holds no memory by it
        run.pending.clear()
        for worker in run.busy:
            self._interrupt(worker)
        self.forget(run)

    def stop_batch(self, run: ProcessRun, batch: Batch) -> None:
        if batch in run.pending:
            run.pending.remove(batch)
            batch.error = stopped(batch, 0)
            run.completions.put(batch)
        for worker in run.busy:
            if worker.batch is batch:
                self._interrupt(worker)

    def _interrupt(self, worker: _Worker) -> None:
        if worker.batch is not None:
            self._doomed.append((clock.now() + GRACE_S, worker, worker.batch))
            worker.process.signal(CANCEL_SIGNAL)

    def forget(self, run: ProcessRun) -> None:
        run.pending.clear()
        if run in self._runs:
            self._runs.remove(run)

    def _admit(self, run: ProcessRun) -> None:
        self._size = max(self._size, run.limit)
        if not run.closed:
            self._runs.append(run)

    def _serve(self) -> None:
        while not self._stopping:
            try:
                self._turn()
            except Exception:  # a defect: say so and go on, since callers wait for us
                traceback.print_exc()
        self._close()
        self._stopped.release()

    def _turn(self) -> None:
        # 1. what callers posted
        while self._inbox:
            command, args = self._inbox.popleft()
            command(*args)
            if self._stopping:
                return
        # 2. idle workers get batches
        self._assign()
        # 3. cancelled tasks that did not end in time
        timeout = self._kill_overdue()
        # 4. the kernel
        for fd, events in self._wait(-1 if timeout is None else timeout):
            if fd == self._bell:
                os.eventfd_read(self._bell)
            else:
                self._attend(fd, events)

    def _wait(self, timeout: float) -> list[tuple[int, int]]:
        idle.add(get_ident())  # whom it wakes says so itself: a hub that asks who else might leaves it out
        try:
            return self._epoll.poll(timeout)
        finally:
            idle.discard(get_ident())

    def _attend(self, fd: int, events: int) -> None:
        worker = self._workers.get(fd)
        if worker is None:  # died in this same turn
            return
        try:
            if fd == worker.process.pidfd:
                self._read(worker, until_empty=True)  # its last reply may be there still
                raise EOFError
            if events & select.EPOLLOUT and worker.sender.flush():
                self._epoll.modify(fd, select.EPOLLIN)
            if events & ~select.EPOLLOUT:
                self._read(worker)
        except (EOFError, OSError):
            self._bury(worker)

    def _read(self, worker: _Worker, until_empty: bool = False) -> None:
        try:
            while True:
                for message in worker.receiver.receive():
                    self._take_reply(worker, message)
                if not until_empty:
                    return
        except BlockingIOError:
            pass

    def _take_reply(self, worker: _Worker, message: Message) -> None:
        reply: Reply | Word = pickle.loads(message[0])
        if isinstance(reply, Word):
            hear = listeners.get(reply.kind)
            if hear is not None and worker.run is not None and worker.run.id == reply.call:
                worker.run.completions.say(hear, reply)
            return
        del message[0]
        if reply.note is not None:
            worker.imports.open(reply.note, message, worker.receiver.descriptors)
        if reply.words:
            worker.exports.release(reply.words)
        if reply.events:
            ring.absorb(reply.events)
        batch, run = worker.batch, worker.run
        if batch is None or run is None or batch.id != reply.batch:
            return
        self._free(worker)
        self._idle.append(worker)
        if not run.closed:
            batch.seconds = clock.now() - batch.began
            batch.reply = reply, message
            run.completions.put(batch)
            if reply.how != DONE and run.fail_fast:
                self._fail(run)

    def _fail(self, run: ProcessRun) -> None:
        """A batch failed, which ends its run: at once, not when the caller gets to hear of it."""
        run.closed = True
        self.cancel(run)

    def _free(self, worker: _Worker) -> None:
        if worker.run is not None:
            worker.run.busy.discard(worker)
        worker.run = worker.batch = None

    def _assign(self) -> None:
        for _ in range(len(self._runs)):
            run = self._runs[0]
            self._runs.rotate(-1)  # the next time another run is first
            while run.pending and len(run.busy) < run.limit:
                worker = self._idle_worker(run)
                if worker is None:
                    break
                self._send(worker, run, run.pending.popleft())

    def _idle_worker(self, run: ProcessRun) -> _Worker | None:
        worker = self._take_idle(run.record.setup)
        if worker is not None:
            return worker
        if len(self._workers) // 2 >= self._size:
            if not self._idle:
                return None
            self._retire(self._idle[0])  # another initializer has run there
        try:
            return self._adopt(self._launcher.serve(), idle=False)
        except (OSError, PoolError) as error:
            if not self._workers:  # nobody is left who could run it
                while run.pending:
                    batch = run.pending.popleft()
                    batch.error = PoolError(f"{batch.task_text(0)}: no worker process could be started: {error}")
                    run.completions.put(batch)
            return None

    def _take_idle(self, setup: bytes) -> _Worker | None:
        """An idle worker in which no other initializer than this has run; a call without one takes any."""
        if not setup:
            return self._idle.pop() if self._idle else None
        for wanted in (setup, b""):
            for worker in reversed(self._idle):
                if worker.setup == wanted:
                    self._idle.remove(worker)
                    return worker
        return None

    def _retire(self, worker: _Worker) -> None:
        """End an idle worker."""
        worker.process.signal(signal.SIGKILL)
        self._bury(worker)

    def _adopt(self, process: Process, idle: bool = True) -> _Worker:
        worker = _Worker(process)
        for fd in (process.channel.fileno(), process.pidfd):
            self._workers[fd] = worker
            self._epoll.register(fd, select.EPOLLIN)
        if idle:
            self._idle.append(worker)
        return worker

    def _send(self, worker: _Worker, run: ProcessRun, batch: Batch) -> None:
        joined = bytes(batch.message[0])
        hashes = [joined[i : i + 16] for i in range(0, len(joined), 16)]
        blobs: dict[bytes, bytes] = {}
        if len(worker.known) > _KNOWN_MAX:
            worker.known.clear()
            blobs[b""] = b""
        for digest in hashes:
            if digest not in worker.known:
                worker.known.add(digest)
                blobs[digest] = run.blobs[digest]
        record = None
        if worker.call != run.id:
            worker.call = run.id
            worker.setup = run.record.setup or worker.setup
            record = run.record
        note: Note | None = None
        descriptors: Sequence[int] = ()
        if batch.enclosures:
            note, descriptors = worker.exports.enclose(batch.enclosures)
            batch.enclosures = ()
        order = (batch.id, run.id, batch.first, hashes, blobs or None, record, note, worker.imports.take_words())
        worker.run, worker.batch = run, batch
        run.busy.add(worker)
        batch.began = clock.now()
        try:
            if not worker.sender.send([pickle.dumps(order, protocol=5), *batch.message[1:]], descriptors):
                self._epoll.modify(worker.process.channel.fileno(), select.EPOLLIN | select.EPOLLOUT)
        except OSError:
            self._bury(worker)
            return
        batch.message = []

    def _bury(self, worker: _Worker) -> None:
        """A worker has ended, or left its channel, which is the same to us."""
        process = worker.process
        for fd in (process.channel.fileno(), process.pidfd):
            self._workers.pop(fd, None)
            try:
                self._epoll.unregister(fd)
            except OSError:
                pass
        if worker in self._idle:
            self._idle.remove(worker)
        batch, run = worker.batch, worker.run
        self._free(worker)
        worker.exports.abandon()
        close_all(worker.receiver.descriptors)
        index = process.progress.read()
        status = process.collect()
        if batch is not None and run is not None and not run.closed:
            offset = min(max(0, index - batch.first), len(batch.tasks) - 1)
            batch.death = WorkerDied(
                f"{describe_death(process.pid, status)} while it ran {batch.task_text(offset)}, "
                f"with at most {process.peak_bytes / 2**20:.0f} MiB of memory; the pool goes on with another worker",
                batch.first + offset,
                batch.tasks[offset],
            )
            run.completions.put(batch)
            if run.fail_fast:
                self._fail(run)

    def _kill_overdue(self) -> float | None:
        """Kill cancelled workers past their grace; seconds until the next is due, None where there is none."""
        now = clock.now()
        waiting = []
        for due, worker, batch in self._doomed:
            if worker.batch is not batch:
                continue
            if due <= now:
                worker.process.signal(signal.SIGKILL)
            else:
                waiting.append((due, worker, batch))
        self._doomed = waiting
        return min(due for due, _, _ in waiting) - now if waiting else None

    def _stop(self) -> None:
        self._stopping = True

    def _close(self) -> None:
        workers = set(self._workers.values())
        for worker in workers:
            if worker.batch is None:
                worker.process.channel.close()
            else:
                worker.process.signal(signal.SIGKILL)
        for worker in workers:
            worker.process.collect()
        self._workers.clear()
        self._idle.clear()
        with self._bell_lock:
            self._closed = True
        for command, args in self._inbox:  # who posted late waits for an answer too
            command(*args)
        for run in self._runs:
            run.completions.put(_stopped_batch())
        self._runs.clear()
        for worker in workers:
            worker.exports.abandon()
            close_all(worker.receiver.descriptors)
        self.segments.trim()
        self._launcher.close()
        self.release()


def _stopped_batch() -> Batch:
    batch = Batch(0, [])
    batch.error = PoolError(_SHUT_DOWN)
    return batch
