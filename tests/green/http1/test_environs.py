"""Environments that hide what is in them, and logs."""

import copy
import json
import pickle

import pytest

from plait.green.http1.environs import Environ, SecureEnviron, WSGISecureEnviron
from plait.green.http1.logs import LoggingLogAdapter, NoLog, as_log


def test_a_secure_environment_shows_nothing():
    environ = SecureEnviron(key="value", other="secret")
    assert repr(environ) == str(environ) == f"<pywsgi.SecureEnviron dict (keys: 2) at {id(environ)}>"


def test_what_may_be_seen_is_shown():
    environ = SecureEnviron(key="value", other="secret")
    environ.whitelist_keys = ("key",)
    assert eval(repr(environ)) == {"key": "value", "other": "<MASKED>"}
    environ.print_masked_keys = False
    assert repr(environ) == "{'key': 'value', (hidden keys: 1)}"
    environ.secure_repr = False
    assert eval(repr(environ)) == {"key": "value", "other": "secret"}
    with pytest.raises(AttributeError):
        environ.nothing


def test_the_class_has_the_defaults():
    environ = WSGISecureEnviron(REMOTE_ADDR="::1", HTTP_COOKIE="secret")
    assert repr(environ) == "{'REMOTE_ADDR': '::1', (hidden keys: 1)}"

    class Open(SecureEnviron):
        default_secure_repr = False

    assert repr(Open(a=1)) == "{'a': 1}"


@pytest.mark.parametrize("kind", [Environ, SecureEnviron, WSGISecureEnviron])
def test_copies_keep_their_class_and_pickles_are_dicts(kind):
    environ = kind(key="value")
    assert type(environ.copy()) is kind and environ.copy() == environ
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        loaded = pickle.loads(pickle.dumps(environ, protocol))
        assert type(loaded) is dict and loaded == environ
    assert type(copy.copy(environ)) is dict
    assert json.dumps(environ) == '{"key": "value"}'
    assert list(environ.iteritems()) == [("key", "value")]


class Logger:
    thing = None

    def __init__(self):
        self.lines = []

    def log(self, level, message):
        self.lines.append((level, message))


def test_a_logger_is_adapted():
    log = as_log(logger := Logger(), 30, None)
    assert type(log) is LoggingLogAdapter
    log.write("one\n")
    log.writelines(["two\n", "three"])
    log.flush()
    assert logger.lines == [(30, "one"), (30, "two"), (30, "three")]
    log.thing = 5
    assert logger.thing == 5
    del log.thing
    assert logger.thing is None


def test_logs_may_be_files_nothing_or_the_default(capsys):
    file, default = open("/dev/null", "w"), object()
    with file:
        assert as_log(file, 20, default) is file
        assert as_log("default", 20, default) is default
    nothing = as_log(None, 20, default)
    assert type(nothing) is NoLog
    nothing.write("x")
    nothing.writelines(["x"])
    nothing.flush()
    assert capsys.readouterr() == ("", "")
