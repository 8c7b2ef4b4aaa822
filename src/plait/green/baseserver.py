"""A server's life, whatever it serves: closed -> listening -> stopped, an acceptor greenlet, and a greenlet a request.

    state       start()      stop()      close()
    new         serving      stopped     stopped
    serving     an error     stopped     stopped
    stopped     serving again where the server was made with an address; an error where it was made with a socket

Subclasses say how to open the listener (`init_socket`) and how to take one request from it (`do_read`). A failing
accept (out of descriptors) is tried again after a delay that doubles from min_delay to max_delay seconds.
"""

from __future__ import annotations

import socket as _stdlib
from collections.abc import Callable
from typing import Any, TypeVar

from plait.green.event import Event
from plait.green.greenlets import Greenlet, spawn_raw
from plait.green.hub import get_hub
from plait.green.pauses import sleep
from plait.green.pool import Pool
from plait.green.socket import socket

__all__ = ["BaseServer", "parse_address"]

S = TypeVar("S", bound="BaseServer")


class BaseServer:
    """Accepts until stopped.

    listener: an address that start() binds, (host, port), ":port" or a port; or a bound and listening socket.
    handle: called in a greenlet of its own with what do_read() returned.
    spawn: "default" for new greenlets, "raw" for bare ones, None to handle in the acceptor itself, a number for a
    pool of that size, or a pool (of which the server waits for a free place before it accepts), or a function.
    """

    min_delay = 0.01  #: seconds
    max_delay = 1.0  #: seconds
    max_accept = 100  #: requests taken in a row before other greenlets run
    stop_timeout = 1.0  #: seconds that stop() waits for requests before it kills them
    fatal_errors = (9, 22, 88)  # EBADF, EINVAL, ENOTSOCK: the listener is gone

    def __init__(self, listener: Any, handle: Callable[..., Any] | None = None, spawn: Any = "default") -> None:
        self._stop_event = Event()
        self._stop_event.set()
        self._acceptor: Greenlet | None = None
        self.pool: Any = None
        self.delay = self.min_delay
        self.set_listener(listener)
        self.set_spawn(spawn)
        if handle is not None:
            self.set_handle(handle)

    def handle(self, *args: Any) -> None:  # replaced by the argument of that name
        raise NotImplementedError(f"{type(self).__name__} has no handle; pass one, or override it")

    def init_socket(self) -> None:
        """Open self.socket, where only an address was given."""
        raise NotImplementedError

    def do_read(self) -> tuple[Any, ...] | None:
        """Take one request, not waiting; the arguments of handle, or None where there is no more now."""
        raise NotImplementedError

    def _handle(self, *args: Any) -> None:
        """Handle one request; what is to be done around each one, subclasses do here."""
        self.handle(*args)

    def do_close(self, *args: Any) -> None:
        """Release what do_read returned, once it is handled."""

    # -- set-up --------------------------------------------------------------------------------------------------

    def set_listener(self, listener: Any) -> None:
        self.address: Any = None
        self.family: int = _stdlib.AF_INET
        self.socket: Any = None
        if hasattr(listener, "accept") or hasattr(listener, "recvfrom"):
            if not isinstance(listener, socket):
                listener = socket(listener.family, listener.type, listener.proto, fileno=_stdlib.dup(listener.fileno()))
            self.socket = listener
            self.family = listener.family
            self.address = listener.getsockname()
            self._owns_address = False
        else:
            self.family, self.address = parse_address(listener)
            self._owns_address = True

    def set_spawn(self, spawn: Any) -> None:
        if spawn == "default":
            self._spawn: Any = Greenlet.spawn
        elif spawn == "raw":
            self._spawn = spawn_raw
        elif isinstance(spawn, int) and not isinstance(spawn, bool):
            self.pool = Pool(spawn)
            self._spawn = self.pool.spawn
        elif hasattr(spawn, "spawn"):
            self.pool = spawn
            self._spawn = spawn.spawn
        elif spawn is None or callable(spawn):
            self._spawn = spawn
        else:
            raise TypeError(
                f"spawn={spawn!r} is no way to spawn; pass 'default', 'raw', None, a number, a pool or a function"
            )

    def set_handle(self, handle: Callable[..., Any]) -> None:
        """Call handle for requests from now on."""
        self.handle = handle  # type: ignore[method-assign]

    # -- what it is ----------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        handle = self.handle
        own = getattr(handle, "__self__", None) is self  # whose repr would be this one
        text = f"<bound method {handle.__name__} of self>" if own else repr(handle)
        closed = " closed" if self.closed else ""
        return f"<{type(self).__name__} at {id(self):#x} address={self.address!r} handle={text}{closed}>"

    @property
    def started(self) -> bool:
        return not self._stop_event.is_set()

    @property
    def closed(self) -> bool:
        return self.socket is None

    @property
    def server_host(self) -> str | None:
        """The host of the listener's address."""
        return self.address[0] if isinstance(self.address, tuple) else None

    @property
    def server_port(self) -> int | None:
        """The port of the listener's address; the real one where 0 was asked for and the server has started."""
        return self.address[1] if isinstance(self.address, tuple) else None

    # -- life ----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Listen and accept, in a greenlet. Raises RuntimeError where it was started before, or OSError."""
        if self.started:
            raise RuntimeError(f"{self!r} is started already")
        if self.socket is None:
            if not self._owns_address:
                raise RuntimeError(f"{self!r} was made with a socket and stopped; make a new server")
            self.init_socket()
        self.address = self.socket.getsockname()
        self._stop_event.clear()
        self.start_accepting()

    def __enter__(self: S) -> S:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def start_accepting(self) -> None:
        """Take requests, where they were not taken before."""
        if self._acceptor is None:
            self._acceptor = Greenlet.spawn(self._accept)

    def stop_accepting(self) -> None:
        """Leave requests to the kernel's queue until start_accepting()."""
        acceptor, self._acceptor = self._acceptor, None
        if acceptor is not None:
            acceptor.kill(block=False)

    def close(self) -> None:
        """Stop accepting and close the listener; requests that run go on."""
        self._stop_event.set()
        self.stop_accepting()
        listener, self.socket = self.socket, None
        if listener is not None:
            listener.close()

    def stop(self, timeout: float | None = None) -> None:
        """Close, then wait for requests in the pool, and kill those that last longer than `timeout` seconds."""
        self.close()
        if self.pool is not None:
            self.pool.join(self.stop_timeout if timeout is None else timeout)
            self.pool.kill(block=True, timeout=1)

    def serve_forever(self, stop_timeout: float | None = None) -> None:
        """Start, wait until somebody stops the server, and stop."""
        if not self.started:
            self.start()
        try:
            self._stop_event.wait()
        finally:
            Greenlet.spawn(self.stop, timeout=stop_timeout).join()

    # -- accepting -----------------------------------------------------------------------------------------------

    def _accept(self) -> None:
        while self.started:
            if self.pool is not None:
                self.pool.wait_available()
            try:
                self._wait_for_request()
                self._take_requests()
            except OSError as error:
                if not self.started or error.errno in self.fatal_errors:
                    self.close()
                    return
                get_hub().report(self, error)
                sleep(self.delay)
                self.delay = min(self.max_delay, self.delay * 2)
            else:
                self.delay = self.min_delay

    def _wait_for_request(self) -> None:
        self.socket.wait_readable()

    def _take_requests(self) -> None:
        for _ in range(self.max_accept):
            if self.socket is None or (self.pool is not None and self.pool.full()):
                return
            args = self.do_read()
            if args is None:
                return
            self._dispatch(args)

    def _dispatch(self, args: tuple[Any, ...]) -> None:
        if self._spawn is None:
            self._serve(*args)
            return
        try:
            self._spawn(self._serve, *args)
        except BaseException:
            self.do_close(*args)
            raise

    def _serve(self, *args: Any) -> None:
        try:
            self._handle(*args)
        except BaseException as error:
            if self._spawn is not None:
                raise
            get_hub().report((self.handle, args), error)
        finally:
            self.do_close(*args)


def parse_address(address: Any) -> tuple[int, Any]:
    """(family, address) of (host, port), "host:port", ":port", a port, or the path of a Unix socket."""
    if isinstance(address, tuple):
        return (_stdlib.AF_INET6 if ":" in (address[0] or "") else _stdlib.AF_INET), address
    if isinstance(address, int) and not isinstance(address, bool):
        return _stdlib.AF_INET6 if _stdlib.has_dualstack_ipv6() else _stdlib.AF_INET, ("", address)
    if isinstance(address, str):
        if address.startswith(("/", "unix:")):
            return _stdlib.AF_UNIX, address.removeprefix("unix:")
        if address.isdigit():
            return parse_address(int(address))
        host, colon, port = address.rpartition(":")
        if colon and port.isdigit():
            host = "" if host == "*" else host.strip("[]")
            return (_stdlib.AF_INET6 if ":" in host else _stdlib.AF_INET), (host, int(port))
    raise ValueError(
        f"listener={address!r} is no address; pass (host, port), 'host:port', a port, a path, or a listening socket"
    )
