"""`plait run`: the program sees what it would see under python."""

import os
import signal
import subprocess
import sys
import textwrap

import pytest

NONE = ("--as", "")


@pytest.fixture
def program(tmp_path):
    """Write a file into the folder that `plait run` runs in; returns its name."""

    def write(source, name="program.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(source))
        return name

    return write


def test_a_script_sees_its_arguments_name_and_folder(run_plait, program, tmp_path):
    script = program("import sys; print(sys.argv, __name__, __file__, __spec__, sys.path[0])", "inner/program.py")
    result = run_plait("run", *NONE, script, "-v", "--as", "x", "--help")
    folder = os.path.realpath(tmp_path / "inner")
    expected = f"['{script}', '-v', '--as', 'x', '--help'] __main__ {folder}/program.py None {folder}\n"
    assert (result.stdout, result.stderr, result.returncode) == (expected, "", 0)


def test_a_script_runs_as_under_python(run_plait, program, tmp_path):
    script = program("""
        import sys
        import neighbour
        print(sys.argv, sys.path[0], neighbour.__name__, __file__, __package__, __spec__, __cached__)
        print({name: type(value) for name, value in sorted(globals().items())})
    """)
    program("", "neighbour.py")
    python = subprocess.run([sys.executable, script, "a"], check=True, capture_output=True, text=True, cwd=tmp_path)
    assert run_plait("run", *NONE, script, "a").stdout == python.stdout


def test_a_module_sees_what_python_m_shows_it(run_plait, program, tmp_path):
    source = "import sys; print(sys.argv, __name__, __file__, __package__, __spec__.name, sys.path[0])"
    program("", "pack/__init__.py")
    program(source, "pack/inner.py")
    program(source, "pack/__main__.py")
    for name in ("pack", "pack.inner"):
        python = subprocess.run(
            [sys.executable, "-m", name, "-v"], check=True, capture_output=True, text=True, cwd=tmp_path
        )
        assert run_plait("run", *NONE, "-m", name, "-v").stdout == python.stdout


def test_the_program_is_the_main_module_to_the_end(run_plait, program, tmp_path):
    script = program("""
        import atexit, pickle, sys, threading

        def function(): ...

        def check():
            assert pickle.loads(pickle.dumps(function)) is function
            print("main is", sys.modules["__main__"].__file__)

        atexit.register(check)
        threading.Thread(target=lambda: (threading.main_thread().join(), check())).start()
    """)
    result = run_plait("run", *NONE, script)
    assert result.stdout == f"main is {tmp_path / 'program.py'}\n" * 2, result.stderr


def test_spawned_workers_find_the_programs_functions(run_plait, program):
    script = program("""
        import multiprocessing

        def square(x):
            return x * x

        if __name__ == "__main__":
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                print(pool.map(square, range(4)))
    """)
    result = run_plait("run", *NONE, script)
    assert result.stdout == "[0, 1, 4, 9]\n", result.stderr


@pytest.mark.parametrize(
    ("ending", "code", "stderr"),
    [
        ("pass", 0, ""),
        ("sys.exit()", 0, ""),
        ("sys.exit(7)", 7, ""),
        ("sys.exit('sorry')", 1, "sorry\n"),
        ("raise SystemExit(3)", 3, ""),
    ],
)
def test_the_exit_code_is_the_programs(run_plait, program, ending, code, stderr):
    result = run_plait("run", *NONE, program(f"import sys\n{ending}"))
    assert (result.returncode, result.stderr) == (code, stderr)


def test_an_exception_shows_the_programs_traceback_alone(run_plait, program, tmp_path):
    script = program("""\
        def fail():
            1 / 0

        fail()
    """)
    result = run_plait("run", *NONE, script)
    python = subprocess.run([sys.executable, script], check=False, capture_output=True, text=True, cwd=tmp_path)
    assert (result.returncode, result.stderr) == (1, python.stderr)
    assert "ZeroDivisionError" in result.stderr


def test_a_syntax_error_shows_as_under_python(run_plait, program, tmp_path):
    script = program("a = 1\nb = = 2\n")
    result = run_plait("run", *NONE, script)
    python = subprocess.run([sys.executable, script], check=False, capture_output=True, text=True, cwd=tmp_path)
    assert (result.returncode, result.stderr) == (1, python.stderr)


def test_an_own_excepthook_is_called(run_plait, program):
    script = program("import sys\nsys.excepthook = lambda *info: print('hook', info[0].__name__)\n1 / 0\n")
    result = run_plait("run", *NONE, script)
    assert (result.returncode, result.stdout, result.stderr) == (1, "hook ZeroDivisionError\n", "")


def test_an_interrupt_ends_with_130_and_the_traceback(run_plait, program):
    script = program(f"import os, time\nos.kill(os.getpid(), {int(signal.SIGINT)})\ntime.sleep(30)\n")
    result = run_plait("run", *NONE, script)
    assert result.returncode == 130
    assert result.stderr.rstrip().endswith("KeyboardInterrupt")
    assert "plait" not in result.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "no program given; usage: plait run"),
        (["nope.py"], "nope.py: no such file; give the script's path, or -m"),
        (["."], ". is a folder; give a script in it, or -m"),
        (["-m"], "-m without a module; name one"),
        (["-m", "no.such.module"], "-m no.such.module: No module named 'no'; give the name"),
        (["-m", "no_such_module"], "-m no_such_module: no such module"),
    ],
)
def test_a_program_that_is_not_there_is_named_with_the_remedy(run_plait, words, message):
    result = run_plait("run", *NONE, *words)
    assert result.returncode == 2
    assert result.stderr.startswith(f"plait: {message}")
    assert result.stderr.count("\n") == 1


def test_trace_prints_the_timeline_after_the_program(run_plait, program):
    script = program("""
        from plait import trace
        with trace.span("lazy", "node", 7, name="f"):
            print("out")
    """)
    result = run_plait("run", *NONE, "--trace", script)
    assert result.stdout == "out\n"
    lines = result.stderr.splitlines()
    assert lines[0].startswith("A = worker ")
    assert lines[-1].endswith("lazy node 7 f")


def test_a_patched_program_s_threads_are_greenlets(run_plait, program):
    script = program("""
        import threading, time
        def ask(seen):
            time.sleep(0)
            seen.append(threading.get_native_id())
        seen = []
        threads = [threading.Thread(target=ask, args=(seen,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(len(seen), set(seen) == {threading.get_native_id()})
    """)
    assert run_plait("run", *NONE, "--patch", script).stdout == "3 True\n"
    assert run_plait("run", *NONE, script).stdout == "3 False\n"
