"""The tasks of a batch, held as what differs among them."""

import pytest

from plait.parallel import delayed
from plait.parallel._native.batches import Tasks, take
from plait.parallel.outcome import ARGS, CALLS, UNARY

ONE = delayed(abs)(-1)
TWO = delayed(pow)(2, 3)
NAMED = delayed(int)("11", base=2)


@pytest.mark.parametrize(
    ("tasks", "shape", "calls"),
    [
        ([ONE, ONE], UNARY, [-1, -1]),
        ([TWO, TWO], ARGS, [(2, 3), (2, 3)]),
        ([delayed(max)([1, 2]), delayed(max)(1, 2), delayed(max)([3])], ARGS, [([1, 2],), (1, 2), ([3],)]),
        ([ONE, TWO], CALLS, [ONE, TWO]),
        ([delayed(int)("1"), NAMED], CALLS, [delayed(int)("1"), NAMED]),
        ([ONE, (abs, [-2], {})], CALLS, [ONE, (abs, [-2], {})]),
        ([], UNARY, []),
    ],
    ids=["one argument", "several", "more later", "functions", "keywords", "a list of arguments", "none"],
)
def test_tasks_are_held_by_what_differs_and_come_back_as_they_were(tasks, shape, calls):
    held = Tasks.of(tasks)
    assert (held.shape, held.calls) == (shape, calls)
    assert list(held) == tasks
    assert len(held) == len(tasks)
    assert [held[i] for i in range(len(tasks))] == tasks
    assert list(held[1:]) == tasks[1:]
    assert Tasks.of(held) is held


def test_no_more_is_taken_than_asked_for():
    calls = iter([ONE, TWO, NAMED])
    assert list(take(calls, 2)) == [ONE, TWO]
    assert list(take(calls, 0)) == []
    assert list(take(calls, 9)) == [NAMED]


def test_keywords_may_change_after_they_were_taken():
    words = {"base": 2}
    held = Tasks.of([(int, ("11",), words)])
    words["base"] = 3
    assert held[0] == NAMED


def test_what_is_no_task_is_named():
    with pytest.raises(TypeError, match="5 is not a task"):
        take(iter([ONE, 5]), 9)
    with pytest.raises(IndexError):
        Tasks.of([ONE])[1]
