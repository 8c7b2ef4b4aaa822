"""gevent: its modules are plait.green's; the package is a face, which has submodules that plait.green has not."""

from plait.compat.rows import Face, Peer, Row, Same

_PACKAGE = (
    "Greenlet",
    "GreenletExit",
    "Timeout",
    "fork",
    "get_hub",
    "getcurrent",
    "idle",
    "iwait",
    "joinall",
    "kill",
    "killall",
    "reinit",
    "sleep",
    "spawn",
    "spawn_later",
    "spawn_raw",
    "wait",
    "with_timeout",
)
_GREENLET = ("Greenlet", "joinall", "killall")
_HUB = ("GreenletExit", "getcurrent", "get_hub", "idle", "iwait", "kill", "reinit", "sleep", "spawn_raw", "wait")
_SAME = ("baseserver", "event", "exceptions", "local", "lock", "pool", "queue", "server", "socket", "timeout")

_MODULES: dict[str, Row] = {
    "gevent": Face({name: f"plait.green:{name}" for name in _PACKAGE}),
    "gevent.greenlet": Face({name: f"plait.green:{name}" for name in _GREENLET}),
    "gevent.hub": Face(
        {
            "Hub": "plait.green.hub:Hub",
            **{name: f"plait.green:{name}" for name in _HUB},
            "LoopExit": "plait.green:LoopExit",
            "BlockingSwitchOutError": "plait.green.exceptions:BlockingSwitchOutError",
        }
    ),
    **{f"gevent.{name}": Same(f"plait.green.{name}") for name in _SAME},
}

GEVENT = Peer(
    name="gevent",
    version="26.9.0",
    summary="Coroutine-based network library",
    modules=_MODULES,
)
