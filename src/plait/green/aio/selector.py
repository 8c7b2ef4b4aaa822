"""The selector that an event loop waits in: the hub's poller, timers and run queue in the form of `selectors`.

select() parks the greenlet that runs the loop; other greenlets run meanwhile. What is registered is told to the hub's
descriptors while the loop runs, and withdrawn when it has stopped: a loop may be made in one thread and run in another.

    registered, loop stopped  -> nothing is watched
    armed                     -> one entry in the hub's descriptors for each direction
    fired                     -> taken out by the hub when it was ready; armed again by the next select()

Level-triggered, as the selectors of the standard library. A loop that always has something to run asks the hub for
readiness every SHARE iterations, and lets other greenlets run in each. Costs: as a wait of a greenlet; epoll_ctl only
where interest changes.
"""

from __future__ import annotations

import os
import selectors
from collections.abc import Mapping
from selectors import EVENT_READ, EVENT_WRITE, SelectorKey

from plait._base import clock
from plait.green.exceptions import DeadlineExceeded
from plait.green.hub import get_hub
from plait.green.waiter import Waiter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from plait.green.hub import Hub

__all__ = ["HubSelector"]

# Iterations of a loop that never waits between two looks at descriptors, timers and the other threads' wake-ups.
SHARE = 16


class _Direction:
    """Interest in one direction of one descriptor: what the hub's descriptors wake."""

    __slots__ = ("armed", "event", "watch")

    def __init__(self, watch: _Watch, event: int) -> None:
        self.watch = watch
        self.event = event  # EVENT_READ and EVENT_WRITE are READ and WRITE of the poller
        self.armed = False

    def wake(self) -> bool:
        self.watch.fire(self)
        return True

    def throw(self, exception: BaseException, /) -> bool:
        """The descriptor was closed: who is called finds the error in its own system call."""
        return self.wake()


class _Watch:
    """One registered descriptor."""

    __slots__ = ("counted", "directions", "found", "key", "selector")

    def __init__(self, selector: HubSelector, key: SelectorKey) -> None:
        self.selector = selector
        self.key = key
        self.found = 0
        self.counted = True  # as something that could wake a greenlet
        self.directions: dict[int, _Direction] = {}

    def fire(self, direction: _Direction) -> None:
        if not self.found:
            self.selector.fired.append(self)
        self.found |= direction.event
        self.selector.waker.wake()


