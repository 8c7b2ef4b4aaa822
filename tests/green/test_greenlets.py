"""Greenlets with results: states, kill in each of them, links, how they print."""

import gc
import os
import re
import threading
import traceback
import weakref
from functools import partial

import pytest

from plait import green
from plait.green import Greenlet
from plait.green.hub import get_hub
from plait.greenlet import GreenletExit, getcurrent


def value(x):
    return x


def fails(message="failed"):
    raise ValueError(message)


def address(runner):
    return f"{id(runner):#x}"


def test_the_value_of_the_function_is_the_greenlets():
    runner = green.spawn(value, 7)
    assert (runner.ready(), runner.successful(), runner.value) == (False, False, None)
    assert runner.get() == 7
    assert (runner.ready(), runner.successful(), runner.value, runner.exception) == (True, True, 7, None)
    assert runner.exc_info is None


def test_an_exception_is_kept_printed_and_raised_by_get(capsys):
    runner = green.spawn(fails)
    runner.join()
    assert (runner.ready(), runner.successful(), runner.value) == (True, False, None)
    assert isinstance(runner.exception, ValueError)
    assert runner.exc_info[0] is ValueError
    with pytest.raises(ValueError, match="failed"):
        runner.get()
    printed = capsys.readouterr().err.splitlines()
    assert printed[0] == "Traceback (most recent call last):"
    assert "ValueError: failed" in printed
    stamp, text = printed[-2].split(" ", 1)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", stamp)
    assert text == f"<Greenlet at {address(runner)}: fails> failed with ValueError"


def test_a_live_greenlet_prints_its_call_and_an_ended_one_run():
    runner = Greenlet(value, 1)
    other = Greenlet(value, 1)
    assert repr(runner) == f"<Greenlet at {address(runner)}: value(1)>"
    green.joinall([runner, other], timeout=0)
    for each in (runner, other):
        each.start()
    green.joinall([runner, other])
    assert repr(other) == f"<Greenlet at {address(other)}: _run>"
    assert repr(runner) == f"<Greenlet at {address(runner)}: value(1)>"  # kept, since it was shown before


def test_how_other_calls_print():
    class Mine(Greenlet):
        def _run(self):
            pass

    assert repr(mine := Mine()) == f"<Mine at {address(mine)}: _run>"
    assert repr(each := Greenlet(value, "T1", x=2)) == f"<Greenlet at {address(each)}: value('T1', x=2)>"
    part = partial(value, 1)
    assert repr(each := Greenlet(part)) == f"<Greenlet at {address(each)}: {part!r}>"
    assert repr(each := Greenlet("".join)) == f"<Greenlet at {address(each)}: {''.join!r}>"
    long = repr(Greenlet(value, "x" * 1000))
    assert len(long) < 120


def test_names_and_idents_are_small_and_reused():
    runner = Greenlet(value)
    ident = runner.minimal_ident
    assert runner.minimal_ident == ident
    assert runner.name == f"Greenlet-{ident}"
    assert f'"Greenlet-{ident}"' in repr(runner)
    other = Greenlet(value)
    assert other.minimal_ident != ident
    del runner
    gc.collect()
    assert Greenlet(value).minimal_ident == ident
    other.name = "mine"
    assert '"mine"' in repr(other)


def test_subclasses_run_their_own_method():
    class Adds(Greenlet):
        def __init__(self, *numbers):
            super().__init__()
            self.numbers = numbers

        def _run(self):
            return sum(self.numbers)

    runner = Adds(1, 2, 3)
    runner.start()
    assert runner.get() == 6
    assert Adds.spawn(4, 5).get() == 9


def test_a_run_that_is_not_callable_is_named():
    with pytest.raises(TypeError, match="run=5 is not callable"):
        Greenlet(5)
    with pytest.raises(TypeError):
        green.spawn_later(1)


def test_truth_is_having_been_started_and_not_ended():
    runner = Greenlet(value)
    assert not runner
    assert not runner.started
    runner.start()
    runner.start()  # twice is once
    assert runner
    assert runner.started
    runner.join()
    assert not runner
    assert runner.dead


def test_spawn_later(virtual_clock):
    order = []
    later = green.spawn_later(10, order.append, "later")
    sooner = green.spawn_later(5, order.append, "sooner")
    green.joinall([later, sooner])
    assert order == ["sooner", "later"]


def test_loop_and_parent_are_its_hubs():
    runner = Greenlet(value)
    assert runner.parent is get_hub()
    assert green.spawn(getcurrent).get().__class__ is Greenlet


# -- kill, in each state -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "start", [lambda g: None, Greenlet.start, lambda g: g.start_later(1)], ids=["new", "scheduled", "later"]
)
def test_killed_before_it_began_it_never_runs(start):
    ran = []
    runner = Greenlet(ran.append, 1)
    start(runner)
    ended = []
    runner.rawlink(ended.append)
    runner.kill()
    assert (runner.dead, runner.successful(), runner.started) == (True, True, False)
    assert isinstance(runner.value, GreenletExit)
    runner.start()
    green.sleep(0)
    green.sleep(0)
    assert (ran, ended) == ([], [runner])


