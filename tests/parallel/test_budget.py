"""The budget: cores of the machine, numbers that users give, and what nested calls get."""

import pytest

from plait.parallel import budget
from plait.parallel.budget import Budget, worker_count


@pytest.mark.parametrize(("n_jobs", "count"), [(None, 1), (3, 3), (2.0, 2), (True, 1), (-1, 4), (-2, 3), (-9, 1)])
def test_worker_count(n_jobs, count, monkeypatch):
    monkeypatch.setattr(budget, "cpu_count", lambda: 4)
    assert worker_count(n_jobs) == count


@pytest.mark.parametrize("n_jobs", ["4", 1.5, 0, [], float("nan"), float("inf")])
def test_worker_count_refuses(n_jobs):
    with pytest.raises(ValueError, match="pass a positive count, or -1 for all cores"):
        worker_count(n_jobs)


def test_a_number_is_strict_and_a_nested_call_gets_what_is_left():
    lent = Budget(cores=4)
    assert lent.borrow(3, nested=False) == 3
    assert lent.borrow(3, nested=True) == 1
    assert lent.borrow(3, nested=True) == 0
    assert lent.borrow(10, nested=False) == 10
    lent.give_back(14)
    assert lent.used == 0


def test_a_call_without_a_number_shares_the_cores_with_others():
    lent = Budget(cores=4)
    assert lent.share(4, nested=False) == 4
    assert lent.share(4, nested=False) == 1
    assert lent.share(4, nested=True) == 0
