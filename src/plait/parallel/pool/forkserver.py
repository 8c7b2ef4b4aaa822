"""The fork server: a single-threaded process that forks workers for a parent that cannot fork safely.

Protocol, over a SOCK_SEQPACKET pair on descriptor 3:

    first message in: pickled start hooks, with the read end of the lifeline
    in "spawn" with (channel, page)   -> out ("spawned", pid) or ("failed", text)
    in "template" with (control)      -> out the same: a fork that imports the modules whose names it finds on that
                                         channel, says ("ready",) there, and then serves as this one does
    a worker ended                    -> out ("ended", pid, exit code, most bytes held)
    end of the channel                -> waits for the workers, leaves

The parent's `__main__` is never run here: its functions arrive by value.
"""

from __future__ import annotations

import gc
import os
import pickle
import select
import signal
import socket
from importlib import import_module
from time import monotonic
from typing import Any, NoReturn

import cloudpickle  # noqa: F401  loaded once, here, for all workers

from plait._base import natives
from plait.parallel.pool import forksafety, worker

_PRELOAD_S = 60.0  # no import begins later


def main(control_fd: int) -> NoReturn:
    """Serve until the parent closes the channel."""
    control = socket.socket(fileno=control_fd)
    signal.signal(signal.SIGINT, _ignore)
    try:
        data, fds, _, _ = socket.recv_fds(control, 1 << 20, 1)
        if not fds:
            os._exit(0)
        worker.bind_to(fds[0])
        worker.release_descriptors({control_fd, fds[0]})
        _run_hooks(data)
        _serve(control, fds[0])
    except (EOFError, ConnectionError):
        pass
    finally:
        os._exit(0)


def start_worker(hooks: bytes) -> NoReturn:
    """Be a worker, in an interpreter that was started for it: channel, page and lifeline are descriptors 3, 4 and 5."""
    for fd in (3, 4, 5):
        os.set_inheritable(fd, False)
    _run_hooks(hooks)
    worker.run(socket.socket(fileno=3), 4, 5)


def _run_hooks(pickled: bytes) -> None:
    for module, function, args in pickle.loads(pickled):
        getattr(import_module(module), function)(*args)


def _serve(control: socket.socket, lifeline: int) -> None:
    gc.collect()
    gc.freeze()
    _Server(control, lifeline).serve()


def _be_template(control: socket.socket, lifeline: int) -> NoReturn:
    try:
        worker.bind_to(lifeline)
        worker.release_descriptors({control.fileno(), lifeline})
        limit = monotonic() + _PRELOAD_S
        for name in pickle.loads(control.recv(1 << 22)):
            if monotonic() < limit:
                _try_import(name)
        if forksafety.can_fork():
            control.send(pickle.dumps(("ready",)))
            _serve(control, lifeline)
    except (EOFError, ConnectionError):
        pass
    finally:
        os._exit(0)


def _try_import(name: str) -> None:
    try:
        import_module(name)
    except BaseException:  # whatever it is: a worker that needs it will say so
        pass


class _Server:
    def __init__(self, control: socket.socket, lifeline: int) -> None:
        self._control = control
        self._lifeline = lifeline
        self._children: dict[int, int] = {}  # pidfd -> pid
        self._poller = natives.poll()
        self._poller.register(control, select.POLLIN)

    def serve(self) -> None:
        while True:
            for fd, _ in self._poller.poll():
                if fd == self._control.fileno():
                    self._spawn()
                else:
                    self._bury(fd)

    def _spawn(self) -> None:
        word, fds, _, _ = socket.recv_fds(self._control, 64, 2)
        if not word:
            self._leave()
        try:
            forksafety.can_fork()  # ends the threads of OpenBLAS, where a template has it
            pid = natives.fork()
        except OSError as error:
            self._tell("failed", str(error))
        else:
            if not pid:
                self._poller.unregister(self._control)
                if word == b"template":
                    _be_template(socket.socket(fileno=fds[0]), self._lifeline)
                worker.run(socket.socket(fileno=fds[0]), fds[1], self._lifeline)
            pidfd = os.pidfd_open(pid)
            self._children[pidfd] = pid
            self._poller.register(pidfd, select.POLLIN)
            self._tell("spawned", pid)
        finally:
            for fd in fds:
                os.close(fd)

    def _bury(self, pidfd: int) -> None:
        pid = self._children.pop(pidfd)
        self._poller.unregister(pidfd)
        os.close(pidfd)
        _, status, usage = natives.wait4(pid, 0)
        self._tell("ended", pid, os.waitstatus_to_exitcode(status), usage.ru_maxrss * 1024)

    def _tell(self, *message: Any) -> None:
        self._control.send(pickle.dumps(message))

    def _leave(self) -> NoReturn:
        """The parent has gone, or wants no more workers: those that run end with their channels."""
        for pid in self._children.values():
            natives.waitpid(pid, 0)
        os._exit(0)


def _ignore(_signal: int, _frame: object) -> None:
    pass
