"""Pauses: a greenlet that waits for time to pass, or for the others to be done."""

from __future__ import annotations

from plait._base import clock
from plait.green.hub import Turn, get_hub
from plait.greenlet import getcurrent
from plait.trace import ring

__all__ = ["idle", "sleep"]


def sleep(seconds: float = 0, ref: bool = True) -> None:
    """Park the current greenlet for `seconds`; 0 lets the other runnable greenlets run once.

    ref=False: a hub with nothing else left does not wait for it.
    """
    hub = get_hub()
    if seconds <= 0:
        hub.yield_turn()
        return
    turn = Turn(getcurrent())
    if turn.greenlet is hub:
        hub.refuse_to_block()
    begin_ns = ring.now_ns() if ring.enabled else 0
    timer = hub.call_at(clock.now() + seconds, hub.ready.append, turn, keeps_alive=ref)
    try:
        hub.switch_away()
    finally:
        turn.greenlet = None
        timer.cancel()
    if begin_ns:
        ring.emit("green", "sleep", id(turn), id(getcurrent()), begin_ns, ring.now_ns())


def idle(priority: int = 0) -> None:
    """Park the current greenlet until no other is runnable."""
    get_hub().yield_until_idle()
