"""Bodies: of a length, in chunks, cut short, broken."""

from io import BytesIO

import pytest

from plait.green.http1.body import CONTINUE, MOST_LINE_BYTES, MOST_TRAILERS, Input
from plait.green.http1.errors import InvalidClientInput

CHUNKED = b"5\r\nhello\r\n6;x=y\r\n\nworld\r\n0\r\nA: b\r\n\r\n"


def sized(data, length=None):
    return Input(BytesIO(data), len(data) if length is None else length)


def chunked(data, **options):
    return Input(BytesIO(data), None, chunked_input=True, **options)


BODIES = [lambda: sized(b"hello\nworld"), lambda: chunked(CHUNKED)]


@pytest.mark.parametrize("make", BODIES)
def test_reading_ends_with_the_body(make):
    assert make().read() == b"hello\nworld"
    assert make().read(-1) == make().read(None) == make().read(100) == b"hello\nworld"
    body = make()
    assert [body.read(4), body.read(0), body.read(4), body.read(4), body.read(4)] == [
        b"hell",
        b"",
        b"o\nwo",
        b"rld",
        b"",
    ]
    assert body.ended


@pytest.mark.parametrize("make", BODIES)
def test_lines(make):
    assert list(make()) == make().readlines() == [b"hello\n", b"world"]
    assert make().readlines(1) == [b"hello\n"]
    body = make()
    assert [body.readline(3), body.readline(3), body.readline(9), body.readline()] == [b"hel", b"lo\n", b"world", b""]


def test_the_next_request_stays_in_the_file():
    file = BytesIO(b"abcGET")
    assert Input(file, 3).read() == b"abc"
    assert file.read() == b"GET"
    file = BytesIO(CHUNKED + b"GET")
    Input(file, None, chunked_input=True).read()
    assert file.read() == b"GET"


def test_no_body():
    assert Input(BytesIO(b"GET"), None).read() == Input(BytesIO(b"GET"), 0).readline() == b""
    assert list(Input(BytesIO(b"GET"), None)) == []
    assert Input(BytesIO(), None).ended and Input(BytesIO(), 0).ended


@pytest.mark.parametrize("read", [lambda body: body.read(), lambda body: body.read(5), lambda body: body.readline()])
@pytest.mark.parametrize("body", [lambda: sized(b"abc", 5), lambda: chunked(b"5\r\nabc"), lambda: chunked(b"5\r\n")])
def test_an_early_end_is_an_error(body, read):
    with pytest.raises(OSError, match="unexpected end of file while"):
        read(body())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"5",
        b"\r\n",
        b"g\r\n",
        b" 5\r\nhello\r\n0\r\n\r\n",
        b"5 \r\nhello\r\n0\r\n\r\n",
        b"+5\r\nhello\r\n0\r\n\r\n",
        b"-5\r\nhello\r\n0\r\n\r\n",
        b"0x5\r\nhello\r\n0\r\n\r\n",
        b"5_0\r\nhello\r\n0\r\n\r\n",
        b"5\nhello\r\n0\r\n\r\n",
        b"5\r\nhello0\r\n\r\n",
        b"5\r\nhello\n0\r\n\r\n",
        b"5\r\nhello\r\r\n0\r\n\r\n",
        b"5;a\rb\r\nhello\r\n0\r\n\r\n",
        b"5;a\nb\r\nhello\r\n0\r\n\r\n",
        b"5\r\nhello\r\n0\r\nno trailer\r\n\r\n",
        b"5\r\nhello\r\n0\r\n: a\r\n\r\n",
        b"5\r\nhello\r\n0\r\nA: \0\r\n\r\n",
        b"5\r\nhello\r\n0\r\nContent-length: 5\r\n\r\n",
        b"5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"5\r\nhello\r\n0\r\nA: b\n\r\n",
        b"5\r\nhello\r\n0GET / HTTP/1.1\r\n\r\n",
        b"5\r\nhello\r\n0\r\n" + b"a: b\r\n" * (MOST_TRAILERS + 1) + b"\r\n",
        b"5\r\nhello\r\n0\r\na: " + b"b" * MOST_LINE_BYTES + b"\r\n\r\n",
        b"5;" + b"a" * MOST_LINE_BYTES + b"\r\nhello\r\n0\r\n\r\n",
        b"00000000000000005\r\nhello\r\n0\r\n\r\n",
    ],
)
def test_broken_framing_is_an_error_and_stays_one(data):
    body = chunked(data)
    with pytest.raises(InvalidClientInput):
        body.read()
    with pytest.raises(InvalidClientInput):
        body.read()
    assert not body.discard(1000)


def test_a_chunked_body_may_be_limited():
    assert chunked(CHUNKED, most=11).read() == b"hello\nworld"
    with pytest.raises(InvalidClientInput) as caught:
        chunked(CHUNKED, most=10).read()
    assert caught.value.status.startswith("413")


def test_extensions_are_skipped():
    assert chunked(b'2;token="oh hi"\r\noh\r\n4; dirt\0 \r\n hai\r\n0;x\r\n\r\n').read() == b"oh hai"


class Sent:
    def __init__(self):
        self.data = b""

    def sendall(self, data):
        self.data += data


@pytest.mark.parametrize("read", [lambda body: body.read(1), lambda body: body.readline()])
def test_continue_is_said_once_and_only_to_who_reads(read):
    for body in (
        Input(BytesIO(b"a\nb"), 3, sent := Sent()),
        Input(BytesIO(b"3\r\na\nb\r\n0\r\n\r\n"), None, sent2 := Sent(), chunked_input=True),
    ):
        assert sent.data in (b"", CONTINUE)
        read(body)
        read(body)
    assert sent.data == sent2.data == CONTINUE


def test_discarding():
    for body in (sized(b"abc"), chunked(CHUNKED)):
        body.read(1)
        assert body.discard(1000)
        assert body.ended
    assert not sized(b"abc").discard(2)
    assert not chunked(b"6\r\nabcdef\r\n" * 4000 + b"0\r\n\r\n").discard(10000)
    quiet = Input(BytesIO(b"abc"), 3, sent := Sent())
    assert quiet.discard(10)
    assert sent.data == b""
