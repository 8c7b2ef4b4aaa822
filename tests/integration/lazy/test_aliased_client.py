"""dask.distributed where the name dask is plait's: what the child has can be used here, and nothing outlives us."""

import pytest

pytest.importorskip("distributed")

OPEN = """
import os, sys, time
def add(*values):
    return sum(values)
def divide(a, b):
    return a / b
if __name__ == "__main__":
    from dask.distributed import *
    client = Client(n_workers=2, threads_per_worker=1, dashboard_address=None)
"""


@pytest.fixture
def aliased(run_alone):
    def run(source, **options):
        body = "".join(f"    {line}\n" for line in source.strip().splitlines())
        return run_alone(OPEN + body, aliased=True, **options)

    return run


def test_both_names_are_the_child(aliased):
    said = aliased("""
import distributed, dask.distributed
from distributed.client import Client as same
import plait.lazy, dask
assert dask.delayed is plait.lazy.delayed
assert "distributed.scheduler" not in sys.modules
print(distributed.Client is dask.distributed.Client is same is type(client), isinstance(client, Client))
print(client.scheduler_info()["type"], distributed.__version__[:2], Client.current() is client)
""")
    assert said == "True True\nScheduler 20 True\n"


def test_futures(aliased):
    said = aliased("""
future = client.submit(add, 1, 2)
print(isinstance(future, Future), future.result(), future.status, future.key[:4])
futures = client.map(add, range(5))
print(client.gather(futures), sorted(each.result() for each in as_completed(futures)))
print(client.gather({"a": futures[1], "b": [futures[2]]}), len(wait(futures).done))
(big,) = client.scatter([list(range(1000))])
print(client.submit(sum, big).result())
try:
    client.submit(divide, 1, 0).result()
except ZeroDivisionError as error:
    print(error)
slow = client.submit(time.sleep, 60)
slow.cancel()
try:
    slow.result()
except CancelledError:
    print("cancelled", slow.cancelled())
try:
    client.submit(time.sleep, 60, pure=False).result(timeout=0.1)
except TimeoutError:
    print("late")
""")
    assert said.splitlines() == [
        "True 3 finished add-",
        "[0, 1, 2, 3, 4] [0, 1, 2, 3, 4]",
        "{'a': 1, 'b': [2]} 5",
        "499500",
        "division by zero",
        "cancelled True",
        "late",
    ]


def test_what_workers_share(aliased):
    said = aliased("""
def use(n):
    with Lock("one"):
        Queue("filled").put(n)
    with worker_client() as inside:
        return inside.submit(add, n, 1).result()
print(sorted(client.gather(client.map(use, range(3)))))
queue = Queue("filled")
print(sorted(queue.get() for _ in range(3)), queue.qsize())
with Lock("one") as held:
    print(Lock("one").acquire(timeout=0.1))
variable = Variable("v")
variable.set(5)
print(variable.get(), Event("e").is_set())
fire_and_forget(client.submit(Event("e").set))
print(Event("e").wait(timeout=20))
""")
    assert said == "[1, 2, 3]\n[0, 1, 2] 0\nFalse\n5 False\nTrue\n"


def test_a_user_may_derive_plugins(aliased):
    said = aliased("""
class Marks(WorkerPlugin):
    def __init__(self, mark):
        self.mark = mark
    def setup(self, worker):
        worker.mark = self.mark
client.register_plugin(Marks("m"))
print(set(client.run(lambda dask_worker: dask_worker.mark).values()))
""")
    assert said == "{'m'}\n"


def test_collections_of_plait_go_through_the_client(aliased):
    said = aliased("""
import dask
node = dask.delayed(add)(1, 2)
print(client.compute(node).result(), client.compute([node, node], sync=True))
kept = client.persist(node)
print(type(kept).__name__, kept.compute(), client.get({"x": (add, 1, 2), "y": (add, "x", 1)}, ["x", "y"]))
""")
    assert said == "3 [3, 3]\nDelayed 3 [3, 4]\n"


def test_an_objects_end_here_is_its_end_there(aliased):
    said = aliased("""
import gc
future = client.submit(add, 1, pure=False)
key = future.key
future.result()
del future
gc.collect()
deadline = time.monotonic() + 20
while client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)) and time.monotonic() < deadline:
    time.sleep(0.05)
print(client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)))
""")
    assert said == "0\n"


def test_greenlets_and_threads_call_at_once(aliased):
    said = aliased("""
import threading
from plait import green
def nap(i):
    time.sleep(0.1)
    return i
found = []
def ask(i):
    found.append(client.submit(nap, i, pure=False).result())
jobs = [green.spawn(ask, i) for i in range(4)]
thread = threading.Thread(target=ask, args=(4,))
thread.start()
ticks = 0
while not all(job.ready() for job in jobs):
    green.sleep(0.01)
    ticks += 1
thread.join()
print(sorted(found), ticks > 5)
""")
    assert said == "[0, 1, 2, 3, 4] True\n"


