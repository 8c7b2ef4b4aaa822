import os
import stat
import subprocess
import sys
from collections import defaultdict
from decimal import Decimal
from fractions import Fraction

import pytest

import plait.green as green
from plait.lazy import bag as db
from plait.lazy import config
from plait.lazy.bag import shuffle
from plait.lazy.bag.hashes import stable_hash
from plait.lazy.scratch import Scratch


@pytest.fixture
def folder(tmp_path):
    """Where the shuffle puts its files, which must be empty afterwards."""
    path = tmp_path / "temporary"
    path.mkdir()
    with config.set({"temporary-directory": str(path)}):
        yield path
    assert list(path.iterdir()) == []


def grouped(values, key):
    groups = defaultdict(list)
    for value in values:
        groups[key(value)].append(value)
    return dict(groups)


@pytest.mark.parametrize("method", ["disk", "tasks"])
def test_groups_are_whole_and_in_order_on_every_scheduler(method, scheduler, folder):
    bag = db.range(1000, npartitions=10).groupby(lambda x: x % 7, shuffle=method)
    assert dict(bag.compute(scheduler=scheduler)) == grouped(range(1000), lambda x: x % 7)


@pytest.mark.parametrize(("partitions", "branches"), [(1, 32), (4, 4), (5, 2), (33, 32), (100, 3), (345, 24)])
def test_by_tasks_no_group_is_in_two_partitions(partitions, branches):
    bag = db.range(3000, npartitions=partitions).groupby(lambda x: x % 283, shuffle="tasks", max_branch=branches)
    assert bag.npartitions == partitions
    pairs = bag.compute(scheduler="sync")
    assert len(pairs) == 283
    assert dict(pairs) == grouped(range(3000), lambda x: x % 283)


def test_by_tasks_many_partitions_take_few_tasks():
    bag = db.range(1000, npartitions=100).groupby(lambda x: x, shuffle="tasks", max_branch=10)
    assert len(bag.dask) < 100 * 100


def test_blocks_bound_what_is_held_and_groups_are_whole_all_the_same(folder):
    bag = db.range(1000, npartitions=3).groupby(lambda x: x % 5, npartitions=2, blocksize=10)
    assert bag.npartitions == 2
    assert dict(bag.compute(scheduler="sync")) == grouped(range(1000), lambda x: x % 5)
    assert dict(bag.compute(scheduler="sync")) == grouped(range(1000), lambda x: x % 5)


@pytest.mark.parametrize("method", ["disk", "tasks"])
def test_keys_that_are_equal_are_one_group_whatever_their_types(method, folder):
    keys = [1, 1.0, True, Fraction(1), Decimal(1), 1 + 0j]
    bag = db.from_sequence(keys, npartitions=6).groupby(lambda key: key, shuffle=method)
    ((key, elements),) = bag.compute(scheduler="sync")
    assert (key, len(elements)) == (1, 6)


