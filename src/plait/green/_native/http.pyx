# cython: language_level=3, boundscheck=False, wraparound=False
"""Heads of requests and responses: the part of `http1.head` and `http1.reply` that runs for each request.

A request's head is parsed by llhttp, which calls HeadFields for each field; the request line is then cut here, since llhttp
has judged it. Whatever is wrong raises, llhttp's errors as they are; what to make of them is decided in `http1.head`.
A response's head is checked, and put together with the first bytes of the body in one allocation.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_SetItem, PyDict_Update
from cpython.unicode cimport PyUnicode_AsLatin1String, PyUnicode_DecodeLatin1
from libc.string cimport memchr, memcmp, memcpy
from libc.time cimport time, time_t

from plait.green.http1.errors import InvalidClientRequest

cdef extern from "strings.h" nogil:
    int strncasecmp(const char* one, const char* other, size_t size)

cdef str _HTTP_1_1 = "HTTP/1.1"
cdef str _HTTP_1_0 = "HTTP/1.0"

# Names that clients sent -> their names in the environment, None where a field is dropped. Clients choose them.
cdef dict _keys = {}
cdef enum:
    MOST_KEYS = 1000
    LONGEST_KEY = 64


cdef str _key_of(bytes name):
    key = None
    if b"_" not in name:
        key = name.decode("latin-1").upper().replace("-", "_")
        if key != "CONTENT_TYPE" and key != "CONTENT_LENGTH":
            key = f"HTTP_{key}"
    if len(_keys) < MOST_KEYS and len(name) < LONGEST_KEY:
        _keys[name] = key
    return key


cdef inline str _text(const char* start, const char* end):
    return PyUnicode_DecodeLatin1(start, end - start, NULL)


cdef class HeadFields:
    """What llhttp calls: it gathers one head's fields, named as in a WSGI environment."""

    def on_header(self, bytes name not None, bytes value not None):
        cdef const char* start = PyBytes_AS_STRING(value)
        cdef const char* end = start + PyBytes_GET_SIZE(value)
        self.left -= 1
        found = _keys.get(name, 0)
        cdef str key = _key_of(name) if found == 0 else found
        if key is None:
            return
        while start < end and (start[0] == b" " or start[0] == b"\t"):
            start += 1
        while start < end and ((end - 1)[0] == b" " or (end - 1)[0] == b"\t"):
            end -= 1
        cdef str text = _text(start, end)
        before = self.gathered.get(key)
        if before is not None:
            self.repeated |= key == "HTTP_HOST"
            text = f"{before}; {text}" if key == "HTTP_COOKIE" or key == "HTTP_COOKIE2" else f"{before},{text}"
        PyDict_SetItem(self.gathered, key, text)


def fields_of(items):
    """Names and values, as a WSGI environment has them."""
    cdef HeadFields fields = HeadFields()
    fields.gathered = {}
    for name, value in items:
        fields.on_header(name.encode("latin-1"), value.encode("latin-1"))
    return fields.gathered


cdef class Head:
    """One parsed head.

    fields: as a WSGI environment names them, CONTENT_LENGTH and HTTP_HOST; repeated ones are joined.
    length: of the body in bytes, None where there is none. chunked: the body says itself where it ends.
    path_is_plain: whether fill() could tell PATH_INFO from the target: it has no escapes, and no host before it.
    """

    cpdef fill(self, environ):
        """Add all that the head says to a dict; a PATH_INFO that is not plain is left to the caller."""
        PyDict_SetItem(environ, "REQUEST_METHOD", self.method)
        PyDict_SetItem(environ, "PATH_INFO", self.path)
        PyDict_SetItem(environ, "QUERY_STRING", self.query)
        PyDict_SetItem(environ, "SERVER_PROTOCOL", self.version)
        PyDict_Update(environ, self.fields)

    @property
    def upgrade(self):
        """Whether the client would like to speak another protocol from here on."""
        connection = self.fields.get("HTTP_CONNECTION")
        if connection is not None and "upgrade" in _tokens(connection):
            return True
        return self.is_websocket

    @property
    def is_websocket(self):
        """Whether that protocol is websocket."""
        upgrade = self.fields.get("HTTP_UPGRADE")
        return upgrade is not None and upgrade.lower() == "websocket"


