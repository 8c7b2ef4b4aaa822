"""The event-loop face of the hub."""

import os
import threading

import pytest

from plait import green
from plait.green.event import Event
from plait.green.hub import get_hub
from plait.greenlet import getcurrent


@pytest.fixture
def loop():
    return get_hub().loop


def test_callbacks_run_in_the_hub(loop):
    seen = []
    loop.run_callback(lambda: seen.append(getcurrent()))
    stopped = loop.run_callback(seen.append, "stopped")
    stopped.stop()
    green.sleep(0)
    assert seen == [get_hub()]
    assert green.spawn(int).loop is loop


def test_a_timer_fires_once_or_repeats(loop, virtual_clock):
    seen = []
    once, often = loop.timer(2), loop.timer(1, repeat=1)
    once.start(seen.append, "once")
    often.start(lambda: seen.append(loop.now()))
    assert once.active and often.active
    green.sleep(3.5)
    assert seen == [1.0, "once", 2.0, 3.0]
    assert not once.active and often.active
    often.stop()
    often.stop()
    green.sleep(5)
    assert len(seen) == 4
    often.again(seen.append, "again")
    with often:
        green.sleep(1.5)
    assert seen[4:] == ["again"]


def test_io_fires_as_long_as_it_is_ready(loop):
    ready, write = os.pipe()
    seen, enough = [], Event()

    def readable(name):
        seen.append(name)
        if len(seen) == 3:
            os.read(ready, 1)
            enough.set()

    watcher = loop.io(ready, 1)
    watcher.start(readable, "readable")
    green.sleep(0.01)
    assert seen == []
    os.write(write, b"x")
    assert enough.wait(10)
    green.sleep(0.01)
    assert seen == ["readable"] * 3
    assert watcher.active
    watcher.close()
    os.write(write, b"x")
    green.sleep(0.01)
    assert len(seen) == 3
    both = loop.io(write, 2)
    both.start(lambda: (seen.append("writable"), both.stop()))
    green.sleep(0.01)
    assert seen[3:] == ["writable"]
    os.close(ready)
    os.close(write)
    with pytest.raises(ValueError, match="events=4"):
        loop.io(0, 4)


def test_async_is_sent_from_another_thread(loop):
    seen, done = [], Event()
    watcher = loop.async_()
    watcher.start(lambda: (seen.append(getcurrent()), done.set()))
    thread = threading.Thread(target=watcher.send)
    thread.start()
    assert done.wait(10)
    thread.join()
    watcher.stop()
    watcher.send()
    green.sleep(0.01)
    assert seen == [get_hub()]


def test_a_failing_callback_is_reported_with_its_watcher(loop, errors):
    watcher = loop.timer(0)
    watcher.start(lambda: 1 / 0)
    green.sleep(0.01)
    assert [context for context, _ in errors] == [watcher]
    with pytest.raises(TypeError, match="callback=5"):
        watcher.start(5)
