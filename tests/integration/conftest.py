"""Programs of others, unmodified, run twice: on the libraries they were written for, and on plait.

Each program in programs/ ends by printing one line of JSON: its results, and a witness of which greenlet it ran on. The
first run shows that program and witness tell the truth; the second is the test.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

PROGRAMS = Path(__file__).with_name("programs")


class Run(NamedTuple):
    """What a program said: its results without the witness, and the witness."""

    results: dict[str, object]
    greenlet: str
    version: str
    extensions: list[str]
    ours: bool


@pytest.fixture
def on_both(tmp_path):
    """Run a program on stock and on plait, side by side; checks each witness and returns the results of both."""

    def run(program, *args, timeout=100):
        commands = {
            "stock": [sys.executable, PROGRAMS / program, *args],
            "plait": [sys.executable, "-m", "plait", "run", "--as", "greenlet", PROGRAMS / program, *args],
        }
        children = {name: start(command, tmp_path / name) for name, command in commands.items()}
        try:
            stock, plait = (read(child, timeout) for child in children.values())
        finally:
            for child in children.values():
                child.kill()
                child.wait()
        assert stock.greenlet == "greenlet"
        assert not stock.ours
        assert [path for path in stock.extensions if "/_greenlet." in path]
        assert plait.greenlet == "plait.greenlet"
        assert plait.ours
        assert plait.version == stock.version
        assert not [path for path in plait.extensions if "/_greenlet." in path]
        return stock.results, plait.results

    return run


def start(command, folder):
    folder.mkdir()
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def read(child, timeout):
    out, err = child.communicate(timeout=timeout)
    lines = out.splitlines()
    assert child.returncode == 0, f"exit code {child.returncode}\n{err[-4000:]}"
    assert lines, err[-4000:]
    said = json.loads(lines[-1])
    witness = {name: said.pop(name) for name in Run._fields if name != "results"}
    return Run(said, **witness)
