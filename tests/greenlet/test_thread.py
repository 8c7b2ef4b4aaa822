"""Threads: a main greenlet each, no switch across, what becomes of greenlets whose thread ends."""

import gc
import signal
import threading
import weakref

import pytest

from plait.greenlet import GreenletExit, error, getcurrent, greenlet


def in_thread(function):
    """Run function in a new thread to its end; its result, or its exception raised here."""
    outcome = []

    def body():
        try:
            outcome.append((function(), None))
        except BaseException as failure:
            outcome.append((None, failure))

    thread = threading.Thread(target=body)
    thread.start()
    thread.join(30)
    assert not thread.is_alive()
    result, failure = outcome.pop()
    if failure is not None:
        raise failure
    return result


class Other:
    """A thread that runs functions one at a time on request, and lives until `end`."""

    def __init__(self):
        self._work = None
        self._asked, self._done = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._body)
        self._thread.start()

    def _body(self):
        while True:
            self._asked.acquire()
            if self._work is None:
                return
            try:
                self._result = self._work(), None
            except BaseException as failure:
                self._result = None, failure
            self._work = None
            self._done.release()

    def run(self, function):
        self._work = function
        self._asked.release()
        assert self._done.acquire(timeout=30)
        (result, failure), self._result = self._result, None
        if failure is not None:
            raise failure
        return result

    def end(self):
        self._work = None
        self._asked.release()
        self._thread.join(30)
        assert not self._thread.is_alive()


@pytest.fixture
def other():
    thread = Other()
    yield thread
    thread.end()


def test_each_thread_has_a_main_greenlet_of_its_own(other):
    mine = getcurrent()
    theirs = other.run(getcurrent)
    assert theirs is not mine
    assert theirs.parent is None
    assert other.run(getcurrent) is theirs
    assert getcurrent() is mine


def test_a_switch_to_a_greenlet_of_another_thread_is_an_error(other):
    def make():
        main = getcurrent()
        one = greenlet(lambda: main.switch())
        one.switch()
        return one

    theirs = other.run(make)
    for attempt in (theirs.switch, theirs.throw, lambda: theirs.throw(ValueError), lambda: theirs.switch(1, a=2)):
        with pytest.raises(error, match="[Cc]annot switch to a different thread"):
            attempt()
    assert theirs
    assert other.run(theirs.switch) == ()
    assert theirs.dead


def test_a_switch_to_the_main_greenlet_of_another_thread_is_an_error(other):
    theirs = other.run(getcurrent)
    with pytest.raises(error, match="different thread"):
        theirs.switch()
    with pytest.raises(error, match="different thread"):
        greenlet(lambda: theirs.switch()).switch()


def test_an_unstarted_greenlet_belongs_to_the_thread_of_its_parent(other):
    def make():
        return greenlet(lambda: threading.get_ident())

    theirs = other.run(make)
    with pytest.raises(error, match="different thread"):
        theirs.switch()
    with pytest.raises(error, match="different thread"):
        theirs.throw(ValueError)
    ident = other.run(threading.get_ident)
    assert other.run(theirs.switch) == ident


def test_an_unstarted_greenlet_moves_with_its_parent(other):
    one = other.run(lambda: greenlet(threading.get_ident))
    one.parent = getcurrent()
    assert one.switch() == threading.get_ident()


def test_a_started_greenlet_cannot_get_a_parent_of_another_thread(other):
    main = getcurrent()
    one = greenlet(lambda: main.switch())
    one.switch()
    theirs = other.run(lambda: greenlet(print))
    with pytest.raises(ValueError, match="parent cannot be on a different thread"):
        one.parent = theirs
    assert one.parent is main


def test_a_dead_greenlet_of_another_thread_still_is_refused(other):
    def make():
        one = greenlet(lambda: None)
        one.switch()
        return one

    theirs = other.run(make)
    assert theirs.dead
    with pytest.raises(error):
        theirs.switch()


