import pytest

from plait._base import config
from plait._base.errors import ConfigError, PlaitError


@pytest.mark.parametrize(("text", "value"), [("", 7), ("  ", 7), ("3", 3), (" 0 ", 0)])
def test_an_integer_or_its_default(monkeypatch, text, value):
    monkeypatch.setenv("PLAIT_TEST", text)
    assert config.integer("PLAIT_TEST", default=7) == value


def test_unset_means_the_default(monkeypatch):
    monkeypatch.delenv("PLAIT_TEST", raising=False)
    assert config.integer("PLAIT_TEST", default=7) == 7
    assert config.words("PLAIT_TEST") == ()


@pytest.mark.parametrize("text", ["four", "2.5", "-1", "0x10"])
def test_a_wrong_integer_names_variable_value_rule_and_remedy(monkeypatch, text):
    monkeypatch.setenv("PLAIT_TEST", text)
    with pytest.raises(ConfigError) as caught:
        config.integer("PLAIT_TEST", default=7)
    for part in ("PLAIT_TEST", repr(text), "whole number of at least 0", "unset it for the default 7"):
        assert part in str(caught.value)
    assert isinstance(caught.value, PlaitError)
    assert isinstance(caught.value, ValueError)


def test_words_are_split_at_commas_and_stripped(monkeypatch):
    monkeypatch.setenv("PLAIT_TEST", " greenlet, gevent,,joblib ")
    assert config.words("PLAIT_TEST") == ("greenlet", "gevent", "joblib")
