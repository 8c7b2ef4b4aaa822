"""Arithmetic in text: what counts as it, and what is refused before it costs anything."""

import pytest

from plait.parallel.arithmetic import evaluate


@pytest.mark.parametrize(
    ("text", "value"),
    [("2*6", 12), ("2**6", 64), ("1 + 2*3**4 / (6 + -7)", -161), ("(20 // 3) % 5", 1), ("1e6", 10**6), ("-.5", -0.5)],
)
def test_arithmetic_is_worked_out(text, value):
    assert evaluate(text) == value


def test_names_are_numbers_given_beside():
    assert evaluate("2 * n_jobs + 1", {"n_jobs": 4}) == 9


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1 +",
        "print(1)",
        "import os",
        "1; 2",
        "1 ^ 1",
        "'a'",
        "'a' * 3",
        "n_jobs",
        "True + 1",
        "1j",
        "(-8) ** .5",
        "1 / 0",
    ],
)
def test_what_is_no_arithmetic_is_refused(text):
    with pytest.raises(ValueError, match="is not a valid or supported arithmetic expression; write one with"):
        evaluate(text)


def test_an_overflow_is_refused():
    with pytest.raises(ValueError, match="not a valid"):
        evaluate("9. ** 10000.")


@pytest.mark.parametrize("text", ["1e7", "10**7", "9**9**9", "-999 * 9999"])
def test_large_numbers_are_refused(text):
    with pytest.raises(ValueError, match=r"Numeric literal .* is too large, max is 1000000"):
        evaluate(text)


def test_long_text_is_refused_unread():
    with pytest.raises(ValueError, match="is too long. Max length is 30, got 101"):
        evaluate("1" + "+1" * 50)
