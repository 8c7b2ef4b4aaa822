# cython: language_level=3, boundscheck=False, wraparound=False
"""A request of a WSGI server: the part of `wsgihandler` that runs for each one. What it means is said there.

The methods that handlers override are called through Python, so that overriding works; the others are C. Whatever is not
of the usual (a body to skip, an error, an odd path) is a method of WSGIHandler in Python.
"""

from libc.time cimport time_t

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE

from plait.green._native.http cimport (
    Head,
    HeadReader,
    date_now,
    encoded_fields,
    encoded_status,
    head_bytes,
)
from plait.green._native.stream cimport StreamCore
from plait.green.http1.body import Input
from plait.green.http1.errors import ServerStops
from plait.green.http1.head import read_rest
from plait.green.http1.logs import NoLog
from plait.green.http1.reply import format_date_time

cdef extern from "<time.h>" nogil:
    struct timespec:
        time_t tv_sec
        long tv_nsec
    int clock_gettime(int clock, timespec* now)
    int CLOCK_REALTIME

cdef enum:
    JOIN_BYTES = 65536  # a longer piece of a body is sent after the head, not copied behind it

cdef double _now() noexcept:
    """Seconds since the epoch."""
    cdef timespec now
    clock_gettime(CLOCK_REALTIME, &now)
    return now.tv_sec + now.tv_nsec * 1e-9


cdef object _code(bytes status):
    """The number that a status line's text begins with."""
    cdef const char* text = PyBytes_AS_STRING(status)
    if PyBytes_GET_SIZE(status) >= 4 and text[3] == b" " and b"1" <= text[0] <= b"9":
        if b"0" <= text[1] <= b"9" and b"0" <= text[2] <= b"9":
            return (text[0] - 48) * 100 + (text[1] - 48) * 10 + text[2] - 48
    return int(status.partition(b" ")[0])


