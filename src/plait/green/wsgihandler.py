"""WSGIHandler: the requests of one connection, one after the other.

    idle       waits for the first byte of a request; where nothing comes in time, the connection is closed
    reading    waits for the rest of the head; 408 where it does not come in time
    running    the application runs; it reads the body, and its response is sent
    lingering  an error was answered, or a body not read: what still comes is dropped, so that the answer arrives

A response whose body is there at once is one send. Requests that were sent without waiting (pipelined) stay in the
stream until their turn.

The methods may be overridden as gevent's documents say: read_requestline and read_request get their bytes from
`rfile`, at the price of the quick path that takes a head whole; get_environ adds to the environment; log_request and
format_request say what is logged.
"""

from __future__ import annotations

import errno
import sys
import time
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Any, ClassVar

from plait.green import socket as _socket
from plait.green.http1.body import Input
from plait.green.http1.errors import ClientTooSlow, InvalidClientInput, InvalidClientRequest
from plait.green.http1.head import Head, HeadParser, fields_of, path_info, read_head
from plait.green.http1.logs import NoLog
from plait.green.http1.reply import canned, date_now, encoded_fields, encoded_status, head_bytes
from plait.green.http1.stream import Stream
from plait.green.http1.terms import Terms
from plait.green.hub import get_hub
from plait.greenlet import GreenletExit

__all__ = ["WSGIHandler"]

_JOIN_BYTES = 65536  # a longer piece of a body is sent after the head, not copied behind it
_DISCARD_BYTES = 1 << 20  # of a body that the application did not read; then the connection is closed
_LINGER_BYTES = 1 << 18
_LINGER_SECONDS = 2.0

_UPGRADED = 101
_BODILESS = frozenset({204, 304})

_CANNED_FIELDS = [("Content-Type", "text/plain"), ("Connection", "close")]


