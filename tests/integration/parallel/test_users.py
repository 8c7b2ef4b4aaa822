"""Libraries and recipes that build on joblib, unmodified: what they give on joblib they give on plait."""

from importlib.util import find_spec

import pytest


def test_libraries_give_the_same_numbers(on_both):
    stock, plait = on_both("libraries.py")
    assert set(plait) == {"imbalanced_learn", "hdbscan", "mlxtend", "nilearn"}
    for name, found in plait.items():
        assert found == stock[name], name


def test_progress_bars_count_every_task(on_both):
    stock, plait = on_both("progress_bars.py")
    assert plait == stock
    assert plait["patched"] == [[True, 30, True, [0, 1, 4, 9, 16]]] * 2


@pytest.mark.skipif(find_spec("distributed") is None, reason="needs distributed")
def test_loops_run_on_a_cluster_of_distributed(on_both):
    stock, plait = on_both("dask_backend.py")
    assert plait == stock
    assert plait["squares"] == [x * x for x in range(40)]
