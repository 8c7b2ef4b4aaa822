"""Switching: what is called, what arrives, who is next."""

import sys

import pytest

from plait.greenlet import GreenletExit, error, getcurrent, greenlet


def test_two_greenlets_run_in_the_order_of_their_switches():
    order = []

    def first():
        order.append("first begins")
        two.switch()
        order.append("first ends")

    def second():
        order.append("second begins")
        one.switch()
        order.append("second ends")

    one, two = greenlet(first), greenlet(second)
    one.switch()
    assert order == ["first begins", "second begins", "first ends"]
    assert one.dead
    assert not two.dead
    two.switch()
    assert order[-1] == "second ends"


def test_the_result_goes_to_the_parent():
    assert greenlet(lambda: 42).switch() == 42


def test_the_first_switch_passes_its_arguments_to_run():
    def run(*args, **kwargs):
        return args, kwargs

    assert greenlet(run).switch() == ((), {})
    assert greenlet(run).switch(1) == ((1,), {})
    assert greenlet(run).switch(1, 2, a=3) == ((1, 2), {"a": 3})
    assert greenlet(run).switch(b=4) == ((), {"b": 4})
    assert greenlet(run).switch(*range(20)) == (tuple(range(20)), {})


@pytest.mark.parametrize(
    ("args", "kwargs", "arrives"),
    [
        ((), {}, ()),
        ((1,), {}, 1),
        ((None,), {}, None),
        (((),), {}, ()),
        (((1, 2),), {}, (1, 2)),
        ((1, 2), {}, (1, 2)),
        ((), {"a": 1}, {"a": 1}),
        ((1,), {"a": 1}, ((1,), {"a": 1})),
        ((1, 2), {"a": 1}, ((1, 2), {"a": 1})),
        (({},), {}, {}),
    ],
)
def test_a_later_switch_returns_what_was_sent(args, kwargs, arrives):
    main = getcurrent()
    arrived = []

    def run():
        arrived.append(main.switch())

    one = greenlet(run)
    one.switch()
    one.switch(*args, **kwargs)
    assert arrived == [arrives]
    assert type(arrived[0]) is type(arrives)


@pytest.mark.parametrize(
    ("args", "kwargs", "arrives"),
    [((), {}, ()), ((1,), {}, 1), ((1, 2), {}, (1, 2)), ((), {"a": 1}, {"a": 1}), ((1,), {"a": 2}, ((1,), {"a": 2}))],
)
def test_a_switch_to_the_current_greenlet_returns_what_it_sends(args, kwargs, arrives):
    assert getcurrent().switch(*args, **kwargs) == arrives
    assert greenlet(lambda: getcurrent().switch(*args, **kwargs)).switch() == arrives


def test_the_very_object_arrives():
    main = getcurrent()
    sent = object()
    one = greenlet(lambda got: main.switch(got) is sent)
    assert one.switch(sent) is sent
    assert one.switch(sent) is True


def test_switch_is_callable_as_a_bound_method_many_times():
    main = getcurrent()

    def run():
        total = 0
        while True:
            total += main.switch(total)

    step = greenlet(run).switch
    step()
    for n in range(1000):
        total = step(n)
    assert total == sum(range(1000))


def test_switch_refuses_what_is_no_greenlet():
    with pytest.raises(TypeError):
        greenlet.switch(object())
    with pytest.raises(TypeError):
        greenlet.switch()


def test_a_dead_greenlet_hands_what_it_is_sent_to_its_parent():
    one = greenlet(lambda: "result")
    assert one.switch() == "result"
    assert one.dead
    assert one.switch() == ()
    assert one.switch(1) == 1
    assert one.switch(1, 2) == (1, 2)
    assert one.switch(a=1) == {"a": 1}


def test_a_switch_to_a_dead_greenlet_reaches_the_first_ancestor_alive():
    main = getcurrent()
    got = []

    def grandparent():
        got.append(main.switch())
        got.append(main.switch())

    top = greenlet(grandparent)
    top.switch()
    middle = greenlet(lambda: None, parent=top)
    bottom = greenlet(lambda: None, parent=middle)
    middle.switch()  # returns None to top
    assert got == [None]
    bottom.switch()  # middle is dead, so its result goes to top
    assert got == [None, None]
    assert (top.dead, middle.dead, bottom.dead) == (True, True, True)


def test_a_switch_to_a_dead_greenlet_starts_a_parent_that_was_never_started():
    calls = []

    def run(*args):
        calls.append(args)
        return "from the parent"

    parent = greenlet(run)
    child = greenlet(lambda: "child", parent=parent)
    assert child.switch() == "from the parent"
    assert calls == [("child",)]
    assert child.dead
    assert parent.dead


def test_an_exception_goes_to_the_parent():
    def run():
        raise KeyError("lost")

    one = greenlet(run)
    with pytest.raises(KeyError, match="lost"):
        one.switch()
    assert one.dead


def test_an_exception_crosses_each_parent_that_does_not_catch_it():
    caught = []

    def outer():
        try:
            greenlet(middle).switch()
        except ValueError as failure:
            caught.append(failure)
        return "handled"

    def middle():
        greenlet(inner).switch()

    def inner():
        raise ValueError("deep")

    assert greenlet(outer).switch() == "handled"
    assert str(caught[0]) == "deep"


def test_system_exit_and_keyboard_interrupt_go_to_the_parent_as_others():
    def run(kind):
        raise kind

    for kind in (SystemExit, KeyboardInterrupt, BaseException):
        with pytest.raises(kind):
            greenlet(run).switch(kind)


