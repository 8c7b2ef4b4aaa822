"""Deterministic runs: the same seed gives the same order, another one finds what depends on it."""

import pytest

from plait import green
from plait._base import clock
from plait.green.lock import Semaphore
from plait.green.queue import Queue
from plait.green.socket import socketpair
from plait.green.testing import deterministic, explore


def order_of_five():
    order = []

    def task(number):
        for _ in range(3):
            green.sleep(0)
            order.append(number)

    green.joinall([green.spawn(task, number) for number in range(5)])
    return order


def lost_update():
    """A counter that is read, then written: some orders lose an update."""
    counter = [0]

    def add():
        seen = counter[0]
        green.sleep(0)
        counter[0] = seen + 1

    first = green.spawn(add)
    green.sleep(0)
    green.joinall([first, green.spawn(add)])
    assert counter == [2]


def test_a_seed_gives_one_order_and_others_give_others():
    orders = explore(order_of_five, range(20))
    assert orders == explore(order_of_five, range(20))
    assert len({tuple(order) for order in orders}) > 10
    assert all(sorted(order) == sorted(orders[0]) for order in orders)


def test_without_a_seed_it_is_first_come_first_served():
    with deterministic(1):
        order_of_five()
    assert order_of_five() == [0, 1, 2, 3, 4] * 3


def test_exploring_finds_the_order_that_fails_and_its_seed_replays_it():
    with pytest.raises(AssertionError) as found:
        explore(lost_update, range(1000))
    (note,) = found.value.__notes__
    seed = int(note.partition("seed=")[2].partition(")")[0])
    with pytest.raises(AssertionError), deterministic(seed):
        lost_update()
    explore(lost_update, range(seed))  # those before it pass


def test_time_is_virtual():
    with deterministic(3) as virtual:
        green.sleep(3600)
        assert clock.now() == 3600
        virtual.advance(5)
    assert clock.now() != 3605


def test_bytes_that_are_there_come_before_a_time_out():
    def run():
        one, other = socketpair()
        with one, other:
            one.settimeout(5)
            green.spawn(other.sendall, b"x")
            return one.recv(1), clock.now()

    assert explore(run, range(20)) == [(b"x", 0.0)] * 20


def test_a_block_does_not_nest_and_ends_after_an_error():
    with deterministic(1):
        with pytest.raises(RuntimeError, match="seed already"), deterministic(2):
            pass
    with pytest.raises(KeyError), deterministic(1):
        raise KeyError
    assert green.get_hub().choose is None


def test_queues_and_semaphores_keep_their_promises_in_all_orders():
    def run():
        queue, room, got = Queue(2), Semaphore(2), []

        def put(start):
            for number in range(start, start + 5):
                with room:
                    queue.put(number)

        def get():
            for _ in range(5):
                got.append(queue.get())
                green.sleep(0)

        green.joinall([green.spawn(put, 0), green.spawn(get), green.spawn(put, 100), green.spawn(get)])
        assert sorted(got) == [*range(5), *range(100, 105)]
        for start in (0, 100):
            assert [number for number in got if number in range(start, start + 5)] == list(range(start, start + 5))
        assert room.counter == 2

    explore(run, range(200))
