"""Greenlets with results: what `spawn` returns.

A greenlet is new -> scheduled -> running -> ended:

    state      start()      its turn      kill(), throw()             its function ends
    new        scheduled    -             ended                       -
    scheduled  nothing      running       ended                       -
    running    nothing      -             raises where it is parked   ended
    ended      nothing      -             nothing                     -

An ended greenlet has a value, or an exception that the hub has printed. GreenletExit is a value: being killed is no
failure. SystemExit and KeyboardInterrupt go on to the main greenlet of the thread.

Two kinds of callables hear of the end: joiners (this package's waiters: called at once, on the greenlet's own stack;
they neither block nor raise) and links (the user's: called by the hub, in the order of linking; errors are printed).

Cost: a spawn is one object, one run-queue entry and one switch; one more switch brings its end back to the hub.
"""

from plait.green._native.greenlets import Greenlet, spawn, spawn_raw, track
from plait.green.settings import config

__all__ = ["Greenlet", "spawn", "spawn_later", "spawn_raw"]

spawn_later = Greenlet.spawn_later

track(config.track_greenlet_tree)
