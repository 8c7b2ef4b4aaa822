"""What `verbose=` prints of a loop, in the form that joblib's users and their scripts know.

verbose > 0 prints at intervals that shrink as it grows, more than 10 after every batch; from 50 on to stdout rather
than stderr. Nothing here is called at verbose=0.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from plait.parallel.logger import short_format_time

EVERY_BATCH = 10  # more than this leaves out no batch
TO_STDOUT = 50


class State(NamedTuple):
    """How far a loop is."""

    verbose: int
    total: int | None  # tasks, where their iterable has a length
    pre_dispatch: int  # tasks sent before the first result
    batches: int  # sent
    sent: int  # tasks
    done: int  # tasks
    exhausted: bool  # all tasks are sent
    elapsed: float  # seconds


def final_line(state: State) -> str:
    """When all is done."""
    width, elapsed = _width(state), short_format_time(state.elapsed)
    return f"Done {state.done:{width}d} out of {state.done:{width}d} | elapsed: {elapsed} finished"


def line(state: State) -> str | None:
    """After a batch; None where this one is passed over."""
    return _while_closing(state) if state.exhausted else _while_sending(state)


def _while_sending(state: State) -> str | None:
    """How many there are in all may be unknown, and how long they take is."""
    if _passed_over(state.batches, state.verbose):
        return None
    width = _width(state)
    elapsed = f"| elapsed: {short_format_time(state.elapsed)}"
    if state.total is not None:
        return f"Done {state.done:{width}d} out of {state.total:{width}d} {elapsed}"
    room = " " * (len("out of ") + width - len("tasks"))
    return f"Done {state.done:{width}d} tasks {room}{elapsed}"


def _while_closing(state: State) -> str | None:
    """The last tasks are under way: the time left is estimated from what the others took."""
    left = state.sent - state.done
    if state.done:
        every = state.sent // state.verbose + 1
        if left == 1 or (left + 1 - state.pre_dispatch) % every:
            return None
    width = _width(state)
    remaining = state.elapsed / max(state.done, 1) * left
    return (
        f"Done {state.done:{width}d} out of {state.sent:{width}d} | elapsed: {short_format_time(state.elapsed)} "
        f"remaining: {short_format_time(remaining)}"
    )


def _passed_over(number: int, verbose: int) -> bool:
    """Whether the batch of this number is: those printed lie apart as squares do, closer with a higher `verbose`."""
    if verbose > EVERY_BATCH:
        return False
    if number == 0:
        return False
    scale = 0.5 * (11 - verbose) ** 2
    return int(math.sqrt((number + 1) / scale)) == int(math.sqrt(number / scale))


def _width(state: State) -> int:
    """Of the counts: that of the total."""
    return int(math.log10(state.total)) + 1 if state.total else 3
