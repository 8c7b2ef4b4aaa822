"""The child: makes the calls that its parent sends, each in a thread of its own, and tells what came of them.

A call from inside the parent's asyncio loop is made in this process's one, so that asynchronous clients have theirs and
what they return can be awaited there. Objects of the library that leave are kept, with the number of times that they
left, until the parent has let go of each.

The reader is the main thread. The end of the channel ends the process: first as an interpreter ends, so that clients
and clusters are closed, and after a grace period at once.
"""

from __future__ import annotations

import asyncio
import contextvars
import enum
import importlib
import inspect
import os
import pickle
import signal
import socket
import sys
import threading
import traceback
from typing import Any

from plait.adapters.child import wire
from plait.parallel.errors import RemoteTraceback
from plait.parallel.tracebacks import trim
from plait.parallel.transport.framing import Receiver, Sender

_CLOSING_S = 8.0
# Packages whose objects stay here.
_PACKAGES = ("distributed", "tornado", "asyncio", "_asyncio")
_ENGINE = "plait.adapters.distributed.engine"
_SPECIAL = frozenset(
    [
        "__len__",
        "__iter__",
        "__next__",
        "__enter__",
        "__exit__",
        "__contains__",
        "__getitem__",
        "__setitem__",
        "__delitem__",
        "__call__",
        "__repr__",
        "__str__",
        "__await__",
        "__aiter__",
        "__anext__",
        "__aenter__",
        "__aexit__",
        "__bool__",
    ]
)


class _Kept:
    """Objects that the parent has references to."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._objects: dict[int, Any] = {}
        self._left: dict[int, int] = {}  # how often
        self._numbers: dict[int, int] = {}  # id of an object -> its number
        self._count = 0

    def keep(self, item: Any) -> int:
        with self._lock:
            number = self._numbers.get(id(item))
            if number is None:
                self._count += 1
                number = self._numbers[id(item)] = self._count
                self._objects[number], self._left[number] = item, 0
            self._left[number] += 1
            return number

    def drop(self, number: int, times: int) -> None:
        with self._lock:
            self._left[number] -= times
            if not self._left[number]:
                del self._left[number], self._numbers[id(self._objects[number])]
                item = self._objects.pop(number)
        del item  # may run anything

    def __getitem__(self, number: int) -> Any:
        return self._objects[number]


kept = _Kept()


def named(module: str, name: str) -> Any:
    """In messages from the parent: a class or function that a proxy there stands for."""
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def method(item: Any, name: str, *args: Any, **kwargs: Any) -> Any:
    """Call a method, looked up as the language does for those of its own."""
    if name in _SPECIAL:
        return getattr(type(item), name)(item, *args, **kwargs)
    return getattr(item, name)(*args, **kwargs)


def describe(module: str, name: str) -> dict[str, Any]:
    """What a name of a module is, for its proxy: its kind, its place and, of a class, what it has."""
    try:
        found = named(module, name)
    except AttributeError:
        try:  # a submodule
            found = importlib.import_module(f"{module}.{name}")
        except ModuleNotFoundError:
            raise AttributeError(f"module {module!r} has no attribute {name!r}") from None
    if inspect.ismodule(found) and _stays(found.__name__):
        return {"kind": "module", "module": found.__name__}
    if not callable(found) or not _stays(found.__module__):
        return {"kind": "value"}
    if isinstance(found, type):
        return _described(found)
    return {"kind": "function", "module": found.__module__, "name": found.__qualname__}


def describe_class(number: int) -> dict[str, Any]:
    """The class of a kept object."""
    return _described(type(kept[number]))


def _described(kind: type) -> dict[str, Any]:
    about = {"module": kind.__module__, "name": kind.__qualname__, "doc": kind.__doc__}
    bases = [(base.__module__, base.__qualname__) for base in kind.__bases__]
    if issubclass(kind, BaseException):
        return {**about, "kind": "exception", "bases": bases}
    if issubclass(kind, enum.Enum):
        return {**about, "kind": "enum", "members": {each.name: each.value for each in kind}}
    return {**about, "kind": "class", "bases": [base for base in bases if _stays(base[0])], "names": _names(kind)}


def _names(kind: type) -> dict[str, str]:
    """What a class has: name -> "method", "static" (called on the class) or "value"."""
    names = {}
    for name in dir(kind):
        found = inspect.getattr_static(kind, name)
        if name in _SPECIAL:
            if name not in object.__dict__ or found is not object.__dict__[name]:
                names[name] = "method"
        elif not name.startswith("__"):
            if isinstance(found, staticmethod | classmethod):
                names[name] = "static"
            else:
                names[name] = "method" if inspect.isroutine(found) else "value"
    return names


def _stays(module: str | None) -> bool:
    """Whether what a module defines stays here."""
    return module is not None and (module == _ENGINE or module.partition(".")[0] in _PACKAGES)


def _reduce(item: Any) -> Any:
    """How what leaves is pickled: what stays here, as a reference."""
    kind = type(item)
    if isinstance(item, type) or inspect.isfunction(item):
        return (
            (wire.meant, ("named", item.__module__, item.__qualname__)) if _stays(item.__module__) else NotImplemented
        )
    if inspect.ismodule(item):
        return (wire.meant, ("named", item.__name__, "")) if _stays(item.__name__) else NotImplemented
    if isinstance(item, BaseException):
        if not _stays(kind.__module__):
            return NotImplemented
        return wire.meant, ("raised", kind.__module__, kind.__qualname__, item.args, _plain(item.__dict__), str(item))
    if isinstance(item, enum.Enum):
        return (getattr, (kind, item.name)) if _stays(kind.__module__) else NotImplemented
    if _stays(kind.__module__) or inspect.iscoroutine(item) or inspect.isgenerator(item) or inspect.isasyncgen(item):
        return wire.meant, ("referred", kind.__module__, kind.__qualname__, kept.keep(item))
    return NotImplemented


def _plain(attributes: dict[str, Any]) -> dict[str, Any]:
    """Those of an exception's attributes that can travel."""
    return {name: value for name, value in attributes.items() if isinstance(value, str | int | list | tuple)}