cdef list _tokens(str text):
    return [token.strip(" \t") for token in text.lower().split(",")]  # not of the other spaces that latin-1 has


cdef class HeadReader:
    """Parses the heads of one connection, one after the other.

    parser_class: makes llhttp's parser for an object with on_header. upgrade_class: what the parser raises at the end
    of a head that another protocol follows.
    """

    def __init__(self, parser_class, upgrade_class):
        self.fields = HeadFields()
        self.parser_class = parser_class
        self.upgrade_class = upgrade_class

    cpdef restart(self):
        """Forget what the parser knows, after an error."""
        self.feed = None

    cpdef Head parse_strictly(self, bytes raw, Py_ssize_t most_fields):
        """The head that `raw` is, empty line included. Raises InvalidClientRequest, and the parser's errors."""
        cdef HeadFields fields = self.fields
        cdef Head head = Head.__new__(Head)
        fields.gathered = head.fields = {}
        fields.left = most_fields
        fields.repeated = False
        if self.feed is None:
            self.feed = self.parser_class(fields).feed_data
        try:
            self.feed(raw)
        except self.upgrade_class:
            self.feed = None
        if fields.left < 0:
            raise InvalidClientRequest(
                f"Invalid request: more than {most_fields} header fields", "431 Request Header Fields Too Large"
            )
        if fields.repeated:
            raise InvalidClientRequest("Invalid request: more than one Host")
        head.raw = raw
        _cut_line(head)
        _frame(head)
        if head.chunked or head.length or not head.keep_alive or head.version is _HTTP_1_0:
            self.feed = None  # it would take what follows for the body, or for nothing
        return head


cdef int _cut_line(Head head) except -1:
    """Method, target and version of the request line."""
    cdef const char* start = PyBytes_AS_STRING(head.raw)
    cdef const char* end = <const char*>memchr(start, b"\r", PyBytes_GET_SIZE(head.raw))
    cdef const char* space
    cdef const char* word
    cdef const char* version
    cdef Py_ssize_t at
    head.request_line = _text(start, end)
    space = <const char*>memchr(start, b" ", end - start)
    version = end - 8
    if space == NULL or version <= space or (version - 1)[0] != b" ":
        raise InvalidClientRequest(f"Invalid http version: {head.request_line!r}")
    if memcmp(version, <const char*>b"HTTP/1.1", 8) == 0:
        head.version = _HTTP_1_1
    elif memcmp(version, <const char*>b"HTTP/1.0", 8) == 0:
        head.version = _HTTP_1_0
    else:
        raise InvalidClientRequest(f"Invalid http version: {head.request_line!r}")
    head.method = _text(start, space)
    word = space + 1
    while word[0] == b" ":
        word += 1
    end = version - 1
    while end > word and (end - 1)[0] == b" ":
        end -= 1
    for at in range(end - word):  # llhttp ends the line of an HTTP/0.9 request at a lone line feed, and goes on with fields
        if <unsigned char>word[at] <= b" " or word[at] == 0x7F:
            end = word
            break
    if end <= word:
        raise InvalidClientRequest(f"Invalid request line: {head.request_line!r}")
    head.target = _text(word, end)
    space = <const char*>memchr(word, b"?", end - word)
    head.path = head.target if space == NULL else _text(word, space)
    head.query = "" if space == NULL else _text(space + 1, end)
    head.path_is_plain = word[0] == b"/" and memchr(word, b"%", (end if space == NULL else space) - word) == NULL
    return 0


cdef int _frame(Head head) except -1:
    """How long the body is, and whether the connection goes on after it."""
    cdef dict fields = head.fields
    cdef str text
    text = fields.get("HTTP_TRANSFER_ENCODING")
    if text is not None:
        if head.version is not _HTTP_1_1:
            raise InvalidClientRequest(f"Invalid request: Transfer-Encoding: {text!r} in {head.version}")
        if text.lower() != "chunked":
            raise InvalidClientRequest(
                f"Invalid request: Transfer-Encoding: {text!r} is not chunked", "501 Not Implemented"
            )
        head.chunked = True
    text = fields.get("CONTENT_LENGTH")
    if text is not None:
        head.length = int(text)
    text = fields.get("HTTP_CONNECTION")
    head.keep_alive = head.version is _HTTP_1_1
    if text is not None:
        tokens = _tokens(text)
        head.keep_alive = "close" not in tokens and (head.keep_alive or "keep-alive" in tokens)
    return 0


