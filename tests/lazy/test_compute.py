"""compute: values, order, sharing, errors and waiting, under every scheduler."""

import operator
import os
import random
import sys
import threading
import time
import traceback
import weakref

import pytest

from plait import green
from plait.lazy import Delayed, compute, config, delayed, persist
from plait.parallel import WorkerDied, pool


def test_values_in_order(scheduler):
    nodes = [delayed(operator.mul)(i, i) for i in range(50)]
    assert compute(*nodes, scheduler=scheduler) == tuple(i * i for i in range(50))


def test_a_reduction_tree(scheduler):
    level = [delayed(operator.neg)(i) for i in range(1000)]
    while len(level) > 1:
        level = [delayed(sum)(level[i : i + 8]) for i in range(0, len(level), 8)]
    assert compute(level[0], scheduler=scheduler) == (-sum(range(1000)),)


@pytest.mark.parametrize("scheduler", ["threads", "sync", "green"])
def test_a_long_chain(scheduler):
    node = delayed(abs)(0)
    for _ in range(20_000):
        node = delayed(operator.add)(node, 1)
    assert compute(node, scheduler=scheduler) == (20_000,)


def test_random_graphs_equal_plain_calls(scheduler):
    seed = random.randrange(2**32)
    print("seed", seed)
    choose = random.Random(seed)
    values, nodes = [1], [delayed(abs)(1)]
    for _ in range(200):
        picked = [choose.randrange(len(nodes)) for _ in range(choose.randint(0, 4))]
        start = choose.randrange(10)
        nodes.append(delayed(sum)([nodes[i] for i in picked], start))
        values.append(sum([values[i] for i in picked], start))
    assert list(compute(*nodes, scheduler=scheduler)) == values


def test_nested_containers_and_plain_values():
    one = delayed(1)
    got = compute([one, {"a": (one + 1, {3, one + 4})}], "plain", one)
    assert got == ([1, {"a": (2, {3, 5})}], "plain", 1)


def test_what_holds_no_node_is_returned_as_it_is():
    plain = [1, [2]]
    assert compute(plain)[0] is plain
    assert compute() == ()
    assert isinstance(compute([delayed(1)], traverse=False)[0][0], Delayed)


def test_what_several_need_runs_once(scheduler, tmp_path):
    def once():
        assert not (tmp_path / "ran").exists()
        (tmp_path / "ran").touch()
        return 7

    shared = delayed(once)()
    assert compute(shared + 1, shared * 2, [shared], scheduler=scheduler) == (8, 14, [7])


def test_sync_runs_in_an_order_that_repeats():
    ran = []

    def note(name, *inputs):
        ran.append(name)

    def build():
        a, b = delayed(note)("a"), delayed(note)("b")
        return delayed(note)("d", delayed(note)("c", b), a), delayed(note)("e", b)

    compute(*build(), scheduler="sync")
    first = ran[:]
    ran.clear()
    compute(*build(), scheduler="sync")
    assert first == ran == ["b", "c", "a", "d", "e"]


@pytest.mark.parametrize("scheduler", ["threads", "sync", "green"])
def test_results_are_freed_with_their_last_reader(scheduler):
    class Big:
        pass

    refs = []

    def make():
        big = Big()
        refs.append(weakref.ref(big))
        return big

    def use(big):
        return 1

    def look(_):
        return sum(ref() is not None for ref in refs)

    node = delayed(0)
    for _ in range(10):
        node = delayed(operator.add)(delayed(use)(delayed(make)()), node)
    assert compute(delayed(look)(node), scheduler=scheduler, num_workers=None if scheduler == "sync" else 1)[0] <= 1
    assert [ref() for ref in refs] == [None] * 10


def test_tasks_that_block_are_compensated():
    """Each waits for all others, on however few cores."""
    barrier = threading.Barrier(6)
    assert sorted(compute(*[delayed(barrier.wait)(60) for _ in range(6)])) == list(range(6))


def test_a_number_of_workers_is_strict():
    lock, now, most = threading.Lock(), [0], [0]

    def work():
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.03)
        with lock:
            now[0] -= 1

    compute(*[delayed(work)() for _ in range(8)], num_workers=2)
    assert most[0] == 2


def test_how_processes_start_is_an_option():
    marker = "PLAIT_TEST_MARKER"
    sys.modules[marker] = operator  # which only a fork has
    try:
        with config.set({"multiprocessing.context": "fork"}):
            assert delayed(lambda: marker in sys.modules)().compute(scheduler="processes")
        with config.set({"multiprocessing.context": "spawn"}):
            assert not delayed(lambda: marker in sys.modules)().compute(scheduler="processes")
    finally:
        del sys.modules[marker]
        pool.set_start_method(None)


def test_processes_are_other_processes():
    here = os.getpid()
    assert here not in compute(*[delayed(os.getpid)() for _ in range(8)], scheduler="processes")
    assert here not in compute(delayed(os.getpid)(), scheduler="processes", num_workers=1)


# -- errors ------------------------------------------------------------------------------------------------------


def fail(x, scale=1):
    raise ValueError("failed")


def test_an_error_names_key_function_and_arguments(scheduler):
    node = delayed(fail)(delayed(abs)(-3), scale="s" * 1000)
    with pytest.raises(ValueError, match="failed") as caught:
        compute(node, scheduler=scheduler)
    (note,) = caught.value.__notes__
    assert note.startswith(f"in {node.key}: fail(3, scale='sss")
    assert len(note) < 200


@pytest.mark.parametrize("scheduler", ["threads", "processes", "sync", "green"])
def test_the_traceback_is_the_users(scheduler):
    with pytest.raises(ValueError) as caught:
        compute(delayed(fail)(1), scheduler=scheduler)
    frames = traceback.extract_tb(caught.value.__traceback__)
    assert frames[-1].name == "fail"
    assert not [frame for frame in frames if "/plait/lazy/schedulers" in frame.filename]


