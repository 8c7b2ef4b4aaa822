"""The parent's side of fork servers: starting one, having it fork, and hearing how its workers ended.

    ForkServer   a fresh interpreter that has imported what workers need, and nothing else
    Template     a fork of it that imports, meanwhile, the installed packages that the parent has; once it is ready it
                 forks instead, so that later workers share one copy of them. One that fails, takes too long, or has
                 threads in the end, just never gets ready.

Each is the far end of a socket pair. To be used by one thread. The protocol is told in `forkserver`.
"""

from __future__ import annotations

import os
import pickle
import select
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from plait._base import natives
from plait.parallel.errors import PoolError

_START_S = 30.0  # to import plait on a loaded machine
_REPORT_S = 0.5  # how long an ended worker's status may take from the server
_SPARE_FD = 10  # descriptors for a new interpreter wait above those that they will have there

_poll = natives.poll


class Server:
    """A process that forks workers on request."""

    def __init__(self, control: socket.socket, pid: int) -> None:
        self._control = control
        self.pid = pid
        self._pidfd = os.pidfd_open(pid)
        self._statuses: dict[int, tuple[int, int]] = {}

    def alive(self) -> bool:
        poller = _poll()
        poller.register(self._pidfd, select.POLLIN)
        return not poller.poll(0)

    def spawn(self, channel_fd: int, page_fd: int) -> int:
        """Have a worker forked on these two descriptors; its pid. Raises PoolError."""
        return self._request(b"spawn", [channel_fd, page_fd])

    def _request(self, word: bytes, fds: list[int]) -> int:
        self._control.settimeout(_START_S)
        try:
            socket.send_fds(self._control, [word], fds)
            while True:
                kind, *values = self._receive()
                if kind == "spawned":
                    return int(values[0])
                if kind == "failed":
                    raise PoolError(
                        f"the fork server could not fork a worker: {values[0]}; "
                        "allow this user more processes or memory, or ask for fewer workers"
                    )
        except (OSError, EOFError) as error:
            raise PoolError(f"the fork server (process {self.pid}) does not answer: {error!r}") from error

    def status(self, pid: int) -> tuple[int | None, int]:
        """Exit code and most bytes held of an ended worker; (None, 0) where the server does not say in time."""
        try:
            self._control.settimeout(_REPORT_S)
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
        """End it; its workers have ended, or are killed by the lifeline."""
        if self._pidfd < 0:
            return
        self._control.close()
        poller = _poll()
        poller.register(self._pidfd, select.POLLIN)
        if not poller.poll(_REPORT_S * 1000):
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            poller.poll(_REPORT_S * 1000)
        self.release()

    def release(self) -> None:
        """Close descriptors only."""
        if self._pidfd >= 0:
            self._control.close()
            os.close(self._pidfd)
            self._pidfd = -1


class ForkServer(Server):
    """A fresh interpreter that forks workers."""

    def __init__(self, lifeline_read: int, hooks: Sequence[Any]) -> None:
        control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            pid = start_interpreter("from plait.parallel.pool.forkserver import main; main(3)", [theirs.fileno()])
            try:
                super().__init__(control, pid)
            except BaseException:
                os.kill(pid, signal.SIGKILL)
                reap(pid)
                raise
            control.settimeout(_START_S)
            socket.send_fds(control, [pickle.dumps(hooks)], [lifeline_read])
        except BaseException:
            control.close()
            raise
        finally:
            theirs.close()

    def template(self) -> Template | None:
        """Have one made; None where there is nothing for it to import. Raises PoolError."""
        modules = installed_modules()
        if not modules:
            return None
        control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            control.settimeout(_START_S)
            control.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
            control.send(pickle.dumps(modules))
            return Template(control, self._request(b"template", [theirs.fileno()]))
        except BaseException:
            control.close()
            raise
        finally:
            theirs.close()

    def close(self) -> None:
        ended = self._pidfd < 0
        super().close()
        if not ended:
            reap(self.pid)


class Template(Server):
    """A fork of the fork server that gets the parent's modules ready. The server reaps it."""

    _ready = False

    def ready(self) -> bool:
        """Whether it can fork already. Does not wait."""
        if not self._ready and self.alive():
            self._control.setblocking(False)
            try:
                self._ready = self._receive()[0] == "ready"
            except (OSError, EOFError):
                pass
        return self._ready and self.alive()


def installed_modules() -> list[str]:
    """Names of the modules imported here that belong to installed packages, in the order of their import.

    Not those of the program itself: to import them may do more than define functions.
    """
    places = tuple({os.path.dirname(os.path.dirname(_file("cloudpickle"))), *_site_packages()} - {""})
    own = __name__.partition(".")[0]
    return [
        name
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] not in (own, "cloudpickle")
        and getattr(getattr(module, "__spec__", None), "name", None) == name
        and _file(name).startswith(places)
    ]


def _file(name: str) -> str:
    return getattr(sys.modules.get(name), "__file__", None) or ""


def _site_packages() -> list[str]:
    return [entry for entry in sys.path if entry.endswith(("site-packages", "dist-packages"))]


def start_interpreter(code: str, fds: Sequence[int], environment: Mapping[str, str] | None = None) -> int:
    """Start this interpreter, with its flags, import path and arguments, on code; its pid.

    It has the descriptors `fds` from 3 on, and the standard ones. environment: its variables, by default ours.
    """
    import fcntl
    import subprocess  # here alone: most programs never need a fork server

    prelude = (
        "import sys; "
        f"sys.path[:] = {[entry for entry in sys.path if isinstance(entry, str)]!r}; sys.argv[:] = {sys.argv!r}; "
    )
    flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    copies: list[int] = []
    try:
        for fd in fds:  # out of the way of the numbers that the others will have
            copies.append(fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _SPARE_FD))
        # posix_spawn, not fork: other threads may hold locks.
        return os.posix_spawn(
            sys.executable,
            [sys.executable, *flags, "-c", prelude + code],
            os.environ if environment is None else environment,
            file_actions=[(os.POSIX_SPAWN_DUP2, copy, number) for number, copy in enumerate(copies, 3)],
        )
    finally:
        for copy in copies:
            os.close(copy)


def reap(pid: int) -> tuple[int | None, int]:
    """Exit code and most bytes held, of a child that has ended."""
    try:
        _, status, usage = natives.wait4(pid, 0)
    except ChildProcessError:  # the user's own wait() was quicker, or SIGCHLD is ignored
        return None, 0
    return os.waitstatus_to_exitcode(status), usage.ru_maxrss * 1024
