"""subprocess, with waits that park the greenlet.

`Popen` is the standard library's, in all its parameters: it starts the child. Changed is what waits: for the child's
end (see `children`), for its output and input (see `descriptorio`). The functions around it are the standard library's
own code, which finds this Popen here instead of the other one. Every other name is the standard library's.

`run` with a timeout returns when that is due, whoever still holds the pipes: it reads what is there and waits for the
child, not for the end of its output.

Starting blocks the thread for as long as vfork and exec take; nothing switches meanwhile.
"""

from __future__ import annotations

import os as _os
import subprocess as _subprocess
from collections.abc import Callable
from io import DEFAULT_BUFFER_SIZE
from types import FunctionType
from typing import TYPE_CHECKING, Any

from plait._base import clock
from plait.green import childwatch
from plait.green.children import wait_for_end
from plait.green.descriptorio import cooperative, share
from plait.green.fileobject import FileObject as FileObject
from plait.green.greenlets import Greenlet
from plait.green.hub import get_hub, started
from plait.green.poller import READ, WRITE
from plait.green.waits import wait_any

if TYPE_CHECKING:
    from subprocess import DEVNULL as DEVNULL
    from subprocess import PIPE as PIPE
    from subprocess import STDOUT as STDOUT
    from subprocess import CalledProcessError as CalledProcessError
    from subprocess import CompletedProcess as CompletedProcess
    from subprocess import SubprocessError as SubprocessError
    from subprocess import TimeoutExpired as TimeoutExpired
    from subprocess import call as call
    from subprocess import check_call as check_call
    from subprocess import check_output as check_output
    from subprocess import getoutput as getoutput
    from subprocess import getstatusoutput as getstatusoutput
    from subprocess import run as run

__all__ = list(_subprocess.__all__)

#: What patching puts in place of the standard library's: its functions find it there.
__implements__ = ["Popen"]

# Captured before anybody patches them.
_read = _os.read
_write = _os.write
_Popen = _subprocess.Popen

_CHUNK_BYTES = 65536


