"""Terms: how long a server waits for its clients, and how much it takes from them."""

from __future__ import annotations

from plait.green.http1.head import HeadLimits
from plait.green.http1.stream import Watch

__all__ = ["Terms"]


class Terms:
    """What all connections of a server share. Seconds are kept as ticks of its watch; None: without end.

    idle_s: until the first byte of a request. head_s: from that to the head's end. body_s: without a byte of the body,
    or of the response taken. body_bytes: of a body.
    """

    __slots__ = ("body", "head", "idle", "limits", "most_body", "watch")

    def __init__(
        self,
        idle_s: float | None = None,
        head_s: float | None = None,
        body_s: float | None = None,
        limits: HeadLimits | None = None,
        body_bytes: int | None = None,
    ) -> None:
        self.watch = watch = Watch()
        self.idle = watch.ticks(idle_s)
        self.head = watch.ticks(head_s)
        self.body = watch.ticks(body_s)
        self.limits = limits or HeadLimits()
        self.most_body = body_bytes
