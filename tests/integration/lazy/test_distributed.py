"""Graphs on a cluster of `distributed` with two workers on loopback: in this process, and where dask is plait's."""

import pytest

pytest.importorskip("distributed")

CLUSTER = """
import os, sys, time
from contextlib import contextmanager
import plait
from plait.lazy import compute, delayed, persist

@contextmanager
def cluster(**options):
    with Client(n_workers=2, threads_per_worker=1, dashboard_address=None, **options) as client:
        yield client

def add(*values):
    return sum(values)

def divide(a, b):
    return a / b

if __name__ == "__main__":
"""
HERE = "from distributed import Client, wait\n" + CLUSTER
ALIASED = "from dask.distributed import Client, wait\n" + CLUSTER


@pytest.fixture(params=["here", "aliased"])
def on_cluster(request, run_alone):
    """Run a program with the client in its own process, and in the child of one in which dask is plait's."""

    def run(source, **options):
        aliased = request.param == "aliased"
        body = "".join(f"    {line}\n" for line in source.strip().splitlines())
        return run_alone((ALIASED if aliased else HERE) + body, aliased, **options)

    return run


def test_a_client_is_a_scheduler_and_the_default_while_it_is_open(on_cluster):
    said = on_cluster("""
where = delayed(os.getpid)()
with cluster() as client:
    pids = {compute(where)[0], compute(where, scheduler=client)[0], compute(where, scheduler="distributed")[0]}
    assert os.getpid() not in pids
    assert where.compute(scheduler="sync") == os.getpid()
assert where.compute() == os.getpid()
try:
    where.compute(scheduler="distributed")
except RuntimeError as error:
    print(error)
""")
    assert said == "scheduler='distributed': no Client is open; open one with distributed.Client(...)\n"


def test_thousands_of_nodes_are_some_tasks(on_cluster):
    said = on_cluster("""
with cluster() as client:
    level = [delayed(add)(i) for i in range(10_000)]
    every = compute(*level)
    while len(level) > 1:
        level = [delayed(add)(*level[i : i + 8]) for i in range(0, len(level), 8)]
    print(sum(every), level[0].compute())
    count = client.run_on_scheduler(lambda dask_scheduler: dask_scheduler.transition_counter)
    print(count < 1_000)
""")
    assert said == "49995000 49995000\nTrue\n"


def test_an_error_names_the_node_and_begins_in_the_users_function(on_cluster):
    said = on_cluster("""
import traceback
with cluster():
    try:
        compute(delayed(divide)(delayed(add)(1, 2), 0))
    except ZeroDivisionError:
        print(traceback.format_exc())
""")
    assert "in divide\n" in said
    assert "ZeroDivisionError: division by zero\nin divide-" in said
    assert ": divide(3, 0)" in said
    assert said.index("in divide\n") < said.index("in compute")


def test_what_is_persisted_stays_on_the_cluster(on_cluster):
    said = on_cluster("""
with cluster() as client:
    kept = persist(*[delayed(add)(i, dask_key_name=f"x-{i}") for i in range(100)])
    held = {key for keys in client.has_what().values() for key in keys}
    wait([node._args[0] for node in kept])
    assert {f"x-{i}" for i in range(100)} <= {key for keys in client.has_what().values() for key in keys}
    print(compute(delayed(sum)(list(kept)), kept[7]))
    future = client.submit(add, 40)
    print(compute({"a": [delayed(add)(future, 1), 1]}, delayed(add)(*client.map(add, range(4)))))
""")
    assert said == "(4950, 7)\n({'a': [41, 1]}, 6)\n"


def test_a_shuffle_on_disk_is_persisted_with_its_files(on_cluster, tmp_path):
    said = on_cluster(f"""
import tempfile
from plait.lazy import bag
tempfile.tempdir = {str(tmp_path)!r}
groups = bag.range(100, npartitions=4).groupby(lambda x: x % 3, shuffle="disk").starmap(lambda key, of: (key, sum(of)))
with cluster() as client:
    kept = groups.persist()
    print(sorted(kept.compute()), sorted(groups.compute()))
    print(len([name for name in os.listdir({str(tmp_path)!r}) if name.startswith("plait")]))
""")
    assert said == "[(0, 1683), (1, 1617), (2, 1650)] [(0, 1683), (1, 1617), (2, 1650)]\n1\n"
    assert not list(tmp_path.glob("plait*"))


def test_waiting_lets_other_greenlets_go_on_and_a_timeout_cancels_the_run(on_cluster, tmp_path):
    said = on_cluster(f"""
from plait import green
def nap(mark):
    open({str(tmp_path)!r} + f"/{{mark}}", "w").close()
    time.sleep(0.3)
with cluster() as client:
    ticks = []
    def tick():
        while True:
            ticks.append(1)
            green.sleep(0.01)
    ticking = green.spawn(tick)
    try:
        with green.Timeout(1):
            compute(*[delayed(nap)(i) for i in range(400)])
    except green.Timeout:
        print("timeout", len(ticks) > 20)
    ticking.kill()
    deadline = time.monotonic() + 20
    while client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)) and time.monotonic() < deadline:
        time.sleep(0.1)
    begun = len(os.listdir({str(tmp_path)!r}))
    print(client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)), begun < 400)
    print(compute(delayed(add)(1, 2)))
""")
    assert said == "timeout True\n0 True\n(3,)\n"


