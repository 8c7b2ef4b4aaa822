"""What goes wrong in a computation: what is lost, what is told, and what is left behind."""

import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import plait.green as green
from plait.lazy import Client, bag, compute, config, delayed
from plait.parallel import pool
from plait.parallel.errors import TransportError, WorkerDied


def segments():
    """Names of memory that this process and its children could have left; semaphores are multiprocessing's."""
    names = os.listdir("/dev/shm") if Path("/dev/shm").is_dir() else []
    return {name for name in names if not name.startswith("sem.")}


def left():
    """Descriptors and children of this process, once nothing of ours runs."""
    pool.shutdown()
    return len(os.listdir("/proc/self/fd")), Path(f"/proc/self/task/{os.getpid()}/children").read_text()


@pytest.fixture(autouse=True)
def nothing_stays(request):
    """After a fault the same schedulers work, and no file, segment, descriptor or process is too many."""
    callspec = getattr(request.node, "callspec", None)
    name = "processes" if callspec is None else callspec.params.get("scheduler", "processes")
    compute(delayed(abs)(-1), scheduler=name)  # what is opened once, is
    before = segments(), left()
    yield
    assert compute([delayed(abs)(-i) for i in range(8)], scheduler=name)[0] == list(range(8))
    assert left() == before[1]
    assert segments() <= before[0]


def touch(folder, name, nap=0.0):
    Path(folder, str(name)).touch()
    time.sleep(nap)
    return name


def names(folder):
    return {path.name for path in Path(folder).iterdir()}


# -- a task raises -----------------------------------------------------------------------------------------------


def fail(a, b):
    raise LookupError(f"not {a}")


def test_a_task_that_raises_is_named_with_its_inputs(scheduler, tmp_path):
    bad = delayed(fail)(delayed(abs)(-7), b=[1, 2], dask_key_name="bad")
    late = [delayed(touch)(str(tmp_path), i, nap=0.01) for i in range(200)]
    with pytest.raises(LookupError, match="not 7") as caught:
        compute(bad, *late, scheduler=scheduler, num_workers=2)
    assert caught.value.__notes__ == ["in bad: fail(7, b=[1, 2])"]
    started = len(names(tmp_path))
    time.sleep(0.1)  # nothing starts afterwards
    assert len(names(tmp_path)) == started < 100


def test_a_failure_stops_threads_that_run():
    """They compute for nobody."""
    ended, both = threading.Event(), threading.Barrier(2)

    def spin():
        both.wait(30)
        try:
            while True:
                pass
        finally:
            ended.set()

    def fail():
        both.wait(30)
        raise ValueError

    with pytest.raises(ValueError):
        compute(delayed(spin)(), delayed(fail)(), scheduler="threads", num_workers=2)
    assert ended.wait(30)


# -- the caller is interrupted -----------------------------------------------------------------------------------


@pytest.mark.parametrize("scheduler", ["threads", "processes", "sync", "green"])
def test_after_an_interrupt_no_task_starts(scheduler, tmp_path):
    nap = green.sleep if scheduler == "green" else time.sleep

    def work(i):
        Path(tmp_path, str(i)).touch()
        nap(0.02)

    def interrupt():
        while not names(tmp_path):
            time.sleep(0.001)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        compute(*[delayed(work)(i) for i in range(500)], scheduler=scheduler, num_workers=2)
    time.sleep(0.1)
    started = len(names(tmp_path))
    time.sleep(0.1)
    assert len(names(tmp_path)) == started < 250


# -- what cannot travel ------------------------------------------------------------------------------------------


def holds_a_lock():
    return {"items": [threading.Lock()]}


def test_an_argument_that_cannot_be_pickled_is_named_with_its_part():
    node = delayed(len)({"inner": {"lock": threading.Lock()}}, dask_key_name="node")
    with pytest.raises(TransportError, match=r"node: len\(.*\['inner'\]\['lock'\] cannot be pickled"):
        compute(node, scheduler="processes")


def test_a_result_that_cannot_be_pickled_is_named_with_its_part():
    node = delayed(holds_a_lock)(dask_key_name="node")
    with pytest.raises(TransportError, match=r"node: holds_a_lock\(\): its result\['items'\]\[0\] cannot be pickled"):
        compute(node, scheduler="processes")


# -- a worker is killed ------------------------------------------------------------------------------------------


def kill_once(folder, i):
    try:
        os.close(os.open(Path(folder, f"killed-{i}"), os.O_CREAT | os.O_EXCL))
        os.kill(os.getpid(), signal.SIGKILL)
    except FileExistsError:
        pass
    return i


def test_what_a_killed_worker_had_runs_again(tmp_path):
    values = [delayed(kill_once if i % 40 == 7 else touch)(str(tmp_path), i) for i in range(100)]
    total = delayed(sum)(values)
    assert compute(total, *values, scheduler="processes") == (4950, *range(100))
    assert {"killed-7", "killed-47", "killed-87"} <= names(tmp_path)


