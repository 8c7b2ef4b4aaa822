"""Futures on the local schedulers: values, order, errors, cancelling, waiting."""

import asyncio
import collections
import concurrent.futures
import gc
import operator
import os
import threading
import time
from pathlib import Path

import pytest

from plait import green
from plait.green.event import Event
from plait.lazy import Client, as_completed, compute, config, delayed, wait
from plait.parallel import TransportError


@pytest.fixture
def client(scheduler):
    with Client(scheduler) as made:
        yield made


def increment(x):
    return x + 1


def fail(x):
    raise ValueError(f"failed on {x}")


def touch_and_sleep(directory, i, seconds):
    Path(directory, str(i)).touch()
    time.sleep(seconds)


def wait_for(condition):
    while not condition():
        green.sleep(0.005)


# -- values ------------------------------------------------------------------------------------------------------


def test_results(client):
    assert client.submit(increment, 1).result() == 2
    assert client.submit(int, "11", base=2).result() == 3
    assert client.gather(client.map(increment, range(20))) == list(range(1, 21))
    assert client.gather(client.map(operator.add, [1, 2], [10, 20])) == [11, 22]


def test_futures_among_arguments_are_waited_for(client):
    rows = client.map(increment, range(10))
    total = client.submit(sum, rows)
    assert client.submit(increment, total).result() == 56
    assert client.submit(dict, {"a": total, "b": [rows[0]]}).result() == {"a": 55, "b": [1]}


def test_lazy_values_and_futures_mix(client):
    lazy = delayed(increment)(client.submit(increment, 1))
    assert client.submit(increment, lazy).result() == 4
    assert client.compute(lazy).result() == 3
    assert client.compute([lazy, delayed(5)], sync=True) == [3, 5]
    assert compute(lazy, client.submit(increment, 5)) == (3, 6)


def test_a_graph_is_one_future(client):
    top = delayed(sum)([delayed(increment)(i) for i in range(100)])
    assert client.compute(top).result() == 5050


def test_equal_pure_calls_share_a_future():
    ran = []
    with Client() as client:
        first = client.submit(ran.append, 1)
        assert client.submit(ran.append, 1) is first
        other = client.submit(ran.append, 1, pure=False)
        assert other is not first
        named = client.submit(increment, 1, key="named")
        assert named.key == "named"
        assert client.submit(increment, 1, key="named") is named
        wait([first, other, named])
        assert ran == [1, 1]
        del first
        gc.collect()
        client.submit(ran.append, 1).result()
    assert ran == [1, 1, 1]


def test_gather_keeps_the_shape():
    with Client("sync") as client:
        one, bad = client.submit(increment, 0), client.submit(fail, 1)
        assert client.gather({"a": [one, (one, 5)], "b": {1}}) == {"a": [1, (1, 5)], "b": {1}}
        assert client.gather([one, bad, one], errors="skip") == [1, 1]
        with pytest.raises(ValueError, match="failed on 1"):
            client.gather([one, bad])


def test_processes_run_elsewhere_and_a_client_is_used_again():
    with Client("processes", num_workers=2) as client:
        for _ in range(3):
            assert os.getpid() not in client.gather(client.map(lambda _: os.getpid(), range(4), pure=False))


def test_as_completed_gives_them_as_they_end():
    gates = [threading.Event() for _ in range(3)]
    with Client(num_workers=3) as client:
        futures = client.map(lambda i: gates[i].wait(30) and i, range(3))
        done = as_completed(futures)
        for i in (2, 0, 1):
            gates[i].set()
            assert next(done).result() == i
        assert done.is_empty()
        late = client.submit(increment, 5)
        done.add(late)
        assert list(done) == [late]
        assert list(as_completed([late], with_results=True)) == [(late, 6)]


def test_wait_and_timeouts():
    gate = threading.Event()
    with Client() as client:
        slow, fast = client.submit(gate.wait, 30), client.submit(increment, 1)
        assert wait([slow, fast], return_when="FIRST_COMPLETED") == ({fast}, {slow})
        with pytest.raises(TimeoutError):
            wait([slow], timeout=0.01)
        with pytest.raises(TimeoutError):
            slow.result(timeout=0.01)
        gate.set()
        assert wait([slow, fast]).not_done == set()


def test_the_standard_library_takes_them():
    with Client() as client:
        futures = client.map(increment, range(3))
        assert {future.result() for future in concurrent.futures.as_completed(futures)} == {1, 2, 3}

        async def awaited():
            return await asyncio.wrap_future(client.submit(increment, 10))

        assert asyncio.run(awaited()) == 11


# -- errors ------------------------------------------------------------------------------------------------------


def test_an_error_is_its_futures_own(client):
    bad, good = client.submit(fail, 1), client.submit(increment, 1)
    after = client.submit(increment, bad)
    with pytest.raises(ValueError, match="failed on 1") as caught:
        after.result()
    assert any(note.startswith(f"in {bad.key}: fail(1)") for note in caught.value.__notes__)
    assert isinstance(bad.exception(), ValueError)
    assert (bad.status, after.status) == ("error", "error")
    assert good.result() == 2
    assert client.submit(increment, 2).result() == 3


def test_what_cannot_travel_names_the_call():
    with Client("processes") as client:
        bad, good = client.submit(increment, threading.Lock(), pure=False), client.submit(increment, 1)
        with pytest.raises(TransportError, match=rf"{bad.key}: .*argument 0 cannot be pickled"):
            bad.result()
        assert good.result() == 2


