"""Sizes and times as people write them."""

import datetime

import pytest

from plait.lazy.units import format_bytes, format_time, format_time_ago, memory_repr, parse_bytes, parse_timedelta


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("100", 100),
        ("100 MB", 10**8),
        ("5.4kB", 5400),
        ("1kiB", 1024),
        ("1 Mi", 2**20),
        ("1e6 kB", 10**9),
        ("MB", 10**6),
    ]
    + [(123, 123), (1.5, 1), (".5GB", 5 * 10**8), (" 2 tib ", 2 * 2**40), ("7 b", 7)],
)
def test_parse_bytes(text, value):
    assert parse_bytes(text) == value


@pytest.mark.parametrize("text", ["5 foos", "five MB", "1 2", "-"])
def test_what_is_no_size_is_named(text):
    with pytest.raises(ValueError, match=repr(text)):
        parse_bytes(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1s", 1), ("100ms", 0.1), ("5.5 S", 5.5), ("3500 us", 0.0035), ("1 ns", 1e-9), ("2m", 120), ("5 days", 432_000)]
    + [("2 w", 1_209_600), ("1 hour", 3600), ("7", 7), (3, 3), (None, None)]
    + [(datetime.timedelta(seconds=2), 2), (datetime.timedelta(milliseconds=100), 0.1)],
)
def test_parse_timedelta(text, seconds):
    assert parse_timedelta(text) == (None if seconds is None else pytest.approx(seconds, rel=1e-12))


def test_units_of_bare_numbers():
    assert parse_timedelta("1", default="ms") == parse_timedelta(1, default="ms") == 0.001
    with pytest.raises(ValueError, match="has no unit"):
        parse_timedelta(1, default=False)
    with pytest.raises(TypeError, match="default=None"):
        parse_timedelta(1, default=None)
    with pytest.raises(KeyError, match="Invalid time unit: foo"):
        parse_timedelta("1 foo")


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (921, "921 B"),
        (922, "0.90 kiB"),
        (1024, "1.00 kiB"),
        (12_345_678, "11.77 MiB"),
        (2**60, "1024.00 PiB"),
    ],
)
def test_format_bytes(count, text):
    assert format_bytes(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.00 us"), (0.00012345, "123.45 us"), (0.001234, "1.23 ms"), (1.4, "1.40 s"), (1000.4, "16m 40s")]
    + [(12345.67, "3hr 25m"), (123456.78, "34hr 17m"), (1234567.8, "14d 6hr")],
)
def test_format_time(seconds, text):
    assert format_time(seconds) == text


def test_the_rest():
    assert [memory_repr(1024**n) for n in range(5)] == ["1.0 bytes", "1.0 KB", "1.0 MB", "1.0 GB", "1.0 TB"]
    now = datetime.datetime.now()
    for past, text in [({}, "Just now"), ({"minutes": 1}, "1 minute ago"), ({"hours": 6}, "6 hours ago")] + [
        ({"days": 16}, "2 weeks ago"),
        ({"days": 800}, "2 years ago"),
    ]:
        assert format_time_ago(now - datetime.timedelta(**past)) == text
