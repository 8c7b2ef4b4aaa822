"""A limit on held results: the rest waits on disk and comes back; what cannot be done is an error that says why."""

import operator
import os
import threading

import numpy as np
import pytest

from plait import trace
from plait.lazy import compute, config, delayed

MB = 1_000_000


class Block:
    """Says that it holds a megabyte; counts its living instances, and how many there were at most."""

    living = most = 0

    def __init__(self, value):
        self.value = value
        Block.living += 1
        Block.most = max(Block.most, Block.living)

    def __del__(self):
        Block.living -= 1

    def __reduce__(self):
        return Block, (self.value,)

    def __sizeof__(self):
        return MB


def array(i):
    return np.full(MB // 8, float(i))


def first(block, *_):
    return block.value if isinstance(block, Block) else int(block[0])


def crossed(make, count):
    """Sums of two blocks each; all blocks are made before the first is read."""
    blocks = [delayed(make)(i) for i in range(count)]
    gate = delayed(lambda *sizes: 0)(*[delayed(bool)(delayed(first)(block)) for block in blocks])
    one = [delayed(first)(block, gate) for block in blocks]
    return [one[i] + one[count - 1 - i] for i in range(count)]


def spills(run):
    """What run() gives, and the names of the results that it spilled."""
    trace.start()
    try:
        value = run()
    finally:
        events = trace.stop()
    return value, [event.name for event in events if event.kind == "spill"]


@pytest.fixture(autouse=True)
def folder(tmp_path):
    where = tmp_path / "scratch"
    where.mkdir()
    with config.set({"temporary-directory": str(where)}):
        yield where
    assert os.listdir(where) == []


def test_what_is_over_the_limit_waits_on_disk(scheduler):
    sums = crossed(array, 10)
    values, spilled = spills(lambda: compute(*sums, scheduler=scheduler, memory_limit="4.5 MB"))
    assert values == (9,) * 10
    assert 6 <= len(spilled) == len(set(spilled))  # each is written once


@pytest.mark.parametrize("name", ["sync", "threads", "green"])
def test_no_more_than_the_limit_is_held(name):
    Block.most = 0
    assert compute(*crossed(Block, 30), scheduler=name, memory_limit=8 * MB, num_workers=2) == (29,) * 30
    assert Block.most <= 8 + 2 + 2  # what is made, and what is written, at the time
    assert Block.living == 0


def test_nothing_is_written_within_the_limit(scheduler):
    values, spilled = spills(lambda: compute(*crossed(array, 10), scheduler=scheduler, memory_limit="20 MB"))
    assert values == (9,) * 10
    assert not spilled


def test_the_option(scheduler):
    with config.set({"memory-limit": "4.5 MB"}):
        values, spilled = spills(lambda: compute(*crossed(array, 10), scheduler=scheduler))
    assert values == (9,) * 10
    assert spilled


def test_what_is_needed_last_goes_first():
    blocks = [delayed(array)(i, dask_key_name=f"b{i}") for i in range(5)]
    gate = delayed(lambda *_: 0)(*[delayed(first)(block) for block in blocks])
    read = gate
    for block in blocks:
        read = delayed(first)(block, read)
    _, spilled = spills(lambda: read.compute(scheduler="sync", memory_limit="4.5 MB"))
    assert spilled[0] == "b4"  # the whole chain comes before it


def test_values_of_the_graph_itself_are_not_counted(scheduler):
    data = [array(i) for i in range(10)]
    lengths = [delayed(len)(delayed(each)) for each in data]
    _, spilled = spills(lambda: compute(*lengths, scheduler=scheduler, memory_limit="1.5 MB"))
    assert not spilled


def test_nodes_that_have_no_room_beside_each_other_run_in_turn(scheduler):
    inside, most, lock = [0], [0], threading.Lock()

    def read(block):
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        with lock:
            inside[0] -= 1
        return first(block)

    use = read if scheduler in ("threads", "green") else first
    sums = [delayed(use)(delayed(array)(i)) for i in range(10)]
    assert sum(compute(*sums, scheduler=scheduler, memory_limit="1.5 MB")) == 45
    assert most[0] <= 1


def test_a_result_that_is_over_the_limit_alone(scheduler):
    big = delayed(array)(1, dask_key_name="big")
    with pytest.raises(MemoryError, match=r"^big: its result of .* alone is over memory_limit=500.00 kiB; raise"):
        delayed(len)(big).compute(scheduler=scheduler, memory_limit="500 kiB")


def test_inputs_that_are_over_the_limit_together(scheduler):
    whole = delayed(lambda parts: len(parts), name="whole")(
        [delayed(array)(i) for i in range(5)], dask_key_name="whole"
    )
    with pytest.raises(MemoryError, match=r"^whole: its inputs hold 4.77 MiB, which is over memory_limit=2.86 MiB"):
        whole.compute(scheduler=scheduler, memory_limit="3 MB")


def test_outputs_that_are_over_the_limit_together(scheduler):
    with pytest.raises(MemoryError, match="those asked for hold .* is over memory_limit=2.86 MiB"):
        compute([delayed(array)(i) for i in range(5)], scheduler=scheduler, memory_limit="3 MB")


@pytest.mark.parametrize("name", ["sync", "threads", "green"])
def test_results_that_cannot_be_written(name):
    class Local(Block):
        def __reduce__(self):
            raise TypeError("not this")

    with pytest.raises(MemoryError, match=r"cannot be pickled: Local-.*; raise the limit"):
        compute(*crossed(Local, 10), scheduler=name, memory_limit=4 * MB)
    assert compute(*crossed(Local, 3), scheduler=name, memory_limit=4 * MB) == (2,) * 3


def test_a_failure_leaves_no_files(scheduler):
    sums = [*crossed(array, 10), delayed(operator.truediv)(1, delayed(operator.mul)(0, crossed(array, 10)[0]))]
    with pytest.raises(ZeroDivisionError):
        compute(*sums, scheduler=scheduler, memory_limit="4.5 MB")


@pytest.mark.parametrize("limit", ["0", -1, "0.5 B", "much"])
def test_limits_that_are_none(limit):
    with pytest.raises(ValueError, match=r"is no unit|leaves room for nothing"):
        delayed(array)(1).compute(memory_limit=limit)


FULL_DISK = """
import os
import sys

from plait.lazy import compute, config, delayed


def block(i):
    return bytes(50_000)


def last(blocks):
    return 1


if __name__ == "__main__":
    blocks = [delayed(block)(i) for i in range(10)]
    gate = delayed(last)([delayed(len)(each) for each in blocks])
    with config.set({"temporary-directory": sys.argv[1]}):
        try:
            compute([delayed(len)(each) + gate for each in blocks], scheduler=sys.argv[2], memory_limit=120_000)
        except OSError as error:
            print(error.errno, error)
    print(os.listdir(sys.argv[1]))
"""


def test_a_full_disk_is_named_with_the_remedy_and_is_emptied(scheduler, on_small_disk):
    result = on_small_disk(FULL_DISK, scheduler, kilobytes=100)
    said, left = result.stdout.splitlines()
    assert said.startswith("28 [Errno 28] No space left on device, in "), result.stderr
    assert "results are spilled; free some, or set the option temporary-directory to a larger disk" in said
    assert left == "[]"
