"""Heads of requests: what is taken, what is refused, whole and in pieces."""

import subprocess
import sys

import pytest

from plait.green.http1.errors import InvalidClientRequest
from plait.green.http1.head import HeadLimits, HeadParser, read_head
from plait.green.http1.stream import Stream, Watch

LIMITS = HeadLimits()


class Wire:
    """A socket that has received these pieces, and then the end."""

    def __init__(self, *pieces):
        self.pieces = list(pieces)

    def recv(self, size):
        return self.pieces.pop(0) if self.pieces else b""


def parse(text, limits=LIMITS):
    return HeadParser().parse(text.replace("\n", "\r\n").encode("latin-1"), limits)


def refused(text, limits=LIMITS):
    with pytest.raises(InvalidClientRequest) as caught:
        parse(text, limits)
    return caught.value.status


def test_a_head_is_what_the_environment_needs():
    head = parse("GET /a%20b?c=d HTTP/1.1\nHost: here\nX-One-Two:  three \nContent-Type: text/plain\n\n")
    assert (head.method, head.target, head.version) == ("GET", "/a%20b?c=d", "HTTP/1.1")
    assert head.request_line == "GET /a%20b?c=d HTTP/1.1"
    assert head.fields == {"HTTP_HOST": "here", "HTTP_X_ONE_TWO": "three", "CONTENT_TYPE": "text/plain"}
    assert head.keep_alive and not head.chunked and head.length is None and not head.upgrade


@pytest.mark.parametrize(
    ("line", "keeps"),
    [
        ("HTTP/1.1\n", True),
        ("HTTP/1.1\nConnection: close\n", False),
        ("HTTP/1.1\nConnection: Foo, Close\n", False),
        ("HTTP/1.1\nConnection: keep-alive\n", True),
        ("HTTP/1.0\n", False),
        ("HTTP/1.0\nConnection: Keep-Alive\n", True),
        ("HTTP/1.0\nConnection: keep-alive, close\n", False),
        ("HTTP/1.0\nConnection:\xa0keep-alive\n", False),
        ("HTTP/1.1\nConnection: \x85close\xa0\n", True),
    ],
)
def test_who_keeps_the_connection(line, keeps):
    assert parse(f"GET / {line}\n").keep_alive is keeps


def test_repeated_fields_are_joined_and_underscores_dropped():
    repeated = "A: 1\nCookie: x\na: 2\nCookie: y\nCookie2: v\nCookie2: w\n"
    head = parse(f"GET / HTTP/1.1\n{repeated}A_B: no\nA-B: yes\nContent_Length: 5\n\n")
    assert head.fields == {"HTTP_A": "1,2", "HTTP_COOKIE": "x; y", "HTTP_A_B": "yes", "HTTP_COOKIE2": "v; w"}
    assert head.length is None


def test_a_folded_field_is_one_line():
    assert parse("GET / HTTP/1.1\nA: 1\n  2\n\t3\nB: 4\n\n").fields == {"HTTP_A": "1 2 3", "HTTP_B": "4"}
    assert refused("GET / HTTP/1.1\n A: 1\n\n") == "400 Bad Request"
    assert refused("GET / HTTP/1.1\nA: 1\n 2\nB\x00: 1\n\n") == "400 Bad Request"


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("POST / HTTP/1.1\nContent-Length: 3\nTransfer-Encoding: chunked\n\n", "400"),
        ("POST / HTTP/1.1\nTransfer-Encoding: chunked\nContent-Length: 3\n\n", "400"),
        ("POST / HTTP/1.1\nContent-Length: 3\nContent-Length: 3\n\n", "400"),
        ("POST / HTTP/1.1\nContent-Length: 3, 3\n\n", "400"),
        ("POST / HTTP/1.1\nContent-Length: +3\n\n", "400"),
        ("POST / HTTP/1.1\nContent-Length: -3\n\n", "400"),
        ("POST / HTTP/1.1\nContent-Length: 0x3\n\n", "400"),
        ("POST / HTTP/1.1\nContent-Length: 1_0\n\n", "400"),
        ("POST / HTTP/1.1\nContent-Length: 99999999999999999999\n\n", "400"),
        ("POST / HTTP/1.1\nTransfer-Encoding: gzip\n\n", "400"),
        ("POST / HTTP/1.1\nTransfer-Encoding: chunked, gzip\n\n", "400"),
        ("POST / HTTP/1.1\nTransfer-Encoding: gzip, chunked\n\n", "501"),
        ("POST / HTTP/1.1\nTransfer-Encoding: xchunked\n\n", "400"),
        ("POST / HTTP/1.1\nTransfer-Encoding:\x0bchunked\n\n", "400"),
        ("POST / HTTP/1.1\nTransfer-Encoding : chunked\n\n", "400"),
        ("POST / HTTP/1.0\nTransfer-Encoding: chunked\n\n", "400"),
        ("POST / HTTP/1.1\nTransfer-Encoding: chunked\nTransfer-Encoding: chunked\n\n", "400"),
        ("GET / HTTP/1.1\nHost: a\nHost: b\n\n", "400"),
        ("GET / HTTP/1.1\nHost: a\nHost: a\n\n", "400"),
        ("GET / HTTP/1.1\nHo st: a\n\n", "400"),
        ("GET / HTTP/1.1\nHost: a\x00\n\n", "400"),
        ("GET / HTTP/1.1\nnothing\n\n", "400"),
        ("GET / HTTP/1.1\n: a\n\n", "400"),
        ("GET /\n\n", "400"),
        ("GET / HTTP/0.9\n\n", "400"),
        ("GET / HTTP/2.0\n\n", "400"),
        ("GET / HTTP/1.2\n\n", "400"),
        ("GET / HTTP/11\n\n", "400"),
        ("GET / RTSP/1.0\n\n", "400"),
        ("PRI * HTTP/2.0\n\n", "400"),
        ("GET /a b HTTP/1.1\n\n", "400"),
        ("GET /a\tb HTTP/1.1\n\n", "400"),
        ("GET /\x7f HTTP/1.1\n\n", "400"),
        ("GET /\xe4 HTTP/1.1\n\n", "400"),
        ("FROBNICATE / HTTP/1.1\n\n", "400"),
        ("get / HTTP/1.1\n\n", "400"),
    ],
)
def test_what_is_not_clear_is_refused(text, status):
    assert refused(text).startswith(status)


