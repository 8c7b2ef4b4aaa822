"""Groups and pools."""

import pytest

from plait import green
from plait.green.pool import Group, Pool, PoolFull
from plait.greenlet import GreenletExit


def double(x):
    green.sleep(0.01 * (5 - x))
    return 2 * x


def fails_at_three(x):
    if x == 3:
        raise ValueError(x)
    return x


def test_a_group_holds_what_has_not_ended(virtual_clock):
    group = Group()
    runners = [group.spawn(green.sleep, delay) for delay in (1, 2)]
    assert len(group) == 2 and set(group) == set(runners) and runners[0] in group and group
    assert group.join(timeout=1.5) is False
    assert set(group) == {runners[1]}
    assert group.join() is True
    assert len(group) == 0
    assert group.join() is True
    assert not group.full() and group.wait_available() == 1


def test_greenlets_may_be_added_and_discarded(virtual_clock):
    runners = [green.spawn(green.sleep, delay) for delay in (1, 2)]
    group = Group(runners)
    group.discard(runners[1])
    group.join()
    assert [runner.dead for runner in runners] == [True, False]
    assert not runners[1].has_links()
    green.joinall(runners)


def test_join_raises_a_failure_where_asked(errors):
    group = Group()
    group.spawn(fails_at_three, 3)
    with pytest.raises(ValueError):
        group.join(raise_error=True)


def test_kill_ends_all_also_those_that_come_meanwhile(virtual_clock):
    group = Group()

    def breeds():
        try:
            green.sleep(100)
        finally:
            group.spawn(green.sleep, 100)

    first = [group.spawn(breeds) for _ in range(3)]
    green.sleep(0)
    group.kill()
    assert len(group) == 0
    assert all(isinstance(runner.value, GreenletExit) for runner in first)


def test_kill_gives_up(virtual_clock):
    def stubborn():
        try:
            green.sleep(100)
        finally:
            green.sleep(10)

    group = Group()
    runner = group.spawn(stubborn)
    green.sleep(0)
    group.kill(timeout=1)
    assert not runner.dead
    group.join()


def test_killone(virtual_clock):
    group = Group()
    one, other = group.spawn(green.sleep, 10), group.spawn(green.sleep, 1)
    green.sleep(0)
    group.killone(one)
    assert one.dead and not other.dead
    group.join()
    group.killone(one)


@pytest.mark.parametrize("make", [Group, lambda: Pool(2), lambda: Pool(10), Pool])
def test_maps(virtual_clock, make):
    group = make()
    assert group.map(double, range(5)) == [0, 2, 4, 6, 8]
    assert list(group.imap(double, range(5))) == [0, 2, 4, 6, 8]
    assert sorted(group.imap_unordered(double, range(5))) == [0, 2, 4, 6, 8]
    assert list(group.imap(lambda x, y: x + y, [1, 2], [10, 20])) == [11, 22]
    assert group.map_async(double, range(3)).get() == [0, 2, 4]
    assert group.apply(double, (4,)) == 8
    assert group.apply_async(double, (3,)).get() == 6


def test_imap_unordered_gives_results_as_they_come(virtual_clock):
    assert list(Group().imap_unordered(double, range(5))) == [8, 6, 4, 2, 0]


@pytest.mark.parametrize("method", ["imap", "imap_unordered"])
def test_a_failure_is_raised_in_its_place_and_the_rest_is_still_there(errors, method):
    results = getattr(Pool(2), method)(fails_at_three, range(6))
    seen = []
    while True:
        try:
            seen.append(next(results))
        except ValueError:
            seen.append("failed")
        except StopIteration:
            break
    assert seen == [0, 1, 2, "failed", 4, 5]


@pytest.mark.parametrize("method", ["imap", "imap_unordered"])
def test_a_failing_iterable_fails_the_iterator_after_its_results(errors, method):
    def items():
        yield 1
        raise KeyError("items")

    results = getattr(Pool(2), method)(fails_at_three, items())
    assert next(results) == 1
    with pytest.raises(KeyError):
        next(results)
    with pytest.raises(StopIteration):
        next(results)


def test_maxsize_bounds_what_is_computed_ahead(virtual_clock):
    started = []
    results = Pool(10).imap(started.append, range(100), maxsize=3)
    green.sleep(1)
    assert started == [0, 1, 2]
    next(results)
    green.sleep(1)
    assert started == [0, 1, 2, 3]
    results.kill()
    with pytest.raises(ValueError, match="maxsize=0"):
        Pool(1).imap(double, [], maxsize=0)


def test_callbacks_of_apply_and_map(virtual_clock):
    seen = []
    pool = Pool(1)
    pool.apply_async(double, (1,), callback=seen.append)
    pool.apply_async(double, (2,), callback=seen.append)  # full by now
    pool.apply_cb(double, (3,), callback=seen.append)
    pool.map_async(double, [4], callback=seen.append).join()
    green.sleep(1)
    assert sorted(map(str, seen)) == ["2", "4", "6", "[8]"]


def test_a_pool_never_runs_more_than_its_size(virtual_clock):
    pool, running, most = Pool(3), [], []

    def task(_):
        running.append(1)
        most.append(len(running))
        green.sleep(1)
        running.pop()

    pool.map(task, range(20))
    assert max(most) == 3
    assert pool.free_count() == 3


def test_a_full_pool_makes_spawn_wait_or_refuses(virtual_clock):
    pool = Pool(1)
    runner = pool.spawn(green.sleep, 1)
    assert pool.full() and pool.free_count() == 0
    with pytest.raises(PoolFull, match="all 1 places"):
        pool.start(green.Greenlet(green.sleep, 1), blocking=False)
    with pytest.raises(PoolFull):
        pool.start(green.Greenlet(green.sleep, 1), timeout=0.5)
    assert pool.wait_available(timeout=0.1) == 0
    other = pool.spawn(green.sleep, 1)  # waits for the place
    assert runner.dead and not other.dead
    pool.join()
    assert pool.wait_available() == 1


def test_a_place_is_free_again_after_a_kill():
    pool = Pool(1)
    runner = pool.spawn(green.sleep, 100)
    green.sleep(0)
    runner.kill()
    pool.spawn(green.sleep, 0).join()
    pool.join()
    assert pool.free_count() == 1


def test_apply_inside_a_full_pool_does_not_wait_for_itself():
    pool = Pool(1)
    assert pool.apply(lambda: pool.apply(double, (5,))) == 10


def test_sizes():
    with pytest.raises(ValueError, match="size=-1"):
        Pool(-1)
    assert Pool(0).full()
    assert not Pool().full()

    class Mine(green.Greenlet):
        pass

    assert isinstance(Pool(1, Mine).spawn(int), Mine)