def test_killed_with_another_exception_before_it_began_it_has_failed(errors):
    runner = green.spawn(value)
    runner.kill(KeyError("k"))
    assert isinstance(runner.exception, KeyError)
    assert [context for context, _ in errors] == [runner]


def test_killed_while_parked_it_sees_the_exception_there():
    seen = []

    def waits():
        try:
            green.sleep(100)
        except GreenletExit as error:
            seen.append(error)
            raise
        finally:
            seen.append("finally")

    runner = green.spawn(waits)
    green.sleep(0)
    runner.kill()
    assert runner.dead
    assert runner.value is seen[0]
    assert seen[1] == "finally"


def test_a_kill_waits_for_what_finally_does(virtual_clock):
    done = []

    def waits():
        try:
            green.sleep(100)
        finally:
            green.sleep(5)
            done.append("cleaned up")

    runner = green.spawn(waits)
    green.sleep(0)
    runner.kill(timeout=1)
    assert not runner.dead
    runner.join()
    assert done == ["cleaned up"]


def test_a_kill_may_be_refused():
    def refuses():
        try:
            green.sleep(100)
        except GreenletExit:
            return "still here"

    runner = green.spawn(refuses)
    green.sleep(0)
    runner.kill()
    assert runner.value == "still here"


def test_kill_without_waiting():
    runner = green.spawn(green.sleep, 100)
    green.sleep(0)
    runner.kill(block=False)
    assert not runner.dead
    runner.join()
    assert isinstance(runner.value, GreenletExit)


def test_killing_oneself():
    def kills():
        getcurrent().kill()
        pytest.fail("not reached")

    runner = green.spawn(kills)
    runner.join()
    assert isinstance(runner.value, GreenletExit)


def test_killing_the_dead_changes_nothing():
    runner = green.spawn(value, 3)
    runner.join()
    runner.kill(ValueError)
    assert (runner.value, runner.exception) == (3, None)


def test_a_greenlet_is_killed_from_another_thread():
    runner = green.spawn(green.sleep, 100)
    green.sleep(0)
    thread = threading.Thread(target=runner.kill)
    thread.start()
    runner.join(10)
    thread.join(10)
    assert isinstance(runner.value, GreenletExit)


def test_joined_from_another_thread_and_the_other_way_round():
    runner = green.spawn(green.sleep, 0.02)
    seen = []
    thread = threading.Thread(target=lambda: seen.append(runner.get(timeout=10)))
    thread.start()
    runner.join(10)
    thread.join(10)
    assert seen == [None]


def test_a_greenlet_that_raises_system_exit_ends_the_main_greenlets_wait():
    def leaves():
        raise SystemExit(4)

    runner = green.spawn(leaves)
    with pytest.raises(SystemExit) as caught:
        runner.join()
    assert caught.value.code == 4
    green.sleep(0)
    assert isinstance(runner.exception, SystemExit)


def test_throw_into_a_parked_greenlet_switches_to_it():
    seen = []

    def waits():
        try:
            green.sleep(100)
        except KeyError:
            seen.append("thrown")

    runner = green.spawn(waits)
    green.sleep(0)
    get_hub().run_callback(runner.throw, KeyError)
    runner.join()
    assert seen == ["thrown"]


# -- join and get -------------------------------------------------------------------------------------------------


def test_join_gives_up_after_its_timeout(virtual_clock):
    runner = green.spawn(green.sleep, 10)
    runner.join(timeout=1)
    assert not runner.ready()
    with pytest.raises(green.Timeout) as caught:
        runner.get(timeout=1)
    assert caught.value.seconds == 1
    with pytest.raises(green.Timeout):
        runner.get(block=False)
    assert runner.get() is None
    assert runner.joiners == 0


def test_many_may_join_one():
    runner = green.spawn(green.sleep, 0)
    waiting = [green.spawn(runner.get) for _ in range(20)]
    assert len(green.joinall(waiting)) == 20


# -- links --------------------------------------------------------------------------------------------------------


def test_links_are_called_once_in_order_in_the_hub():
    seen = []
    runner = green.spawn(value, 1)
    for number in range(3):
        runner.rawlink(lambda source, number=number: seen.append((number, source is runner, getcurrent() is get_hub())))
    runner.join()
    green.sleep(0)
    runner.rawlink(lambda source: seen.append("late"))
    green.sleep(0)
    assert seen == [(0, True, True), (1, True, True), (2, True, True), "late"]


def test_link_runs_its_callback_in_a_greenlet_that_may_block():
    seen = []

    def callback(source):
        green.sleep(0)
        seen.append(source.value)

    runner = green.spawn(value, 5)
    runner.link(callback)
    runner.rawlink(seen.append)
    runner.join()
    assert seen == [runner]  # links have begun when join() returns
    green.sleep(0)
    assert seen == [runner, 5]


