"""The type: construction, its attributes in every state, subclassing, what it refuses."""

import copy
import pickle
import threading
import time
import weakref

import pytest

import plait.greenlet
from plait.greenlet import GreenletExit, error, getcurrent, gettrace, greenlet


def states():
    """A greenlet in each state that one can be looked at from outside."""
    main = getcurrent()
    new = greenlet(lambda: None)
    parked = greenlet(lambda: main.switch())
    parked.switch()
    dead = greenlet(lambda: None)
    dead.switch()
    return new, parked, dead


# Construction ---------------------------------------------------------------------------------------------------


def test_the_package_offers_the_documented_names():
    assert set(plait.greenlet.__all__) >= {
        "greenlet",
        "getcurrent",
        "GreenletExit",
        "error",
        "settrace",
        "gettrace",
        "_C_API",
    }
    assert all(hasattr(plait.greenlet, name) for name in plait.greenlet.__all__)


def test_the_functions_are_attributes_of_the_type_too():
    assert greenlet.getcurrent() is getcurrent()
    assert greenlet.error is error
    assert greenlet.GreenletExit is GreenletExit
    assert greenlet.gettrace() is gettrace()
    assert greenlet.settrace(None) is None


def test_run_and_parent_may_be_given_by_position_or_name():
    def run():
        return "ran"

    above = greenlet()
    assert greenlet(run).run is run
    assert greenlet(run, above).parent is above
    assert greenlet(run=run, parent=above).run is run
    assert greenlet(parent=above).parent is above
    assert greenlet(run, None).parent is getcurrent()
    assert greenlet(run, parent=None).parent is getcurrent()
    assert greenlet().parent is getcurrent()


def test_the_default_parent_is_the_creator():
    def run():
        return greenlet(lambda: None).parent

    one = greenlet(run)
    assert one.switch() is one


@pytest.mark.parametrize("arguments", [(None, "no greenlet"), (None, None, None), (None, 1)])
def test_wrong_arguments_are_a_type_error(arguments):
    with pytest.raises(TypeError):
        greenlet(*arguments)


def test_unknown_keywords_are_a_type_error():
    with pytest.raises(TypeError):
        greenlet(lambda: None, target=1)


def test_what_cannot_be_called_fails_when_it_is_started():
    one = greenlet(17)
    with pytest.raises(TypeError, match="not callable"):
        one.switch()
    assert one.dead


# State ----------------------------------------------------------------------------------------------------------


def test_dead_and_truth_follow_the_state():
    new, parked, dead = states()
    assert [new.dead, parked.dead, dead.dead] == [False, False, True]
    assert [bool(new), bool(parked), bool(dead)] == [False, True, False]
    assert greenlet(lambda: (bool(getcurrent()), getcurrent().dead)).switch() == (True, False)


def test_dead_is_read_only():
    with pytest.raises(AttributeError):
        greenlet().dead = True


def test_repr_names_the_type_and_the_state():
    new, parked, dead = states()
    assert repr(new).startswith("<greenlet.greenlet object at 0x")
    assert "pending" in repr(new)
    assert "suspended active started" in repr(parked)
    assert "dead" in repr(dead)
    assert "current active started main" in repr(getcurrent())
    assert "current active started" in greenlet(lambda: repr(getcurrent())).switch()

    class Mine(greenlet):
        pass

    assert repr(Mine()).startswith("<Mine object at 0x")


# run ------------------------------------------------------------------------------------------------------------


def test_run_can_be_set_and_deleted_until_the_start():
    one = greenlet()
    with pytest.raises(AttributeError):
        one.run  # noqa: B018
    one.run = lambda: "late"
    assert one.run() == "late"
    del one.run
    with pytest.raises(AttributeError):
        one.switch()
    one.run = lambda: "again"
    assert one.switch() == "again"


def test_run_is_gone_once_started():
    _, parked, dead = states()
    for one in (parked, dead):
        with pytest.raises(AttributeError, match="run"):
            one.run  # noqa: B018
        with pytest.raises(AttributeError, match="run cannot be set after the start of the greenlet"):
            one.run = print
        with pytest.raises(AttributeError, match="run cannot be set after the start of the greenlet"):
            del one.run


def test_run_may_be_a_method_of_a_subclass():
    class Mine(greenlet):
        def run(self, value):
            return self, value

    one = Mine()
    assert one.switch(3) == (one, 3)


def test_run_may_be_an_instance_attribute_of_a_subclass():
    class Mine(greenlet):
        def __init__(self):
            self.run = lambda: "mine"

    assert Mine().switch() == "mine"


def test_run_is_fetched_when_it_starts_and_only_then():
    fetched = []

    class Mine(greenlet):
        def __getattribute__(self, name):
            if name == "run":
                fetched.append(name)
                return lambda: "from __getattribute__"
            return super().__getattribute__(name)

    one = Mine()
    assert fetched == []
    assert one.switch() == "from __getattribute__"
    assert fetched == ["run"]


def test_fetching_run_may_fail_and_the_greenlet_may_be_started_later():
    class Mine(greenlet):
        broken = True

        @property
        def run(self):
            if Mine.broken:
                raise ZeroDivisionError
            return lambda: "mended"

    one = Mine()
    with pytest.raises(ZeroDivisionError):
        one.switch()
    assert not one.dead
    assert not one
    Mine.broken = False
    assert one.switch() == "mended"


