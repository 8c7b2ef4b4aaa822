import pytest

from plait.trace import Event, timeline


def event(id, begin_ns, end_ns=0, layer="parallel", kind="task", parent=0, worker=100, bytes=0, name=None):
    return Event(layer, kind, id, parent, worker, begin_ns, end_ns, bytes, name)


def test_no_events():
    assert timeline([]) == "no events"


def test_the_timeline_is_sorted_and_has_a_lane_a_worker():
    events = [
        event(2, 1_041_000, layer="greenlet", kind="switch", parent=1, worker=200),
        event(7, 1_000_000, 1_001_312_000, parent=3, name="square", bytes=4096),
    ]
    assert timeline(events).splitlines() == [
        "A = worker 100, B = worker 200",
        "  begin ms   length ms  AB  event",
        "     0.000    1000.312  *   parallel task 7 <- 3 square 4096 B",
        "     0.041           .   *  greenlet switch 2 <- 1",
    ]


def test_the_same_time_is_ordered_by_layer():
    lines = timeline([event(1, 5, layer="parallel"), event(2, 5, layer="green")]).splitlines()
    assert [line.split()[3] for line in lines[2:]] == ["green", "parallel"]


def test_addresses_are_numbered_the_same_in_all_layers():
    one, two = 140239882073024, 140239882073536
    events = [
        event(two, 1, layer="greenlet", kind="switch", parent=one),
        event(one, 2, 3, layer="green", kind="run"),
        event(4, 5, parent=3),
    ]
    lines = timeline(events).splitlines()[2:]
    assert [line.partition("*")[2].strip() for line in lines] == [
        "greenlet switch @2 <- @1",
        "green run @1",
        "parallel task 4 <- 3",
    ]


def test_more_workers_than_letters_share_the_last_lane():
    lines = timeline([event(i, i, worker=i) for i in range(1, 31)]).splitlines()
    assert "ABCDEFGHIJKLMNOPQRSTUVWXYZ+" in lines[1]
    assert "+ = worker 30" in lines[0]
    assert [line[24:51].index("*") for line in lines[2:]] == [*range(26), 26, 26, 26, 26]


def test_a_long_timeline_is_cut_in_the_middle():
    lines = timeline([event(i, i) for i in range(1, 101)], limit=4).splitlines()[2:]
    assert [line.split()[-1] for line in (lines[0], lines[1], lines[3], lines[4])] == ["1", "2", "99", "100"]
    assert lines[2] == "  ... 96 more events ..."
    assert "more events" not in timeline([event(i, i) for i in range(1, 101)], limit=100)


def test_a_limit_without_room_is_refused():
    with pytest.raises(ValueError, match="limit=1 leaves no room"):
        timeline([], limit=1)
