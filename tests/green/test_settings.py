"""Settings: assignment, environment, default; and values that are refused."""

import pytest

from plait.green.resolver import blocking, thread
from plait.green.settings import Config


@pytest.fixture
def config(monkeypatch):
    for name in ("GEVENT_RESOLVER", "GEVENT_MAX_BLOCKING_TIME", "GEVENT_MONITOR_MEMORY_MAX"):
        monkeypatch.delenv(name, raising=False)
    return Config()


def test_an_assignment_goes_before_the_environment_and_that_before_the_default(config, monkeypatch):
    assert config.max_blocking_time == 0.1
    assert config.max_blocking_time is config.max_blocking_time
    monkeypatch.setenv("GEVENT_MAX_BLOCKING_TIME", "0.5")
    assert Config().max_blocking_time == 0.5
    changed = Config()
    changed.max_blocking_time = 2
    assert changed.max_blocking_time == 2.0


def test_the_environment_is_read_when_it_is_needed_first(config, monkeypatch):
    monkeypatch.setenv("GEVENT_TRACK_GREENLET_TREE", "off")
    assert config.track_greenlet_tree is False
    monkeypatch.setenv("GEVENT_TRACK_GREENLET_TREE", "on")
    assert config.track_greenlet_tree is False


@pytest.mark.parametrize(("text", "number"), [("10kb", 10240), ("1.5mb", 1572864), ("2GB", 2147483648), ("7", 7)])
def test_bytes_have_units(config, text, number):
    config.max_memory_usage = text
    assert config.max_memory_usage == number


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("track_greenlet_tree", "perhaps"),
        ("max_blocking_time", -1),
        ("max_memory_usage", "-5kb"),
        ("trace_malloc", "x"),
    ],
)
def test_bad_values_are_refused(config, name, value):
    with pytest.raises(ValueError, match=str(value)):
        setattr(config, name, value)


def test_an_unknown_setting_is_refused_with_those_that_there_are(config):
    with pytest.raises(AttributeError, match="max_blocking_time"):
        config.max_blocking_tyme = 1


@pytest.mark.parametrize("value", ["block", "no.such.module,block", ["plait.green.nothing", blocking.Resolver]])
def test_the_first_that_can_be_imported_counts(config, value):
    config.resolver = value
    assert config.resolver is blocking.Resolver


def test_the_default_resolver_uses_threads(config):
    assert config.resolver is thread.Resolver


def test_ares_names_the_other_choices(config):
    with pytest.raises(ImportError, match="choose thread"):
        config.resolver = "ares"


def test_what_has_no_effect_is_accepted(config, monkeypatch):
    monkeypatch.setenv("GEVENT_LOOP", "libuv")
    assert config.loop.__name__ == "Loop"
    config.libev_backend = "select"
    config.ares_tries = 3
    assert (config.libev_backend, config.ares_tries) == ("select", 3)