def test_hashes_are_equal_for_equal_keys_and_in_every_process():
    for one, other in [((1, "a"), (1.0, "a")), (frozenset({1, "b"}), frozenset({"b", 1.0})), (-0.0, 0), (b"", b"")]:
        assert stable_hash(one) == stable_hash(other)
    assert stable_hash(float("nan")) == stable_hash(float("nan"))
    source = "from plait.lazy.bag.hashes import stable_hash; print(stable_hash(('text', None, frozenset('abc'), 2.5)))"
    told = {
        subprocess.run(
            [sys.executable, "-c", source],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            timeout=60,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1


def test_a_grouper_may_be_an_items_name_and_a_method_must_be_known(folder):
    bag = db.from_sequence([{"a": 1}, {"a": 2}, {"a": 1}], npartitions=2)
    assert dict(bag.groupby("a").compute(scheduler="sync")) == {1: [{"a": 1}, {"a": 1}], 2: [{"a": 2}]}
    with pytest.raises(NotImplementedError, match="shuffle='magic' is not known"):
        bag.groupby("a", shuffle="magic")
    with pytest.raises(TypeError, match="pass shuffle="):
        bag.groupby("a", method="disk")


def test_only_the_user_may_read_the_files(folder):
    modes = []

    def looked(pair):
        (space,) = folder.iterdir()
        modes.extend(stat.S_IMODE(path.stat().st_mode) for path in (space, *space.iterdir()))
        return pair

    old = os.umask(0)
    try:
        db.range(10, npartitions=2).groupby(lambda x: x).map(looked).compute(scheduler="sync")
    finally:
        os.umask(old)
    assert modes[:3] == [0o700, 0o600, 0o600]


def test_no_file_is_left_after_an_error(scheduler, folder):
    def failing(x):
        if x == 777:
            raise ZeroDivisionError(x)
        return x % 3

    with pytest.raises(ZeroDivisionError):
        db.range(1000, npartitions=10).groupby(failing).compute(scheduler=scheduler)
    assert list(folder.iterdir()) == []


def test_no_file_is_left_after_an_error_behind_the_shuffle(scheduler, folder):
    def failing(pair):
        raise ZeroDivisionError(pair)

    with pytest.raises(ZeroDivisionError):
        db.range(100, npartitions=4).groupby(lambda x: x % 3).map(failing).compute(scheduler=scheduler)
    assert list(folder.iterdir()) == []


def test_no_file_is_left_after_a_timeout(folder):
    def stuck(pair):
        green.sleep(60)

    bag = db.range(10, npartitions=2).groupby(lambda x: x % 3).map(stuck)

    def run():
        with green.Timeout(0.2):
            bag.compute(scheduler="green")

    waiting = green.spawn(run)
    with pytest.raises(green.Timeout):
        waiting.get()
    assert list(folder.iterdir()) == []


def test_no_file_is_left_after_ctrl_c(run_script, tmp_path):
    source = """
        import os, signal, sys
        from plait.lazy import bag as db, config

        caller = os.getpid()

        def interrupt(pair):
            if pair[0] == 77_777:
                os.kill(caller, signal.SIGINT)
            return pair

        with config.set({"temporary-directory": sys.argv[1]}):
            try:
                db.range(100_000, npartitions=4).groupby(lambda x: x).map(interrupt).compute(scheduler=sys.argv[2])
            except KeyboardInterrupt:
                print(os.listdir(sys.argv[1]))
    """
    folder = tmp_path / "temporary"
    folder.mkdir()
    for scheduler in ("sync", "threads", "processes"):
        result = run_script(source, str(folder), scheduler)
        assert result.stdout == "[]\n", result.stderr


def test_a_graph_that_is_run_as_it_was_built_leaves_no_file_either(folder, scheduler):
    from plait.lazy import get

    bag = db.range(10, npartitions=2).groupby(lambda x: x % 3)
    parts = get(bag.dask, bag.__dask_keys__(), scheduler=scheduler)
    assert dict(pair for part in parts for pair in part) == grouped(range(10), lambda x: x % 3)
    assert list(folder.iterdir()) == []
    assert dict(bag.compute(scheduler=scheduler, optimize_graph=False)) == grouped(range(10), lambda x: x % 3)
    assert list(folder.iterdir()) == []


FULL_DISK = """
    import os, sys
    from plait.lazy import bag as db, config

    def compute():
        bag = db.range(1000, npartitions=2).map(str).map(lambda text: text * 100).groupby(lambda text: text[-1])
        bag.compute(scheduler=sys.argv[2])

    if __name__ == "__main__":
        with config.set({"temporary-directory": sys.argv[1]}):
            try:
                compute()
            except OSError as error:
                print(error.errno, error)
        print(os.listdir(sys.argv[1]))
"""


@pytest.mark.parametrize("scheduler", ["sync", "processes"])
def test_a_full_disk_is_named_with_the_remedy_and_is_emptied(scheduler, on_small_disk):
    result = on_small_disk(FULL_DISK, scheduler, kilobytes=64)
    said, left = result.stdout.splitlines()
    assert said.startswith("28 [Errno 28] No space left on device, in "), result.stderr
    assert "set the option temporary-directory to a larger disk" in said
    assert left == "[]"


def test_a_file_that_was_cut_is_told_from_one_without_groups(tmp_path):
    space = Scratch(str(tmp_path))
    shuffle.write(lambda x: x, 2, 10, range(10), space, 0)
    assert dict(shuffle.read(2, 1, space, 0) + shuffle.read(2, 1, space, 1)) == {i: [i] for i in range(10)}
    path = tmp_path / "0"
    whole = path.read_bytes()
    path.write_bytes(whole[:20])
    with pytest.raises(OSError, match="is not as it was written"):
        shuffle.read(2, 1, space, 0)


def test_no_file_is_left_after_a_worker_was_killed(folder):
    from plait.parallel.errors import PoolError

    caller = os.getpid()

    def deadly(x):
        if x == 77:
            assert os.getpid() != caller
            os.kill(os.getpid(), 9)
        return x % 3

    with pytest.raises(PoolError):
        db.range(100, npartitions=4).groupby(deadly).compute(scheduler="processes")
    assert list(folder.iterdir()) == []


def test_elements_move_by_tasks_where_workers_may_be_elsewhere(folder):
    def rest(x):
        return x % 3

    class Client:
        def __call__(self, graph, keys, **options):
            from plait.lazy import get

            return get(graph, keys, scheduler="sync")

    numbers = db.range(10, npartitions=2)
    by_disk, by_tasks = (numbers.groupby(rest, shuffle=method).name for method in ("disk", "tasks"))
    assert numbers.groupby(rest).name == by_disk
    with config.set(scheduler=Client()):
        assert numbers.groupby(rest).name == by_tasks
        assert dict(numbers.groupby(rest).compute()) == grouped(range(10), rest)
    with config.set({"dataframe.shuffle.method": "tasks"}):
        assert numbers.groupby(rest).name == by_tasks
