"""What of the interpreter's state belongs to a greenlet: exceptions, context, recursion, frames, trace functions."""

import contextvars
import sys
import traceback

import pytest

from plait.greenlet import getcurrent, greenlet

# The exception being handled -----------------------------------------------------------------------------------


def test_each_greenlet_handles_its_own_exception():
    main = getcurrent()

    def run(name):
        assert sys.exc_info() == (None, None, None)
        try:
            raise ValueError(name)
        except ValueError:
            main.switch()
            assert sys.exc_info()[1].args == (name,)
        main.switch(sys.exc_info())

    one, two = greenlet(run), greenlet(run)
    try:
        raise KeyError("main")
    except KeyError:
        one.switch("one")
        assert sys.exc_info()[1].args == ("main",)
        two.switch("two")
        assert sys.exc_info()[1].args == ("main",)
        assert one.switch() == (None, None, None)
        assert two.switch() == (None, None, None)
        assert sys.exc_info()[1].args == ("main",)
    one.switch()
    two.switch()


def test_a_bare_raise_in_a_new_greenlet_finds_nothing_to_raise():
    def run():
        raise  # noqa: PLE0704

    try:
        raise KeyError
    except KeyError:
        with pytest.raises(RuntimeError, match="No active exception"):
            greenlet(run).switch()


def test_a_bare_raise_after_a_switch_raises_its_own():
    main = getcurrent()

    def run():
        try:
            raise ValueError("mine")
        except ValueError:
            main.switch()
            raise

    one = greenlet(run)
    one.switch()
    try:
        raise KeyError
    except KeyError:
        with pytest.raises(ValueError, match="mine"):
            one.switch()


def test_an_exception_in_a_new_greenlet_has_no_context_from_its_starter():
    def run():
        raise ValueError

    try:
        raise KeyError
    except KeyError:
        with pytest.raises(ValueError) as caught:
            greenlet(run).switch()
        failure = caught.value
        assert failure.__context__ is None


def test_exceptions_handled_inside_generators_stay_with_their_greenlet():
    main = getcurrent()

    def numbers():
        try:
            raise ValueError("in generator")
        except ValueError:
            main.switch()
            yield sys.exc_info()[1].args[0]

    def run():
        try:
            raise KeyError("outer")
        except KeyError:
            inner = list(numbers())
            return inner, sys.exc_info()[1].args[0]

    one = greenlet(run)
    one.switch()
    assert sys.exc_info() == (None, None, None)
    assert one.switch() == (["in generator"], "outer")


# Tracebacks and frames -----------------------------------------------------------------------------------------


def test_the_traceback_has_the_frames_of_the_greenlet_and_of_its_catcher():
    def run():
        middle()

    def middle():
        raise ValueError("deep")

    def catcher():
        greenlet(run).switch()

    with pytest.raises(ValueError, match="deep") as caught:
        catcher()
    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert names[-3:] == ["catcher", "run", "middle"]


def test_the_outermost_frame_has_no_back():
    def run():
        frame = sys._getframe()
        names = []
        while frame is not None:
            names.append(frame.f_code.co_name)
            frame = frame.f_back
        return names

    assert greenlet(run).switch() == ["run"]


def test_the_starter_is_not_seen_by_getframe():
    def run():
        with pytest.raises(ValueError, match="call stack is not deep enough"):
            sys._getframe(1)
        return "done"

    assert greenlet(run).switch() == "done"


def test_frames_keep_their_back_across_switches():
    main = getcurrent()

    def inner():
        frame = sys._getframe()
        main.switch()
        return [frame.f_code.co_name, frame.f_back.f_code.co_name, frame.f_back.f_back]

    def outer():
        return inner()

    one = greenlet(outer)
    one.switch()
    assert one.switch() == ["inner", "outer", None]


def test_gr_frame_is_the_innermost_frame_of_a_parked_greenlet_alone():
    main = getcurrent()

    def inner(token):
        main.switch()
        return token

    def outer():
        return inner("token")

    one = greenlet(outer)
    assert one.gr_frame is None
    one.switch()
    frame = one.gr_frame
    assert frame.f_code is inner.__code__
    assert frame.f_locals["token"] == "token"
    assert frame.f_back.f_code is outer.__code__
    assert frame.f_back.f_back is None
    assert one.gr_frame is frame
    assert getcurrent().gr_frame is None
    assert one.switch() == "token"
    assert one.gr_frame is None
    assert frame.f_code is inner.__code__  # a frame outlives its greenlet
    assert frame.f_locals["token"] == "token"


def test_gr_frame_of_a_running_greenlet_is_none():
    assert greenlet(lambda: getcurrent().gr_frame).switch() is None


def test_gr_frame_of_parked_main_seen_from_a_greenlet():
    main = getcurrent()

    def run():
        names = []
        frame = main.gr_frame
        while frame is not None:
            names.append(frame.f_code.co_name)
            frame = frame.f_back
        return names

    names = greenlet(run).switch()
    assert names[0] == "test_gr_frame_of_parked_main_seen_from_a_greenlet"
    assert len(names) > 3


