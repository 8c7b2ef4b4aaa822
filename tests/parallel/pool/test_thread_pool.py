"""Crews: strict numbers hold, sleepers are compensated, tasks that compute never exceed the cores."""

import threading
import time
import zlib
from pathlib import Path

import pytest

from plait.parallel.pool import blocked
from plait.parallel.pool.thread_pool import ThreadPool


class Gauge:
    """How many are inside at once."""

    def __init__(self):
        self.now = self.most = self.total = 0
        self.lock = threading.Lock()

    def __enter__(self):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)

    def __exit__(self, *raised):
        with self.lock:
            self.now -= 1
            self.total += 1


def run(work, items, size, strict):
    gauge, done = Gauge(), threading.Semaphore(0)

    def one(item):
        with gauge:
            work(item)
        done.release()

    threads = ThreadPool()
    threads.crew(one, size, strict).put_all(range(items))
    for _ in range(items):
        assert done.acquire(timeout=60)
    threads.stop()
    assert gauge.total == items
    return gauge.most


def test_a_number_given_is_strict():
    assert run(lambda _: time.sleep(0.02), 8, 2, strict=True) == 2


def test_sleepers_are_compensated():
    """Each item needs all six to be there."""
    barrier = threading.Barrier(6)
    assert run(lambda _: barrier.wait(60), 6, 2, strict=False) == 6


def test_tasks_that_compute_outside_the_gil_never_exceed_the_size():
    data = bytes(range(256)) * 40_000
    assert run(lambda _: zlib.compress(data, 6), 12, 2, strict=False) <= 2


def test_tasks_that_wait_for_the_gil_are_not_taken_for_sleepers():
    def spin(_):
        end = time.thread_time() + 0.03
        while time.thread_time() < end:
            pass

    assert run(spin, 12, 2, strict=False) <= 2


def test_surplus_threads_leave_when_sleepers_come_back():
    """Six sleep and come back together, while items wait that compute."""
    barrier, back, computing = threading.Barrier(6), threading.Event(), Gauge()
    data = bytes(range(256)) * 40_000

    def work(item):
        if item < 6:
            barrier.wait(60)
            back.wait(0.1)
            return
        with computing:
            zlib.compress(data, 6)

    run(work, 18, 2, strict=False)
    assert computing.total == 12
    assert computing.most <= 2


def test_cancelled_items_never_start():
    began, go = [], threading.Event()

    def work(item):
        began.append(item)
        go.wait(60)

    threads = ThreadPool()
    crew = threads.crew(work, 1, strict=True)
    crew.put_all(range(5))
    while not began:
        time.sleep(0.001)
    crew.cancel()
    go.set()
    while crew.active:
        time.sleep(0.001)
    threads.stop()
    assert began == [0]


def test_a_thread_is_used_again():
    idents, done = set(), threading.Semaphore(0)

    def work(_):
        idents.add(threading.get_native_id())
        done.release()

    threads = ThreadPool()
    for i in range(5):
        crew = threads.crew(work, 1, strict=True)
        crew.put(i)
        assert done.acquire(timeout=60)
        while crew.active or not threads._idle:
            time.sleep(0.001)
    threads.stop()
    assert len(idents) == 1


def test_idle_threads_end_with_the_pool():
    began = threading.Semaphore(0)
    ids = []

    def work(_):
        ids.append(threading.get_native_id())
        began.release()

    threads = ThreadPool()
    threads.crew(work, 1, strict=True).put(0)
    assert began.acquire(timeout=60)
    while not threads._idle:
        time.sleep(0.001)
    threads.stop()
    while Path(f"/proc/self/task/{ids[0]}").exists():
        time.sleep(0.001)


@pytest.mark.parametrize("asleep", [True, False])
def test_looking_at_a_thread(asleep):
    end, ids = threading.Event(), []

    def live():
        ids.append(threading.get_native_id())
        while not end.is_set():
            if asleep:
                end.wait(60)

    thread = threading.Thread(target=live)
    thread.start()
    while not ids:
        time.sleep(0.001)
    time.sleep(0.05)
    first = blocked.look({ids[0]: 1})
    time.sleep(0.05)
    second = blocked.look({ids[0]: 1})
    end.set()
    thread.join()
    assert (bool(first) and first == second) == asleep
