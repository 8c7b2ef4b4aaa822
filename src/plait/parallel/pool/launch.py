"""Where worker processes come from.

A process with one OS thread and no hub forks its workers itself: nothing can hold a lock at that moment. Any other has
them forked by a fork server: a fresh, single-threaded interpreter that is started once, imports what workers need, and
runs nothing of the parent's `__main__`. Either way a worker has one end of a socket pair, the read end of the lifeline
(see `worker`) and a page for its progress.

What every served worker must do first (aliases of module names, say) is registered with `at_worker_start`; a forked
one has it already.

The start method is "auto", which is the above, unless the environment (PLAIT_START_METHOD, JOBLIB_START_METHOD) or the
pool says another: "fork", where the user vouches that it is safe; "forkserver"; "spawn", an interpreter a worker.

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
import warnings
from collections.abc import Callable
from typing import Any

from plait._base import natives
from plait.parallel.errors import PoolError
from plait.parallel.pool import forksafety, worker
from plait.parallel.pool.progress import PAGE_BYTES, Progress
from plait.parallel.pool.servers import ForkServer, Server, Template, reap, start_interpreter

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

    def __init__(self, pid: int, channel: socket.socket, page: mmap.mmap, server: Server | None) -> None:
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
            self._status, self.peak_bytes = reap(self.pid)
        self.release()
        return self._status

    def release(self) -> None:
        """Close this process's descriptors, whatever becomes of the worker."""
        if self.pidfd >= 0:
            os.close(self.pidfd)
            self.pidfd = -1
            self.channel.close()
            self.progress.close()


METHODS = ("auto", "fork", "forkserver", "spawn")
_VARIABLES = ("PLAIT_START_METHOD", "JOBLIB_START_METHOD")


def check_method(method: str) -> str:
    """A start method's name; joblib's "loky" is "auto". Raises ValueError."""
    if method == "loky":
        return "auto"
    if method not in METHODS:
        raise ValueError(f"start method {method!r} is not known; pass one of {', '.join(map(repr, METHODS))}")
    return method


def default_method() -> str:
    """What the environment says, else "auto"."""
    return check_method(next((value for name in _VARIABLES if (value := os.environ.get(name))), "auto"))


class Launcher:
    """Makes workers, and holds the lifeline that they live on."""

    def __init__(self, method: str | None = None) -> None:
        """method: "auto"; "fork", where the caller vouches for it; "forkserver"; "spawn". None: by the environment."""
        self.method = default_method() if method is None else check_method(method)
        self._lifeline_read, self._lifeline = os.pipe()
        self._server: ForkServer | None = None
        self._template: Template | None = None
        self._template_wanted = True

    def can_fork(self) -> bool:
        """Whether to fork, and now: as the method says, and where it is safe (see `forksafety`)."""
        return self.method == "fork" or (self.method == "auto" and forksafety.can_fork())

    def fork_some(self, count: int) -> list[Process]:
        """So many workers that are copies of this process, fewer where there is no room. Only where can_fork().

        Raises PoolError where not even one can be made.
        """
        made: list[Process] = []
        try:
            while len(made) < count:
                made.append(self.fork())
        except OSError as error:
            if not made:
                raise PoolError(
                    f"no worker process could be forked: {error.strerror or error}; "
                    "allow this user more processes, memory or open files, or ask for fewer workers"
                ) from error
        return made

    def fork(self) -> Process:
        """A worker that is a copy of this process. Only where can_fork(). Raises OSError."""
        for stream in (sys.stdout, sys.stderr):  # or both would write what is buffered now
            try:
                if stream is not None:
                    stream.flush()
            except (OSError, ValueError):  # closed, or nobody reads it
                pass
        return self._make(self._fork)

    def serve(self) -> Process:
        """A worker of a process of its own, or of the fork server, started where there is none.

        Raises PoolError, OSError.
        """
        return self._make(self._exec if self.method == "spawn" else self._ask)

    def _make(self, start: Callable[[socket.socket, int], tuple[int, Server | None]]) -> Process:
        """Start a worker; nothing is left behind where that fails."""
        ours, theirs = socket.socketpair()
        page_fd = -1
        try:
            page_fd = os.memfd_create("plait-progress")
            os.ftruncate(page_fd, PAGE_BYTES)
            page = mmap.mmap(page_fd, PAGE_BYTES)
            pid, server = start(theirs, page_fd)
            try:
                return Process(pid, ours, page, server)
            except BaseException:
                if server is None:
                    os.kill(pid, signal.SIGKILL)
                    reap(pid)
                raise
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
            if page_fd >= 0:
                os.close(page_fd)

    def _fork(self, channel: socket.socket, page_fd: int) -> tuple[int, None]:
        # Taken before the fork: the hook that runs in the child closes the launcher's own.
        lifeline = os.dup(self._lifeline_read)
        try:
            with warnings.catch_warnings():
                # Of threads, which Python 3.12 warns of at every fork: those that matter were counted by can_fork().
                warnings.simplefilter("ignore", DeprecationWarning)
                pid = natives.fork()
            if not pid:
                worker.run(channel, page_fd, lifeline)
            return pid, None
        finally:
            os.close(lifeline)

    def _exec(self, channel: socket.socket, page_fd: int) -> tuple[int, None]:
        code = f"from plait.parallel.pool.forkserver import start_worker; start_worker({pickle.dumps(_start_hooks)!r})"
        return start_interpreter(code, [channel.fileno(), page_fd, self._lifeline_read]), None

    def _ask(self, channel: socket.socket, page_fd: int) -> tuple[int, Server]:
        if self._template is not None and self._template.ready():
            try:
                return self._template.spawn(channel.fileno(), page_fd), self._template
            except PoolError:  # its modules do not let it, or it was killed
                pass
        if self._server is None or not self._server.alive():
            self.close_servers()
            self._server = ForkServer(self._lifeline_read, _start_hooks)
        return self._server.spawn(channel.fileno(), page_fd), self._server

    def prepare(self) -> None:
        """Nothing is to do: have a fork server get the parent's modules ready for the workers to come."""
        if self._server is not None and self._template_wanted:
            self._template_wanted = False
            try:
                self._template = self._server.template()
            except (OSError, PoolError):  # it does without
                pass

    def close_servers(self) -> None:
        """End the fork server and its template."""
        for server in (self._template, self._server):
            if server is not None:
                server.close()
        self._server = self._template = None
        self._template_wanted = True

    def close(self) -> None:
        """Let go of the lifeline: whoever lives on it ends."""
        self.close_servers()
        self.release()

    def release(self) -> None:
        """Close descriptors only, as a forked child must."""
        if self._lifeline >= 0:
            os.close(self._lifeline)
            os.close(self._lifeline_read)
            self._lifeline = -1
        for server in (self._template, self._server):
            if server is not None:
                server.release()
