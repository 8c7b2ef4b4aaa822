"""A reader: the text timeline, one line an event, one lane a worker.

      begin ms   length ms  ABC  event
         0.000    1000.312   *   parallel task 3 <- 1 square
         0.041           .  *    greenlet switch @2 <- @1

Lanes are letters in order of first appearance; the legend names the kernel's thread id behind each. From the 27th on
workers share the lane `+`. An id that is an object's address shows as @1, @2, ... in order of first appearance, the
same in all layers. Cost: O(n log n).
"""

from collections.abc import Iterable, Mapping, Sequence
from string import ascii_uppercase

from plait.trace.events import Event

_LEAST_ADDRESS = 1 << 32  # an id from here on is an address
_LANES = ascii_uppercase + "+"
_HEADER = "  begin ms   length ms"


def timeline(events: Iterable[Event], limit: int = 200) -> str:
    """The events sorted by begin, layer and kind as lines of text; the middle is cut where there are more than `limit`.

    Raises ValueError where `limit` is less than 2.
    """
    if limit < 2:
        raise ValueError(f"limit={limit!r} leaves no room for a first and a last event; pass 2 or more")
    ordered = sorted(events, key=lambda event: (event.begin_ns, event.layer, event.kind))
    if not ordered:
        return "no events"
    lane_of = _lanes(ordered)
    lanes = "".join(dict.fromkeys(lane_of.values()))
    legend = ", ".join(f"{lane} = worker {worker}" for worker, lane in lane_of.items())
    origin_ns = ordered[0].begin_ns
    shown = _short_ids(ordered)
    lines = [_line(event, origin_ns, lanes, lane_of[event.worker], shown) for event in ordered]
    return "\n".join([legend, f"{_HEADER}  {lanes}  event", *_cut(lines, limit)])


def _lanes(ordered: Sequence[Event]) -> dict[int, str]:
    workers = dict.fromkeys(event.worker for event in ordered)
    return {worker: _LANES[min(i, len(_LANES) - 1)] for i, worker in enumerate(workers)}


def _short_ids(ordered: Sequence[Event]) -> dict[int, str]:
    """Address -> @n; an id that is no address has no entry."""
    ids = (id for event in ordered for id in (event.parent, event.id) if id >= _LEAST_ADDRESS)
    return {address: f"@{n}" for n, address in enumerate(dict.fromkeys(ids), 1)}


def _line(event: Event, origin_ns: int, lanes: str, own_lane: str, shown: Mapping[int, str]) -> str:
    begin = f"{(event.begin_ns - origin_ns) / 1e6:10.3f}"
    length = f"{event.duration_ns / 1e6:10.3f}" if event.end_ns else f"{'.':>10}"
    marks = "".join("*" if lane == own_lane else " " for lane in lanes)
    words = [event.layer, event.kind, shown.get(event.id, str(event.id))]
    if event.parent:
        words.append(f"<- {shown.get(event.parent, event.parent)}")
    if event.name:
        words.append(event.name)
    if event.bytes:
        words.append(f"{event.bytes} B")
    return f"{begin}  {length}  {marks}  {' '.join(words)}"


def _cut(lines: list[str], limit: int) -> list[str]:
    if len(lines) <= limit:
        return lines
    head, cut = limit // 2, len(lines) - limit
    return [*lines[:head], f"  ... {cut} more events ...", *lines[head + cut :]]
