"""Which threads sleep: how the pool tells a thread that blocks from one that computes or waits for its turn.

A thread is asleep if it was in a sleeping state at two looks and the kernel switched it neither in nor out between
them. The looks are WINDOW_S apart, longer than the interpreter's switch interval: a thread that waits for the GIL asks
for it once an interval, so its switches are counted and it is not taken for asleep; nor is one that waits for a core,
whose state is "running". The same call must be under way at both looks.

Source: proc_pid_status(5): State, voluntary_ctxt_switches, nonvoluntary_ctxt_switches. Where the kernel does not tell,
nobody is asleep and crews keep their size. Cost: one thread, that sleeps unless items wait in a crew that may grow;
then a read of some 20 us a busy thread each window.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Protocol, TypeAlias

from plait._base import natives

WINDOW_S = 0.01

_allocate_lock = natives.allocate_lock
_sleep = natives.sleep
_Look: TypeAlias = dict[tuple[int, int], bytes]  # (thread, item) -> its switches, of those in a sleeping state


class Crew(Protocol):
    members: dict[int, int]

    @property
    def waiting(self) -> bool: ...
    def compensate(self, sleepers: set[tuple[int, int]]) -> None: ...


def look(members: dict[int, int]) -> _Look:
    """The sleeping ones of these threads, with what changes when one of them runs."""
    found: _Look = {}
    for thread, item in list(members.items()):
        switches = _switches_if_sleeping(thread)
        if switches is not None:
            found[thread, item] = switches
    return found


def _switches_if_sleeping(thread: int) -> bytes | None:
    try:
        with open(f"/proc/self/task/{thread}/status", "rb", buffering=0) as file:
            status = file.read(8192)
    except OSError:  # it has ended, or there is no /proc
        return None
    state = status.find(b"\nState:\t")
    switches = status.find(b"\nvoluntary_ctxt_switches:")
    if switches < 0 or status[state + 8 : state + 9] not in (b"S", b"D"):
        return None
    return status[switches:]


class Watcher:
    """One thread that looks at the crews with items waiting."""

    def __init__(self, start: Callable[[Callable[[], object]], None]) -> None:
        self._start = start
        self._crews: dict[Crew, _Look] = {}
        self._running = False
        self._lock = _allocate_lock()

    def watch(self, crew: Crew) -> None:
        """Compensate this crew as long as items wait in it. Any thread."""
        with self._lock:
            if crew in self._crews:
                return
            self._crews[crew] = {}
            starting, self._running = not self._running, True
        if starting:
            self._start(self._keep_looking)

    def _keep_looking(self) -> None:
        while True:
            _sleep(max(WINDOW_S, 2.5 * sys.getswitchinterval()))
            for crew, before in list(self._crews.items()):
                now = look(crew.members)
                crew.compensate({key for key, switches in now.items() if before.get(key) == switches})
                with self._lock:
                    if crew.waiting:
                        self._crews[crew] = now
                        continue
                    del self._crews[crew]
                crew.compensate(set())  # nobody looks from now on, so nobody counts as asleep
            with self._lock:
                if not self._crews:
                    self._running = False
                    return
