import pytest

from plait._base.call import Call, split


class Node:
    def __plait_call__(self):
        return pow, (2, 5), {"mod": 7}


def test_a_tuple_is_taken_as_it_is():
    task = (pow, [2, 5], {"mod": 7})
    assert split(task) is task


def test_an_object_describes_its_call():
    assert isinstance(Node(), Call)
    function, args, kwargs = split(Node())
    assert function(*args, **kwargs) == pow(2, 5, mod=7)


def test_a_refusal_of_the_object_goes_through():
    class Lazy:
        def __plait_call__(self):
            raise ValueError("x is lazy")

    with pytest.raises(ValueError, match="x is lazy"):
        split(Lazy())


@pytest.mark.parametrize("item", [3, None, "text", (), (pow, ()), ("pow", (), {}), [pow, (), {}], Node], ids=repr)
def test_what_is_no_task_is_named(item):
    with pytest.raises(TypeError, match="is not a task; pass delayed") as caught:
        split(item)
    assert str(caught.value).startswith(repr(item))


def test_a_large_item_is_named_in_a_short_message():
    with pytest.raises(TypeError) as caught:
        split(list(range(10_000)))
    assert len(str(caught.value)) < 300
