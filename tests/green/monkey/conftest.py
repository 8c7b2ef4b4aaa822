"""Patching is for a whole process: every test runs its program in one of its own."""

import subprocess
import sys
import textwrap

import pytest

PATCHED = "from plait.green import monkey\nmonkey.patch_all()\n"


@pytest.fixture
def run(tmp_path):
    """Run a program, patched first unless told otherwise; returns its lines of output. A failure or a word on stderr
    fails the test."""

    def run(program, *args, patched=True, may_complain=False):
        script = tmp_path / "program.py"
        script.write_text((PATCHED if patched else "") + textwrap.dedent(program))
        result = subprocess.run(
            [sys.executable, script, *args], check=False, capture_output=True, text=True, timeout=60, cwd=tmp_path
        )
        assert result.returncode == 0, result.stdout + result.stderr
        if not may_complain:
            assert result.stderr == ""
        return result.stdout.splitlines()

    return run