def test_gr_frame_is_current_after_each_switch():
    main = getcurrent()

    def run():
        main.switch()
        main.switch()

    one = greenlet(run)
    one.switch()
    first = one.gr_frame.f_lineno
    one.switch()
    assert one.gr_frame.f_lineno == first + 1
    one.switch()


def test_a_stack_walk_of_a_parked_greenlet_prints_its_source():
    main = getcurrent()

    def run():
        return sorted([1], key=lambda _: main.switch() or 0)

    one = greenlet(run)
    one.switch()
    names = [frame.name for frame in traceback.extract_stack(one.gr_frame)]
    assert names == ["run", "<lambda>"]
    one.switch()


def test_gi_frame_back_of_a_generator_in_a_parked_greenlet():
    main = getcurrent()

    def numbers():
        main.switch()
        yield 1

    generators = []

    def run():
        generators.append(numbers())
        return next(generators[0])

    one = greenlet(run)
    one.switch()
    assert generators[0].gi_frame.f_back.f_code is run.__code__
    assert generators[0].gi_frame.f_back.f_back is None
    assert one.switch() == 1
    assert generators[0].gi_frame.f_back is None


def test_locals_of_a_parked_frame_are_alive_after_the_greenlet_is_gone():
    main = getcurrent()

    def run():
        token = ["kept"]
        main.switch()
        return token

    one = greenlet(run)
    one.switch()
    frame = one.gr_frame
    del one
    assert frame.f_locals["token"] == ["kept"]
    frame.clear()
    assert "token" not in frame.f_locals


# Recursion ------------------------------------------------------------------------------------------------------


def descend(limit=10**6):
    depth = 0

    def down():
        nonlocal depth
        depth += 1
        if depth < limit:
            down()

    try:
        down()
    except RecursionError:
        pass
    return depth


def test_endless_recursion_in_a_greenlet_is_a_recursion_error():
    def forever():
        return forever()

    one = greenlet(forever)
    with pytest.raises(RecursionError):
        one.switch()
    assert one.dead
    assert greenlet(lambda: "usable").switch() == "usable"


def test_a_greenlet_that_starts_greenlets_without_end_meets_recursion_error():
    def forever(depth):
        return greenlet(forever).switch(depth + 1)

    with pytest.raises(RecursionError):
        forever(0)
    assert greenlet(lambda: "usable").switch() == "usable"


def test_depth_is_counted_for_each_greenlet():
    main = getcurrent()
    here = descend()

    def run(levels):
        if levels:
            return run(levels - 1)
        main.switch()
        return None

    deep = sys.getrecursionlimit() // 2
    parked = [greenlet(run) for _ in range(5)]
    for one in parked:
        one.switch(deep)
    assert abs(descend() - here) <= 2  # what is parked does not count here
    for one in parked:
        one.switch()
        assert one.dead


def test_setrecursionlimit_holds_in_every_greenlet():
    main = getcurrent()
    limit = sys.getrecursionlimit()

    def run():
        first = descend()
        main.switch(first)
        return descend()

    one = greenlet(run)
    before = one.switch()
    try:
        sys.setrecursionlimit(limit * 2)
        after = one.switch()
    finally:
        sys.setrecursionlimit(limit)
    assert after - before >= limit - 50


# Context variables ----------------------------------------------------------------------------------------------

VARIABLE = contextvars.ContextVar("VARIABLE", default="default")


def test_a_new_greenlet_has_an_empty_context():
    token = VARIABLE.set("main")
    try:
        assert greenlet(VARIABLE.get).switch() == "default"
    finally:
        VARIABLE.reset(token)


def test_values_set_in_a_greenlet_stay_in_it():
    main = getcurrent()

    def run(value):
        VARIABLE.set(value)
        main.switch()
        return VARIABLE.get()

    greenlets = {name: greenlet(run) for name in "abc"}
    for name, one in greenlets.items():
        one.switch(name)
    assert VARIABLE.get() == "default"
    for name, one in greenlets.items():
        assert one.switch() == name
    assert VARIABLE.get() == "default"


def test_gr_context_can_be_set_before_the_start():
    context = contextvars.copy_context()
    context.run(VARIABLE.set, "copied")
    one = greenlet(VARIABLE.get)
    one.gr_context = context
    assert one.gr_context is context
    assert one.switch() == "copied"
    assert one.gr_context is context


def test_gr_context_of_the_current_greenlet_is_its_own():
    def run():
        assert getcurrent().gr_context is None
        VARIABLE.set("x")
        assert getcurrent().gr_context[VARIABLE] == "x"
        other = contextvars.copy_context()
        other.run(VARIABLE.set, "y")
        getcurrent().gr_context = other
        assert VARIABLE.get() == "y"
        getcurrent().gr_context = None
        return VARIABLE.get()

    assert greenlet(run).switch() == "default"


