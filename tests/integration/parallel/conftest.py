"""Programs for joblib, unmodified, run twice: on joblib, and with plait in its place.

Each program in programs/ prints one line of JSON: its results, and a witness of what answered for joblib. The run on
joblib shows that program and witness tell the truth; the run on plait is the test. Both start new sessions, so that a
process that outlives them is found.
"""

import json
import os
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).with_name("programs")
SIDES = {"joblib": [sys.executable], "plait": [sys.executable, "-m", "plait", "run", "--as", "joblib"]}


@pytest.fixture
def on_both(tmp_path):
    """Run a program on joblib, then on plait; check each witness; return both results."""

    def run(program, *args, timeout=110):
        results = {}
        for side, command in SIDES.items():
            output = run_alone([*command, PROGRAMS / program, *map(str, args)], tmp_path / side, timeout)
            said = json.loads(output.splitlines()[-1])
            check(side, said["witness"])
            results[side] = said["results"]
        return results["joblib"], results["plait"]

    return run


@pytest.fixture(scope="session")
def sides():
    """For tests that start processes of their own kinds: side -> what is put before a script or `-m module`."""
    return SIDES


def run_alone(command, folder, timeout):
    """What a command prints, run to its end in `folder`; it must end well and leave no process behind."""
    folder.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGABRT)
        out, err = process.communicate()
        pytest.fail(f"{command} has not ended within {timeout} s:\n{err}")
    assert process.returncode == 0, err
    return out


def check(side, witness):
    """Fail where a process that said `witness` did not run on `side`."""
    assert witness["version"] == version("joblib")
    assert witness["ours"] == (side == "plait")
    if side == "plait":
        assert witness["parallel"].startswith("plait.parallel")
        assert not witness["files"], "the real joblib was imported as well"
    else:
        assert witness["parallel"] == "joblib.parallel"
