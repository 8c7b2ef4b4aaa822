"""What looks at greenlets from outside: faulthandler, gdb, py-spy, profilers, valgrind; and what the library says of
itself to the loader."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from plait.greenlet import _core

PRELUDE = """
import faulthandler, os, signal, sys, threading, time
from plait.greenlet import getcurrent, greenlet
main = getcurrent()
"""


# faulthandler ---------------------------------------------------------------------------------------------------


def dump_lines(text):
    return [line.split(" in ")[1] for line in text.splitlines() if line.startswith("  File")]


def test_faulthandler_shows_the_greenlet_that_runs(run_script):
    done = run_script(
        PRELUDE
        + """
def inner():
    faulthandler.dump_traceback()

def outer():
    inner()

greenlet(outer).switch()
"""
    )
    assert done.returncode == 0
    assert dump_lines(done.stderr) == ["inner", "outer"]


def test_faulthandler_shows_main_again_after_a_switch_back(run_script):
    done = run_script(
        PRELUDE
        + """
def run():
    main.switch()

def here():
    faulthandler.dump_traceback()

one = greenlet(run)
one.switch()
here()
"""
    )
    assert dump_lines(done.stderr) == ["here", "<module>"]


def test_faulthandler_shows_a_greenlet_in_every_thread(run_script):
    done = run_script(
        PRELUDE
        + """
ready, end = threading.Event(), threading.Event()

def blocked_in_greenlet():
    ready.set()
    end.wait()

def thread_body():
    greenlet(blocked_in_greenlet).switch()

thread = threading.Thread(target=thread_body)
thread.start()
ready.wait()
faulthandler.dump_traceback(all_threads=True)
end.set()
thread.join()
"""
    )
    assert done.returncode == 0
    assert "blocked_in_greenlet" in done.stderr
    assert "thread_body" not in done.stderr


def test_a_crash_inside_a_greenlet_is_reported_with_its_frames(run_script):
    done = run_script(
        PRELUDE
        + """
faulthandler.enable()

def crash():
    faulthandler._sigsegv()

greenlet(lambda: crash()).switch()
"""
    )
    assert done.returncode < 0
    assert "Segmentation fault" in done.stderr
    assert dump_lines(done.stderr)[0] == "crash"


def test_a_stack_overflow_inside_a_greenlet_is_reported(run_script):
    """The handler runs on a stack of its own, so that an exhausted one can be told of."""
    done = run_script(
        PRELUDE
        + """
faulthandler.enable()

def overflow():
    deep = iter([0])
    for _ in range(400_000):
        deep = map(int, deep)
    return list(deep)

greenlet(overflow).switch()
"""
    )
    assert done.returncode < 0
    assert "Segmentation fault" in done.stderr
    assert "overflow" in done.stderr


def test_dump_traceback_later_fires_while_greenlets_switch(run_script):
    done = run_script(
        PRELUDE
        + """
def run():
    while True:
        main.switch()

one = greenlet(run)
faulthandler.dump_traceback_later(0.05, exit=True)
while True:
    one.switch()
"""
    )
    assert done.returncode == 1
    assert "Timeout" in done.stderr


def test_sys_current_frames_shows_the_running_greenlet_of_each_thread(run_script):
    done = run_script(
        PRELUDE
        + """
ready, end = threading.Event(), threading.Event()

def blocked_in_greenlet():
    ready.set()
    end.wait()

thread = threading.Thread(target=lambda: greenlet(blocked_in_greenlet).switch())
thread.start()
ready.wait()
frame = sys._current_frames()[thread.ident]
names = []
while frame is not None:
    names.append(frame.f_code.co_name)
    frame = frame.f_back
end.set()
thread.join()
print(names[-1])
"""
    )
    assert done.stdout == "blocked_in_greenlet\n", done.stderr


# Profilers and debuggers in Python ------------------------------------------------------------------------------


def test_cprofile_counts_calls_in_all_greenlets(run_script):
    done = run_script(
        PRELUDE
        + """
import cProfile, pstats

def work():
    pass

def run():
    for _ in range(10):
        work()
        main.switch()

profile = cProfile.Profile()
greenlets = [greenlet(run) for _ in range(5)]
profile.enable()
for _ in range(11):
    for one in greenlets:
        one.switch()
