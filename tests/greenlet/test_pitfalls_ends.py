"""Ends: of the interpreter, of threads, of forked children, of interpreters within; with greenlets alive."""

import pytest

PRELUDE = """
import atexit, gc, os, sys, threading, time, warnings
from plait.greenlet import GreenletExit, error, getcurrent, greenlet

main = getcurrent()

def parked(log=print):
    here = getcurrent()
    def run():
        try:
            here.switch()
        finally:
            log("finally")
    one = greenlet(run)
    one.switch()
    return one
"""


@pytest.fixture
def script(run_script):
    """Run the source after PRELUDE; demand its output, a clean exit and a silent stderr."""

    def run(source, expected, code=0, **environment):
        done = run_script(PRELUDE + source, **environment)
        assert (done.returncode, done.stdout) == (code, expected), f"{done.stdout}\n{done.stderr[-3000:]}"
        assert done.stderr == ""

    return run


# Interpreter shutdown -------------------------------------------------------------------------------------------


def test_a_greenlet_that_is_parked_at_exit_is_dropped_in_silence(script):
    script("one = parked(lambda _: None)\nprint('leaving')", "leaving\n")


def test_nothing_is_thrown_into_greenlets_once_the_interpreter_is_finalizing(script):
    """What their finally blocks would use may be gone by then."""
    script(
        """
import builtins
builtins.kept = parked()
class Last:
    def __del__(self):
        builtins.kept = None
        print("dropped")
sys.modules["last"] = Last()
print("leaving")
""",
        "leaving\ndropped\n",
    )


def test_many_greenlets_of_all_states_at_exit(script):
    script(
        """
kept = [parked(lambda _: None) for _ in range(1000)]
kept += [greenlet(lambda: None) for _ in range(1000)]
kept[0].cycle = kept
sys.modules["somewhere"] = kept
print("leaving")
""",
        "leaving\n",
    )


def test_atexit_functions_may_switch(script):
    script(
        """
one = parked()
@atexit.register
def last():
    one.switch()
    print("dead", one.dead)
    print(greenlet(lambda: "started at exit").switch())
print("leaving")
""",
        "leaving\nfinally\ndead True\nstarted at exit\n",
    )


def test_sys_exit_in_a_greenlet_ends_the_process_with_its_code(script):
    script("greenlet(lambda: sys.exit(3)).switch()\nprint('not reached')", "", code=3)


def test_an_exception_in_a_greenlet_ends_the_program_with_its_traceback(run_script):
    done = run_script(PRELUDE + "def fail():\n    raise ValueError('uncaught')\ngreenlet(fail).switch()")
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1] == "ValueError: uncaught"
    assert "in fail" in done.stderr


def test_the_program_may_end_inside_a_greenlet(script):
    script("greenlet(lambda: (print('inside', flush=True), os._exit(4))).switch()", "inside\n", code=4)


def test_main_parked_while_a_greenlet_runs_atexit_functions(script):
    script(
        """
def run():
    atexit.register(print, "at exit")
    sys.exit(0)
one = greenlet(run)
one.switch()
""",
        "at exit\n",
    )


def test_a_greenlet_kept_by_a_module_and_used_in_del_at_shutdown(run_script):
    """Modules are torn down in some order; whatever is still possible, nothing crashes."""
    done = run_script(
        PRELUDE
        + """
class Late:
    def __init__(self, one):
        self.one = one
    def __del__(self):
        try:
            self.one.switch()
        except BaseException:
            pass
        try:
            greenlet(lambda: 1).switch()
            getcurrent()
        except BaseException:
            pass

late = Late(parked(lambda _: None))
sys.modules["late"] = late
builtins = __builtins__
builtins.late = Late(parked(lambda _: None))
del late
print("leaving")
"""
    )
    assert done.stdout == "leaving\n"
    assert done.returncode == 0, done.stderr[-2000:]


def test_daemon_threads_that_switch_while_the_interpreter_ends(run_script):
    for _ in range(3):
        done = run_script(
            PRELUDE
            + """
started = threading.Barrier(5)

def work():
    here = getcurrent()
    def run():
        while True:
            here.switch()
    ring = [greenlet(run) for _ in range(5)]
    for one in ring:
        one.switch()
    started.wait()
    while True:
        for one in ring:
            one.switch()

for _ in range(4):
    threading.Thread(target=work, daemon=True).start()
started.wait()
time.sleep(0.02)
print("leaving")
"""
        )
        assert (done.returncode, done.stdout) == (0, "leaving\n"), done.stderr[-2000:]


