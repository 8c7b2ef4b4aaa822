"""Child processes: the standard library's outcomes, while others run."""

import gc
import io
import os
import signal
import subprocess as stock
import sys
import threading

import pytest

from plait import green
from plait.green import os as green_os
from plait.green import subprocess
from plait.green.event import Event
from plait.green.fileobject import FileObject
from plait.green.hub import get_hub

CAT = [sys.executable, "-c", "import sys; sys.stdout.write(sys.stdin.read())"]
UNTIL_EOF = ["cat"]


@pytest.fixture(autouse=True)
def nothing_leaks():
    get_hub()
    green.sleep(0)
    before = set(os.listdir("/proc/self/fd"))
    yield
    gc.collect()
    assert set(os.listdir("/proc/self/fd")) <= before
    with pytest.raises(ChildProcessError):  # no zombie, no orphan
        os.waitpid(-1, os.WNOHANG)


def python(code, **arguments):
    return subprocess.run([sys.executable, "-c", code], **arguments)


def others_run_during(function):
    """What function() gives; fails where nobody else ran meanwhile."""
    ran = []
    other = green.spawn(lambda: [(green.sleep(0.001), ran.append(True)) for _ in range(3)])
    result = function()
    assert ran
    other.kill()
    return result


# -- the functions


def test_run_and_its_kin_let_others_run():
    slow = "import time; time.sleep(0.1); print('out'); raise SystemExit(3)"
    done = others_run_during(lambda: python(slow, stdout=subprocess.PIPE, text=True))
    assert (done.returncode, done.stdout) == (3, "out\n")
    assert isinstance(done, stock.CompletedProcess)
    command = [sys.executable, "-c", slow]
    assert others_run_during(lambda: subprocess.call(command, stdout=subprocess.DEVNULL)) == 3
    with pytest.raises(stock.CalledProcessError):
        others_run_during(lambda: subprocess.check_call(command, stdout=subprocess.DEVNULL))
    with pytest.raises(stock.CalledProcessError) as caught:
        others_run_during(lambda: subprocess.check_output(command))
    assert caught.value.output == b"out\n"
    assert others_run_during(lambda: subprocess.getstatusoutput("sleep 0.1; echo out; exit 3")) == (3, "out")
    assert others_run_during(lambda: subprocess.getoutput("sleep 0.1; echo out")) == "out"


def test_the_functions_start_this_modules_popen(monkeypatch):
    started = []

    class Popen(subprocess.Popen):
        def __init__(self, *args, **kwargs):
            started.append(args)
            super().__init__(*args, **kwargs)

    monkeypatch.setattr(subprocess, "Popen", Popen)
    subprocess.run(["true"], check=True)
    subprocess.check_output(["true"])
    assert len(started) == 2


def test_every_name_of_the_standard_library_is_here():
    assert set(stock.__all__) <= set(vars(subprocess))
    assert subprocess.TimeoutExpired is stock.TimeoutExpired
    assert subprocess.PIPE == stock.PIPE
    assert subprocess.list2cmdline(["a b", "c"]) == '"a b" c'


def test_a_missing_program_is_an_error_and_leaves_nothing():
    for _ in range(5):
        with pytest.raises(FileNotFoundError):
            subprocess.Popen(["this-program-does-not-exist"], stdout=subprocess.PIPE)


def test_parameters_reach_the_child(tmp_path):
    code = "import os; print(os.getcwd(), os.environ['X'], oct(os.umask(0)), os.getpgrp() == os.getpid())"
    done = python(
        code,
        cwd=tmp_path,
        env={**os.environ, "X": "y"},
        umask=0o077,
        process_group=0,
        capture_output=True,
        encoding="utf-8",
        pipesize=4096,
        user=os.getuid(),
        group=os.getgid(),
        start_new_session=False,
        restore_signals=True,
    )
    assert done.stdout == f"{tmp_path} y 0o77 True\n"
    seen = python("pass", preexec_fn=lambda: os.write(2, b"before"), stderr=subprocess.PIPE)
    assert seen.stderr == b"before"


