"""A worker process: receives batches, runs them, sends replies, until its channel ends.

One thread, so that a task may fork. The process
 - holds no descriptor of its parent's but its channel: sockets, pipes and the like that a fork copied are replaced by
   /dev/null under the same number, since a Python object may still own that number;
 - dies with its parent: the kernel sends SIGKILL when the last write end of the lifeline, a pipe that only the parent
   holds, is closed, even while a task runs (PR_SET_PDEATHSIG would fire when the forking thread ends);
 - ignores Ctrl-C, which the terminal sends to all: the parent decides, and cancels with CANCEL_SIGNAL, which raises
   inside the user's function only;
 - leaves by os._exit, so that no exit handler or parked `finally` of the parent runs twice;
 - notes which task it runs in a shared page, so that its death can be blamed on that task.
"""

from __future__ import annotations

import fcntl
import gc
import mmap
import os
import pickle
import signal
import socket
import struct
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, NoReturn

from plait._base import natives
from plait.parallel import outcome
from plait.parallel.naming import function_name
from plait.parallel.outcome import CallRecord, Reply, Word
from plait.parallel.pool import hooks, output
from plait.parallel.transport import pickling
from plait.parallel.transport.exchange import Exports, Imports, Note
from plait.parallel.transport.framing import Message, Receiver, Sender
from plait.parallel.transport.packing import OFF, Packer, Parcel
from plait.parallel.transport.segments import SegmentPool
from plait.trace import ring

CANCEL_SIGNAL = signal.SIGRTMIN + 5
PAGE_BYTES = mmap.PAGESIZE
KEEP_BYTES = 1 << 26  # shared memory for results that is written again instead of freed
_INDEX = struct.Struct("=q")


class Cancelled(BaseException):
    """Raised in a task whose caller has left."""


class Progress:
    """Index of the task under way, in a page shared by worker and parent; -1 between tasks."""

    __slots__ = ("_page",)

    def __init__(self, page: mmap.mmap) -> None:
        self._page = page

    def note(self, index: int) -> None:
        _INDEX.pack_into(self._page, 0, index)

    def read(self) -> int:
        return int(_INDEX.unpack_from(self._page, 0)[0])

    def close(self) -> None:
        self._page.close()


