"""Forks, threads and interpreters that end while greenlets wait."""

import subprocess
import sys

import pytest

LIMIT_S = 60


@pytest.fixture
def run_script():
    def run(script, *arguments):
        return subprocess.run(
            [sys.executable, "-W", "ignore::DeprecationWarning", "-c", script, *arguments],
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )

    return run


# -- fork


@pytest.mark.parametrize("fork", ["os.fork", "green.fork"])
def test_a_fork_while_the_thread_pool_is_busy_leaves_both_a_pool_that_works(run_script, fork):
    done = run_script(f"""
import _thread, os
from plait import green
from plait.green import os as green_os

gate = _thread.allocate_lock()
gate.acquire()
pool = green.get_hub().threadpool
busy = [green.spawn(pool.apply, gate.acquire) for _ in range(3)]
green.sleep(0.01)
pid = {fork}()
if not pid:
    mine = green.get_hub().threadpool
    code = 0 if mine.apply(os.getpid) == os.getpid() else 1
    os._exit(code)
print(green_os.waitpid(pid, 0)[1])
for _ in busy:
    gate.release()
    green.sleep(0.01)
print([one.get(timeout=30) for one in busy])
""")
    assert done.stdout == "0\n[True, True, True]\n"
    assert (
        fork == "green.fork" or not done.stderr
    )  # who waits for the pool in an adopting child is told that it is lost


def test_a_fork_with_timers_armed_fires_them_once_in_each(run_script):
    done = run_script("""
import os
from plait import green
from plait.green import os as green_os

fired = []
for n in range(20):
    green.get_hub().loop.timer(0.01 + n / 1000).start(fired.append, n)
green.spawn_later(0.05, fired.append, "later")
pid = green.fork()
green.sleep(0.2)
code = 0 if fired == [*range(20), "later"] else 1
if not pid:
    os._exit(code)
print(code, green_os.waitpid(pid, 0)[1])
""")
    assert (done.stdout, done.stderr) == ("0 0\n", "")


def test_a_fork_in_a_greenlet_among_others_that_wait_for_all_kinds_of_things(run_script):
    """The child that did not adopt them runs none of them and ends as usual."""
    done = run_script("""
import os, sys
from plait import green
from plait.green import os as green_os, subprocess
from plait.green.event import Event
from plait.green.fileobject import FileObject

never = Event()
ready, write = os.pipe()
file = FileObject(ready, "r")
child = subprocess.Popen(["sleep", "1000"])
waiting = [green.spawn(never.wait), green.spawn(file.read), green.spawn(child.wait), green.spawn(green.sleep, 1000)]
seen = []

def main():
    green.sleep(0)
    pid = os.fork()
    if not pid:
        green.spawn(seen.append, "child").join()
        green.sleep(0.001)
        sys.exit(0 if seen == ["child"] else 1)
    seen.append(green_os.waitpid(pid, 0)[1])

green.spawn(main).join()
print(seen, [one.ready() for one in waiting])
child.kill()
print(child.wait())
green.killall(waiting)
""")
    assert (done.stdout, done.stderr) == ("[0] [False, False, False, False]\n-9\n", "")


def test_what_ends_a_forked_program_is_raised_in_the_greenlet_that_forked(run_script):
    """Not in the parent's main greenlet, whose program would go on in the child."""
    done = run_script("""
import os, signal
from plait import green
from plait.green import os as green_os
from plait.green.event import Event

def forks():
    pid = os.fork()
    if pid:
        return green_os.waitpid(pid, 0)[1]
    try:
        green.spawn_later(0.01, os.kill, os.getpid(), signal.SIGINT)
        green.sleep(30)
    except KeyboardInterrupt:
        os.write(1, b"interrupted\\n")
    try:
        Event().wait()
    except green.LoopExit:
        os.write(1, b"nothing left\\n")
    os._exit(0)

try:
    print(green.spawn(forks).get())
except BaseException:
    os.write(1, b"the parent's program runs in the child\\n")
    os._exit(1)
""")
    assert (done.stdout, done.stderr) == ("interrupted\nnothing left\n0\n", "")


def test_forks_in_many_greenlets_at_once_lose_no_child(run_script):
    done = run_script("""
import os
from plait import green
from plait.green import os as green_os

def one(code):
    pid = green_os.fork()
    if not pid:
        os._exit(code)
    return green_os.waitpid(pid, 0) == (pid, code << 8)

children = [green.spawn(one, code) for code in range(30)]
green.joinall(children, raise_error=True)
print(all(child.value for child in children))
try:
    os.waitpid(-1, 0)
except ChildProcessError:
    print("none left")
""")
    assert (done.stdout, done.stderr) == ("True\nnone left\n", "")


# -- interpreters


WAITS = {
    "child": "child = subprocess.Popen(['cat'], stdin=subprocess.PIPE); wait = child.wait",
    "any child": "child = subprocess.Popen(['cat'], stdin=subprocess.PIPE); wait = lambda: green_os.waitpid(-1, 0)",
    "watcher": "child = subprocess.Popen(['cat'], stdin=subprocess.PIPE); wait = lambda: "
    "(child.rawlink(print), green.sleep(1000))",
    "file": "end, other = os.pipe(); file = FileObject(end, 'r'); wait = file.readline",
    "full pipe": "end, other = os.pipe(); file = FileObject(other, 'wb', 0); wait = lambda: "
    "[file.write(bytes(65536)) for _ in range(9)]",
    "signal": "handler = green.signal_handler(signal.SIGUSR1, print); handler.ref = True; wait = Event().wait",
    "pool": "wait = lambda: get_hub().threadpool.apply(time.sleep, (0.1,))",
    "timer": "wait = lambda: green.sleep(1000)",
}