cdef class HandlerCore:
    def __init__(self, sock, address, server, StreamCore stream not None, rfile, terms, HeadReader parser not None,
                 bint by_hand):
        self.socket = sock
        self.client_address = address
        self.server = server
        self.rfile = stream if rfile is None else rfile
        self.response_headers = ()
        self._stream = stream
        self._terms = terms
        self._parser = parser
        self.no_input = Input(self.rfile, None)
        self.remote = {}
        if isinstance(address, tuple):
            self.remote["REMOTE_ADDR"] = str(address[0])
            self.remote["REMOTE_PORT"] = str(address[1])
        self.by_hand = by_hand
        self.idle = terms.idle
        self.body = terms.body
        self.longest_line = terms.limits.line_bytes
        self.most_fields = terms.limits.fields

    # -- one request ---------------------------------------------------------------------------------------------

    def handle_one_request(self):
        """Read a request and answer it.

        Returns True where another one may follow, None where the connection ends, and (status, response) of a
        request that could not be understood, which `handle` sends.
        """
        cdef Head head
        if self.over():
            return None
        self.requestline = None
        try:
            if self.by_hand:
                if not self._read_by_hand():
                    return None
            else:
                head = self.read_head()
                if head is None:
                    return None
                self.begin(head)
        except Exception as error:
            return self._not_read(error)
        self.environ = self.get_environ()
        self.application = self.server.application
        self.handle_one_response()
        if self.close_connection or self._stream.watch.stopping or self.over():
            return None
        return True

    cdef bint over(self) except -1:
        """Whether somebody has closed the file that requests come from."""
        return self._stream.closed if self.rfile is self._stream else self.rfile.closed

    cdef Head read_head(self):
        """The next request's head; None where the connection ends."""
        cdef StreamCore stream = self._stream
        cdef bytes raw
        stream.patience = self.idle
        try:
            raw = stream.quick_head(self.longest_line)
        except ServerStops:
            stream.give_back(stream.last_look())
            raw = b""
        if not raw:
            raw = read_rest(stream, self._terms.limits, self._terms.head)
            if not raw:
                return None
        try:
            return self._parser.parse_strictly(raw, self.most_fields)
        except Exception as error:
            return self._parser.reconsider(raw, self._terms.limits, error)

    def _begin(self, Head head not None):
        self.begin(head)

    cdef int begin(self, Head head) except -1:
        """Take over what the head says. Raises InvalidClientRequest where its body is too large."""
        self._head = head
        self._message = None
        self.requestline = head.request_line
        self.command = head.method
        self.path = head.target
        self.request_version = head.version
        self.content_length = head.length
        self.close_connection = not head.keep_alive
        if head.length and self._terms.most_body is not None:
            self._check_length()
        return 0

    def get_environ(self):
        """The request's environment: the server's, and what the head says."""
        cdef Head head = self._head
        environ = self.server.get_environ()
        environ.update(self.remote)
        head.fill(environ)
        if not head.path_is_plain or self._message is not None:
            self._amend(environ)
        self.input(environ)
        return environ

    cdef input(self, environ):
        """What the application reads the body from, and whether that ends with the body."""
        cdef Head head = self._head
        cdef StreamCore stream = self._stream
        stream.patience = self.body
        if head.length or head.chunked:
            expects = head.fields.get("HTTP_EXPECT") if head.version == "HTTP/1.1" else None
            sock = self.socket if expects is not None and expects.lower() == "100-continue" else None
            self.wsgi_input = Input(self.rfile, head.length, sock, head.chunked, self._terms.most_body)
        else:
            self.wsgi_input = self.no_input
            if head.upgrade:
                stream.patience = None  # whoever speaks the other protocol may be silent as long as it likes
                if head.is_websocket:
                    self.close_connection = True  # the application may speak it behind our back, by the socket
                environ["wsgi.input"] = self.rfile
                environ["wsgi.input_terminated"] = False
                return
        environ["wsgi.input"] = self.wsgi_input
        environ["wsgi.input_terminated"] = True

    # -- the response --------------------------------------------------------------------------------------------

    def handle_one_response(self):
        """Run the application and send what it answers; errors of either are dealt with here."""
        self.time_start = _now()
        self.time_finish = 0
        self.status = self._orig_status = self.code = self.result = None
        self.headers_sent = self.response_use_chunked = self.connection_upgraded = False
        self.response_length = 0
        self._left = None
        try:
            self.run_application()
            if self.wsgi_input is not self.no_input:
                self._discard_body()
        except BaseException as error:
            self._failed(error)
        finally:
            self.time_finish = _now()
            self.log_request()

    def run_application(self):
        """Call the application, send its result, and close that."""
        try:
            self.result = self.application(self.environ, self.start_response)
            self.process_result()
        finally:
            result = self.result
            self.result = None
            if type(result) is not list:
                close = getattr(result, "close", None)
                if close is not None:
                    close()

    def process_result(self):
        """Send what the application returned."""
        result = self.result
        if isinstance(result, (list, tuple)) and len(result) > 1 and not self.headers_sent:
            result = (b"".join(result),)
        for data in result:
            if data:
                self.write(data)
        if not self.headers_sent and self.status:
            self.write(b"")
        if self.response_use_chunked:
            self.send(b"0\r\n\r\n")
        if self._left and self.command != "HEAD":
            self.close_connection = True  # fewer bytes than promised: only the end of the connection tells the client

    def start_response(self, status, headers, exc_info=None):
        """PEP 3333's: note status and fields, which are sent with the first bytes of the body."""
        if exc_info:
            try:
                if self.headers_sent:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None  # no cycle through the frame
        fields, length, connection, date = encoded_fields(headers)
        encoded = encoded_status(status)
        code = _code(encoded)
        left = None
        if length is not None:
            left = int(length)
            if left < 0:
                raise ValueError("Content-Length is negative", length)
            if left and (code == 204 or code == 304):
                raise self.ApplicationError(
                    f"Invalid Content-Length for {code} response: {length!r} (must be absent or zero)".encode("latin-1")
                )
        self.status = encoded
        self._orig_status = status
        self.code = code
        self.response_headers = fields
        self.provided_date = date
        self.provided_content_length = length
        self._provided_connection = connection
        self._left = left
        if connection is not None and connection.lower() == "close":
            self.close_connection = True
        return self.write

    def write(self, data):
        """Send a piece of the body, after the head where that was not sent. What start_response() returns."""
        if data and (self.code == 204 or self.code == 304):
            raise self.ApplicationError(f"The {self.code} response must have no body")
        if self.headers_sent:
            self.next_piece(data)
        elif self.status:
            self.first_piece(data)
        else:
            raise self.ApplicationError("The application did not call start_response()")

    def finalize_headers(self):
        """Add the fields that the server answers for, before the head is sent."""
        cdef list fields = self.response_headers
        cdef long code = self.code or 0
        if self.provided_date is None:
            fields.append((b"Date", date_now(format_date_time)))
        self.connection_upgraded = code == 101
        if self.connection_upgraded:
            self.close_connection = True  # no HTTP follows
            return
        if self._stream.watch.stopping:
            self.close_connection = True
        if self.provided_content_length is None and code >= 200 and code != 204 and code != 304:
            self.frame_body(fields)
        if self._provided_connection is None:
            if self.close_connection:
                fields.append((b"Connection", b"close"))
            elif self.request_version == "HTTP/1.0":
                fields.append((b"Connection", b"keep-alive"))

    cdef frame_body(self, list fields):
        """Say where the body ends."""
        cdef Py_ssize_t total = 0
        result = self.result
        if hasattr(result, "__len__"):
            for data in result:
                total += len(data)
            if total or self.command != "HEAD":  # an application may leave the body of a HEAD away; its length is not 0
                fields.append((b"Content-Length", b"%d" % total))
        elif self.request_version == "HTTP/1.0":
            self.close_connection = True
        elif self.command != "HEAD":
            self.response_use_chunked = True
            fields.append((b"Transfer-Encoding", b"chunked"))

    cdef first_piece(self, data):
        """Send the head, and with it the first piece of the body."""
        self.headers_sent = True
        self.finalize_headers()
        if not data or self.command == "HEAD":
            self.send(head_bytes(self.status, self.response_headers))
            return
        if self._left is not None:
            data = self._promised(data)
        if self.response_use_chunked:
            data = b"%x\r\n%b\r\n" % (len(data), data)
        if len(data) > JOIN_BYTES:
            self.send(head_bytes(self.status, self.response_headers))
            self.send(data)
        else:
            self.send(head_bytes(self.status, self.response_headers, bytes(data)))

    cdef next_piece(self, data):
        if not data or self.command == "HEAD":
            return
        if self._left is not None:
            data = self._promised(data)
        self.send(b"%x\r\n%b\r\n" % (len(data), data) if self.response_use_chunked else data)

    def _promised(self, data):
        """What of data is within the Content-Length that the application gave: more would begin the next response."""
        if len(data) > self._left:
            self._too_long()
            data = data[: self._left]
        self._left -= len(data)
        return data

    cdef send(self, data):
        try:
            self._stream.send(self.socket, data)
        except OSError as error:
            self.status = f"socket error: {error}"
            if self.code and self.code > 0:
                self.code = -self.code
            raise
        self.response_length += len(data)

    def _sendall(self, data):
        """Send bytes of the response as they are."""
        self.send(data)

    def log_request(self):
        """Write the request's line to the server's log."""
        log = self.server.log
        if type(log) is not NoLog:
            log.write(self.format_request() + "\n")
