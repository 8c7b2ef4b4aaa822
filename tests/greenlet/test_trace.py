"""settrace() and gettrace(): what the callback is told, where it runs, what becomes of one that raises."""

import sys
import threading
import weakref

import pytest

from plait.greenlet import getcurrent, gettrace, greenlet, settrace


@pytest.fixture(autouse=True)
def _off_afterwards():
    yield
    settrace(None)


def test_it_returns_what_was_set_before():
    def first(*_):
        pass

    def second(*_):
        pass

    assert gettrace() is None
    assert settrace(first) is None
    assert gettrace() is first
    assert settrace(second) is first
    assert settrace(None) is second
    assert gettrace() is None


def test_each_switch_and_throw_is_told_with_origin_and_target():
    main = getcurrent()
    events = []
    settrace(lambda event, pair: events.append((event, *pair)))

    def run():
        try:
            main.switch()
        except ValueError:
            pass

    one = greenlet(run)
    one.switch()
    one.throw(ValueError)
    settrace(None)
    assert events == [
        ("switch", main, one),
        ("switch", one, main),
        ("throw", main, one),
        ("switch", one, main),
    ]


def test_an_exception_that_leaves_a_greenlet_is_a_throw():
    main = getcurrent()
    events = []

    def run():
        raise ValueError

    one = greenlet(run)
    settrace(lambda event, pair: events.append((event, *pair)))
    with pytest.raises(ValueError):
        one.switch()
    settrace(None)
    assert events == [("switch", main, one), ("throw", one, main)]


def test_a_switch_through_a_dead_greenlet_tells_of_the_one_that_runs():
    main = getcurrent()
    dead = greenlet(lambda: None)
    dead.switch()
    events = []
    settrace(lambda event, pair: events.append((event, *pair)))
    dead.switch()
    settrace(None)
    assert events == [("switch", main, main)]


def test_the_callback_runs_in_the_target():
    where = []
    settrace(lambda event, pair: where.append(getcurrent() is pair[1]))
    greenlet(lambda: None).switch()
    settrace(None)
    assert where == [True, True]


def test_a_callback_that_raises_is_removed_and_its_error_arrives_in_the_target():
    ran = []

    def callback(event, pair):
        raise LookupError("from the callback")

    settrace(callback)
    one = greenlet(lambda: ran.append(1))
    with pytest.raises(LookupError, match="from the callback"):
        one.switch()
    assert gettrace() is None
    assert ran == []
    assert one.dead


def test_a_callback_that_raises_on_the_way_back_is_removed_too():
    main = getcurrent()
    caught = []

    def run():
        try:
            main.switch()
        except LookupError as failure:
            caught.append(failure)
        return "end"

    one = greenlet(run)
    one.switch()

    def callback(event, pair):
        if pair[1] is one:
            raise LookupError

    settrace(callback)
    assert one.switch("lost to the error") == "end"
    assert len(caught) == 1
    assert gettrace() is None


def test_the_callback_is_not_traced_by_sys_settrace():
    traced = []

    def callback(event, pair):
        pass

    def tracer(frame, event, _):
        traced.append(frame.f_code.co_name)

    previous = sys.gettrace()
    settrace(callback)
    sys.settrace(tracer)
    try:
        greenlet(lambda: None).switch()
    finally:
        sys.settrace(previous)
    settrace(None)
    assert "callback" not in traced


def test_it_is_set_for_its_thread_alone():
    seen = []

    def body():
        seen.append(gettrace())
        greenlet(lambda: None).switch()

    events = []
    settrace(lambda *event: events.append(event))
    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    settrace(None)
    assert seen == [None]
    assert events == []


def test_a_callback_may_replace_itself():
    events = []

    def second(event, pair):
        events.append("second")

    def first(event, pair):
        events.append("first")
        settrace(second)

    settrace(first)
    greenlet(lambda: None).switch()
    assert gettrace() is second
    assert events == ["first", "second"]


def test_its_references_are_given_back():
    def callback(event, pair):
        pass

    before = sys.getrefcount(callback)
    for _ in range(10):
        settrace(callback)
        greenlet(lambda: None).switch()
        gettrace()
        settrace(None)
    assert sys.getrefcount(callback) == before


def test_what_is_sent_to_a_start_is_released_where_the_callback_raises():
    class Sent:
        pass

    def callback(event, args):
        raise ValueError(event)

    positional, keyword = Sent(), Sent()
    released = [weakref.ref(positional), weakref.ref(keyword)]
    one = greenlet(lambda value, key: None)
    settrace(callback)
    with pytest.raises(ValueError, match="switch"):
        one.switch(positional, key=keyword)
    del positional, keyword
    assert gettrace() is None
    assert [each() for each in released] == [None, None]
