"""throw(): what is raised where, for each state of the target and each form of the arguments."""

import sys
import traceback

import pytest

from plait.greenlet import GreenletExit, getcurrent, greenlet


def parked(catch=BaseException):
    """A greenlet in its first switch; it returns whatever it catches."""
    main = getcurrent()

    def run():
        try:
            main.switch()
        except catch as failure:
            return failure
        return None

    one = greenlet(run)
    one.switch()
    return one


def test_without_arguments_it_throws_greenlet_exit():
    failure = parked().throw()
    assert type(failure) is GreenletExit
    assert failure.args == ()


def test_a_class_is_instantiated_in_the_target():
    failure = parked().throw(ValueError)
    assert type(failure) is ValueError
    assert failure.args == ()


def test_a_class_and_a_value():
    assert parked().throw(ValueError, "text").args == ("text",)
    assert parked().throw(ValueError, ("a", "b")).args == ("a", "b")
    mine = ValueError("mine")
    assert parked().throw(ValueError, mine) is mine


def test_an_instance():
    mine = KeyError("k")
    assert parked().throw(mine) is mine
    assert parked().throw(mine, None) is mine
    assert parked().throw(mine, None, None) is mine


def test_a_traceback_is_continued():
    def origin():
        raise OSError("origin")

    try:
        origin()
    except OSError:
        kind, value, tb = sys.exc_info()
    main = getcurrent()

    def run():
        main.switch()

    one = greenlet(run)
    one.switch()
    with pytest.raises(OSError, match="origin") as caught:
        one.throw(kind, value, tb)
    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert "origin" in names
    assert "run" in names
    del tb, value


@pytest.mark.parametrize(
    "arguments",
    [
        (1,),
        ("text",),
        (object,),
        (ValueError("x"), "separate value"),
        (ValueError, "x", "no traceback"),
        (None,),
        (ValueError, "x", None, None),
    ],
)
def test_what_describes_no_exception_is_a_type_error_and_the_target_stays(arguments):
    one = parked()
    with pytest.raises(TypeError):
        one.throw(*arguments)
    assert one
    assert one.switch() is None


def test_it_returns_what_comes_back():
    main = getcurrent()

    def run():
        try:
            main.switch()
        except ValueError:
            return main.switch("caught"), "end"

    one = greenlet(run)
    one.switch()
    assert one.throw(ValueError) == "caught"
    assert one.switch("on") == ("on", "end")


def test_what_the_target_does_not_catch_comes_back_to_its_parent():
    one = parked(catch=KeyError)
    with pytest.raises(ValueError, match="through"):
        one.throw(ValueError, "through")
    assert one.dead


def test_greenlet_exit_that_is_not_caught_becomes_the_result():
    one = parked(catch=KeyError)
    result = one.throw(GreenletExit("bye"))
    assert isinstance(result, GreenletExit)
    assert result.args == ("bye",)
    assert one.dead


def test_into_one_never_started_kills_it_and_raises_in_its_parent():
    ran = []
    one = greenlet(lambda: ran.append(1))
    with pytest.raises(ValueError, match="early"):
        one.throw(ValueError, "early")
    assert one.dead
    assert one.switch() == ()
    assert ran == []


def test_greenlet_exit_into_one_never_started_is_returned():
    one = greenlet(lambda: None)
    result = one.throw()
    assert isinstance(result, GreenletExit)
    assert one.dead


def test_into_one_never_started_raises_in_its_parent_and_not_in_the_caller():
    main = getcurrent()
    caught = []

    def parent():
        try:
            main.switch()
        except ValueError as failure:
            caught.append(failure)
        return "from the parent"

    above = greenlet(parent)
    above.switch()
    below = greenlet(lambda: None, parent=above)
    assert below.throw(ValueError, "x") == "from the parent"
    assert len(caught) == 1


def test_into_a_dead_one_raises_in_the_caller():
    one = greenlet(lambda: None)
    one.switch()
    with pytest.raises(ValueError, match="late"):
        one.throw(ValueError, "late")
    assert one.dead


def test_greenlet_exit_into_a_dead_one_is_returned():
    one = greenlet(lambda: None)
    one.switch()
    assert isinstance(one.throw(), GreenletExit)
    mine = GreenletExit("mine")
    assert one.throw(mine) is mine


def test_into_itself_raises_here():
    with pytest.raises(LookupError, match="self"):
        getcurrent().throw(LookupError, "self")

    def run():
        try:
            getcurrent().throw(ValueError)
        except ValueError:
            return "caught"

    assert greenlet(run).switch() == "caught"


def test_into_the_parent_from_a_child_leaves_the_child_parked():
    main = getcurrent()

    def run():
        try:
            main.throw(ValueError, "up")
        finally:
            pass
        return "end"

    one = greenlet(run)
    with pytest.raises(ValueError, match="up"):
        one.switch()
    assert one
    assert one.switch() == "end"


def test_greenlet_exit_thrown_into_the_current_main_is_raised():
    with pytest.raises(GreenletExit):
        getcurrent().throw()


def test_a_class_whose_construction_fails_throws_that_failure():
    class Bad(Exception):
        def __init__(self):
            raise KeyError("in __init__")

    one = parked()
    failure = one.throw(Bad)
    assert type(failure) is KeyError
    assert one.dead


def test_the_same_exception_may_cross_many_greenlets():
    mine = RuntimeError("again")
    for _ in range(50):
        one = parked(catch=KeyError)
        with pytest.raises(RuntimeError) as caught:
            one.throw(mine)
        assert caught.value is mine


def test_finally_blocks_run_and_may_switch():
    main = getcurrent()
    log = []

    def run():
        try:
            main.switch()
        finally:
            log.append(main.switch("in finally"))

    one = greenlet(run)
    one.switch()
    assert one.throw() == "in finally"
    assert isinstance(one.switch("resumed"), GreenletExit)
    assert log == ["resumed"]


def test_references_of_the_exception_are_given_back():
    class Counted(Exception):
        pass

    mine = Counted()
    before = sys.getrefcount(mine)
    for _ in range(20):
        one = parked(catch=KeyError)
        try:
            one.throw(mine)
        except Counted:
            pass
        mine.__traceback__ = None
        del one
        getcurrent().parent  # noqa: B018
        with pytest.raises(Counted):
            greenlet(lambda: None).throw(mine)
        mine.__traceback__ = None
        mine.__context__ = None
    import gc

    gc.collect()
    assert sys.getrefcount(mine) == before
