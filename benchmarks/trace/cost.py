"""What does the trace cost an event, off and on?"""

from collections.abc import Callable
from itertools import repeat
from random import Random
from types import ModuleType

from benchmarks.harness import Case, Pair, Reading, cpu_time, main

EVENTS = 200_000


def tested(trace: ModuleType) -> Callable[[], None]:
    """As hot paths do: the flag first."""
    ring = trace.ring

    def event() -> None:
        if ring.enabled:
            ring.emit("green", "wait", 1, parent=2, name="square")

    return event


def emitted(trace: ModuleType) -> Callable[[], None]:
    emit = trace.emit
    return lambda: emit("green", "wait", 1, parent=2, name="square")


def spanned(trace: ModuleType) -> Callable[[], None]:
    span = trace.span

    def event() -> None:
        with span("green", "wait", 1):
            pass

    return event


def measured(event_of: Callable[[ModuleType], Callable[[], None]], on: bool) -> Callable[[ModuleType, Random], Reading]:
    """Nanoseconds an event; the answer is how many were kept or dropped."""

    def run(trace: ModuleType, random: Random) -> Reading:
        count = EVENTS + random.randrange(1000)
        event = event_of(trace)
        if on:
            trace.start()
        with cpu_time() as watch:
            for _ in repeat(None, count):
                event()
        kept = len(trace.stop()) + trace.dropped()
        assert kept == (count if on else 0)
        return Reading(watch.seconds / count * 1e9, kept)

    return run


CASES = [
    Case("flag tested, off", "ns", measured(tested, on=False), limit=60),
    Case("emit, off", "ns", measured(emitted, on=False), limit=90),
    Case("span, off", "ns", measured(spanned, on=False), limit=400),
    Case("flag tested and emit, on", "ns", measured(tested, on=True), limit=250),
    Case("emit, on", "ns", measured(emitted, on=True), limit=250),
    Case("span, on", "ns", measured(spanned, on=True), limit=1000),
]

if __name__ == "__main__":
    main("benchmarks.trace.cost", __doc__, Pair("plait.trace", "nothing"), CASES)
