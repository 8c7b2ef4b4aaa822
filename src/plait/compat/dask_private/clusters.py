"""distributed.utils_test where the name dask is plait's: what tests of other libraries take to have a small cluster.

Clusters live in the child process, so fixtures that are about event loops have nothing to give: clients there have
loops of their own. Leaks are not looked for.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from itertools import count
from typing import Any

import pytest

from plait.lazy import config as options

_TWO_WORKERS = (("127.0.0.1", 1), ("127.0.0.1", 2))


def _distributed() -> Any:
    return import_module("distributed")


@contextmanager
def cluster(
    nworkers: int = 2, nanny: bool = False, worker_kwargs: dict[str, Any] | None = None, **_: Any
) -> Iterator[tuple[dict[str, str], list[dict[str, str]]]]:
    """A cluster: the scheduler's address as {"address": ...}, and those of its workers.

    nanny: have the workers in processes of their own.
    """
    with _distributed().LocalCluster(
        n_workers=nworkers, threads_per_worker=1, processes=nanny, dashboard_address=None, **(worker_kwargs or {})
    ) as made:
        addresses = [worker.worker_address if nanny else worker.address for worker in made.workers.values()]
        yield {"address": made.scheduler_address}, [{"address": address} for address in addresses]


@pytest.fixture
def cleanup() -> None:
    """Nothing."""


@pytest.fixture
def loop(cleanup: None) -> None:
    """The loop= of a client that has one of its own."""


@pytest.fixture
def loop_in_thread(cleanup: None) -> None:
    """As loop."""


@pytest.fixture
def cluster_fixture(loop: None) -> Iterator[Any]:
    with cluster() as made:
        yield made


@pytest.fixture
def s(cluster_fixture: Any) -> Any:
    """The scheduler."""
    return cluster_fixture[0]


@pytest.fixture
def a(cluster_fixture: Any) -> Any:
    """One worker."""
    return cluster_fixture[1][0]


@pytest.fixture
def b(cluster_fixture: Any) -> Any:
    """The other worker."""
    return cluster_fixture[1][1]


@pytest.fixture
def client(s: Any) -> Iterator[Any]:
    with _distributed().Client(s["address"]) as opened:
        yield opened


def gen_cluster(
    nthreads: Sequence[tuple[Any, ...]] = _TWO_WORKERS,
    client: bool = False,
    timeout: float = 30,
    config: dict[str, Any] | None = None,
    **_: Any,
) -> Callable[[Callable[..., Any]], Callable[..., None]]:
    """For coroutines that are tests: called with a client if asked for, the scheduler and its workers.

    nthreads: for each worker its host and number of threads; all have as many as one asks for.
    """

    async def run(function: Callable[..., Any], args: Any, kwargs: Any) -> None:
        library = _distributed()
        async with library.LocalCluster(
            n_workers=len(nthreads),
            threads_per_worker=max(threads for _, threads, *_ in nthreads),
            processes=False,
            dashboard_address=None,
            asynchronous=True,
        ) as made:
            given = [made.scheduler, *made.workers.values()]
            if not client:
                await function(*given, *args, **kwargs)
                return
            async with library.Client(made, asynchronous=True) as opened:
                await function(opened, *given, *args, **kwargs)

    def decorate(function: Callable[..., Any]) -> Callable[..., None]:
        @functools.wraps(function)
        def test(*args: Any, **kwargs: Any) -> None:
            with options.set(config or {}):
                asyncio.run(asyncio.wait_for(run(function, args, kwargs), timeout))

        return _without_first(test, 1 + len(nthreads) + client)

    return decorate


def gen_test(timeout: float = 30, **_: Any) -> Callable[[Callable[..., Any]], Callable[..., None]]:
    """For coroutines that are tests."""

    def decorate(function: Callable[..., Any]) -> Callable[..., None]:
        @functools.wraps(function)
        def test(*args: Any, **kwargs: Any) -> None:
            asyncio.run(asyncio.wait_for(function(*args, **kwargs), timeout))

        return _without_first(test, 0)

    return decorate


def _without_first(test: Any, given: int) -> Callable[..., None]:
    """Show pytest the parameters that it is to fill in."""
    signature = inspect.signature(test)
    test.__signature__ = signature.replace(parameters=list(signature.parameters.values())[given:])
    del test.__wrapped__
    shown: Callable[..., None] = test
    return shown


def varying(items: Iterable[Any]) -> Callable[[], Any]:
    """A function that gives one item after the other, or raises it; the last one again and again."""
    listed, calls = list(items), count()

    def call() -> Any:
        item = listed[min(next(calls), len(listed) - 1)]
        if isinstance(item, Exception):
            raise item
        return item

    return call


@contextmanager
def popen(args: Sequence[str], terminate_timeout: float = 10, **kwargs: Any) -> Iterator[subprocess.Popen[Any]]:
    """A program of this environment, which is terminated at the end."""
    program = os.path.join(os.path.dirname(sys.executable), args[0])
    with subprocess.Popen([program if os.path.exists(program) else args[0], *args[1:]], **kwargs) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(terminate_timeout)
            except subprocess.TimeoutExpired:
                process.kill()
