"""Libraries and recipes that build on joblib, unmodified: what they give on joblib they give on plait."""


def test_libraries_give_the_same_numbers(on_both):
    stock, plait = on_both("libraries.py")
    assert set(plait) == {"imbalanced_learn", "hdbscan", "mlxtend", "nilearn"}
    for name, found in plait.items():
        assert found == stock[name], name


def test_progress_bars_count_every_task(on_both):
    stock, plait = on_both("progress_bars.py")
    assert plait == stock
    assert plait["patched"] == [[True, 30, True, [0, 1, 4, 9, 16]]] * 2
