"""BackdoorServer: a Python console inside a running program, for whoever connects.

    BackdoorServer(("127.0.0.1", 5001), banner="Hello", locals={"app": app}).serve_forever()

There is no password: whoever connects may do what the program may. Listen on a local address or a Unix socket.

Each connection has a console of its own, in a greenlet of its own, with a copy of `locals`. While a console is open,
`sys.stdin`, `sys.stdout` and `sys.stderr` are dispatchers: in the console's greenlet they are the connection, elsewhere
what they were. When the last one closes they are what they were.
"""

from __future__ import annotations

import builtins
import sys
from code import InteractiveConsole
from collections.abc import Callable, Mapping
from socket import IPPROTO_TCP, TCP_NODELAY
from typing import Any

from plait.green.pool import Pool
from plait.green.server import StreamServer
from plait.greenlet import getcurrent, greenlet

__all__ = ["BackdoorServer"]

_STREAMS = ("stdin", "stdout", "stderr")


class BackdoorServer(StreamServer):
    """Serves consoles.

    locals: names that each console begins with. banner: printed to each who connects. Other arguments: StreamServer's.
    """

    def __init__(
        self, listener: Any, locals: Mapping[str, Any] | None = None, banner: str | None = None, **server_args: Any
    ) -> None:
        super().__init__(listener, spawn=Pool(), **server_args)
        self.locals = {"__doc__": None, "__name__": "__console__", **(locals or {})}
        self.banner = banner

    def handle(self, conn: Any, _address: Any) -> None:  # type: ignore[override, unused-ignore]
        """Talk to one who connected."""
        try:
            conn.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        except OSError:  # no TCP
            pass
        stream = _Connection(conn)
        _open(stream)
        try:
            names = {**self.locals, "builtins": builtins, "__builtins__": builtins}
            InteractiveConsole(names).interact(banner=self.banner, exitmsg="")
        except (SystemExit, ConnectionError):
            pass
        finally:
            _close()
            stream.release()
            conn.close()


class _Connection:
    """A connection as all three streams: text, UTF-8, lines ended by LF or CRLF, nothing buffered for writing."""

    encoding = "utf-8"
    errors = "strict"
    newlines = None

    def __init__(self, conn: Any) -> None:
        self._conn = conn
        self._lines = conn.makefile("r", encoding="utf-8")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lines, name)

    def __iter__(self) -> Any:
        return iter(self.readline, "")

    def fileno(self) -> int:
        return int(self._conn.fileno())

    def isatty(self) -> bool:
        return False

    def readline(self, *size: Any) -> str:
        try:
            return str(self._lines.readline(*size))
        except UnicodeError:  # what telnet sends for an interrupt
            return ""

    def write(self, data: str) -> int:
        self._conn.sendall(data.encode("utf-8"))
        return len(data)

    def flush(self) -> None:
        """Nothing is buffered."""

    def close(self) -> None:
        """The console's quit() closes its input; the server closes the connection."""

    def release(self) -> None:
        self._lines.close()


class _Dispatcher:
    """A stream of `sys` that is the connection in a console's greenlet."""

    def __init__(self, original: Any) -> None:
        object.__setattr__(self, "_original", original)

    def __getattr__(self, name: str) -> Any:
        return getattr(_consoles.get(getcurrent(), self._original), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(_consoles.get(getcurrent(), self._original), name, value)

    def __iter__(self) -> Any:
        return iter(_consoles.get(getcurrent(), self._original))


_consoles: dict[greenlet, _Connection] = {}
_dispatchers: dict[str, _Dispatcher] = {}


def _open(stream: _Connection) -> None:
    """The current greenlet's streams are the connection from now on."""
    if not _consoles:
        for name in _STREAMS:
            _dispatchers[name] = _Dispatcher(getattr(sys, name))
            setattr(sys, name, _dispatchers[name])
    _consoles[getcurrent()] = stream


def _close() -> None:
    """They are what they were."""
    _consoles.pop(getcurrent(), None)
    if not _consoles:
        for name, dispatcher in _dispatchers.items():
            if getattr(sys, name) is dispatcher:  # else somebody replaced it meanwhile
                setattr(sys, name, dispatcher._original)
        _dispatchers.clear()


def main(arguments: list[str], serve: Callable[[BackdoorServer], object] = StreamServer.serve_forever) -> int:
    """`python -m plait.green.backdoor PORT [BANNER]`: a console for this machine."""
    if not arguments:
        print(f"usage: {sys.argv[0]} PORT [BANNER]", file=sys.stderr)
        return 2
    serve(BackdoorServer(("127.0.0.1", int(arguments[0])), banner=" ".join(arguments[1:]) or None))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
