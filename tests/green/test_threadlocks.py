"""Locks of patched programs, where nothing else tests them."""

import subprocess
import sys

PROGRAM = """
from plait.green.threadlocks import RLock

class Late:
    lock, write = RLock(), __import__("os").write

    def __del__(self):
        with self.lock, self.lock:
            Late.write(1, b"locked")
        if self.lock.locked():
            Late.write(1, b" and not released")

late = Late()
"""


def test_they_still_lock_when_the_interpreter_ends():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("locked")
