"""Where worker processes come from.

A process with one OS thread and no hub forks its workers itself: nothing can hold a lock at that moment. Any other has
them forked by a fork server: a fresh, single-threaded interpreter that is started once, imports what workers need, and
runs nothing of the parent's `__main__`. Either way a worker has one end of a socket pair, the read end of the lifeline
(see `worker`) and a page for its progress.

What every served worker must do first (aliases of module names, say) is registered with `at_worker_start`; a forked
one has it already.

Launcher.fork() belongs to the thread that found can_fork() true; everything else to the pool's thread. Cost: 1 to 3 ms
a fork; the server takes an interpreter start once.
"""

from __future__ import annotations

import mmap
import os
import pickle
import select
import signal
import socket
import sys
from typing import Any

from plait._base import natives
from plait.parallel.errors import PoolError
from plait.parallel.pool import forksafety, worker
from plait.parallel.pool.progress import PAGE_BYTES, Progress

_START_S = 30.0  # to import plait on a loaded machine
_REPORT_S = 0.5  # how long an ended worker's status may take from the server
_GRACE_S = 0.2  # between a worker's closing its channel and its end

_poll = natives.poll
_start_hooks: list[tuple[str, str, tuple[Any, ...]]] = []


def at_worker_start(module: str, function: str, *args: Any) -> None:
    """Have every worker of a fork server call module.function(*args) before its first task."""
    hook = (module, function, args)
    if hook not in _start_hooks:
        _start_hooks.append(hook)


class Process:
    """A worker process as its parent holds it."""

    __slots__ = ("_server", "_status", "channel", "peak_bytes", "pid", "pidfd", "progress")

    def __init__(self, pid: int, channel: socket.socket, page: mmap.mmap, server: ForkServer | None) -> None:
        self.pid = pid
        self.channel = channel
        self.progress = Progress(page)
        self.pidfd = os.pidfd_open(pid)
        self._server = server
        self._status: int | None = None
        self.peak_bytes = 0  # the most memory that it held; known once it was collected

    def signal(self, number: int) -> None:
        """Send a signal; nothing where the process has ended. The descriptor cannot mean another process."""
        if self.pidfd < 0:
            return
        try:
            signal.pidfd_send_signal(self.pidfd, number)
        except ProcessLookupError:
            pass

    def ended(self, within_s: float = 0.0) -> bool:
        poller = _poll()
        poller.register(self.pidfd, select.POLLIN)
        return bool(poller.poll(within_s * 1000))

    def collect(self) -> int | None:
        """Close all that belongs to a worker that has ended, or ends now; its exit code, -N for signal N.

        One that has closed its channel and lives on is killed after a grace period.
        """
        if self.pidfd < 0:
            return self._status
        if not self.ended(_GRACE_S):
            self.signal(signal.SIGKILL)
            self.ended(_GRACE_S * 10)
        if self._server is not None:
            self._status, self.peak_bytes = self._server.status(self.pid)
        else:
            self._status, self.peak_bytes = _reap(self.pid)
        self.release()
        return self._status

    def release(self) -> None:
        """Close this process's descriptors, whatever becomes of the worker."""
        if self.pidfd >= 0:
            os.close(self.pidfd)
            self.pidfd = -1
            self.channel.close()
            self.progress.close()


def _reap(pid: int) -> tuple[int | None, int]:
    """Exit code and most bytes held, of a child that has ended."""
    try:
        _, status, usage = natives.wait4(pid, 0)
    except ChildProcessError:  # the user's own wait() was quicker, or SIGCHLD is ignored
        return None, 0
    return os.waitstatus_to_exitcode(status), usage.ru_maxrss * 1024


