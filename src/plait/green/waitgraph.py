"""The wait graph: what every parked greenlet waits for, since when, and where in the source.

`dump()` looks and changes nothing; it may be called from any greenlet, thread or signal handler, also while other
threads run (it sees each at one moment between two of its switches). A deadlock, LoopExit, carries the same report.

Each waiter knows its subject: a descriptor, an event, a queue, a lock, the greenlets that are joined, the time of a
sleep. From joins, task groups and owned locks follows which greenlet waits for which; a cycle of these never ends.

Costs nothing until it is asked for: the hub keeps its parked waiters in a linked list in any case.
"""

from __future__ import annotations

import os
import traceback
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from plait._base import clock
from plait.green._native.greenlets import Greenlet
from plait.green.hub import Hub, current, hubs
from plait.green.lock import RLock
from plait.green.taskgroup import TaskGroup
from plait.greenlet import greenlet
from plait.greenlet import greenlet as _greenlet

__all__ = ["Wait", "WaitGraph", "dump"]

_HERE = os.path.dirname(__file__)
_SHOWN = 50  # waits that the text of a report shows


@dataclass(frozen=True)
class Wait:
    """One parked greenlet.

    subject: the object that is waited for, None where nobody said. seconds: how long it has waited, to within a turn of
    its hub. stack: its frames, innermost last. others: the greenlets whose progress it waits for, where that is known.
    """

    greenlet: _greenlet
    subject: object
    seconds: float
    stack: traceback.StackSummary
    others: tuple[_greenlet, ...]

    @property
    def place(self) -> traceback.FrameSummary | None:
        """The innermost frame outside this package."""
        outside = [frame for frame in self.stack if not frame.filename.startswith(_HERE)]
        return outside[-1] if outside else None

    def __str__(self) -> str:
        place = self.place
        where = "" if place is None else f"\n    in {place.name}, {place.filename}:{place.lineno}\n      {place.line}"
        return f"{_shown(self.greenlet)}\n    waits for {describe(self.subject)}, {self.seconds:.3f} s{where}"


@dataclass(frozen=True)
class WaitGraph:
    """All waits of a hub, or of all hubs, longest first; cycles: greenlets that wait for each other, a list each."""

    waits: tuple[Wait, ...]
    cycles: tuple[tuple[greenlet, ...], ...]

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"{len(self.waits)} greenlets wait" if len(self.waits) != 1 else "1 greenlet waits"
        for cycle in self.cycles:
            yield "  these wait for each other: " + " -> ".join(_shown(item) for item in (*cycle, cycle[0]))
        for wait in self.waits[:_SHOWN]:
            yield "  " + str(wait).replace("\n", "\n  ")
        if len(self.waits) > _SHOWN:
            yield f"  and {len(self.waits) - _SHOWN} more"


def dump(all_threads: bool = False) -> WaitGraph:
    """What the greenlets of this thread wait for, or those of all threads. str() of it is a report to read."""
    own: Hub | None = current()
    return of_hubs(hubs() if all_threads else [] if own is None else [own])


def of_hubs(looked_at: Iterable[Hub]) -> WaitGraph:
    """As `dump`, of these hubs."""
    now = clock.now()
    waits = [_wait(*parked, now) for hub in looked_at for parked in hub.parked()]
    waits.sort(key=lambda wait: -wait.seconds)
    return WaitGraph(tuple(waits), tuple(_cycles(waits)))


def describe(subject: object) -> str:
    """The subject of a wait, in words."""
    subject = _resolved(subject)
    if subject is None:
        return "something unnamed"
    if isinstance(subject, float):
        return f"time to pass, {max(0.0, subject - clock.now()):.3f} s more"
    if isinstance(subject, greenlet):
        return f"the end of {_shown(subject)}"
    if isinstance(subject, list):
        return f"the end of {len(subject)} greenlets"
    if isinstance(subject, TaskGroup):
        return f"the children of {subject!r}"
    if isinstance(subject, dict):
        return f"descriptors {', '.join(map(str, subject))}"
    return _shown(subject)


def _shown(item: object) -> str:
    try:
        return repr(item)
    except Exception:  # the report is about others too
        return object.__repr__(item)


def _wait(runner: greenlet, subject: object, since: float, now: float) -> Wait:
    stack = traceback.extract_stack(runner.gr_frame) if runner.gr_frame is not None else traceback.StackSummary()
    return Wait(runner, _resolved(subject), max(0.0, now - since), stack, tuple(_others(_resolved(subject))))


def _resolved(subject: object) -> object:
    return subject() if isinstance(subject, weakref.ref) else subject


def _others(subject: Any) -> Iterator[greenlet]:
    """The greenlets without whose progress a wait for this does not end."""
    if isinstance(subject, greenlet):
        yield subject
    elif isinstance(subject, list):
        yield from (item for item in subject if isinstance(item, Greenlet) and not item.dead)
    elif isinstance(subject, TaskGroup):
        yield from subject.children
    elif isinstance(subject, RLock) and isinstance(subject._owner, greenlet):
        yield subject._owner


def _cycles(waits: Iterable[Wait]) -> Iterator[tuple[greenlet, ...]]:
    """Each cycle once, found by walking from every greenlet that was not walked over before."""
    others = {wait.greenlet: wait.others for wait in waits}
    done: set[greenlet] = set()
    for start in others:
        path: list[greenlet] = []
        branches = [iter((start,))]
        while branches:
            runner = next(branches[-1], None)
            if runner is None:
                branches.pop()
                if path:
                    done.add(path.pop())
            elif runner in path:
                yield tuple(path[path.index(runner) :])
            elif runner in others and runner not in done:
                path.append(runner)
                branches.append(iter(others[runner]))
