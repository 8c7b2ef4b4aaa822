"""Mutated requests, each whole, in pieces, beside llhttp, and through a handler: see tests/fuzz/http_requests.py.

The long runs are among the integration tests. What they found is kept as tests of the module that was wrong.
"""

import importlib.util
import io
import random
from pathlib import Path

import pytest

FUZZ = Path(__file__).parents[2] / "fuzz" / "http_requests.py"


@pytest.fixture(scope="module")
def fuzz():
    spec = importlib.util.spec_from_file_location("http_requests", FUZZ)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_seeds(fuzz):
    for data in fuzz.SEEDS:
        fuzz.check(data)


def test_mutations(fuzz):
    seed = random.randrange(1 << 32)
    chooser = random.Random(seed)
    for number in range(1500):
        data = fuzz.mutated(chooser)
        try:
            fuzz.check(data, seed)
        except BaseException as error:
            raise AssertionError(f"seed {seed}, input {number}: {data!r}") from error


def test_what_fuzzing_found(fuzz):
    for data in (
        b"GET /C\nonteft-Length:  HTTP/1.1\r\nHost: a\r\n\r\n\r\n",
        b"GET /%20a?b=c HTTP/1.0\r\nConnection:\xa0keep-alive\r\n\r\nGET / HTTP/1.1\r\n\r\nHT\xd3P/1.1",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ):
        fuzz.check(data)


def test_the_fuzzer_sees_a_server_that_is_fooled(fuzz, monkeypatch):
    """A request that hides in the body of another, were lengths not believed."""
    monkeypatch.setattr(fuzz, "Input", lambda rfile, length, *rest: io.BytesIO(b"x" * (length or 0)))
    with pytest.raises(AssertionError):
        fuzz.check(b"POST / HTTP/1.1\r\nContent-Length: 18\r\n\r\nGET / HTTP/1.1\r\n\r\n")
