"""What does a step cost where many greenlets are alive and each is stepped in turn?"""

import sys
from itertools import repeat
from random import Random
from types import ModuleType

from benchmarks.harness import Case, Pair, Reading, cpu_time, main


def step(api: ModuleType, live: int, rounds: int) -> Reading:
    """Switch to each of `live` greenlets, `rounds` times over; then each must end with what it counted."""
    back = api.getcurrent().switch

    def run() -> int:
        for _ in repeat(None, rounds + 1):
            back()
        return rounds

    greenlets = [api.greenlet(run) for _ in repeat(None, live)]
    for one in greenlets:
        one.switch()
    with cpu_time() as watch:
        for _ in repeat(None, rounds):
            for one in greenlets:
                one.switch()
    counted = sum(one.switch() for one in greenlets)
    return Reading(watch.seconds / (live * rounds) * 1e9, [counted, sum(one.dead for one in greenlets)])


def thousand(api: ModuleType, random: Random) -> Reading:
    return step(api, 1000, 150 + random.randrange(10))


def hundred_thousand(api: ModuleType, random: Random) -> Reading:
    return step(api, 100_000, 3 + random.randrange(2))


# 3.11 does not count calls through C, so its stacks must be deeper, and more of them share one.
FACTOR_100K = 1.0 if sys.version_info < (3, 12) else 1.5

CASES = [
    Case("step, 1,000 live", "ns", thousand, factor=3),
    Case("step, 100,000 parked", "ns", hundred_thousand, factor=FACTOR_100K),
]

if __name__ == "__main__":
    main("benchmarks.greenlet.many_live", __doc__, Pair("plait.greenlet", "greenlet"), CASES)
