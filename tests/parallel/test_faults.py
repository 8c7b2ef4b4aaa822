"""Faults of processes: each ends with an error that names what failed, or none, and leaves nothing behind.

Run on forked, served and spawned workers. What is left behind is checked by `nothing_left`, after every test.
"""

import ctypes
import errno
import os
import pickle
import resource
import signal
import socket
import subprocess
import sys
import time

import pytest

from plait.parallel import Parallel, PoolError, RemoteTaskError, TaskTimeout, TransportError, WorkerDied, delayed, pool
from plait.parallel.pool import launch, process_pool


@pytest.fixture(params=["fork", "forkserver", "spawn"], autouse=True)
def start_method(request, monkeypatch):
    monkeypatch.setenv("PLAIT_START_METHOD", request.param)
    return request.param


def usable():
    """The pool goes on."""
    return Parallel(n_jobs=2)(delayed(abs)(-i) for i in range(4)) == [0, 1, 2, 3]


def wait_until(condition):
    limit = time.monotonic() + 30
    while not condition() and time.monotonic() < limit:
        time.sleep(0.002)
    assert condition()


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def end(how):
    if how == "segfault":
        ctypes.string_at(0)
    elif how == "exit":
        os._exit(7)
    elif how == "abort":
        os.abort()
    else:
        os.kill(os.getpid(), signal.SIGKILL)


ENDS = {"kill": "SIGKILL", "segfault": "SIGSEGV", "exit": "exit status 7", "abort": "SIGABRT"}


@pytest.mark.parametrize("how", ENDS)
def test_a_worker_that_dies_in_a_task_is_named_with_it(how):
    def work(i):
        if i == 2:
            end(how)
        return i

    with pytest.raises(WorkerDied, match=rf"{ENDS[how]} while it ran task 2: work\(2\)") as caught:
        Parallel(n_jobs=2, batch_size=1, pre_dispatch=1)(delayed(work)(i) for i in range(4))
    assert (caught.value.index, caught.value.task[1]) == (2, (2,))
    assert caught.value.results == {0: 0, 1: 1}
    assert usable()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_idle_workers_that_die_are_replaced(number):
    assert usable()
    for pid in pool.processes().pids():
        os.kill(pid, number)
    assert usable()


def test_a_worker_that_dies_between_two_calls_that_follow_at_once_costs_no_task():
    for _ in range(5):
        assert usable()
        os.kill(pool.processes().pids()[0], signal.SIGKILL)
        assert Parallel(n_jobs=2, retries=1)(delayed(abs)(-i) for i in range(4)) == [0, 1, 2, 3]


def test_a_worker_that_dies_before_its_first_task_costs_no_task_or_is_an_error_that_says_so(run_script, start_method):
    """Forked workers die here; those that replace them, when that is noticed in time, come from the fork server."""
    result = run_script(
        """
        import os
        from plait.parallel import Parallel, delayed
        from plait.parallel.pool import worker
        os.register_at_fork(after_in_child=lambda: os._exit(9))
        try:
            print(Parallel(n_jobs=2)(delayed(abs)(i) for i in range(4)))
        except Exception as error:
            print(type(error).__name__, error)
        """,
        timeout=30,
    )
    values = result.stdout == "[0, 1, 2, 3]\n"
    died = result.stdout.startswith("WorkerDied ") and "exit status 9" in result.stdout
    assert (values or died) if start_method == "fork" else values


def test_a_result_that_cannot_be_pickled_is_named_with_its_attribute():
    def make(i):
        return {"items": (x for x in ())} if i == 1 else i

    with pytest.raises(TransportError, match=r"task 1: make\(1\): its result\['items'\] cannot be pickled"):
        Parallel(n_jobs=2)(delayed(make)(i) for i in range(3))
    assert usable()


def test_an_argument_that_cannot_be_unpickled_is_named_and_its_error_caught_by_kind():
    class Stubborn:
        def __reduce__(self):
            return int, ("none",)

    with pytest.raises(
        ValueError, match="task 0: repr.*: a worker could not unpickle it: ValueError: invalid"
    ) as caught:
        Parallel(n_jobs=2)([delayed(repr)(Stubborn())])
    assert isinstance(caught.value, TransportError)
    assert type(pickle.loads(pickle.dumps(caught.value))) is type(caught.value)
    assert usable()


def test_an_exception_that_cannot_be_loaded_keeps_type_text_and_traceback():
    class Unloadable(Exception):
        def __init__(self, one, two):
            super().__init__(f"{one} and {two}")

    def fail(i):
        raise Unloadable("this", "that")

    with pytest.raises(RemoteTaskError, match=r"task 0: fail\(0\) raised .*Unloadable: this and that") as caught:
        Parallel(n_jobs=2)([delayed(fail)(0)])
    assert 'raise Unloadable("this", "that")' in str(caught.value.__cause__)
    assert usable()


