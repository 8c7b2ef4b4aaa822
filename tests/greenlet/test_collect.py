"""Dropping: a greenlet that is not finished ends when its last reference goes; cycles and collections in between."""

import gc
import sys
import weakref

import pytest

from plait.greenlet import GreenletExit, getcurrent, greenlet


def test_the_last_reference_throws_greenlet_exit():
    main = getcurrent()
    log = []

    def run():
        try:
            main.switch()
        except GreenletExit as exit:
            log.append(str(exit))
            raise

    one = greenlet(run)
    one.switch()
    del one
    assert len(log) == 1


def test_finally_blocks_run_when_the_last_reference_goes():
    main = getcurrent()
    log = []

    def run():
        try:
            main.switch()
        finally:
            log.append("finally")

    one = greenlet(run)
    one.switch()
    one = None
    assert log == ["finally"]


def test_locals_are_released_when_the_last_reference_goes():
    main = getcurrent()

    class Token:
        pass

    refs = []

    def run():
        token = Token()
        refs.append(weakref.ref(token))
        main.switch()
        return token

    one = greenlet(run)
    one.switch()
    assert refs[0]() is not None
    del one
    assert refs[0]() is None


def test_it_comes_back_to_who_dropped_it_whatever_its_parent():
    main = getcurrent()
    log = []

    def forever():
        while True:
            log.append(main.switch())

    parent = greenlet(forever)
    parent.switch()
    one = greenlet(lambda: main.switch(), parent=parent)
    one.switch()
    del one
    log.append("after the drop")
    assert log == ["after the drop"]


def test_the_exception_in_flight_survives_a_drop():
    main = getcurrent()

    def run():
        try:
            main.switch()
        finally:
            try:
                raise KeyError
            except KeyError:
                pass

    def fail(one):
        one.switch()
        raise ValueError("kept")

    with pytest.raises(ValueError, match="kept"):
        fail(greenlet(run))


def test_the_handled_exception_survives_a_drop():
    main = getcurrent()
    one = greenlet(lambda: main.switch())
    one.switch()
    try:
        raise ValueError("handled")
    except ValueError:
        del one
        assert sys.exc_info()[1].args == ("handled",)


def test_an_exception_raised_while_it_ends_is_reported_and_goes_nowhere(monkeypatch):
    main = getcurrent()
    reported = []
    monkeypatch.setattr(sys, "unraisablehook", lambda report: reported.append((report.exc_type, str(report.exc_value))))

    def run():
        try:
            main.switch()
        finally:
            raise ValueError("while ending")

    one = greenlet(run)
    one.switch()
    del one
    assert reported == [(ValueError, "while ending")]


def test_it_may_catch_greenlet_exit_and_end():
    main = getcurrent()
    log = []

    def run():
        try:
            main.switch()
        except GreenletExit:
            log.append("caught")
        return "ignored"

    one = greenlet(run)
    one.switch()
    del one
    assert log == ["caught"]


def test_it_may_save_itself():
    main = getcurrent()
    saved = []

    def run():
        try:
            main.switch()
        except GreenletExit:
            saved.append(getcurrent())
            main.switch("rescued")
        return "end"

    one = greenlet(run)
    one.switch()
    del one
    assert len(saved) == 1
    assert saved[0]
    assert saved[0].switch() == "end"
    assert saved.pop().dead


