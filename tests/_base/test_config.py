from plait._base import config


def test_words_are_split_at_commas_and_stripped(monkeypatch):
    monkeypatch.setenv("PLAIT_TEST", " greenlet, gevent,,joblib ")
    assert config.words("PLAIT_TEST") == ("greenlet", "gevent", "joblib")


def test_unset_and_empty_mean_no_words(monkeypatch):
    monkeypatch.delenv("PLAIT_TEST", raising=False)
    assert config.words("PLAIT_TEST") == ()
    monkeypatch.setenv("PLAIT_TEST", " ")
    assert config.words("PLAIT_TEST") == ()
