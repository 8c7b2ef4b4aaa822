"""How much memory does a greenlet hold that waits?"""

from importlib import import_module
from random import Random
from types import ModuleType

from benchmarks.harness import Case, Pair, Reading, main, resident_bytes

COUNT = 50_000


def blocked(api: ModuleType, random: Random) -> Reading:
    event = import_module(f"{api.__name__}.event").Event()
    api.joinall([api.spawn(event.wait, 0.001) for _ in range(100)])
    before = resident_bytes()
    waiting = [api.spawn(event.wait) for _ in range(COUNT)]
    api.sleep(0)
    api.sleep(0)
    held = resident_bytes() - before
    event.set()
    api.joinall(waiting)
    return Reading(held / COUNT, sum(runner.value for runner in waiting))


CASES = [
    Case("50,000 that wait for an event", "bytes each", blocked, factor=1.6, repeat=3),
]

if __name__ == "__main__":
    main("benchmarks.green.memory", __doc__, Pair("plait.green", "gevent"), CASES)
