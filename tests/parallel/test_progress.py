"""progress=: who is told how far a loop is, and what is drawn."""

import sys
import threading

import pytest

from plait.parallel import Parallel, delayed

BACKENDS = ["processes", "threading", "sequential", "green"]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("return_as", ["list", "generator", "generator_unordered"])
def test_a_callback_hears_of_every_task(backend, return_as):
    heard = []
    loop = Parallel(n_jobs=2, backend=backend, return_as=return_as, progress=lambda *args: heard.append(args))
    assert sorted(loop([delayed(abs)(i) for i in range(40)])) == list(range(40))
    assert [total for _, total in heard] == [40] * len(heard)
    done = [done for done, _ in heard]
    assert done == sorted(set(done))
    assert done[-1] == 40


def test_in_place_every_task_is_told_at_once():
    heard = []
    Parallel(n_jobs=1, progress=lambda done, total: heard.append((done, total)))(delayed(abs)(i) for i in range(3))
    assert heard == [(1, None), (2, None), (3, None)]


def test_failures_count_as_ended():
    heard = []
    Parallel(n_jobs=2, on_error="return", retries=1, progress=lambda done, total: heard.append(done))(
        [delayed(divmod)(1, i % 2) for i in range(10)]
    )
    assert heard[-1] == 10


def test_a_callback_runs_in_the_callers_thread():
    threads = set()
    Parallel(n_jobs=2, backend="threading", progress=lambda *_: threads.add(threading.get_ident()))(
        delayed(abs)(i) for i in range(10)
    )
    assert threads == {threading.get_ident()}


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_what_a_callback_raises_ends_the_loop(n_jobs):
    def refuse(done, total):
        raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        Parallel(n_jobs=n_jobs, progress=refuse)(delayed(abs)(i) for i in range(10))
    assert Parallel(n_jobs=2)([delayed(abs)(-1)]) == [1]


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("return_as", ["list", "generator"])
def test_tqdm_draws_the_bar(n_jobs, return_as, capfd):
    results = Parallel(n_jobs=n_jobs, return_as=return_as, progress=True)([delayed(abs)(i) for i in range(12)])
    assert list(results) == list(range(12))
    written = capfd.readouterr().err
    assert "12/12" in written
    assert written.endswith("\n")  # it was closed


def test_a_bar_of_a_loop_that_fails_is_closed(capfd):
    with pytest.raises(ZeroDivisionError):
        Parallel(n_jobs=2, progress=True)(delayed(divmod)(1, i) for i in [1, 0])
    assert capfd.readouterr().err.endswith("\n")


def test_rich_draws_where_tqdm_is_not_installed(monkeypatch, capfd):
    for name in [name for name in sys.modules if name.split(".")[0] == "tqdm"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tqdm", None)
    assert Parallel(n_jobs=2, progress=True)([delayed(abs)(i) for i in range(12)]) == list(range(12))
    assert "100%" in capfd.readouterr().err


def test_where_no_library_is_there_the_remedy_is_named(monkeypatch):
    for library in ("tqdm", "rich"):
        for name in [name for name in sys.modules if name.split(".")[0] == library]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ImportError, match="install one of them, or pass a function"):
        Parallel(n_jobs=2, progress=True)([delayed(abs)(1)])


def test_no_bar_starts_a_thread(run_script):
    done = run_script("""
        import threading
        from plait.parallel import Parallel, delayed, pool
        from plait.parallel.pool.launch import Launcher

        could = []
        can_fork = Launcher.can_fork
        Launcher.can_fork = lambda self: could.append(can_fork(self)) or could[-1]
        if __name__ == "__main__":
            Parallel(n_jobs=2, progress=True)(delayed(abs)(i) for i in range(4))
            Parallel(n_jobs=2, progress=True)(delayed(abs)(i) for i in range(4))
            print(could, threading.active_count())
    """)
    assert done.stdout == "[True] 1\n"


def test_what_is_no_way_to_report_is_refused():
    with pytest.raises(TypeError, match="progress='bar' is no way to report"):
        Parallel(n_jobs=2, progress="bar")([delayed(abs)(1)])
