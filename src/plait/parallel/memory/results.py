"""References to cached values: small, picklable, read when asked."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from plait.parallel.logger import Logger, pformat
from plait.parallel.memory.registry import open_store


class MemorizedResult(Logger):
    """A value in a cache.

    location: of the cache, or its store. call_id: function and digest of the arguments. duration: seconds that the
    call took, where that is known; metadata: what else is noted.
    """

    def __init__(
        self,
        location: Any,
        call_id: Sequence[str],
        backend: str = "local",
        mmap_mode: str | None = None,
        verbose: int = 0,
        timestamp: float | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self._call_id = call_id
        self.store_backend = open_store(backend, location, verbose, {"mmap_mode": mmap_mode})
        self.mmap_mode = mmap_mode
        self.metadata = self.store_backend.get_metadata(call_id) if metadata is None else metadata
        self.duration = self.metadata.get("duration")
        self.verbose = verbose
        self.timestamp = timestamp

    @property
    def func(self) -> str:
        """The function's identifier."""
        return self._call_id[0]

    func_id = func

    @property
    def args_id(self) -> str:
        """The digest of the arguments."""
        return self._call_id[1]

    def get(self) -> Any:
        """The value. Raises KeyError where it was removed, or cannot be read any more."""
        try:
            return self.store_backend.load_item(
                self._call_id, timestamp=self.timestamp, metadata=self.metadata, verbose=self.verbose
            )
        except KeyError:
            raise
        except Exception as error:
            folder = os.path.join(self.store_backend.location, *self._call_id)
            raise KeyError(
                "Error while trying to load a MemorizedResult's value. "
                f"It seems that this folder is corrupted : {folder}"
            ) from error

    def clear(self) -> None:
        """Remove the value from the cache."""
        self.store_backend.clear_item(self._call_id)

    def __repr__(self) -> str:
        func, args_id = self._call_id
        return f'{type(self).__name__}(location="{self.store_backend.location}", func="{func}", args_id="{args_id}")'

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "timestamp": None}  # equal references are to have equal digests


class NotMemorizedResult:
    """A value that no cache keeps, with the interface of one that is kept."""

    __slots__ = ("valid", "value")

    def __init__(self, value: Any) -> None:
        self.value = value
        self.valid = True

    def get(self) -> Any:
        """The value. Raises KeyError after clear()."""
        if not self.valid:
            raise KeyError("No value stored.")
        return self.value

    def clear(self) -> None:
        self.valid = False
        self.value = None

    def __repr__(self) -> str:
        name = type(self).__name__
        return f"{name}({pformat(self.value)})" if self.valid else f"{name} with no value"
