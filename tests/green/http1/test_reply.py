"""Status lines, fields and dates."""

import email.utils
import time

import pytest

from plait.green.http1.reply import date_now, encoded_fields, encoded_status, format_date_time, head_bytes


def test_a_head():
    fields, length, connection, date = encoded_fields([("A", "b"), ("C", "\xe4")])
    assert length is connection is date is None
    assert head_bytes(encoded_status("200 OK"), fields) == b"HTTP/1.1 200 OK\r\nA: b\r\nC: \xe4\r\n\r\n"


@pytest.mark.parametrize("bad", ["200 OK\r\nA: b", "200 OK\n", "200\r"])
def test_no_line_break_in_a_status(bad):
    with pytest.raises(ValueError, match="carriage return or newline in status"):
        encoded_status(bad)


def test_a_status_is_text():
    with pytest.raises(UnicodeError, match="native string"):
        encoded_status(b"200 OK")


@pytest.mark.parametrize(
    ("field", "message"),
    [
        (("A\r", "b"), "newline in header name"),
        (("A\n", "b"), "newline in header name"),
        (("A", "b\rc"), "newline in header value"),
        (("A", "b\n"), "newline in header value"),
        ((b"A", "b"), "header must be a native string"),
        (("A", b"b"), "value must be a native string"),
        (("A", "\u1234"), "Non-latin1 header"),
    ],
)
def test_what_is_no_field(field, message):
    with pytest.raises(ValueError, match=message):
        encoded_fields([("Good", "one"), field])


def test_dates():
    assert format_date_time(784111777) == b"Sun, 06 Nov 1994 08:49:37 GMT"
    for seconds in range(0, 2_000_000_000, 123_456_789):
        assert format_date_time(seconds).decode() == email.utils.formatdate(seconds, usegmt=True)


def test_fields_that_the_server_looks_at_are_found():
    fields = [("A", "b"), ("content-LENGTH", "5"), ("Connection", "close"), ("DATE", "now"), ("Dates", "no")]
    encoded, *found = encoded_fields(fields)
    assert found == ["5", "close", "now"]
    assert [name.decode() for name, _ in encoded] == [name for name, _ in fields]
    assert encoded_fields(iter(())) == ([], None, None, None)


def test_what_follows_a_head_is_put_behind_it():
    assert head_bytes(b"200 OK", [], b"body") == b"HTTP/1.1 200 OK\r\n\r\nbody"
    for wrong in ([("A", b"b")], [(b"A", "b")], [b"Ab"]):
        with pytest.raises(TypeError):
            head_bytes(b"200 OK", wrong)


def test_the_date_is_todays():
    for _ in range(1000):
        before, date, after = int(time.time()), date_now(), int(time.time())
        assert date in (format_date_time(before), format_date_time(after))
