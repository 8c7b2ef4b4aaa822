"""Tests of graphs begin without workers and must leave none."""

import shutil
import subprocess
import sys
import textwrap

import pytest

from plait.parallel import nesting, pool


@pytest.fixture(autouse=True)
def nothing_left():
    pool.shutdown()
    yield
    pool.shutdown()
    assert nesting.budget().used == 0


@pytest.fixture(params=["threads", "processes", "sync", "green"])
def scheduler(request):
    return request.param


@pytest.fixture
def on_small_disk(tmp_path):
    """Runs a script whose first argument is a directory on a disk of so many kB, in a mount namespace of its own."""

    def run(source, *args, kilobytes):
        script, disk = tmp_path / "script.py", tmp_path / "disk"
        script.write_text(textwrap.dedent(source))
        disk.mkdir()
        if shutil.which("unshare") is None or subprocess.run(["unshare", "-rm", "true"], check=False).returncode:
            pytest.skip("a small disk is mounted in a mount namespace of the test's own")
        mount = f"mount -t tmpfs -o size={kilobytes}k none {disk}"
        command = f"{mount} && exec {sys.executable} {script} {disk} {' '.join(args)}"
        return subprocess.run(
            ["unshare", "-rm", "sh", "-c", command], check=False, capture_output=True, text=True, timeout=60
        )

    return run
