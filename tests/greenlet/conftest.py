"""What the tests of layer 1 share: every test gives back the stacks and threads it took."""

import gc
import threading

import pytest

from plait.greenlet import getcurrent, settrace, stats


@pytest.fixture(autouse=True)
def _nothing_leaks():
    gc.collect()
    getcurrent()  # ends what other threads have dropped of ours
    before = stats()
    running = threading.active_count()
    yield
    assert settrace(None) is None, "the test has left a trace function"
    gc.collect()
    getcurrent()
    gc.collect()
    after = stats()
    assert threading.active_count() == running
    assert after["used"] <= before["used"], "the test has left greenlets with a stack"
    assert after["threads"] <= before["threads"], "the test has left a thread's main greenlet"
