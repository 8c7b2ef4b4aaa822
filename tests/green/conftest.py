"""Every test leaves the hub of its thread as idle as it found it."""

import pytest

from plait._base import clock
from plait.green.hub import current


@pytest.fixture(autouse=True)
def nothing_left_behind():
    yield
    hub = current()
    if hub is not None:
        left = [entry for entry in hub.ready if getattr(entry, "function", None) or _target(entry)]
        assert not left, f"runnable after the test: {left}"
        assert hub.descriptors.waiting == 0, "somebody still waits for a descriptor"
        assert hub._timers_awaited == 0, "timers still run"


def _target(entry):
    return entry.target() if hasattr(entry, "target") else None


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
