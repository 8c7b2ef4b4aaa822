"""Sizes and times as people write them: "100 MB", "5 minutes", "1.2 GiB"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, overload

if TYPE_CHECKING:
    from datetime import datetime, timedelta

_PREFIXES = ("", "k", "M", "G", "T", "P")

byte_sizes = {
    f"{prefix}{ending}".lower(): base**power
    for power, prefix in enumerate(_PREFIXES)
    for ending, base in (("", 1000), ("B", 1000), *([("i", 1024), ("iB", 1024)] if prefix else []))
}

_SECONDS = {
    "d": ("day", 86_400),
    "h": ("hour", 3600),
    "m": ("minute", 60),
    "s": ("second", 1),
    "ms": ("millisecond", 1e-3),
    "us": ("microsecond", 1e-6),
    "ns": ("nanosecond", 1e-9),
    "w": ("week", 604_800),
}
timedelta_sizes = {short: seconds for short, (_, seconds) in _SECONDS.items()}
timedelta_sizes |= dict(_SECONDS.values())
timedelta_sizes |= {f"{name}s": seconds for name, seconds in _SECONDS.values()}
timedelta_sizes |= {"hr": 3600, "sec": 1, "min": 60}

_AGES = {"year": 31_536_000, "month": 2_592_000, "week": 604_800, "day": 86_400, "hour": 3600, "minute": 60}.items()

_QUANTITY = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)?\s*([a-z]*)\s*", re.IGNORECASE)


def _split(text: str) -> tuple[float, str]:
    """A number, 1 where there is none, and the unit behind it. Raises ValueError."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a number with a unit behind it; write it as '100 MB' or '5 s'")
    return float(match[1] or 1), match[2]


def parse_bytes(s: float | str) -> int:
    """A number of bytes: "100", "5.4 kB", "1 MiB", "1e6 kB"; letters of any case. Raises ValueError."""
    if isinstance(s, int | float):
        return int(s)
    number, unit = _split(s)
    if unit.lower() not in byte_sizes:
        raise ValueError(f"{s!r}: {unit!r} is no unit of bytes; use one of B, kB, MB, GB, TB, PB, kiB, MiB, ...")
    return int(number * byte_sizes[unit.lower()])


@overload
def parse_timedelta(s: None, default: str | Literal[False] = "seconds") -> None: ...


@overload
def parse_timedelta(s: str | float | timedelta, default: str | Literal[False] = "seconds") -> float: ...


def parse_timedelta(s: str | float | timedelta | None, default: str | Literal[False] = "seconds") -> float | None:
    """Seconds: "3 ms", "1.5 hours", a timedelta, or a number of `default`; None stays None.

    default: the unit of a bare number, False where there must be one. Raises ValueError for a number without its unit,
    KeyError for a unit that there is not.
    """
    if s is None:
        return None
    total = getattr(s, "total_seconds", None)
    if total is not None:
        exact: float = total()
        return int(exact) if int(exact) == exact else exact
    number, unit = _split(str(s))
    if not unit:
        if default is False:
            raise ValueError(f"{s!r} has no unit; write it as '{s} s'")
        if not isinstance(default, str):
            raise TypeError(f"default={default!r} is no unit; pass a text such as 'seconds', or False for none")
        unit = default
    if unit.lower() not in timedelta_sizes:
        raise KeyError(f"Invalid time unit: {unit}. Valid units are:\n{', '.join(sorted(timedelta_sizes))}")
    seconds = number * timedelta_sizes[unit.lower()]
    return int(seconds) if int(seconds) == seconds else seconds


def format_bytes(n: int) -> str:
    """A number of bytes, in kiB, MiB and so on from nine tenths of one on: "0.91 kiB"."""
    for power in range(5, 0, -1):
        if n >= 1024**power * 0.9:
            return f"{n / 1024**power:.2f} {_PREFIXES[power]}iB"
    return f"{n} B"


def memory_repr(num: float) -> str:
    """A number of bytes in the largest unit that it fills: "1.0 KB"."""
    for unit in ("bytes", "KB", "MB", "GB"):
        if num < 1024:
            return f"{num:3.1f} {unit}"
        num /= 1024
    return f"{num:3.1f} TB"


def format_time(n: float) -> str:
    """Seconds as a text: "34.25 us", "1.40 s", "16m 40s", "34hr 17m", "14d 6hr"."""
    for above, big, big_s, small, small_s in (
        (2 * 86_400, "d", 86_400, "hr", 3600),
        (100 * 60, "hr", 3600, "m", 60),
        (10 * 60, "m", 60, "s", 1),
    ):
        if n > above:
            return f"{int(n / big_s)}{big} {int(n % big_s / small_s)}{small}"
    for unit, seconds in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if n >= seconds:
            return f"{n / seconds:.2f} {unit}"
    return f"{n * 1e6:.2f} us"


def format_time_ago(n: datetime) -> str:
    """How long a moment is past, in its largest whole unit: "3 hours ago"."""
    from datetime import datetime

    seconds = (datetime.now() - n).total_seconds()
    for name, unit_s in _AGES:
        count = int(seconds // unit_s)
        if count > 0:
            return f"{count} {name}{'s' if count > 1 else ''} ago"
    return "Just now"
