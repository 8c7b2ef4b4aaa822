"""A lock that can be sent to other processes: one lock a name and process."""

from __future__ import annotations

import threading
import uuid
from typing import Any, ClassVar
from weakref import WeakValueDictionary


class _Lock:
    """A lock that can be weakly referred to."""

    __slots__ = ("__weakref__", "acquire", "locked", "release")

    def __init__(self) -> None:
        lock = threading.Lock()  # asked for now: programs may have made it cooperative
        self.acquire, self.release, self.locked = lock.acquire, lock.release, lock.locked


class SerializableLock:
    """A lock whose copies, those that were pickled too, are one lock in each process.

    token: the name that copies share; without it a name that nobody else has. Between processes it excludes nobody.
    """

    _locks: ClassVar[WeakValueDictionary[Any, _Lock]] = WeakValueDictionary()

    def __init__(self, token: Any = None) -> None:
        self.token = str(uuid.uuid4()) if token is None else token
        self.lock = self._locks.setdefault(self.token, _Lock())

    def acquire(self, *args: Any, **kwargs: Any) -> bool:
        """As of threading.Lock."""
        return self.lock.acquire(*args, **kwargs)

    def release(self) -> None:
        self.lock.release()

    def locked(self) -> bool:
        return self.lock.locked()

    def __enter__(self) -> None:
        self.lock.acquire()

    def __exit__(self, *_: object) -> None:
        self.lock.release()

    def __reduce__(self) -> tuple[Any, ...]:
        return SerializableLock, (self.token,)

    def __repr__(self) -> str:
        return f"<SerializableLock: {self.token}>"