class Launcher:
    """Makes workers, and holds the lifeline that they live on."""

    def __init__(self) -> None:
        self._lifeline_read, self._lifeline = os.pipe()
        self._server: ForkServer | None = None

    def can_fork(self) -> bool:
        return forksafety.can_fork()

    def fork(self) -> Process:
        """A worker that is a copy of this process. Only where can_fork()."""
        ours, theirs = socket.socketpair()
        page_fd = os.memfd_create("plait-progress")
        try:
            os.ftruncate(page_fd, PAGE_BYTES)
            for stream in (sys.stdout, sys.stderr):  # or both would write what is buffered now
                if stream is not None:
                    stream.flush()
            # Taken before the fork: the hook that runs in the child closes the launcher's own.
            lifeline = os.dup(self._lifeline_read)
            try:
                pid = natives.fork()
                if not pid:
                    worker.run(theirs, page_fd, lifeline)
            finally:
                os.close(lifeline)
            return Process(pid, ours, mmap.mmap(page_fd, PAGE_BYTES), None)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
            os.close(page_fd)

    def serve(self) -> Process:
        """A worker from the fork server, which is started where there is none. Raises PoolError, OSError."""
        ours, theirs = socket.socketpair()
        page_fd = os.memfd_create("plait-progress")
        try:
            os.ftruncate(page_fd, PAGE_BYTES)
            if self._server is None or not self._server.alive():
                self.close_server()
                self._server = ForkServer(self._lifeline_read)
            pid = self._server.spawn(theirs.fileno(), page_fd)
            return Process(pid, ours, mmap.mmap(page_fd, PAGE_BYTES), self._server)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
            os.close(page_fd)

    def close_server(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def close(self) -> None:
        """Let go of the lifeline: whoever lives on it ends."""
        self.close_server()
        self.release()

    def release(self) -> None:
        """Close descriptors only, as a forked child must."""
        if self._lifeline >= 0:
            os.close(self._lifeline)
            os.close(self._lifeline_read)
            self._lifeline = -1
        if self._server is not None:
            self._server.release()


class ForkServer:
    """The parent's side of the server process: one request at a time, over a socket pair."""

    def __init__(self, lifeline_read: int) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._statuses: dict[int, tuple[int, int]] = {}
        try:
            self._pid = _start_interpreter(theirs.fileno())
            self._pidfd = os.pidfd_open(self._pid)
        except BaseException:
            self._control.close()
            raise
        finally:
            theirs.close()
        self._control.settimeout(_START_S)
        socket.send_fds(self._control, [pickle.dumps(_start_hooks)], [lifeline_read])

    def alive(self) -> bool:
        poller = _poll()
        poller.register(self._pidfd, select.POLLIN)
        return not poller.poll(0)

    def spawn(self, channel_fd: int, page_fd: int) -> int:
        """Have a worker forked on these two descriptors; its pid."""
        self._control.settimeout(_START_S)
        try:
            socket.send_fds(self._control, [b"spawn"], [channel_fd, page_fd])
            while True:
                kind, *values = self._receive()
                if kind == "spawned":
                    return int(values[0])
                if kind == "failed":
                    raise PoolError(f"the fork server could not fork a worker: {values[0]}")
        except (OSError, EOFError) as error:
            raise PoolError(f"the fork server (process {self._pid}) does not answer: {error!r}") from error

    def status(self, pid: int) -> tuple[int | None, int]:
        """Exit code and most bytes held of an ended worker; (None, 0) where the server reports nothing in time."""
        self._control.settimeout(_REPORT_S)
        try:
            while pid not in self._statuses:
                self._receive()
        except (OSError, EOFError):
            return None, 0
        return self._statuses.pop(pid)

    def _receive(self) -> tuple[Any, ...]:
        data = self._control.recv(65536)
        if not data:
            raise EOFError("the fork server has closed its control channel")
        message: tuple[Any, ...] = pickle.loads(data)
        if message[0] == "ended":
            self._statuses[message[1]] = message[2:]
        return message

    def close(self) -> None:
        """End the server; its workers have ended, or are killed by the lifeline."""
        if self._pidfd < 0:
            return
        self._control.close()
        poller = _poll()
        poller.register(self._pidfd, select.POLLIN)
        if not poller.poll(_REPORT_S * 1000):
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        _reap(self._pid)
        self.release()

    def release(self) -> None:
        if self._pidfd >= 0:
            self._control.close()
            os.close(self._pidfd)
            self._pidfd = -1


def _start_interpreter(control_fd: int) -> int:
    """Start `forkserver.main` on descriptor 3, with this interpreter's flags, import path and arguments."""
    code = (
        "import sys; "
        f"sys.path[:] = {[entry for entry in sys.path if isinstance(entry, str)]!r}; sys.argv[:] = {sys.argv!r}; "
        "from plait.parallel.pool.forkserver import main; main(3)"
    )
    import subprocess  # here alone: most programs never need a fork server

    flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    # posix_spawn, not fork: other threads may hold locks. dup2 onto the same number clears close-on-exec.
    return os.posix_spawn(
        sys.executable,
        [sys.executable, *flags, "-c", code],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_DUP2, control_fd, 3)],
    )
