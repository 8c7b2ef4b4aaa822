"""The event record: what one thing that happened looks like, in every layer and to every reader."""

from typing import NamedTuple, TypeAlias

# An Event's fields as a plain tuple: what crosses between processes.
RawEvent: TypeAlias = tuple[str, str, int, int, int, int, int, int, str | None]


class Event(NamedTuple):
    """One event.

    layer, kind: what happened where ("greenlet" "switch", "parallel" "task"); id: of the thing it happened to, unique
    within its layer and process; parent: id of the thing that caused it, 0 where there is none. worker: the kernel's id
    of the thread, unique on the machine, so that processes' events can be merged. begin_ns, end_ns: monotonic, the same
    clock in all processes; end_ns is 0 for an instant. bytes: size moved or held. name: for people, or None.
    """

    layer: str
    kind: str
    id: int
    parent: int
    worker: int
    begin_ns: int
    end_ns: int
    bytes: int
    name: str | None

    @property
    def duration_ns(self) -> int:
        """Nanoseconds from begin to end; 0 for an instant."""
        return max(0, self.end_ns - self.begin_ns) if self.end_ns else 0
