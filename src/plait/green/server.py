"""TCP server: each connection is handled in a greenlet of its own and closed when its handler returns."""

from __future__ import annotations

import errno
import socket as _stdlib
from collections.abc import Callable
from typing import Any

from plait.green.baseserver import BaseServer
from plait.green.socket import create_server, socket

__all__ = ["StreamServer"]

# A connection that failed between the kernel's queue and accept() is no failure of the listener.
_OF_THE_CONNECTION = frozenset({errno.ECONNABORTED, errno.EPROTO, errno.EPERM, errno.EINTR})


class StreamServer(BaseServer):
    """handle(socket, address) for each connection. backlog: connections that the kernel holds for accept()."""

    backlog = 256

    def __init__(
        self,
        listener: Any,
        handle: Callable[..., Any] | None = None,
        backlog: int | None = None,
        spawn: Any = "default",
    ) -> None:
        super().__init__(listener, handle, spawn)
        if backlog is not None:
            if not self._owns_address:
                raise TypeError(f"backlog={backlog!r} is of no use: the listener that was passed is listening already")
            self.backlog = backlog

    def init_socket(self) -> None:
        self.socket = create_server(
            self.address,
            family=self.family,
            backlog=self.backlog,
            dualstack_ipv6=self.family == _stdlib.AF_INET6 and not self.address[0],
        )

    def do_read(self) -> tuple[socket, Any] | None:
        while True:
            try:
                accepted = self.socket.accept_now()
            except OSError as error:
                if error.errno not in _OF_THE_CONNECTION:
                    raise
            else:
                return accepted  # type: ignore[no-any-return]

    def do_close(self, *args: Any) -> None:
        connection: socket = args[0]
        connection.close()