def test_closed_and_unknown():
    with pytest.raises(ValueError, match="scheduler='cluster' is not known"):
        Client("cluster")
    client = Client()
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.submit(increment, 1)
    with pytest.raises(TypeError, match="not lazy"), Client() as client:
        client.compute(5)


def test_a_run_that_cannot_start_fails_its_future():
    with config.set({"multiprocessing.allowed-failures": "many"}), Client("processes") as client:
        first = client.submit(increment, 1)
        for future in (first, client.submit(increment, first)):
            with pytest.raises(ValueError, match="allowed-failures='many'"):
                future.result()


# -- cancelling --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_cancel_stops_what_runs_and_what_waits(scheduler, tmp_path):
    with Client(scheduler, num_workers=1) as client:
        running = client.submit(touch_and_sleep, tmp_path, "running", 60)
        waiting = client.map(touch_and_sleep, [tmp_path] * 5, range(5), [60] * 5)
        after = client.submit(increment, waiting[0])
        wait_for(lambda: (tmp_path / "running").exists())
        client.cancel([*waiting, running])
        assert {future.status for future in (running, after, *waiting)} == {"cancelled"}
        with pytest.raises(concurrent.futures.CancelledError):
            after.result()
        assert client.submit(increment, 1).result() == 2
        assert [path.name for path in tmp_path.iterdir()] == ["running"]


@pytest.mark.parametrize("scheduler", ["threads", "processes", "green"])
def test_cancelling_a_graph_stops_within_a_task(scheduler, tmp_path):
    nap = green.sleep if scheduler == "green" else time.sleep

    def touch(i):
        (tmp_path / str(i)).touch()
        nap(0.05)

    with Client(scheduler, num_workers=2) as client:
        future = client.compute(delayed(len)([delayed(touch)(i) for i in range(100)]))
        wait_for(lambda: len(list(tmp_path.iterdir())) >= 2)
        assert future.cancel()
        begun = len(list(tmp_path.iterdir()))
        assert client.submit(increment, 1).result() == 2
        green.sleep(0.2)
        assert len(list(tmp_path.iterdir())) <= begun + 2


def test_a_thread_that_computes_is_interrupted():
    ended = threading.Event()

    def spin():
        try:
            while True:
                pass
        finally:
            ended.set()

    begun = threading.Event()
    with Client(num_workers=1) as client:
        future = client.submit(lambda: (begun.set(), spin()))
        begun.wait(30)
        future.cancel()
        assert ended.wait(30)
        assert client.submit(increment, 1).result() == 2


def test_a_cancelled_future_stays_cancelled_and_a_done_one_done():
    with Client("sync") as client:
        future = client.submit(increment, 1)
        assert not future.cancel()
        assert future.result() == 2


def test_close_cancels_what_is_open():
    client = Client(num_workers=1)
    gate = threading.Event()
    future = client.submit(gate.wait, 60)
    client.close()
    assert future.cancelled()
    gate.set()


# -- waiting -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_other_greenlets_go_on_while_one_waits(scheduler):
    ticks = []

    def tick():
        while True:
            ticks.append(1)
            green.sleep(0.005)

    with Client(scheduler) as client:
        ticker = green.spawn(tick)
        waiting = green.spawn(client.submit(time.sleep, 0.1).result)
        assert waiting.get() is None
        assert green.spawn(list, as_completed(client.map(time.sleep, [0.05]))).get()[0].done()
        ticker.kill()
    assert len(ticks) > 3


def test_a_timeout_ends_the_wait_and_not_the_future():
    gate = threading.Event()
    with Client() as client:
        future = client.submit(gate.wait, 60)
        with pytest.raises(green.Timeout), green.Timeout(0.02):
            future.result()
        assert not future.done()
        gate.set()
        assert future.result() is True


def test_green_futures_wait_together():
    with Client("green") as client:
        gate = Event()
        futures = client.map(lambda i: (gate.wait(), i)[1], range(500), pure=False)
        assert not any(future.done() for future in futures)
        gate.set()
        assert client.gather(futures) == list(range(500))


def test_callbacks_are_told():
    told = []
    with Client() as client:
        future = client.submit(increment, 1)
        future.add_done_callback(lambda done: told.append(done.result()))
        future.result()
        wait_for(lambda: told)
    assert told == [2]


@pytest.mark.parametrize("scheduler", ["threads", "processes", "sync"])
def test_a_future_is_awaited(client):
    async def main():
        return await client.submit(increment, 1)

    assert asyncio.run(main()) == 2


@pytest.mark.parametrize("names", [["a"], ["a", "b", "c", "d"]])
def test_names_that_are_too_few_or_too_many(names):
    with Client("sync") as client:
        with pytest.raises(ValueError, match=rf"key= has {len(names)} names for 3 calls; pass one for each"):
            client.map(increment, range(3), key=names)
        assert [future.key for future in client.map(increment, range(2), key=["a", "b"])] == ["a", "b"]


def test_futures_are_gathered_in_named_tuples(client):
    pair = collections.namedtuple("pair", "one two")
    assert client.gather(pair(*client.map(increment, range(2)))) == pair(1, 2)


def test_a_word_that_wait_does_not_know():
    with pytest.raises(ValueError, match="return_when='SOON' is not known; pass one of .*'FIRST_EXCEPTION'"):
        wait([], return_when="SOON")
