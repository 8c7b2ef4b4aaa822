"""The default resolver: the system's functions, in a few threads of their own.

A lookup is answered, in this order:

1. in place, where it needs no network: no host, a numeric one, or one of the hosts file (see `local`);
2. from the cache (see `cache`): an answer lives for `config.resolver_cache` seconds, 1 by default;
3. by a lookup of the same that is under way;
4. by a thread of the resolver's own pool, so that slow name servers take no threads from `hub.threadpool`.

All answers and all errors are the system's own: the functions of the C module `_socket` make them, also in place.
Who is killed while it waits ends its wait alone; the lookup goes on for the others, and for the cache. After a fork
the child asks again what the parent's threads were asking.
"""

from __future__ import annotations

import _socket
from collections.abc import Callable, Hashable
from typing import Any

from plait.green.event import AsyncResult
from plait.green.exceptions import TaskLostError
from plait.green.hub import Hub, get_hub
from plait.green.resolver.base import AbstractResolver
from plait.green.resolver.cache import Cache, fresh
from plait.green.settings import config
from plait.green.threadpool import ThreadPool

__all__ = ["Resolver"]

# Lookups at a time, of different questions. Each waits for name servers and costs nothing else.
THREADS = 8
# After how many seconds an idle thread ends.
IDLE_S = 5.0


class Resolver(AbstractResolver):
    """Resolves for the greenlets of one hub."""

    def __init__(self, hub: Hub | None = None) -> None:
        super().__init__(hub)
        self.hub = get_hub() if hub is None else hub
        self.cache = Cache(config.resolver_cache)
        self._pool: ThreadPool | None = None
        self._under_way: dict[Hashable, AsyncResult] = {}

    def __repr__(self) -> str:
        return f"<{type(self).__module__}.{type(self).__name__} at {id(self):#x} pool={self._pool!r}>"

    @property
    def pool(self) -> ThreadPool:
        """The threads that lookups run in."""
        if self._pool is None:
            self._pool = ThreadPool(THREADS, self.hub, idle_task_timeout=IDLE_S)
        return self._pool

    def close(self) -> None:
        """End its threads, and forget its answers."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.kill(block=False)
        self.cache.clear()

    # -- where the answer comes from -----------------------------------------------------------------------------

    def look_up(self, function: str, *arguments: Any) -> Any:
        """From the cache, or a thread."""
        return self._ask(getattr(_socket, function), *arguments)

    def _ask(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """function(*arguments), from the cache or a thread."""
        question = (function.__name__, arguments)
        try:
            answer = self.cache.get(question)
        except TypeError:  # an argument that cannot be one: let the system say what it wants
            return function(*arguments)
        while answer is None:
            lookup = self._under_way.get(question)
            if lookup is None:
                lookup = self._begin(question, function, arguments)
            try:
                answer, error = lookup.get()
            except TaskLostError:  # this process is a fork, and the parent's thread is not here
                continue
            if error is not None:
                raise _copied(error)
        return fresh(answer)

    def _begin(self, question: Hashable, function: Callable[..., Any], arguments: tuple[Any, ...]) -> AsyncResult:
        lookup = self._under_way[question] = AsyncResult()  # before spawn, which may park
        try:
            task = self.pool.spawn(_outcome, function, arguments)
        except BaseException as error:
            del self._under_way[question]
            lookup.set_exception(TaskLostError(f"the lookup was not begun: {error!r}"))  # the others try themselves
            raise

        def ended(task: AsyncResult) -> None:
            if self._under_way.get(question) is lookup:
                del self._under_way[question]
            if task.successful() and task.value[1] is None:
                self.cache.put(question, task.value[0])
            lookup(task)

        task.rawlink(ended)
        return lookup


def _outcome(function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Any, Exception | None]:
    """In a thread: the answer, or the error. An error is an answer here, nothing for the hub to report."""
    try:
        return function(*arguments), None
    except Exception as error:
        return None, error


def _copied(error: Exception) -> Exception:
    """An error for each who waited: a traceback belongs to one of them."""
    if isinstance(error, OSError):
        return type(error)(*error.args)
    return error.with_traceback(None)
