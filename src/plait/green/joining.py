"""Waiting for many: greenlets, events, whatever can be linked to; and killing many.

joinall over greenlets has one collector hear of every end and wakes its waiter once; anything else goes through
rawlink, a wake-up each.
"""

from __future__ import annotations

from plait._base import clock
from plait.green._native.greenlets import Collector, join_many
from plait.green.greenlets import Greenlet
from plait.green.hub import get_hub
from plait.green.pauses import sleep
from plait.green.timeout import Timeout, deadline_after, throw_into
from plait.greenlet import GreenletExit, greenlet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

__all__ = ["iwait", "joinall", "kill", "killall", "wait"]


def wait(objects: Iterable[Any] | None = None, timeout: float | None = None, count: int | None = None) -> Any:
    """Wait until `count` of the objects (all, for None) are ready; returns those that are, in the order of getting so.

    objects: greenlets, events, semaphores: whatever has rawlink and unlink. None waits until nothing but the
    caller is left, and returns whether that came about.
    """
    if objects is None:
        return get_hub().join(timeout)
    return list(iwait(objects, timeout, count))


class iwait:
    """The objects, one by one, as they become ready; ends after `count` of them or after `timeout` seconds.

    As a context manager it takes its links back at the end of the block, where it was not exhausted.
    """

    def __init__(self, objects: Iterable[Any], timeout: float | None = None, count: int | None = None) -> None:
        self._items = list(dict.fromkeys(objects))
        self._left = len(self._items) if count is None else min(count, len(self._items))
        self._deadline = deadline_after(timeout)
        self._collector = Collector(1, self._items)
        self._ready: dict[Any, None] = {}  # from the beginning, and not given out yet; linked like the others
        if self._left:
            for item in self._items:
                self._begin(item)

    def _begin(self, item: Any) -> None:
        if isinstance(item, Greenlet) and item.dead:
            self._collector(item)
            return
        item.rawlink(self._collector)
        if not isinstance(item, Greenlet) and hasattr(item, "ready") and item.ready():
            self._ready[item] = None

    def __iter__(self) -> iwait:
        return self

    def __enter__(self) -> iwait:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __next__(self) -> Any:
        done = self._collector.done
        try:
            while self._left and not done and not self._ready:
                if not self._collector.wait(self._deadline):
                    self._left = 0
        except BaseException:
            self.close()
            raise
        if not self._left:
            self.close()
            raise StopIteration
        self._left -= 1
        return self._give()

    def _give(self) -> Any:
        if self._collector.done:
            item = self._collector.done.pop(0)
            self._ready.pop(item, None)
        else:  # without a turn of the hub
            item = next(iter(self._ready))
            del self._ready[item]
            item.unlink(self._collector)
        return item

    def close(self) -> None:
        """Wait for no more of them."""
        self._left = 0
        items, self._items = self._items, []
        for item in items:
            item.unlink(self._collector)

    def __del__(self) -> None:
        self.close()


def joinall(
    greenlets: Iterable[Any], timeout: float | None = None, raise_error: bool = False, count: int | None = None
) -> list[Any]:
    """Wait until the greenlets have ended; returns those that have, in the order in which they ended.

    timeout: seconds at most. count: be content with that many. raise_error: raise the first failure as soon as it is
    there.
    """
    if not raise_error:
        items = list(dict.fromkeys(greenlets))
        if all(type(item).join is Greenlet.join for item in items):
            return join_many(items, timeout, count)
        return list(iwait(items, timeout, count))
    done = []
    for source in iwait(greenlets, timeout, count):
        if getattr(source, "exception", None) is not None:
            raise source.exception
        done.append(source)
    return done


def kill(target: greenlet, exception: Any = GreenletExit) -> None:
    """Raise `exception` where the greenlet is parked, soon; does not wait. For any greenlet, a raw one too."""
    if isinstance(target, Greenlet):
        target.kill(exception, block=False)
    elif not target.dead:
        get_hub().run_callback(throw_into, target, exception)


def killall(
    greenlets: Iterable[greenlet],
    exception: Any = GreenletExit,
    block: bool = True,
    timeout: float | None = None,
) -> None:
    """Raise `exception` in all; with `block` wait until they have ended, and raise Timeout after `timeout` seconds."""
    targets = list(greenlets)
    for target in targets:
        kill(target, exception)
    if not block or not targets:
        return
    deadline = deadline_after(timeout)
    for target in targets:
        if isinstance(target, Greenlet):
            target.join(None if deadline is None else max(0.0, deadline - clock.now()))
            if not target.dead:
                raise Timeout(timeout)
        else:
            sleep(0)
