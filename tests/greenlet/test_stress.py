"""The stress program at a size for every run, where stacks are plenty, where they are shared, and with threads.

A debug build runs a million operations; one with AddressSanitizer, where each costs more, fewer.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from plait.greenlet import _core

SANITIZED = "libasan" in os.environ.get("LD_PRELOAD", "")
OPERATIONS = 50_000 if SANITIZED else 1_000_000 if hasattr(_core, "fail_allocation") else 100_000
STRESS = Path(__file__).with_name("stress.py")


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (["--operations", "100000"], {}),
        (["--operations", "100000"], {"PLAIT_MAX_STACKS": "2"}),
        (["--operations", "100000"], {"PLAIT_MAX_STACKS": "9"}),
        (["--operations", "100000"], {"PLAIT_EVICT_ALWAYS": "1"}),  # heeded by debug builds
        (["--operations", "100000"], {"PLAIT_GUARD": "mprotect", "PLAIT_MAX_STACKS": "5"}),
        (["--operations", "20000", "--threads", "4"], {}),
        (["--operations", "20000", "--threads", "4"], {"PLAIT_MAX_STACKS": "2"}),
    ],
)
def test_random_operations_end_as_the_model_says(arguments, environment, monkeypatch):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    done = subprocess.run(
        [sys.executable, str(STRESS), *arguments], check=False, capture_output=True, text=True, timeout=110
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-4000:]}"
    assert "passed" in done.stdout, done.stdout


def test_the_same_seed_repeats_a_run():
    def counts():
        command = [sys.executable, str(STRESS), "--seed", "3", "--operations", "3000"]
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
        return done.stdout.split(";")[:2]

    assert counts() == counts()
