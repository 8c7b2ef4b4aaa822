"""CPython's own tests of asyncio on our loop: those that are quick; `benchmarks.green.asyncio_tests` runs them all."""

import importlib.util
import subprocess
import sys

import pytest

MODULES = ["test_locks", "test_queues", "test_server", "test_sock_lowlevel", "test_streams", "test_timeouts"]

IN_PLACE = """
import asyncio, sys, unittest
from plait.green.aio import EventLoop as Ours

made = 0

class EventLoop(Ours):
    def __init__(self, selector=None):
        global made
        made += 1
        super().__init__()

asyncio.SelectorEventLoop = asyncio.unix_events.SelectorEventLoop = EventLoop
for name in ("_UnixDefaultEventLoopPolicy", "_DefaultEventLoopPolicy"):
    if hasattr(asyncio.unix_events, name):
        getattr(asyncio.unix_events, name)._loop_factory = EventLoop
tests = unittest.defaultTestLoader.loadTestsFromName(sys.argv[1])
ended = unittest.TextTestRunner().run(tests)
sys.exit(not ended.wasSuccessful() or made < 2)
"""


HAS_TESTS = importlib.util.find_spec("test") is not None and importlib.util.find_spec("test.test_asyncio") is not None


@pytest.mark.skipif(not HAS_TESTS, reason="this Python came without its tests")
@pytest.mark.parametrize("module", MODULES)
def test_the_standard_librarys_tests_pass(module, tmp_path):
    ended = subprocess.run(
        [sys.executable, "-c", IN_PLACE, f"test.test_asyncio.{module}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-6000:]
