"""Who waits for which descriptor.

Owns: for each descriptor with waiters, two sets of waiters (readable, writable); any number may wait for one
descriptor. All that wait for a direction are woken when it is ready, and those that find nothing wait again.

Interest is sticky for descriptors whose owner promises to call `closing(fd)` (the cooperative socket): it stays
registered after a wait, so that ping-pong costs no epoll_ctl, and is dropped when something is ready that nobody
waits for. For all other descriptors it is withdrawn at the end of the wait, since their number may be reused unseen.

Hub's thread only, except `closing`. Cost: a few stores a wait; an epoll_ctl when the interest
changes. Native: see `_native/io.pyx`.
"""

from plait.green._native.io import Descriptors

__all__ = ["Descriptors"]