# -- responses -----------------------------------------------------------------------------------------------------


cdef inline bint _breaks_line(bytes text):
    cdef const char* start = PyBytes_AS_STRING(text)
    cdef size_t size = PyBytes_GET_SIZE(text)
    return memchr(start, b"\r", size) != NULL or memchr(start, b"\n", size) != NULL


cdef inline bint _is(bytes name, const char* lower, Py_ssize_t size):
    return PyBytes_GET_SIZE(name) == size and strncasecmp(PyBytes_AS_STRING(name), lower, size) == 0


cpdef bytes encoded_status(status):
    """Raises where it is no status line's text, "200 OK"."""
    if not isinstance(status, str):
        raise UnicodeError("The status string must be a native string", status)
    encoded = PyUnicode_AsLatin1String(status)
    if _breaks_line(encoded):
        raise ValueError("carriage return or newline in status", status)
    return encoded


cpdef tuple encoded_fields(headers):
    """(encoded fields, content-length, connection, date), the last three None where they are not among them.

    Raises UnicodeError for what is no text of latin-1, ValueError for a line break.
    """
    cdef list encoded = []
    cdef bytes key, text
    length = connection = date = None
    for name, value in headers:
        if not isinstance(name, str):
            raise UnicodeError("The header must be a native string", name, value)
        if not isinstance(value, str):
            raise UnicodeError("The value must be a native string", name, value)
        try:
            key = PyUnicode_AsLatin1String(name)
            text = PyUnicode_AsLatin1String(value)
        except UnicodeEncodeError:
            raise UnicodeError("Non-latin1 header", repr(name), repr(value)) from None
        if _breaks_line(key):
            raise ValueError("carriage return or newline in header name", name)
        if _breaks_line(text):
            raise ValueError("carriage return or newline in header value", value)
        encoded.append((key, text))
        if _is(key, "content-length", 14):
            length = value
        elif _is(key, "connection", 10):
            connection = value
        elif _is(key, "date", 4):
            date = value
    return encoded, length, connection, date


cdef inline char* _put(char* at, bytes text):
    cdef Py_ssize_t size = PyBytes_GET_SIZE(text)
    memcpy(at, PyBytes_AS_STRING(text), size)
    return at + size


cpdef bytes head_bytes(bytes status, list fields, bytes body=b""):
    """The head of a response, empty line included, and the bytes that follow it at once."""
    cdef Py_ssize_t size
    cdef tuple field
    if status is None or fields is None or body is None:
        raise TypeError("head_bytes() takes bytes, a list and bytes")
    size = 13 + PyBytes_GET_SIZE(status) + PyBytes_GET_SIZE(body)
    for field in fields:
        size += 4 + PyBytes_GET_SIZE(<bytes?>field[0]) + PyBytes_GET_SIZE(<bytes?>field[1])
    cdef bytes response = PyBytes_FromStringAndSize(NULL, size)
    cdef char* at = PyBytes_AS_STRING(response)
    at = _put(at, b"HTTP/1.1 ")
    at = _put(at, status)
    at = _put(at, b"\r\n")
    for field in fields:
        at = _put(at, <bytes>field[0])
        at = _put(at, b": ")
        at = _put(at, <bytes>field[1])
        at = _put(at, b"\r\n")
    at = _put(at, b"\r\n")
    _put(at, body)
    return response


cdef time_t _second = -1
cdef bytes _date = b""


cpdef bytes date_now(format_date):
    """format_date(now), with the seconds since the epoch; called once a second."""
    global _second, _date
    cdef time_t second = time(NULL)
    if second != _second:
        _date = format_date(second)
        _second = second
    return _date
