"""`plait run --as`: the peers' names are plait's in the program and in the Python processes that it starts."""

import textwrap

import pytest

PROGRAM = """
import subprocess, sys
import greenlet
import plait.greenlet
assert greenlet is plait.greenlet
child = "import greenlet, plait.greenlet; print('child', greenlet is plait.greenlet)"
subprocess.run([sys.executable, "-c", child], check=True)
print("own", sys.argv[1:])
"""


@pytest.mark.parametrize("words", [["--as", "greenlet"], ["--as", "greenlet,gevent"], []])
def test_the_names_hold_in_the_program_and_its_children(run_plait, tmp_path, words):
    (tmp_path / "program.py").write_text(PROGRAM)
    result = run_plait("run", *words, "program.py", "--as", "x")
    assert result.stdout == "child True\nown ['--as', 'x']\n", result.stderr


def test_a_module_run_by_name_may_be_a_peers(run_plait, tmp_path):
    (tmp_path / "user.py").write_text(
        textwrap.dedent("""
        from greenlet import greenlet
        print(greenlet.__module__, greenlet(lambda: "ran").switch())
    """)
    )
    result = run_plait("run", "--as", "greenlet", "-m", "user")
    assert result.stdout.endswith(" ran\n"), result.stderr


def test_an_unknown_name_is_refused_with_the_known_ones(run_plait, tmp_path):
    (tmp_path / "program.py").write_text("")
    result = run_plait("run", "--as", "nonsense", "program.py")
    assert result.returncode == 2
    assert result.stderr.startswith("plait: 'nonsense' is no library that plait stands in for")


def test_none_leaves_the_real_library(run_plait, tmp_path):
    (tmp_path / "greenlet.py").write_text("real = True")
    (tmp_path / "program.py").write_text("import greenlet; print(greenlet.real)")
    assert run_plait("run", "--as", "", "program.py").stdout == "True\n"
