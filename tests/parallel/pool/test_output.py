"""What tasks say in workers, and where it arrives."""

import contextlib
import io
import logging
import os
import subprocess
import sys
import threading
import warnings

import pytest

from plait.parallel import Parallel, delayed, pool


@pytest.fixture
def each(launched):
    """Run a function for each argument, each a batch of its own, in one worker after another."""

    def run(function, *arguments, **keywords):
        return Parallel(n_jobs=2, batch_size=1, pre_dispatch=1, **keywords)(delayed(function)(x) for x in arguments)

    return run


def test_prints_arrive_in_the_callers_streams_in_order(each, capsys):
    def talk(i):
        print("task", i)
        print("task", i, "to stderr", file=sys.stderr)
        print("no end", i, end=";")

    each(talk, 0, 1, 2)
    captured = capsys.readouterr()
    assert captured.out == "".join(f"task {i}\nno end {i};" for i in range(3))
    assert captured.err == "".join(f"task {i} to stderr\n" for i in range(3))


def test_the_stream_of_the_moment_is_used(each):
    with contextlib.redirect_stdout(io.StringIO()) as first:
        each(print, "a")
    with contextlib.redirect_stdout(io.StringIO()) as second:
        each(print, "b")
    assert (first.getvalue(), second.getvalue()) == ("a\n", "b\n")


def test_a_line_is_out_while_its_task_runs(tmp_path, each):
    """A stream of the caller that lets the task go on when it has the first line."""

    class Gate(io.StringIO):
        def write(self, text):
            if "first" in text:
                (tmp_path / "go").touch()
            return super().write(text)

    def wait(i):
        print("first")
        while not (tmp_path / "go").exists():
            pass
        print("last")
        return i

    with contextlib.redirect_stdout(Gate()) as stream:
        assert each(wait, 5) == [5]
    assert stream.getvalue() == "first\nlast\n"


def test_what_was_printed_before_a_death_arrives(each, capsys):
    def die(i):
        print("about to die")
        os._exit(3)

    with pytest.raises(Exception, match="left with exit status 3"):
        each(die, 0)
    assert capsys.readouterr().out == "about to die\n"


def test_bytes_and_any_text(each, capsysbinary):
    def write(i):
        sys.stdout.write("žluť \udce9\n")
        sys.stdout.buffer.write(b"\xf0\x9f")
        sys.stdout.flush()
        sys.stdout.buffer.write(b"\x98\x80 raw\n")

    each(write, 0)
    assert capsysbinary.readouterr().out.decode(errors="surrogateescape").splitlines()[1:] == ["\U0001f600 raw"]


