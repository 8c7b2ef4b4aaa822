"""Settings: the `config` object, and the environment variables that set it.

A setting's value comes from an assignment to its attribute, else from its environment variable, read when the setting
is first asked for, else from its default. Values are checked at assignment; an unknown name is an AttributeError.

`importable` settings take the object itself, a short name, a dotted path, or several of these in order of preference,
as a list or separated by commas; the first that can be imported counts.

Without effect, and accepted so that programs that set them run: `loop` and `libev_backend` (there is one event loop,
on epoll), `disable_watch_children` (child processes are followed through descriptors of their own; SIGCHLD stays the
program's), and what starts with `ares_` (there is no c-ares resolver).
"""

from __future__ import annotations

import os

from plait.green._native.greenlets import track

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, Generic, TypeVar, overload

    T = TypeVar("T")

    class _OfType(Generic[T]): ...
else:

    class _OfType:
        def __class_getitem__(cls, item):
            return cls

    T = None


__all__ = ["Config", "Setting", "config"]

_TRUE = ("1", "true", "on", "yes")
_FALSE = ("0", "false", "off", "no", "")
_UNITS = {"kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30}


def boolean(value: Any) -> bool:
    """A truth value; as text 1, true, on, yes or 0, false, off, no."""
    if not isinstance(value, str):
        return bool(value)
    word = value.strip().lower()
    if word not in _TRUE and word not in _FALSE:
        raise ValueError(f"{value!r} is no boolean; write one of {', '.join(_TRUE)} or {', '.join(_FALSE[:-1])}")
    return word in _TRUE


def count(value: Any) -> int:
    """A whole number; as text also on or off for 1 and 0."""
    if isinstance(value, str) and not value.strip().isdigit():
        return int(boolean(value))
    return int(value)


def seconds(value: Any) -> float | None:
    """A positive number of seconds, or None."""
    if value is None:
        return None
    number = float(value)
    if number < 0:
        raise ValueError(f"{value!r} is a negative time; pass seconds, or None")
    return number


def any_seconds(value: Any) -> float:
    """A number of seconds; a negative one means never."""
    return float(value)


def byte_count(value: Any) -> int | None:
    """A number of bytes; as text it may end with kb, mb or gb."""
    if value is None:
        return None
    if not isinstance(value, str):
        number = float(value)
    else:
        word = value.strip().lower()
        number = float(word[:-2]) * _UNITS[word[-2:]] if word[-2:] in _UNITS else float(word)
    if number < 0:
        raise ValueError(f"{value!r} is a negative number of bytes; pass a positive one, or None")
    return int(number)


def anything(value: Any) -> Any:
    return value


def addresses(value: Any) -> list[str] | None:
    """IP addresses, as a list or separated by commas; None for the system's own."""
    if value is None:
        return None
    if isinstance(value, str):
        value = value.split(",")
    return [str(item).strip() for item in value if str(item).strip()] or None


def importable(short_names: Mapping[str, str], absent: Mapping[str, str] | None = None) -> Callable[[Any], Any]:
    """A check that gives the object that is named.

    short_names: those that stand for a path. absent: those that stand for nothing here, and what to say of each.
    """

    def check(value: Any) -> Any:
        if isinstance(value, str):
            value = [word.strip() for word in value.split(",")]
        if not isinstance(value, (list, tuple)):
            return value
        return _first_importable(value, short_names, absent or {})

    return check


def _first_importable(candidates: Iterable[Any], short_names: Mapping[str, str], absent: Mapping[str, str]) -> Any:
    failures = []
    for candidate in candidates:
        if not isinstance(candidate, str):
            return candidate
        if candidate in absent:
            failures.append(absent[candidate])
            continue
        try:
            return _import(short_names.get(candidate, candidate))
        except ImportError as error:
            failures.append(f"{candidate}: {error}")
    raise ImportError(f"none of these could be imported: {'; '.join(failures)}")


def _import(path: str) -> Any:
    from importlib import import_module

    module, dot, name = path.rpartition(".")
    if not dot:
        raise ImportError(f"{path!r} is neither a short name nor the dotted path of an object")
    found = import_module(module)
    try:
        return getattr(found, name)
    except AttributeError:
        raise ImportError(f"{module} has no {name!r}") from None


class Setting(_OfType[T]):
    """One attribute of `Config`.

    variable: the environment variable, GEVENT_ and the name by default.
    changed: called with each value that is assigned.
    """

    def __init__(
        self,
        default: Any,
        check: Callable[[Any], T],
        doc: str = "",
        variable: str = "",
        changed: Callable[[T], object] | None = None,
    ) -> None:
        self.default = default
        self.changed = changed
        self.check = check
        self.variable = variable
        self.name = ""
        self.__doc__ = doc

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name
        self.variable = self.variable or f"GEVENT_{name.upper()}"

    if TYPE_CHECKING:

        @overload
        def __get__(self, config: None, owner: type) -> Setting[T]: ...
        @overload
        def __get__(self, config: Config, owner: type) -> T: ...

    def __get__(self, config: Config | None, owner: type) -> Setting[T] | T:
        if config is None:
            return self
        values = config._values
        if self.name not in values:
            values[self.name] = self.check(os.environ.get(self.variable) or self.default)
        return values[self.name]  # type: ignore[no-any-return]

    def __set__(self, config: Config, value: Any) -> None:
        config._values[self.name] = checked = self.check(value)
        if self.changed is not None:
            self.changed(checked)


_RESOLVERS = {
    "thread": "plait.green.resolver.thread.Resolver",
    "block": "plait.green.resolver.blocking.Resolver",
    "dnspython": "plait.green.resolver.dnspython.Resolver",
}
_NO_RESOLVERS = {
    "ares": "plait has no c-ares resolver; choose thread, which asks the system in threads of its own, or dnspython, "
    "which asks name servers without threads (pip install plait[dns])"
}
_FILES = {
    "posix": "plait.green.fileobject.FileObjectPosix",
    "thread": "plait.green.fileobject.FileObjectThread",
    "block": "plait.green.fileobject.FileObjectBlock",
}


class Config:
    """All settings, as attributes."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}

    def __setattr__(self, name: str, value: Any) -> None:
        if name != "_values" and not isinstance(getattr(type(self), name, None), Setting):
            raise AttributeError(f"there is no setting {name!r}; choose from {', '.join(_names())}")
        object.__setattr__(self, name, value)

    def __dir__(self) -> list[str]:
        return _names()

    resolver = Setting(
        ["thread"],
        importable(_RESOLVERS, _NO_RESOLVERS),
        "The class that hubs resolve names with: thread, block or dnspython.",
    )
    threadpool = Setting(
        ["plait.green.threadpool.ThreadPool"], importable({}), "The class of a hub's pool of worker threads."
    )
    threadpool_idle_task_timeout = Setting(
        5.0, any_seconds, "After how many seconds an idle thread of a hub's pool ends; a negative number: never."
    )
    file_object = Setting(
        ["posix"],
        importable(_FILES),
        "What FileObject is: posix (cooperative descriptors), thread or block.",
        variable="GEVENT_FILE",
    )
    format_context = Setting(
        "pprint.saferepr", importable({}), "How a hub shows the context of an error that it prints."
    )
    track_greenlet_tree = Setting(True, boolean, "Whether greenlets know who spawned them, and where.", changed=track)
    trace_malloc = Setting(
        False, count, "tracemalloc's frames; what allocates greenlets shows up there.", variable="PYTHONTRACEMALLOC"
    )
    monitor_thread = Setting(
        False, boolean, "Whether a thread watches the hub.", variable="GEVENT_MONITOR_THREAD_ENABLE"
    )
    max_blocking_time = Setting(0.1, seconds, "How long a greenlet may block the hub before that is said.")
    print_blocking_reports = Setting(
        True, boolean, "Whether it prints that.", variable="GEVENT_MONITOR_PRINT_BLOCKING_REPORTS"
    )
    memory_monitor_period = Setting(
        5, seconds, "How often the watching thread looks at the memory.", variable="GEVENT_MONITOR_MEMORY_PERIOD"
    )
    max_memory_usage = Setting(
        None, byte_count, "Bytes of memory above which it notifies.", variable="GEVENT_MONITOR_MEMORY_MAX"
    )
    resolver_nameservers = Setting(None, addresses, "Name servers that the dnspython resolver asks.")
    resolver_timeout = Setting(None, seconds, "How long the dnspython resolver asks one server.")
    resolver_cache = Setting(
        1.0,
        any_seconds,
        "How many seconds the thread resolver keeps an answer; 0 keeps none.",
        variable="PLAIT_RESOLVER_CACHE",
    )

    # Accepted, without effect.
    loop = Setting(["plait.green.loop.Loop"], lambda _: _import("plait.green.loop.Loop"))
    libev_backend = Setting(None, anything, variable="GEVENT_BACKEND")
    disable_watch_children = Setting(False, boolean, variable="GEVENT_NOWAITPID")
    ares_flags = Setting(None, anything, variable="GEVENTARES_FLAGS")
    ares_timeout = Setting(None, anything, variable="GEVENTARES_TIMEOUT")
    ares_tries = Setting(None, anything, variable="GEVENTARES_TRIES")
    ares_ndots = Setting(None, anything, variable="GEVENTARES_NDOTS")
    ares_udp_port = Setting(None, anything, variable="GEVENTARES_UDP_PORT")
    ares_tcp_port = Setting(None, anything, variable="GEVENTARES_TCP_PORT")
    ares_servers = Setting(None, anything, variable="GEVENTARES_SERVERS")


def _names() -> list[str]:
    return [name for name, value in vars(Config).items() if isinstance(value, Setting)]


config = Config()
