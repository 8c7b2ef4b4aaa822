"""A WSGI server: HTTP/1.1 by greenlets.

    from plait.green.pywsgi import WSGIServer

    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"hello"]

    WSGIServer(("127.0.0.1", 8080), application).serve_forever()

A connection has a greenlet and a WSGIHandler, which serves its requests one after the other (see `wsgihandler`). The
parser is llhttp, by the package httptools: `pip install "plait[http]"`.

When the server stops, idle connections are closed, and the others after the response that they are at; a pool given as
`spawn` is waited for, stop_timeout seconds.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any

from plait.green import socket as _socket
from plait.green.http1.body import Input as Input
from plait.green.http1.environs import Environ as Environ
from plait.green.http1.environs import SecureEnviron as SecureEnviron
from plait.green.http1.environs import WSGISecureEnviron as WSGISecureEnviron
from plait.green.http1.head import HeadLimits
from plait.green.http1.logs import ERROR, INFO, as_log
from plait.green.http1.logs import LoggingLogAdapter as LoggingLogAdapter
from plait.green.http1.reply import format_date_time as format_date_time
from plait.green.http1.terms import Terms
from plait.green.server import StreamServer
from plait.green.wsgihandler import WSGIHandler as WSGIHandler

__all__ = [
    "Environ",
    "LoggingLogAdapter",
    "SecureEnviron",
    "WSGIHandler",
    "WSGISecureEnviron",
    "WSGIServer",
]

MAX_REQUEST_LINE = 8192  #: bytes, line end included; a longer one is answered 414


class WSGIServer(StreamServer):
    """Serves a WSGI application.

    listener: an address or a listening socket. application: called once a request. spawn: how connections get their
    greenlets; a number or a Pool limits them. log, error_log: a file, a logger, None for nothing; stderr by default.
    handler_class: called with (socket, address, server) for each connection. environ: more for every environment.
    ssl_args: as StreamServer takes them (certfile, keyfile, ssl_context, ...).
    """

    handler_class: Any = WSGIHandler
    log: Any = None
    error_log: Any = None
    environ: Any = None

    #: The class of environments; PEP 3333 wants a dict.
    environ_class: Any = dict
    #: What an environment is shown as when an error is reported.
    secure_environ_class: Any = WSGISecureEnviron

    #: Programs tell by SERVER_SOFTWARE which sockets they may take over: it begins with what this is compatible with.
    base_env: Mapping[str, Any] = {
        "GATEWAY_INTERFACE": "CGI/1.1",
        "SERVER_SOFTWARE": f"gevent/26.9 (plait) Python/{sys.version_info[0]}.{sys.version_info[1]}",
        "SCRIPT_NAME": "",
        "wsgi.version": (1, 0),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }

    # Set these in a subclass, or on the server before it starts. Seconds; None for ever.
    idle_timeout: float | None = 75.0  #: that a connection may wait for its next request
    head_timeout: float | None = 60.0  #: from the first byte of a request's head to its last
    body_timeout: float | None = 60.0  #: without a byte of the body, or with less than 64 KiB of the response taken

    max_head_bytes = 65536  #: a larger head is answered 431
    max_header_fields = 100  #: more are answered 431
    max_body_bytes: int | None = None  #: a larger body is answered 413

    def __init__(
        self,
        listener: Any,
        application: Any = None,
        backlog: int | None = None,
        spawn: Any = "default",
        log: Any = "default",
        error_log: Any = "default",
        handler_class: Any = None,
        environ: Mapping[str, Any] | None = None,
        **ssl_args: Any,
    ) -> None:
        if "handle" in ssl_args:
            import warnings

            warnings.warn(
                "WSGIServer(handle=...) replaces the server's own method; pass the application as application=",
                DeprecationWarning,
                stacklevel=2,
            )
        self.terms = self._make_terms()
        super().__init__(listener, backlog=backlog, spawn=spawn, **ssl_args)
        if application is not None:
            self.application = application
        if handler_class is not None:
            self.handler_class = handler_class
        self.log = as_log(log, INFO, sys.stderr)
        self.error_log = as_log(error_log, ERROR, sys.stderr)
        self.set_environ(environ)
        self.set_max_accept()

    def _make_terms(self) -> Terms:
        return Terms(
            self.idle_timeout,
            self.head_timeout,
            self.body_timeout,
            HeadLimits(MAX_REQUEST_LINE, self.max_head_bytes, self.max_header_fields),
            self.max_body_bytes,
        )

    # -- environments --------------------------------------------------------------------------------------------

    def set_environ(self, environ: Mapping[str, Any] | None = None) -> None:
        """Make the environment that requests begin with: base_env, and `environ`."""
        given = self.environ if environ is None else environ
        self.environ = self.environ_class(self.base_env)
        self.environ["wsgi.url_scheme"] = "https" if self.ssl_enabled else "http"
        if given is not None:
            self.environ.update(given)
        if self.environ.get("wsgi.errors") is None:
            self.environ["wsgi.errors"] = self.error_log

    def set_max_accept(self) -> None:
        """With other processes at the same listener, leave them their share."""
        if self.environ.get("wsgi.multiprocess"):
            self.max_accept = 1

    def get_environ(self) -> Any:
        """A new environment for a request."""
        return self.environ_class(self.environ)

    def update_environ(self) -> None:
        """Add the server's name and port, known once it listens."""
        name = port = ""
        if isinstance(self.address, tuple):
            port = str(self.address[1])
            if "SERVER_NAME" not in self.environ:
                name = _socket.getfqdn(self.address[0])
        self.environ.setdefault("SERVER_NAME", name)
        self.environ.setdefault("SERVER_PORT", port)

    # -- life ----------------------------------------------------------------------------------------------------

    def init_socket(self) -> None:
        """Listen. A process that forks calls this before, and start_accepting() in the children."""
        if self.socket is None:
            super().init_socket()
            self.address = self.socket.getsockname()  # type: ignore[attr-defined]
        self.update_environ()

    def start(self) -> None:
        """Listen and serve, in greenlets."""
        self.terms = self._make_terms()
        if self.socket is not None:
            self.init_socket()
        super().start()

    def close(self) -> None:
        """Stop accepting and close the listener. Idle connections are closed, others after the response they are at."""
        self.terms.watch.stopping = True
        super().close()
        self.terms.watch.end_idle()

    def handle(self, sock: Any, address: Any) -> None:
        """Serve a connection until it ends."""
        self.handler_class(sock, address, self).handle()


def _main(arguments: Iterable[str] | None = None) -> None:
    """`python -m plait.green.pywsgi module:application`: a server for trying things out."""
    import argparse
    from importlib import import_module

    from plait.green import monkey

    monkey.patch_all()

    parser = argparse.ArgumentParser(prog="python -m plait.green.pywsgi", description="Serve a WSGI application.")
    parser.add_argument("app", help="module:callable")
    parser.add_argument("-b", "--bind", default=":8080", help="host:port (default: %(default)s)")
    options = parser.parse_args(None if arguments is None else list(arguments))
    module, colon, name = options.app.partition(":")
    if not colon:
        parser.error(f"app={options.app!r} names no callable; write it module:callable")
    WSGIServer(options.bind, getattr(import_module(module), name)).serve_forever()


if __name__ == "__main__":
    _main()