_LASTING = ("__enter__", "__exit__")


class _Service:
    def __init__(self, channel: socket.socket) -> None:
        self._receiver = Receiver(channel)
        self._sender = Sender(channel)
        self._sending = threading.Lock()
        self._contexts: dict[int, contextvars.Context] = {}
        self._tasks: set[asyncio.Future[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def run(self) -> None:
        """Make calls until the channel ends."""
        while True:
            try:
                messages = self._receiver.receive()
            except (EOFError, OSError):
                return
            for head, *parts in messages:
                number, how, who, drops = pickle.loads(head)
                for each, times in drops:
                    kept.drop(each, times)
                if how == wire.THREAD:
                    threading.Thread(target=self._serve_within, args=(who, number, parts), daemon=True).start()
                elif how == wire.LOOP:
                    self._home().call_soon_threadsafe(self._serve, number, parts, context=self._context(who))
                else:
                    self._home().call_soon_threadsafe(self._serve_task, self._context(who), number, parts)

    def _context(self, who: int) -> contextvars.Context:
        """What the calls of one greenlet or task of the parent set for each other, such as the client of a `with`."""
        return self._contexts.setdefault(who, contextvars.Context())

    def _serve_within(self, who: int, number: int, parts: list[Any]) -> None:
        context = self._context(who)
        answer = _outcome(parts, context)
        if not context:
            self._contexts.pop(who, None)
        self._send(number, *answer)  # with the context left: their next call may come at once

    def _home(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=self._loop.run_forever, daemon=True).start()
        return self._loop

    def _serve(self, number: int, parts: list[Any]) -> None:
        self._send(number, *_outcome(parts, contextvars.copy_context()))

    def _serve_task(self, context: contextvars.Context, number: int, parts: list[Any]) -> None:
        task = asyncio.get_running_loop().create_task(self._serve_awaited(number, parts), context=context)
        self._tasks.add(task)  # the loop does not hold it
        task.add_done_callback(self._tasks.discard)

    async def _serve_awaited(self, number: int, parts: list[Any]) -> None:
        try:
            function, args, kwargs = wire.loads(parts)
            answer = _packed(await function(*args, **kwargs))
        except BaseException as error:
            answer = _failed(error)
        self._send(number, *answer)

    def _send(self, number: int, good: bool, parts: list[Any]) -> None:
        try:
            with self._sending:
                self._sender.send([pickle.dumps((number, good)), *parts])
        except OSError:  # the parent has ended
            pass


def _outcome(parts: list[Any], context: contextvars.Context) -> tuple[bool, list[Any]]:
    """Make a call in a context: whether it returned, and what it gave or raised, pickled."""
    try:
        function, args, kwargs = call = wire.loads(parts)
        return _packed(_context_of(call, context).run(function, *args, **kwargs))
    except BaseException as error:
        return _failed(error)


def _context_of(call: Any, context: contextvars.Context) -> contextvars.Context:
    """What a call is made in: a context, where what it sets lasts, as `with` does; or else a copy.

    For a thread whose call is no longer waited for keeps what it is in; the loop's tasks take turns in theirs.
    """
    function, args, _ = call
    return context if function is method and args[1] in _LASTING else context.copy()


def _packed(value: Any) -> tuple[bool, list[Any]]:
    return True, wire.dumps(value, _reduce)


def _failed(error: BaseException) -> tuple[bool, list[Any]]:
    trim(error)
    cause = error.__cause__
    text = cause.text if isinstance(cause, RemoteTraceback) else "".join(traceback.format_exception(error))
    try:
        return False, wire.dumps((error, text), _reduce)
    except Exception:
        return False, wire.dumps((RuntimeError(f"{type(error).__qualname__}: {error}"), text), _reduce)


def _refuse_proxies() -> None:
    """End where the library is itself a proxy here, whose first use would start a child, and so on without end."""
    if getattr(importlib.import_module("distributed"), "__file__", None) is None:
        sys.exit(
            "distributed is aliased in the child process that is to have the real one; take the alias out of its start"
        )


def main(fd: int) -> None:
    """What the child's interpreter runs."""
    _refuse_proxies()
    wire.meanings.update(named=named, kept=kept.__getitem__)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent's to handle: it decides what ends
    os.set_inheritable(fd, False)
    with socket.socket(fileno=fd) as channel:
        _Service(channel).run()
    timer = threading.Timer(_CLOSING_S, os._exit, [1])
    timer.daemon = True
    timer.start()
    sys.exit()