def test_a_lone_line_feed_ends_no_line():
    for raw in (b"GET / HTTP/1.1\nHost: a\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\nB: c\r\n\r\n"):
        with pytest.raises(InvalidClientRequest):
            HeadParser().parse(raw, LIMITS)


def test_a_line_feed_within_the_first_line_is_no_part_of_the_target():
    """llhttp takes what comes before it for a request of HTTP/0.9, and what comes behind it for a field."""
    for raw in (b"GET /a\nB: HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /a\nB:  HTTP/1.1\r\n\r\n"):
        with pytest.raises(InvalidClientRequest):
            HeadParser().parse(raw, LIMITS)


def test_one_parser_serves_all_requests_of_a_connection():
    parser = HeadParser()
    for text in (
        "GET /1 HTTP/1.1\r\nA: 1\r\n\r\n",
        "POST /2 HTTP/1.1\r\nContent-Length: 7\r\n\r\n",  # whose body the parser never sees
        "POST /3 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST /4 HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        "GET /5 HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        "CONNECT here:80 HTTP/1.1\r\n\r\n",
        "GET /7 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        "GET /8 HTTP/1.1\r\nConnection: close\r\n\r\n",
        "GET /9 HTTP/1.1\r\n\r\n",
    ):
        assert parser.parse(text.encode(), LIMITS).target == text.split()[1]
    with pytest.raises(InvalidClientRequest):
        parser.parse(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", LIMITS)
    assert parser.parse(b"GET /10 HTTP/1.1\r\nHost: a\r\n\r\n", LIMITS).fields == {"HTTP_HOST": "a"}


def test_upgrades():
    assert parse("GET / HTTP/1.1\nConnection: keep-alive, Upgrade\nUpgrade: websocket\n\n").upgrade
    assert parse("GET / HTTP/1.1\nUpgrade: WebSocket\n\n").upgrade
    assert not parse("GET / HTTP/1.1\nUpgrade: h2c\n\n").upgrade


def test_more_fields_than_allowed():
    fields = "".join(f"A{number}: 1\n" for number in range(10))
    assert len(parse(f"GET / HTTP/1.1\n{fields}\n", HeadLimits(fields=10)).fields) == 10
    assert refused(f"GET / HTTP/1.1\n{fields}\n", HeadLimits(fields=9)).startswith("431")


# -- reading -------------------------------------------------------------------------------------------------------


def read(*pieces, limits=LIMITS):
    stream = Stream(Wire(*pieces), Watch())
    return read_head(stream, limits, None), stream


def test_what_follows_a_head_stays_in_the_stream():
    raw, stream = read(b"GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\nrest")
    assert raw == b"GET /1 HTTP/1.1\r\n\r\n"
    assert read_head(stream, LIMITS, None) == b"GET /2 HTTP/1.1\r\n\r\n"
    assert stream.read() == b"rest"


def test_a_head_may_come_byte_by_byte():
    raw = b"\r\n\r\nPOST /1 HTTP/1.1\r\nContent-Length: 3\r\n\r\n"
    got, stream = read(*(raw + b"abc" + raw)[:-1].split(b"nothing"), b"\n")
    assert got == raw[4:]
    got, stream = read(*[bytes([byte]) for byte in raw + b"abc" + raw])
    assert got == raw[4:]
    assert stream.read(3) == b"abc"
    assert read_head(stream, LIMITS, None) == raw[4:]
    assert read_head(stream, LIMITS, None) == b""


def test_a_client_that_leaves_in_a_head_is_gone():
    assert read(b"GET / HTT")[0] == b""
    assert read(b"\r\n")[0] == b""


@pytest.mark.parametrize("garbage", [b"GET / HTTP %\r\n", b"\x16\x03\x01\x02", b"GET / HTTP/1.1\r\nA: b\nC", b"<xml"])
def test_garbage_is_refused_before_it_ends(garbage):
    with pytest.raises(InvalidClientRequest):
        read(garbage)


def test_sizes_are_limited_before_the_end_came():
    limits = HeadLimits(line_bytes=100, head_bytes=300)
    for pieces, status in (
        ([b"GET /" + b"a" * 95], "414"),
        ([b"GET /" + b"a" * 95 + b" HTTP/1.1\r\n\r\n"], "414"),
        ([b"GET /"] + [b"a"] * 95, "414"),
        ([b"GET / HTTP/1.1\r\nA: " + b"a" * 300], "431"),
        ([b"GET / HTTP/1.1\r\nA: " + b"a" * 300 + b"\r\n\r\n"], "431"),
    ):
        with pytest.raises(InvalidClientRequest) as caught:
            read(*pieces, limits=limits)
        assert caught.value.status.startswith(status)
    whole = b"GET / HTTP/1.1\r\nA: " + b"a" * 250 + b"\r\n\r\n"
    assert read(whole, limits=limits)[0] == whole


def test_without_httptools_the_error_says_what_to_install():
    program = (
        "import sys; sys.modules['httptools'] = None\n"
        "try: import plait.green.pywsgi\n"
        "except ModuleNotFoundError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert "pip install 'plait[http]'" in done.stdout, done.stderr
