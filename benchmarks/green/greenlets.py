"""What does it cost to spawn a greenlet and join it, to give way to others, and to hand work to a pool?"""

import asyncio
from importlib import import_module
from random import Random
from types import ModuleType

from benchmarks.harness import Case, Pair, Reading, cpu_time, main

SPAWNED = 100_000
TURNS = 100_000
POOLED = 20_000


def nothing() -> None:
    pass


async def nothing_async() -> None:
    pass


def spawn_and_join(api: ModuleType, random: Random) -> Reading:
    count = SPAWNED + random.randrange(1000)
    api.sleep(0)
    with cpu_time() as watch:
        ended = api.joinall([api.spawn(nothing) for _ in range(count)])
    return Reading(watch.seconds / count * 1e9, len(ended))


def gather(random: Random) -> Reading:
    count = SPAWNED + random.randrange(1000)

    async def run() -> Reading:
        with cpu_time() as watch:
            ended = await asyncio.gather(*(asyncio.create_task(nothing_async()) for _ in range(count)))
        return Reading(watch.seconds / count * 1e9, len(ended))

    return asyncio.run(run())


def take_turns(api: ModuleType, greenlets: int, turns: int) -> Reading:
    def loop() -> None:
        for _ in range(turns):
            api.sleep(0)

    def run() -> None:
        api.joinall([api.spawn(loop) for _ in range(greenlets)])

    with cpu_time() as watch:
        run()
    return Reading(watch.seconds / (greenlets * turns) * 1e9, greenlets * turns)


def two_take_turns(api: ModuleType, random: Random) -> Reading:
    return take_turns(api, 2, TURNS // 2 + random.randrange(100))


def a_thousand_take_turns(api: ModuleType, random: Random) -> Reading:
    return take_turns(api, 1000, TURNS // 1000 + random.randrange(3))


def take_turns_async(tasks: int, turns: int) -> Reading:
    async def loop() -> None:
        for _ in range(turns):
            await asyncio.sleep(0)

    async def run() -> Reading:
        with cpu_time() as watch:
            await asyncio.gather(*(loop() for _ in range(tasks)))
        return Reading(watch.seconds / (tasks * turns) * 1e9, tasks * turns)

    return asyncio.run(run())


def map_in_a_pool(api: ModuleType, random: Random) -> Reading:
    items = [random.random() for _ in range(POOLED)]
    pool = import_module(f"{api.__name__}.pool").Pool(100)
    with cpu_time() as watch:
        results = sorted(pool.imap_unordered(abs, items))
    return Reading(watch.seconds / POOLED * 1e9, sum(results))


CASES = [
    Case("spawn + joinall, 100k", "ns", spawn_and_join, factor=8, beside={"asyncio": gather}),
    Case(
        "sleep(0) among 2",
        "ns",
        two_take_turns,
        factor=4,
        beside={"asyncio": lambda random: take_turns_async(2, TURNS // 2)},
    ),
    Case(
        "sleep(0) among 1000",
        "ns",
        a_thousand_take_turns,
        factor=4,
        beside={"asyncio": lambda random: take_turns_async(1000, TURNS // 1000)},
    ),
    Case("Pool(100).imap_unordered", "ns", map_in_a_pool, factor=2.5),
]

if __name__ == "__main__":
    main("benchmarks.green.greenlets", __doc__, Pair("plait.green", "gevent"), CASES)