def test_threads_of_a_task_may_print(each, capsys):
    def talk(i):
        threads = [threading.Thread(target=lambda n: [print(f"{n}-{k}") for k in range(50)], args=(n,)) for n in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    each(talk, 0)
    lines = capsys.readouterr().out.split()
    assert [line for line in lines if line[0] == "a"] == [f"a-{k}" for k in range(50)]
    assert [line for line in lines if line[0] == "b"] == [f"b-{k}" for k in range(50)]


def test_a_child_of_a_task_writes_to_the_inherited_descriptor(run_script):
    result = run_script("""
        import os, subprocess, sys
        from plait.parallel import Parallel, delayed

        def start(i):
            subprocess.run([sys.executable, "-c", "print('program')"])
            if not os.fork():
                print("child", flush=True)
                os._exit(0)
            os.wait()
            print("task")

        Parallel(n_jobs=2)([delayed(start)(0)])
    """)
    assert sorted(result.stdout.split()) == ["child", "program", "task"]
    assert result.stderr == ""


def test_it_can_be_switched_off_and_on(run_script):
    result = run_script("""
        import io, logging, sys, warnings
        from plait.parallel import Parallel, delayed
        logging.basicConfig(format="%(levelname)s %(message)s")

        def talk(i):
            print("print", i)
            warnings.warn(f"warning {i}")
            logging.warning("log %s", i)

        Parallel(n_jobs=2)([delayed(abs)(1)])  # workers that have the streams of now
        real = sys.stdout, sys.stderr
        for forward in (True, False, True):
            sys.stdout, sys.stderr = io.StringIO(), io.StringIO()
            Parallel(n_jobs=2, forward_output=forward)([delayed(talk)(forward)])
            caught = sys.stdout.getvalue(), sys.stderr.getvalue()
            sys.stdout, sys.stderr = real
            print(forward, caught[0] == "print True\\n", "warning True" in caught[1])
    """)
    lines = [line for line in result.stdout.splitlines() if not line.startswith("print")]
    assert lines[0] == "True True True"
    assert lines[1] == "False False False"
    assert lines[2].startswith("True True")  # the same warning is not shown again
    assert "print False" in result.stdout
    assert result.stderr.count("WARNING log") == 3


def test_warnings_go_through_the_callers_filters(each):
    def warn(i):
        warnings.warn(f"number {i}", UserWarning, stacklevel=1)
        warnings.warn("old", DeprecationWarning, stacklevel=1)
        return i

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", DeprecationWarning)
        assert each(warn, 0, 1) == [0, 1]
    assert [(str(one.message), one.category) for one in caught] == [(f"number {i}", UserWarning) for i in (0, 1)]
    assert caught[0].filename == __file__
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("error")
        assert each(warn, 7) == [7]  # it is shown, and fails nothing
    assert [str(one.message) for one in caught] == ["number 7", "old"]


def test_a_warning_that_several_workers_have_is_shown_once(tmp_path, monkeypatch, launched):
    (tmp_path / "warns_in_tasks.py").write_text(
        "import warnings, pathlib\n"
        "def warn(folder, i):\n"
        "    (pathlib.Path(folder) / f'{i}.began').touch()\n"
        "    while len(list(pathlib.Path(folder).glob('*.began'))) < 2: pass\n"
        "    warnings.warn('the same')\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    import warns_in_tasks

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        Parallel(n_jobs=2)(delayed(warns_in_tasks.warn)(str(tmp_path), i) for i in range(2))
    assert [str(one.message) for one in caught] == ["the same"]
    monkeypatch.delitem(sys.modules, "warns_in_tasks")


def test_log_records_reach_the_callers_loggers_at_its_levels(each, caplog):
    def log(i):
        logging.getLogger("some.name").info("value %d", i)
        logging.getLogger("some.name").debug("not this")
        logging.getLogger("other").info("nor this")
        try:
            raise KeyError(i)
        except KeyError:
            logging.getLogger("some").exception("failed %s", object, extra={"lock": threading.Lock(), "mark": i})

    with caplog.at_level(logging.INFO, logger="some.name"):
        each(log, 1, 2)
    assert [(r.name, r.levelname, r.getMessage()) for r in caplog.records] == [
        line
        for i in (1, 2)
        for line in [("some.name", "INFO", f"value {i}"), ("some", "ERROR", "failed <class 'object'>")]
    ]
    record = caplog.records[1]
    assert record.mark == 1
    assert "KeyError: 1" in record.exc_text
    assert record.process in pool.processes().pids()
    caplog.clear()
    each(log, 3)
    assert [r.levelname for r in caplog.records] == ["ERROR"]


def test_a_handler_that_a_task_installs_handles_there(each, caplog, capsys):
    def log(i):
        logger = logging.getLogger("own")
        text = io.StringIO()
        handler = logging.StreamHandler(text)
        logger.addHandler(handler)
        logger.warning("handled")
        logger.removeHandler(handler)
        return text.getvalue()

    assert each(log, 0) == ["handled\n"]
    assert caplog.records == []


def test_logging_that_only_a_task_imports_is_forwarded_too():
    script = """
import sys
from plait.parallel import Parallel, delayed
assert "logging" not in sys.modules

def log(i):
    import logging
    logging.warning("task %d", i)
    return i

print(Parallel(n_jobs=2)([delayed(log)(3)]))
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (result.stdout, result.stderr) == ("[3]\n", "task 3\n")


def test_prints_of_nested_loops_come_through(each, capsys, monkeypatch):
    monkeypatch.setattr("plait.parallel.budget.cpu_count", lambda: 8)

    def outer(i):
        Parallel(n_jobs=2)(delayed(print)("inner", i, j) for j in range(2))

    each(outer, 0, 1)
    assert sorted(capsys.readouterr().out.splitlines()) == [f"inner {i} {j}" for i in range(2) for j in range(2)]


def test_a_cancelled_task_that_prints_leaves_the_channel_whole(each, capsys):
    """The signal may come at any moment: also within a frame."""

    def talk(i):
        while True:
            print("x" * 5000)

    for _ in range(5):
        loop = Parallel(n_jobs=2, timeout=0.05, on_error="return")
        loop(delayed(talk)(i) for i in range(2))
        assert each(abs, -1, -2) == [1, 2]
        assert set(capsys.readouterr().out.split()) <= {"x" * 5000}


def test_nothing_is_sent_where_nothing_is_said(each, monkeypatch):
    from plait.parallel.outcome import listeners

    heard = []
    for kind in listeners:
        monkeypatch.setitem(listeners, kind, heard.append)
    assert each(abs, -1, -2) == [1, 2]
    assert heard == []
