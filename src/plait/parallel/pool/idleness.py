"""Which workers have had nothing to do for long, and are let go.

A worker is looked at whenever the pool's thread is awake; it counts as idle from the first look that finds it idle and
without a batch since the one before. So it leaves one to two times the bound after its last task. Batches go to whoever
became idle last, so where smaller calls follow a large one, the workers that they do not need are those that leave.
Cost: nothing a task; a wake-up of the pool's thread each time that a bound is reached.
"""

from __future__ import annotations

from collections.abc import Iterable

from plait.parallel.pool.switchboard import Link

IDLE_S = 300.0  # the bound where a call says none


class Idleness:
    """The looks at the workers of one pool. Used by its thread."""

    def __init__(self) -> None:
        self._seen: dict[Link, tuple[int, float]] = {}  # batches it had had, and since when it has no more

    def look(self, links: Iterable[Link], now: float, idle_s: float) -> tuple[list[Link], float | None]:
        """The workers to let go, and the seconds until another is due; None for never."""
        seen, self._seen = self._seen, {}
        overdue: list[Link] = []
        due: float | None = None
        for link in links:
            batches, since = seen.get(link, (-1, now))
            if link.busy or link.next_slot != batches:
                since = now
            left = since + idle_s - now
            if left <= 0:
                overdue.append(link)
                continue
            self._seen[link] = link.next_slot, since
            due = left if due is None else min(due, left)
        return overdue, due
