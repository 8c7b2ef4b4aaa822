"""What does it cost when greenlets wait for each other: events, queues, semaphores; and for time?"""

import asyncio
from importlib import import_module
from random import Random
from types import ModuleType
from typing import Any

from benchmarks.harness import Case, Pair, Reading, cpu_time, main

ROUNDS = 20_000
TIMERS = 100_000
TIMEOUTS = 50_000


def part(api: ModuleType, name: str) -> Any:
    return import_module(f"{api.__name__}.{name}")


def event_ping_pong(api: ModuleType, random: Random) -> Reading:
    """Two switches a round."""
    rounds = ROUNDS + random.randrange(1000)
    here, there = part(api, "event").Event(), part(api, "event").Event()
    seen = [0]

    def ping() -> None:
        for _ in range(rounds):
            there.set()
            here.wait()
            here.clear()

    def pong() -> None:
        for _ in range(rounds):
            there.wait()
            there.clear()
            seen[0] += 1
            here.set()

    with cpu_time() as watch:
        api.joinall([api.spawn(pong), api.spawn(ping)])
    return Reading(watch.seconds / rounds / 2 * 1e9, seen)


def event_ping_pong_async(random: Random) -> Reading:
    async def run() -> Reading:
        here, there = asyncio.Event(), asyncio.Event()

        async def ping() -> None:
            for _ in range(ROUNDS):
                there.set()
                await here.wait()
                here.clear()

        async def pong() -> None:
            for _ in range(ROUNDS):
                await there.wait()
                there.clear()
                here.set()

        with cpu_time() as watch:
            await asyncio.gather(pong(), ping())
        return Reading(watch.seconds / ROUNDS / 2 * 1e9, None)

    return asyncio.run(run())


def queue_of_one(api: ModuleType, random: Random) -> Reading:
    items = [random.random() for _ in range(ROUNDS)]
    queue = part(api, "queue").Queue(1)

    def put() -> None:
        for item in items:
            queue.put(item)

    def get() -> float:
        return sum(queue.get() for _ in items)

    with cpu_time() as watch:
        getter = api.spawn(get)
        api.joinall([getter, api.spawn(put)])
    return Reading(watch.seconds / ROUNDS * 1e9, getter.value)


def queue_of_one_async(random: Random) -> Reading:
    async def run() -> Reading:
        queue: asyncio.Queue[int] = asyncio.Queue(1)

        async def put() -> None:
            for item in range(ROUNDS):
                await queue.put(item)

        async def get() -> None:
            for _ in range(ROUNDS):
                await queue.get()

        with cpu_time() as watch:
            await asyncio.gather(get(), put())
        return Reading(watch.seconds / ROUNDS * 1e9, None)

    return asyncio.run(run())


def semaphore_contended(api: ModuleType, random: Random) -> Reading:
    """Two greenlets that each need what the other gives."""
    rounds = ROUNDS + random.randrange(1000)
    semaphore = part(api, "lock").Semaphore
    here, there = semaphore(0), semaphore(0)

    def ping() -> None:
        for _ in range(rounds):
            there.release()
            here.acquire()

    def pong() -> None:
        for _ in range(rounds):
            there.acquire()
            here.release()

    with cpu_time() as watch:
        api.joinall([api.spawn(pong), api.spawn(ping)])
    return Reading(watch.seconds / rounds / 2 * 1e9, [here.counter, there.counter])


def lock_with_sleepers(api: ModuleType, random: Random) -> Reading:
    """Ten greenlets that hold a lock over a sleep(0)."""
    rounds = 2000 + random.randrange(100)
    lock = part(api, "lock").Semaphore(1)
    inside = [0, 0]

    def work() -> None:
        for _ in range(rounds):
            with lock:
                inside[0] += 1
                inside[1] = max(inside)
                api.sleep(0)
                inside[0] -= 1

    with cpu_time() as watch:
        api.joinall([api.spawn(work) for _ in range(10)])
    return Reading(watch.seconds / rounds / 10 * 1e9, inside[0])


def many_timers(api: ModuleType, random: Random) -> Reading:
    delays = [random.random() * 0.5 for _ in range(TIMERS)]
    ended = [0]

    def nap(delay: float) -> None:
        api.sleep(delay)
        ended[0] += 1

    with cpu_time() as watch:
        api.joinall([api.spawn(nap, delay) for delay in delays])
    return Reading(watch.seconds / TIMERS * 1e9, ended)


def many_timers_async(random: Random) -> Reading:
    delays = [random.random() * 0.5 for _ in range(TIMERS)]

    async def run() -> Reading:
        with cpu_time() as watch:
            await asyncio.gather(*(asyncio.sleep(delay) for delay in delays))
        return Reading(watch.seconds / TIMERS * 1e9, None)

    return asyncio.run(run())


def timeout_in_and_out(api: ModuleType, random: Random) -> Reading:
    count = TIMEOUTS + random.randrange(1000)
    timeout = api.Timeout
    with cpu_time() as watch:
        for _ in range(count):
            with timeout(10):
                pass
    return Reading(watch.seconds / count * 1e9, count)


CASES = [
    Case("Event ping-pong, a switch", "ns", event_ping_pong, factor=4, beside={"asyncio": event_ping_pong_async}),
    Case("Queue(1), put + get", "ns", queue_of_one, factor=4, beside={"asyncio": queue_of_one_async}),
    Case("Semaphore ping-pong, a switch", "ns", semaphore_contended, factor=4),
    Case("a lock held over sleep(0)", "ns", lock_with_sleepers, factor=2.5),
    Case("100k sleep(random)", "ns", many_timers, factor=4, beside={"asyncio": many_timers_async}),
    Case("Timeout in and out", "ns", timeout_in_and_out, factor=4),
]

if __name__ == "__main__":
    main("benchmarks.green.waiting", __doc__, Pair("plait.green", "gevent"), CASES)
