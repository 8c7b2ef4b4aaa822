"""Events: what plait.green tells programs that want to listen, and how they do.

A subscriber is a function of one argument, the event; append it to `subscribers`. `notify` calls all of them, in order,
where the event happens: an exception of one is the notifier's, and ends the round. Where zope.event is installed,
`subscribers` and `notify` are that library's, so that its users hear these events too.

`notify_and_call_entry_points` also calls what installed distributions declare under the event's `ENTRY_POINT_NAME`.

Where zope.interface is installed, each event class implements the interface of its name (`IEventLoopBlocked`); the
interfaces are made when one is first asked for, since they would cost more than the rest of the module.
"""

from __future__ import annotations

from plait.green.plugins import declared

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from plait.greenlet import greenlet

__all__ = [
    "DoNotPatch",
    "EventLoopBlocked",
    "GeventDidPatchAllEvent",
    "GeventDidPatchBuiltinModulesEvent",
    "GeventDidPatchEvent",
    "GeventDidPatchModuleEvent",
    "GeventPatchEvent",
    "GeventWillPatchAllEvent",
    "GeventWillPatchEvent",
    "GeventWillPatchModuleEvent",
    "IEventLoopBlocked",  # noqa: F822  # these are made when asked for
    "IGeventDidPatchAllEvent",  # noqa: F822
    "IGeventDidPatchBuiltinModulesEvent",  # noqa: F822
    "IGeventDidPatchEvent",  # noqa: F822
    "IGeventDidPatchModuleEvent",  # noqa: F822
    "IGeventPatchEvent",  # noqa: F822
    "IGeventWillPatchAllEvent",  # noqa: F822
    "IGeventWillPatchEvent",  # noqa: F822
    "IGeventWillPatchModuleEvent",  # noqa: F822
    "IMemoryUsageThresholdExceeded",  # noqa: F822
    "IMemoryUsageUnderThreshold",  # noqa: F822
    "IPeriodicMonitorThread",  # noqa: F822
    "IPeriodicMonitorThreadStartedEvent",  # noqa: F822
    "MemoryUsageThresholdExceeded",
    "MemoryUsageUnderThreshold",
    "PeriodicMonitorThreadStartedEvent",
    "notify",
    "subscribers",
]

try:
    from zope.event import notify, subscribers
except ImportError:
    subscribers: list[Callable[[Any], object]] = []  # type: ignore[no-redef]

    def notify(event: Any) -> None:
        for subscriber in subscribers:
            subscriber(event)


def notify_and_call_entry_points(event: Any) -> None:
    """Tell the subscribers, then the functions that installed distributions declare for this kind of event."""
    notify(event)
    for entry_point in declared(event.ENTRY_POINT_NAME):
        entry_point.load()(event)


# -- the hub -----------------------------------------------------------------------------------------------------


class PeriodicMonitorThreadStartedEvent:
    """A hub started the thread that watches it; a subscriber may add functions for it to call.

    monitor: has `add_monitoring_function(function, period)`.
    """

    ENTRY_POINT_NAME = "gevent.plugins.hub.periodic_monitor_thread_started"

    def __init__(self, monitor: Any) -> None:
        self.monitor = monitor


class EventLoopBlocked:
    """A greenlet did not let others run. Told in the watching thread, not in the hub's.

    greenlet: the one that ran. blocking_time: seconds, about. info: lines of a report, which may be added to.
    hub: the hub that was kept from running.
    """

    def __init__(self, greenlet: greenlet, blocking_time: float, info: list[str], *, hub: Any = None) -> None:
        self.greenlet = greenlet
        self.blocking_time = blocking_time
        self.info = info
        self.hub = hub


class _MemoryEvent:
    """Told in the watching thread. Sizes are bytes; memory_info is psutil's."""

    def __init__(self, mem_usage: int, max_allowed: int, memory_info: Any) -> None:
        self.mem_usage = mem_usage
        self.max_allowed = max_allowed
        self.memory_info = memory_info

    def __repr__(self) -> str:
        return f"<{type(self).__name__} used={self.mem_usage} max={self.max_allowed} details={self.memory_info!r}>"


class MemoryUsageThresholdExceeded(_MemoryEvent):
    """The process uses more memory than `config.max_memory_usage`, and more than when this was last told."""


class MemoryUsageUnderThreshold(_MemoryEvent):
    """The process uses less memory than that again. max_memory_usage: the most that was told before."""

    def __init__(self, mem_usage: int, max_allowed: int, memory_info: Any, max_usage: int) -> None:
        super().__init__(mem_usage, max_allowed, memory_info)
        self.max_memory_usage = max_usage


# -- patching ----------------------------------------------------------------------------------------------------


class DoNotPatch(BaseException):
    """A subscriber raises this to keep from being patched what a will-patch event tells of."""


class GeventPatchEvent:
    """Something is patched. source: where the replacements are; target: what they are put into."""

    def __init__(self, source: Any, target: Any) -> None:
        self.source = source
        self.target = target

    def __repr__(self) -> str:
        return f"<{type(self).__name__} source={self.source!r} target={self.target!r} at {id(self):x}>"