class HubSelector(selectors.BaseSelector):
    """For one loop. `bind` and `unbind` enclose its running."""

    def __init__(self, outside: bool = True) -> None:
        """outside: whether a hub with nothing else left waits for what other threads may schedule."""
        self._watches: dict[int, _Watch] = {}
        self._map = _Map(self._watches)
        self._hub: Hub | None = None
        self._turns = 0
        self.fired: list[_Watch] = []
        self.waker: Waiter[Any] = Waiter(outside=outside, subject=self)
        self.parked = False

    # -- registration --------------------------------------------------------------------------------------------

    def register(self, fileobj: Any, events: int, data: Any = None) -> SelectorKey:
        fd = _descriptor(fileobj)
        if not events or events & ~(EVENT_READ | EVENT_WRITE):
            raise ValueError(f"Invalid events: {events!r}; pass EVENT_READ, EVENT_WRITE or both")
        if fd in self._watches:
            raise KeyError(f"{fileobj!r} (FD {fd}) is already registered")
        key = SelectorKey(fileobj, fd, events, data)
        watch = _Watch(self, key)
        if self._hub is None:
            os.fstat(fd)  # else a bad descriptor would be found when the loop begins to run
        else:
            self._arm(watch)
        self._watches[fd] = watch
        return key

    def unregister(self, fileobj: Any) -> SelectorKey:
        watch = self._watches.pop(self._fd_of(fileobj))
        self._disarm(watch, 0)
        watch.found = 0
        return watch.key

    def modify(self, fileobj: Any, events: int, data: Any = None) -> SelectorKey:
        watch = self._watches[self._fd_of(fileobj)]
        if events != watch.key.events:
            self._disarm(watch, events)
            watch.found &= events
            watch.key = watch.key._replace(events=events, data=data)
            if self._hub is not None:
                self._arm(watch)
        elif data != watch.key.data:
            watch.key = watch.key._replace(data=data)
        return watch.key

    def get_map(self) -> Mapping[Any, SelectorKey]:
        return self._map

    def get_key(self, fileobj: Any) -> SelectorKey:
        return self._watches[self._fd_of(fileobj)].key

    def leave_uncounted(self, fd: int) -> None:
        """A registered descriptor, of a loop that does not run, that is no hope to a hub with nothing else left."""
        self._watches[fd].counted = False

    def close(self) -> None:
        self.unbind()
        self._watches.clear()

    def _fd_of(self, fileobj: Any) -> int:
        """Its descriptor; that which it had when it was registered where it was closed since."""
        try:
            fd = _descriptor(fileobj)
        except ValueError:
            for fd, watch in self._watches.items():
                if watch.key.fileobj is fileobj:
                    return fd
            raise
        if fd not in self._watches:
            raise KeyError(f"{fileobj!r} is not registered")
        return fd

    # -- the hub's descriptors -----------------------------------------------------------------------------------

    def bind(self) -> None:
        """The loop begins to run, in this greenlet's hub."""
        self._hub = get_hub()
        self._turns = 0
        for watch in list(self._watches.values()):
            self._arm(watch)

    def unbind(self) -> None:
        """The loop has stopped."""
        if self._hub is not None:
            for watch in self._watches.values():
                self._disarm(watch, 0)
            self._hub = None

    def _arm(self, watch: _Watch) -> None:
        assert self._hub is not None
        for event in (EVENT_READ, EVENT_WRITE):
            if not watch.key.events & event or watch.found & event:
                continue
            direction = watch.directions.get(event)
            if direction is None:
                direction = watch.directions[event] = _Direction(watch, event)
            if not direction.armed:
                self._hub.descriptors.add(watch.key.fd, event, direction)
                self._hub.descriptors.waiting -= not watch.counted
                direction.armed = True

    def _rearm(self, watch: _Watch, event: int) -> None:
        """Watch a direction again that has fired. Its interest is registered still."""
        assert self._hub is not None
        direction = watch.directions[event]
        descriptors = self._hub.descriptors
        descriptors.remove(watch.key.fd, event, direction, sticky=True)
        try:
            descriptors.add(watch.key.fd, event, direction)
        except OSError:  # closed while it was registered: nothing will be heard of it
            direction.armed = False

    def _disarm(self, watch: _Watch, kept: int) -> None:
        """Withdraw what is not in `kept`."""
        for event, direction in watch.directions.items():
            if direction.armed and not event & kept:
                assert self._hub is not None
                direction.armed = False
                self._hub.descriptors.waiting += not watch.counted
                try:
                    self._hub.descriptors.remove(watch.key.fd, event, direction, sticky=False)
                except ValueError:  # the hub was closed, and its poller with it
                    pass

    # -- waiting -------------------------------------------------------------------------------------------------

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        """What is ready, after at most `timeout` seconds; None waits until something is, or somebody wakes."""
        if timeout is not None and timeout <= 0:
            self._share()
        else:
            self._park(None if timeout is None else clock.now() + timeout)
        return self._take() if self.fired else []

    def wake(self) -> None:
        """Have select() return. From any thread."""
        self.waker.wake()

    def _park(self, deadline: float | None) -> None:
        self.parked = True
        try:
            self.waker.wait(deadline)
        except DeadlineExceeded:
            pass
        finally:
            self.parked = False

    def _share(self) -> None:
        """The loop has something to run: let the other greenlets run once."""
        assert self._hub is not None
        if self._turns % SHARE == 0:
            self._hub.budget = 0
            self._hub.yield_turn()
        elif len(self._hub.ready):
            self._hub.yield_turn()
        self._turns += 1
        if self.waker.ready:
            self.waker.wait()

    def _take(self) -> list[tuple[SelectorKey, int]]:
        """What has fired, armed again."""
        fired, self.fired = self.fired, []
        ready = []
        for watch in fired:
            found, watch.found = watch.found & watch.key.events, 0
            if found:  # not unregistered since
                ready.append((watch.key, found))
                for event in (EVENT_READ, EVENT_WRITE):
                    if found & event:
                        self._rearm(watch, event)
        return ready


class _Map(Mapping):  # type: ignore[type-arg]  # of SelectorKey
    """What is registered, by descriptor."""

    def __init__(self, watches: dict[int, _Watch]) -> None:
        self._watches = watches

    def __len__(self) -> int:
        return len(self._watches)

    def __getitem__(self, fileobj: Any) -> SelectorKey:
        return self._watches[_descriptor(fileobj)].key

    def __iter__(self) -> Iterator[int]:
        return iter(self._watches)


def _descriptor(fileobj: Any) -> int:
    try:
        fd = fileobj if isinstance(fileobj, int) else int(fileobj.fileno())
    except (AttributeError, TypeError, ValueError):
        raise ValueError(f"Invalid file object: {fileobj!r}") from None
    if fd < 0:
        raise ValueError(f"Invalid file descriptor: {fd}")
    return fd
