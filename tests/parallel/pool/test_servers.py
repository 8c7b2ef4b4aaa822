"""Start methods, fork servers, and the template that has the parent's modules."""

import os
import signal
import sys
import time

import pytest

from plait.parallel import Parallel, delayed, pool
from plait.parallel.pool import servers
from plait.parallel.pool.launch import Launcher
from plait.parallel.pool.servers import installed_modules


def parent_of(pid):
    with open(f"/proc/{pid}/stat") as file:
        return int(file.read().rpartition(")")[2].split()[1])


@pytest.fixture
def launcher():
    made = Launcher("forkserver")
    yield made
    made.close()


@pytest.fixture
def start():
    """Make workers, which are let go of and collected in the end."""
    processes = []

    def make(make):
        processes.append(make())
        return processes[-1]

    yield make
    for process in processes:
        process.signal(signal.SIGKILL)
        process.collect()


def wait_until(condition):
    limit = time.monotonic() + 60
    while not condition() and time.monotonic() < limit:
        time.sleep(0.005)
    assert condition()


@pytest.mark.parametrize("method", ["auto", "fork", "forkserver", "spawn"])
def test_every_start_method_runs_tasks(method, monkeypatch):
    monkeypatch.setenv("PLAIT_START_METHOD", method)
    factor = 3
    assert Parallel(n_jobs=2)(delayed(lambda i: i * factor)(i) for i in range(4)) == [0, 3, 6, 9]
    parents = {parent_of(pid) for pid in pool.processes().pids()}
    assert (parents == {os.getpid()}) == (method in ("fork", "spawn") or pool.processes()._launcher._server is None)
    assert all(  # an interpreter of its own
        ("start_worker" in open(f"/proc/{pid}/cmdline").read()) == (method == "spawn")
        for pid in pool.processes().pids()
    )


def test_a_start_method_can_be_set_and_unset():
    first = Parallel(n_jobs=2)(delayed(os.getpid)() for _ in range(2))
    pool.set_start_method("spawn")
    try:
        second = Parallel(n_jobs=2)(delayed(os.getpid)() for _ in range(2))
        assert not set(first) & set(second)
        assert pool.processes()._launcher.method == "spawn"
    finally:
        pool.set_start_method(None)
    assert pool.processes()._launcher.method == "auto"


def test_an_unknown_start_method_is_named(monkeypatch):
    with pytest.raises(ValueError, match="start method 'teleport' is not known; pass one of 'auto'"):
        pool.set_start_method("teleport")
    monkeypatch.setenv("JOBLIB_START_METHOD", "loky")
    launcher = Launcher()
    launcher.close()
    assert launcher.method == "auto"


def test_a_program_that_is_spawned_needs_no_guard(run_script):
    result = run_script(
        """
        print("main runs", flush=True)
        from plait.parallel import Parallel, delayed
        def double(i):
            return 2 * i
        print(Parallel(n_jobs=2)(delayed(double)(i) for i in range(3)))
        """,
        PLAIT_START_METHOD="spawn",
    )
    assert (result.stdout, result.stderr) == ("main runs\n[0, 2, 4]\n", "")


def test_only_installed_packages_are_made_ready(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    __import__("mine")
    found = installed_modules()
    assert "numpy.linalg" in found or "numpy" not in sys.modules
    assert "pytest" in found
    assert not {"mine", "os", "json", "__main__", __name__, "plait.parallel"} & set(found)
    assert found.index("_pytest") < found.index("pytest")
    monkeypatch.delitem(sys.modules, "mine")


def test_a_template_takes_over_when_it_is_ready(launcher, start, monkeypatch):
    monkeypatch.setattr(servers, "installed_modules", lambda: ["wsgiref.util", "no.such.module", "wsgiref.headers"])
    first = start(launcher.serve)
    server = launcher._server
    assert parent_of(first.pid) == server.pid
    launcher.prepare()
    template = launcher._template
    assert parent_of(template.pid) == server.pid
    wait_until(template.ready)
    second = start(launcher.serve)
    assert parent_of(second.pid) == template.pid
    second.signal(signal.SIGKILL)
    assert second.collect() == -signal.SIGKILL
    assert second.peak_bytes > 0


def test_a_template_that_dies_is_done_without(launcher, start, monkeypatch):
    monkeypatch.setattr(servers, "installed_modules", lambda: ["wsgiref"])
    start(launcher.serve)
    launcher.prepare()
    wait_until(launcher._template.ready)
    os.kill(launcher._template.pid, signal.SIGKILL)
    wait_until(lambda: not launcher._template.alive())
    assert parent_of(start(launcher.serve).pid) == launcher._server.pid


def test_a_template_with_threads_never_gets_ready(launcher, start, monkeypatch, tmp_path):
    (tmp_path / "starts_a_thread.py").write_text(
        "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(servers, "installed_modules", lambda: ["starts_a_thread"])
    start(launcher.serve)
    launcher.prepare()
    wait_until(lambda: not launcher._template.alive())
    assert not launcher._template.ready()
    assert parent_of(start(launcher.serve).pid) == launcher._server.pid


def test_nothing_to_import_no_template(launcher, start, monkeypatch):
    monkeypatch.setattr(servers, "installed_modules", list)
    start(launcher.serve)
    launcher.prepare()
    assert launcher._template is None


def test_a_server_that_dies_is_replaced(launcher, start):
    first = start(launcher.serve)
    server = launcher._server
    os.kill(server.pid, signal.SIGKILL)
    wait_until(lambda: not server.alive())
    second = start(launcher.serve)
    assert launcher._server.pid != server.pid
    assert parent_of(second.pid) == launcher._server.pid
    first.signal(signal.SIGKILL)
    assert first.collect() is None  # nobody was told