def test_a_task_that_ignores_signals_is_killed_when_its_time_is_over():
    def stay(i):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        while True:
            try:
                time.sleep(60)
            except BaseException:
                pass

    with pytest.raises(TaskTimeout, match=r"task 0: stay\(0\)"):
        Parallel(n_jobs=2, timeout=0.1)([delayed(stay)(0)])
    assert usable()


def test_a_task_may_fork_and_leave_without_a_trace(tmp_path):
    def fork(i):
        pid = os.fork()
        if not pid:
            (tmp_path / f"child {i}").touch()
            os._exit(0)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    assert Parallel(n_jobs=2)(delayed(fork)(i) for i in range(4)) == [0] * 4
    assert len(list(tmp_path.iterdir())) == 4


def test_a_child_that_a_task_leaves_behind_does_not_keep_the_loop(tmp_path):
    """It holds the worker's channel open."""

    def leave(i):
        if not os.fork():
            (tmp_path / str(os.getpid())).touch()
            time.sleep(60)
            os._exit(0)
        while not list(tmp_path.iterdir()):
            time.sleep(0.005)
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(WorkerDied, match="SIGKILL while it ran task 0"):
        Parallel(n_jobs=2)([delayed(leave)(0)])
    for child in tmp_path.iterdir():
        os.kill(int(child.name), signal.SIGKILL)
    assert usable()


def test_tasks_may_start_processes_and_multiprocessing():
    def start(i):
        import multiprocessing

        with multiprocessing.get_context("fork").Pool(2) as inner:
            squares = inner.map(abs, [-i, i])
        program = subprocess.run([sys.executable, "-S", "-c", f"print({i})"], capture_output=True, check=True)
        return squares, int(program.stdout)

    assert Parallel(n_jobs=2)(delayed(start)(i) for i in range(2)) == [([0, 0], 0), ([1, 1], 1)]


def test_exit_handlers_of_tasks_and_of_the_parent_do_not_run_in_workers(run_script):
    result = run_script("""
        import atexit
        from plait.parallel import Parallel, delayed

        def register(i):
            atexit.register(print, "worker's")
            return i

        atexit.register(print, "parent's")
        Parallel(n_jobs=2)(delayed(register)(i) for i in range(2))
    """)
    assert (result.stdout, result.stderr) == ("parent's\n", "")


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.ENOMEM, errno.EMFILE])
def test_no_worker_can_be_started(number, monkeypatch, start_method):
    def refuse(*args, **kwargs):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(launch.natives, "fork", refuse)
        patch.setattr("os.posix_spawn", refuse)
        with pytest.raises(PoolError, match=f"no worker process could be (forked|started): .*{os.strerror(number)}"):
            Parallel(n_jobs=2)(delayed(abs)(i) for i in range(4))
    assert usable()


def test_fewer_workers_than_asked_for_do_the_work(monkeypatch):
    made = []
    make = launch.Launcher._make

    def refuse_later(self, start):
        if made:
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        made.append(make(self, start))
        return made[-1]

    with monkeypatch.context() as patch:
        patch.setattr(launch.Launcher, "_make", refuse_later)
        assert Parallel(n_jobs=4)(delayed(abs)(-i) for i in range(20)) == list(range(20))
    assert usable()


def test_no_thread_can_be_started_for_the_pool(monkeypatch):
    def refuse(*args):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(process_pool, "_start_new_thread", refuse)
        with pytest.raises(PoolError, match="no thread could be started for the pool: can't start new thread"):
            Parallel(n_jobs=2)(delayed(abs)(i) for i in range(4))
    assert usable()


def test_no_descriptors_are_left_to_start_a_worker(run_script):
    """For real: the limit of open files is reached while workers are started."""
    result = run_script("""
        import os, resource
        from plait.parallel import Parallel, PoolError, delayed, pool

        Parallel(n_jobs=2)(delayed(abs)(i) for i in range(4))
        pool.shutdown()
        before = sorted(os.listdir("/proc/self/fd"))
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        seen = set()
        for room in range(len(before) + 1, len(before) + 30):
            resource.setrlimit(resource.RLIMIT_NOFILE, (room, hard))
            try:
                seen.add(Parallel(n_jobs=2)(delayed(abs)(-i) for i in range(4)) == [0, 1, 2, 3])
            except (PoolError, OSError) as error:
                seen.add(type(error).__name__)
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            pool.shutdown()
            assert len(os.listdir("/proc/self/fd")) == len(before), (room, before, os.listdir("/proc/self/fd"))
        assert True in seen and len(seen) > 1, seen
        assert Parallel(n_jobs=2)(delayed(abs)(-i) for i in range(4)) == [0, 1, 2, 3]
        print("fine")
    """)
    assert (result.stdout, result.stderr) == ("fine\n", "")


def test_the_fork_server_dies(start_method):
    assert usable()
    server = pool.processes()._launcher._server
    if start_method == "forkserver":
        os.kill(server.pid, signal.SIGKILL)
    for pid in pool.processes().pids():
        os.kill(pid, signal.SIGKILL)
    assert usable()


