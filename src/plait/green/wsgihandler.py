"""WSGIHandler: the requests of one connection, one after the other.

    idle       waits for the first byte of a request; where nothing comes in time, the connection is closed
    reading    waits for the rest of the head; 408 where it does not come in time
    running    the application runs; it reads the body, and its response is sent
    lingering  an error was answered, or a body not read: what still comes is dropped, so that the answer arrives

A response whose body is there at once is one send. Requests that were sent without waiting (pipelined) stay in the
stream until their turn.

The methods may be overridden as gevent's documents say: read_requestline and read_request get their bytes from
`rfile`, at the price of the quick path that takes a head whole; get_environ adds to the environment; log_request and
format_request say what is logged. What runs for each request is native, in `_native/wsgi.pyx`.
"""

from __future__ import annotations

import errno
import time
import traceback
from types import TracebackType
from typing import Any, ClassVar

from plait.green import socket as _socket
from plait.green._native.wsgi import HandlerCore
from plait.green.http1.errors import ClientTooSlow, InvalidClientInput, InvalidClientRequest
from plait.green.http1.head import HeadParser, fields_of, path_info
from plait.green.http1.reply import canned
from plait.green.http1.stream import Stream
from plait.green.http1.terms import Terms
from plait.green.hub import get_hub
from plait.greenlet import GreenletExit

__all__ = ["WSGIHandler"]

_DISCARD_BYTES = 1 << 20  # of a body that the application did not read; then the connection is closed
_LINGER_BYTES = 1 << 18
_LINGER_SECONDS = 2.0

_CANNED_FIELDS = [("Content-Type", "text/plain"), ("Connection", "close")]