def test_link_value_and_link_exception_hear_of_their_kind_only(errors):
    seen = []
    for function in (value, fails):
        runner = green.spawn(function, "x")
        runner.link_value(lambda source: seen.append(("value", source.value)))
        runner.link_exception(lambda source: seen.append(("exception", str(source.exception))))
    for _ in range(4):
        green.sleep(0)
    assert sorted(seen) == [("exception", "x"), ("value", "x")]


def test_what_is_unlinked_is_not_called():
    seen = []
    runner = green.spawn(value, 1)
    runner.link(seen.append)
    runner.unlink(seen.append)
    runner.unlink(seen.append)  # of none
    runner.join()
    green.sleep(0)
    green.sleep(0)
    assert seen == []


def test_an_error_in_a_link_is_reported_and_the_next_is_called(errors):
    seen = []
    runner = green.spawn(value, 1)
    runner.rawlink(lambda source: 1 / 0)
    runner.rawlink(lambda source: seen.append("after"))
    runner.join()
    green.sleep(0)
    assert seen == ["after"]
    assert [type(error) for _, error in errors] == [ZeroDivisionError]


# -- memory -------------------------------------------------------------------------------------------------------


def test_an_ended_greenlet_lets_go_of_its_function_and_arguments():
    class Big:
        pass

    big = Big()
    seen = weakref.ref(big)
    runner = green.spawn(lambda x: None, big)
    del big
    runner.join()
    gc.collect()
    assert seen() is None


def test_ended_greenlets_are_collected():
    runners = [green.spawn(green.sleep, 0) for _ in range(50)]
    green.joinall(runners)
    seen = [weakref.ref(runner) for runner in runners]
    del runners
    green.sleep(0)
    gc.collect()
    assert [ref for ref in seen if ref() is not None] == []


def test_a_failed_greenlet_is_collected_with_its_traceback(errors):
    runner = green.spawn(fails)
    runner.join()
    seen = weakref.ref(runner)
    errors.clear()
    del runner
    green.sleep(0)
    gc.collect()
    assert seen() is None


def test_ten_thousand_greenlets_leave_no_descriptor_behind():
    before = len(os.listdir("/proc/self/fd"))
    green.joinall([green.spawn(green.sleep, 0.001 * (number % 10)) for number in range(10_000)])
    assert len(os.listdir("/proc/self/fd")) == before


def test_spawn_callbacks_hear_of_every_start():
    seen = []
    Greenlet.add_spawn_callback(seen.append)
    try:
        one = green.spawn(value, 1)
        two = green.spawn_later(0, value, 1)
    finally:
        Greenlet.remove_spawn_callback(seen.append)
    green.joinall([one, two, green.spawn(value, 1)])
    assert seen == [one, two]


def test_as_a_context_manager_it_is_waited_for(virtual_clock):
    with green.spawn(green.sleep, 5) as runner:
        pass
    assert runner.successful()


def test_as_a_context_manager_it_is_killed_by_what_the_block_raises(virtual_clock, errors):
    with pytest.raises(KeyError), green.spawn(green.sleep, 5) as runner:
        green.sleep(1)
        raise KeyError("block")
    assert isinstance(runner.exception, KeyError)


def test_a_stderr_that_fails_harms_neither_links_nor_the_hub(monkeypatch):
    class Broken:
        def write(self, text):
            raise OSError("no space left")

    seen = []
    monkeypatch.setattr("sys.stderr", Broken())
    runner = green.spawn(fails)
    runner.rawlink(seen.append)
    get_hub().run_callback(fails)
    runner.join()
    assert (seen, str(runner.exception)) == ([runner], "failed")
    green.sleep(0)


def test_a_handle_error_that_fails_is_printed_and_get_raises_the_first_failure(errors):
    def bad(*args):
        raise AttributeError("handle_error")

    hub = get_hub()
    hub.handle_error = bad
    try:
        with pytest.raises(ValueError, match="failed"):
            green.spawn(fails).get()
    finally:
        del hub.handle_error
    assert [str(error) for _, error in errors] == ["handle_error"]


def test_a_greenlet_knows_who_spawned_it_and_where():
    def spawns():
        return green.spawn(green.sleep, 0)

    runner = spawns()
    here = traceback.extract_stack(runner.spawning_stack)
    assert [place.name for place in here[-2:]] == ["test_a_greenlet_knows_who_spawned_it_and_where", "spawns"]
    assert here[-1].line == "return green.spawn(green.sleep, 0)"
    assert runner.spawning_greenlet() is green.getcurrent()
    runner.join()


def test_greenlets_are_not_tracked_where_that_is_off():
    green.config.track_greenlet_tree = False
    try:
        runner = green.spawn(green.sleep, 0)
    finally:
        green.config.track_greenlet_tree = True
    assert runner.spawning_stack is None
    assert runner.spawning_greenlet is None
    runner.join()


def test_children_share_the_locals_of_their_tree():
    def child():
        return green.getcurrent().spawn_tree_locals

    def root():
        own = green.getcurrent().spawn_tree_locals
        own["seen"] = True
        return own, green.spawn(child).get()

    first, second = green.spawn(root), green.spawn(root)
    own, childs = first.get()
    assert own is childs
    assert second.get()[0] is not own