def test_the_fork_server_dies_while_tasks_run(tmp_path, start_method):
    def wait(i):
        (tmp_path / str(i)).touch()
        while not (tmp_path / "go").exists():
            time.sleep(0.005)
        return i

    results = Parallel(n_jobs=2, return_as="generator")(delayed(wait)(i) for i in range(2))
    wait_until(lambda: len(list(tmp_path.iterdir())) == 2)
    server = pool.processes()._launcher._server
    if server is not None:
        os.kill(server.pid, signal.SIGKILL)
    (tmp_path / "go").touch()
    assert list(results) == [0, 1]
    assert usable()


def test_a_worker_that_is_stopped_does_not_keep_the_exit(run_script):
    """SIGSTOP: it neither reads its channel nor dies of it."""
    result = run_script(
        """
        import os, signal
        from plait.parallel import Parallel, delayed, pool
        Parallel(n_jobs=2)(delayed(abs)(i) for i in range(4))
        pids = pool.processes().pids()
        os.kill(pids[0], signal.SIGSTOP)
        print(*pids)
        """,
        timeout=30,
    )
    assert result.returncode == 0
    pids = [int(pid) for pid in result.stdout.split()]
    assert len(pids) == 2
    wait_until(lambda: not any(alive(pid) for pid in pids))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_parent_is_killed_while_workers_are_in_c_code_and_one_is_stopped(tmp_path, number):
    script = tmp_path / "script.py"
    script.write_text(f"""
import os, signal, time
from plait.parallel import Parallel, delayed, pool

def stay(i):
    open(os.path.join({str(tmp_path)!r}, f"{{os.getpid()}}.pid"), "w").close()
    if i:
        os.kill(os.getpid(), signal.SIGSTOP)
    sum(range(10**12))  # does not come back to the interpreter's loop

Parallel(n_jobs=2)(delayed(stay)(i) for i in range(2))
""")
    program = subprocess.Popen([sys.executable, str(script)], start_new_session=True)
    try:
        wait_until(lambda: len(list(tmp_path.glob("*.pid"))) == 2)
        pids = [int(path.stem) for path in tmp_path.glob("*.pid")]
        program.send_signal(number)
        assert program.wait(30) == -number
        wait_until(lambda: not any(alive(pid) for pid in pids))
    finally:
        program.kill()
        program.wait()


def test_a_signal_ignored_by_the_parent_is_no_matter():
    """With SIGCHLD ignored the kernel keeps no status for us."""
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        with pytest.raises(WorkerDied, match="while it ran task 0"):
            Parallel(n_jobs=2)([delayed(end)("kill")])
        assert usable()
    finally:
        pool.shutdown()
        signal.signal(signal.SIGCHLD, before)


def test_a_program_that_collects_all_children_itself(start_method):
    assert usable()
    for pid in pool.processes().pids():
        os.kill(pid, signal.SIGKILL)
    try:
        while True:
            os.waitpid(-1, os.WNOHANG)
            if not pool.processes().pids():
                break
            time.sleep(0.002)
    except ChildProcessError:
        pass
    assert usable()


def sockets_of(pid):
    """(family, bound name) of each socket that a process has."""
    names = {}
    for kind in ("tcp", "tcp6", "udp", "udp6", "raw"):
        with open(f"/proc/{pid}/net/{kind}") as file:
            for line in list(file)[1:]:
                names[line.split()[9]] = kind, line.split()[1]
    with open(f"/proc/{pid}/net/unix") as file:
        for line in list(file)[1:]:
            fields = line.split()
            names[fields[6]] = "unix", " ".join(fields[7:])
    found = []
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{name}")
        except FileNotFoundError:
            continue
        if target.startswith("socket:"):
            found.append(names.get(target[8:-1], ("unknown", target)))
    return found


def test_channels_are_inherited_and_have_no_name_or_port():
    """Nobody else can connect: every socket of ours is a nameless unix one."""
    listener = socket.create_server(("127.0.0.1", 0))
    with listener:
        assert ("tcp" in {kind for kind, _ in sockets_of(os.getpid())}) is True  # it would be seen
    before = sockets_of(os.getpid())
    assert usable()
    ours = [os.getpid(), *pool.processes().pids()]
    server = pool.processes()._launcher._server
    ours += [server.pid] if server is not None else []
    sockets = [each for pid in ours for each in sockets_of(pid)]
    assert len(sockets) - len(before) >= 4
    assert {each for each in sockets if each not in before} <= {("unix", "")}


def test_the_soft_limit_of_core_files_is_the_parents():
    """So that a crash can be looked into where the user asked for it."""

    def limit(i):
        return resource.getrlimit(resource.RLIMIT_CORE)

    assert Parallel(n_jobs=2)([delayed(limit)(0)]) == [resource.getrlimit(resource.RLIMIT_CORE)]