def test_gr_context_of_a_parked_greenlet_can_be_exchanged():
    main = getcurrent()

    def run():
        VARIABLE.set("first")
        main.switch()
        return VARIABLE.get()

    one = greenlet(run)
    one.switch()
    assert one.gr_context[VARIABLE] == "first"
    other = contextvars.copy_context()
    other.run(VARIABLE.set, "second")
    one.gr_context = other
    assert one.switch() == "second"


def test_context_run_switches_within():
    main = getcurrent()
    context = contextvars.copy_context()

    def inner():
        VARIABLE.set("inside")
        main.switch()
        return VARIABLE.get()

    one = greenlet(lambda: (context.run(inner), VARIABLE.get()))
    one.switch()
    assert VARIABLE.get() == "default"
    assert one.switch() == ("inside", "default")
    assert context[VARIABLE] == "inside"


def test_the_cache_of_a_context_variable_is_not_fooled_by_switches():
    main = getcurrent()

    def run(value):
        VARIABLE.set(value)
        while True:
            seen = [VARIABLE.get() for _ in range(3)]
            main.switch(seen)

    one, two = greenlet(run), greenlet(run)
    assert one.switch(1) == [1] * 3
    assert two.switch(2) == [2] * 3
    for _ in range(10):
        assert one.switch() == [1] * 3
        assert two.switch() == [2] * 3
        assert VARIABLE.get() == "default"


@pytest.mark.parametrize("value", [1, "context", {}])
def test_gr_context_must_be_a_context(value):
    with pytest.raises(TypeError, match="gr_context|contextvars.Context"):
        greenlet().gr_context = value


def test_gr_context_cannot_be_deleted():
    with pytest.raises(AttributeError):
        del greenlet().gr_context


def test_the_context_of_a_dead_greenlet_can_still_be_read():
    def run():
        VARIABLE.set("last")

    one = greenlet(run)
    one.switch()
    assert one.gr_context[VARIABLE] == "last"


# sys.settrace and sys.setprofile --------------------------------------------------------------------------------


def test_a_trace_function_sees_every_greenlet_of_the_thread():
    main = getcurrent()
    seen = []

    def tracer(frame, event, _):
        if frame.f_code.co_name in ("run_a", "run_b"):
            seen.append((frame.f_code.co_name, event))
        return tracer

    def run_a():
        main.switch()
        return 1

    def run_b():
        return 2

    previous = sys.gettrace()
    one, two = greenlet(run_a), greenlet(run_b)
    try:
        sys.settrace(tracer)
        one.switch()
        two.switch()
        one.switch()
    finally:
        sys.settrace(previous)
    assert seen == [
        ("run_a", "call"),
        ("run_a", "line"),
        ("run_b", "call"),
        ("run_b", "line"),
        ("run_b", "return"),
        ("run_a", "line"),
        ("run_a", "return"),
    ]


def test_a_profile_function_sees_calls_and_returns_on_both_sides():
    main = getcurrent()
    seen = []

    def profiler(frame, event, argument):
        if event.startswith("c_"):
            seen.append((event, argument.__name__))
        else:
            seen.append((event, frame.f_code.co_name))

    def run():
        main.switch()

    one = greenlet(run)
    previous = sys.getprofile()
    try:
        sys.setprofile(profiler)
        one.switch()
        one.switch()
    finally:
        sys.setprofile(previous)
    switches = [entry for entry in seen if entry[1] in ("switch", "run")]
    assert switches == [
        ("c_call", "switch"),
        ("call", "run"),
        ("c_call", "switch"),
        ("c_return", "switch"),
        ("c_call", "switch"),
        ("c_return", "switch"),
        ("return", "run"),
        ("c_return", "switch"),
    ]


def test_a_trace_function_set_in_a_greenlet_is_the_threads():
    main = getcurrent()
    seen = []

    def tracer(frame, event, _):
        seen.append(frame.f_code.co_name)

    def run():
        sys.settrace(tracer)
        main.switch()

    def called_in_main():
        pass

    previous = sys.gettrace()
    one = greenlet(run)
    try:
        one.switch()
        assert sys.gettrace() is tracer
        called_in_main()
    finally:
        sys.settrace(previous)
    assert "called_in_main" in seen
    one.switch()


def test_a_trace_function_may_itself_switch():
    main = getcurrent()
    log = []

    def run():
        while True:
            log.append(main.switch())

    helper = greenlet(run)
    helper.switch()

    def tracer(frame, event, _):
        if frame.f_code.co_name == "traced":
            helper.switch(event)
        return tracer

    def traced():
        return 1

    previous = sys.gettrace()
    try:
        sys.settrace(tracer)
        traced()
    finally:
        sys.settrace(previous)
    assert log[0] == "call"
    assert log[-1] == "return"
