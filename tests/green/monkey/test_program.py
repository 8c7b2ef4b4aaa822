"""Running a program patched: `python -m plait.green.monkey`."""

import subprocess
import sys

import pytest

SCRIPT = """
import sys, time, socket
from plait.green import monkey
print(sys.argv, __name__, monkey.is_object_patched("time", "sleep"), monkey.is_object_patched("socket", "socket"))
"""


@pytest.fixture
def start(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)

    def start(*words):
        return subprocess.run(
            [sys.executable, "-m", "plait.green.monkey", *words],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
            cwd=tmp_path,
        )

    return start


@pytest.mark.parametrize(
    ("options", "patched"),
    [((), "True True"), (("--no-time",), "False True"), (("--time",), "True False"), (("--no-socket",), "True False")],
)
def test_options_say_what_is_patched(start, options, patched):
    result = start(*options, "script.py", "--its", "own")
    assert (result.stdout, result.stderr) == (f"['script.py', '--its', 'own'] __main__ {patched}\n", "")


def test_a_module_can_be_run(start, tmp_path):
    result = start("--module", "script", "word")
    assert result.stdout.endswith("'word'] __main__ True True\n")


def test_without_a_program_it_explains_itself(start):
    result = start()
    assert result.returncode == 0
    assert "--[no-]thread" in result.stdout


def test_an_unknown_option_is_refused(start):
    result = start("--no-such", "script.py")
    assert result.returncode != 0
    assert "'no-such'" in result.stderr