class WSGIHandler(HandlerCore):
    """Serves the requests of one connection.

    Made by WSGIServer.handle with the socket, the client's address and the server; `handle` runs until the connection
    ends. Attributes without an underscore are those of the request that is served:

        requestline, command, path, request_version, content_length, headers, close_connection
        environ, application, wsgi_input, result
        status, code, response_headers, headers_sent, response_length, time_start, time_finish
    """

    protocol_version = "HTTP/1.1"

    #: Raised in the application where it breaks the rules of a response.
    ApplicationError: ClassVar[type[Exception]] = AssertionError

    #: Error numbers of a client that has gone: nobody needs to hear of them.
    ignored_socket_errors: tuple[int, ...] = (errno.EPIPE, errno.ECONNRESET)

    _print_unexpected_exc = staticmethod(traceback.print_exc)

    def __init__(self, sock: Any, address: Any, server: Any, rfile: Any = None) -> None:
        terms: Terms = getattr(server, "terms", None) or Terms()
        kind = type(self)
        by_hand = (
            kind.read_requestline is not WSGIHandler.read_requestline
            or kind.read_request is not WSGIHandler.read_request
            or rfile is not None
        )
        super().__init__(sock, address, server, Stream(sock, terms.watch), rfile, terms, HeadParser(), by_hand)

    # -- the connection ------------------------------------------------------------------------------------------

    def handle(self) -> None:
        """Serve requests until the connection ends; it is closed then."""
        self._terms.watch.add(self._stream)
        unread = False  # whether the client may have sent more than was read
        result: Any = True
        try:
            while result is True and self.socket is not None:
                result = self.handle_one_request()
            if isinstance(result, tuple):
                self._refuse(*result)
                unread = True
            else:
                unread = bool(self._stream.buffered) or not getattr(self.wsgi_input, "ended", True)
        finally:
            self._end(unread)

    def _refuse(self, status: str, response: bytes) -> None:
        """Answer a request that was not understood."""
        self.status = status
        self._orig_status = None
        self.time_start = self.time_start or time.time()
        self.response_length = 0
        try:
            self._sendall(response)
        except OSError:
            pass  # the client has gone
        self.time_finish = time.time()
        self.log_request()

    def _end(self, unread: bool) -> None:
        """Close the connection. What is unread, or still to come, would reset it, and take the answer with it."""
        sock = self.socket
        try:
            if sock is not None:
                try:
                    if unread:
                        self._linger(sock)
                except OSError:
                    pass
                finally:
                    sock.close()
        finally:
            self._terms.watch.remove(self._stream)
            self.socket = self.rfile = self.wsgi_input = None

    def _linger(self, sock: Any) -> None:
        sock.shutdown(_socket.SHUT_WR)
        stream = self._stream
        due = stream.due_in(self._terms.watch.ticks(_LINGER_SECONDS))
        dropped = 0
        while dropped < _LINGER_BYTES and (data := stream.receive(due)):
            dropped += len(data)

    # -- one request ---------------------------------------------------------------------------------------------

    def _not_read(self, error: Exception) -> tuple[str, bytes] | None:
        """What to do about a request that could not be read."""
        if isinstance(error, OSError):
            return None  # the client has gone, or stays silent
        return self._handle_client_error(error)

    def _read_by_hand(self) -> bool:
        """Read by the methods that a subclass may override; False where there is no more request."""
        self._stream.patience = self._terms.head
        line: Any = self.read_requestline()
        if not line:
            return False
        self.requestline = line = line.decode("latin-1") if isinstance(line, bytes) else line
        if len(line) >= self._terms.limits.line_bytes:
            raise InvalidClientRequest("Invalid request: its first line is too long", "414 URI Too Long")
        if not self.read_request(line):
            raise InvalidClientRequest(f"Invalid request: {line!r}")
        return True

    def read_requestline(self) -> str | None:
        """The request line, with its end. Empty or None: there is no request."""
        line: bytes = self.rfile.readline(self._terms.limits.line_bytes)
        return line.decode("latin-1")

    def read_request(self, raw_requestline: str) -> bool:
        """Read the rest of the head, and take what it says. Raises ValueError where it is not valid."""
        lines = [raw_requestline.rstrip("\r\n").encode("latin-1") + b"\r\n"]
        left = self._terms.limits.head_bytes
        while lines[-1] not in (b"\r\n", b"\n", b"") and left > 0:
            lines.append(self.rfile.readline(left))
            left -= len(lines[-1])
        self._begin(self._parser.parse(b"".join(lines), self._terms.limits))
        return True

    def _check_length(self) -> None:
        length, most = self.content_length or 0, self._terms.most_body
        if length > most:
            raise InvalidClientRequest(
                f"Invalid request: a body of {length} bytes, over {most}", "413 Content Too Large"
            )

    def MessageClass(self, *args: Any) -> Any:  # noqa: N802 (the name of the hook)
        """Makes `headers` of a file that begins with the first field."""
        from plait.green.http1.message import message_of

        return message_of(args[0])

    @property
    def headers(self) -> Any:
        """The request's fields, as a message of the standard library's. What is changed in it before get_environ()
        shows in the environment."""
        if self._message is None:
            from plait.green.http1.message import fields_of

            self._message = self.MessageClass(fields_of(b"" if self._head is None else self._head.raw), 0)
        return self._message

    @headers.setter
    def headers(self, message: Any) -> None:
        self._message = message

    # -- its environment -----------------------------------------------------------------------------------------

    def _amend(self, environ: dict[str, Any]) -> None:
        """Correct an environment whose path is not plain, or whose head somebody has seen and may have changed."""
        head = self._head
        assert head is not None
        if not head.path_is_plain:
            environ["PATH_INFO"] = path_info(head.target)
        if self._message is not None:
            for key in head.fields:
                del environ[key]
            environ.update(fields_of(self._message.items()))

    # -- the response --------------------------------------------------------------------------------------------

    def _failed(self, error: BaseException) -> None:
        """Deal with what ended a response: of the client, of the connection, of the application."""
        if isinstance(error, InvalidClientInput):
            self._handle_client_error(error)
            self._answer_error(error.status)
        elif isinstance(error, ClientTooSlow):
            self.log_error("%s", error)
            self._answer_error("408 Request Timeout")
        elif isinstance(error, OSError) and error.args and error.args[0] in self.ignored_socket_errors:
            self.close_connection = True
        else:
            self.handle_error(type(error), error, error.__traceback__)

    def _discard_body(self) -> None:
        """Skip what the application did not read, so that the next request can follow."""
        if self.close_connection:
            return
        try:
            if not self.wsgi_input.discard(_DISCARD_BYTES):
                self.close_connection = True
        except InvalidClientInput:
            raise
        except OSError:
            self.close_connection = True

    def _too_long(self) -> None:
        self.log_error("the response is longer than its Content-Length; the rest was not sent")
        self.close_connection = True

    # -- errors and logs -----------------------------------------------------------------------------------------

    def handle_error(self, t: type[BaseException], v: BaseException, tb: TracebackType | None) -> None:
        """The application failed, or we did: report it, and answer 500 where nothing was sent."""
        self._log_error(t, v, tb)
        self._answer_error("500 Internal Server Error", b"Internal Server Error")

    def _log_error(self, t: type[BaseException], v: BaseException, tb: TracebackType | None) -> None:
        if issubclass(t, GreenletExit):
            return
        context = self.environ
        secure: Any = self.server.secure_environ_class
        get_hub().handle_error(context if isinstance(context, secure) else secure(context), t, v, tb)

    def _answer_error(self, status: str, body: bytes = b"") -> None:
        self.close_connection = True
        if self.response_length:
            return
        self.response_use_chunked = False
        try:
            self.start_response(status, [*_CANNED_FIELDS, ("Content-Length", str(len(body)))])
            self.write(body)
        except OSError:
            pass  # the client has gone

    def _handle_client_error(self, ex: Exception) -> tuple[str, bytes]:
        """Log what the client did wrong; the status and response that answer it."""
        if not isinstance(ex, (ValueError, InvalidClientInput)):
            self._print_unexpected_exc()
        if isinstance(ex, InvalidClientRequest):
            self.log_error("(from %s) %s", self.client_address, ex.formatted_message)
        else:
            self.log_error("Invalid request (from %s): %s", self.client_address, str(ex) or type(ex).__name__)
        status: str = getattr(ex, "status", "400 Bad Request")
        return status, canned(status)

    def log_error(self, msg: str, *args: Any) -> None:
        """Write a line to the server's error_log."""
        try:
            message = msg % args if args else msg
        except Exception:
            self._print_unexpected_exc()
            message = f"{msg!r} {args!r}"
        try:
            self.server.error_log.write(f"{self.socket}: {message}\n")
        except Exception:
            self._print_unexpected_exc()

    def format_request(self) -> str:
        """The request's line of the access log."""
        address = self.client_address[0] if isinstance(self.client_address, tuple) else self.client_address
        now = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime())
        status = self._orig_status or self.status or "000"
        took = f"{self.time_finish - self.time_start:.6f}" if self.time_finish else "-"
        return (
            f'{address or "-"} - - [{now}] "{self.requestline or ""}" {status.split()[0]} '
            f"{self.response_length or '-'} {took}"
        )