def test_ctrl_c_cancels_the_run_and_the_cluster_serves_the_next(on_cluster, tmp_path):
    """Where the child has the cluster, as a terminal sends it: to every process that belongs to the program."""
    said = on_cluster(f"""
import signal, threading
def nap(mark):
    open({str(tmp_path)!r} + f"/mark-{{mark}}", "w").close()
    time.sleep(0.2)
def marks():
    return len([name for name in os.listdir({str(tmp_path)!r}) if name.startswith("mark")])
def interrupt():
    while not marks():
        time.sleep(0.01)
    here = "distributed.scheduler" in sys.modules  # its workers end if they hear of it
    (os.kill if here else os.killpg)(os.getpid(), signal.SIGINT)
with cluster() as client:
    threading.Thread(target=interrupt).start()
    try:
        compute(*[delayed(nap)(i) for i in range(200)])
    except KeyboardInterrupt:
        print("interrupted")
    while client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)):
        time.sleep(0.1)
    print(marks() < 100, compute(delayed(add)(1, 2)), len(client.nthreads()))
""")
    assert said == "interrupted\nTrue (3,) 2\n"


def test_a_future_that_is_cancelled_ends_what_waits_for_it(on_cluster):
    said = on_cluster("""
import threading
from concurrent.futures import CancelledError
def never(started):
    open(started, "w").close()
    time.sleep(3)
def cancel(future):
    while not os.path.exists("started"):
        time.sleep(0.01)
    future.cancel()
with cluster() as client:
    future = client.submit(never, os.path.abspath("started"))
    threading.Thread(target=cancel, args=(future,)).start()
    try:
        compute(delayed(add)(future, 1))
    except BaseException as error:
        print(type(error).__name__)
    print(compute(delayed(add)(1, 2)))
""")
    assert said == "FutureCancelledError\n(3,)\n"


def test_after_a_failure_no_block_starts(on_cluster, tmp_path):
    said = on_cluster(f"""
def nap(i):
    open({str(tmp_path)!r} + f"/mark-{{i}}", "w").close()
    try:
        os.close(os.open({str(tmp_path)!r} + "/failed", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        pass
    else:
        raise ValueError(i)
    time.sleep(0.2)
with cluster() as client:
    try:
        compute(*[delayed(nap)(i) for i in range(100)])
    except ValueError:
        print("failed")
    while client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)):
        time.sleep(0.1)
    print(len([name for name in os.listdir({str(tmp_path)!r}) if name.startswith("mark")]) < 50)
""")
    assert said == "failed\nTrue\n"


def test_a_worker_that_is_killed_in_mid_run_is_made_up_for(on_cluster, tmp_path):
    said = on_cluster(f"""
import signal
def slow(i):
    try:
        os.close(os.open({str(tmp_path)!r} + "/killed", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        pass
    else:
        if i >= 0:
            os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.05)
    return i
with cluster():
    values = [delayed(slow)(i) for i in range(60)]
    print(compute(delayed(sum)(values), *values[:3]))
""")
    assert said == "(1770, 0, 1, 2)\n"


def test_a_block_whose_workers_all_die_is_named(on_cluster):
    said = on_cluster(
        """
import signal
def doom():
    os.kill(os.getpid(), signal.SIGKILL)
from %s import KilledWorker
with cluster() as client:
    try:
        compute(delayed(doom)())
    except KilledWorker as error:
        print(error.__notes__[0])
    client.wait_for_workers(2)  # a cluster that is closed while it starts one fails
""".replace("%s", "distributed")
    )
    assert said == "in <call of doom>: each worker that ran it ended\n"


def test_collections_of_other_libraries_run_in_blocks_and_are_kept(on_cluster):
    said = on_cluster("""
class Numbers:
    def __init__(self, graph, keys):
        self.graph, self.keys = graph, keys
    def __dask_graph__(self):
        return self.graph
    def __dask_keys__(self):
        return [self.keys]
    def __dask_postcompute__(self):
        return finish, ("end",)
    def __dask_postpersist__(self):
        return rebuild, (self.keys,)
def finish(results, last):
    return (*results[0], last)
def rebuild(graph, keys, *, rename=None):
    return Numbers(graph, keys)
graph = {("x", i): i for i in range(100)}
graph |= {("y", i): (sum, [("x", i), 1]) for i in range(100)}
graph["total"] = (sum, [("y", i) for i in range(100)])
numbers = Numbers(graph, ["total", ("y", 3)])
with cluster() as client:
    print(compute({"all": [numbers, delayed(add)(numbers.graph["x", 7], 1)]}))
    (kept,) = persist(numbers)
    print(sorted(map(str, kept.graph)), compute(kept), compute(delayed(len)(kept)))
    for asked in (client, "distributed"):
        print(plait.lazy.get(graph, [["total"], ("y", 3)], scheduler=asked))
""")
    assert said.splitlines() == [
        "({'all': [(5050, 4, 'end'), 8]},)",
        "[\"('y', 3)\", 'total'] ((5050, 4, 'end'),) (3,)",
        "((5050,), 4)",
        "((5050,), 4)",
    ]


def test_what_cannot_travel_is_named(on_cluster):
    said = on_cluster("""
import threading
with cluster():
    try:
        compute(delayed(add)(1, {"k": threading.Lock()}))
    except Exception as error:
        print(type(error).__name__, str(error).partition(": ")[2])
""")
    assert said.startswith("TransportError add(1, {'k': <unlocked")
    assert "argument 1['k'] cannot be pickled" in said
