"""Deterministic runs: greenlets take turns in an order that follows from a seed, and time is virtual.

    with deterministic(seed=7):
        run_what_is_tested()

    explore(run_what_is_tested, range(1000))     # the seed of the first failure is in its notes

Within the block the hub picks the next runnable greenlet by chance instead of first come, first served, out of a
generator that the seed starts; the same seed gives the same order, so an interleaving that fails can be replayed. The
clock stands still while anything runs and jumps to the next deadline when all are parked: an hour of time-outs takes no
time. What must not depend on the order of turns can so be tried in many orders.

Determinism ends where the world comes in: another thread, a signal, a socket to another process. Bytes that are in the
kernel already are read in any case, so sockets between the greenlets of a test are fine; who waits for somebody outside
sees virtual time pass at once, and his time-outs fire. A block belongs to one thread and does not nest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from random import Random
from typing import TypeVar

from plait._base import clock
from plait._base.clock import VirtualClock
from plait.green.hub import get_hub
from plait.green.pauses import idle

__all__ = ["deterministic", "explore"]

T = TypeVar("T")


@contextmanager
def deterministic(seed: int) -> Iterator[VirtualClock]:
    """In the block, greenlets of this thread take turns in the order that follows from the seed; gives the clock.

    What the block raises is noted with its seed. Raises RuntimeError in a block that is deterministic already.
    """
    hub = get_hub()
    if hub.choose is not None:
        raise RuntimeError(f"seed={seed!r}: the order of this hub follows from a seed already; leave that block first")
    idle()  # each block begins at the same place of the hub's turn, with nothing runnable
    hub.choose = Random(seed).randrange
    try:
        with clock.virtual() as virtual:
            yield virtual
    except BaseException as error:
        error.add_note(f"in the order that deterministic(seed={seed!r}) gives")
        raise
    finally:
        hub.choose = None


def explore(function: Callable[[], T], seeds: Iterable[int]) -> list[T]:
    """function() in the order of each seed; its results. Stops at the first that raises, whose notes name the seed."""
    results = []
    for seed in seeds:
        with deterministic(seed):
            results.append(function())
    return results
