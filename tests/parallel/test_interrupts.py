"""Interruptions reach the user's function, and nothing after it."""

import threading
import time

import pytest

from plait.parallel.errors import TaskCancelled
from plait.parallel.interrupts import Interruptible


class Subject:
    """A thread that makes calls through an Interruptible of its own."""

    def __init__(self, *functions):
        self.results, self.errors = [], []
        self.ready = threading.Event()
        self.thread = threading.Thread(target=self.live, args=(functions,))
        self.thread.start()
        self.ready.wait(60)

    def live(self, functions):
        self.call = Interruptible()
        self.ready.set()
        for function in functions:
            try:
                self.results.append(self.call.call(function, (), {}))
            except BaseException as error:
                self.errors.append(error)

    def end(self):
        self.thread.join(60)
        assert not self.thread.is_alive()


def test_a_function_that_computes_is_interrupted():
    inside = threading.Event()

    def compute():
        inside.set()
        while True:
            pass

    subject = Subject(compute)
    inside.wait(60)
    subject.call.interrupt(TaskCancelled)
    subject.end()
    assert [type(error) for error in subject.errors] == [TaskCancelled]


def test_the_next_call_does_not_start():
    inside, go, started = threading.Event(), threading.Event(), []

    def first():
        inside.set()
        go.wait(60)

    subject = Subject(first, lambda: started.append(1))
    inside.wait(60)
    subject.call.interrupt(TaskCancelled)
    go.set()
    subject.end()
    assert [type(error) for error in subject.errors] == [TaskCancelled, TaskCancelled]
    assert started == []


def test_what_was_not_delivered_is_withdrawn():
    """The function is in C to its end, so it returns with the exception pending; what comes after must not see it."""
    for _ in range(20):
        begun = threading.Event()
        survived = []

        class Signal:
            def __init__(self, begun):
                self.begun = begun

        def live(call_of):
            call = Interruptible()
            call_of.append(call)
            begun.set()
            try:
                call.call(time.sleep, (0.05,), {})
                for _ in range(1000):
                    survived.append(1)
            except BaseException as error:
                survived.append(error)

        call_of = []
        thread = threading.Thread(target=live, args=(call_of,))
        thread.start()
        begun.wait(60)
        time.sleep(0.01)  # it must be running: inside time.sleep
        call_of[0].interrupt(TaskCancelled)
        thread.join(60)
        assert survived == [1] * 1000


def test_only_the_first_interruption_counts():
    inside, caught = threading.Event(), []

    def stubborn():
        inside.set()
        try:
            while True:
                pass
        except TaskCancelled as error:
            caught.append(error)
        return sum(range(100_000))

    subject = Subject(stubborn)
    inside.wait(60)
    subject.call.interrupt(TaskCancelled)
    subject.call.interrupt(KeyError)
    subject.end()
    assert len(caught) == 1
    assert subject.results == [sum(range(100_000))]


def test_many_interruptions_never_hit_what_is_outside():
    """Each thread leaves its calls at any moment while another interrupts; only the calls may raise."""
    stray = []

    def short():
        return sum(range(50))

    def live(calls, ended):
        try:
            for _ in range(3000):
                call = Interruptible()
                calls.append(call)
                try:
                    call.call(short, (), {})
                except TaskCancelled:
                    pass
        except BaseException as error:
            stray.append(error)
        finally:
            ended.set()

    calls, ended = [], threading.Event()
    thread = threading.Thread(target=live, args=(calls, ended))
    thread.start()
    while not ended.is_set():
        if calls:
            calls[-1].interrupt(TaskCancelled)
    thread.join(60)
    assert stray == []


@pytest.mark.parametrize("kwargs", [{}, {"base": 2}])
def test_arguments_and_errors_pass_through(kwargs):
    assert Interruptible().call(int, ["11"], kwargs) == (3 if kwargs else 11)
    with pytest.raises(ValueError, match="invalid literal"):
        Interruptible().call(int, ("x",), {})


def test_run_stops_at_the_first_failure():
    results = []
    with pytest.raises(ZeroDivisionError):
        Interruptible().run([(divmod, (4, 2), {}), (divmod, (1, 0), {}), (divmod, (9, 2), {})], results)
    assert results == [(2, 0)]


def test_refused_calls_do_not_start_and_the_one_that_runs_goes_on():
    inside, go = threading.Event(), threading.Event()

    def first():
        inside.set()
        go.wait(60)
        return "done"

    subject = Subject(first, lambda: "never")
    inside.wait(60)
    subject.call.refuse(TaskCancelled)
    go.set()
    subject.end()
    assert subject.results == ["done"]
    assert [type(error) for error in subject.errors] == [TaskCancelled]
