"""Queues and channels: order, limits, kills in line, tasks, threads."""

import random
import threading

import pytest

from plait import green
from plait.green.queue import (
    Channel,
    Empty,
    Full,
    JoinableQueue,
    LifoQueue,
    PriorityQueue,
    Queue,
    ShutDown,
    SimpleQueue,
)


@pytest.mark.parametrize(
    ("kind", "got"),
    [
        (SimpleQueue, [3, 1, 2]),
        (Queue, [3, 1, 2]),
        (JoinableQueue, [3, 1, 2]),
        (LifoQueue, [2, 1, 3]),
        (PriorityQueue, [1, 2, 3]),
    ],
)
def test_the_order_of_each_kind(kind, got):
    queue = kind()
    for item in (3, 1, 2):
        queue.put(item)
    assert (queue.qsize(), len(queue), bool(queue), queue.empty()) == (3, 3, True, False)
    assert queue.peek() == got[0]
    assert list(kind(items=(3, 1, 2)).copy().queue) == list(queue.queue)
    assert [queue.get() for _ in range(3)] == got
    assert queue.empty()


def test_put_parks_when_it_is_full_and_get_lets_it_go_on():
    queue, order = Queue(1), []

    def puts():
        for number in range(3):
            queue.put(number)
            order.append(f"put {number}")

    runner = green.spawn(puts)
    green.sleep(0)
    assert (order, queue.full()) == (["put 0"], True)
    assert [queue.get() for _ in range(3)] == [0, 1, 2]
    runner.join()
    assert order == ["put 0", "put 1", "put 2"]


def test_get_parks_until_there_is_something():
    queue = Queue()
    waiting = [green.spawn(queue.get) for _ in range(3)]
    green.sleep(0)
    for number in range(3):
        queue.put(number)
    assert [runner.get() for runner in waiting] == [0, 1, 2]


def test_both_give_up(virtual_clock):
    queue = Queue(1)
    for give_up in (queue.get_nowait, queue.peek_nowait, lambda: queue.get(timeout=1), lambda: queue.get(timeout=0)):
        with pytest.raises(Empty):
            give_up()
    queue.put(1)
    for give_up in (lambda: queue.put_nowait(2), lambda: queue.put(2, timeout=1)):
        with pytest.raises(Full):
            give_up()
    assert (queue.get(), queue.qsize()) == (1, 0)
    assert queue.waiting() == (0, 0)


def test_an_item_put_for_a_getter_that_is_killed_first_goes_to_the_next():
    queue = Queue()
    killed, other = green.spawn(queue.get), green.spawn(queue.get)
    green.sleep(0)
    killed.kill(block=False)
    queue.put("item")
    assert other.get() == "item"


def test_room_made_for_a_putter_that_is_killed_first_goes_to_the_next():
    queue = Queue(1, items=["first"])
    killed, other = green.spawn(queue.put, "killed"), green.spawn(queue.put, "other")
    green.sleep(0)
    killed.kill(block=False)
    assert queue.get() == "first"
    other.join()
    assert queue.get() == "other"


def test_a_peek_leaves_the_item_to_the_getter_behind_it():
    queue = Queue()
    peeks, gets = green.spawn(queue.peek), green.spawn(queue.get)
    green.sleep(0)
    queue.put("item")
    assert (peeks.get(), gets.get()) == ("item", "item")


def test_iteration_ends_at_stop_iteration():
    queue = Queue(items=[1, 2, StopIteration])
    assert list(queue) == [1, 2]


def test_join_waits_for_the_tasks():
    queue = Queue()
    assert queue.join()
    queue.put(1)
    queue.put(2)
    assert queue.join(timeout=0) is False

    def works():
        for _ in range(2):
            queue.get()
            green.sleep(0)
            queue.task_done()

    worker = green.spawn(works)
    assert queue.join()
    assert queue.unfinished_tasks == 0
    with pytest.raises(ValueError, match="too many times"):
        queue.task_done()
    worker.join()