@pytest.mark.parametrize(("allowed", "runs"), [(None, 4), (1, 2), (0, 1)])
def test_a_task_of_which_workers_die_is_named_in_the_end(tmp_path, allowed, runs):
    def deadly():
        Path(tmp_path, str(time.monotonic_ns())).touch()
        os.kill(os.getpid(), signal.SIGKILL)

    node = delayed(deadly)(dask_key_name="deadly")
    with (
        config.set({} if allowed is None else {"multiprocessing.allowed-failures": allowed}),
        pytest.raises(WorkerDied, match=r"killed by SIGKILL while it ran deadly: deadly\(\)") as caught,
    ):
        compute(node, [delayed(abs)(-i) for i in range(50)], scheduler="processes")
    assert len(names(tmp_path)) == runs
    notes = [f"it was run {runs} times, and each time its worker died"] if runs > 1 else []
    assert getattr(caught.value, "__notes__", []) == notes


def die_a_few_times(directory, times):
    """Kill this process, unless it was done so many times."""
    for i in range(times):
        try:
            os.close(os.open(Path(directory, f"death{i}"), os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            continue
        os.kill(os.getpid(), signal.SIGKILL)
    return "alive"


def square(x):
    return x * x


def test_a_killed_worker_costs_futures_nothing(tmp_path):
    with Client("processes", num_workers=2) as client:
        doomed = client.submit(die_a_few_times, tmp_path, 99)
        flaky = client.submit(die_a_few_times, str(tmp_path), 3, key="flaky")
        others = client.map(square, range(50))
        assert client.gather(others) == [i * i for i in range(50)]
        assert flaky.result() == "alive"
        with pytest.raises(WorkerDied, match=doomed.key):
            doomed.result()


def test_a_bad_number_of_deaths_is_named():
    with config.set({"multiprocessing.allowed-failures": -1}), pytest.raises(ValueError, match="allowed-failures=-1"):
        compute(delayed(abs)(-1), scheduler="processes")


# -- computations within tasks -----------------------------------------------------------------------------------


def inner(depth, scheduler):
    if not depth:
        return 1
    return delayed(sum)([delayed(inner)(depth - 1, scheduler) for _ in range(3)]).compute(scheduler=scheduler)


@pytest.mark.parametrize("scheduler", ["threads", "processes", "green"])
def test_computations_within_tasks_need_no_further_worker(scheduler):
    assert compute(delayed(inner)(3, scheduler), scheduler=scheduler, num_workers=1) == (27,)


@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_futures_within_futures_on_one_worker_end(scheduler):
    def nested(i):
        with Client(scheduler, num_workers=1) as inner:
            return inner.submit(square, i).result()

    with Client(scheduler, num_workers=1) as client:
        assert client.gather(client.map(nested, range(3))) == [0, 1, 4]


# -- the caller gives up -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheduler", ["threads", "processes", "green"])
def test_a_timeout_stops_the_computation_within_a_task(scheduler, tmp_path):
    nap = green.sleep if scheduler == "green" else time.sleep

    def work(i):
        Path(tmp_path, str(i)).touch()
        nap(0.05)
        return i

    with pytest.raises(green.Timeout), green.Timeout(0.3):
        compute([delayed(work)(i) for i in range(1000)], scheduler=scheduler, num_workers=2)
    time.sleep(0.1)
    started = len(names(tmp_path))
    time.sleep(0.2)
    assert len(names(tmp_path)) == started < 500


def test_a_greenlet_that_is_killed_ends_its_computation(tmp_path):
    running = green.spawn(
        compute, *[delayed(touch)(str(tmp_path), i, nap=0.05) for i in range(500)], scheduler="processes"
    )
    while not names(tmp_path):
        green.sleep(0.005)
    running.kill()
    time.sleep(0.1)
    started = len(names(tmp_path))
    time.sleep(0.2)
    assert len(names(tmp_path)) == started < 250


def slow_sum(directory, array):
    Path(directory, "begun").touch()
    time.sleep(60)
    return array.sum()


def test_a_cancelled_graph_leaves_no_files_and_no_segments(tmp_path):
    scratch, marks = tmp_path / "scratch", tmp_path / "marks"
    scratch.mkdir()
    marks.mkdir()
    array = np.ones(1 << 20)
    with config.set({"temporary-directory": str(scratch)}), Client("processes", num_workers=2) as client:
        grouped = bag.from_sequence(range(100), npartitions=4).groupby(lambda x: x % 3, shuffle="disk")
        top = delayed(lambda groups, total: total)(grouped, delayed(slow_sum)(marks, array))
        future = client.compute(top)
        while not names(marks):
            time.sleep(0.01)
        assert names(scratch)
        assert future.cancel()
        assert not names(scratch)
        assert client.submit(abs, -1).result() == 1


def test_a_stopped_graph_leaves_no_names(tmp_path):
    grouped = bag.from_sequence(range(100), npartitions=4).groupby(lambda x: x % 3, shuffle="disk")
    with config.set({"temporary-directory": str(tmp_path)}):
        with pytest.raises(green.Timeout), green.Timeout(0.3):
            compute(grouped.map(lambda item: time.sleep(60)), scheduler="processes")
        assert not names(tmp_path)