def test_daemon_threads_blocked_inside_greenlets_at_exit(script):
    script(
        """
started = threading.Barrier(5)

def work():
    def run():
        started.wait()
        time.sleep(1000)
    greenlet(run).switch()

for _ in range(4):
    threading.Thread(target=work, daemon=True).start()
started.wait()
print("leaving")
""",
        "leaving\n",
    )


def test_threads_that_outlive_the_main_program(script):
    script(
        """
def work():
    time.sleep(0.05)
    print(greenlet(lambda: "from a thread").switch())

threading.Thread(target=work).start()
print("main ends")
""",
        "main ends\nfrom a thread\n",
    )


def test_orphans_whose_owner_never_comes_by(script):
    """Dropped in a foreign thread, and their own thread does nothing more with greenlets before the end."""
    script(
        """
held = [parked(lambda _: None) for _ in range(10)]
thread = threading.Thread(target=held.clear)
thread.start()
thread.join()
print("leaving")
""",
        "leaving\n",
    )


def test_finalization_of_the_current_non_main_greenlet(script):
    script(
        """
def run():
    other = parked(lambda _: None)
    raise SystemExit(5)
one = greenlet(run)
one.parent = main
one.switch()
""",
        "",
        code=5,
    )


# Fork -----------------------------------------------------------------------------------------------------------


def test_fork_inside_a_greenlet(script):
    script(
        """
def run():
    pid = os.fork()
    if pid == 0:
        return "child"
    os.waitpid(pid, 0)
    return "parent"

print(greenlet(run).switch(), flush=True)
""",
        "child\nparent\n",
    )


def test_a_forked_child_goes_on_with_all_greenlets_of_its_thread(script):
    script(
        """
def run(n):
    while True:
        n = main.switch(n) + n

ring = [greenlet(run) for _ in range(10)]
for n, one in enumerate(ring):
    one.switch(n)

def fork_within():
    pid = os.fork()
    values = [one.switch(1) for one in ring]
    assert values == list(range(1, 11)), values
    if pid == 0:
        sys.stdout.flush()
        os._exit(0 if greenlet(lambda: "new").switch() == "new" else 1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

print(fork_within())
""",
        "0\n",
    )


def test_greenlets_of_other_threads_are_gone_in_a_forked_child(script):
    script(
        """
theirs = []
ready, end = threading.Event(), threading.Event()

def work():
    here = getcurrent()
    one = greenlet(lambda: here.switch())
    one.switch()
    theirs.append(one)
    ready.set()
    end.wait()

thread = threading.Thread(target=work)
thread.start()
ready.wait()
warnings.simplefilter("ignore")  # of forking with threads
pid = os.fork()
if pid == 0:
    try:
        theirs[0].switch()
    except error:
        print("refused", flush=True)
    theirs.clear()
    gc.collect()
    print(greenlet(lambda: "child lives").switch(), flush=True)
    os._exit(0)
os.waitpid(pid, 0)
end.set()
thread.join()
""",
        "refused\nchild lives\n",
    )


def test_a_child_forked_in_a_greenlet_may_end_normally(script):
    script(
        """
def run():
    pid = os.fork()
    if pid == 0:
        sys.exit(7)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

print(greenlet(run).switch())
""",
        "7\n",
    )


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing_from_within_a_greenlet(method, run_script):
    done = run_script(
        f"""
        import multiprocessing
        from plait.greenlet import greenlet

        def square(n):
            return greenlet(lambda: n * n).switch()

        def run():
            with multiprocessing.get_context({method!r}).Pool(2) as pool:
                return pool.map(square, range(5))

        if __name__ == "__main__":
            print(greenlet(run).switch())
        """
    )
    assert done.stdout == "[0, 1, 4, 9, 16]\n", done.stderr[-2000:]


# Threads --------------------------------------------------------------------------------------------------------


def test_a_thread_that_ends_inside_a_greenlet(script):
    script(
        """
def work():
    greenlet(lambda: sys.exit()).switch()

for _ in range(20):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
gc.collect()
print("done")
""",
        "done\n",
    )


def test_many_threads_that_leave_parked_greenlets(script):
    script(
        """
from plait.greenlet import stats

def work():
    for _ in range(20):
        parked(lambda _: None).keep = getcurrent()
    kept = [parked(lambda _: None) for _ in range(20)]

for _ in range(30):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
gc.collect()
getcurrent()
print(stats()["used"], stats()["threads"])
""",
        "0 1\n",
    )


def test_a_cycle_of_frames_that_was_never_collected(script):
    script(
        """
import weakref
class Token:
    pass
refs = []

def work():
    here = getcurrent()
    def run():
        token = Token()
        refs.append(weakref.ref(token))
        frame = sys._getframe()
        token.frame = frame
        here.switch()
    one = greenlet(run)
    one.switch()

thread = threading.Thread(target=work)
thread.start()
thread.join()
gc.collect()
getcurrent()
print(len(refs))
""",
        "1\n",
    )


