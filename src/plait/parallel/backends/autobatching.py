"""Sizes of batches for registered backends: as many tasks as take some tenths of a second."""

from __future__ import annotations

from typing import Any


class AutoBatchingMixin:
    """Beside ParallelBackendBase in a backend's bases: makes compute_batch_size() follow the batches' durations.

    A batch should take between MIN_IDEAL_BATCH_DURATION and MAX_IDEAL_BATCH_DURATION seconds: less is mostly overhead,
    and of more few tasks run while others' workers have nothing left. Plait's own loops go by `batching`.
    """

    MIN_IDEAL_BATCH_DURATION = 0.2
    MAX_IDEAL_BATCH_DURATION = 2
    _DEFAULT_EFFECTIVE_BATCH_SIZE = 1
    _DEFAULT_SMOOTHED_BATCH_DURATION = 0.0
    _WEIGHT = 0.2  # of the latest batch in the smoothed duration

    parallel: Any

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reset_batch_stats()

    def reset_batch_stats(self) -> None:
        """Forget what earlier batches took."""
        self._effective_batch_size = self._DEFAULT_EFFECTIVE_BATCH_SIZE
        self._smoothed_batch_duration = self._DEFAULT_SMOOTHED_BATCH_DURATION

    def compute_batch_size(self) -> int:
        """How many tasks the next batch has."""
        size, duration = self._effective_batch_size, self._smoothed_batch_duration
        if 0 < duration < self.MIN_IDEAL_BATCH_DURATION:
            self._resize(min(2 * size, max(1, 2 * self._ideal(size, duration))), "fast", duration)
        elif duration > self.MAX_IDEAL_BATCH_DURATION and size >= 2:
            self._resize(max(1, 2 * self._ideal(size, duration)), "slow", duration)
        return self._effective_batch_size

    def batch_completed(self, batch_size: int, duration: float) -> None:
        """A batch of so many tasks has taken so many seconds. One of another size than the present says nothing."""
        if batch_size != self._effective_batch_size:
            return
        smoothed = self._smoothed_batch_duration
        first = smoothed == self._DEFAULT_SMOOTHED_BATCH_DURATION
        self._smoothed_batch_duration = duration if first else (1 - self._WEIGHT) * smoothed + self._WEIGHT * duration

    def _ideal(self, size: int, duration: float) -> int:
        return int(size * self.MIN_IDEAL_BATCH_DURATION / duration)

    def _resize(self, size: int, word: str, duration: float) -> None:
        if self.parallel.verbose >= 10:
            self.parallel._print(f"Batch computation too {word} ({duration}s.) Setting batch_size={size}.")
        if size != self._effective_batch_size:
            self._effective_batch_size = size
            self._smoothed_batch_duration = self._DEFAULT_SMOOTHED_BATCH_DURATION
