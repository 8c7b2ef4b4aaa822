"""The pytest plugin: tests of greenlets in many orders.

    def test_no_update_is_lost(interleaving):
        ...                                    # greenlets run in an order that follows from a seed; time is virtual

A test that takes `interleaving` runs once for each of --plait-seeds seeds, ten by default, or of as many as its marker
`plait_seeds(count)` says. The seed is in the name of the test; a failure says how to replay it: --plait-seed=N runs
that order alone. The fixture's value is the virtual clock. See `plait.green.testing`.

pytest imports this module in every run where plait is installed, so it imports nothing of plait by itself.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import pytest

_SECTION = "order of greenlets"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("plait", "orders of greenlets")
    group.addoption("--plait-seed", type=int, help="run tests with `interleaving` in the order of this seed alone")
    group.addoption("--plait-seeds", type=int, default=10, help="in how many orders such tests run (default 10)")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "plait_seeds(count): in how many orders of its greenlets the test runs")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "interleaving" in metafunc.fixturenames:
        seeds = list(_seeds(metafunc))
        metafunc.parametrize("interleaving", seeds, ids=[f"seed={seed}" for seed in seeds], indirect=True)


def _seeds(metafunc: pytest.Metafunc) -> range:
    chosen = metafunc.config.getoption("plait_seed")
    if chosen is not None:
        return range(chosen, chosen + 1)
    marker = metafunc.definition.get_closest_marker("plait_seeds")
    return range(metafunc.config.getoption("plait_seeds") if marker is None else marker.args[0])


@pytest.fixture
def interleaving(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Greenlets take turns in an order that follows from a seed, and time is virtual: the clock."""
    from plait.green.testing import deterministic

    request.node.user_properties.append(("plait_seed", request.param))
    with deterministic(request.param) as clock:
        yield clock


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        for name, seed in item.user_properties:
            if name == "plait_seed":
                report.sections.append((_SECTION, f"replay it with --plait-seed={seed}"))
    return report
