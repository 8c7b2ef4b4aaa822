"""The C API, from extensions that are compiled here against greenlet.h as a third party's would be."""

import sys
import threading

import pytest

from plait.greenlet import GreenletExit, error, getcurrent, greenlet


@pytest.fixture(scope="module")
def api(build_extension):
    return build_extension("uses_c_api.c")


@pytest.fixture(scope="module")
def cxx(build_extension):
    return build_extension("throws_cxx.cpp")


def test_the_exported_types_are_the_packages(api):
    assert api.types() == (greenlet, error, GreenletExit)


def test_the_structure_is_laid_out_as_extensions_expect(api):
    header = object.__basicsize__
    pointer = tuple.__itemsize__
    assert api.layout() == (header, header + pointer, header + 3 * pointer)
    assert greenlet.__basicsize__ == header + 3 * pointer


def test_check_tells_greenlets_and_their_subtypes(api):
    class Mine(greenlet):
        pass

    assert api.is_greenlet(greenlet())
    assert api.is_greenlet(Mine())
    assert api.is_greenlet(getcurrent())
    assert not api.is_greenlet(object())
    assert not api.is_greenlet(None)


def test_new_takes_run_and_parent(api):
    above = greenlet()
    one = api.new(lambda: "ran", above)
    assert type(one) is greenlet
    assert one.parent is above
    two = api.new(lambda: "ran")
    assert two.parent is getcurrent()
    assert two.switch() == "ran"


def test_new_without_run_gets_it_later(api):
    one = api.new(None)
    one.run = lambda: "late"
    assert one.switch() == "late"


def test_getcurrent_is_a_new_reference(api):
    main = getcurrent()
    before = sys.getrefcount(main)
    for _ in range(10):
        assert api.current() is main
    assert sys.getrefcount(main) == before
    one = greenlet(api.current)
    assert one.switch() is one


@pytest.mark.parametrize(
    ("arguments", "result"),
    [
        ((), ((), {})),
        ((None,), ((), {})),
        (((1,),), ((1,), {})),
        (((1, 2), {"a": 3}), ((1, 2), {"a": 3})),
        ((None, {"a": 3}), ((), {"a": 3})),
    ],
)
def test_switch_starts_with_its_arguments(api, arguments, result):
    assert api.switch(greenlet(lambda *args, **kwargs: (args, kwargs)), *arguments) == result


def test_switch_returns_what_comes_back(api):
    main = getcurrent()

    def run():
        got = main.switch("first")
        return main.switch(got)

    one = greenlet(run)
    assert api.switch(one) == "first"
    assert api.switch(one, (1, 2)) == (1, 2)
    assert api.switch(one, ("end",)) == "end"
    assert one.dead


def test_switch_keeps_no_reference_to_its_arguments(api):
    main = getcurrent()
    token = object()
    arguments, keywords = (token,), {"name": token}
    before = [sys.getrefcount(item) for item in (token, arguments, keywords)]

    def run(*_, **__):
        while True:
            main.switch()

    one = greenlet(run)
    one.switch()
    for _ in range(10):
        api.switch(one, arguments)
        api.switch(one, arguments, keywords)
        api.switch(greenlet(lambda *_, **__: None), arguments, keywords)
    one.switch()
    assert [sys.getrefcount(item) for item in (token, arguments, keywords)] == before


def test_throw_raises_in_the_target(api):
    main = getcurrent()

    def run():
        try:
            main.switch()
        except ValueError as failure:
            return failure.args

    for arguments, result in (
        ((ValueError,), ()),
        ((ValueError, "text"), ("text",)),
        ((ValueError("made"),), ("made",)),
    ):
        one = greenlet(run)
        one.switch()
        assert api.throw(one, *arguments) == result


def test_an_exception_comes_out_of_switch_and_throw(api):
    def run():
        raise KeyError("out")

    with pytest.raises(KeyError, match="out"):
        api.switch(greenlet(run))
    with pytest.raises(LookupError):
        api.throw(greenlet(run), LookupError)


def test_set_parent_follows_the_rules_of_the_attribute(api):
    one, above = greenlet(), greenlet()
    api.set_parent(one, above)
    assert one.parent is above
    with pytest.raises(ValueError, match="cyclic"):
        api.set_parent(above, one)
    with pytest.raises(AttributeError):
        api.set_parent(getcurrent(), above)


