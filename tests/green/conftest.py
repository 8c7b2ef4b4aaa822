"""Every test leaves the hub of its thread as idle as it found it."""

import pytest

from plait import green
from plait._base import clock
from plait.green._native import core
from plait.green.hub import current


@pytest.fixture(autouse=True)
def nothing_left_behind():
    yield
    hub = current()
    if hub is None:
        return
    for _ in range(200):  # what was closed takes a moment to be noticed
        green.sleep(0 if _what_is_left(hub) is None else 0.005)
        if _what_is_left(hub) is None:
            return
    core.set_current_hub(None, None)  # the next test gets a hub of its own
    pytest.fail(_what_is_left(hub))


def _what_is_left(hub):
    entries = [entry for entry in hub.ready if not entry.void]
    if entries:
        return f"runnable after the test: {entries}"
    if hub.descriptors.waiting:
        return f"{hub.descriptors.waiting} wait for descriptors after the test"
    if hub.timers_waited_for:
        return f"{hub.timers_waited_for} timers run after the test"
    return None


@pytest.fixture
def virtual_clock():
    """Time that jumps to the next deadline when every greenlet is parked."""
    with clock.virtual() as time:
        yield time


@pytest.fixture
def errors(monkeypatch):
    """What the hub would have printed, as (context, exception)."""
    seen = []

    def note(self, context, kind, value, tb):
        seen.append((context, value))

    monkeypatch.setattr("plait.green.hub.Hub.print_exception", note)
    return seen