class WSGIHandler:
    """Serves the requests of one connection.

    Made by WSGIServer.handle with the socket, the client's address and the server; `handle` runs until the connection
    ends. Attributes without an underscore are those of the request that is served, and of its response.
    """

    protocol_version = "HTTP/1.1"

    #: Raised in the application where it breaks the rules of a response.
    ApplicationError: ClassVar[type[Exception]] = AssertionError

    #: Error numbers of a client that has gone: nobody needs to hear of them.
    ignored_socket_errors: tuple[int, ...] = (errno.EPIPE, errno.ECONNRESET)

    _print_unexpected_exc = staticmethod(traceback.print_exc)

    # Of the request. Defaults on the class keep the constructor short.
    requestline: str | None = None  # "GET / HTTP/1.1"
    command: str | None = None  # "GET"
    path: str | None = None  # as it was sent: "/a%20b?c"
    request_version: str | None = None  # "HTTP/1.1"
    content_length: int | None = None
    close_connection = False  # whether the connection ends with this request
    environ: Any = None
    application: Any = None
    wsgi_input: Any = None
    _head: Head | None = None
    _message: Any = None  # the fields as a message, once they were asked for

    # Of the response.
    status: Any = None  # b"200 OK", once the application has said so
    _orig_status: str | None = None  # "200 OK"
    code: int | None = None
    response_headers: Any = ()  # [(b"Content-Type", b"text/plain")]
    headers_sent = False
    response_use_chunked = False
    connection_upgraded = False
    response_length = 0  # bytes sent, head included
    result: Any = None  # what the application returned
    provided_date: Any = None  # the application's own fields
    provided_content_length: Any = None
    _provided_connection: str | None = None
    _left: int | None = None  # bytes that the application has promised and not yet written
    time_start: float = 0  # seconds since the epoch
    time_finish: float = 0

    def __init__(self, sock: Any, address: Any, server: Any, rfile: Any = None) -> None:
        self.socket = sock
        self.client_address = address
        self.server = server
        self._terms: Terms = getattr(server, "terms", None) or Terms()
        self._watch = self._terms.watch
        self._stream = Stream(sock, self._watch)
        self.rfile = self._stream if rfile is None else rfile
        self._parser = HeadParser()
        kind = type(self)
        self._by_hand = (
            kind.read_requestline is not WSGIHandler.read_requestline
            or kind.read_request is not WSGIHandler.read_request
            or self.rfile is not self._stream
        )
        self._no_input = Input(self.rfile, None)
        self._remote = _remote(address)

    # -- the connection ------------------------------------------------------------------------------------------

    def handle(self) -> None:
        """Serve requests until the connection ends; it is closed then."""
        self._watch.add(self._stream)
        clean = False
        try:
            while self.socket is not None:
                result = self.handle_one_request()
                if result is not True:
                    break
            else:
                result = None
            if result is not None:
                self._refuse(*result)
            clean = result is None
        finally:
            self._end(clean)

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

    def _end(self, clean: bool) -> None:
        """Close the connection. Whatever the client still sends would reset it, and take the answer with it."""
        sock = self.socket
        try:
            if sock is not None:
                try:
                    if not clean or self._stream.buffered or not getattr(self.wsgi_input, "ended", True):
                        self._linger(sock)
                except OSError:
                    pass
                finally:
                    sock.close()
        finally:
            self._watch.remove(self._stream)
            for name in ("socket", "rfile", "wsgi_input"):
                self.__dict__.pop(name, None)

    def _linger(self, sock: Any) -> None:
        sock.shutdown(_socket.SHUT_WR)
        stream = self._stream
        due = stream.due_in(self._watch.ticks(_LINGER_SECONDS))
        dropped = 0
        while dropped < _LINGER_BYTES and (data := stream.receive(due)):
            dropped += len(data)

    # -- one request ---------------------------------------------------------------------------------------------

    def handle_one_request(self) -> Any:
        """Read a request and answer it.

        Returns True where another one may follow, None where the connection ends, and (status, response) of a
        request that could not be understood, which `handle` sends.
        """
        if self.rfile.closed:
            return None
        self.requestline = None
        try:
            if self._by_hand:
                if not self._read_by_hand():
                    return None
            else:
                terms = self._terms
                self._stream.patience = terms.idle
                raw = read_head(self._stream, terms.limits, terms.head)
                if not raw:
                    return None
                self._begin(self._parser.parse(raw, terms.limits))
        except OSError:
            return None  # the client has gone, or stays silent
        except Exception as error:
            return self._handle_client_error(error)
        self.environ = self.get_environ()
        self.application = self.server.application
        self.handle_one_response()
        if self.close_connection or self._watch.stopping or self.rfile.closed:
            return None
        return True

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

    def _begin(self, head: Head) -> None:
        """Take over what the head says."""
        self._head = head
        self._message = None
        self.requestline = head.request_line
        self.command = head.method
        self.path = head.target
        self.request_version = head.version
        self.content_length = length = head.length
        self.close_connection = not head.keep_alive
        most = self._terms.most_body
        if most is not None and length is not None and length > most:
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

    def get_environ(self) -> Any:
        """The request's environment: the server's, and what the head says."""
        head = self._head
        assert head is not None
        env = self.server.get_environ()
        env.update(self._remote)
        head.fill(env)
        if not head.path_is_plain:
            env["PATH_INFO"] = path_info(head.target)
        if self._message is not None:  # somebody has seen it, and may have changed it
            for key in head.fields:
                del env[key]
            env.update(fields_of(self._message.items()))
        env["wsgi.input"], env["wsgi.input_terminated"] = self._input(head)
        return env

    def _input(self, head: Head) -> tuple[Any, bool]:
        """What the application reads the body from, and whether that ends with the body."""
        self._stream.patience = self._terms.body
        if not head.length and not head.chunked:
            self.wsgi_input = self._no_input
            if head.upgrade:
                self._stream.patience = None  # whoever speaks the other protocol may be silent as long as it likes
                return self.rfile, False
        else:
            expects = head.version == "HTTP/1.1" and head.fields.get("HTTP_EXPECT", "").lower() == "100-continue"
            sock = self.socket if expects else None
            self.wsgi_input = Input(self.rfile, head.length, sock, head.chunked, self._terms.most_body)
        return self.wsgi_input, True

    # -- the response --------------------------------------------------------------------------------------------

    def handle_one_response(self) -> None:
        """Run the application and send what it answers; errors of either are dealt with here."""
        self.time_start = time.time()
        self.time_finish = 0
        self.status = self._orig_status = self.code = None
        self.headers_sent = self.response_use_chunked = self.connection_upgraded = False
        self.result = None
        self.response_length = 0
        try:
            self.run_application()
            if not self.wsgi_input.ended:
                self._discard_body()
        except InvalidClientInput as error:
            self._handle_client_error(error)
            self._answer_error(error.status)
        except ClientTooSlow as error:
            self.log_error("%s", error)
            self._answer_error("408 Request Timeout")
        except OSError as error:
            if error.args and error.args[0] in self.ignored_socket_errors:
                self.close_connection = True
            else:
                self.handle_error(*_exc_info())
        except BaseException:
            self.handle_error(*_exc_info())
        finally:
            self.time_finish = time.time()
            self.log_request()

    def run_application(self) -> None:
        """Call the application, send its result, and close that."""
        try:
            self.result = self.application(self.environ, self.start_response)
            self.process_result()
        finally:
            result, self.result = self.result, None
            close = getattr(result, "close", None)
            if close is not None:
                close()

    def process_result(self) -> None:
        """Send what the application returned."""
        result = self.result
        if isinstance(result, (list, tuple)) and len(result) > 1 and not self.headers_sent:
            result = (b"".join(result),)
        for data in result:
            if data:
                self.write(data)
        if self.status and not self.headers_sent:
            self.write(b"")
        if self.response_use_chunked:
            self._sendall(b"0\r\n\r\n")
        if self._left and self.command != "HEAD":
            self.close_connection = True  # fewer bytes than promised: only the end of the connection tells the client

    def _discard_body(self) -> None:
        if self.close_connection:
            return
        try:
            if not self.wsgi_input.discard(_DISCARD_BYTES):
                self.close_connection = True
        except InvalidClientInput:
            raise
        except OSError:
            self.close_connection = True

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[Any], None]:
        """PEP 3333's: note status and fields, which are sent with the first bytes of the body."""
        if exc_info:
            try:
                if self.headers_sent:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None  # no cycle through the frame
        fields, length, connection, date = encoded_fields(headers)
        encoded = encoded_status(status)
        code = int(status.split(" ", 1)[0])
        if code in _BODILESS and length is not None and length != "0":
            raise self.ApplicationError(
                f"Invalid Content-Length for {code} response: {length!r} (must be absent or zero)".encode("latin-1")
            )
        self._left = None if length is None else int(length)
        self.status = encoded
        self._orig_status = status
        self.code = code
        self.response_headers = fields
        self.provided_date = date
        self.provided_content_length = length
        self._provided_connection = connection
        if connection is not None and connection.lower() == "close":
            self.close_connection = True
        return self.write

    def write(self, data: Any) -> None:
        """Send a piece of the body, after the head where that was not sent. What start_response() returns."""
        if data and self.code in _BODILESS:
            raise self.ApplicationError(f"The {self.code} response must have no body")
        if self.headers_sent:
            self._write(data)
        elif not self.status:
            raise self.ApplicationError("The application did not call start_response()")
        else:
            self._write_with_headers(data)

    def finalize_headers(self) -> None:
        """Add the fields that the server answers for, before the head is sent."""
        fields = self.response_headers
        code = self.code or 0
        if self.provided_date is None:
            fields.append((b"Date", date_now()))
        self.connection_upgraded = code == _UPGRADED
        if self.connection_upgraded:
            return
        if self._watch.stopping:
            self.close_connection = True
        if self.provided_content_length is None and code not in _BODILESS and code >= 200:
            self._frame_body(fields)
        if self._provided_connection is None:
            if self.close_connection:
                fields.append((b"Connection", b"close"))
            elif self.request_version == "HTTP/1.0":
                fields.append((b"Connection", b"keep-alive"))

    def _frame_body(self, fields: list[tuple[bytes, bytes]]) -> None:
        """Say where the body ends."""
        result = self.result
        if hasattr(result, "__len__"):
            total = sum(map(len, result))
            if total or self.command != "HEAD":  # an application may leave the body of a HEAD away; its length is not 0
                fields.append((b"Content-Length", b"%d" % total))
        elif self.request_version == "HTTP/1.0":
            self.close_connection = True
        elif self.command != "HEAD":
            self.response_use_chunked = True
            fields.append((b"Transfer-Encoding", b"chunked"))

    def _write_with_headers(self, data: Any) -> None:
        self.headers_sent = True
        self.finalize_headers()
        status, fields = self.status, self.response_headers
        if not data or self.command == "HEAD":
            self._sendall(head_bytes(status, fields))
            return
        if self._left is not None:
            data = self._promised(data)
        if self.response_use_chunked:
            data = b"%x\r\n%b\r\n" % (len(data), data)
        if len(data) > _JOIN_BYTES:
            self._sendall(head_bytes(status, fields))
            self._sendall(data)
        else:
            self._sendall(head_bytes(status, fields, bytes(data)))

    def _write(self, data: Any) -> None:
        if not data or self.command == "HEAD":
            return
        if self._left is not None:
            data = self._promised(data)
        if self.response_use_chunked:
            self._sendall(b"%x\r\n%b\r\n" % (len(data), data))
        else:
            self._sendall(data)

    def _promised(self, data: Any) -> Any:
        """What of data is within the Content-Length that the application gave: more would begin the next response."""
        assert self._left is not None
        if len(data) > self._left:
            self.log_error("the response is longer than its Content-Length; the rest was not sent")
            self.close_connection = True
            data = data[: self._left]
        self._left -= len(data)
        return data

    def _sendall(self, data: Any) -> None:
        try:
            self._stream.send(self.socket, data)
        except OSError as error:
            self.status = f"socket error: {error}"
            if self.code and self.code > 0:
                self.code = -self.code
            raise
        self.response_length += len(data)

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

    def log_request(self) -> None:
        """Write the request's line to the server's log."""
        log = self.server.log
        if type(log) is not NoLog:
            log.write(self.format_request() + "\n")

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


def _exc_info() -> Any:
    return sys.exc_info()


def _remote(address: Any) -> dict[str, str]:
    if isinstance(address, tuple):
        return {"REMOTE_ADDR": str(address[0]), "REMOTE_PORT": str(address[1])}
    return {}