def test_shutdown_lets_what_is_left_be_got():
    queue = Queue(1, items=[1])
    putter = green.spawn(queue.put, 2)
    green.sleep(0)
    queue.shutdown()
    with pytest.raises(ShutDown):
        putter.get()
    assert queue.get() == 1
    with pytest.raises(ShutDown):
        queue.get()
    with pytest.raises(ShutDown):
        queue.put(3)


def test_an_immediate_shutdown_drops_all_and_ends_join():
    queue = Queue(items=[1, 2])
    joins = green.spawn(queue.join)
    green.sleep(0)
    queue.shutdown(immediate=True)
    assert joins.get() is True
    with pytest.raises(ShutDown):
        queue.get()


def test_a_channel_hands_over_when_both_are_there():
    channel, order = Channel(), []

    def puts():
        channel.put("item")
        order.append("put")

    putter = green.spawn(puts)
    green.sleep(0)
    assert (order, channel.balance, channel.qsize(), channel.full(), channel.empty()) == ([], 1, 0, True, True)
    assert channel.get() == "item"
    putter.join()
    getter = green.spawn(channel.get)
    green.sleep(0)
    assert channel.balance == -1
    channel.put("other")
    assert getter.get() == "other"


def test_a_channel_gives_up(virtual_clock):
    channel = Channel()
    with pytest.raises(Empty):
        channel.get(timeout=1)
    with pytest.raises(Full):
        channel.put(1, timeout=1)
    with pytest.raises(Full):
        channel.put_nowait(1)
    with pytest.raises(Empty):
        channel.get_nowait()
    assert channel.balance == 0
    with pytest.raises(ValueError, match="maxsize=2"):
        Channel(2)


def test_an_item_handed_to_a_getter_that_is_killed_first_is_not_lost():
    channel = Channel()
    killed = green.spawn(channel.get)
    green.sleep(0)
    killed.kill(block=False)
    channel.put("item")
    killed.join()
    assert channel.get() == "item"


@pytest.mark.parametrize("seed", range(3))
def test_every_item_is_got_once_whatever_is_killed_and_whatever_times_out(seed):
    chance = random.Random(seed)
    queue, got, put = Queue(2), [], []

    def puts(number):
        queue.put(number, timeout=chance.choice([None, 0.001]))
        put.append(number)

    def gets():
        got.append(queue.get(timeout=chance.choice([None, 0.001])))

    green.get_hub().print_exception = lambda *info: None
    try:
        runners = []
        for number in range(300):
            runners += [green.spawn(puts, number), green.spawn(gets)]
            if chance.random() < 0.3:
                green.sleep(0)
            if chance.random() < 0.3:
                chance.choice(runners).kill(block=False)
        while any(not runner.dead for runner in runners):
            green.joinall(runners, timeout=0.05)
            while not queue.empty():
                got.append(queue.get())
            green.sleep(0)
            if not queue.waiting()[1]:
                green.killall(runners)
    finally:
        del green.get_hub().print_exception
    while not queue.empty():
        got.append(queue.get())
    assert sorted(set(got)) == sorted(got), f"seed {seed}: an item was got twice"
    assert set(put) <= set(got), f"seed {seed}: an item was lost"


def test_16_threads_share_a_queue():
    queue, got, count = Queue(5), [], 100

    def puts(number):
        for item in range(count):
            queue.put((number, item))

    def gets():
        for _ in range(count):
            got.append(queue.get(timeout=20))

    threads = [threading.Thread(target=puts, args=(number,)) for number in range(8)]
    threads += [threading.Thread(target=lambda: green.spawn(gets).join()) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(got) == [(number, item) for number in range(8) for item in range(count)]


def test_a_put_that_finds_a_getter_lets_it_go_on_first():
    channel, order = Channel(), []

    def gets():
        order.append(channel.get())
        order.append(channel.get())

    getter = green.spawn(gets)
    green.sleep(0)
    for item in ("one", "two"):
        channel.put(item)
        order.append(f"put {item}")
    getter.join()
    assert order == ["one", "put one", "two", "put two"]