@pytest.mark.parametrize("kind", WAITS)
@pytest.mark.parametrize("end", ["", "raise SystemExit(0)", "get_hub().destroy()"])
def test_an_interpreter_ends_quietly_with_greenlets_that_wait(run_script, kind, end):
    done = run_script(f"""
import os, signal, time, atexit
from plait import green
from plait.green import os as green_os, subprocess
from plait.green.event import Event
from plait.green.fileobject import FileObject
from plait.green.hub import get_hub

{WAITS[kind]}
blocked = green.spawn(wait)
green.sleep(0.01)
assert not blocked.ready()
print("end", flush=True)
{end}
""")
    warned = [line for line in done.stderr.splitlines() if "ResourceWarning" not in line and "subprocess" not in line]
    assert (done.returncode, done.stdout, [line for line in warned if "Error" in line]) == (0, "end\n", [])


# -- threads


@pytest.mark.parametrize("kind", [kind for kind in WAITS if kind not in ("signal", "any child", "pool")])
def test_a_thread_may_end_with_greenlets_that_wait_and_keeps_no_descriptor(run_script, kind):
    done = run_script(f"""
import gc, os, signal, threading, time
from plait import green
from plait.green import os as green_os, subprocess
from plait.green.event import Event
from plait.green.fileobject import FileObject
from plait.green.hub import get_hub

def descriptors():
    gc.collect()
    return len(os.listdir("/proc/self/fd"))

def work():
    {WAITS[kind]}
    blocked = green.spawn(wait)
    green.sleep(0.01)
    assert not blocked.ready()
    if "child" in locals():
        child.stdin.close()
        os.waitpid(child.pid, 0)
        child.returncode = 0

counts = []
for _ in range(3):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    counts.append(descriptors())
print(counts[1] - counts[0], counts[2] - counts[1])
""")
    lost = 1 if kind in ("file", "full pipe") else 0  # the pipe's other end, which nobody closes
    assert (done.stdout, done.stderr) == (f"{lost} {lost}\n", "")


def test_wakes_after_the_hub_is_gone_are_harmless(run_script):
    done = run_script("""
import gc, os, signal, threading
from plait import green
from plait.green.event import Event
from plait.green.hub import get_hub
from plait.green.waiter import Waiter

left = {}

def work():
    hub = get_hub()
    left["async"] = hub.loop.async_()
    left["async"].start(print, "never")
    left["waiter"] = Waiter()
    left["event"] = Event()
    left["hub"] = hub
    green.spawn(left["waiter"].wait)
    green.spawn(left["event"].wait)
    green.sleep(0)

thread = threading.Thread(target=work)
thread.start()
thread.join()
for _ in range(2):
    left["async"].send()
    left["waiter"].wake()
    left["event"].set()
    left["hub"].loop.run_callback_threadsafe(print, "never")
    gc.collect()
left.clear()
gc.collect()
print("quiet")
""")
    assert (done.stdout, done.stderr) == ("quiet\n", "")


def test_a_child_ends_with_its_parent_where_that_is_killed_in_a_run(run_script):
    """subprocess.run kills its child whatever ends it: no orphan stays behind a killed greenlet."""
    done = run_script("""
import os
from plait import green
from plait.green import subprocess

ready, write = os.pipe()
runner = green.spawn(subprocess.run, f"echo $$ >&{write}; exec sleep 1000", shell=True, pass_fds=[write])
pid = int(green.os.nb_read(ready, 100)) if green.os.make_nonblocking(ready) else 0
runner.kill()
try:
    os.kill(pid, 0)
except ProcessLookupError:
    print("gone")
""")
    assert (done.stdout, done.stderr) == ("gone\n", "")


def test_what_waits_in_a_thread_that_ends_gets_greenlet_exit_there(run_script):
    """Else its stack would hold its objects, and the hub, for ever; one that blocks again is left where it is."""
    done = run_script("""
import gc, threading, weakref
from plait import green
from plait.green.event import Event
from plait.green.hub import get_hub

class Held:
    pass

def waits(name, again=False):
    held = Held()
    alive.append(weakref.ref(held))
    try:
        Event().wait()
    except green.GreenletExit:
        print(name, "ended")
        if again:
            Event().wait()
        raise
    finally:
        print(name, "finally")

def work():
    green.spawn(waits, "first")
    green.spawn_raw(waits, "raw")
    green.spawn(waits, "stubborn", again=True)
    green.spawn(waits, "last")
    green.sleep(0)

alive = []
thread = threading.Thread(target=work)
thread.start()
thread.join()
gc.collect()
print([ref() is None for ref in alive])
""")
    assert done.stdout.splitlines() == [
        "first ended",
        "first finally",
        "raw ended",
        "raw finally",
        "stubborn ended",
        "last ended",
        "last finally",
        "[True, True, False, True]",
    ]
    assert done.stderr == ""
