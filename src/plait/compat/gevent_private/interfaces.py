"""gevent._interfaces: what an event loop, its watchers and callbacks have, for zope.interface's checks."""

from plait.green.hub import Callback
from plait.green.interfaces import implement, interface
from plait.green.loop import Loop

__all__ = ["ICallback", "ILoop", "IWatcher"]

ILoop = interface(
    "ILoop",
    __name__,
    attributes=("approx_timer_resolution", "default"),
    methods={
        "now": lambda: None,
        "update_now": lambda: None,
        "destroy": lambda: None,
        "closing_fd": lambda fd: None,
        "run_callback": lambda func, *args: None,
        "run_callback_threadsafe": lambda func, *args: None,
        "io": lambda fd, events, ref=True, priority=None: None,
        "timer": lambda after, repeat=0.0, ref=True, priority=None: None,
        "signal": lambda signum, ref=True, priority=None: None,
        "idle": lambda ref=True, priority=None: None,
        "prepare": lambda ref=True, priority=None: None,
        "check": lambda ref=True, priority=None: None,
        "fork": lambda ref=True, priority=None: None,
        "async_": lambda ref=True, priority=None: None,
        "child": lambda pid, trace=0, ref=True: None,
        "stat": lambda path, interval=0.0, ref=True, priority=None: None,
    },
)
IWatcher = interface(
    "IWatcher",
    __name__,
    methods={"start": lambda callback, *args, **kwargs: None, "stop": lambda: None, "close": lambda: None},
)
ICallback = interface(
    "ICallback", __name__, attributes=("pending",), methods={"stop": lambda: None, "close": lambda: None}
)
implement(Loop, ILoop)
implement(Callback, ICallback)