class Popen(_Popen):  # type: ignore[type-arg]
    """A child process. `rawlink` and `link` call back when it has ended, so that `green.wait([popen])` works."""

    def __init__(self, args: Any, bufsize: int = -1, *others: Any, **kwargs: Any) -> None:
        self._links: list[tuple[Callable[[Any], object], childwatch.Watch]] = []
        super().__init__(args, bufsize, *others, **kwargs)
        childwatch.drop(self.pid)  # an earlier child's
        buffer_size = bufsize if bufsize and bufsize > 1 else DEFAULT_BUFFER_SIZE
        for name in ("stdin", "stdout", "stderr"):
            file = getattr(self, name)
            if file is not None:
                setattr(self, name, cooperative(file, buffer_size))

    def _get_handles(self, stdin: Any, stdout: Any, stderr: Any) -> Any:
        for file in (stdin, stdout, stderr):
            if file is not None:
                share(file)
        return super()._get_handles(stdin, stdout, stderr)  # type: ignore[misc]

    # -- the end -------------------------------------------------------------------------------------------------

    def _wait(self, timeout: float | None) -> int:
        deadline = None if timeout is None else clock.now() + timeout
        while self._internal_poll() is None:
            if not wait_for_end(self.pid, deadline):
                raise _subprocess.TimeoutExpired(self.args, timeout)  # type: ignore[arg-type]
        assert self.returncode is not None
        return self.returncode

    def _internal_poll(self, _deadstate: int | None = None) -> int | None:
        """The return code, or None while the child runs. _deadstate: for the standard library, which passes it."""
        if self.returncode is None and self._waitpid_lock.acquire(False):  # type: ignore[attr-defined]
            try:
                if self.returncode is None:
                    self._take_status()
            finally:
                self._waitpid_lock.release()  # type: ignore[attr-defined]
        return self.returncode

    def _take_status(self) -> None:
        status = childwatch.recall(self.pid)  # a watcher has taken it
        if status is None:
            pid, status = self._try_wait(_os.WNOHANG)  # type: ignore[attr-defined]
            if not pid:
                return
        self._handle_exitstatus(status)  # type: ignore[attr-defined]

    def ready(self) -> bool:
        """Whether the child has ended."""
        return self.poll() is not None

    def rawlink(self, callback: Callable[[Any], object]) -> None:
        """Call callback(self) once in the hub when the child has ended; the callback must not block."""
        if not callable(callback):
            raise TypeError(f"callback={callback!r} is not callable; pass a function of one argument, this Popen")
        self._links.append((callback, childwatch.Watch(get_hub(), self.pid, self._call_link, callback)))

    def link(self, callback: Callable[[Any], object]) -> None:
        """As rawlink; the callback runs in a greenlet of its own."""
        self.rawlink(lambda popen: Greenlet.spawn(callback, popen))

    def unlink(self, callback: Callable[[Any], object]) -> None:
        """Take back a rawlink. Nothing where there is none, or where it was called."""
        for link in self._links:
            if link[0] == callback:
                self._links.remove(link)
                link[1].cancel()
                return

    def _call_link(self, callback: Callable[[Any], object]) -> None:
        self._links = [link for link in self._links if link[0] != callback]
        self.poll()
        callback(self)

    # -- input and output ----------------------------------------------------------------------------------------

    def _communicate(self, input: Any, endtime: float | None, orig_timeout: float | None) -> tuple[Any, Any]:
        """Exchange all, until `endtime`. May be called again after a timeout, and goes on then."""
        if not started():
            return super()._communicate(input, endtime, orig_timeout)  # type: ignore[misc, no-any-return]
        self._begin_exchange(input)
        while waits := self._waits():
            left = self._remaining_time(endtime)  # type: ignore[attr-defined]
            if not wait_any(waits, None if left is None else clock.now() + left):
                self._give_up(orig_timeout)
            self._feed()
            for file, chunks in self._fileobj2output.items():
                _drain(file, chunks)
        left = self._remaining_time(endtime)  # type: ignore[attr-defined]
        try:
            self.wait(timeout=left)
        except _subprocess.TimeoutExpired:
            self._give_up(orig_timeout)
        return self._output(self.stdout), self._output(self.stderr)

    def _begin_exchange(self, input: Any) -> None:
        if not self._communication_started:  # type: ignore[has-type]
            self._communication_started = True
            self._fileobj2output: dict[Any, list[bytes]] = {
                file: [] for file in (self.stdout, self.stderr) if file is not None
            }
            if self.stdin is not None:
                try:
                    self.stdin.flush()
                except BrokenPipeError:  # the child reads no more, and its status will tell why
                    pass
                if not input:
                    self._close_stdin()
        self._save_input(input)  # type: ignore[attr-defined]

    def _waits(self) -> list[tuple[int, int]]:
        """What there is to wait for, as (descriptor, direction)."""
        waits = [(file.fileno(), READ) for file in self._fileobj2output if not file.closed]
        if self.stdin is not None and not self.stdin.closed and self._input:  # type: ignore[attr-defined]
            waits.append((self.stdin.fileno(), WRITE))
        return waits

    def _feed(self) -> None:
        """Write as much of the input as there is room for, and close when that is all."""
        if self.stdin is None or self.stdin.closed or not self._input:  # type: ignore[attr-defined]
            return
        start = self._input_offset  # type: ignore[has-type]
        try:
            self._input_offset = start + _write(
                self.stdin.fileno(),
                memoryview(self._input)[start : start + _CHUNK_BYTES],  # type: ignore[attr-defined]
            )
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._close_stdin()
            return
        if self._input_offset >= len(self._input):  # type: ignore[attr-defined]
            self._close_stdin()

    def _close_stdin(self) -> None:
        try:
            self.stdin.close()  # type: ignore[union-attr]
        except BrokenPipeError:
            pass

    def _give_up(self, timeout: float | None) -> None:
        parts = [b"".join(self._fileobj2output.get(file, ())) or None for file in (self.stdout, self.stderr)]
        raise _subprocess.TimeoutExpired(self.args, timeout, output=parts[0], stderr=parts[1])  # type: ignore[arg-type]

    def _output(self, file: Any) -> Any:
        if file is None:
            return None
        data = b"".join(self._fileobj2output[file])
        if self.text_mode:  # type: ignore[attr-defined]
            return self._translate_newlines(data, file.encoding, file.errors)  # type: ignore[attr-defined]
        return data


def _drain(file: Any, chunks: list[bytes]) -> None:
    """Read once from a file that may be ready; close it at its end."""
    if file.closed:
        return
    try:
        data = _read(file.fileno(), _CHUNK_BYTES)
    except BlockingIOError:
        return
    if data:
        chunks.append(data)
    else:
        file.close()


# -- the standard library's functions, with this module's Popen --------------------------------------------------------


def _adopt() -> None:
    """Give this module all names of the standard library's that it has not; functions look names up here."""
    for name, value in vars(_subprocess).items():
        if name not in globals() and not name.startswith("__"):
            globals()[name] = _looking_here(value) if isinstance(value, FunctionType) else value


def _looking_here(function: FunctionType) -> FunctionType:
    if function.__module__ != _subprocess.__name__:
        return function
    ours = FunctionType(function.__code__, globals(), function.__name__, function.__defaults__, function.__closure__)
    ours.__kwdefaults__ = function.__kwdefaults__
    ours.__doc__ = f"subprocess.{function.__name__}, which describes it, with this module's Popen."
    return ours


_adopt()
