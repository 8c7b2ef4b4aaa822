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

import contextlib
import fcntl
import gc
import mmap
import os
import pickle
import signal
import socket
import sys
from array import array
from collections.abc import Callable
from time import monotonic
from types import FrameType
from typing import Any, NoReturn, TypeAlias

from plait._base import natives
from plait.parallel import outcome
from plait.parallel._native.memory import keep_free_memory
from plait.parallel._native.tasks import TaskLoop
from plait.parallel.outcome import CallRecord, Word
from plait.parallel.pool import hooks, memory, output
from plait.parallel.pool.progress import PAGE_BYTES, Progress
from plait.parallel.pool.switchboard import PART, REPLY, WORD, order_head, reply_head
from plait.parallel.transport import pickling
from plait.parallel.transport.exchange import DESCRIPTORS_MAX, Enclosure, Exports, Imports
from plait.parallel.transport.framing import Message, Receiver, Sender
from plait.parallel.transport.packing import OFF, Packer, Parcel
from plait.parallel.transport.segments import SegmentPool
from plait.trace import ring

FREE_BYTES = 1 << 26  # that the C library keeps when it is freed, for the next task's arrays
MAP_BYTES = 1 << 25  # what is larger goes back to the kernel when it is freed
KEEP_BYTES = 1 << 26  # shared memory for results that is written again instead of freed
CANCEL_SIGNAL = signal.SIGRTMIN + 5

_Functions: TypeAlias = dict[int, Callable[..., Any]]


class Cancelled(BaseException):
    """Raised in a task whose caller has left."""


class _Unsendable(Exception):
    """A result cannot be pickled."""

    def __init__(self, path: str, reason: BaseException) -> None:
        self.detail = path, f"{type(reason).__name__}: {reason}"


class _Together:
    """Results that travel in one pickle. Where one is to blame, those before it are sent and those after it dropped."""

    singly = False

    def __init__(self, packer: Packer) -> None:
        self._packer = packer
        self._results: list[Any] = []
        self.keep = self._results.append

    def take(self) -> tuple[int, Parcel]:
        """The results kept since the last time: how many, pickled. Raises _Unsendable; the good ones are kept then."""
        results = self._results
        if not results:
            return 0, Parcel([], ())
        try:
            packed = self._packer.pack(results)
        except OSError as error:  # nothing of them is sent
            results.clear()
            raise _Unsendable("its result", error) from error
        except Exception as error:
            good = _sendable(results)
            reason = _Unsendable(*pickling.blame(results[good], "its result"))
            del results[good:]
            raise reason from error
        count = len(results)
        results.clear()
        return count, packed


class _Singly:
    """Results pickled one by one as they come: a call that goes on after an error stops at the very task to blame."""

    singly = True

    def __init__(self, packer: Packer) -> None:
        self._packer = packer
        self._counts = array("I")
        self._parts: Message = [b""]  # the counts come first
        self._enclosures: list[Enclosure] = []
        self._room = DESCRIPTORS_MAX

    def keep(self, result: Any) -> None:
        try:
            packed = self._packer.pack(result, self._room)
        except OSError as error:
            raise _Unsendable("its result", error) from error
        except Exception as error:
            raise _Unsendable(*pickling.blame(result, "its result")) from error
        self._room -= len({each.segment for each in packed.enclosures})
        self._counts.append(len(packed.parts))
        self._enclosures += [each._replace(part=each.part + len(self._parts)) for each in packed.enclosures]
        self._parts += packed.parts

    def take(self) -> tuple[int, Parcel]:
        counts, packed = self._counts, Parcel(self._parts, self._enclosures)
        packed.parts[0] = counts.tobytes()
        self._counts, self._parts, self._enclosures = array("I"), [b""], []
        self._room = DESCRIPTORS_MAX
        return len(counts), packed if counts else Parcel([], ())


