"""Semaphores and locks: order, kills in the queue, deadlines, threads."""

import random
import threading

import pytest

from plait import green
from plait.green.lock import BoundedSemaphore, DummySemaphore, RLock, Semaphore


def test_units_are_handed_out_in_the_order_of_asking():
    semaphore, order = Semaphore(1), []

    def task(name):
        with semaphore:
            order.append(name)
            green.sleep(0)

    green.joinall([green.spawn(task, name) for name in "abcd"])
    assert order == ["a", "b", "c", "d"]
    assert semaphore.counter == 1


def test_nobody_overtakes_who_waits():
    semaphore, order = Semaphore(0), []

    def waits():
        semaphore.acquire()
        order.append("waited")
        semaphore.release()

    runner = green.spawn(waits)
    green.sleep(0)
    semaphore.release()
    assert semaphore.locked()  # the unit is the waiter's already
    assert not semaphore.acquire(blocking=False)
    runner.join()
    assert semaphore.acquire(blocking=False)


def test_acquire_gives_up(virtual_clock):
    semaphore = Semaphore(0)
    assert semaphore.acquire(blocking=False) is False
    assert semaphore.acquire(timeout=0) is False
    assert semaphore.acquire(timeout=1) is False
    assert semaphore.linkcount() == 0
    assert semaphore.release() == 1


def test_a_waiter_killed_in_the_queue_is_passed_over():
    semaphore = Semaphore(0)
    killed, other = green.spawn(semaphore.acquire), green.spawn(semaphore.acquire)
    green.sleep(0)
    killed.kill()
    semaphore.release()
    assert other.get() is True
    assert semaphore.counter == 0


def test_a_unit_handed_to_a_waiter_that_is_killed_first_is_handed_on():
    semaphore = Semaphore(0)
    killed, other = green.spawn(semaphore.acquire), green.spawn(semaphore.acquire)
    green.sleep(0)
    killed.kill(block=False)
    semaphore.release()  # goes to `killed`, which gets GreenletExit first
    assert other.get() is True
    killed.join()
    assert (semaphore.counter, killed.successful()) == (0, True)


def test_a_holder_that_is_killed_releases():
    semaphore = Semaphore(1)

    def holds():
        with semaphore:
            green.sleep(100)

    runner = green.spawn(holds)
    green.sleep(0)
    runner.kill()
    assert semaphore.counter == 1


def test_a_release_at_the_deadline_is_not_lost(virtual_clock):
    semaphore = Semaphore(0)
    waiting = [green.spawn(semaphore.acquire, timeout=1) for _ in range(3)]
    green.spawn_later(1, semaphore.release)
    got = [runner.get() for runner in waiting]
    assert sum(got) + semaphore.counter == 1


def test_wait_takes_nothing(virtual_clock):
    semaphore = Semaphore(0)
    assert semaphore.wait(timeout=1) == 0
    green.spawn_later(1, semaphore.release)
    assert semaphore.wait() == 1
    assert semaphore.counter == 1


def test_a_bounded_one_refuses_a_release_too_many():
    semaphore = BoundedSemaphore(2)
    semaphore.acquire()
    assert semaphore.release() == 2
    with pytest.raises(ValueError, match="released too many times"):
        semaphore.release()


def test_a_negative_value_is_refused():
    with pytest.raises(ValueError, match="value=-1"):
        Semaphore(-1)


def test_a_reentrant_lock_belongs_to_its_greenlet():
    lock, order = RLock(), []

    def task(name):
        with lock, lock:
            green.sleep(0)
            order.append(name)
        with pytest.raises(RuntimeError, match="cannot release"):
            lock.release()

    green.joinall([green.spawn(task, name) for name in "ab"], raise_error=True)
    assert order == ["a", "b"]
    assert not lock.locked()


def test_a_reentrant_lock_gives_up(virtual_clock):
    lock = RLock()
    lock.acquire()
    assert green.spawn(lock.acquire, blocking=False).get() is False
    assert green.spawn(lock.acquire, timeout=1).get() is False
    lock.release()


def test_a_condition_of_threading_works_on_a_reentrant_lock():
    condition, order = threading.Condition(RLock()), []

    def waits():
        with condition:
            order.append("waits")
            assert condition.wait_for(lambda: "set" in order, timeout=10)
            order.append("woken")

    def sets():
        with condition:
            order.append("set")
            condition.notify_all()

    thread = threading.Thread(target=waits)
    thread.start()
    while not order:
        green.sleep(0.001)
    sets()
    thread.join(10)
    assert order == ["waits", "set", "woken"]


def test_a_dummy_never_waits():
    dummy = DummySemaphore()
    with dummy:
        assert dummy.acquire() and dummy.acquire(False) and not dummy.locked() and dummy.ready()
    assert dummy.release() is None


@pytest.mark.parametrize("seed", range(3))
def test_16_threads_of_greenlets_never_hold_more_than_there_is(seed):
    semaphore, holding, most, done = Semaphore(3), [], [0], []

    def task(chance):
        for _ in range(5):
            if semaphore.acquire(timeout=chance.choice([None, 0.0005])):
                holding.append(1)
                most[0] = max(most[0], len(holding))
                green.sleep(chance.choice([0, 0.0001]))
                holding.pop()
                semaphore.release()
        done.append(1)

    def thread(number):
        chance = random.Random(f"{seed}/{number}")
        green.joinall([green.spawn(task, chance) for _ in range(3)])

    threads = [threading.Thread(target=thread, args=(number,)) for number in range(16)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)
    assert (len(done), semaphore.counter, semaphore.linkcount()) == (48, 3, 0)
    assert most[0] <= 3