def test_without_tblib_the_traceback_of_a_process_is_a_text(monkeypatch):
    monkeypatch.setitem(sys.modules, "tblib", None)
    with pytest.raises(ValueError) as caught:
        compute(delayed(fail)(1), scheduler="processes")
    assert traceback.extract_tb(caught.value.__traceback__)[-1].name == "compute"
    assert "in fail" in str(caught.value.__cause__)


@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_nothing_starts_after_a_failure(scheduler, tmp_path):
    def touch(i):
        if i == 2:
            raise ValueError
        (tmp_path / str(i)).touch()
        time.sleep(0.02)

    with pytest.raises(ValueError):
        compute(*[delayed(touch)(i) for i in range(200)], scheduler=scheduler, num_workers=2)
    compute(*[delayed(abs)(i) for i in range(8)], scheduler=scheduler, num_workers=2)
    assert len(list(tmp_path.iterdir())) < 20


def test_a_killed_worker_names_the_node():
    node = delayed(os._exit)(3)
    with pytest.raises(WorkerDied, match=rf"exit status 3 while it ran {node.key}: _exit\(3\)"):
        compute(node, scheduler="processes")
    assert compute(delayed(abs)(-1), scheduler="processes") == (1,)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"scheduler": "cluster"}, "scheduler='cluster' is not known; pass one of 'threads'"),
        ({"num_workers": "two"}, "num_workers='two' is not an integer"),
    ],
)
def test_a_bad_parameter_is_named(keywords, message):
    with pytest.raises(ValueError, match=message):
        compute(delayed(1), **keywords)


# -- waiting -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheduler", ["threads", "processes", "green"])
def test_other_greenlets_go_on_meanwhile(scheduler):
    ticks = []

    def tick():
        while True:
            ticks.append(1)
            green.sleep(0.005)

    nap = green.sleep if scheduler == "green" else time.sleep
    ticker = green.spawn(tick)
    waiting = green.spawn(compute, *[delayed(nap)(0.1) for _ in range(2)], scheduler=scheduler)
    assert waiting.get() == (None, None)
    ticker.kill()
    assert len(ticks) > 3


@pytest.mark.parametrize("scheduler", ["threads", "processes", "green"])
def test_a_timeout_in_the_caller_ends_the_run(scheduler, tmp_path):
    def touch(i):
        (tmp_path / str(i)).touch()
        (green.sleep if scheduler == "green" else time.sleep)(0.1)

    with green.Timeout(0.15, False):
        compute(*[delayed(touch)(i) for i in range(100)], scheduler=scheduler, num_workers=2)
        raise AssertionError("the timeout did not come")
    assert compute(delayed(abs)(-1), scheduler=scheduler) == (1,)
    time.sleep(0.15)
    assert len(list(tmp_path.iterdir())) < 10


def test_green_runs_thousands_that_wait_in_one_thread():
    idents = set()

    def wait(i):
        green.sleep(0.01)
        idents.add(threading.get_ident())
        return i

    assert compute(*[delayed(wait)(i) for i in range(2000)], scheduler="green") == tuple(range(2000))
    assert idents == {threading.get_ident()}


@pytest.mark.parametrize("inner", ["threads", "processes", "sync", "green"])
@pytest.mark.parametrize("outer", ["threads", "processes", "sync", "green"])
def test_nested_graphs_do_not_deadlock_on_one_worker(outer, inner):
    def nested(i):
        return compute(*[delayed(operator.add)(i, j) for j in range(3)], scheduler=inner)

    got = compute(*[delayed(nested)(i) for i in range(3)], scheduler=outer, num_workers=1)
    assert got == tuple((i, i + 1, i + 2) for i in range(3))


def test_ctrl_c_leaves_the_pool_usable(run_script):
    result = run_script("""
        import os, signal, threading, time
        from plait.lazy import compute, delayed

        started = []
        def nap(i):
            started.append(i)
            time.sleep(0.3)

        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            compute(*[delayed(nap)(i) for i in range(100)], num_workers=2)
        except KeyboardInterrupt:
            time.sleep(0.4)
            print(len(started), compute(delayed(abs)(-1)))
    """)
    assert (result.returncode, result.stdout, result.stderr) == (0, "2 (1,)\n", "")


def test_persist_keeps_the_key_and_runs_nothing_again():
    ran = []
    node = delayed(ran.append)(1)
    (held,) = persist(node)
    assert isinstance(held, Delayed)
    assert held.key == node.key
    assert compute(held, held) == (None, None)
    assert ran == [1]
    assert node.persist().compute() is None


def test_many_small_computations_use_the_same_threads():
    before = threading.active_count()
    for i in range(50):
        assert compute(delayed(operator.neg)(i)) == (-i,)
    assert len(pool.threads()._idle) <= 4
    assert threading.active_count() <= before + 4


def test_an_item_of_what_the_caller_holds_is_taken_there():
    from operator import getitem

    def pair():
        return {"here": 1}, os.getpid()

    both = delayed(pair)()
    where = delayed(getitem)(delayed(getitem)(both, 0), "here")
    assert compute(where, both[1], scheduler="processes")[0] == 1
    held = delayed([1, lambda: 2])  # sent, it would travel by value
    assert compute(held[1], scheduler="processes")[0] is held.compute()[1]
    for missing in (both[5], both["x"]):
        with pytest.raises((IndexError, TypeError)) as caught:
            missing.compute(scheduler="processes")
        assert any("getitem" in note for note in caught.value.__notes__)