def test_threads_switch_independently():
    def work():
        main = getcurrent()

        def run():
            total = 0
            while True:
                total += main.switch(total)

        one = greenlet(run)
        one.switch()
        for n in range(2000):
            last = one.switch(n)
        one.throw()
        return last

    results = []
    threads = [threading.Thread(target=lambda: results.append(work())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [sum(range(2000))] * 8


def test_a_greenlet_whose_thread_has_ended_is_dead_and_refuses_a_switch():
    def make():
        main = getcurrent()
        one = greenlet(lambda: main.switch())
        one.switch()
        return one

    one = in_thread(make)
    assert one.dead
    assert not one
    assert one.gr_frame is None
    with pytest.raises(error):
        one.switch()
    with pytest.raises(error):
        one.throw()


def test_the_main_greenlet_of_an_ended_thread_is_dead():
    theirs = in_thread(getcurrent)
    assert theirs.dead
    with pytest.raises(error):
        theirs.switch()


def test_an_unstarted_greenlet_of_an_ended_thread_refuses_a_switch():
    one = in_thread(lambda: greenlet(lambda: 1))
    with pytest.raises(error):
        one.switch()


def test_a_greenlet_dropped_in_its_own_thread_ends_there():
    log = []

    def work():
        main = getcurrent()

        def run():
            try:
                main.switch()
            except GreenletExit:
                log.append(threading.get_ident())
                raise

        one = greenlet(run)
        one.switch()
        del one
        return threading.get_ident()

    assert in_thread(work) == log.pop()


def test_a_greenlet_dropped_in_another_thread_is_ended_by_its_owner(other):
    log = []
    held = []

    def make():
        main = getcurrent()

        def run():
            try:
                main.switch()
            finally:
                log.append(threading.get_ident())

        held.append(greenlet(run))
        held[0].switch()
        return threading.get_ident()

    owner = other.run(make)
    held.clear()  # the last reference goes here, in a foreign thread
    gc.collect()
    assert log == []
    other.run(lambda: greenlet(lambda: None).switch())  # the owner comes by
    assert log == [owner]


def test_greenlets_that_an_ending_thread_leaves_parked_are_freed():
    class Token:
        pass

    refs = []

    def work():
        main = getcurrent()

        def run():
            token = Token()
            refs.append(weakref.ref(token))
            main.switch()

        one = greenlet(run)
        one.keep = one  # a cycle, which only a collection can break
        one.switch()

    in_thread(work)
    gc.collect()
    assert [ref() for ref in refs] == [None]


def test_a_thread_local_is_the_threads_and_not_the_greenlets():
    local = threading.local()
    local.value = "thread"
    main = getcurrent()

    def run():
        seen = local.value
        local.value = "greenlet"
        main.switch(seen)

    one = greenlet(run)
    assert one.switch() == "thread"
    assert local.value == "greenlet"
    one.switch()


def test_a_signal_handler_may_switch():
    main = getcurrent()
    log = []

    def run():
        while True:
            log.append(main.switch())

    helper = greenlet(run)
    helper.switch()
    previous = signal.signal(signal.SIGUSR1, lambda number, frame: helper.switch(number))
    try:
        signal.raise_signal(signal.SIGUSR1)
        one = greenlet(lambda: signal.raise_signal(signal.SIGUSR1) or "end")
        one.switch()  # the handler goes to helper, whose next switch is to main: `one` stays parked in its handler
        assert one
        assert log == [signal.SIGUSR1, signal.SIGUSR1]
        assert one.switch() == "end"
    finally:
        signal.signal(signal.SIGUSR1, previous)


def test_a_signal_handler_that_raises_raises_in_the_greenlet_that_runs():
    class Alarm(Exception):
        pass

    def handler(number, frame):
        raise Alarm

    previous = signal.signal(signal.SIGUSR1, handler)

    def run():
        try:
            signal.raise_signal(signal.SIGUSR1)
        except Alarm:
            return "caught here"
        return "missed"

    try:
        assert greenlet(run).switch() == "caught here"
    finally:
        signal.signal(signal.SIGUSR1, previous)


def test_many_short_threads_leave_nothing():
    def work():
        for _ in range(5):
            greenlet(lambda: None).switch()
        main = getcurrent()
        one = greenlet(lambda: main.switch())
        one.switch()

    for _ in range(50):
        in_thread(work)


def test_a_greenlet_may_start_and_join_threads():
    def run():
        return in_thread(lambda: greenlet(lambda: "inner").switch())

    assert greenlet(run).switch() == "inner"


def test_two_threads_drop_each_others_greenlets(other):
    def make():
        main = getcurrent()
        parked = [greenlet(lambda: main.switch()) for _ in range(100)]
        for one in parked:
            one.switch()
        return parked

    theirs = other.run(make)
    mine = [make()]
    other.run(mine.clear)
    theirs.clear()
    getcurrent()
    other.run(getcurrent)