class _Worker:
    """This process's side of the channel."""

    def __init__(self, channel: socket.socket, progress: Progress) -> None:
        self._receiver = Receiver(channel)
        self._sender = Sender(channel)
        self._progress = progress
        self._loop = TaskLoop(progress)
        self._in_batch = False
        self._pid = os.getpid()
        self._thread = natives.get_ident()
        self._send_lock = natives.allocate_lock()  # threads of a task may say something, too
        self._telling = self._cancelled = False
        self._forwarding = output.Forwarding(self.tell)
        self._refused: Exception | None = None  # why this call's tasks cannot run here
        self._memory = memory.Watch()
        self._exports = Exports()
        self._imports = Imports()
        self._packer = Packer(SegmentPool(KEEP_BYTES), OFF)
        self._blobs: dict[bytes, bytes] = {}  # pickled functions by content hash; the parent knows what is here
        self._call = 0  # the call that what follows belongs to
        self._record = CallRecord()
        self._fail_fast = True
        self._table: list[bytes] = []  # its functions, pickled
        self._functions: _Functions = {}  # and those that were unpickled, by number

    def serve(self) -> None:
        while True:
            for message in self._receiver.receive():
                self._answer(message)

    def on_cancel(self, _signal: int, _frame: FrameType | None) -> None:
        if self._telling:  # not within a frame
            self._cancelled = True
        elif self._loop.interruptible():
            raise Cancelled

    def flush_output(self) -> None:
        """Have out what was printed."""
        self._forwarding.flush()

    def tell(self, kind: str, data: Any) -> bool:
        """Say something to the parent, where `outcome.listeners[kind]` hears it; any thread.

        False where there is nobody to hear it: between batches, and in a child that a task has forked.
        """
        if not self._in_batch or os.getpid() != self._pid:
            return False
        head = reply_head(WORD, 0, 0, 0, False, False, False, False, False, False, 0.0)
        word = [head, pickling.dumps(Word(self._call, self._progress.read(), kind, data))]
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

    def _answer(self, message: Message) -> None:
        began = monotonic()
        self._in_batch = True
        shape, slot, functions, has_record, forget, has_words, has_note, function, call, first = order_head(message[0])
        del message[0]
        if has_record:
            self._begin_call(call, *pickle.loads(message.pop(0)))
        if forget:
            self._blobs.clear()
        for _ in range(functions):
            self._learn(bytes(message[0]), bytes(message[1]))
            del message[:2]
        note = pickle.loads(message.pop(0)) if has_note else None
        if has_words:
            self._exports.release(memoryview(message.pop(0)).cast("q"))
        if note is not None:
            self._imports.open(note, message, self._receiver.descriptors)
        results = _Together(self._packer) if self._fail_fast else _Singly(self._packer)
        how, detail = self._run(slot, first, shape, function, message, results)
        self._reply(slot, how, detail, results, began)

    def _begin_call(self, call: int, record: CallRecord, fail_fast: bool) -> None:
        """The next batches are another call's."""
        self._call, self._record, self._fail_fast = call, record, fail_fast
        self._table.clear()
        self._functions.clear()  # it must not see the other's globals
        try:
            hooks.begin_call(record, self._forwarding)
            self._refused = None
        except Exception as error:
            self._refused = error

    def _learn(self, digest: bytes, blob: bytes) -> None:
        if blob:
            self._blobs[digest] = blob
        self._table.append(self._blobs[digest])

    def _run(
        self, slot: int, first: int, shape: int, number: int, parts: Message, results: _Together | _Singly
    ) -> tuple[int, Any]:
        if self._refused is not None:
            return outcome.RAISED, outcome.pack_failure(self._refused)
        self._progress.note(first)  # to blame where unpickling kills the process
        try:
            function = None if number < 0 else self._function(number)
            calls = pickling.unpack_value(parts)
            if shape == outcome.CALLS:
                calls = [(self._function(f) if type(f) is int else f, args, kwargs) for f, args, kwargs in calls]
        except Exception as error:
            self._progress.note(-1)
            return outcome.UNREADABLE, outcome.pack_failure(error)
        parts.clear()

        def flush() -> None:
            self._send(PART, slot, outcome.DONE, None, results, False, 0.0)

        try:
            unary = shape == outcome.UNARY
            done = self._loop.run(slot, first, function, calls, unary, results.keep, flush, self._call)
        except Cancelled:
            return outcome.CANCELLED, None
        except _Unsendable as error:
            return outcome.UNSENDABLE, error.detail
        except BaseException as error:
            # the first two frames are this function's and the loop's
            error.__traceback__ = _without(error, 2)
            return outcome.RAISED, outcome.pack_failure(error)
        return outcome.DONE if done else outcome.CANCELLED, None

    def _reply(self, slot: int, how: int, detail: Any, results: _Together | _Singly, began: float) -> None:
        leaving = self._memory.look(monotonic() - began)
        try:
            self._send(REPLY, slot, how, detail, results, leaving, began)
        except _Unsendable as error:
            self._send(REPLY, slot, outcome.UNSENDABLE, error.detail, results, leaving, began)

    def _send(
        self, kind: int, slot: int, how: int, detail: Any, results: _Together | _Singly, leaving: bool, began: float
    ) -> None:
        """Send the results there are. Raises _Unsendable, having sent nothing, where one cannot be pickled."""
        count, packed = results.take()
        note, descriptors = self._exports.enclose(packed.enclosures) if packed.enclosures else (None, ())
        head: Message = []
        words = self._imports.take_words()
        if words:
            head.append(array("q", words).tobytes())
        tracing = kind == REPLY and self._record.tracing
        if tracing:
            head.append(pickle.dumps(ring.drain(), protocol=5))
        if detail is not None:
            head.append(pickle.dumps(detail, protocol=5))
        if note is not None:
            head += [array("Q", [inode for inode, *_ in note[0]]).tobytes(), pickle.dumps(note, protocol=5)]
        self.flush_output()  # what a task printed is out before its result: the parent may end at once
        seconds = monotonic() - began
        first = reply_head(
            kind,
            how,
            slot,
            count,
            detail is not None,
            tracing,
            results.singly,
            leaving,
            note is not None,
            bool(words),
            seconds,
        )
        with self._send_lock:
            self._in_batch = kind != REPLY
            self._sender.send([first, *head, *packed.parts], descriptors)
        if note is not None:
            self._exports.sent(note)

    def _function(self, number: int) -> Callable[..., Any]:
        """The call's function of that number, unpickled once a call."""
        function = self._functions.get(number)
        if function is None:
            function = self._functions[number] = pickle.loads(self._table[number])
        return function


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
        keep_free_memory(FREE_BYTES, MAP_BYTES)
        gc.freeze()  # what was copied is never collected, so never touched
        worker.serve()
    except (EOFError, ConnectionError):
        status = 0
    except BaseException:  # a defect, or this process cannot be a worker: say why, where it is seen
        import traceback

        with contextlib.suppress(OSError):
            os.write(2, traceback.format_exc().encode(errors="replace"))
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
            try:
                os.dup2(null, fd, inheritable=False)
            except OSError:  # a number above the limit of open files, which is not given out again
                os.close(fd)
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


def _without(error: BaseException, frames: int) -> Any:
    trace = error.__traceback__
    for _ in range(frames):
        if trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
    return trace


def _ignore(_signal: int, _frame: FrameType | None) -> None:
    pass