# -- timeouts


def test_a_timeout_is_kept_although_a_grandchild_holds_the_pipes(tmp_path):
    """gevent's run() returns here when the grandchild ends."""
    pid_file = tmp_path / "pid"
    with pytest.raises(subprocess.TimeoutExpired) as caught:
        subprocess.run(
            f"echo started; sleep 1000 & echo $! > {pid_file}; wait", shell=True, timeout=0.5, capture_output=True
        )
    assert caught.value.stdout == b"started\n"
    grandchild = int(pid_file.read_text())
    assert os.path.exists(f"/proc/{grandchild}")
    os.kill(grandchild, signal.SIGKILL)


def test_a_timeout_takes_the_time_it_says(virtual_clock):
    with pytest.raises(subprocess.TimeoutExpired):
        subprocess.run("exec sleep 1000", shell=True, timeout=90, capture_output=True)
    assert 90 - 1 < virtual_clock.now_ns() / 1e9 <= 90
    popen = subprocess.Popen(["sleep", "1000"])
    before = virtual_clock.now_ns()
    with pytest.raises(subprocess.TimeoutExpired) as caught:
        popen.wait(timeout=100)
    assert caught.value.timeout == 100
    assert virtual_clock.now_ns() - before == 100e9
    popen.kill()
    assert popen.wait() == -signal.SIGKILL