profile.disable()
print(sum(row.callcount for row in profile.getstats() if getattr(row.code, "co_name", "") == "work"))
"""
    )
    assert done.stdout == "50\n", done.stderr


def test_bdb_steps_through_switches(run_script):
    done = run_script(
        PRELUDE
        + """
import bdb

lines = []

class Recorder(bdb.Bdb):
    def user_line(self, frame):
        lines.append(frame.f_code.co_name)
        self.set_step()

def run():
    a = 1
    main.switch()
    b = 2
    return b

def program():
    one = greenlet(run)
    one.switch()
    one.switch()

Recorder().runcall(program)
print(lines.count("run"), lines.count("program"))
"""
    )
    assert done.stdout.split()[0] == "4", done.stderr + done.stdout
    assert done.returncode == 0


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring is new in 3.12")
def test_sys_monitoring_sees_every_greenlet(run_script):
    done = run_script(
        PRELUDE
        + """
counts = {}
tool = sys.monitoring.DEBUGGER_ID
sys.monitoring.use_tool_id(tool, "test")

def started(code, offset):
    counts[code.co_name] = counts.get(code.co_name, 0) + 1

sys.monitoring.register_callback(tool, sys.monitoring.events.PY_START, started)
sys.monitoring.set_events(tool, sys.monitoring.events.PY_START)

def work():
    main.switch()

def run():
    for _ in range(3):
        work()

greenlets = [greenlet(run) for _ in range(4)]
for _ in range(4):
    for one in greenlets:
        one.switch()
sys.monitoring.set_events(tool, 0)
print(counts["run"], counts["work"])
"""
    )
    assert done.stdout == "4 12\n", done.stderr


def test_tracemalloc_attributes_memory_to_the_greenlets_line(run_script):
    done = run_script(
        PRELUDE
        + """
import tracemalloc

def run():
    held = bytearray(5_000_000)
    main.switch()
    return held

tracemalloc.start(10)
one = greenlet(run)
one.switch()
top = tracemalloc.take_snapshot().statistics("traceback")[0]
print(top.size > 4_000_000, len(top.traceback))
one.switch()
"""
    )
    assert done.stdout == "True 1\n", done.stderr


# Tools from outside ---------------------------------------------------------------------------------------------


def waiting_program(source):
    """Start a program that prints a line when it is where it should be looked at, and then sleeps."""
    process = subprocess.Popen([sys.executable, "-c", PRELUDE + source], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    return process


SLEEPING = """
def innermost():
    print("ready", flush=True)
    time.sleep(60)

def outermost():
    sorted([0], key=lambda _: innermost())

def starter():
    greenlet(outermost).switch()

starter()
"""


@pytest.mark.skipif(shutil.which("gdb") is None, reason="needs gdb")
def test_gdb_unwinds_a_greenlets_stack_to_its_entry(tmp_path):
    process = waiting_program(SLEEPING)
    try:
        done = subprocess.run(
            ["gdb", "-q", "-batch", "-nx", "-ex", "set debuginfod enabled off", "-ex", "bt", "-p", str(process.pid)],
            check=False,
            capture_output=True,
            text=True,
            timeout=100,
        )
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    if "ptrace: Operation not permitted" in done.stderr:
        pytest.skip("this machine does not allow ptrace")
    frames = [line for line in done.stdout.splitlines() if line.startswith("#")]
    assert len(frames) > 5, done.stdout + done.stderr
    assert "gl_entry" in frames[-1] or "gl_bootstrap" in frames[-1], "\n".join(frames[-5:])
    assert "corrupt stack" not in done.stdout + done.stderr
    assert not any("_start" in frame for frame in frames)


@pytest.mark.skipif(shutil.which("py-spy") is None, reason="needs py-spy")
def test_py_spy_shows_the_greenlet_that_runs():
    process = waiting_program(SLEEPING)
    try:
        done = subprocess.run(
            ["py-spy", "dump", "--pid", str(process.pid)], check=False, capture_output=True, text=True, timeout=60
        )
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert done.returncode == 0, done.stderr
    names = [line.split()[0] for line in done.stdout.splitlines() if line.startswith("    ") and "<string>:" in line]
    assert [name.split(".")[-1] for name in names] == ["innermost", "<lambda>", "outermost"], done.stdout


@pytest.mark.skipif(shutil.which("readelf") is None, reason="needs readelf")
def test_the_library_is_not_marked_safe_for_shadow_stacks():
    """A switch replaces the stack pointer, which a CPU with shadow stacks would refuse: the loader must know."""
    notes = subprocess.run(
        ["readelf", "-n", _core.__file__], check=True, capture_output=True, text=True, timeout=60
    ).stdout
    assert "SHSTK" not in notes


def test_the_library_needs_no_cxx_runtime_and_exports_one_name():
    """Most programs have no C++; and what is not exported collides with nobody's."""
    readelf, nm = shutil.which("readelf"), shutil.which("nm")
    if readelf is None or nm is None:
        pytest.skip("needs binutils")
    needed = subprocess.run(
        [readelf, "-d", _core.__file__], check=True, capture_output=True, text=True, timeout=60
    ).stdout
    assert "libstdc++" not in needed
    names = subprocess.run(
        [nm, "-D", "--defined-only", _core.__file__], check=True, capture_output=True, text=True, timeout=60
    ).stdout.split()[2::3]
    assert names == ["PyInit__core"]


