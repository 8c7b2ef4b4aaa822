"""plait.trace: one event record for all layers, in per-thread native rings, and its first reader.

    from plait import trace
    trace.start(); ...; print(trace.timeline(trace.stop()))

Inside plait, hot paths import the recording module and test its flag: `from plait.trace import ring`, then
`if ring.enabled: ring.emit(...)`. C callers include `_native/ring.h`.
"""

from plait.trace.events import Event as Event
from plait.trace.ring import absorb as absorb
from plait.trace.ring import drain as drain
from plait.trace.ring import dropped as dropped
from plait.trace.ring import emit as emit
from plait.trace.ring import is_enabled as enabled
from plait.trace.ring import span as span
from plait.trace.ring import start as start
from plait.trace.ring import stop as stop
from plait.trace.text import timeline as timeline

__all__ = ["Event", "absorb", "drain", "dropped", "emit", "enabled", "span", "start", "stop", "timeline"]
