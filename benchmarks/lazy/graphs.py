"""What does a node cost: to build, and to run on each scheduler, where the function does next to nothing?

CPU time, but for worker processes: there wall time, with workers that run already (dask starts new ones each time).
"""

from random import Random
from types import ModuleType
from typing import Any

from benchmarks.harness import Case, Pair, Reading, cpu_time, main, wall_time

FLAT = 5_000  # as many as dask runs in reasonable time
CHAIN = 2_000


def successor(x: int) -> int:
    return x + 1


def total(parts: list[int]) -> int:
    return sum(parts)


def tree(api: ModuleType, leaves: int) -> Any:
    """A map and its 8-ary reduction."""
    increment, add = api.delayed(successor), api.delayed(total)
    level = [increment(i) for i in range(leaves)]
    while len(level) > 1:
        level = [add(level[i : i + 8]) for i in range(0, len(level), 8)]
    return level[0]


def nodes_of(leaves: int) -> int:
    count, level = leaves, leaves
    while level > 1:
        level = -(-level // 8)
        count += level
    return count


def chain(api: ModuleType, length: int) -> Any:
    increment = api.delayed(successor)
    node = increment(0)
    for _ in range(length - 1):
        node = increment(node)
    return node


def build_flat(api: ModuleType, random: Random) -> Reading:
    count = FLAT + random.randrange(100)
    increment = api.delayed(successor)
    with cpu_time() as watch:
        nodes = [increment(i) for i in range(count)]
    return Reading(watch.seconds / count * 1e6, len(nodes))


def build_tree(api: ModuleType, random: Random) -> Reading:
    leaves = FLAT + random.randrange(100)
    with cpu_time() as watch:
        top = tree(api, leaves)
    return Reading(watch.seconds / nodes_of(leaves) * 1e6, top is not None)


def build_chain(api: ModuleType, random: Random) -> Reading:
    length = CHAIN + random.randrange(100)
    with cpu_time() as watch:
        end = chain(api, length)
    return Reading(watch.seconds / length * 1e6, end is not None)


def chain_grows(api: ModuleType, random: Random) -> Reading:
    """A node of a chain eight times as long, in nodes of the short one.

    1 without a garbage collector, whose full passes come with the long one; quadratic building would show 8.
    """
    length = 40_000 + random.randrange(100)
    readings = []
    for size in (length, 8 * length):
        with cpu_time() as watch:
            end = chain(api, size)
        readings.append(watch.seconds / size)
        del end
    return Reading(readings[1] / readings[0], None)


def run_on(scheduler: str) -> Any:
    def run(api: ModuleType, random: Random) -> Reading:
        leaves = FLAT + random.randrange(100)
        top = tree(api, leaves)
        with cpu_time() as watch:
            (value,) = api.compute(top, scheduler=scheduler)
        return Reading(watch.seconds / nodes_of(leaves) * 1e6, value)

    return run


def run_on_processes(api: ModuleType, random: Random) -> Reading:
    leaves = FLAT + random.randrange(100)
    api.compute(tree(api, 100), scheduler="processes")
    top = tree(api, leaves)
    with wall_time() as watch:
        (value,) = api.compute(top, scheduler="processes")
    return Reading(watch.seconds / nodes_of(leaves) * 1e6, value)


def million(api: ModuleType, random: Random) -> Reading:
    """A map-reduce of 1,143,000 nodes, built and run."""
    leaves = 1_000_000 + random.randrange(100)
    with cpu_time() as watch:
        (value,) = api.compute(tree(api, leaves))
    assert value == leaves * (leaves + 1) // 2
    return Reading(watch.seconds, None)


def memory_of_a_million(api: ModuleType, random: Random) -> Reading:
    import resource

    million(api, random)
    return Reading(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, None)


CASES = [
    Case("build a node of a flat graph", "us", build_flat, factor=30, limit=2),
    Case("build a node of a tree", "us", build_tree, factor=100, limit=3),
    Case("build a node of a chain", "us", build_chain, factor=100),
    Case("a chain of eight times the length, a node", "x", chain_grows, limit=3),
    Case("run a node, sync", "us", run_on("sync"), factor=40, limit=1),
    Case("run a node, threads", "us", run_on("threads"), factor=25, limit=2.5),
    Case("run a node, processes", "us", run_on_processes, factor=100, limit=10, repeat=3),
    Case("map-reduce of a million, built and run", "s", million, limit=5),
    Case("map-reduce of a million, peak memory", "MB", memory_of_a_million, limit=1000),
]

if __name__ == "__main__":
    main("benchmarks.lazy.graphs", __doc__, Pair("plait.lazy", "dask"), CASES)
