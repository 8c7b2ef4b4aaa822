"""plait.trace: one event record for all layers, in per-thread native rings, and its first reader.

    from plait import trace
    trace.start(); ...; print(trace.timeline(trace.stop()))

Inside plait, hot paths import the recording module and test its flag: `from plait.trace import ring`, then
`if ring.enabled: ring.emit(...)`. C callers include `_native/ring.h`. The face's names are imported when they are
asked for, since every start of a layer passes here for the ring alone.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
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

# Public name -> the module and the name there.
_PUBLIC = {
    "Event": ("plait.trace.events", "Event"),
    "absorb": ("plait.trace.ring", "absorb"),
    "drain": ("plait.trace.ring", "drain"),
    "dropped": ("plait.trace.ring", "dropped"),
    "emit": ("plait.trace.ring", "emit"),
    "enabled": ("plait.trace.ring", "is_enabled"),
    "span": ("plait.trace.ring", "span"),
    "start": ("plait.trace.ring", "start"),
    "stop": ("plait.trace.ring", "stop"),
    "timeline": ("plait.trace.text", "timeline"),
}

__all__ = ["Event", "absorb", "drain", "dropped", "emit", "enabled", "span", "start", "stop", "timeline"]


def __getattr__(name: str) -> object:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'plait.trace' has no attribute {name!r}; it has {', '.join(_PUBLIC)}")
    from importlib import import_module

    module, there = _PUBLIC[name]
    value = getattr(import_module(module), there)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