def test_fetching_run_may_switch_away():
    main = getcurrent()

    class Mine(greenlet):
        @property
        def run(self):
            return main.switch("while fetching")

    one = Mine()

    def starter():
        return one.switch()

    other = greenlet(starter)
    assert other.switch() == "while fetching"
    assert other.switch(lambda: "ran") == "ran"
    assert one.dead


def test_fetching_run_may_start_this_very_greenlet():
    class Mine(greenlet):
        fetched = 0

        @property
        def run(self):
            Mine.fetched += 1
            if Mine.fetched == 1:
                self.switch("inner")
            return lambda value: main.switch(value)

    main = getcurrent()
    one = Mine()
    # The inner switch starts it and it parks; the outer one then finds it parked and goes on in it.
    assert one.switch("outer") == "outer"
    assert Mine.fetched == 2
    assert one.dead


# parent ---------------------------------------------------------------------------------------------------------


def test_parent_can_be_set_before_and_after_the_start():
    main = getcurrent()
    got = []

    def collector():
        while True:
            got.append(main.switch())

    above = greenlet(collector)
    above.switch()
    one = greenlet(lambda: main.switch() or "result")
    one.switch()
    one.parent = above
    assert one.parent is above
    assert one.switch() == ()  # the collector's own switch back
    assert got == ["result"]


@pytest.mark.parametrize("value", [None, 1, "greenlet", object()])
def test_parent_must_be_a_greenlet(value):
    one = greenlet()
    with pytest.raises(TypeError):
        one.parent = value
    assert one.parent is getcurrent()


def test_parent_cannot_be_deleted():
    with pytest.raises(AttributeError):
        del greenlet().parent


def test_parents_form_no_cycle():
    one = greenlet()
    two = greenlet(parent=one)
    three = greenlet(parent=two)
    for below in (one, two, three):
        with pytest.raises(ValueError, match="cyclic parent chain"):
            one.parent = below
    assert one.parent is getcurrent()


def test_the_parent_of_main_cannot_be_set():
    main = getcurrent()
    with pytest.raises(AttributeError):
        main.parent = greenlet()
    with pytest.raises(AttributeError):
        main.parent = main


def test_main_has_no_run():
    with pytest.raises(AttributeError):
        getcurrent().run  # noqa: B018
    with pytest.raises(AttributeError):
        getcurrent().run = print


def test_the_parent_of_a_started_greenlet_must_be_of_its_thread():
    there = []
    done = threading.Event()

    def body():
        there.append(greenlet(lambda: None))
        done.wait()

    thread = threading.Thread(target=body)
    thread.start()
    while not there:
        time.sleep(0.001)
    one = greenlet(lambda main=getcurrent(): main.switch())
    one.switch()
    with pytest.raises(ValueError, match="parent cannot be on a different thread"):
        one.parent = there[0]
    done.set()
    thread.join()
    there.clear()


def test_a_parent_that_is_dead_may_be_set():
    dead = greenlet(lambda: None)
    dead.switch()
    one = greenlet(lambda: "up", parent=dead)
    assert one.switch() == "up"


# Python's own protocols -----------------------------------------------------------------------------------------


def test_attributes_and_dict():
    one = greenlet()
    one.anything = 5
    assert one.__dict__ == {"anything": 5}
    one.__dict__ = {"other": 6}
    assert one.other == 6
    with pytest.raises(AttributeError):
        one.anything  # noqa: B018
    with pytest.raises(TypeError):
        one.__dict__ = 3
    del one.other
    assert one.__dict__ == {}


def test_weak_references():
    gone = []
    one = greenlet(lambda: None)
    ref = weakref.ref(one, gone.append)
    assert ref() is one
    one.switch()
    assert ref() is one
    del one
    assert ref() is None
    assert gone == [ref]


def test_equality_and_hash_are_identity():
    one, two = greenlet(), greenlet()
    assert one == one
    assert one != two
    assert len({one, two, one}) == 2


@pytest.mark.parametrize("copier", [copy.copy, copy.deepcopy, pickle.dumps])
def test_copies_and_pickles_are_refused(copier):
    for one in states():
        with pytest.raises(TypeError):
            copier(one)
    with pytest.raises(TypeError):
        copier(getcurrent())


def test_subclasses_take_their_own_arguments():
    class Mine(greenlet):
        def __init__(self, name, **kwargs):
            super().__init__(**kwargs)
            self.name = name

        def run(self):
            return self.name

    assert Mine("n").switch() == "n"
    assert Mine("n", parent=getcurrent()).parent is getcurrent()


def test_subclasses_may_override_switch_and_throw():
    log = []

    class Mine(greenlet):
        def switch(self, *args):
            log.append(args)
            return super().switch(*args)

        def throw(self, *args):
            log.append(args)
            return super().throw(*args)

    one = Mine(lambda value: value)
    assert one.switch(1) == 1
    assert isinstance(one.throw(), GreenletExit)
    assert log == [(1,), ()]


def test_a_subclass_with_slots():
    class Mine(greenlet):
        __slots__ = ("name",)

    one = Mine(lambda: one.name)
    one.name = "slot"
    assert one.switch() == "slot"


def test_stack_saved_is_a_number_that_is_never_negative():
    new, parked, dead = states()
    assert new._stack_saved == 0
    assert dead._stack_saved == 0
    assert isinstance(parked._stack_saved, int)
    assert parked._stack_saved >= 0
    assert getcurrent()._stack_saved == 0
    with pytest.raises(AttributeError):
        parked._stack_saved = 1
