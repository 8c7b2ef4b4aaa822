"""How much memory do parked greenlets hold, page tables included, and how many mappings?"""

from itertools import repeat
from pathlib import Path
from random import Random
from types import ModuleType

from benchmarks.harness import Case, Pair, Reading, main, resident_bytes

MB = 1_000_000
DEEP_C_FRAMES = 1  # sorted() takes 5 KiB: too much to share a stack before the cap is reached


def park(api: ModuleType, count: int) -> list:
    """That many greenlets, each started and parked in its first switch back."""
    back = api.getcurrent().switch

    def run() -> None:
        back()

    greenlets = [api.greenlet(run) for _ in repeat(None, count)]
    for one in greenlets:
        one.switch()
    return greenlets


def bytes_each(api: ModuleType, random: Random) -> Reading:
    before = resident_bytes()
    greenlets = park(api, 100_000)
    return Reading((resident_bytes() - before) / len(greenlets), [len(greenlets), all(greenlets)])


def bytes_each_after_a_round(api: ModuleType, random: Random) -> Reading:
    """As bytes_each, once every greenlet has been switched to again and has parked again."""
    before = resident_bytes()
    back = api.getcurrent().switch

    def run() -> None:
        while True:
            back()

    greenlets = [api.greenlet(run) for _ in repeat(None, 100_000)]
    for _ in range(2):
        for one in greenlets:
            one.switch()
    return Reading((resident_bytes() - before) / len(greenlets), [len(greenlets), all(greenlets)])


def million(api: ModuleType, random: Random) -> Reading:
    """Of the whole process, so that nothing is missed."""
    greenlets = park(api, 1_000_000)
    assert all(greenlets)
    return Reading(resident_bytes() / MB, len(greenlets))


def mappings(api: ModuleType, random: Random) -> Reading:
    """What 200,000 stacks of their own add: each is left deep enough that sharing it would not be worth the copy."""
    back = api.getcurrent().switch

    def beneath(depth: int) -> None:
        if depth == 0:
            back()
        else:
            sorted((0,), key=lambda _: beneath(depth - 1) or 0)

    def mapped() -> int:
        return len(Path("/proc/self/maps").read_text().splitlines())

    greenlets = [api.greenlet(beneath) for _ in repeat(None, 200_000)]
    before = mapped()
    for one in greenlets:
        one.switch(DEEP_C_FRAMES)
    assert api.stats()["slots"] >= len(greenlets), api.stats()
    return Reading(mapped() - before, len(greenlets))


CASES = [
    Case("100,000 parked", "bytes each", bytes_each, factor=1),
    Case("100,000 parked, after a round", "bytes each", bytes_each_after_a_round, factor=1),
    Case("1,000,000 parked", "MB", million, limit=2000, repeat=1),
    Case(
        "1,000,000 parked, 1,000 stacks",
        "MB",
        million,
        limit=1200,
        repeat=1,
        environment={"PLAIT_MAX_STACKS": "1000"},
    ),
    Case(
        "200,000 stacks",
        "mappings",
        mappings,
        limit=99,
        repeat=1,
        environment={"PLAIT_MAX_STACKS": "200000"},
    ),
]

if __name__ == "__main__":
    main("benchmarks.greenlet.memory", __doc__, Pair("plait.greenlet", "greenlet"), CASES)