def test_get_parent_is_a_new_reference_or_null_for_main(api):
    above = greenlet()
    one = greenlet(parent=above)
    before = sys.getrefcount(above)
    for _ in range(10):
        assert api.get_parent(one) is above
    assert sys.getrefcount(above) == before
    assert api.get_parent(getcurrent()) is None


def test_the_state_in_each_of_them(api):
    main = getcurrent()
    one = greenlet(lambda: main.switch())
    assert api.state(one) == {"main": 0, "started": 0, "active": 0}
    one.switch()
    assert api.state(one) == {"main": 0, "started": 1, "active": 1}
    one.switch()
    assert api.state(one) == {"main": 0, "started": 1, "active": 0}
    assert api.state(getcurrent()) == {"main": 1, "started": 1, "active": 1}


@pytest.mark.parametrize(
    "arguments", [("switch",), ("throw", ValueError), ("set_parent", None), ("state",), ("get_parent",)]
)
def test_what_is_no_greenlet_is_a_type_error(api, arguments):
    name, *rest = arguments
    if name == "set_parent":
        rest = [greenlet()]
    with pytest.raises(TypeError):
        getattr(api, name)(object(), *rest)


def test_another_threads_greenlet_is_refused(api):
    made = []
    thread = threading.Thread(target=lambda: made.append(getcurrent()))
    thread.start()
    thread.join()
    with pytest.raises(error):
        api.switch(made.pop())


def test_a_subtype_in_c(api):
    one = api.Numbered(5)
    assert isinstance(one, greenlet)
    assert one.switch() == 5
    assert one.dead
    kept = api.Numbered(6)
    kept.attribute = kept
    del kept


def test_a_subclass_in_python_of_a_subtype_in_c(api):
    class Mine(api.Numbered):
        def run(self):
            return super().run() + 1

    assert Mine(5).switch() == 6


# C++ ------------------------------------------------------------------------------------------------------------


def test_a_switch_inside_catch_finds_its_own_exception_again(cxx):
    main = getcurrent()
    one = greenlet(lambda: cxx.handle(main, "first"))
    two = greenlet(lambda: cxx.handle(main, "second"))
    one.switch()
    assert cxx.is_handling() is False  # what others handle is not handled here
    two.switch()
    assert cxx.is_handling() is False
    assert one.switch() == ("first", 0)
    assert two.switch() == ("second", 0)


def test_many_catch_blocks_end_in_any_order(cxx):
    main = getcurrent()
    names = [f"exception {n}" for n in range(30)]
    parked = {name: greenlet(lambda name=name: cxx.handle(main, name)) for name in names}
    for one in parked.values():
        one.switch()
    for name in sorted(names, key=hash):
        assert parked[name].switch() == (name, 0)
    assert cxx.is_handling() is False


def test_a_switch_while_unwinding_keeps_the_count_of_uncaught_exceptions(cxx):
    main = getcurrent()
    one, two = greenlet(lambda: cxx.unwind(main)), greenlet(lambda: cxx.unwind(main))
    one.switch()
    two.switch()
    assert cxx.is_handling() is False
    assert one.switch() == ("unwinding", 1, 0)
    assert two.switch() == ("unwinding", 1, 0)


def test_an_exception_thrown_into_a_catch_block_comes_out_of_it(cxx):
    main = getcurrent()
    one = greenlet(lambda: cxx.handle(main, "text"))
    one.switch()
    with pytest.raises(ValueError, match="in"):
        one.throw(ValueError, "in")
    assert cxx.is_handling() is False


def test_a_greenlet_parked_in_catch_may_be_dropped(cxx):
    main = getcurrent()
    for _ in range(10):
        one = greenlet(lambda: cxx.handle(main, "text"))
        one.switch()
        del one
    assert cxx.is_handling() is False


def test_python_failures_travel_through_cxx_frames(cxx):
    main = getcurrent()

    def fail():
        main.switch("parked below C++ frames")
        raise KeyError

    one = greenlet(lambda: cxx.translate(fail))
    assert one.switch() == "parked below C++ frames"
    with pytest.raises(RuntimeError, match="python failed"):
        one.switch()


def test_switches_in_catch_from_several_threads(cxx):
    results = []

    def work():
        main = getcurrent()
        one = greenlet(lambda: cxx.handle(main, "mine"))
        one.switch()
        results.append((cxx.is_handling(), one.switch()))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [(False, ("mine", 0))] * 8