# Interpreters ---------------------------------------------------------------------------------------------------

RUN_IN_INTERPRETER = """
try:
    import _xxsubinterpreters as interpreters
except ImportError:
    import _interpreters as interpreters

def in_interpreter(source):
    try:
        made = interpreters.create("legacy")
    except (TypeError, ValueError):
        made = interpreters.create(isolated=False) if sys.version_info < (3, 13) else interpreters.create()
    try:
        result = interpreters.run_string(made, source)
        if result is not None:
            print("failed:", result.type.__name__)
    except Exception as failure:
        print("failed:", type(failure).__name__)
    finally:
        interpreters.destroy(made)
"""


def test_a_subinterpreter_either_uses_greenlets_or_refuses_the_import(run_script):
    done = run_script(
        PRELUDE
        + RUN_IN_INTERPRETER
        + '''
in_interpreter("""
import sys
try:
    from plait.greenlet import getcurrent, greenlet
except ImportError as refused:
    print("refused", flush=True)
else:
    main = getcurrent()
    one = greenlet(lambda: main.switch(1))
    assert one.switch() == 1
    one.switch()
    assert one.dead
    print("used", flush=True)
""")
print(greenlet(lambda: "main interpreter lives").switch())
'''
    )
    assert done.returncode == 0, done.stderr[-2000:]
    first, second = done.stdout.splitlines()
    assert first in {"refused", "used"}
    assert second == "main interpreter lives"


def test_a_subinterpreter_may_end_with_parked_greenlets(run_script):
    done = run_script(
        PRELUDE
        + RUN_IN_INTERPRETER
        + '''
for _ in range(5):
    in_interpreter("""
try:
    from plait.greenlet import getcurrent, greenlet
except ImportError:
    pass
else:
    main = getcurrent()
    kept = [greenlet(lambda: main.switch()) for _ in range(10)]
    for one in kept:
        one.switch()
""")
    assert greenlet(lambda: "ok").switch() == "ok"
print("done")
'''
    )
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr[-2000:]


# Parents --------------------------------------------------------------------------------------------------------


def test_a_parent_that_died_meanwhile_is_passed_over(script):
    script(
        """
above = greenlet(lambda: main.switch("above parked"))
above.switch()
below = greenlet(lambda: main.switch() or "result", parent=above)
below.switch()
above.throw()
print(below.switch())
""",
        "result\n",
    )


def test_a_parent_that_was_never_started_is_started_by_a_childs_end(script):
    script(
        """
above = greenlet(lambda *args: ("started with", args))
below = greenlet(lambda: main.switch() or "result", parent=above)
below.switch()
print(below.switch(), above.dead)
""",
        "('started with', ('result',)) True\n",
    )


def test_an_exception_into_a_parent_that_was_never_started_kills_it_too(script):
    script(
        """
def fail():
    raise ValueError("up")
above = greenlet(lambda: print("never"))
below = greenlet(fail, parent=above)
try:
    below.switch()
except ValueError as failure:
    print(failure, above.dead, below.dead)
""",
        "up True True\n",
    )


def test_a_parent_whose_run_cannot_be_fetched_passes_the_error_up(script):
    script(
        """
class Broken(greenlet):
    @property
    def run(self):
        raise LookupError("no run")

above = Broken()
below = greenlet(lambda: "result", parent=above)
try:
    print(below.switch())
except LookupError as failure:
    print("caught", failure, below.dead)
""",
        "caught no run True\n",
    )


def test_a_long_chain_of_dead_parents(script):
    script(
        """
chain = main
links = []
for n in range(10_000):
    chain = greenlet(lambda *args: None, parent=chain)
    links.append(chain)
for link in reversed(links[:-1]):
    link.throw()
print(links[-1].switch() is None)
""",
        "True\n",
    )


def test_a_chain_of_parents_that_start_each_other(script):
    script(
        """
chain = main
links = []
for n in range(3000):
    chain = greenlet(lambda got=0: got + 1, parent=chain)
    links.append(chain)
print(links[-1].switch(), all(link.dead for link in links))
""",
        "3000 True\n",
    )


def test_dropping_a_long_chain_of_unstarted_parents(script):
    """Each holds the last reference to the next: the nesting of deallocation must be bounded."""
    script(
        """
bottom = top = greenlet()
for n in range(20_000):
    above = greenlet()
    top.parent = above
    top = above
del top, above
del bottom
print("dropped")
""",
        "dropped\n",
    )
