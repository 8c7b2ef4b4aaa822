"""Seeds for many streams of random numbers of numpy's older generator."""

from __future__ import annotations

from typing import Any

import numpy as np

_STATE = 624  # words of a Mersenne twister


def random_state_data(n: int, random_state: Any = None) -> list[Any]:
    """n arrays of words, each of which seeds a RandomState.

    random_state: a seed, or a generator with RandomState's methods.
    """
    source = random_state if hasattr(random_state, "bytes") else np.random.RandomState(random_state)
    words = np.frombuffer(source.bytes(n * _STATE * 4), dtype="<u4")
    return list(words.reshape(n, _STATE))


def pseudorandom(n: int, p: Any, random_state: Any = None) -> Any:
    """n numbers of classes, each class as often as `p` says.

    p: probabilities that sum to 1, at most 255. random_state: a seed or a RandomState. Returns an array of int8.
    """
    bounds = np.cumsum([0, *p])
    if not np.allclose(1, bounds[-1]) or len(bounds) > 256:
        raise ValueError(f"the probabilities sum to {bounds[-1]}; give at most 255 that sum to 1")
    known = isinstance(random_state, np.random.RandomState)
    source = random_state if known else np.random.RandomState(random_state)
    drawn = source.random_sample(n)
    return np.clip(np.searchsorted(bounds, drawn, side="right") - 1, 0, len(bounds) - 2).astype("i1")
