"""The thread that watches a hub."""

import io
import threading
import time
import weakref

import pytest

from plait import green
from plait.green import events
from plait.green.event import Event
from plait.green.hub import get_hub
from plait.green.monitoring import PeriodicMonitoringThread
from plait.greenlet import gettrace


@pytest.fixture
def monitor(monkeypatch):
    monkeypatch.setitem(green.config._values, "monitor_thread", True)
    monkeypatch.setitem(green.config._values, "max_blocking_time", 0.01)
    hub = get_hub()
    hub.exception_stream = io.StringIO()
    before = hub.periodic_monitoring_thread
    hub.periodic_monitoring_thread = None
    yield hub.start_periodic_monitoring_thread()
    hub.periodic_monitoring_thread.kill()
    hub.periodic_monitoring_thread = before
    del hub.exception_stream


def test_a_greenlet_that_blocks_is_reported_with_its_line(monitor):
    heard = threading.Event()
    told = []

    def hear(event):
        if isinstance(event, events.EventLoopBlocked):
            told.append(event)
            heard.set()

    def blocking_function():
        assert heard.wait(30)

    events.subscribers.append(hear)
    try:
        blocking = green.spawn(blocking_function)
        blocking.join()
    finally:
        events.subscribers.remove(hear)
    assert told[0].greenlet is blocking and told[0].hub is get_hub()
    assert "in blocking_function" in "\n".join(told[0].info)
    with green.Timeout(10):
        while "appears to be blocked" not in get_hub().exception_stream.getvalue():
            green.sleep(0.001)


def test_a_hub_that_waits_is_not_reported(monitor):
    looked = threading.Semaphore(0)
    monitor.add_monitoring_function(lambda hub: looked.release(), 0.01)
    event = Event()
    green.get_hub().threadpool.spawn(lambda: [looked.acquire() for _ in range(4)]).rawlink(lambda _: event.set())
    event.wait()
    assert get_hub().exception_stream.getvalue() == ""
    green.get_hub().threadpool.kill()


def test_functions_are_added_changed_and_taken_out(monitor):
    def function(hub):
        pass

    before = len(monitor.monitoring_functions())
    monitor.add_monitoring_function(function, 1)
    monitor.add_monitoring_function(function, 2)
    assert [entry.period for entry in monitor.monitoring_functions() if entry.function is function] == [2]
    monitor.add_monitoring_function(function, None)
    assert len(monitor.monitoring_functions()) == before
    with pytest.raises(ValueError, match="positive"):
        monitor.add_monitoring_function(function, 0)
    with pytest.raises(ValueError, match="callable"):
        monitor.add_monitoring_function(7, 1)


def test_a_killed_monitor_leaves_no_trace_function(monitor):
    assert gettrace() is not None
    monitor.kill()
    assert gettrace() is None


def test_a_monitor_is_no_hope_for_a_deadlock(monitor):
    with pytest.raises(green.LoopExit):
        Event().wait()


def test_memory_is_told_when_it_grows_above_the_limit_and_when_it_falls(monitor, monkeypatch):
    class Info:
        uss = 0

    class Process:
        def memory_full_info(self):
            return Info

    told = []
    monkeypatch.setattr(events, "notify", told.append)
    monitor._process = Process()
    assert monitor.monitor_memory_usage(None) == -1
    monkeypatch.setitem(green.config._values, "max_memory_usage", 100)
    for Info.uss in (50, 150, 140, 160, 90, 80):
        monitor.monitor_memory_usage(None)
    assert [(type(event).__name__, event.mem_usage) for event in told] == [
        ("MemoryUsageThresholdExceeded", 150),
        ("MemoryUsageThresholdExceeded", 160),
        ("MemoryUsageUnderThreshold", 90),
    ]


def test_a_monitor_keeps_no_hub_alive():
    ended = []

    def thread():
        hub = get_hub()
        green.config._values["monitor_thread"] = True
        try:
            green.sleep(0.001)
        finally:
            green.config._values["monitor_thread"] = False
        ended.append((weakref.ref(hub), hub.periodic_monitoring_thread))

    runner = threading.Thread(target=thread)
    runner.start()
    runner.join()
    hub, monitor = ended[0]
    assert isinstance(monitor, PeriodicMonitoringThread)
    deadline = time.monotonic() + 10
    while monitor.should_run and time.monotonic() < deadline:
        time.sleep(0.001)
    assert not monitor.should_run
