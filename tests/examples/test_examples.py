"""The example programs print exactly what the readme says. Their wall times are `make tour`'s business."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from plait.cli.tour import PROGRAMS

EXAMPLES = Path(__file__).parents[2] / "examples"
OUTPUT = {
    "switch_by_hand.py": r"Foo start\nBar start\nFoo end\nBar end\n",
    "two_sleepers.py": r"T1 start\nT2 start\nT2 done\nT1 done\n"
    r"\[<Greenlet at (0x[0-9a-f]+): _run>, <Greenlet at (0x[0-9a-f]+): _run>\]\n",
    "parallel_squares.py": r"\[0, 1, 4, 9, 16, 25\]\n",
    "lazy_squares.py": r"\(0, 1, 4, 9, 16, 25\)\n",
    "stdlib_census.py": r"\d+ files, \d+ names, \d+ different; the commonest:\n"
    r"self \d+, .*\nequal to one by one: True\n",
}


def run(file):
    result = subprocess.run([sys.executable, EXAMPLES / file], check=False, capture_output=True, text=True, timeout=100)
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


@pytest.mark.parametrize("file", OUTPUT)
def test_output(file):
    assert re.fullmatch(OUTPUT[file], run(file))


def test_the_tour_runs_every_example():
    assert {program.file for program in PROGRAMS} == {path.name for path in EXAMPLES.glob("*.py")}
