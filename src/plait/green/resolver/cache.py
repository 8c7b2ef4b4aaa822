"""Answers kept for a short while, and lookups under way that others may wait for.

An answer is kept for `lifetime_s` seconds, `size` answers at most; those that were not used for longest go first. A
failure is never kept. Who asks what somebody is asking already waits for that lookup instead of making another one.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Any

from plait._base import clock

__all__ = ["Cache", "fresh"]


class Cache:
    """lifetime_s: 0 or less keeps nothing."""

    def __init__(self, lifetime_s: float, size: int = 512) -> None:
        self.lifetime_s = lifetime_s
        self.size = size
        self._answers: OrderedDict[Hashable, tuple[float, Any]] = OrderedDict()  # deadline, answer

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, question: Hashable) -> Any:
        """The answer, None where there is none, or it is too old."""
        found = self._answers.get(question)
        if found is None:
            return None
        deadline, answer = found
        if deadline <= clock.now():
            del self._answers[question]
            return None
        self._answers.move_to_end(question)
        return fresh(answer)

    def put(self, question: Hashable, answer: Any, lifetime_s: float | None = None) -> None:
        """lifetime_s: how long this one is kept, where the answer itself says so."""
        lifetime = self.lifetime_s if lifetime_s is None else lifetime_s
        if lifetime <= 0:
            return
        self._answers[question] = clock.now() + lifetime, answer
        self._answers.move_to_end(question)
        while len(self._answers) > self.size:
            self._answers.popitem(last=False)

    def clear(self) -> None:
        self._answers.clear()


def fresh(answer: Any) -> Any:
    """A copy whose lists the caller may change."""
    if isinstance(answer, list):
        return [fresh(item) for item in answer]
    if isinstance(answer, tuple):
        return tuple(fresh(item) for item in answer)
    return answer
