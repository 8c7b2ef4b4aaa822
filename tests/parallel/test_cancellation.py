"""Whatever ends the caller's wait ends its loop: its tasks stop, and the pool stays usable."""

import time

import pytest

from plait import green
from plait.parallel import Parallel, delayed

BACKENDS = ["processes", "threading", "green"]


class Tasks:
    """Tasks that say when they began and when they were stopped, in files."""

    def __init__(self, folder, backend):
        self.folder = folder
        self.sleep = green.sleep if backend == "green" else _nap
        self.backend = backend
        self.loop = Parallel(n_jobs=2, backend=backend)

    def __call__(self):
        folder, sleep = self.folder, self.sleep

        def work(i):
            try:
                (folder / f"{i} began").touch()
                sleep(60)
            finally:
                (folder / f"{i} ended").touch()

        return self.loop(delayed(work)(i) for i in range(20))

    def count(self, what):
        return len(list(self.folder.glob(f"* {what}")))

    def wait_until(self, what):
        limit = time.monotonic() + 60
        while self.count(what) < 2 and time.monotonic() < limit:
            green.sleep(0.005)

    def check_stopped(self):
        """Those that ran have ended, none began after that, and the workers do other work."""
        self.wait_until("ended")
        assert (self.count("began"), self.count("ended")) == (2, 2)
        assert self.loop(delayed(abs)(-i) for i in range(4)) == [0, 1, 2, 3]
        assert self.count("began") == 2


def _nap(seconds):
    """Sleeps, and comes back to Python now and then."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        time.sleep(0.01)


@pytest.fixture(params=BACKENDS)
def tasks(request, tmp_path):
    return Tasks(tmp_path, request.param)


def test_a_timeout(tasks):
    green.spawn(lambda: None).join()
    with green.Timeout(1, False):
        tasks()
        raise AssertionError("the timeout did not come")
    tasks.check_stopped()


def test_a_kill(tasks):
    greenlet = green.spawn(tasks)
    tasks.wait_until("began")
    greenlet.kill()
    assert isinstance(greenlet.value, green.GreenletExit)
    tasks.check_stopped()


def test_a_cancel_scope(tasks):
    with green.move_on_after(60) as scope:
        green.spawn(lambda: (tasks.wait_until("began"), scope.cancel()))
        tasks()
        raise AssertionError("the scope did not end")
    assert scope.cancelled_caught
    tasks.check_stopped()


def test_a_task_group_whose_other_child_fails(tasks):
    def fail():
        tasks.wait_until("began")
        raise LookupError("the other one")

    with pytest.raises(ExceptionGroup) as caught, green.TaskGroup() as group:
        group.spawn(tasks)
        group.spawn(fail)
    assert [type(error) for error in caught.value.exceptions] == [LookupError]
    tasks.check_stopped()


def test_a_generator_that_is_closed(tasks):
    tasks.loop = Parallel(n_jobs=2, backend=tasks.backend, return_as="generator")
    results = tasks()
    tasks.wait_until("began")
    with pytest.warns(UserWarning, match="cancelled"):
        results.close()
    tasks.loop = Parallel(n_jobs=2, backend=tasks.backend)
    tasks.check_stopped()


@pytest.mark.parametrize("backend", BACKENDS)
def test_in_a_patched_program(run_script, tmp_path, backend):
    done = run_script(
        f"""
        from plait.green import monkey
        monkey.patch_all()
        import pathlib, sys, time
        import plait.green as green
        from plait.parallel import Parallel, delayed

        folder = pathlib.Path({str(tmp_path)!r})

        def work(i):
            try:
                (folder / f"{{i}} began").touch()
                for _ in range(6000):
                    time.sleep(0.01)
            finally:
                (folder / f"{{i}} ended").touch()

        def count(what):
            return len(list(folder.glob(f"* {{what}}")))

        loop = Parallel(n_jobs=2, backend={backend!r})
        runner = green.spawn(loop, [delayed(work)(i) for i in range(20)])
        while count("began") < 2:
            time.sleep(0.005)
        runner.kill()
        while count("ended") < 2:
            time.sleep(0.005)
        assert loop(delayed(abs)(-i) for i in range(4)) == [0, 1, 2, 3]
        with green.Timeout(0.05, False):
            loop(delayed(time.sleep)(60) for i in range(4))
        assert loop(delayed(abs)(-i) for i in range(4)) == [0, 1, 2, 3]
        print(count("began"), count("ended"))
        """
    )
    assert (done.stdout, done.stderr) == ("2 2\n", "")


INTERRUPTED = """
import os, pathlib, signal, sys, threading, time
from plait.parallel import Parallel, delayed, pool

def work(i):
    end = time.monotonic() + 0.002
    while time.monotonic() < end:
        pass
    return i

def send(after):
    time.sleep(after)
    os.kill(os.getpid(), signal.SIGINT)

backend, rounds = sys.argv[1], int(sys.argv[2])
loop = Parallel(n_jobs=2, backend=backend, batch_size=1)
assert loop(delayed(abs)(-i) for i in range(4)) == [0, 1, 2, 3]
interrupted = 0
for n in range(rounds):
    sender = threading.Thread(target=send, args=(0.0005 + 0.0007 * n,))
    try:
        try:
            sender.start()
            loop(delayed(work)(i) for i in range(10_000))
        finally:
            sender.join()
    except KeyboardInterrupt:
        interrupted += 1
    assert loop(delayed(abs)(-i) for i in range(4)) == [0, 1, 2, 3]
from plait.parallel import nesting
print(interrupted, nesting.budget().used, len(pool.processes().pids()) <= 2)
"""


@pytest.mark.parametrize("backend", ["processes", "threading", "sequential"])
def test_ctrl_c_at_any_moment_leaves_the_pool_usable(run_script, backend):
    done = run_script(INTERRUPTED, backend, "25", timeout=120)
    assert (done.stdout, done.stderr) == ("25 0 True\n", "")


def test_ctrl_c_keeps_what_has_ended(run_script):
    done = run_script("""
        import os, signal, time
        from plait.parallel import Parallel, delayed

        def work(i):
            if i == 5:
                os.kill(os.getppid(), signal.SIGINT)
                time.sleep(60)
            return i

        try:
            Parallel(n_jobs=2, batch_size=1, pre_dispatch=1)(delayed(work)(i) for i in range(100))
        except KeyboardInterrupt as error:
            print(error.results)
    """)
    assert (done.stdout, done.stderr) == ("{0: 0, 1: 1, 2: 2, 3: 3, 4: 4}\n", "")
