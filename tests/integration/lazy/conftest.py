"""Programs on clusters of two workers, each in a session of its own, so that a process that outlives it is found."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

# A cluster's processes are told to end when the program ends; how long they may take.
LEAVING_S = 20
PLAIN = [sys.executable]
ALIASED = [sys.executable, "-m", "plait", "run", "--as", "dask"]


@pytest.fixture
def run_alone(tmp_path):
    """What a program prints, run to its end: it must end well and leave no process behind. ends: how it ends."""

    def run(source, aliased=False, timeout=110, ends=0):
        script = tmp_path / "program.py"
        script.write_text(textwrap.dedent(source))
        process = subprocess.Popen(
            [*(ALIASED if aliased else PLAIN), str(script)],
            cwd=tmp_path,
            env={**os.environ, "DASK_TEMPORARY_DIRECTORY": str(tmp_path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            pytest.fail(f"the program has not ended within {timeout} s:\n{out}\n{err}")
        deadline = time.monotonic() + LEAVING_S
        while (left := of_session(process.pid)) and time.monotonic() < deadline:
            time.sleep(0.05)
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        assert process.returncode == ends, err
        assert not left, f"{left} outlived the program\n{err}"
        return out

    return run


def of_session(session):
    """The processes that are left of a session, and no zombies."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, _parent, _group, its = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
            except OSError:
                continue
            if int(its) == session and state != "Z":
                found.append(int(entry.name))
    return found
