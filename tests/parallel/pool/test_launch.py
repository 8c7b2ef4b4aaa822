"""Where workers come from: every way to run a program, with and without other threads, and what its end leaves."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

BODY = """
import os
from plait.parallel import Parallel, delayed, pool

class Point:
    def __init__(self, x):
        self.x = x

factor = 3
def scale(i):
    import logging
    logging.getLogger(str(i))  # takes a lock
    return Point(i * factor)

points = Parallel(n_jobs=2)(delayed(scale)(i) for i in range(4))
assert all(type(p) is Point for p in points)
print([p.x for p in points], flush=True)
"""
SETTINGS = {
    "plain": "",
    "threads": "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()\n",
    "hub": "from plait import green; green.sleep(0)\n",
    "lock": (
        # held by another thread: a forked child would wait for it for ever
        "import atexit, threading, logging\n"
        "held, leave = threading.Event(), threading.Event()\n"
        "def hold():\n    logging._lock.acquire(); held.set(); leave.wait(); logging._lock.release()\n"
        "threading.Thread(target=hold, daemon=True).start(); held.wait(); atexit.register(leave.set)\n"
    ),
}


def ways(code, tmp_path):
    script = tmp_path / "program.py"
    script.write_text(code)
    return {
        "script": ([sys.executable, str(script)], None),
        "-c": ([sys.executable, "-c", code], None),
        "stdin": ([sys.executable], code),
    }


@pytest.mark.parametrize("way", ["script", "-c", "stdin"])
@pytest.mark.parametrize("setting", SETTINGS)
def test_no_guard_is_needed_and_main_never_runs_again(setting, way, tmp_path):
    command, given = ways("print('main runs', flush=True)\n" + SETTINGS[setting] + BODY, tmp_path)[way]
    result = subprocess.run(command, input=given, capture_output=True, text=True, timeout=60, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, "main runs\n[0, 3, 6, 9]\n", "")


def test_what_is_buffered_is_written_once(run_script):
    result = run_script("print('once', end=' ')\n" + BODY.replace(", flush=True", ""))
    assert (result.stdout, result.stderr) == ("once [0, 3, 6, 9]\n", "")


def test_prints_of_tasks_arrive(run_script):
    result = run_script("""
        from plait.parallel import Parallel, delayed
        Parallel(n_jobs=2)(delayed(print)("from a task") for _ in range(2))
    """)
    assert (result.stdout.count("from a task"), result.stdout.count("\n"), result.stderr) == (2, 2, "")


def test_exit_handlers_and_parked_finally_run_once(run_script):
    result = run_script("""
        import atexit
        from plait.greenlet import greenlet, getcurrent
        from plait.parallel import Parallel, delayed

        def parked():
            try:
                getcurrent().parent.switch()
            finally:
                print("finally")

        held = greenlet(parked)
        held.switch()
        atexit.register(print, "exit")
        print(Parallel(n_jobs=2)(delayed(abs)(-i) for i in range(4)))
    """)
    lines = result.stdout.splitlines()
    assert lines[0] == "[0, 1, 2, 3]"
    assert lines.count("exit") == 1
    assert lines.count("finally") <= 1


def test_a_worker_holds_no_socket_of_its_parent(run_script):
    result = run_script("""
        import os, socket
        from plait.parallel import Parallel, delayed

        listener = socket.create_server(("127.0.0.1", 0))
        log = open(__file__)

        def ends():
            return [os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")
                    if os.path.lexists(f"/proc/self/fd/{fd}")]

        for each in Parallel(n_jobs=2)(delayed(ends)() for _ in range(2)):
            sockets = [end for end in each if end.startswith("socket:")]
            assert len(sockets) == 1, each
            assert os.readlink(f"/proc/self/fd/{listener.fileno()}") not in each
            assert __file__ in each
        print("fine")
    """)
    assert (result.stdout, result.stderr) == ("fine\n", "")


def test_random_numbers_differ_between_workers(run_script):
    result = run_script("""
        import random, time
        from plait.parallel import Parallel, delayed

        def draw():
            time.sleep(0.05)
            return random.random()

        print(len(set(Parallel(n_jobs=2)(delayed(draw)() for _ in range(4)))))
    """)
    assert (result.stdout, result.stderr) == ("4\n", "")


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until_gone(pids):
    limit = time.monotonic() + 30
    while (left := [pid for pid in pids if alive(pid)]) and time.monotonic() < limit:
        time.sleep(0.01)
    return left


LONG = """
    import os, sys, time
    {setting}
    from plait.parallel import Parallel, delayed, pool

    def stay(seconds):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            pass

    Parallel(n_jobs=2)(delayed(abs)(i) for i in range(2))
    pids = [*pool.processes().pids()]
    server = pool.processes()._launcher._server
    print(*pids, *([server.pid] if server else []), flush=True)
    try:
        Parallel(n_jobs=2)(delayed(stay)(60) for _ in range(4))
    except KeyboardInterrupt:
        print(Parallel(n_jobs=2)(delayed(abs)(-i) for i in range(4)), flush=True)
        sys.exit(130)
"""


@pytest.fixture
def program(tmp_path):
    """A program that is in the middle of a long loop, and the pids of its workers (and fork server)."""
    started = []

    def start(setting):
        script = tmp_path / "long.py"
        script.write_text(textwrap.dedent(LONG).format(setting=SETTINGS[setting].strip()))
        process = subprocess.Popen(
            [sys.executable, str(script)], stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        started.append(process)
        pids = [int(pid) for pid in process.stdout.readline().split()]
        time.sleep(0.2)
        return process, pids

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize("setting", ["plain", "threads"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_no_worker_outlives_its_parent(program, setting, number):
    process, pids = program(setting)
    assert len(pids) == 2 + (setting == "threads")
    process.send_signal(number)
    assert process.wait(30) == -number
    assert wait_until_gone(pids) == []


@pytest.mark.parametrize("setting", ["plain", "threads"])
def test_ctrl_c_cancels_and_leaves_a_usable_pool_and_no_orphan(program, setting):
    process, pids = program(setting)
    os.killpg(process.pid, signal.SIGINT)  # as the terminal does: to all of them
    assert process.stdout.readline() == "[0, 1, 2, 3]\n"
    assert process.wait(30) == 130
    assert wait_until_gone(pids) == []


def test_a_stopped_reader_of_a_generator_leaves_quietly(run_script):
    result = run_script("""
        import time
        from plait.parallel import Parallel, delayed
        results = Parallel(n_jobs=2, return_as="generator")(delayed(time.sleep)(i * 30) for i in range(4))
        next(results)
        print("leaving")
    """)
    assert (result.returncode, result.stdout, result.stderr) == (0, "leaving\n", "")


def test_a_forked_child_has_a_pool_of_its_own(run_script):
    result = run_script("""
        import os, warnings
        warnings.simplefilter("ignore", DeprecationWarning)  # of the fork below: there is another thread, the pool's
        from plait.parallel import Parallel, delayed, pool

        Parallel(n_jobs=2)(delayed(abs)(i) for i in range(4))
        inherited = set(pool.processes().pids())
        if not os.fork():
            assert Parallel(n_jobs=2)(delayed(abs)(-i) for i in range(4)) == [0, 1, 2, 3]
            assert not inherited & set(pool.processes().pids())
            pool.shutdown()
            print("child", flush=True)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
        assert Parallel(n_jobs=2)(delayed(abs)(-i) for i in range(4)) == [0, 1, 2, 3]
        assert set(pool.processes().pids()) == inherited
        print("parent")
    """)
    assert (result.returncode, result.stdout, result.stderr) == (0, "child\nparent\n", "")
