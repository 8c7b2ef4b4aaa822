"""Notebooks show what is known of an array before it is computed."""

import plait.lazy.array as da


def test_shape_chunks_dtype_and_size():
    shown = da.ones((1000, 1000), chunks=(100, 500))._repr_html_()
    for text in ("7.63 MiB", "390.62 kiB", "(1000, 1000)", "(100, 500)", "20 in (10, 2)", "float64"):
        assert text in shown


def test_unknown_sizes():
    lazy = da.arange(10, chunks=5)
    assert "?" in lazy[lazy > 3]._repr_html_()