class GeventWillPatchEvent(GeventPatchEvent):
    """Told before; a subscriber may raise DoNotPatch."""


class GeventDidPatchEvent(GeventPatchEvent):
    """Told after."""


class GeventWillPatchModuleEvent(GeventWillPatchEvent):
    """One module is about to be patched. target_item_names: its names that will be; the list may be changed."""

    ENTRY_POINT_NAME = "gevent.plugins.monkey.will_patch_module"

    def __init__(self, module_name: str, source: Any, target: Any, items: list[str]) -> None:
        super().__init__(source, target)
        self.module_name = module_name
        self.target_item_names = items


class GeventDidPatchModuleEvent(GeventDidPatchEvent):
    """One module was patched."""

    ENTRY_POINT_NAME = "gevent.plugins.monkey.did_patch_module"

    def __init__(self, module_name: str, source: Any, target: Any) -> None:
        super().__init__(source, target)
        self.module_name = module_name


class _PatchAllEvent(GeventPatchEvent):
    """Of a whole patch_all; source and target are None."""

    def __init__(self, patch_all_arguments: Mapping[str, Any], patch_all_kwargs: Mapping[str, Any]) -> None:
        super().__init__(None, None)
        self._arguments = dict(patch_all_arguments)
        self._kwargs = dict(patch_all_kwargs)

    @property
    def patch_all_arguments(self) -> dict[str, Any]:
        """All arguments of the call, by name."""
        return dict(self._arguments)

    @property
    def patch_all_kwargs(self) -> dict[str, Any]:
        """Those that patch_all itself does not know, meant for plugins."""
        return dict(self._kwargs)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._arguments!r} at {id(self):x}>"


class GeventWillPatchAllEvent(_PatchAllEvent, GeventWillPatchEvent):
    """patch_all begins. A subscriber that raises DoNotPatch keeps everything as it is."""

    ENTRY_POINT_NAME = "gevent.plugins.monkey.will_patch_all"

    def will_patch_module(self, module_name: str) -> bool:
        return bool(self._arguments.get(module_name))


class GeventDidPatchBuiltinModulesEvent(_PatchAllEvent, GeventDidPatchEvent):
    """patch_all has patched the standard library: the moment to patch other libraries."""

    ENTRY_POINT_NAME = "gevent.plugins.monkey.did_patch_builtins"


class GeventDidPatchAllEvent(_PatchAllEvent, GeventDidPatchEvent):
    """patch_all has ended, the subscribers' own patches included."""

    ENTRY_POINT_NAME = "gevent.plugins.monkey.did_patch_all"


# -- interfaces --------------------------------------------------------------------------------------------------

# Interface -> its base, its attributes and its methods (as functions of the arguments that implementations take).
_INTERFACES: dict[str, tuple[str | None, tuple[str, ...], dict[str, Callable[..., object]]]] = {
    "IPeriodicMonitorThread": (None, (), {"add_monitoring_function": lambda function, period: None}),
    "IPeriodicMonitorThreadStartedEvent": (None, ("monitor",), {}),
    "IEventLoopBlocked": (None, ("greenlet", "blocking_time", "info", "hub"), {}),
    "IMemoryUsageThresholdExceeded": (None, ("mem_usage", "max_allowed", "memory_info"), {}),
    "IMemoryUsageUnderThreshold": (None, ("mem_usage", "max_allowed", "max_memory_usage", "memory_info"), {}),
    "IGeventPatchEvent": (None, ("source", "target"), {}),
    "IGeventWillPatchEvent": ("IGeventPatchEvent", (), {}),
    "IGeventDidPatchEvent": ("IGeventPatchEvent", (), {}),
    "IGeventWillPatchModuleEvent": ("IGeventWillPatchEvent", ("module_name", "target_item_names"), {}),
    "IGeventDidPatchModuleEvent": ("IGeventDidPatchEvent", ("module_name",), {}),
    "IGeventWillPatchAllEvent": (
        "IGeventWillPatchEvent",
        ("patch_all_arguments", "patch_all_kwargs"),
        {"will_patch_module": lambda module_name: None},
    ),
    "IGeventDidPatchBuiltinModulesEvent": (
        "IGeventDidPatchEvent",
        ("patch_all_arguments", "patch_all_kwargs"),
        {},
    ),
    "IGeventDidPatchAllEvent": ("IGeventDidPatchEvent", (), {}),
}


def __getattr__(name: str) -> Any:
    if name not in _INTERFACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    _make_interfaces()
    return globals()[name]


def _make_interfaces() -> None:
    """Make all interfaces, and declare who implements them."""
    from plait.green.interfaces import implement, interface

    names = globals()
    for name, (base, attributes, methods) in _INTERFACES.items():
        names[name] = interface(name, __name__, names.get(base or ""), attributes, methods)
        if name[1:] in names:
            implement(names[name[1:]], names[name])
