"""What does a program pay before its first line: for `import gevent` with a first greenlet, and for `patch_all()`?

The same programs on both sides, in interpreters of their own; on ours the imports are answered by plait, which is told
so by the environment, and finding that out is part of the figure. A bare interpreter's time is taken off.
"""

import os
import statistics
import sys
from random import Random
from types import ModuleType

from benchmarks.harness import Case, Pair, Reading, main

STARTS = 9

BARE = "print(32)"
IMPORTED = "import gevent; print(gevent.spawn(pow, 2, 5).get())"
PATCHED = "from gevent import monkey; monkey.patch_all(); print(32)"
PATCHED_AND_USED = """
from gevent import monkey
monkey.patch_all()
import queue, socket, ssl, subprocess, threading, time
one, two = socket.socketpair()
answers = queue.Queue()
threading.Thread(target=lambda: answers.put(one.recv(10))).start()
two.sendall(b"32")
time.sleep(0)
print(int(answers.get()))
"""


def _environment(api: ModuleType) -> dict[str, str]:
    if api.__name__ == "gevent":
        return dict(os.environ)
    from plait.compat import environment

    return {**os.environ, **environment(["gevent", "greenlet"])}


def _start(code: str, environment: dict[str, str]) -> tuple[float, str]:
    """Milliseconds of CPU that an interpreter takes for `code`, and what it prints."""
    reading, writing = os.pipe()
    command = [sys.executable, "-c", code]
    actions = [(os.POSIX_SPAWN_DUP2, writing, 1), (os.POSIX_SPAWN_CLOSE, reading)]
    pid = os.posix_spawn(sys.executable, command, environment, file_actions=actions)
    os.close(writing)
    with open(reading) as out:
        printed = out.read()
    _, status, usage = os.wait4(pid, 0)
    if status != 0:
        raise SystemExit(f"{code!r} ended with status {status}")
    return (usage.ru_utime + usage.ru_stime) * 1000, printed


def _above_bare(code: str, api: ModuleType) -> Reading:
    environment = _environment(api)
    bare = statistics.median(_start(BARE, dict(os.environ))[0] for _ in range(STARTS))
    starts = [_start(code, environment) for _ in range(STARTS)]
    return Reading(statistics.median(ms for ms, _ in starts) - bare, starts[0][1])


def import_and_spawn(api: ModuleType, random: Random) -> Reading:
    return _above_bare(IMPORTED, api)


def patch_all(api: ModuleType, random: Random) -> Reading:
    return _above_bare(PATCHED, api)


def patch_all_and_use(api: ModuleType, random: Random) -> Reading:
    """What patch_all() puts off to the first use counts here."""
    return _above_bare(PATCHED_AND_USED, api)


CASES = [
    Case("import, first greenlet", "ms", import_and_spawn, factor=3),
    Case("patch_all", "ms", patch_all, factor=3),
    Case("patch_all, sockets and threads used", "ms", patch_all_and_use, factor=3),
]

if __name__ == "__main__":
    main("benchmarks.green.start", __doc__, Pair("plait.green", "gevent"), CASES)