def test_the_stack_of_the_library_is_not_executable():
    readelf = shutil.which("readelf")
    if readelf is None:
        pytest.skip("needs binutils")
    headers = subprocess.run(
        [readelf, "-lW", _core.__file__], check=True, capture_output=True, text=True, timeout=60
    ).stdout
    (stack,) = [line for line in headers.splitlines() if "GNU_STACK" in line]
    assert "RWE" not in stack


# The processor's state ------------------------------------------------------------------------------------------


def test_the_rounding_mode_belongs_to_the_greenlet(run_script):
    """The control words of the floating-point units are the callee's to keep, so each greenlet has its own."""
    done = run_script(
        PRELUDE
        + """
import ctypes, ctypes.util
libm = ctypes.CDLL(ctypes.util.find_library("m"))
UPWARD = 0x800 if os.uname().machine == "x86_64" else 0x400000

def run():
    libm.fesetround(UPWARD)
    main.switch(libm.fegetround() == UPWARD)
    return libm.fegetround() == UPWARD

one = greenlet(run)
print(one.switch(), libm.fegetround(), greenlet(libm.fegetround).switch(), one.switch(), libm.fegetround())
"""
    )
    assert done.stdout == "True 0 0 True 0\n", done.stderr


def test_floats_and_vectors_survive_switches(run_script):
    done = run_script(
        PRELUDE
        + """
import math

def run(seed):
    total = 0.0
    for n in range(1, 200):
        total += math.sqrt(seed * n) * math.sin(n)
        main.switch()
    return total

def alone(seed):
    total = 0.0
    for n in range(1, 200):
        total += math.sqrt(seed * n) * math.sin(n)
    return total

greenlets = [greenlet(run) for _ in range(20)]
for seed, one in enumerate(greenlets):
    one.switch(seed)
for _ in range(198):
    for one in greenlets:
        one.switch()
results = [one.switch() == alone(seed) for seed, one in enumerate(greenlets)]
print(all(results), all(one.dead for one in greenlets))
"""
    )
    assert done.stdout == "True True\n", done.stderr


def test_errno_and_signals_masks_stay_the_threads(run_script):
    done = run_script(
        PRELUDE
        + """
def run():
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    main.switch()
    return signal.pthread_sigmask(signal.SIG_BLOCK, [])

one = greenlet(run)
one.switch()
print(signal.SIGUSR1 in signal.pthread_sigmask(signal.SIG_BLOCK, []), one.switch() == {signal.SIGUSR1})
"""
    )
    assert done.stdout == "True True\n", done.stderr


# Valgrind -------------------------------------------------------------------------------------------------------

STRESS = Path(__file__).with_name("stress.py")


@pytest.mark.skipif("PLAIT_TEST_VALGRIND" not in os.environ, reason="needs a build with -Dvalgrind=true, and minutes")
@pytest.mark.timeout(1200)
def test_valgrind_finds_nothing_in_random_operations():
    done = subprocess.run(
        [
            "valgrind",
            "--error-exitcode=9",
            "--undef-value-errors=no",
            sys.executable,
            str(STRESS),
            "--operations",
            "2000",
        ],
        check=False,
        capture_output=True,
        text=True,
        timeout=1000,
        env={**os.environ, "PYTHONMALLOC": "malloc", "PLAIT_MAX_STACKS": "5"},
    )
    assert done.returncode == 0, done.stderr[-4000:]
