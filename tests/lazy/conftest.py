"""Tests of graphs begin without workers and must leave none."""

import pytest

from plait.parallel import nesting, pool


@pytest.fixture(autouse=True)
def nothing_left():
    pool.shutdown()
    yield
    pool.shutdown()
    assert nesting.budget().used == 0


@pytest.fixture(params=["threads", "processes", "sync", "green"])
def scheduler(request):
    return request.param