def test_greenlet_exit_is_a_result_and_no_failure():
    def run(value):
        raise GreenletExit(value)

    result = greenlet(run).switch(7)
    assert isinstance(result, GreenletExit)
    assert result.args == (7,)


def test_a_subclass_of_greenlet_exit_is_a_result_too():
    class Leave(GreenletExit):
        pass

    def run():
        raise Leave

    assert type(greenlet(run).switch()) is Leave


def test_greenlet_exit_is_no_exception_subclass():
    assert issubclass(GreenletExit, BaseException)
    assert not issubclass(GreenletExit, Exception)
    assert issubclass(error, Exception)


def test_getcurrent_is_the_greenlet_that_runs():
    main = getcurrent()
    assert main is getcurrent()
    one = greenlet(getcurrent)
    assert one.switch() is one
    assert getcurrent() is main


def test_main_has_no_parent_and_is_alive():
    main = getcurrent()
    while main.parent is not None:
        main = main.parent
    assert main
    assert not main.dead
    assert main.parent is None


def test_nested_greenlets_come_back_in_turn():
    def nest(depth):
        if depth == 0:
            return [0]
        return [*greenlet(nest).switch(depth - 1), depth]

    assert nest(50) == list(range(51))


def test_a_pipeline_of_greenlets_passes_values_sideways():
    main = getcurrent()
    received = []

    def doubler(target):
        item = main.switch()
        while True:
            item = target.switch(item * 2)

    def sink():
        while True:
            received.append(main.switch())

    last = greenlet(sink)
    last.switch()
    first = greenlet(doubler)
    first.switch(last)
    for n in range(5):
        first.switch(n)
    assert received == [0, 2, 4, 6, 8]


def test_generators_keep_their_place_across_switches():
    main = getcurrent()

    def numbers():
        for n in range(3):
            main.switch(("in the generator", n))
            yield n

    def run():
        return list(numbers())

    one = greenlet(run)
    assert [one.switch() for _ in range(3)] == [("in the generator", n) for n in range(3)]
    assert one.switch() == [0, 1, 2]


def test_a_generator_may_be_advanced_by_different_greenlets():
    def numbers():
        yield from range(4)

    shared = numbers()
    taken = [greenlet(lambda: next(shared)).switch() for _ in range(4)]
    assert taken == [0, 1, 2, 3]


def test_a_generator_that_is_running_in_a_parked_greenlet_refuses_another():
    main = getcurrent()

    def numbers():
        main.switch()
        yield 1

    shared = numbers()
    one = greenlet(lambda: next(shared))
    one.switch()
    with pytest.raises(ValueError, match="already executing"):
        next(shared)
    assert one.switch() == 1


def test_deep_generators_switch_from_their_innermost():
    main = getcurrent()

    def deep(n):
        if n == 0:
            yield main.switch("deepest")
        else:
            yield from deep(n - 1)

    one = greenlet(lambda: list(deep(100)))
    assert one.switch() == "deepest"
    assert one.switch("back") == ["back"]


def test_coroutines_and_async_generators_switch_within_a_step():
    main = getcurrent()

    async def items():
        for n in range(3):
            yield main.switch(n)

    async def collect():
        return [item async for item in items()]

    def run():
        coroutine = collect()
        try:
            coroutine.send(None)
        except StopIteration as end:
            return end.value
        return None

    one = greenlet(run)
    assert one.switch() == 0
    assert one.switch("a") == 1
    assert one.switch("b") == 2
    assert one.switch("c") == ["a", "b", "c"]


def test_a_switch_inside_a_with_block_and_a_finally():
    main = getcurrent()
    log = []

    class Guard:
        def __enter__(self):
            log.append(main.switch("enter"))

        def __exit__(self, *_):
            log.append(main.switch("exit"))

    def run():
        try:
            with Guard():
                log.append(main.switch("body"))
        finally:
            log.append(main.switch("finally"))
        return "end"

    one = greenlet(run)
    assert [one.switch(n) if n else one.switch() for n in range(5)] == ["enter", "body", "exit", "finally", "end"]
    assert log == [1, 2, 3, 4]


def test_a_switch_from_a_callback_of_c_code():
    main = getcurrent()

    def run():
        return sorted([3, 1, 2], key=lambda n: main.switch(n) or -n)

    one = greenlet(run)
    assert [one.switch(), one.switch(), one.switch()] == [3, 1, 2]
    assert one.switch() == [3, 2, 1]


def test_two_greenlets_interleave_inside_sort():
    main = getcurrent()

    def run(items):
        return sorted(items, key=lambda n: main.switch() or n)

    left, right = greenlet(run), greenlet(run)
    left.switch([5, 4, 3, 2, 1])
    right.switch(["b", "a", "d", "c", "e"])
    results = {}
    for _ in range(5):
        results["left"] = left.switch()
        results["right"] = right.switch()
    assert results == {"left": [1, 2, 3, 4, 5], "right": ["a", "b", "c", "d", "e"]}


def test_references_of_arguments_are_given_back():
    main = getcurrent()
    token = object()
    before = sys.getrefcount(token)

    def run(got):
        while True:
            got = main.switch(got)

    one = greenlet(run)
    one.switch(None)
    for _ in range(100):
        one.switch(token)
    one.switch(None)
    assert sys.getrefcount(token) == before
    one.throw()
    for _ in range(100):
        greenlet(lambda got: got).switch(token)
        one.switch(token)
        one.switch(token, token)
        one.switch(a=token)
    assert sys.getrefcount(token) == before