class _Worker:
    """This process's side of the channel."""

    def __init__(self, channel: socket.socket, progress: Progress) -> None:
        self._receiver = Receiver(channel)
        self._sender = Sender(channel)
        self._progress = progress
        self._exports = Exports()
        self._imports = Imports()
        self._packer = Packer(SegmentPool(KEEP_BYTES), OFF)
        self._blobs: dict[bytes, bytes] = {}  # pickled functions by content hash; the parent knows what is here
        self._call = 0  # the call that _functions and _record belong to
        self._record = CallRecord()
        self._functions: dict[bytes, Callable[..., Any]] = {}
        self._in_task = False
        self._batch = -1  # the one under way
        self._pid = os.getpid()
        self._thread = natives.get_ident()
        self._send_lock = natives.allocate_lock()  # threads of a task may say something, too
        self._telling = self._cancelled = False
        self._forwarding = output.Forwarding(self.tell)
        self._refused: Exception | None = None  # why this call's tasks cannot run here

    def serve(self) -> None:
        while True:
            for message in self._receiver.receive():
                answer, note, descriptors = self._answer(message)
                self.flush_output()  # what a task printed is out before its result: the parent may end at once
                with self._send_lock:
                    self._batch = -1
                    self._sender.send(answer, descriptors)
                if note is not None:
                    self._exports.sent(note)

    def on_cancel(self, _signal: int, _frame: FrameType | None) -> None:
        if self._telling:  # not within a frame
            self._cancelled = True
        elif self._in_task:
            self._in_task = False
            raise Cancelled

    def _answer(self, message: Message) -> tuple[Message, Note | None, Sequence[int]]:
        """The reply to a batch, with the note in it, and the descriptors that go with it."""
        batch, call, first, hashes, blobs, record, enclosed, words = pickle.loads(message[0])
        self._batch = batch
        if words:
            self._exports.release(words)
        del message[0]
        if enclosed is not None:
            self._imports.open(enclosed, message, self._receiver.descriptors)
        if record is not None:
            self._begin_call(call, record)
        how, detail, results = self._run(call, first, hashes, blobs, message)
        packed: Parcel | None = None
        while packed is None:
            try:
                packed = self._packer.pack(results)
            except Exception:  # find the first result that is to blame; those before it count
                good = _sendable(results)
                how, detail = outcome.UNSENDABLE, _said(*pickling.blame(results[good], "its result"))
                del results[good:]
        del results[:]  # leases end with what they hold
        events = ring.drain() if self._record.tracing else []
        note: Note | None = None
        descriptors: Sequence[int] = ()
        if packed.enclosures:
            note, descriptors = self._exports.enclose(packed.enclosures)
        reply = Reply(batch, how, detail, events, note, self._imports.take_words())
        return [pickle.dumps(reply, protocol=5), *packed.parts], note, descriptors

    def tell(self, kind: str, data: Any) -> bool:
        """Say something to the parent, where `outcome.listeners[kind]` hears it; any thread.

        False where there is nobody to hear it: between batches, and in a child that a task has forked.
        """
        if self._batch < 0 or os.getpid() != self._pid:
            return False
        word = [pickling.dumps(Word(self._call, self._progress.read(), kind, data))]
        if natives.get_ident() != self._thread:
            with self._send_lock:
                self._sender.send(word)
            return True
        self._telling = True
        try:
            with self._send_lock:
                self._sender.send(word)
        finally:
            self._telling = False
        if self._cancelled:
            self._cancelled = False
            self.on_cancel(CANCEL_SIGNAL, None)
        return True

    def flush_output(self) -> None:
        """Have out what was printed."""
        self._forwarding.flush()

    def _begin_call(self, call: int, record: CallRecord) -> None:
        """The next batches are another call's."""
        self._call, self._record = call, record
        self._functions.clear()  # it must not see the other's globals
        try:
            hooks.begin_call(record, self._forwarding)
            self._refused = None
        except Exception as error:
            self._refused = error

    def _run(
        self, call: int, first: int, hashes: list[bytes], blobs: dict[bytes, bytes] | None, parts: Message
    ) -> tuple[str, Any, list[Any]]:
        results: list[Any] = []
        if self._refused is not None:
            return outcome.RAISED, outcome.pack_failure(self._refused), results
        try:
            functions = self._load(hashes, blobs)
            tasks = pickling.unpack_value(parts)
        except Exception as error:
            return outcome.UNREADABLE, outcome.pack_failure(error), results
        del parts[:]
        tasks.reverse()
        index = first
        try:
            while tasks:
                position, args, kwargs = tasks.pop()  # let go of the arguments with the call
                self._progress.note(index)
                begin_ns = ring.now_ns() if ring.enabled else 0
                results.append(self._call_user(functions[position], args, kwargs))
                if begin_ns:
                    name = function_name(functions[position])
                    ring.emit("parallel", "task", index, call, begin_ns, ring.now_ns(), 0, name)
                index += 1
        except Cancelled:
            return outcome.CANCELLED, None, results
        except BaseException as error:
            # the first two frames are this function's and _call_user's
            error.__traceback__ = _without(error, 2)
            return outcome.RAISED, outcome.pack_failure(error), results
        finally:
            self._progress.note(-1)
        return outcome.DONE, None, results

    def _call_user(self, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        self._in_task = True
        try:
            return function(*args, **kwargs)
        finally:
            self._in_task = False

    def _load(self, hashes: list[bytes], blobs: dict[bytes, bytes] | None) -> list[Callable[..., Any]]:
        """The batch's functions, unpickled once a call."""
        if blobs is not None:
            if b"" in blobs:  # the parent has forgotten what is here
                self._blobs.clear()
            self._blobs.update(blobs)
        for digest in hashes:
            if digest not in self._functions:
                self._functions[digest] = pickle.loads(self._blobs[digest])
        return [self._functions[digest] for digest in hashes]


_current: _Worker | None = None


def current() -> _Worker:
    """The worker that this process is. Raises RuntimeError in any other process."""
    if _current is None:
        raise RuntimeError("this is no worker process of the pool; call it from a task")
    return _current


def run(channel: socket.socket, page_fd: int, lifeline_fd: int) -> NoReturn:
    """Be a worker until the channel ends. Called in a process that was just forked; never returns.

    page_fd: a memory file of PAGE_BYTES. lifeline_fd: read end of the lifeline.
    """
    global _current
    status = 1
    try:
        os.set_blocking(channel.fileno(), True)  # one that was made in a patched program is not
        progress = Progress(mmap.mmap(page_fd, PAGE_BYTES))
        worker = _current = _Worker(channel, progress)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGINT, _ignore)  # a handler, not SIG_IGN: programs that a task starts do not inherit it
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(CANCEL_SIGNAL, worker.on_cancel)
        bind_to(lifeline_fd)
        release_descriptors({channel.fileno(), lifeline_fd})
        _stir_random()
        gc.freeze()  # what was copied is never collected, so never touched
        worker.serve()
    except (EOFError, ConnectionError):
        status = 0
    finally:
        if _current is not None:
            _current.flush_output()
        os._exit(status)


def bind_to(lifeline_fd: int) -> None:
    """Have the kernel kill this process when the lifeline's last write end is closed."""
    # Opened anew, since owner and signal belong to the open file, which a fork shares.
    own = os.open(f"/proc/self/fd/{lifeline_fd}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    os.dup2(own, lifeline_fd, inheritable=False)
    os.close(own)
    fcntl.fcntl(lifeline_fd, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline_fd, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(lifeline_fd, fcntl.F_SETFL, fcntl.fcntl(lifeline_fd, fcntl.F_GETFL) | os.O_ASYNC)
    try:
        if os.read(lifeline_fd, 1) == b"":  # closed before the kernel was told
            os._exit(0)
    except BlockingIOError:
        pass


def release_descriptors(kept: set[int]) -> None:
    """Let go of every socket, pipe, epoll set and the like but `kept` and the standard ones; files stay open."""
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    for name in os.listdir("/proc/self/fd"):
        fd = int(name)
        if fd > 2 and fd != null and fd not in kept and _is_endpoint(fd):
            os.dup2(null, fd, inheritable=False)
    os.dup2(null, 0)
    os.close(null)


def _is_endpoint(fd: int) -> bool:
    try:
        target = os.readlink(f"/proc/self/fd/{fd}")
    except OSError:
        return False
    return target.startswith(("socket:", "pipe:", "anon_inode:"))


def _stir_random() -> None:
    """Give this process random numbers of its own; the standard module does it itself."""
    module = sys.modules.get("numpy.random")
    if module is not None:
        module.seed()


def _sendable(results: list[Any]) -> int:
    """How many results can be pickled, from the first on."""
    for count, result in enumerate(results):
        try:
            pickling.pack_value(result)
        except Exception:
            return count
    return len(results) - 1  # each alone can: blame the last


def _said(path: str, reason: BaseException) -> tuple[str, str]:
    return path, f"{type(reason).__name__}: {reason}"


def _without(error: BaseException, frames: int) -> Any:
    trace = error.__traceback__
    for _ in range(frames):
        if trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
    return trace


def _ignore(_signal: int, _frame: FrameType | None) -> None:
    pass
