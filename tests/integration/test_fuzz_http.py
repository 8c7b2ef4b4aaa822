"""The HTTP path of the WSGI server under a fuzzer, for a bounded time."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).parents[1] / "fuzz" / "http_requests.py"
SECONDS = 20


def run(*arguments):
    done = subprocess.run([sys.executable, FUZZ, *arguments], capture_output=True, text=True, timeout=SECONDS + 60)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout + done.stderr


@pytest.mark.skipif(
    sys.version_info >= (3, 14) or platform.machine() != "x86_64", reason="atheris has no wheel for this machine"
)
def test_guided_by_coverage():
    assert "Done" in run(f"-max_total_time={SECONDS}")


def test_by_mutation():
    assert "inputs, seed" in run("--mutate", str(SECONDS))
