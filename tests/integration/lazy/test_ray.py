"""Graphs on Ray with two workers on loopback. Where Ray has no wheel for this Python, skips.toml says so."""

import pytest

pytest.importorskip("ray")

OPEN = """
import os, sys, time
from plait.lazy import compute, delayed, persist
def add(*values):
    return sum(values)
def divide(a, b):
    return a / b
if __name__ == "__main__":
    import ray
    os.environ["RAY_AUTH_MODE"] = "disabled"
    import shutil, tempfile
    folder = tempfile.mkdtemp(prefix="ray", dir="/tmp")  # names of sockets are short, and Ray leaves its files
    ray.init(
        num_cpus=2, object_store_memory=100_000_000, include_dashboard=False, log_to_driver=False,
        configure_logging=False, _temp_dir=folder,
    )
"""
CLOSE = "\nray.shutdown()\nshutil.rmtree(folder)"


@pytest.fixture
def on_ray(run_alone):
    def run(source, **options):
        body = "".join(f"    {line}\n" for line in (source.strip() + CLOSE).splitlines())
        return run_alone(OPEN + body, **options)

    return run


def test_graphs_run_and_errors_name_the_node(on_ray):
    said = on_ray("""
assert compute(delayed(os.getpid)(), scheduler="ray")[0] != os.getpid()
level = [delayed(add)(i) for i in range(5_000)]
print(sum(compute(*level, scheduler="ray")))
while len(level) > 1:
    level = [delayed(add)(*level[i : i + 8]) for i in range(0, len(level), 8)]
print(level[0].compute(scheduler="ray"))
kept = persist(*[delayed(add)(i) for i in range(100)], scheduler="ray")
print(compute(delayed(sum)(list(kept)), scheduler="ray"))
import traceback
try:
    compute(delayed(add)(delayed(divide)(3, 0)), scheduler="ray")
except ZeroDivisionError:
    print(traceback.format_exc())
""")
    lines = said.splitlines()
    assert lines[:3] == ["12497500", "12497500", "(4950,)"]
    assert "in divide" in said
    assert ": divide(3, 0)" in lines[-1] or ": divide(3, 0)" in lines[-2]


def test_a_worker_that_is_killed_in_mid_run_is_made_up_for(on_ray, tmp_path):
    said = on_ray(f"""
import signal
def slow(i):
    try:
        os.close(os.open({str(tmp_path)!r} + "/killed", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        pass
    else:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.02)
    return i
values = [delayed(slow)(i) for i in range(60)]
print(compute(delayed(sum)(values), *values[:3], scheduler="ray"))
print(os.path.exists({str(tmp_path)!r} + "/killed"))
""")
    assert said.endswith("(1770, 0, 1, 2)\nTrue\n")  # after what Ray says of the worker


def test_waiting_lets_other_greenlets_go_on_and_a_timeout_ends_the_run(on_ray):
    said = on_ray("""
from plait import green
ticks = []
def tick():
    while True:
        ticks.append(1)
        green.sleep(0.01)
ticking = green.spawn(tick)
began = time.monotonic()
try:
    with green.Timeout(1):
        compute(*[delayed(time.sleep)(0.5) for i in range(400)], scheduler="ray")
except green.Timeout:
    print("timeout", len(ticks) > 20)
ticking.kill()
print(compute(delayed(add)(1, 2), scheduler="ray"), time.monotonic() - began < 60)
""")
    assert said == "timeout True\n(3,) True\n"


def test_ctrl_c_ends_the_run_and_ray_serves_the_next(on_ray, tmp_path):
    said = on_ray(f"""
import signal, threading
def nap(mark):
    open({str(tmp_path)!r} + f"/mark-{{mark}}", "w").close()
    time.sleep(0.2)
def marks():
    return len([name for name in os.listdir({str(tmp_path)!r}) if name.startswith("mark")])
def interrupt():
    while not marks():
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt).start()
try:
    compute(*[delayed(nap)(i) for i in range(200)], scheduler="ray")
except KeyboardInterrupt:
    print("interrupted")
print(compute(delayed(add)(1, 2), scheduler="ray"), marks() < 100)
""")
    assert said == "interrupted\n(3,) True\n"


def test_collections_of_other_libraries_run_and_are_kept(on_ray):
    said = on_ray("""
class Numbers:
    def __init__(self, graph, keys):
        self.graph, self.keys = graph, keys
    def __dask_graph__(self):
        return self.graph
    def __dask_keys__(self):
        return [self.keys]
    def __dask_postcompute__(self):
        return finish, ()
    def __dask_postpersist__(self):
        return rebuild, (self.keys,)
def finish(results):
    return tuple(results[0])
def rebuild(graph, keys, *, rename=None):
    return Numbers(graph, keys)
graph = {("x", i): i for i in range(100)} | {("y", i): (sum, [("x", i), 1]) for i in range(100)}
graph["total"] = (sum, [("y", i) for i in range(100)])
numbers = Numbers(graph, ["total", ("y", 3)])
(kept,) = persist(numbers, scheduler="ray")
print(compute(numbers, kept, scheduler="ray"))
""")
    assert said == "((5050, 4), (5050, 4))\n"
