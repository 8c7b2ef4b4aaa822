"""What does the trace cost, off and on?

Nanoseconds an event, the best of several runs: the flag tested in Python, emit() with and without a name, a span. The
empty call is measured and taken off.
"""

import timeit
from collections.abc import Callable

from plait import trace
from plait.trace import ring

LOOPS = 200_000


def guarded() -> None:
    if ring.enabled:
        ring.emit("green", "wait", 1)


def emitted() -> None:
    ring.emit("green", "wait", 1)


def named() -> None:
    ring.emit("green", "wait", 1, parent=2, name="square")


def spanned() -> None:
    with trace.span("green", "wait", 1):
        pass


def nothing() -> None:
    pass


def ns(function: Callable[[], None]) -> float:
    return min(timeit.repeat(function, number=LOOPS, repeat=5)) / LOOPS * 1e9


def main() -> None:
    base = ns(nothing)
    for name, function in (("flag tested", guarded), ("emit", emitted), ("emit, named", named), ("span", spanned)):
        trace.stop()
        off = ns(function) - base
        trace.start()
        on = ns(function) - base
        trace.stop()
        print(f"{name:12}  off {off:7.1f} ns  on {on:7.1f} ns")


if __name__ == "__main__":
    main()