def test_asynchronous_clients_are_awaited(aliased):
    said = aliased("""
import asyncio
async def main():
    async with Client(client.scheduler.address, asynchronous=True) as other:
        future = other.submit(add, 1, 2)
        return await future, await other.gather(other.map(add, range(3)))
print(asyncio.run(main()))
""")
    assert said == "(3, [0, 1, 2])\n"


def test_what_is_persisted_is_awaited(aliased):
    said = aliased("""
import asyncio, dask
async def main():
    async with Client(client.scheduler.address, asynchronous=True) as other:
        kept = await other.persist(dask.delayed(add)(1, 2))
        future = futures_of(kept)[0]
        return kept, future.done(), await future, dask.delayed(future).key == future.key == kept.key
kept, *said = asyncio.run(main())
print(type(kept).__name__, *said)
""")
    assert said == "Delayed True 3 True\n"


def test_clusters_for_tests(aliased):
    said = aliased("""
import inspect
from distributed.utils_test import cluster, gen_cluster, gen_test, varying
with cluster() as (scheduler, workers):
    with Client(scheduler["address"]) as other:
        print(sorted(other.scheduler_info()["workers"]) == sorted(each["address"] for each in workers))
@gen_cluster(client=True)
async def use(c, s, a, b, more=5):
    future = c.submit(add, 1, more)
    print(await future, future.key in s.tasks, future.key in a.data or future.key in b.data)
use()
print(inspect.signature(use))
@gen_test()
async def raises():
    next(iter(()))
try:
    raises()
except RuntimeError as error:
    print(type(error.__cause__).__name__)
get = varying([1, KeyError("two"), 3])
print(get(), end=" ")
try:
    get()
except KeyError as error:
    print(error, get(), get())
""")
    assert said.splitlines() == ["True", "6 True True", "(more=5)", "StopIteration", "1 'two' 3 3"]


SUITE = """
from dask import delayed
from distributed.utils_test import cleanup, client, cluster_fixture, gen_cluster, loop, s

def test_fixture(client):
    assert delayed(abs)(-1).compute() == 1
    assert len(client.nthreads()) == 2

@gen_cluster(client=True)
async def test_coroutine(c, s, a, b):
    assert await c.submit(abs, -1) == 1
"""


def test_suites_get_clusters_also_where_a_folder_has_the_librarys_name(run_alone, tmp_path):
    (tmp_path / "dask").mkdir()
    (tmp_path / "dask" / "__init__.py").write_text("")
    (tmp_path / "test_suite.py").write_text(SUITE)
    said = run_alone(
        """
import pytest
if __name__ == "__main__":
    raise SystemExit(pytest.main(["-q", "-p", "no:cacheprovider", "test_suite.py"]))
""",
        aliased=True,
    )
    assert "2 passed" in said


def test_the_clients_get_is_the_scheduler(aliased):
    said = aliased("""
import dask
print(dask.base.get_scheduler() == client.get, dask.base.get_scheduler(scheduler="sync") is dask.get)
print(client.get({"x": 1, "y": (add, "x", 2)}, ["y"]), isinstance(dask.utils.get_scheduler_lock(), Lock))
""")
    assert said == "True True\n[3] True\n"


def test_a_lost_child_is_told(aliased):
    said = aliased("""
import signal
from plait.adapters.child.channel import home
os.kill(home.started().pid, signal.SIGKILL)
try:
    client.submit(add, 1).result()
except ConnectionError as error:
    print(error)
import dask
print(dask.delayed(add)(1, 2).compute())
client = Client(n_workers=1, dashboard_address=None)
print(client.submit(add, 1).result())
""")
    lines = said.splitlines()
    assert lines[0].startswith("process ") and lines[0].endswith("has ended; open a new client")
    assert lines[1:] == ["3", "1"]


@pytest.mark.parametrize(
    ("end", "code"), [("os._exit(3)", 3), ("os.kill(os.getpid(), 9)", -9), ("sys.exit(3)", 3), ("os.abort()", -6)]
)
def test_nothing_outlives_a_parent_however_it_ends(aliased, end, code):
    """The child hears of it by the end of its channel, and closes the cluster."""
    aliased(f"print(client.submit(add, 1).result(), flush=True)\n{end}", ends=code)


def test_a_cluster_ends_with_the_child_that_has_it(aliased):
    """Workers end with the process that started them, also where that had no time to close anything."""
    said = aliased("""
import signal
from plait.adapters.child.channel import home
pids = list(client.run(os.getpid).values())
os.kill(home.started().pid, signal.SIGKILL)
deadline = time.monotonic() + 30
while any(os.path.exists(f"/proc/{pid}") for pid in pids) and time.monotonic() < deadline:
    time.sleep(0.1)
print([pid for pid in pids if os.path.exists(f"/proc/{pid}")])
""")
    assert said == "[]\n"
