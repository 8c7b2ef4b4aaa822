"""plait.green: cooperative concurrency with the names of gevent.

    from plait import green

    def task(name, delay):
        green.sleep(delay)
        return name

    ended = green.joinall([green.spawn(task, "slow", 0.02), green.spawn(task, "quick", 0.01)])
    assert [greenlet.value for greenlet in ended] == ["quick", "slow"]

Greenlets of a thread take turns: one runs until it waits, for time, for another greenlet or for a socket. Modules with
gevent's names hold the rest: `event`, `lock`, `queue`, `pool`, `local`, `timeout`, `socket`, `server`.

A cooperative server and its clients, all in one thread:

    from plait.green.pool import Pool
    from plait.green.server import StreamServer
    from plait.green.socket import create_connection

    def shout(connection, address):          # in a greenlet of its own; the connection is closed when it returns
        with connection.makefile("rb") as lines:
            for line in lines:
                connection.sendall(line.upper())

    def ask(text):
        with create_connection(server.address) as connection, connection.makefile("rb") as lines:
            connection.sendall(text.encode() + b"\\n")
            return lines.readline().decode().strip()

    server = StreamServer(("127.0.0.1", 0), shout)   # port 0: any free one, known after start()
    server.start()
    assert Pool(10).map(ask, ["one", "two", "three"]) == ["ONE", "TWO", "THREE"]
    server.stop()
"""

from sys import getswitchinterval as getswitchinterval
from sys import setswitchinterval as setswitchinterval

from plait.green.exceptions import LoopExit as LoopExit
from plait.green.greenlets import Greenlet as Greenlet
from plait.green.greenlets import spawn as spawn
from plait.green.greenlets import spawn_later as spawn_later
from plait.green.greenlets import spawn_raw as spawn_raw
from plait.green.hub import get_hub as get_hub
from plait.green.hub import reinit as reinit
from plait.green.joining import iwait as iwait
from plait.green.joining import joinall as joinall
from plait.green.joining import kill as kill
from plait.green.joining import killall as killall
from plait.green.joining import wait as wait
from plait.green.pauses import idle as idle
from plait.green.pauses import sleep as sleep
from plait.green.settings import config as config
from plait.green.timeout import Timeout as Timeout
from plait.green.timeout import with_timeout as with_timeout
from plait.greenlet import GreenletExit as GreenletExit
from plait.greenlet import getcurrent as getcurrent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from plait.green.monitoring import watchdog as watchdog
    from plait.green.os import fork as fork
    from plait.green.scopes import Cancelled as Cancelled
    from plait.green.scopes import CancelScope as CancelScope
    from plait.green.scopes import current_deadline as current_deadline
    from plait.green.scopes import fail_after as fail_after
    from plait.green.scopes import move_on_after as move_on_after
    from plait.green.signal import signal_handler as signal_handler
    from plait.green.taskgroup import TaskGroup as TaskGroup
    from plait.green.waitgraph import dump as dump

# What few programs use and what takes long to import: public name -> its module, imported when it is asked for.
_LATER = {
    "CancelScope": "plait.green.scopes",
    "Cancelled": "plait.green.scopes",
    "TaskGroup": "plait.green.taskgroup",
    "current_deadline": "plait.green.scopes",
    "dump": "plait.green.waitgraph",
    "fail_after": "plait.green.scopes",
    "fork": "plait.green.os",
    "move_on_after": "plait.green.scopes",
    "signal_handler": "plait.green.signal",
    "watchdog": "plait.green.monitoring",
}

__all__ = [
    "CancelScope",
    "Cancelled",
    "Greenlet",
    "GreenletExit",
    "LoopExit",
    "TaskGroup",
    "Timeout",
    "config",
    "current_deadline",
    "dump",
    "fail_after",
    "fork",
    "get_hub",
    "getcurrent",
    "getswitchinterval",
    "idle",
    "iwait",
    "joinall",
    "kill",
    "killall",
    "move_on_after",
    "reinit",
    "signal_handler",
    "setswitchinterval",
    "sleep",
    "spawn",
    "spawn_later",
    "spawn_raw",
    "wait",
    "watchdog",
    "with_timeout",
]


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module 'plait.green' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_LATER[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