def test_one_that_refuses_to_end_is_named_on_stderr(run_script):
    done = run_script(
        """
        from plait.greenlet import getcurrent, greenlet

        main = getcurrent()

        def run():
            while True:
                try:
                    main.switch()
                except BaseException:
                    pass

        one = greenlet(run)
        one.switch()
        del one
        print("still here")
        """
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "still here\n"
    assert "GreenletExit did not kill <greenlet.greenlet object" in done.stderr


def test_a_drop_may_switch_in_its_finally():
    main = getcurrent()
    log = []

    def helper():
        while True:
            log.append(main.switch())

    other = greenlet(helper)
    other.switch()

    def run():
        try:
            main.switch()
        finally:
            inner = greenlet(lambda: log.append("inner"))
            inner.switch()

    one = greenlet(run)
    one.switch()
    del one
    assert log == ["inner"]


def test_drops_nest():
    """Each holds the one before it, which is parked too: ending the outermost ends them all."""
    main = getcurrent()
    log = []

    def run(n, held):
        try:
            main.switch()
        finally:
            log.append(n)

    outer = None
    for n in range(21):
        inner, outer = outer, greenlet(run)
        outer.switch(n, inner)
        del inner
    assert log == []
    del outer
    assert log == list(reversed(range(21)))


def test_an_unstarted_greenlet_runs_nothing_when_dropped():
    ran = []
    one = greenlet(lambda: ran.append(1))
    ref = weakref.ref(one)
    del one
    assert ref() is None
    assert ran == []


def test_a_cycle_through_an_unstarted_greenlet_is_collected():
    class Mine(greenlet):
        pass

    one = Mine()
    one.me = one
    one.run = one.switch
    ref = weakref.ref(one)
    del one
    gc.collect()
    assert ref() is None


def test_a_cycle_through_a_dead_greenlet_is_collected():
    one = greenlet(lambda: None)
    one.me = one
    one.switch()
    ref = weakref.ref(one)
    del one
    gc.collect()
    assert ref() is None


def test_a_cycle_through_the_parent_is_collected():
    one = greenlet(lambda: None)
    two = greenlet(lambda: None, parent=one)
    one.child = two
    refs = [weakref.ref(one), weakref.ref(two)]
    del one, two
    gc.collect()
    assert [ref() for ref in refs] == [None, None]


def test_a_parked_greenlet_in_a_cycle_of_its_own_is_left_alone_by_the_collector():
    main = getcurrent()
    log = []

    def run():
        try:
            main.switch()
        finally:
            log.append("ended")

    one = greenlet(run)
    one.me = one
    one.switch()
    ref = weakref.ref(one)
    del one
    gc.collect()
    kept = ref()
    if kept is not None:  # its stack cannot be traversed, so it may only be kept
        assert kept
        assert log == []
        kept.throw()
        del kept.me
    assert log == ["ended"]


def test_collections_run_inside_greenlets_while_others_are_parked():
    main = getcurrent()

    def run(n):
        cycle = [n]
        cycle.append(cycle)
        main.switch()
        gc.collect()
        return cycle[0]

    parked = [greenlet(run) for _ in range(50)]
    for n, one in enumerate(parked):
        one.switch(n)
    gc.collect()
    assert [one.switch() for one in parked] == list(range(50))


def test_a_weakref_callback_may_switch():
    main = getcurrent()
    log = []

    class Token:
        pass

    def run():
        while True:
            log.append(main.switch())

    helper = greenlet(run)
    helper.switch()
    token = Token()
    ref = weakref.ref(token, lambda _: helper.switch("gone"))
    del token
    assert ref() is None
    assert log == ["gone"]


def test_a_destructor_that_runs_in_a_collection_may_switch():
    main = getcurrent()
    log = []

    def run():
        while True:
            log.append(main.switch())

    helper = greenlet(run)
    helper.switch()

    class Token:
        def __init__(self):
            self.me = self

        def __del__(self):
            helper.switch("collected")

    Token()
    gc.collect()
    assert log == ["collected"]


def test_a_greenlet_does_not_keep_its_arguments_after_its_end():
    class Token:
        pass

    token = Token()
    ref = weakref.ref(token)
    one = greenlet(lambda got: None)
    one.switch(token)
    del token
    assert ref() is None
    assert one.dead


def test_a_greenlet_does_not_keep_run_after_its_end():
    def run():
        pass

    ref = weakref.ref(run)
    one = greenlet(run)
    one.switch()
    del run
    assert ref() is None


def test_a_greenlet_keeps_its_parent_alive():
    parent = greenlet(lambda value: ("parent got", value))
    child = greenlet(lambda: "child", parent=parent)
    ref = weakref.ref(parent)
    del parent
    assert ref() is not None
    assert child.switch() == ("parent got", "child")


def test_the_traverse_of_the_greenlet_that_runs_leaves_its_frames_out():
    def run():
        held = [object() for _ in range(10)]
        gc.collect()
        referents = gc.get_referents(getcurrent())
        return len(held), all(referent not in held for referent in referents)

    assert greenlet(run).switch() == (10, True)