def test_communicate_goes_on_after_a_timeout():
    code = "import sys; data = sys.stdin.read(); print(len(data)); sys.stdout.flush(); input_ = open(0)"
    size = 1 << 20
    popen = subprocess.Popen(
        [sys.executable, "-c", f"import time, sys; print('first', flush=True); sys.stdin.read(1); {code}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    popen.send_signal(signal.SIGSTOP)
    with pytest.raises(subprocess.TimeoutExpired):
        popen.communicate("x" * size, timeout=0.01)
    popen.send_signal(signal.SIGCONT)
    with pytest.raises(ValueError, match="after starting"):
        popen.communicate("more")
    assert popen.communicate(timeout=60) == (f"first\n{size - 1}\n", None)


def test_communicate_without_end_of_input_keeps_its_deadline():
    popen = subprocess.Popen(
        [sys.executable, "-c", "while True: print('x' * 1000)"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with pytest.raises(subprocess.TimeoutExpired) as caught:
        popen.communicate(timeout=0.2)
    assert caught.value.stdout.startswith(b"xxx")
    popen.kill()
    popen.communicate()


# -- output and input


def test_communicate_exchanges_more_than_the_pipes_hold():
    data = os.urandom(1 << 20)
    popen = subprocess.Popen(
        [sys.executable, "-c", "import os; [os.write(n, os.read(0, 1 << 16)) for n in (1, 2) * 1]; " + COPY],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, err = others_run_during(lambda: popen.communicate(data))
    assert sorted(out + err) == sorted(data)
    assert popen.returncode == 0


COPY = """
while data := os.read(0, 1 << 16):
    while data:
        data = data[os.write(1, data):]
"""


def test_a_child_that_reads_nothing_is_no_error():
    popen = subprocess.Popen(["true"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert popen.communicate(bytes(1 << 20)) == (b"", b"")
    popen = subprocess.Popen(["true"], stdin=subprocess.PIPE)
    popen.wait()
    popen.stdin.write(b"x")
    assert popen.communicate(None, timeout=60) == (None, None)


@pytest.mark.parametrize("arguments", [{"text": True}, {"encoding": "utf-8"}, {"universal_newlines": True}])
def test_text_has_its_newlines_translated(arguments):
    done = subprocess.run(CAT, input="one\r\ntwo\rthree\n", capture_output=True, **arguments)
    assert done.stdout == "one\ntwo\nthree\n"
    assert done.stderr == ""
    with pytest.raises(UnicodeDecodeError):
        python("import os; os.write(1, bytes([255]))", stdout=subprocess.PIPE, encoding="utf-8")


def test_the_pipes_are_files_of_the_usual_kinds_that_let_others_run():
    popen = subprocess.Popen(CAT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert isinstance(popen.stdin, io.BufferedWriter)
    assert isinstance(popen.stdout, io.BufferedReader)
    reader = green.spawn(popen.stdout.readline)
    green.sleep(0)
    with popen:
        popen.stdin.write(b"line\n")
        popen.stdin.close()
        assert reader.get() == b"line\n"
    with subprocess.Popen(CAT, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as popen:
        assert isinstance(popen.stdin, io.RawIOBase)
        assert popen.stdin.write(b"raw") == 3
        popen.stdin.close()
        assert popen.stdout.read(10) == b"raw"
    with subprocess.Popen(["cat"], bufsize=1, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as popen:
        assert isinstance(popen.stdin, io.TextIOWrapper)
        popen.stdin.write("a line\n")
        assert popen.stdout.readline() == "a line\n"


def test_a_pipeline_of_children_finds_blocking_descriptors():
    first = subprocess.Popen("sleep 0.2; echo late", shell=True, stdout=subprocess.PIPE)
    second = subprocess.Popen(["cat"], stdin=first.stdout, stdout=subprocess.PIPE)
    third = subprocess.Popen(["cat"], stdin=second.stdout.fileno(), stdout=subprocess.PIPE)
    first.stdout.close()
    second.stdout.close()
    assert others_run_during(third.communicate) == (b"late\n", None)
    assert (first.wait(), second.wait()) == (0, 0)


def test_a_file_object_lent_to_a_child_stays_cooperative():
    ready, write = os.pipe()
    with FileObject(ready, "rb", bufsize=0) as file:
        with subprocess.Popen(["true"], stdin=file):
            pass
        assert os.get_blocking(ready)
        reader = green.spawn(file.read, 10)
        green.sleep(0)
        assert not reader.ready()
        os.write(write, b"data")
        assert reader.get() == b"data"
    os.close(write)


def test_leaving_the_block_ends_greenlets_that_read():
    with subprocess.Popen(["sleep", "1000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as popen:
        readers = [green.spawn(popen.stdout.read), green.spawn(popen.stderr.readline)]
        exchange = green.spawn(popen.communicate)
        green.sleep(0.01)
        popen.kill()
        exchange.kill()
    green.joinall(readers)
    assert popen.stdout.closed
    assert popen.stderr.closed
    assert popen.returncode == -signal.SIGKILL


# -- the end


def test_waiting_lets_others_run_and_any_number_may_wait():
    popen = subprocess.Popen(UNTIL_EOF, stdin=subprocess.PIPE)
    waiting = [green.spawn(popen.wait) for _ in range(3)]
    green.sleep(0)
    assert popen.poll() is None
    assert not popen.ready()
    popen.stdin.close()
    assert [one.get() for one in waiting] == [0, 0, 0]
    assert popen.poll() == popen.returncode == 0


def test_poll_alone_finds_the_end():
    popen = subprocess.Popen(["true"])
    while popen.poll() is None:
        pass
    assert popen.returncode == 0


def test_links_are_called_when_the_child_has_ended():
    popen = subprocess.Popen(UNTIL_EOF, stdin=subprocess.PIPE)
    seen, both = [], Event()

    def ended(name):
        def note(child):
            seen.append((name, child is popen, child.returncode))
            if len(seen) == 2:
                both.set()

        return note

    unlinked = ended("unlinked")
    popen.rawlink(ended("raw"))
    popen.rawlink(unlinked)
    popen.link(ended("spawned"))
    popen.unlink(unlinked)
    popen.unlink(unlinked)
    green.sleep(0)
    popen.stdin.close()
    assert both.wait(30)
    assert sorted(seen) == [("raw", True, 0), ("spawned", True, 0)]
    late = Event()
    popen.rawlink(lambda _: late.set())
    assert late.wait(30)
    with pytest.raises(TypeError, match="callback=5"):
        popen.rawlink(5)


def test_green_wait_takes_children():
    children = [subprocess.Popen(["sh", "-c", f"exit {code}"]) for code in (1, 2)]
    assert set(green.wait(children)) == set(children)
    assert [child.returncode for child in children] == [1, 2]


def test_a_status_that_another_took_is_no_hang():
    popen = subprocess.Popen(UNTIL_EOF, stdin=subprocess.PIPE)
    waiting = green.spawn(popen.wait)
    green.sleep(0)
    popen.stdin.close()
    os.waitpid(popen.pid, 0)
    assert waiting.get() == 0


def test_a_status_that_a_watcher_took_is_the_childs():
    popen = subprocess.Popen(["sh", "-c", "exit 7"])
    ended = Event()
    with get_hub().loop.child(popen.pid) as watcher:
        watcher.start(ended.set)
        assert ended.wait(30)
    assert popen.wait() == 7
    assert green_os.waitpid(popen.pid, 0) == (popen.pid, 7 << 8)


def test_ignored_child_signals_are_no_hang():
    script = """
import signal
from plait import green
from plait.green import subprocess
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
green.sleep(0)
print(subprocess.call(["sh", "-c", "exit 3"]))
"""
    done = stock.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("0\n", "")


def test_any_thread_may_start_and_wait_with_or_without_a_hub():
    seen = []

    def work():
        seen.append(python("print(1)", capture_output=True).stdout)
        popen = subprocess.Popen(["sleep", "1000"])
        with pytest.raises(subprocess.TimeoutExpired):
            popen.wait(0.01)
        popen.kill()
        popen.wait()
        green.spawn(lambda: None).join()
        seen.append(python("print(2)", capture_output=True, timeout=60).stdout)
        seen.append(others_run_during(lambda: subprocess.call(["sleep", "0.1"])))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(60)
    assert seen == [b"1\n", b"2\n", 0]


@pytest.mark.parametrize("fork", [os.fork, green_os.fork])
def test_a_forked_child_may_have_children(fork):
    green.sleep(0)
    pid = fork()
    if not pid:
        code = 1
        try:
            done = others_run_during(lambda: python("print(1)", capture_output=True, timeout=60))
            code = 0 if done.stdout == b"1\n" else 2
        finally:
            os._exit(code)
    assert green_os.waitpid(pid, 0) == (pid, 0)


def test_many_children_at_once_all_end_with_their_own_status():
    def child(code):
        return subprocess.call(["sh", "-c", f"exit {code}"])

    children = [green.spawn(child, code) for code in range(40)]
    green.joinall(children, raise_error=True)
    assert [child.value for child in children] == list(range(40))


def test_a_killed_run_kills_its_child():
    popens = []

    class Popen(subprocess.Popen):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            popens.append(self)

    def run():
        with Popen(["sleep", "1000"]) as popen:
            try:
                popen.communicate()
            except BaseException:
                popen.kill()
                raise

    greenlet = green.spawn(run)
    green.sleep(0.01)
    greenlet.kill()
    assert popens[0].returncode == -signal.SIGKILL


def test_ctrl_c_reaches_who_waits_and_the_child_is_not_waited_for_long():
    script = """
import os, signal, threading
from plait import green
from plait.green import subprocess
green.sleep(0)
popen = subprocess.Popen(["sleep", "1000"], start_new_session=True)
threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    popen.wait()
except KeyboardInterrupt:
    print("interrupted", popen.poll())
popen.kill()
print(popen.wait())
"""
    done = stock.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("interrupted None\n-9\n", "")
