"""Kinds of stores by name."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from typing import Any

from plait.parallel.memory.stores import FileSystemStoreBackend, StoreBackendBase

STORES: dict[str, type[StoreBackendBase]] = {"local": FileSystemStoreBackend}


def register_store_backend(backend_name: str, backend: type[StoreBackendBase]) -> None:
    """Have Memory(backend=backend_name) use a class of stores, a subclass of StoreBackendBase. Raises ValueError."""
    if not isinstance(backend_name, str):
        raise ValueError(f"Store backend name should be a string, '{backend_name}' given.")
    if not isinstance(backend, type) or not issubclass(backend, StoreBackendBase):
        raise ValueError(f"Store backend should inherit StoreBackendBase, '{backend}' given.")
    STORES[backend_name] = backend


def open_store(backend: str, location: Any, verbose: int = 0, backend_options: Mapping[str, Any] | None = None) -> Any:
    """The store at a location; a store is returned as it is. None where there is no location.

    Raises TypeError for a kind that is not registered.
    """
    if isinstance(location, StoreBackendBase) or location is None:
        return location
    if not isinstance(location, str | os.PathLike):
        warnings.warn(
            f"Instantiating a backend using a {type(location).__name__} as a location is not supported by joblib. "
            "Returning None instead.",
            UserWarning,
            stacklevel=3,
        )
        return None
    location = os.path.expanduser(os.fspath(location))
    kind = STORES.get(backend)
    if kind is None:
        raise TypeError(
            f"Unknown location {location} or backend {backend}; pass a backend of {', '.join(map(repr, STORES))}, "
            "or register_store_backend() another"
        )
    store = kind()
    store.configure(location, verbose=verbose, backend_options=dict(backend_options or {}))
    return store
