"""Events: who hears of them, and the interfaces that describe them."""

import importlib
import subprocess
import sys

import pytest
from zope.interface import verify

from plait.green import events


def install(folder, group):
    """A distribution in `folder` that has a plugin, a_plugin.heard.append."""
    (folder / "a_plugin.py").write_text("heard = []\n")
    info = folder / "a_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: a-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[gevent.plugins.monkey.{group}]\nhear = a_plugin:heard.append\n")


@pytest.fixture
def subscribers():
    before = events.subscribers[:]
    yield events.subscribers
    events.subscribers[:] = before


def test_subscribers_hear_in_order_and_an_error_ends_the_round(subscribers):
    seen = []

    def fail(event):
        raise LookupError

    subscribers[:] = [seen.append, fail, seen.append]
    with pytest.raises(LookupError):
        events.notify("event")
    assert seen == ["event"]


def test_installed_distributions_hear_of_events_that_have_an_entry_point(tmp_path, monkeypatch, subscribers):
    install(tmp_path, "did_patch_all")
    monkeypatch.syspath_prepend(tmp_path)
    event = events.GeventDidPatchAllEvent({"socket": True}, {})
    events.notify_and_call_entry_points(event)
    assert importlib.import_module("a_plugin").heard == [event]


def test_arguments_of_patch_all_are_copies():
    event = events.GeventWillPatchAllEvent({"socket": True, "ssl": False}, {"own": 1})
    event.patch_all_arguments.clear()
    assert event.will_patch_module("socket") and not event.will_patch_module("ssl")
    assert event.patch_all_kwargs == {"own": 1}


IMPLEMENTED = sorted(name for name in events._INTERFACES if name != "IPeriodicMonitorThread")


def made(name):
    arguments = {
        "EventLoopBlocked": (None, 1.0, []),
        "MemoryUsageUnderThreshold": (0, 0, 0, 0),
        "MemoryUsageThresholdExceeded": (0, 0, 0),
        "PeriodicMonitorThreadStartedEvent": (None,),
        "GeventWillPatchModuleEvent": ("name", None, None, []),
        "GeventDidPatchModuleEvent": ("name", None, None),
    }
    return getattr(events, name)(*arguments.get(name, ({}, {})))


@pytest.mark.parametrize("name", IMPLEMENTED)
def test_events_have_what_their_interfaces_say(name):
    interface = getattr(events, name)
    assert verify.verifyObject(interface, made(name[1:]))


def test_without_the_libraries_there_are_lists_and_classes():
    code = """
import sys
sys.modules["zope"] = sys.modules["zope.event"] = sys.modules["zope.interface"] = None
from plait.green import events
events.subscribers.append(print)
events.notify("heard")
assert issubclass(events.IGeventWillPatchAllEvent, events.IGeventPatchEvent)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "heard\n"), done.stderr
