"""gevent: its modules are plait.green's; the package is a face, which has submodules that plait.green has not."""

from plait.compat.rows import Face, Peer, Row, Same

_PACKAGE = (
    "Greenlet",
    "GreenletExit",
    "Timeout",
    "config",
    "fork",
    "get_hub",
    "getcurrent",
    "getswitchinterval",
    "idle",
    "iwait",
    "joinall",
    "kill",
    "killall",
    "reinit",
    "setswitchinterval",
    "signal_handler",
    "sleep",
    "spawn",
    "spawn_later",
    "spawn_raw",
    "wait",
    "with_timeout",
)
_GREENLET = ("Greenlet", "joinall", "killall")
_PRIVATE = "plait.compat.gevent_private"
_HUB = ("GreenletExit", "getcurrent", "get_hub", "idle", "iwait", "kill", "reinit", "sleep", "spawn_raw", "wait")
_SAME = (
    "backdoor",
    "baseserver",
    "builtins",
    "contextvars",
    "event",
    "events",
    "exceptions",
    "fileobject",
    "local",
    "lock",
    "monkey",
    "monkey.__main__",
    "pool",
    "queue",
    "resolver",
    "resolver.blocking",
    "resolver.dnspython",
    "resolver.thread",
    "selectors",
    "server",
    "signal",
    "socket",
    "ssl",
    "subprocess",
    "thread",
    "time",
    "timeout",
)

_MODULES: dict[str, Row] = {
    "gevent": Face(
        {
            **{name: f"plait.green:{name}" for name in _PACKAGE},
            "version_info": f"{_PRIVATE}:version_info",
        },
        submodules=("event", "exceptions", "greenlet", "hub", "timeout"),
    ),
    "gevent.greenlet": Face({name: f"plait.green:{name}" for name in _GREENLET}),
    "gevent.hub": Face(
        {
            "Hub": "plait.green.hub:Hub",
            **{name: f"plait.green:{name}" for name in _HUB},
            "LoopExit": "plait.green:LoopExit",
            "BlockingSwitchOutError": "plait.green.exceptions:BlockingSwitchOutError",
            "Waiter": f"{_PRIVATE}.waiter:Waiter",
            "set_default_hub_class": "plait.green.hub:set_default_hub_class",
            "signal": "plait.green.signal:signal_handler",
            "_get_hub": "plait.green.hub:current",
            "_get_hub_noargs": "plait.green.hub:get_hub",
        }
    ),
    "gevent.core": Face(
        {
            "EVENTS": "plait.green.watchers:EVENTS",
            "READ": "plait.green.poller:READ",
            "WRITE": "plait.green.poller:WRITE",
            "callback": "plait.green.hub:Callback",
            "loop": "plait.green.loop:Loop",
        }
    ),
    "gevent._compat": Same(f"{_PRIVATE}.platform"),
    "gevent._config": Face(
        {
            "Config": "plait.green.settings:Config",
            "Setting": "plait.green.settings:Setting",
            "config": "plait.green.settings:config",
            "validate_bool": "plait.green.settings:boolean",
        }
    ),
    "gevent.threading": Same(
        "plait.green.threading", lends={"_DummyThread": "plait.compat.gevent_private.threads:_DummyThread"}
    ),
    "gevent.pywsgi": Same(
        "plait.green.pywsgi",
        lends={
            "_InvalidClientInput": "plait.green.http1.errors:InvalidClientInput",
            "_InvalidClientRequest": "plait.green.http1.errors:InvalidClientRequest",
            "_NoopLog": "plait.green.http1.logs:NoLog",
        },
    ),
    "gevent._greenlet_primitives": Face({"get_reachable_greenlets": "plait.green.tree:reachable_greenlets"}),
    "gevent._hub_local": Face(
        {
            "get_hub": "plait.green.hub:get_hub",
            "get_hub_class": "plait.green.hub:get_hub_class",
            "get_hub_if_exists": "plait.green.hub:current",
            "get_hub_noargs": "plait.green.hub:get_hub",
            "set_default_hub_class": "plait.green.hub:set_default_hub_class",
        }
    ),
    "gevent._interfaces": Same(f"{_PRIVATE}.interfaces"),
    "gevent._monitor": Face(
        {
            "MonitorWarning": "plait.green.monitoring:MonitorWarning",
            "PeriodicMonitoringThread": "plait.green.monitoring:PeriodicMonitoringThread",
            "_MonitorEntry": "plait.green.monitoring:MonitorEntry",
        }
    ),
    "gevent.monkey.api": Face(
        {name: f"plait.green.monkey:{name}" for name in ("get_original", "patch_item", "patch_module", "remove_item")}
    ),
    "gevent._socketcommon": Face(
        {
            "__socket__": "plait.green.socket:_stdlib",
            "_resolve_addr": "plait.green.socket:_resolved",
            **{name: f"plait.green.socket:{name}" for name in ("AF_INET", "AF_INET6", "wait_read", "wait_write")},
        }
    ),
    "gevent._util": Same(f"{_PRIVATE}.helpers"),
    "gevent.util": Same("plait.green.util", lends={"_FailedToSwitch": "plait.green.util:NoSwitchError"}),
    "gevent._waiter": Face({"Waiter": f"{_PRIVATE}.waiter:Waiter"}),
    "gevent.threadpool": Same(
        "plait.green.threadpool",
        lends={
            "_WorkerGreenlet": "plait.green.threadpool:Worker",
            "_get_thread_profile": "plait.green.threadpool:_profile_of_threads",
            "_get_thread_trace": "plait.green.threadpool:_trace_of_threads",
        },
    ),
    "gevent._fileobjectcommon": Face(
        {
            "FileObjectBase": "plait.green.fileobject:FileObjectBase",
            "FileObjectBlock": "plait.green.fileobject:FileObjectBlock",
            "FileObjectClosed": "plait.green.exceptions:FileObjectClosed",
            "FileObjectThread": "plait.green.fileobject:FileObjectThread",
            "OpenDescriptor": "plait.green.opening:OpenDescriptor",
            "WriteallMixin": "plait.green.descriptorio:WriteallMixin",
        }
    ),
    "gevent._fileobjectposix": Face(
        {
            "FileObjectPosix": "plait.green.fileobject:FileObjectPosix",
            "GreenFileDescriptorIO": "plait.green.descriptorio:DescriptorIO",
            "GreenOpenDescriptor": "plait.green.opening:GreenOpenDescriptor",
        }
    ),
    "gevent.select": Same("plait.green.select", lends={"_original_select": "plait._base.natives:select"}),
    "gevent.os": Same("plait.green.os", lends={"_reap_children": "plait.green.childwatch:forget"}),
    **{f"gevent.{name}": Same(f"plait.green.{name}") for name in _SAME},
}

GEVENT = Peer(
    name="gevent",
    version="26.9.0",
    summary="Coroutine-based network library",
    modules=_MODULES,
)
